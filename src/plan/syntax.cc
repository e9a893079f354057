#include "plan/syntax.h"

#include <array>

#include <fmt/format.h>

#include "base/result.h"
#include "plan/diagnostics.h"
#include "plan/tokens.h"

namespace sluice::plan {
namespace {

constexpr uint32_t kNone = UINT32_MAX;

bool same_word(std::string_view word, std::string_view keyword) {
  if (word.size() != keyword.size()) return false;
  for (size_t i = 0; i < word.size(); ++i) {
    const char c = word[i] >= 'A' && word[i] <= 'Z' ? static_cast<char>(word[i] - 'A' + 'a') : word[i];
    if (c != keyword[i]) return false;
  }
  return true;
}

bool keyword(const Token& token) {
  static constexpr std::array<std::string_view, 9> kKeywords{"and", "or", "not", "in", "like", "is", "null", "true", "false"};
  for (const std::string_view k : kKeywords) {
    if (token.kind == Token::Kind::word && same_word(token.raw, k)) return true;
  }
  return false;
}

// Each rule returns the index of its node, kNone after a fault.
class Parser {
 public:
  explicit Parser(Tokens tokens) : tokens_(std::move(tokens)) { tree_.fault = std::move(tokens_.fault); }

  SyntaxTree run() {
    if (tree_.fault) return std::move(tree_);
    if (now().kind == Token::Kind::end) {
      fault(now().at, "the expression is empty");
      return std::move(tree_);
    }
    const uint32_t root = parse_or();
    if (!tree_.fault && now().kind != Token::Kind::end) unexpected("here the expression should end");
    SLUICE_ASSERT(tree_.fault || root + 1 == tree_.nodes.size(), "users come after their inputs, so the root is last");
    return std::move(tree_);
  }

 private:
  const Token& now() const { return tokens_.list[at_]; }
  bool at_symbol(std::string_view s) const { return now().kind == Token::Kind::symbol && now().raw == s; }
  bool at_word(std::string_view w) const { return now().kind == Token::Kind::word && same_word(now().raw, w); }
  bool next_is_word(std::string_view w) const {
    return at_ + 1 < tokens_.list.size() && tokens_.list[at_ + 1].kind == Token::Kind::word &&
           same_word(tokens_.list[at_ + 1].raw, w);
  }
  void advance() {
    if (at_ + 1 < tokens_.list.size()) ++at_;
  }
  bool take_symbol(std::string_view s) {
    if (!at_symbol(s)) return false;
    advance();
    return true;
  }
  bool take_word(std::string_view w) {
    if (!at_word(w)) return false;
    advance();
    return true;
  }

  uint32_t fault(size_t at, std::string what) {
    if (!tree_.fault) tree_.fault = Fault{at, std::move(what)};
    return kNone;
  }
  uint32_t unexpected(std::string_view hint) {
    const Token& token = now();
    if (token.kind == Token::Kind::end) return fault(token.at, fmt::format("the expression ends too early; {}", hint));
    return fault(token.at, fmt::format("unexpected {}; {}", quoted(token.raw), hint));
  }

  uint32_t push(Syntax node) {
    if (tree_.nodes.size() >= kNodesMax) return fault(node.at, fmt::format("more than {} parts in one expression", kNodesMax));
    tree_.nodes.push_back(std::move(node));
    return static_cast<uint32_t>(tree_.nodes.size() - 1);
  }
  uint32_t operation(Op op, size_t at, std::vector<uint32_t> inputs) {
    for (const uint32_t input : inputs) {
      if (input == kNone) return kNone;
    }
    Syntax node;
    node.kind = Syntax::Kind::operation;
    node.op = op;
    node.at = at;
    node.inputs = std::move(inputs);
    return push(std::move(node));
  }

  // Counts a level while it lives; parse functions recurse only through one of these.
  struct Level {
    explicit Level(Parser& p) : parser(p) { ++parser.depth_; }
    ~Level() { --parser.depth_; }
    bool too_deep() const { return parser.depth_ > kDepthMax; }
    Parser& parser;
  };

  uint32_t parse_or() {
    uint32_t left = parse_and();
    while (!tree_.fault && at_word("or")) {
      const size_t at = now().at;
      advance();
      left = operation(Op::logical_or, at, {left, parse_and()});
    }
    return left;
  }

