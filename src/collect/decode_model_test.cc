// The decoder against a plain model: nlohmann's SAX parser, std::set and long-hand decimals. Texts are made at random and then
// damaged at random; the two must agree on every field, or on a reason that the model sees too.
#include <nlohmann/json.hpp>
#include <set>

#include "collect/edge_test_fixture.h"
#include "collect/native.h"

namespace sluice::collect {
namespace {

// SplitMix64: the same texts on every machine.
class Dice {
 public:
  explicit Dice(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15U);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
  }
  size_t below(size_t n) { return static_cast<size_t>(next() % n); }
  bool one_in(size_t n) { return below(n) == 0; }
  std::string pick(const std::vector<std::string>& from) { return from[below(from.size())]; }

 private:
  uint64_t state_;
};

class Writer {
 public:
  explicit Writer(Dice& dice) : dice_(dice) {}
  std::string event() {
    if (dice_.one_in(100)) return space() + value(2);
    const std::vector<std::string> names{"event",      "timestamp", "user_id", "anonymous_id", "properties", "context",
                                         "message_id", "messageId", "sent_at", "other",        "x.y"};
    std::string out = space() + "{";
    bool first = true;
    for (const std::string& name : names) {
      if (name != "event" && dice_.one_in(3)) continue;
      if (!first) out += space() + ",";
      first = false;
      out += space() + key(name) + space() + ":" + space() + field(name);
    }
    if (dice_.one_in(40)) out += ",\"" + dice_.pick(names) + "\":1";
    return out + space() + "}" + space();
  }

 private:
  std::string space() { return dice_.one_in(4) ? dice_.pick({" ", "\n", "\t ", "\r\n"}) : ""; }
  std::string key(const std::string& name) {
    if (!dice_.one_in(20)) return "\"" + name + "\"";
    std::string out = "\"";
    for (const char c : name) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(c));
      out += escaped;
    }
    return out + "\"";
  }
  std::string field(const std::string& name) {
    if (dice_.one_in(25)) return value(0);
    if (name == "properties" || name == "context") return object(dice_.one_in(30) ? 30 + dice_.below(40) : 3);
    if (name == "timestamp" || name == "sent_at")
      return dice_.pick({"\"2026-03-28T14:22:01Z\"", "\"2026-03-28T14:22:01\"", "\"1999-12-31T23:59:59.999+01:00\"", "null",
                         "\"soon\"", "\"9999-01-01T00:00:00Z\"", "\"\""});
    if (name == "other" || name == "x.y") return value(2);
    return dice_.one_in(4) ? number() : text();
  }
  std::string object(size_t depth) {
    std::string out = "{";
    const size_t n = depth > 3 ? 1 + dice_.below(3) : dice_.one_in(60) ? 300 : dice_.below(6);
    std::set<std::string> used;
    for (size_t i = 0; i < n; ++i) {
      std::string name =
          dice_.pick({"a", "b", "a.b", "c\\\\", "", "list", "price", "né", "key", "very long name of a property"}) +
          (n > 8 ? std::to_string(i) : "");
      if (!dice_.one_in(60) && !used.insert(name).second) continue;
      if (out.size() > 1) out += ",";
      out += space() + "\"" + name + "\"" + space() + ":" +
             (depth > 3 && i == 0 ? object(depth - 1)
                                  : value(std::min(depth, size_t{3}) == 0 ? 0 : std::min(depth, size_t{3}) - 1)) +
             space();
    }
    return out + "}";
  }
  std::string value(size_t depth) {
    switch (dice_.below(depth == 0 ? 5 : 7)) {
      case 0: return text();
      case 1: return number();
      case 2: return "true";
      case 3: return "false";
      case 4: return "null";
      case 5: return object(depth);
      default: {
        std::string out = "[";
        for (size_t i = dice_.below(4); i > 0; --i) out += value(depth - 1) + space() + (i > 1 ? "," : "");
        return out + "]";
      }
    }
  }
  std::string text() {
    std::string out = "\"";
    for (size_t i = dice_.below(5); i > 0; --i) {
      out += dice_.pick({"plain", "é", "😀", "\\n", "\\\"", "\\\\", "\\/", "\\u00e9", "\\ud83d\\ude00",
                         "a somewhat longer piece of text", "\\t", "0", " "});
    }
    if (dice_.one_in(200)) out += dice_.pick({"\\u0000", "\\ud800", "\\udc00", "\xFF", "\x01"});
    return out + "\"";
  }
  std::string number() {
    return dice_.pick({"0",
                       "-0",
                       "1",
                       "-17",
                       "42",
                       "12.5",
                       "0.1",
                       "-0.000000001",
                       "0.0000000005",
                       "0.00000000049",
                       "1e3",
                       "1E+17",
                       "1e18",
                       "-1e-12",
                       "123456789.123456789123",
                       "999999999999999999",
                       "1000000000000000000",
                       "999999999999999999.9999999995",
                       "123456789012345678901234567890",
                       "12345678901234567",
                       "123456789012345678",
                       "5e-10",
                       "4.9e-10",
                       "-99.999999999999",
                       "1.000",
                       "100e-2",
                       "0e5",
                       "0.00"});
  }
  Dice& dice_;
};

