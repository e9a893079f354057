#include <fmt/format.h>
#include <gtest/gtest.h>

#include <future>

#include "net/running_server_test.h"

namespace sluice::net {
namespace {

// A server whose only handler starts a stream and hands it to the test.
class StreamServer {
 public:
  explicit StreamServer(size_t buffered_max, ServerOptions options = {})
      : server_(
            [this, buffered_max](Request, Responder responder) {
              started_.set_value(responder.start(Response{200, {{"Content-Type", "text/event-stream"}}, first_}, buffered_max));
            },
            options) {}

  std::shared_ptr<Stream> stream() { return started_.get_future().get(); }
  void begin_with(std::string first) { first_ = std::move(first); }
  RunningServer& operator*() { return server_; }
  RunningServer* operator->() { return &server_; }

 private:
  std::string first_;
  std::promise<std::shared_ptr<Stream>> started_;
  RunningServer server_;
};

TEST(Stream, pieces_arrive_as_chunks_as_they_are_written) {
  StreamServer server(1'000);
  RawPeer peer = server->connect();
  peer.send(kGet);
  const std::shared_ptr<Stream> stream = server.stream();
  const std::string head = peer.read_through("\r\n\r\n");
  EXPECT_NE(head.find("\r\nTransfer-Encoding: chunked\r\n"), std::string::npos);
  EXPECT_NE(head.find("\r\nContent-Type: text/event-stream\r\n"), std::string::npos);
  EXPECT_EQ(head.find("Content-Length"), std::string::npos);
  EXPECT_TRUE(stream->write("hello"));
  EXPECT_EQ(peer.read_bytes(10), "5\r\nhello\r\n");
  EXPECT_TRUE(stream->write("0123456789abcdef"));
  EXPECT_EQ(peer.read_bytes(22), "10\r\n0123456789abcdef\r\n");
  EXPECT_TRUE(eventually([&] { return stream->buffered_bytes() == 0; }));
  stream->close();
  EXPECT_FALSE(stream->open());
  EXPECT_FALSE(stream->write("after"));
  EXPECT_EQ(peer.read_bytes(5), "0\r\n\r\n");
  EXPECT_EQ((*server)->counters().connections_open, 1u);  // kept for the next request
}

TEST(Stream, the_body_of_the_head_comes_first) {
  StreamServer server(1'000);
  server.begin_with("first");
  RawPeer peer = server->connect();
  peer.send(kGet);
  const std::shared_ptr<Stream> stream = server.stream();
  stream->close();
  peer.read_through("\r\n\r\n");
  EXPECT_EQ(peer.read_bytes(15), "5\r\nfirst\r\n0\r\n\r\n");
}

TEST(Stream, a_client_that_never_reads_costs_no_more_than_the_bound) {
  constexpr size_t kBound = 100'000;
  ServerOptions options;
  options.idle_timeout = DurationMs(2'000);
  StreamServer server(kBound, options);
  RawPeer peer = server->connect();
  peer.send(kGet);
  const std::shared_ptr<Stream> stream = server.stream();
  const std::string piece(10'000, 'x');
  size_t taken = 0;
  // The system's own buffers take some megabytes first, and may grow; the bound is reached when nothing was taken for a while.
  auto last_taken = std::chrono::steady_clock::now();
  EXPECT_TRUE(eventually([&] {
    while (stream->write(piece)) {
      taken += piece.size();
      last_taken = std::chrono::steady_clock::now();
    }
    EXPECT_LE(stream->buffered_bytes(), kBound);
    return std::chrono::steady_clock::now() - last_taken > options.idle_timeout / 8 &&
           stream->buffered_bytes() > kBound - piece.size();
  }));
  EXPECT_TRUE(stream->open());
  EXPECT_LT(taken, 64_MiB);
  // And whoever reads nothing for the idle timeout is cut.
  EXPECT_TRUE(eventually([&] { return !stream->open(); }));
  EXPECT_EQ((*server)->counters().connections_open, 0u);
}

TEST(Stream, a_piece_over_the_bound_is_not_taken) {
  StreamServer server(10);
  RawPeer peer = server->connect();
  peer.send(kGet);
  const std::shared_ptr<Stream> stream = server.stream();
  EXPECT_FALSE(stream->write("0123456789a"));
  EXPECT_FALSE(stream->write_within("0123456789a", DurationMs(60'000)));  // at once: it can never fit
  EXPECT_TRUE(stream->open());
  EXPECT_TRUE(stream->write("0123456789"));
}

TEST(Stream, a_silent_stream_lives_longer_than_the_idle_timeout) {
  ServerOptions options;
  options.idle_timeout = DurationMs(40);
  StreamServer server(1'000, options);
  RawPeer peer = server->connect();
  peer.send(kGet);
  const std::shared_ptr<Stream> stream = server.stream();
  peer.read_through("\r\n\r\n");
  EXPECT_FALSE(peer.closed_within(std::chrono::milliseconds(400)));
  EXPECT_TRUE(stream->write("still"));
  EXPECT_EQ(peer.read_bytes(10), "5\r\nstill\r\n");
}

TEST(Stream, a_client_that_leaves_a_silent_stream_is_noticed) {
  StreamServer server(1'000);
  RawPeer peer = server->connect();
  peer.send(kGet);
  const std::shared_ptr<Stream> stream = server.stream();
  peer.read_through("\r\n\r\n");
  EXPECT_TRUE(stream->open());
  peer.close();
  EXPECT_TRUE(eventually([&] { return !stream->open(); }));
  EXPECT_FALSE(stream->write("x"));
}

TEST(Stream, abort_and_forgetting_cut_the_reply_before_its_last_chunk) {
  for (const bool forget : {false, true}) {
    StreamServer server(1'000);
    RawPeer peer = server->connect();
    peer.send(kGet);
    std::shared_ptr<Stream> stream = server.stream();
    EXPECT_TRUE(stream->write("half"));
    peer.read_through("4\r\nhalf\r\n");
    if (forget) {
      stream.reset();
    } else {
      stream->abort();
    }
    EXPECT_EQ(peer.read_to_end(), "");
  }
}

TEST(Stream, http_1_0_gets_the_bare_bytes_and_the_end_of_the_connection) {
  StreamServer server(1'000);
  RawPeer peer = server->connect();
  peer.send("GET / HTTP/1.0\r\n\r\n");
  const std::shared_ptr<Stream> stream = server.stream();
  EXPECT_TRUE(stream->write("bare"));
  stream->close();
  const std::string reply = peer.read_to_end();
  EXPECT_EQ(reply.find("Transfer-Encoding"), std::string::npos);
  EXPECT_TRUE(reply.ends_with("Connection: close\r\n\r\nbare")) << reply;
}

TEST(Stream, head_requests_end_at_once) {
  StreamServer server(1'000);
  RawPeer peer = server->connect();
  peer.send("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::shared_ptr<Stream> stream = server.stream();
  EXPECT_FALSE(stream->open());
  EXPECT_FALSE(stream->write("x"));
  EXPECT_NE(peer.read_through("\r\n\r\n").find("HTTP/1.1 200 OK"), std::string::npos);
  EXPECT_FALSE(peer.closed_within(std::chrono::milliseconds(50)));
}

TEST(Stream, a_writer_that_waits_sends_a_long_result_through_a_small_bound) {
  StreamServer server(64_KiB);
  RawPeer peer = server->connect();
  peer.send("GET / HTTP/1.0\r\n\r\n");
  const std::shared_ptr<Stream> stream = server.stream();
  std::string all;
  for (int i = 0; all.size() < 20_MiB; ++i) all += std::to_string(i) + ",";
  std::jthread writer([&] {
    for (size_t at = 0; at < all.size(); at += 50'000)
      ASSERT_TRUE(stream->write_within(all.substr(at, 50'000), DurationMs(20'000)));
    stream->close();
  });
  peer.read_through("\r\n\r\n");
  EXPECT_TRUE(peer.read_to_end() == all);
}

TEST(Stream, a_writer_that_waits_ends_when_the_client_leaves_or_time_is_up) {
  StreamServer server(1'000);
  RawPeer peer = server->connect();
  peer.send(kGet);
  const std::shared_ptr<Stream> stream = server.stream();
  const std::string piece(1'000, 'x');
  while (stream->write_within(piece, DurationMs(50))) {
  }
  EXPECT_TRUE(stream->open());
  std::jthread leaver([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    peer.reset();
  });
  const auto before = std::chrono::steady_clock::now();
  while (stream->write_within(piece, DurationMs(60'000))) {
  }
  EXPECT_LT(std::chrono::steady_clock::now() - before, kTestPatience);
}

TEST(Stream, many_writers_to_many_clients_keep_every_byte_in_order) {
  std::mutex mutex;
  std::vector<std::shared_ptr<Stream>> streams;
  ServerOptions options;
  options.threads = 2;
  RunningServer server(
      [&](Request, Responder responder) {
        const std::lock_guard lock(mutex);
        streams.push_back(responder.start(Response{}, 1_MiB));
      },
      options);
  constexpr size_t kClients = 20;
  std::vector<RawPeer> peers;
  peers.reserve(kClients);
  for (size_t i = 0; i < kClients; ++i) {
    peers.push_back(server.connect());
    peers.back().send("GET / HTTP/1.0\r\n\r\n");
  }
  ASSERT_TRUE(eventually([&] {
    const std::lock_guard lock(mutex);
    return streams.size() == kClients;
  }));
  std::string expected;
  for (int i = 0; i < 1'000; ++i) expected += fmt::format("{:06}", i);
  {
    std::vector<std::jthread> writers;
    for (size_t half = 0; half < 2; ++half) {
      writers.emplace_back([&, half] {
        for (int i = 0; i < 1'000; ++i) {
          for (size_t s = half; s < kClients; s += 2) ASSERT_TRUE(streams[s]->write(fmt::format("{:06}", i)));
        }
        for (size_t s = half; s < kClients; s += 2) streams[s]->close();
      });
    }
  }
  for (RawPeer& peer : peers) {
    peer.read_through("\r\n\r\n");
    EXPECT_EQ(peer.read_to_end(), expected);
  }
}

TEST(Stream, stop_cuts_open_streams_after_the_drain_time) {
  ServerOptions options;
  options.drain_timeout = DurationMs(100);
  StreamServer server(1'000, options);
  RawPeer peer = server->connect();
  peer.send(kGet);
  const std::shared_ptr<Stream> stream = server.stream();
  server->stop();
  EXPECT_FALSE(stream->open());
}

TEST(Stream, a_stream_closed_during_stop_ends_whole) {
  StreamServer server(1'000);
  RawPeer peer = server->connect();
  peer.send(kGet);
  const std::shared_ptr<Stream> stream = server.stream();
  std::jthread stopper([&] { server->stop(); });
  EXPECT_TRUE(stream->write("bye"));
  stream->close();
  EXPECT_TRUE(peer.read_to_end().ends_with("3\r\nbye\r\n0\r\n\r\n"));
  peer.close();
}

}  // namespace
}  // namespace sluice::net