  uint32_t parse_and() {
    uint32_t left = parse_not();
    while (!tree_.fault && at_word("and")) {
      const size_t at = now().at;
      advance();
      left = operation(Op::logical_and, at, {left, parse_not()});
    }
    return left;
  }

  uint32_t parse_not() {
    if (!at_word("not")) return parse_compare();
    const Level level(*this);
    const size_t at = now().at;
    if (level.too_deep()) return fault(at, fmt::format("nested deeper than {} levels", kDepthMax));
    advance();
    return operation(Op::logical_not, at, {parse_not()});
  }

  std::optional<Op> comparison() const {
    if (now().kind != Token::Kind::symbol) return std::nullopt;
    if (now().raw == "=") return Op::equal;
    if (now().raw == "!=") return Op::not_equal;
    if (now().raw == "<") return Op::less;
    if (now().raw == "<=") return Op::less_equal;
    if (now().raw == ">") return Op::greater;
    if (now().raw == ">=") return Op::greater_equal;
    return std::nullopt;
  }

  uint32_t parse_compare() {
    const uint32_t left = parse_sum();
    if (tree_.fault) return kNone;
    const size_t at = now().at;
    uint32_t node = left;
    if (const std::optional<Op> compared = comparison()) {
      advance();
      node = operation(*compared, at, {left, parse_sum()});
    } else if (at_word("is")) {
      advance();
      const Op op = take_word("not") ? Op::is_not_null : Op::is_null;
      if (!take_word("null")) return unexpected("`is null` and `is not null` are all that `is` knows");
      node = operation(op, at, {left});
    } else if (at_word("like") || at_word("in") || (at_word("not") && (next_is_word("like") || next_is_word("in")))) {
      const bool negated = take_word("not");
      node = at_word("like") ? parse_like(left) : parse_in(left);
      if (negated && node != kNone) node = operation(Op::logical_not, at, {node});
    } else {
      return node;
    }
    if (!tree_.fault && comparison()) return unexpected("comparisons do not chain; join them with `and`");
    return node;
  }

  uint32_t parse_like(uint32_t left) {
    const size_t at = now().at;
    advance();
    if (now().kind != Token::Kind::text) return unexpected("`like` takes a text: 'checkout%'");
    const std::string& pattern = now().text;
    for (size_t i = 0; i < pattern.size(); ++i) {
      if (pattern[i] != '\\') continue;
      if (i + 1 == pattern.size() || (pattern[i + 1] != '%' && pattern[i + 1] != '_' && pattern[i + 1] != '\\')) {
        return fault(now().at,
                     "in a pattern a backslash stands only before %, _ or another backslash; engines differ on the rest");
      }
      ++i;
    }
    return operation(Op::like, at, {left, parse_literal()});
  }

  uint32_t parse_in(uint32_t left) {
    const size_t at = now().at;
    advance();
    if (!take_symbol("(")) return unexpected("`in` takes a list: in ('a', 'b')");
    std::vector<uint32_t> inputs{left};
    do {
      if (at_word("null")) return fault(now().at, "a list has no null: engines differ on it; add `or x is null`");
      inputs.push_back(parse_literal());
      if (tree_.fault) return kNone;
    } while (take_symbol(","));
    if (!take_symbol(")")) return unexpected("the list ends with `)`");
    return operation(Op::in, at, std::move(inputs));
  }

  uint32_t parse_literal() {
    const size_t at = now().at;
    const bool negative = take_symbol("-");
    if (now().kind == Token::Kind::number) return parse_number(negative, at);
    if (!negative && (now().kind == Token::Kind::text || at_word("true") || at_word("false"))) return parse_primary();
    return unexpected("a list has only literals: 'text', 12.5, true");
  }

  uint32_t parse_sum() {
    uint32_t left = parse_product();
    while (!tree_.fault && (at_symbol("+") || at_symbol("-"))) {
      const Op op = at_symbol("+") ? Op::add : Op::subtract;
      const size_t at = now().at;
      advance();
      left = operation(op, at, {left, parse_product()});
    }
    return left;
  }

  uint32_t parse_product() {
    uint32_t left = parse_sign();
    while (!tree_.fault && (at_symbol("*") || at_symbol("/"))) {
      const Op op = at_symbol("*") ? Op::multiply : Op::divide;
      const size_t at = now().at;
      advance();
      left = operation(op, at, {left, parse_sign()});
    }
    return left;
  }