// Rounded to 9 digits by schoolbook arithmetic on the text; nullopt from 10^18 on.
std::optional<std::string> long_hand(const std::string& number) {
  std::string digits;
  long point = 0, exponent = 0;
  const bool negative = number[0] == '-';
  size_t i = negative ? 1 : 0;
  bool behind_point = false;
  for (; i < number.size() && number[i] != 'e' && number[i] != 'E'; ++i) {
    if (number[i] == '.') {
      behind_point = true;
      continue;
    }
    digits += number[i];
    if (!behind_point) ++point;
  }
  if (i < number.size()) exponent = std::stol(number.substr(i + 1));
  point += exponent;
  const bool zero = digits.find_first_not_of('0') == std::string::npos;
  if (zero || point < -20) return "0";
  if (point > 1'000) return std::nullopt;  // damage made an exponent that no schoolbook would write out
  if (point < 1) {
    digits.insert(0, static_cast<size_t>(1 - point), '0');
    point = 1;
  }
  while (static_cast<long>(digits.size()) < point + 10) digits += '0';
  const bool up = digits[static_cast<size_t>(point) + 9] >= '5';
  digits.resize(static_cast<size_t>(point) + 9);
  if (up) {
    size_t k = digits.size();
    while (k > 0 && digits[k - 1] == '9') digits[--k] = '0';
    if (k > 0) {
      ++digits[k - 1];
    } else {
      digits.insert(0, "1");
    }
  }
  std::string whole = digits.substr(0, digits.size() - 9), fraction = digits.substr(digits.size() - 9);
  whole.erase(0, std::min(whole.find_first_not_of('0'), whole.size()));
  if (whole.size() > 18) return std::nullopt;
  while (!fraction.empty() && fraction.back() == '0') fraction.pop_back();
  std::string out = whole.empty() ? "0" : whole;
  if (!fraction.empty()) out += "." + fraction;
  return (negative && out != "0" ? "-" : "") + out;
}

struct Model : nlohmann::json_sax<nlohmann::json> {
  struct Level {
    bool object;
    std::set<std::string> keys;
    std::string key;
  };
  std::vector<Level> levels;
  std::set<std::string> reasons;                   // of JSON
  std::map<std::string, std::string> fields;       // top-level scalars: kind:text
  std::vector<std::string> scalars;                // properties.a=text#number
  bool wide = false;
  bool beyond_model = false;  // a number that the model's parser cannot hold; those are tested by hand
  std::string top_kind;

  static std::string escaped(const std::string& name) {
    std::string out;
    for (const char c : name) out += (c == '.' || c == '\\') ? std::string("\\") + c : std::string(1, c);
    return out;
  }
  void scalar(const std::string& kind, const std::string& text, const std::string& number) {
    if (text.find('\0') != std::string::npos) reasons.insert("invalid_unicode");
    if (levels.empty()) {
      top_kind = kind;
      return;
    }
    if (levels.size() == 1 && levels[0].object) fields[levels[0].key] = kind + ":" + text;
    if (levels.size() < 2 || kind == "null") return;
    std::string path = levels[0].key;
    for (const Level& level : levels) {
      if (!level.object) return;
      if (&level != levels.data()) path += "." + escaped(level.key);
    }
    if (levels[0].key != "properties" && levels[0].key != "context") return;
    if (levels.size() - 1 > 32 || scalars.size() == 256) {
      wide = true;
      return;
    }
    scalars.push_back(path + "=" + text + (number.empty() ? "" : "#" + number));
  }
  void number_text(const std::string& sent) {
    const auto fits = long_hand(sent);
    scalar("number", fits.value_or(sent), fits.value_or(""));
  }
  void open(bool object, const char* kind) {
    if (levels.empty()) top_kind = kind;
    if (levels.size() == 1 && levels[0].object) fields[levels[0].key] = std::string(kind) + ":";
    levels.push_back({object, {}, {}});
    if (levels.size() > 64) reasons.insert("json_too_deep");
  }
  bool null() override { return scalar("null", "", ""), true; }
  bool boolean(bool v) override { return scalar("boolean", v ? "true" : "false", ""), true; }
  bool number_integer(number_integer_t v) override { return number_text(std::to_string(v)), true; }
  bool number_unsigned(number_unsigned_t v) override { return number_text(std::to_string(v)), true; }
  bool number_float(number_float_t, const string_t& s) override { return number_text(s), true; }
  bool string(string_t& v) override { return scalar("text", v, ""), true; }
  bool binary(binary_t&) override { return false; }
  bool start_object(size_t) override { return open(true, "object"), true; }
  bool end_object() override { return levels.pop_back(), true; }
  bool start_array(size_t) override { return open(false, "array"), true; }
  bool end_array() override { return levels.pop_back(), true; }
  bool key(string_t& v) override {
    if (!levels.back().keys.insert(v).second) reasons.insert("duplicate_key");
    if (v.find('\0') != std::string::npos) reasons.insert("invalid_unicode");
    levels.back().key = v;
    return true;
  }
  bool parse_error(size_t, const std::string&, const nlohmann::json::exception& error) override {
    beyond_model = error.id == 406;
    reasons.insert({"json_invalid", "invalid_unicode"});
    return false;
  }

  std::string kind(const std::string& field) const {
    return fields.contains(field) ? fields.at(field).substr(0, fields.at(field).find(':')) : "null";
  }
  std::string text(const std::string& field) const {
    return kind(field) == "null" ? "" : fields.at(field).substr(fields.at(field).find(':') + 1);
  }
  // Only when the JSON is whole.
  std::set<std::string> field_reasons() const {
    if (top_kind != "object") return {"not_an_object"};
    std::set<std::string> out;
    if (kind("event") == "null" || (kind("event") == "text" && text("event").empty())) out.insert("event_missing");
    if (kind("event") != "null" && kind("event") != "text") out.insert("field_type");
    for (const char* id : {"user_id", "anonymous_id", "message_id", "messageId"}) {
      if (kind(id) != "null" && kind(id) != "text" && kind(id) != "number") out.insert("field_type");
    }
    for (const char* object : {"properties", "context"}) {
      if (kind(object) != "null" && kind(object) != "object") out.insert("field_type");
    }
    for (const char* time : {"timestamp", "sent_at"}) {
      if (kind(time) != "null" && (kind(time) != "text" || text(time).empty())) out.insert("timestamp_invalid");
    }
    return out;
  }
};

std::string damage(Dice& dice, std::string text) {
  for (size_t n = 1 + dice.below(2); n > 0 && !text.empty(); --n) {
    const size_t at = dice.below(text.size());
    switch (dice.below(4)) {
      case 0: text.erase(at, 1 + dice.below(3)); break;
      case 1:
        text.insert(at, dice.pick({"{", "}", "[", "]", "\"", ",", ":", "\\", "0", "-", ".", "e", "n", std::string(1, '\0'),
                                   "\x80", "\xE2", " "}));
        break;
      case 2: text[at] = static_cast<char>(dice.below(256)); break;
      default: text.insert(at, text.substr(dice.below(text.size()), dice.below(20))); break;
    }
  }
  return text;
}

TEST(DecodeModelTest, decoder_and_model_agree_on_30000_random_events) {
  Dice dice(20260328);
  Writer writer(dice);
  const CollectOptions options;
  Decoder decoder(options);
  std::map<std::string, int> seen;
  for (int i = 0; i < 30'000; ++i) {
    std::string text = writer.event();
    if (dice.one_in(3)) text = damage(dice, text);
    Model model;
    nlohmann::json::sax_parse(text, &model, nlohmann::json::input_format_t::json, true, false);
    if (model.beyond_model) continue;
    const bool fine = decode_native(decoder, text);
    const std::string reason(decoder.fault().reason);
    ++seen[fine ? "accepted" : reason];
    SCOPED_TRACE("text " + std::to_string(i) + ": " + text);
    const std::set<std::string> expected = model.reasons.empty() ? model.field_reasons() : model.reasons;
    ASSERT_EQ(fine, expected.empty()) << reason;
    if (!fine) {
      ASSERT_TRUE(expected.contains(reason)) << reason;
      continue;
    }
    const Draft& draft = decoder.draft();
    const event::EventView& e = draft.event;
    ASSERT_EQ(e.event, model.text("event"));
    ASSERT_EQ(e.user_id, model.text("user_id"));
    ASSERT_EQ(e.anonymous_id, model.text("anonymous_id"));
    ASSERT_EQ(e.message_id, model.text("message_id").empty() ? model.text("messageId") : model.text("message_id"));
    ASSERT_EQ(draft.timestamp, model.text("timestamp"));
    ASSERT_EQ(draft.sent_at, model.text("sent_at"));
    std::string scalars;
    for (const std::string& scalar : model.scalars) scalars += scalar + ";";
    ASSERT_EQ(scalars_text(e), scalars);
    ASSERT_EQ((e.flags & event::bit(event::Flag::wide)) != 0, model.wide);
    for (const auto& [bytes, name] :
         {std::pair(e.properties, "properties"), std::pair(e.context, "context"), std::pair(e.extra, "")}) {
      if (bytes.empty()) continue;
      const auto whole = nlohmann::json::parse(text), part = nlohmann::json::parse(bytes);
      if (*name != '\0') {
        ASSERT_EQ(part, whole.at(name));
      } else {
        for (const auto& [key, value] : part.items()) ASSERT_EQ(value, whole.at(key));
      }
    }
  }
  // The test is worth something only if every outcome came up.
  for (const char* outcome : {"accepted", "json_invalid", "invalid_unicode", "duplicate_key", "field_type", "event_missing",
                              "timestamp_invalid", "not_an_object", "json_too_deep"}) {
    EXPECT_GT(seen[outcome], 5) << outcome;
  }
}

}  // namespace
}  // namespace sluice::collect
