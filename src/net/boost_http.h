// boost_http.h - Beast's parser, compiled once (beast.cc). Include this, never <boost/beast/...>.
#pragma once

#define BOOST_ASIO_SEPARATE_COMPILATION
#define BOOST_BEAST_SEPARATE_COMPILATION
#define BOOST_ASIO_NO_DEPRECATED
#define BOOST_ASIO_DISABLE_FENCED_BLOCK

#include <boost/beast/http/basic_parser.hpp>
