#include "net/server.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>

#include "net/running_server_test.h"
#include "os/temp_folder.h"

namespace sluice::net {
namespace {

TEST(Server, a_kept_connection_answers_many_requests) {
  RunningServer server(echo);
  RawPeer peer = server.connect();
  for (int i = 0; i < 50; ++i) {
    peer.send(post("b" + std::to_string(i)));
    const std::string reply = peer.read_reply();
    EXPECT_TRUE(reply.starts_with("HTTP/1.1 200 OK\r\nDate: ")) << reply;
    EXPECT_EQ(body_of(reply), "POST /p b" + std::to_string(i));
    EXPECT_EQ(reply.find("Connection:"), std::string::npos);
  }
  EXPECT_EQ(server->counters().requests, 50u);
  EXPECT_EQ(server->counters().connections_open, 1u);
}

TEST(Server, refused_requests_hear_why_before_the_connection_ends) {
  RunningServer server(echo);
  const std::vector<std::pair<std::string, int>> cases = {
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 501},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length : 2\r\n\r\nab", 400},
      {"POST / HTTP/1.1\nHost: x\nContent-Length: 2\n\nab", 400},
      {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(70'000, 'a') + "\r\n\r\n", 431},
      {"GET / HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/3.0\r\nHost: x\r\n\r\n", 505},
      {chunked("zz\r\n\r\n"), 400},
  };
  for (const auto& [text, status] : cases) {
    const std::string reply = server.ask(text + kGet);  // what follows a refused request is never read as one
    EXPECT_TRUE(reply.starts_with(fmt::format("HTTP/1.1 {} ", status))) << text.substr(0, 200) << reply;
    EXPECT_EQ(occurrences(reply, "\r\nDate: "), 1u);
    EXPECT_NE(reply.find("\r\nConnection: close\r\n"), std::string::npos);
    EXPECT_TRUE(body_of(reply).starts_with("{\"error\":{\"code\":\"")) << reply;
  }
  EXPECT_EQ(server->counters().bad_requests, cases.size());
  EXPECT_EQ(server->counters().requests, 0u);
}

TEST(Server, a_head_of_20_kb_is_read) {
  RunningServer server(echo);
  RawPeer peer = server.connect();
  peer.send("GET /" + std::string(20'000, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(body_of(peer.read_reply()).size(), 20'006u);
}

TEST(Server, pipelined_requests_are_answered_in_order) {
  RunningServer server(echo);
  RawPeer peer = server.connect();
  peer.send(post("one") + chunked("3;x=y\r\ntwo\r\n0\r\n\r\n") + kGet);
  EXPECT_EQ(body_of(peer.read_reply()), "POST /p one");
  EXPECT_EQ(body_of(peer.read_reply()), "POST /p two");
  EXPECT_EQ(body_of(peer.read_reply()), "GET /g ");
}

TEST(Server, pipelined_requests_wait_for_a_reply_from_another_thread) {
  Held held;
  RunningServer server(held.handler());
  RawPeer peer = server.connect();
  peer.send(kGet + kGet + kGet);
  for (int i = 0; i < 3; ++i) {
    Responder responder = held.take();
    EXPECT_EQ(held.count(), 0u);  // one request at a time
    responder.send(Response{200, {}, std::to_string(i)});
    EXPECT_EQ(body_of(peer.read_reply()), std::to_string(i));
  }
}

TEST(Server, thousands_of_pipelined_requests_are_all_answered) {
  RunningServer server(echo);
  RawPeer peer = server.connect();
  std::string many;
  for (int i = 0; i < 5'000; ++i) many += kGet;
  std::jthread sender([&] { peer.send(many + "GET /g HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); });
  EXPECT_EQ(occurrences(peer.read_to_end(), "GET /g "), 5'001u);
}

TEST(Server, a_client_that_expects_it_is_told_to_continue) {
  RunningServer server(echo);
  RawPeer peer = server.connect();
  peer.send("POST /p HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(peer.read_through("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  peer.send("ab");
  EXPECT_EQ(body_of(peer.read_reply()), "POST /p ab");
}

TEST(Server, head_is_answered_without_a_body_and_without_a_length) {
  RunningServer server(echo);
  RawPeer peer = server.connect();
  peer.send("HEAD /h HTTP/1.1\r\nHost: x\r\n\r\n" + kGet);
  const std::string reply = peer.read_through("\r\n\r\n");
  EXPECT_TRUE(reply.starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(reply.find("Content-Length"), std::string::npos);
  EXPECT_EQ(body_of(peer.read_reply()), "GET /g ");
}

TEST(Server, http_1_0_closes_unless_it_asks_to_be_kept) {
  RunningServer server(echo);
  const std::string reply = server.ask("GET /g HTTP/1.0\r\n\r\n");
  EXPECT_NE(reply.find("Connection: close\r\n"), std::string::npos);
  EXPECT_EQ(body_of(reply), "GET /g ");
  RawPeer peer = server.connect();
  peer.send("GET /g HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_NE(peer.read_reply().find("Connection: keep-alive\r\n"), std::string::npos);
  peer.send(kGet);
  EXPECT_EQ(body_of(peer.read_reply()), "GET /g ");
}

TEST(Server, a_dropped_responder_is_answered_500) {
  RunningServer server([](Request, Responder) {});
  RawPeer peer = server.connect();
  peer.send(kGet);
  EXPECT_TRUE(peer.read_reply().starts_with("HTTP/1.1 500 "));
}

TEST(Server, a_client_that_leaves_is_noticed_while_the_handler_works) {
  Held held;
  RunningServer server(held.handler());
  for (const bool reset : {false, true}) {
    RawPeer peer = server.connect();
    peer.send(kGet);
    Responder responder = held.take();
    EXPECT_TRUE(responder.alive());
    if (reset) {
      peer.reset();
    } else {
      peer.close();
    }
    EXPECT_TRUE(eventually([&] { return !responder.alive(); }));
    responder.send(Response{200, {}, std::string(1_MiB, 'x')});
  }
  EXPECT_TRUE(eventually([&] { return server->counters().connections_open == 0; }));
}

TEST(Server, a_client_that_only_stops_sending_gets_its_replies) {
  RunningServer server(echo);
  RawPeer peer = server.connect();
  peer.send(kGet + post("last"));
  peer.shut_sending();
  const std::string replies = peer.read_to_end();
  EXPECT_EQ(occurrences(replies, "GET /g "), 1u);
  EXPECT_EQ(occurrences(replies, "POST /p last"), 1u);
  Held held;
  RunningServer later(held.handler());
  RawPeer waiting = later.connect();
  waiting.send(kGet);
  waiting.shut_sending();
  Responder responder = held.take();
  EXPECT_TRUE(eventually([&] { return !responder.alive(); }));
  responder.send(Response{200, {}, "late"});
  EXPECT_EQ(body_of(waiting.read_to_end()), "late");
}

TEST(Server, unix_sockets_serve_too) {
  const os::TempFolder folder;
  std::string peer_name;
  RunningServer server(
      [&](Request request, Responder responder) {
        peer_name = request.peer;
        echo(std::move(request), std::move(responder));
      },
      {}, folder.file("s"));
  RawPeer peer = server.connect();
  peer.send(post("u"));
  EXPECT_EQ(body_of(peer.read_reply()), "POST /p u");
  EXPECT_EQ(peer_name, "unix");
}

TEST(Server, a_taken_port_is_a_conflict_also_with_several_threads) {
  ServerOptions options;
  options.threads = 2;
  RunningServer server(echo, options);
  os::RealPorts other;  // as another process would have
  for (const size_t threads : {size_t{1}, size_t{2}}) {
    options.threads = threads;
    const auto second = Server::listen(other.ports(), server->bound(), "", options, echo);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Code::conflict);
  }
}

TEST(Server, two_threads_share_one_address) {
  ServerOptions options;
  options.threads = 2;
  std::mutex mutex;
  std::vector<std::thread::id> seen;
  RunningServer server(
      [&](Request, Responder responder) {
        {
          const std::lock_guard lock(mutex);
          if (std::ranges::find(seen, std::this_thread::get_id()) == seen.end()) seen.push_back(std::this_thread::get_id());
        }
        responder.send(Response{});
      },
      options);
  for (int i = 0; i < 200; ++i) {
    RawPeer peer = server.connect();
    peer.send(kGet);
    ASSERT_TRUE(peer.read_reply().starts_with("HTTP/1.1 200"));
  }
  EXPECT_EQ(seen.size(), 2u);
}

TEST(Server, replies_from_other_threads_reach_their_own_clients) {
  constexpr int kClients = 16;
  constexpr int kEach = 200;
  std::mutex mutex;
  std::condition_variable filled;
  std::deque<std::pair<std::string, Responder>> waiting;
  ServerOptions options;
  options.threads = 2;
  RunningServer server(
      [&](Request request, Responder responder) {
        const std::lock_guard lock(mutex);
        waiting.emplace_back(std::move(request.body), std::move(responder));
        filled.notify_one();
      },
      options);
  std::vector<std::jthread> workers;
  for (int i = 0; i < 2; ++i) {
    workers.emplace_back([&](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        std::unique_lock lock(mutex);
        if (!filled.wait_for(lock, std::chrono::milliseconds(10), [&] { return !waiting.empty(); })) continue;
        auto [body, responder] = std::move(waiting.front());
        waiting.pop_front();
        lock.unlock();
        responder.send(Response{200, {}, std::move(body)});
      }
    });
  }
  std::atomic<int> right{0};
  {
    std::vector<std::jthread> clients;
    for (int c = 0; c < kClients; ++c) {
      clients.emplace_back([&, c] {
        RawPeer peer = server.connect();
        for (int i = 0; i < kEach; ++i) {
          const std::string text = fmt::format("{}-{}", c, i);
          peer.send(post(text));
          if (body_of(peer.read_reply()) == text) ++right;
        }
      });
    }
  }
  EXPECT_EQ(right, kClients * kEach);
}

TEST(Server, stop_answers_what_is_in_flight_and_ends_the_rest) {
  Held held;
  RunningServer server(held.handler());
  RawPeer idle = server.connect();
  RawPeer working = server.connect();
  working.send(kGet);
  Responder responder = held.take();
  RawPeer arriving = server.connect();
  arriving.send("POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab");
  ASSERT_TRUE(eventually([&] { return server->counters().connections_open == 3; }));
  std::jthread stopper([&] { server.stop(); });
  EXPECT_EQ(idle.read_to_end(), "");
  responder.send(Response{200, {}, "done"});
  const std::string reply = working.read_to_end();
  EXPECT_EQ(body_of(reply), "done");
  EXPECT_NE(reply.find("Connection: close\r\n"), std::string::npos);
  arriving.send("cd");
  held.take().send(Response{200, {}, "too"});
  EXPECT_EQ(body_of(arriving.read_to_end()), "too");
  working.close();
  arriving.close();
  stopper.join();
  EXPECT_EQ(server->counters().connections_open, 0u);
}

TEST(Server, stop_cuts_what_does_not_end_in_time) {
  Held held;
  ServerOptions options;
  options.drain_timeout = DurationMs(200);
  RunningServer server(held.handler(), options);
  RawPeer peer = server.connect();
  peer.send(kGet);
  Responder responder = held.take();
  const auto before = std::chrono::steady_clock::now();
  server.stop();
  const auto took = std::chrono::steady_clock::now() - before;
  EXPECT_GE(took, options.drain_timeout);
  EXPECT_LT(took, kTestPatience);
  EXPECT_FALSE(responder.alive());
  EXPECT_EQ(peer.read_to_end(), "");
  responder.send(Response{});  // to nobody
}

TEST(Server, responders_and_streams_outlive_the_server) {
  Held held;
  std::optional<Responder> late;
  std::shared_ptr<Stream> stream;
  {
    ServerOptions options;
    options.drain_timeout = DurationMs(40);
    RunningServer server(held.handler(), options);
    RawPeer one = server.connect();
    one.send(kGet);
    late.emplace(held.take());
    RawPeer two = server.connect();
    two.send(kGet);
    stream = held.take().start(Response{}, 1'000);
    EXPECT_TRUE(stream->write("x"));
  }
  EXPECT_FALSE(late->alive());
  late->send(Response{});
  EXPECT_FALSE(stream->open());
  EXPECT_FALSE(stream->write("y"));
  stream->close();
}

}  // namespace
}  // namespace sluice::net
