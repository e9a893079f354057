#include "net/client.h"

#include <gtest/gtest.h>

#include "net/running_server_test.h"
#include "os/temp_folder.h"

namespace sluice::net {
namespace {

// Accepts one connection after the other and plays a script with each.
class ScriptedServer {
 public:
  using Script = std::function<void(RawPeer& peer, int connection)>;
  explicit ScriptedServer(Script script) {
    Result<os::Listening> made = real_.ports().sockets.listen_tcp(os::Endpoint{"127.0.0.1", 0}, false);
    SLUICE_ASSERT(made, "the test's server listens");
    const os::Listening listening = std::move(made).value();
    descriptor_ = listening.descriptor;
    address_.tcp = listening.bound;
    thread_ = std::jthread([this, script = std::move(script)](const std::stop_token& stop) {
      for (int connection = 0; !stop.stop_requested();) {
        pollfd waited{descriptor_, POLLIN, 0};
        if (::poll(&waited, 1, 5) != 1) continue;
        RawPeer peer(::accept(descriptor_, nullptr, nullptr));
        script(peer, connection++);
      }
    });
  }
  ~ScriptedServer() {
    thread_.request_stop();
    thread_.join();
    ::close(descriptor_);
  }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;
  std::unique_ptr<Client> client() { return Client::to(real_.ports(), address_); }
  const Address& address() const { return address_; }

