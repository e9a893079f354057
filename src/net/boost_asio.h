// boost_asio.h - Asio, compiled once (beast.cc). Include this, never <boost/asio/...>.
#pragma once

#define BOOST_ASIO_SEPARATE_COMPILATION
#define BOOST_ASIO_NO_DEPRECATED
// Every io_context here is run by one thread and told news through its mutex: fences add nothing, and TSan cannot follow them.
#define BOOST_ASIO_DISABLE_FENCED_BLOCK

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

namespace sluice::net {

namespace asio = boost::asio;
using ErrorCode = boost::system::error_code;
// TCP and Unix sockets are one type; the concrete executor saves a virtual call per operation.
using StreamSocket = asio::basic_stream_socket<asio::generic::stream_protocol, asio::io_context::executor_type>;

}  // namespace sluice::net
