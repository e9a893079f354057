// cut.h - finds where events begin and end without reading them: arrays and objects by brackets and strings alone, NDJSON by
// lines.
//
// Promise Each piece then decodes or is a reject of its own; one bad event never hurts its neighbours. Brackets are only counted,
//         not matched: [{"a":1],{}] is two pieces, the first of them wrong.
// Errors  A reason: json_invalid (never closed, closed too early, or something behind it), batch_too_large (more than
//         pieces_max).
// Bounds  One view per piece, at most pieces_max. One pass, no recursion, any depth.
// Lives   Pieces point into the text, white space around them cut off.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

namespace sluice::collect {

struct Cut {
  std::vector<std::string_view> pieces;
  std::string_view reason;  // empty: the pieces are all there is
};

// text begins with '['.
Cut cut_array(std::string_view text, size_t pieces_max);
// Lines that are not blank, without their line ends.
Cut cut_lines(std::string_view text, size_t pieces_max);
// What a native body holds: one array, one object (over any number of lines), or lines. ndjson: the content type says so.
Cut cut_events(std::string_view text, bool ndjson, size_t pieces_max);

// Calls on_member(key with its quotes, as sent; value) for each member of the object at the beginning of text, until it returns
// false. False: the text is no object that can be cut, or something stands behind it.
bool cut_members(std::string_view text, const std::function<bool(std::string_view key, std::string_view value)>& on_member);

std::string_view trim_space(std::string_view text);

}  // namespace sluice::collect
