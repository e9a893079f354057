// web_port_test_fixture.h - a web port with requests and answers in memory.
#pragma once

#include <gtest/gtest.h>
#include <libdeflate.h>

#include <memory>
#include <string>
#include <vector>

#include "serve/page_test_fixture.h"
#include "serve/web_port.h"

namespace sluice::serve {

// A request's other side in memory.
class HandExchange final : public net::Exchange {
 public:
  void send(net::Response r) override { response = std::move(r); }
  std::shared_ptr<net::Stream> start(net::Response head, size_t) override {
    response = std::move(head);
    stream = std::make_shared<HandStream>();
    return stream;
  }
  bool alive() const override { return is_alive; }

  std::optional<net::Response> response;
  std::shared_ptr<HandStream> stream;
  bool is_alive = true;
};

class HandActions final : public Actions {
 public:
  Result<std::string> trace_json(const std::string& id) override { return "{\"id\":\"" + id + "\"}"; }
  Result<std::string> ledger_json() override { return std::string("{\"balances\":true}"); }
  Result<std::string> create_key(const std::string& source, const std::string&) override {
    if (source != "site") return fail(Code::not_found, "no source " + source);
    return std::string("k\"ey");
  }
  void collect_metrics(MetricsText& into) override { into.add("sluice_uptime_seconds", 7); }
};

inline std::string gzip(const std::string& text) {
  libdeflate_compressor* compressor = libdeflate_alloc_compressor(6);
  std::string out(libdeflate_gzip_compress_bound(compressor, text.size()), '\0');
  out.resize(libdeflate_gzip_compress(compressor, text.data(), text.size(), out.data(), out.size()));
  libdeflate_free_compressor(compressor);
  return out;
}

class WebPortTest : public PageTest {
 protected:
  WebPortTest() {
    files_ = {{"/index.html", index_gzip_, kIndex.size()}, {"/assets/app-3f9a.js", script_gzip_, kScript.size()}};
    port_ = std::make_unique<WebPort>(hub(), store_, actions_, clock_, WebOptions{}, files_);
  }
  std::shared_ptr<HandExchange> send(net::Request request, Trust trust = Trust::network) {
    if (!request.header("Host")) request.headers.emplace_back("Host", "127.0.0.1:18090");
    auto exchange = std::make_shared<HandExchange>();
    port_->handle(std::move(request), net::Responder(exchange), trust);
    return exchange;
  }
  net::Response ask(net::Request request, Trust trust = Trust::network) {
    const auto exchange = send(std::move(request), trust);
    while (!exchange->response && port_->step(DurationMs(0))) {
    }
    EXPECT_TRUE(exchange->response);
    return exchange->response.value_or(net::Response{});
  }
  net::Response get(const std::string& path, const std::string& query = "", net::Headers headers = {}) {
    return ask({"GET", path, query, std::move(headers), "", false, "127.0.0.1"});
  }
  net::Response post(const std::string& path, const std::string& body, Trust trust = Trust::network) {
    return ask({"POST", path, "", {}, body, false, "127.0.0.1"}, trust);
  }

  const std::string kIndex = "<!doctype html><title>page</title>";
  const std::string kScript = "console.log(1)";
  const std::string index_gzip_ = gzip(kIndex);
  const std::string script_gzip_ = gzip(kScript);
  std::vector<EmbeddedFile> files_;
  HandActions actions_;
  std::unique_ptr<WebPort> port_;
};

}  // namespace sluice::serve