  uint32_t parse_sign() {
    const size_t at = now().at;
    if (!at_symbol("-")) return parse_primary();
    const Level level(*this);
    if (level.too_deep()) return fault(at, fmt::format("nested deeper than {} levels", kDepthMax));
    advance();
    if (now().kind == Token::Kind::number) return parse_number(true, at);
    Syntax zero;
    zero.kind = Syntax::Kind::number;
    zero.at = at;
    const uint32_t left = push(std::move(zero));
    return operation(Op::subtract, at, {left, parse_sign()});
  }

  uint32_t parse_number(bool negative, size_t at) {
    Syntax node;
    node.kind = Syntax::Kind::number;
    node.at = at;
    const std::optional<Decimal> number = Decimal::from_json(now().raw);
    if (!number) return fault(now().at, "numbers are below 10^18");
    node.number = negative ? Decimal{-number->raw} : *number;
    advance();
    return push(std::move(node));
  }

  uint32_t parse_primary() {
    const Token& token = now();
    Syntax node;
    node.at = token.at;
    if (token.kind == Token::Kind::number) return parse_number(false, token.at);
    if (token.kind == Token::Kind::text) {
      node.kind = Syntax::Kind::text;
      node.text = token.text;
      advance();
      return push(std::move(node));
    }
    if (at_word("true") || at_word("false")) {
      node.kind = Syntax::Kind::boolean;
      node.boolean = at_word("true");
      advance();
      return push(std::move(node));
    }
    if (take_word("null")) return push(std::move(node));
    if (take_symbol("(")) {
      const Level level(*this);
      if (level.too_deep()) return fault(token.at, fmt::format("nested deeper than {} levels", kDepthMax));
      const uint32_t inner = parse_or();
      if (!tree_.fault && !take_symbol(")")) return unexpected("the bracket is closed with `)`");
      return inner;
    }
    if (token.kind == Token::Kind::word && !keyword(token)) return parse_name();
    return unexpected("here a value should stand");
  }

  uint32_t parse_name() {
    Syntax node;
    node.at = now().at;
    node.text = std::string(now().raw);
    advance();
    if (node.text == "properties" || node.text == "context" || at_symbol(".") || at_symbol("["))
      return parse_path(std::move(node));
    if (!at_symbol("(")) {
      node.kind = Syntax::Kind::name;
      return push(std::move(node));
    }
    const Level level(*this);
    if (level.too_deep()) return fault(node.at, fmt::format("nested deeper than {} levels", kDepthMax));
    advance();
    node.kind = Syntax::Kind::call;
    if (!at_symbol(")")) {
      do {
        node.inputs.push_back(parse_or());
        if (tree_.fault) return kNone;
      } while (take_symbol(","));
    }
    if (!take_symbol(")")) return unexpected(fmt::format("{} is closed with `)`", quoted(node.text + "(")));
    return push(std::move(node));
  }

  uint32_t parse_path(Syntax node) {
    const std::string prefix = node.text;
    node.kind = Syntax::Kind::path;
    while (at_symbol(".") || at_symbol("[")) {
      if (take_symbol(".")) {
        if (now().kind != Token::Kind::word)
          return unexpected(fmt::format("a key follows the point; an odd one is {}['a key']", prefix));
        append_path_segment(node.text, now().raw);
        advance();
      } else {
        advance();
        if (now().kind != Token::Kind::text) return unexpected(fmt::format("an odd key is {}['a key']", prefix));
        append_path_segment(node.text, now().text);
        advance();
        if (!take_symbol("]")) return unexpected("the key is closed with `]`");
      }
    }
    if (node.text == prefix) return fault(node.at, fmt::format("`{}` needs a key: {}.name", prefix, prefix));
    if (node.text.size() > kPathBytesMax) return fault(node.at, fmt::format("this path is longer than {} bytes", kPathBytesMax));
    return push(std::move(node));
  }

  Tokens tokens_;
  size_t at_ = 0;
  size_t depth_ = 0;
  SyntaxTree tree_;
};

}  // namespace

void append_path_segment(std::string& path, std::string_view segment) {
  path += '.';
  for (const char c : segment) {
    if (c == '.' || c == '\\') path += '\\';
    path += c;
  }
}

SyntaxTree parse_expression(std::string_view text) {
  if (text.size() > kExpressionBytesMax) {
    SyntaxTree tree;
    tree.fault = Fault{0, fmt::format("an expression has at most {} bytes", kExpressionBytesMax)};
    return tree;
  }
  return Parser(cut_tokens(text)).run();
}

}  // namespace sluice::plan
