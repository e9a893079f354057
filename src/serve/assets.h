// assets.h - the page's files, embedded in the program at build time from web/dist (embed.cmake, tools/embed.cc).
//
// Promise /assets/* have a hash in their names and never change (immutable); everything else is revalidated by a strong ETag.
//         Sent gzipped, as embedded, to whom takes gzip; unpacked otherwise. Without web/dist the page says how to build it.
// Lives   Bytes are the program's own. An Assets is made once and then only read: any thread.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "net/http.h"

namespace sluice::serve {

struct EmbeddedFile {
  std::string_view path;   // /index.html, /assets/index-3f9a.js
  std::string_view gzip;
  size_t size = 0;         // unpacked
};
std::span<const EmbeddedFile> embedded_files();  // generated; empty when the page was not built

class Assets {
 public:
  explicit Assets(std::span<const EmbeddedFile> files);
  // nullopt: no such file. Knows If-None-Match and Accept-Encoding.
  std::optional<net::Response> find(std::string_view path, const net::Request& request) const;
  // The page itself, for every path of the page.
  net::Response page(const net::Request& request) const;

 private:
  struct Asset {
    EmbeddedFile file;
    std::string etag;
    std::string_view type;
  };
  net::Response respond(const Asset& asset, const net::Request& request) const;
  std::map<std::string, Asset, std::less<>> assets_;
};

std::string_view content_type(std::string_view path);

}  // namespace sluice::serve
