// typing.h - from an untyped tree to a typed Expression, or to the first fault (semantics R0).
//
// Rules   A path is a text beside texts and a number beside numbers; text(p) and number(p) say otherwise; where neither side says,
//         it is refused. true and false are the texts 'true' and 'false' beside a text, conditions elsewhere. A text beside
//         event_time or received_at is an RFC 3339 instant with a zone. Conditions are not compared. What is joined is typed as paths are.
// Bounds  kDepthMax levels of operations; a chain of one of + - and or counts as one level, since every engine takes it flat.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plan/plan.h"
#include "plan/syntax.h"

namespace sluice::plan {

// Paths that a plan's expressions read, by first use. compile() sorts them at the end.
class PathTable {
 public:
  // The joins of the metric being read; none while their own keys are.
  struct JoinScope {
    NamedJoin join;
    const DimensionFile* file = nullptr;
  };
  void use_joins(std::vector<JoinScope> joins) { joins_ = std::move(joins); }
  const std::vector<JoinScope>& joins() const { return joins_; }
  // Index of the path; kPathsMax paths, then nullopt.
  std::optional<uint32_t> index_of(std::string_view path);
  const std::vector<std::string>& paths() const { return paths_; }
  // Whether what is typed from here on reads a session's columns instead of an event.
  void read_sessions(bool sessions) { sessions_ = sessions; }
  bool reads_sessions() const { return sessions_; }

 private:
  bool sessions_ = false;
  std::vector<std::string> paths_;
  std::vector<JoinScope> joins_;
};

struct Typed {
  Expression expression;
  std::optional<Fault> fault;
};

// Of one stored event. `tree` has no fault; `root` is the node to type (the root, or an argument of an aggregate).
// `wanted`: the type the place asks for. count() takes any: type_any.
Typed type_row(const SyntaxTree& tree, uint32_t root, Type wanted, PathTable& paths);
Typed type_any(const SyntaxTree& tree, uint32_t root, PathTable& paths);
// The type that an argument of min or max has by itself: text, number or time; a path is a number.
Typed type_extreme(const SyntaxTree& tree, uint32_t root, PathTable& paths);
// The type that an argument of first or last has by itself: text, number or time; a path is a text.
Typed type_kept(const SyntaxTree& tree, uint32_t root, PathTable& paths);
// Derived measure: arithmetic over `measures` (names by index). Types of the measures are checked by the caller.
Typed type_derived(const SyntaxTree& tree, const std::vector<std::string>& measures);

// Names that expressions of an event know, for suggestions.
const std::vector<std::string_view>& row_names();
const std::vector<std::string_view>& session_names();
const char* name_of(Name name);

}  // namespace sluice::plan
