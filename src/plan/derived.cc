// Derived measures in terms of stored ones (reader.h, inline_derived).
#include <algorithm>

#include <fmt/format.h>

#include "plan/reader.h"

namespace sluice::plan {
namespace {

class Inliner {
 public:
  Inliner(Reader& reader, const std::vector<const Yaml*>& scalars, std::vector<Measure>& measures)
      : reader_(reader), scalars_(scalars), measures_(measures), states_(measures.size(), State::untouched) {}

  void run() {
    for (uint32_t i = 0; i < measures_.size(); ++i) expand(i);
  }

 private:
  enum class State : uint8_t { untouched, open, done, broken };

  // false: broken, and reported here or before.
  bool expand(uint32_t i) {
    if (states_[i] == State::done) return true;
    if (states_[i] == State::broken) return false;
    Measure& measure = measures_[i];
    states_[i] = State::open;
    chain_.push_back(i);
    const bool good = measure.kind != MeasureKind::derived || (!measure.argument.empty() && expand_derived(i));
    chain_.pop_back();
    states_[i] = good ? State::done : State::broken;
    return good;
  }

  bool fail(uint32_t i, std::string what) {
    if (scalars_[i] != nullptr) reader_.report(scalars_[i]->at, std::move(what));
    return false;
  }

  bool expand_derived(uint32_t i) {
    const Expression written = std::move(measures_[i].argument);
    Expression out;
    std::vector<uint32_t> moved(written.nodes.size(), 0);
    for (size_t n = 0; n < written.nodes.size(); ++n) {
      Node node = written.nodes[n];
      for (uint32_t& input : node.inputs) input = moved[input];
      if (node.op == Op::measure) {
        const Measure& used = measures_[node.index];
        if (states_[node.index] == State::open) return fail(i, circle(node.index));
        if (!expand(node.index)) return false;
        if (used.kind == MeasureKind::derived) {
          const auto base = static_cast<uint32_t>(out.nodes.size());
          for (Node inner : used.argument.nodes) {
            for (uint32_t& input : inner.inputs) input += base;
            out.nodes.push_back(std::move(inner));
          }
          if (out.nodes.size() > kNodesMax)
            return fail(i, fmt::format("`{}` has more than {} parts with all it is derived from", measures_[i].name, kNodesMax));
          moved[n] = static_cast<uint32_t>(out.nodes.size() - 1);
          continue;
        }
        if (used.kind == MeasureKind::topk)
          return fail(i, fmt::format("`{}` is a list; derived measures calculate with numbers", used.name));
        if (used.type != Type::number)
          return fail(i, fmt::format("`{}` is a {}; derived measures calculate with numbers", used.name, type_name(used.type)));
      }
      out.nodes.push_back(std::move(node));
      moved[n] = static_cast<uint32_t>(out.nodes.size() - 1);
    }
    if (out.nodes.size() > kNodesMax || too_deep(out))
      return fail(i, fmt::format("`{}` is nested too deeply with all it is derived from", measures_[i].name));
    measures_[i].argument = std::move(out);
    return true;
  }

  // Unlike in rows, every step of a chain is bounded (R8), so chains nest when printed.
  static bool too_deep(const Expression& expression) {
    std::vector<size_t> depth(expression.nodes.size(), 0);
    for (size_t n = 0; n < expression.nodes.size(); ++n) {
      for (const uint32_t input : expression.nodes[n].inputs) depth[n] = std::max(depth[n], depth[input] + 1);
    }
    return depth.back() > kDepthMax;
  }

  std::string circle(uint32_t back_to) const {
    std::string out = fmt::format("`{}` is derived from itself: ", measures_[back_to].name);
    bool inside = false;
    for (const uint32_t i : chain_) {
      inside = inside || i == back_to;
      if (inside) out += measures_[i].name + " -> ";
    }
    return out + measures_[back_to].name;
  }

  Reader& reader_;
  const std::vector<const Yaml*>& scalars_;
  std::vector<Measure>& measures_;
  std::vector<State> states_;
  std::vector<uint32_t> chain_;  // being expanded
};

}  // namespace

void inline_derived(Reader& reader, const std::vector<const Yaml*>& scalars, std::vector<Measure>& measures) {
  Inliner(reader, scalars, measures).run();
}

}  // namespace sluice::plan
