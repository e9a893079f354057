#include "plan/tokens.h"

#include <array>

#include <fmt/format.h>

#include "plan/diagnostics.h"

namespace sluice::plan {
namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }
bool word_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool word_part(char c) { return word_start(c) || digit(c); }
bool blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

class Cutter {
 public:
  explicit Cutter(std::string_view text) : text_(text) {}

  Tokens run() {
    while (!out_.fault) {
      while (at_ < text_.size() && blank(text_[at_])) ++at_;
      if (at_ == text_.size()) break;
      const char c = text_[at_];
      if (word_start(c)) {
        take_word();
      } else if (digit(c)) {
        take_number();
      } else if (c == '\'') {
        take_text();
      } else {
        take_symbol();
      }
    }
    push(Token::Kind::end, text_.size(), text_.size());
    return std::move(out_);
  }

 private:
  void push(Token::Kind kind, size_t begin, size_t end) {
    out_.list.push_back(Token{kind, begin, text_.substr(begin, end - begin), {}});
    at_ = end;
  }
  void stop(size_t at, std::string what) { out_.fault = Fault{at, std::move(what)}; }

  void take_word() {
    size_t end = at_;
    while (end < text_.size() && word_part(text_[end])) ++end;
    push(Token::Kind::word, at_, end);
  }

  void take_number() {
    size_t end = at_;
    while (end < text_.size() && digit(text_[end])) ++end;
    size_t fraction = 0;
    if (end + 1 < text_.size() && text_[end] == '.' && digit(text_[end + 1])) {
      const size_t point = end++;
      while (end < text_.size() && digit(text_[end])) ++end;
      fraction = end - point - 1;
    }
    if (end < text_.size() && (word_start(text_[end]) || text_[end] == '.')) {
      stop(at_, "a number is written with digits and at most one point: 12.5");
    } else if (fraction > static_cast<size_t>(Decimal::kScale)) {
      stop(at_, "numbers have at most 9 digits after the point");
    } else if (end - at_ > 1 && text_[at_] == '0' && digit(text_[at_ + 1])) {
      stop(at_, "a number does not begin with 0; did you mean a text in single quotes?");
    } else {
      push(Token::Kind::number, at_, end);
    }
  }

  void take_text() {
    const size_t begin = at_;
    std::string value;
    for (size_t i = begin + 1; i < text_.size(); ++i) {
      if (text_[i] != '\'') {
        value += text_[i];
      } else if (i + 1 < text_.size() && text_[i + 1] == '\'') {
        value += text_[i++];
      } else {
        push(Token::Kind::text, begin, i + 1);
        out_.list.back().text = std::move(value);
        return;
      }
    }
    stop(begin, "this text has no closing quote; a quote inside a text is written twice: 'it''s'");
  }

  void take_symbol() {
    static constexpr std::array<std::string_view, 14> kSymbols{"!=", "<=", ">=", "=", "<", ">", "(",
                                                               ")",  ",",  ".",  "[", "]", "+", "-"};
    static constexpr std::array<std::string_view, 2> kProducts{"*", "/"};
    struct Foreign {
      std::string_view written, instead;
    };
    static constexpr std::array<Foreign, 9> kForeign{{{"==", "`==` is written `=`"},
                                                      {"<>", "`<>` is written `!=`"},
                                                      {"&&", "`&&` is written `and`"},
                                                      {"||", "`||` is written `or`"},
                                                      {"!", "`!` is written `not`"},
                                                      {"\"", "texts stand in single quotes: 'text'"},
                                                      {"`", "names stand without quotes; an odd key is properties['a key']"},
                                                      {"%", "there is no `%` here"},
                                                      {";", "one expression, without `;`"}}};
    const std::string_view rest = text_.substr(at_);
    if (!rest.starts_with("!=")) {
      for (const Foreign& foreign : kForeign) {
        if (rest.starts_with(foreign.written)) return stop(at_, std::string(foreign.instead));
      }
    }
    for (const std::string_view symbol : kSymbols) {
      if (rest.starts_with(symbol)) return push(Token::Kind::symbol, at_, at_ + symbol.size());
    }
    for (const std::string_view symbol : kProducts) {
      if (rest.starts_with(symbol)) return push(Token::Kind::symbol, at_, at_ + symbol.size());
    }
    size_t end = at_ + 1;
    while (end < text_.size() && (static_cast<unsigned char>(text_[end]) & 0xC0) == 0x80) ++end;
    stop(at_, fmt::format("{} has no meaning here", quoted(text_.substr(at_, end - at_))));
  }

  std::string_view text_;
  size_t at_ = 0;
  Tokens out_;
};

}  // namespace

Tokens cut_tokens(std::string_view text) { return Cutter(text).run(); }

}  // namespace sluice::plan
