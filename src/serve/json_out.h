// json_out.h - writing JSON objects and arrays with their commas. Instants are integers, numbers of metrics are texts (live-api.md).
//
// Use     JsonOut out; out.object([&] { out.key("epoch").number(7); out.key("rows").array([&] { ... }); }); out.take();
// Errors  A key without a value or a value without its comma cannot be written; nesting closes itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/json_text.h"
#include "base/units.h"

namespace sluice::serve {

class JsonOut {
 public:
  template <class Fill>
  JsonOut& object(Fill&& fill) {
    return nested('{', '}', fill);
  }
  template <class Fill>
  JsonOut& array(Fill&& fill) {
    return nested('[', ']', fill);
  }

  JsonOut& key(std::string_view name) {
    comma();
    append_json_string(out_, name);
    out_ += ':';
    fresh_ = true;
    return *this;
  }
  JsonOut& raw(std::string_view json) {
    comma();
    out_ += json;
    return *this;
  }
  JsonOut& text(std::string_view value) {
    comma();
    append_json_string(out_, value);
    return *this;
  }
  JsonOut& text_or_null(const std::optional<std::string>& value) { return value ? text(*value) : raw("null"); }
  JsonOut& boolean(bool value) { return raw(value ? "true" : "false"); }
  JsonOut& number(int64_t value) { return raw(std::to_string(value)); }
  JsonOut& count(uint64_t value) { return raw(std::to_string(value)); }
  JsonOut& time(TimeMs value) { return number(to_ms(value)); }
  JsonOut& time_or_null(TimeMs value) { return value == kMinusInfinity ? raw("null") : time(value); }
  std::string take() { return std::move(out_); }

 private:
  void comma() {
    if (!fresh_) out_ += ',';
    fresh_ = false;
  }
  template <class Fill>
  JsonOut& nested(char open, char close, Fill&& fill) {
    comma();
    out_ += open;
    fresh_ = true;
    fill();
    out_ += close;
    fresh_ = false;
    return *this;
  }

  std::string out_;
  bool fresh_ = true;
};

}  // namespace sluice::serve
