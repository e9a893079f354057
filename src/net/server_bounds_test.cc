// Deadlines, sizes and counts: every bound of ServerOptions is reached here.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <deque>

#include "net/running_server_test.h"
#include "net/server.h"

namespace sluice::net {
namespace {

TEST(ServerBounds, a_large_body_arrives_whole_and_padded) {
  std::string received;
  size_t spare = 0;
  RunningServer server([&](Request request, Responder responder) {
    spare = request.body.capacity() - request.body.size();
    received = std::move(request.body);
    responder.send(Response{});
  });
  std::string body;
  for (int i = 0; body.size() < 12_MiB; ++i) body += std::to_string(i) + "\n";
  RawPeer peer = server.connect();
  peer.send(post(body));
  EXPECT_TRUE(peer.read_reply().starts_with("HTTP/1.1 200"));
  EXPECT_TRUE(received == body);
  EXPECT_GE(spare, 64u);
  EXPECT_LT(spare, body.size());  // reserved at most twice, never touched
}

TEST(ServerBounds, a_body_over_the_limit_is_told_to_the_handler_and_the_connection_ends) {
  ServerOptions options;
  options.body_bytes_max = 100'000;
  RunningServer server(echo, options);
  const std::string drained = server.ask(post(std::string(300'000, 'x')) + kGet);
  EXPECT_EQ(body_of(drained), "POST /p over 65536");
  EXPECT_NE(drained.find("Connection: close\r\n"), std::string::npos);
  // Beyond four times the limit nobody waits for the rest, and the reply still reaches a client that is sending.
  EXPECT_EQ(body_of(server.ask(post(std::string(700'000, 'x')))), "POST /p over 65536");
  // Someone who sends without end is cut.
  RawPeer peer = server.connect();
  peer.send("POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n");
  const std::string piece(64_KiB, 'x');
  size_t sent = 0;
  while (sent < 100_MiB) {
    const size_t n = peer.send(piece);
    sent += n;
    if (n < piece.size()) break;
  }
  EXPECT_LT(sent, 100_MiB);
}

TEST(ServerBounds, a_slow_head_and_a_slow_body_end_at_the_deadline) {
  ServerOptions options;
  options.request_timeout = DurationMs(150);
  RunningServer server(echo, options);
  RawPeer slow = server.connect();
  std::jthread dribble([&](const std::stop_token& stop) {
    for (const char c : "GET / HTTP/1.1\r\nHost: " + std::string(5'000, 'x')) {
      if (stop.stop_requested() || slow.send(std::string(1, c)) == 0) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  });
  EXPECT_TRUE(slow.read_to_end().starts_with("HTTP/1.1 408 "));
  dribble.request_stop();
  dribble.join();
  EXPECT_TRUE(server.ask("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc").starts_with("HTTP/1.1 408 "));
  EXPECT_EQ(server->counters().bad_requests, 2u);
}

TEST(ServerBounds, an_idle_connection_ends_without_a_word) {
  ServerOptions options;
  options.idle_timeout = DurationMs(100);
  RunningServer server(echo, options);
  EXPECT_EQ(server.ask(""), "");
  RawPeer peer = server.connect();
  peer.send(kGet);
  EXPECT_EQ(body_of(peer.read_to_end()), "GET /g ");
  EXPECT_EQ(server->counters().bad_requests, 0u);
  EXPECT_TRUE(eventually([&] { return server->counters().connections_open == 0; }));
}

TEST(ServerBounds, five_thousand_idle_connections_leave_room_for_work) {
  constexpr size_t kIdle = 5'000;
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit before = limit;
  const rlim_t needed = 2 * kIdle + 200;
  if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < needed)
    GTEST_SKIP() << "hard limit of open files is " << limit.rlim_max;
  limit.rlim_cur = std::max(limit.rlim_cur, needed);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  {
    RunningServer server(echo);
    const int64_t memory_before = server.ports().processes.resident_bytes();
    std::vector<RawPeer> idle;
    idle.reserve(kIdle);
    for (size_t i = 0; i < kIdle; ++i) {
      idle.push_back(server.connect());
      if (i % 2 == 0) idle.back().send("GET / HT");  // half of them in the middle of a head
    }
    ASSERT_TRUE(eventually([&] { return server->counters().connections_open == kIdle; }));
    RawPeer busy = server.connect();
    for (int i = 0; i < 100; ++i) {
      busy.send(kGet);
      ASSERT_EQ(body_of(busy.read_reply()), "GET /g ");
    }
#ifndef __SANITIZE_THREAD__  // its shadow memory is not ours
    EXPECT_LT(server.ports().processes.resident_bytes() - memory_before, static_cast<int64_t>(64_MiB));
#endif
    static_cast<void>(memory_before);
    idle.clear();
    busy.close();
    EXPECT_TRUE(eventually([&] { return server->counters().connections_open == 0; }));
  }
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

TEST(ServerBounds, running_out_of_descriptors_is_counted_and_survived) {
  RunningServer server(echo);
  RawPeer first = server.connect();
  first.send(kGet);
  EXPECT_EQ(body_of(first.read_reply()), "GET /g ");
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  std::deque<RawPeer> fillers;  // every descriptor that is left
  fillers.emplace_back(::socket(AF_UNIX, SOCK_STREAM, 0));
  rlimit tight = before;
  tight.rlim_cur = 100;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
  for (int filler = 0; (filler = ::socket(AF_UNIX, SOCK_STREAM, 0)) >= 0;) fillers.emplace_back(filler);
  fillers.pop_back();
  RawPeer waiting = server.connect();  // takes the last one: none is left for the server's end
  waiting.send(kGet);
  EXPECT_TRUE(eventually([&] { return server->counters().connections_refused > 0; }));
  EXPECT_LT(server->counters().connections_refused, 10u);  // it does not spin
  fillers.clear();
  EXPECT_EQ(body_of(waiting.read_reply()), "GET /g ");
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

TEST(ServerBounds, connections_beyond_the_bound_hear_503) {
  ServerOptions options;
  options.connections_max = 3;
  RunningServer server(echo, options);
  std::deque<RawPeer> peers;
  for (int i = 0; i < 3; ++i) {
    peers.push_back(server.connect());
    peers.back().send(kGet);
    EXPECT_EQ(body_of(peers.back().read_reply()), "GET /g ");
  }
  for (int i = 0; i < 200; ++i) {  // more than the server is willing to talk to
    RawPeer refused = server.connect();
    const std::string reply = refused.read_to_end();
    EXPECT_TRUE(reply.starts_with("HTTP/1.1 503 ")) << reply;
    EXPECT_NE(reply.find("Retry-After: 1\r\n"), std::string::npos);
  }
  EXPECT_EQ(server->counters().connections_refused, 200u);
  EXPECT_EQ(server->counters().connections_open, 3u);
  peers.pop_front();
  EXPECT_TRUE(eventually([&] { return server->counters().connections_open == 2; }));
  RawPeer next = server.connect();
  next.send(kGet);
  EXPECT_EQ(body_of(next.read_reply()), "GET /g ");
}

TEST(ServerBounds, refused_connections_that_stay_are_bounded_too) {
  ServerOptions options;
  options.connections_max = 1;
  RunningServer server(echo, options);
  RawPeer first = server.connect();
  first.send(kGet);
  first.read_reply();
  std::deque<RawPeer> staying;
  for (int i = 0; i < 100; ++i) staying.push_back(server.connect());
  EXPECT_TRUE(eventually([&] { return server->counters().connections_refused == 100; }));
  size_t told = 0;
  for (RawPeer& peer : staying) told += peer.read_to_end().starts_with("HTTP/1.1 503 ");
  EXPECT_EQ(told, 64u);
}

TEST(ServerBounds, requests_beyond_the_memory_bound_hear_503) {
  ServerOptions options;
  options.request_bytes_in_flight_max = 1_MiB;
  Held held;
  RunningServer server(held.handler(), options);
  RawPeer large = server.connect();
  large.send(post(std::string(900'000, 'x')));
  Responder responder = held.take();
  const std::string refused = server.ask(post(std::string(200'000, 'x')));
  EXPECT_TRUE(refused.starts_with("HTTP/1.1 503 ")) << refused;
  EXPECT_NE(refused.find("Retry-After: 1\r\n"), std::string::npos);
  responder.send(Response{});
  EXPECT_TRUE(large.read_reply().starts_with("HTTP/1.1 200"));
  RawPeer again = server.connect();  // what was answered makes room
  again.send(post(std::string(900'000, 'x')));
  held.take().send(Response{});
  EXPECT_TRUE(again.read_reply().starts_with("HTTP/1.1 200"));
}

TEST(ServerBounds, what_clients_send_ahead_waits_outside) {
  Held held;
  RunningServer server(held.handler());
  RawPeer ahead = server.connect();
  ahead.send(kGet);
  Responder responder = held.take();
  std::atomic<size_t> sent{0};
  std::jthread sender([&] {
    const std::string piece(64_KiB, 'x');
    while (sent < 100_MiB && ahead.send(piece) == piece.size()) sent += piece.size();
  });
  size_t before = 1;  // the system's buffers fill, then nothing moves any more
  EXPECT_TRUE(eventually([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    return std::exchange(before, sent.load()) == sent;
  }));
  EXPECT_LT(sent, 100_MiB);
  RawPeer other = server.connect();
  other.send(post("small"));
  held.take().send(Response{});
  EXPECT_TRUE(other.read_reply().starts_with("HTTP/1.1 200"));
  responder.send(Response{});
  EXPECT_TRUE(ahead.read_to_end().starts_with("HTTP/1.1 200"));
  ahead.shut_sending();  // ends the sender
}

TEST(ServerBounds, a_large_reply_reaches_a_slow_reader_whole) {
  std::string body;
  for (int i = 0; body.size() < 20_MiB; ++i) body += std::to_string(i);
  RunningServer server([&](Request, Responder responder) { responder.send(Response{200, {}, body}); });
  RawPeer peer = server.connect();
  peer.send(kGet + kGet);
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(body_of(peer.read_reply()) == body);
}

TEST(ServerBounds, a_reader_that_stops_reading_is_cut) {
  ServerOptions options;
  options.idle_timeout = DurationMs(100);
  RunningServer server([](Request, Responder responder) { responder.send(Response{200, {}, std::string(40_MiB, 'x')}); },
                       options);
  RawPeer peer = server.connect();
  peer.send(kGet);
  EXPECT_TRUE(eventually([&] { return server->counters().requests == 1 && server->counters().connections_open == 0; }));
}

}  // namespace
}  // namespace sluice::net