 private:
  os::RealPorts real_;
  int descriptor_ = -1;
  Address address_;
  std::jthread thread_;
};

ClientRequest get(std::string target = "/") {
  ClientRequest request;
  request.method = "GET";
  request.target = std::move(target);
  return request;
}
// nullopt: it succeeded.
std::optional<Code> code_of(const Result<Response>& result) {
  return result ? std::nullopt : std::optional<Code>(result.error().code);
}

TEST(Client, requests_reuse_one_connection) {
  RunningServer server([](Request request, Responder responder) {
    responder.send(Response{
        201, {{"X-Path", request.path}}, request.method + std::string(request.header("x-a").value_or("")) + request.body});
  });
  const auto client = Client::to(server.ports(), Address{server->bound(), ""});
  for (int i = 0; i < 20; ++i) {
    const std::string body = "body" + std::to_string(i);
    ClientRequest request;
    request.target = "/a%20b?c";
    request.headers = {{"X-A", "-"}};
    request.body = body;
    Result<Response> reply = client->send(request, 1'000);
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->status, 201);
    EXPECT_EQ(reply->body, "POST-" + body);
    EXPECT_EQ(find_header(reply->headers, "x-path"), "/a b");
  }
  EXPECT_EQ(server->counters().connections_open, 1u);
  EXPECT_EQ(server->counters().requests, 20u);
}

TEST(Client, unix_sockets_and_large_bodies_work_both_ways) {
  const os::TempFolder folder;
  RunningServer server([](Request request, Responder responder) { responder.send(Response{200, {}, std::move(request.body)}); },
                       {}, folder.file("s"));
  const auto client = Client::to(server.ports(), Address{{}, folder.file("s")});
  std::string body;
  for (int i = 0; body.size() < 10_MiB; ++i) body += std::to_string(i);
  ClientRequest request;
  request.body = body;
  Result<Response> reply = client->send(request, 11_MiB);
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_TRUE(reply->body == body);
}

TEST(Client, nobody_listens_is_unavailable) {
  os::RealPorts real;
  Address address;
  {
    RunningServer gone([](Request, Responder) {});
    address.tcp = gone->bound();
  }
  EXPECT_EQ(code_of(Client::to(real.ports(), address)->send(get(), 10)), Code::unavailable);
  const os::TempFolder folder;
  EXPECT_EQ(code_of(Client::to(real.ports(), Address{{}, folder.file("none")})->send(get(), 10)), Code::unavailable);
}

TEST(Client, replies_in_pieces_of_any_size_are_put_together) {
  const std::string reply =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n"
      "3;e\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\nT: u\r\n\r\n";
  for (const size_t piece : {size_t{1}, size_t{7}, reply.size()}) {
    ScriptedServer server([&](RawPeer& peer, int) {
      for (int i = 0; i < 2; ++i) {
        peer.read_through("\r\n\r\n");
        for (size_t at = 0; at < reply.size(); at += piece) {
          peer.send(std::string_view(reply).substr(at, piece));
          if (piece < 10) std::this_thread::yield();
        }
      }
    });
    const auto client = server.client();
    for (int i = 0; i < 2; ++i) {
      Result<Response> got = client->send(get(), 1'000);
      ASSERT_TRUE(got) << got.error().message;
      EXPECT_EQ(got->body, "abc0123456789abcdef");
      EXPECT_EQ(find_header(got->headers, "x"), "y");
      EXPECT_EQ(find_header(got->headers, "t"), std::nullopt);
    }
  }
}

TEST(Client, a_reply_that_is_cut_is_unknown_wherever_it_is_cut) {
  const std::vector<std::string> whole = {
      "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n",
  };
  for (const std::string& reply : whole) {
    std::atomic<size_t> cut{0};
    ScriptedServer server([&](RawPeer& peer, int) {
      peer.read_through("\r\n\r\n");
      peer.send(std::string_view(reply).substr(0, cut));
    });
    for (; cut < reply.size(); ++cut) {
      const Result<Response> got = server.client()->send(get(), 1'000);
      ASSERT_EQ(code_of(got), Code::unknown) << cut;
      EXPECT_NE(got.error().message.find(server.address().tcp.text()), std::string::npos);
    }
    Result<Response> got = server.client()->send(get(), 1'000);
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_EQ(got->body, "0123456789");
  }
}

TEST(Client, a_reply_without_a_length_ends_with_the_connection) {
  ScriptedServer server([](RawPeer& peer, int) {
    peer.read_through("\r\n\r\n");
    peer.send("HTTP/1.0 200 OK\r\n\r\nall of it");
  });
  const auto client = server.client();
  for (int i = 0; i < 2; ++i) {
    Result<Response> got = client->send(get(), 1'000);
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_EQ(got->body, "all of it");
  }
}

TEST(Client, a_reset_after_the_request_was_sent_is_unknown) {
  ScriptedServer server([](RawPeer& peer, int) {
    peer.read_through("\r\n\r\n");
    peer.reset();
  });
  EXPECT_EQ(code_of(server.client()->send(get(), 10)), Code::unknown);
}

TEST(Client, a_connection_closed_while_idle_is_replaced_before_anything_is_sent) {
  std::atomic<int> connections{0};
  std::atomic<bool> closed{false};
  ScriptedServer server([&](RawPeer& peer, int) {
    ++connections;
    peer.read_through("\r\n\r\n");
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");  // does not say that it closes
    peer.close();
    closed = true;
  });
  const auto client = server.client();
  for (int i = 0; i < 10; ++i) {
    closed = false;
    const Result<Response> got = client->send(get(), 10);
    ASSERT_TRUE(got) << got.error().message;
    ASSERT_TRUE(eventually([&] { return closed.load(); }));
  }
  EXPECT_EQ(connections, 10);
}

TEST(Client, bytes_after_a_reply_end_the_connection) {
  std::atomic<int> connections{0};
  ScriptedServer server([&](RawPeer& peer, int) {
    ++connections;
    peer.read_through("\r\n\r\n");
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong");
    peer.read_to_end();
  });
  const auto client = server.client();
  for (int i = 0; i < 3; ++i) {
    Result<Response> got = client->send(get(), 10);
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_EQ(got->body, "x");
  }
  EXPECT_EQ(connections, 3);
}

TEST(Client, an_answer_that_does_not_come_in_time_is_unknown) {
  ScriptedServer server([](RawPeer& peer, int) { peer.read_to_end(); });
  ClientRequest request = get();
  request.timeout = DurationMs(100);
  const auto before = std::chrono::steady_clock::now();
  const Result<Response> got = server.client()->send(request, 10);
  EXPECT_EQ(code_of(got), Code::unknown);
  EXPECT_GE(std::chrono::steady_clock::now() - before, request.timeout);
  EXPECT_LT(std::chrono::steady_clock::now() - before, kTestPatience);
}

TEST(Client, the_timeout_is_for_the_whole_exchange) {
  ScriptedServer server([](RawPeer& peer, int) {
    peer.read_through("\r\n\r\n");
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
    while (peer.send("x") == 1) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  });
  ClientRequest request = get();
  request.timeout = DurationMs(150);
  EXPECT_EQ(code_of(server.client()->send(request, 10'000'000)), Code::unknown);
}

TEST(Client, cancel_ends_a_running_request_and_the_next_one_works) {
  ScriptedServer server([](RawPeer& peer, int connection) {
    peer.read_through("\r\n\r\n");
    if (connection > 0) peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
    peer.read_to_end();
  });
  const auto client = server.client();
  client->cancel();  // nothing runs: nothing happens
  std::atomic<bool> over{false};
  std::jthread canceller([&] {
    while (!over) {  // again and again, since the request may not have begun
      client->cancel();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  const Result<Response> got = client->send(get(), 10);
  over = true;
  canceller.join();
  EXPECT_EQ(code_of(got), Code::closed);
  const Result<Response> next = client->send(get(), 10);
  EXPECT_TRUE(next) << next.error().message;
}

TEST(Client, a_reply_larger_than_asked_for_is_full_and_what_fits_exactly_is_not) {
  RunningServer server([](Request, Responder responder) { responder.send(Response{200, {}, std::string(100'000, 'x')}); });
  const auto client = Client::to(server.ports(), Address{server->bound(), ""});
  EXPECT_EQ(code_of(client->send(get(), 99'999)), Code::full);
  Result<Response> got = client->send(get(), 100'000);
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->body.size(), 100'000u);
}

TEST(Client, a_stream_hands_on_pieces_until_the_caller_has_enough) {
  RunningServer server([](Request, Responder responder) { responder.send(Response{200, {}, std::string(5_MiB, 'x')}); });
  const auto client = Client::to(server.ports(), Address{server->bound(), ""});
  int heads = 0;
  size_t bytes = 0;
  const auto on_head = [&](const Response& head) {
    ++heads;
    return head.status == 200;
  };
  const Status all = client->stream(get(), on_head, [&](std::string_view piece) {
    bytes += piece.size();
    return true;
  });
  EXPECT_TRUE(all);
  EXPECT_EQ(heads, 1);
  EXPECT_EQ(bytes, 5_MiB);
  const Status enough = client->stream(get(), on_head, [&](std::string_view) { return false; });
  ASSERT_FALSE(enough);
  EXPECT_EQ(enough.error().code, Code::closed);
  const Status unwanted = client->stream(get(), [](const Response&) { return false; }, [](std::string_view) { return true; });
  ASSERT_FALSE(unwanted);
  EXPECT_EQ(unwanted.error().code, Code::closed);
  EXPECT_TRUE(client->send(get(), 5_MiB));
}

TEST(Client, a_refusal_that_comes_before_the_body_is_sent_is_read) {
  ServerOptions options;
  options.body_bytes_max = 1'000'000;
  RunningServer server(
      [](Request request, Responder responder) {
        responder.send(json_error(request.body_over_limit ? 413 : 200, "x", "y", "z"));
      },
      options);
  const auto client = Client::to(server.ports(), Address{server->bound(), ""});
  const std::string body(50_MiB, 'x');
  ClientRequest request;
  request.body = body;
  for (int i = 0; i < 3; ++i) {
    Result<Response> got = client->send(request, 1'000);
    if (got) {
      EXPECT_EQ(got->status, 413);
    } else {
      EXPECT_EQ(got.error().code, Code::unknown);  // the server stopped reading for good: a reset may overtake the reply
    }
  }
  ScriptedServer early([](RawPeer& peer, int) {
    peer.read_through("\r\n\r\n");
    peer.send("HTTP/1.1 503 Busy\r\nContent-Length: 1\r\n\r\nb");
    peer.read_to_end();
  });
  Result<Response> got = early.client()->send(request, 1'000);
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->status, 503);
}

TEST(Client, heads_without_end_and_nonsense_are_refused) {
  const std::vector<std::string> replies = {
      "HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'x'),
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + std::string(20'000, 'x'),
      "SSH-2.0-OpenSSH\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
  };
  for (const std::string& reply : replies) {
    ScriptedServer server([&](RawPeer& peer, int) {
      peer.read_through("\r\n\r\n");
      peer.send(reply);
      peer.read_to_end();
    });
    const auto before = std::chrono::steady_clock::now();
    EXPECT_EQ(code_of(server.client()->send(get(), 100)), Code::unknown) << reply.substr(0, 60);
    EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(10));  // found, not waited for
  }
}

TEST(Client, head_requests_have_no_body_whatever_length_is_told) {
  ScriptedServer server([](RawPeer& peer, int) {
    for (int i = 0; i < 2; ++i) {
      peer.read_through("\r\n\r\n");
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
    }
  });
  const auto client = server.client();
  ClientRequest request = get();
  request.method = "HEAD";
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(client->send(request, 10));
}

TEST(Client, text_that_would_change_the_request_is_refused_before_anything_is_sent) {
  os::RealPorts real;
  const auto client = Client::to(real.ports(), Address{os::Endpoint{"127.0.0.1", 1}, ""});
  EXPECT_EQ(code_of(client->send(get("/a b"), 10)), Code::invalid);
  EXPECT_EQ(code_of(client->send(get("/a\r\nX: y"), 10)), Code::invalid);
  ClientRequest request = get();
  request.headers = {{"X", "a\r\nY: b"}};
  EXPECT_FALSE(client->send(request, 10));
  EXPECT_EQ(client->send(request, 10).error().code, Code::invalid);
}

}  // namespace
}  // namespace sluice::net
