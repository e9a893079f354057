#include "plan/diagnostics.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include <fmt/format.h>

namespace sluice::plan {
namespace {

constexpr size_t kQuotedMax = 60;

bool continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// Optimal string alignment distance: insert, delete, replace, swap neighbours.
size_t edits(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

}  // namespace

Document::Document(std::string path, std::string text) : path_(std::move(path)), text_(std::move(text)) {
  if (text_.starts_with("\xEF\xBB\xBF")) text_.erase(0, 3);
  line_starts_.push_back(0);
  for (size_t i = 0; i < text_.size(); ++i) {
    if (text_[i] == '\n') line_starts_.push_back(i + 1);
  }
}

Location Document::locate(size_t offset) const {
  offset = std::min(offset, text_.size());
  const auto next = std::upper_bound(line_starts_.begin(), line_starts_.end(), offset);
  const size_t line = static_cast<size_t>(next - line_starts_.begin());
  int column = 1;
  for (size_t i = line_starts_[line - 1]; i < offset; ++i) column += continuation(text_[i]) ? 0 : 1;
  return Location{path_, static_cast<int>(line), column};
}

std::string Diagnostic::text() const { return fmt::format("{}:{}:{}: {}", at.file, at.line, at.column, message); }

void Diagnostics::add(const Document& document, size_t offset, std::string message) {
  add(document.locate(offset), std::move(message));
}

void Diagnostics::add(Location at, std::string message) {
  if (found_.size() >= kDiagnosticsMax) {
    ++dropped_;
    return;
  }
  found_.push_back(Diagnostic{std::move(at), std::move(message)});
}

std::vector<Diagnostic> Diagnostics::sorted() && {
  const auto key = [](const Diagnostic& d) { return std::tie(d.at.file, d.at.line, d.at.column, d.message); };
  std::sort(found_.begin(), found_.end(), [&](const Diagnostic& a, const Diagnostic& b) { return key(a) < key(b); });
  const auto same = [&](const Diagnostic& a, const Diagnostic& b) { return key(a) == key(b); };
  found_.erase(std::unique(found_.begin(), found_.end(), same), found_.end());
  if (dropped_ > 0) {
    const Location at = found_.back().at;
    found_.push_back(Diagnostic{at, fmt::format("{} more errors are not shown; mend these first", dropped_)});
  }
  return std::move(found_);
}

std::string did_you_mean(std::string_view name, std::span<const std::string_view> candidates) {
  std::string_view best;
  size_t best_edits = std::numeric_limits<size_t>::max();
  if (name.size() > 64) return "";  // no name is that long, and the distance costs its square
  for (const std::string_view candidate : candidates) {
    const size_t n = edits(name, candidate);
    const size_t allowed = std::max<size_t>(1, std::max(name.size(), candidate.size()) / 3);
    if (n <= allowed && n < best_edits && n < candidate.size()) {
      best = candidate;
      best_edits = n;
    }
  }
  return best.empty() ? "" : fmt::format("; did you mean `{}`?", best);
}

std::string did_you_mean(std::string_view name, const std::vector<std::string>& candidates) {
  return did_you_mean(name, std::vector<std::string_view>(candidates.begin(), candidates.end()));
}

std::string listed(std::span<const std::string_view> names) {
  std::string out;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) out += i + 1 == names.size() ? " and " : ", ";
    out += quoted(names[i]);
  }
  return out;
}

std::string listed(const std::vector<std::string>& names) {
  return listed(std::vector<std::string_view>(names.begin(), names.end()));
}

std::string quoted(std::string_view text) {
  const bool cut = text.size() > kQuotedMax;
  if (cut) {
    size_t end = kQuotedMax;
    while (end > 0 && continuation(text[end])) --end;
    text = text.substr(0, end);
  }
  std::string out = "`";
  for (const char c : text) out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  out += cut ? "...`" : "`";
  return out;
}

}  // namespace sluice::plan
