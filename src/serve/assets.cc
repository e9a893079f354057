#include "serve/assets.h"

#include <libdeflate.h>

#include <memory>

#include "base/hash.h"
#include "base/result.h"

namespace sluice::serve {
namespace {

constexpr std::string_view kNoPage =
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Sluice</title>"
    "<p>This Sluice was built without the page. Run <code>./run build</code> in the source tree, then start it again.</p>"
    "<p>Everything else works: <a href=\"/health\">/health</a>, <a href=\"/metrics\">/metrics</a>, "
    "<a href=\"/api/project\">/api/project</a> and the SQL port.</p></html>";

bool takes_gzip(const net::Request& request) {
  const auto accepted = request.header("Accept-Encoding");
  if (!accepted) return false;
  const size_t at = accepted->find("gzip");
  if (at == std::string_view::npos) return false;
  std::string_view rest = accepted->substr(at + 4);
  rest = rest.substr(0, rest.find(','));
  return rest.find("q=0") == std::string_view::npos || rest.find("q=0.") != std::string_view::npos;
}

std::string unpack(const EmbeddedFile& file) {
  const std::unique_ptr<libdeflate_decompressor, void (*)(libdeflate_decompressor*)> decompressor(libdeflate_alloc_decompressor(),
                                                                                                  libdeflate_free_decompressor);
  SLUICE_ASSERT(decompressor, "no memory for a decompressor");
  std::string out(file.size, '\0');
  const libdeflate_result result =
      libdeflate_gzip_decompress(decompressor.get(), file.gzip.data(), file.gzip.size(), out.data(), out.size(), nullptr);
  SLUICE_ASSERT(result == LIBDEFLATE_SUCCESS, "an embedded file is what the build packed");
  return out;
}

}  // namespace

std::string_view content_type(std::string_view path) {
  const std::string_view extension = path.substr(std::min(path.size(), path.rfind('.')));
  if (extension == ".html") return "text/html; charset=utf-8";
  if (extension == ".js") return "text/javascript; charset=utf-8";
  if (extension == ".css") return "text/css; charset=utf-8";
  if (extension == ".svg") return "image/svg+xml";
  if (extension == ".png") return "image/png";
  if (extension == ".ico") return "image/x-icon";
  if (extension == ".json" || extension == ".webmanifest") return "application/json";
  if (extension == ".woff2") return "font/woff2";
  if (extension == ".txt") return "text/plain; charset=utf-8";
  return "application/octet-stream";
}

Assets::Assets(std::span<const EmbeddedFile> files) {
  for (const EmbeddedFile& file : files) {
    assets_.emplace(std::string(file.path), Asset{file, "\"" + to_hex(hash128(file.gzip)) + "\"", content_type(file.path)});
  }
}

std::optional<net::Response> Assets::find(std::string_view path, const net::Request& request) const {
  const auto at = assets_.find(path);
  if (at == assets_.end()) return std::nullopt;
  return respond(at->second, request);
}

net::Response Assets::page(const net::Request& request) const {
  if (auto response = find("/index.html", request)) return *std::move(response);
  net::Response response;
  response.headers = {{"Content-Type", "text/html; charset=utf-8"}, {"Cache-Control", "no-store"}};
  response.body = kNoPage;
  return response;
}

net::Response Assets::respond(const Asset& asset, const net::Request& request) const {
  const bool gzip = takes_gzip(request);
  // The two encodings are two representations: each has a strong tag of its own.
  const std::string etag = gzip ? asset.etag : asset.etag.substr(0, asset.etag.size() - 1) + "-i\"";
  const bool hashed = asset.file.path.starts_with("/assets/");
  net::Response response;
  response.headers = {{"Content-Type", std::string(asset.type)},
                      {"ETag", etag},
                      {"Vary", "Accept-Encoding"},
                      {"Cache-Control", hashed ? "public, max-age=31536000, immutable" : "no-cache"}};
  if (const auto known = request.header("If-None-Match"); known && known->find(etag) != std::string_view::npos) {
    response.status = 304;
    return response;
  }
  if (gzip) {
    response.headers.emplace_back("Content-Encoding", "gzip");
    response.body = asset.file.gzip;
  } else {
    response.body = unpack(asset.file);
  }
  return response;
}

}  // namespace sluice::serve
