#include "cli/terminal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace sluice::cli {

bool standard_output_is_terminal() { return ::isatty(STDOUT_FILENO) == 1; }
bool standard_error_is_terminal() { return ::isatty(STDERR_FILENO) == 1; }

void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

int report(const Error& error) {
  std::string message = error.message;
  while (message.ends_with('\n')) message.pop_back();
  fmt::print(stderr, "{} {}\n", standard_error_is_terminal() ? "\x1b[31msluice:\x1b[0m" : "sluice:", message);
  return 1;
}

std::string strong(std::string_view text) {
  return standard_output_is_terminal() ? fmt::format("\x1b[1m{}\x1b[0m", text) : std::string(text);
}

std::string red(std::string_view text) {
  return standard_output_is_terminal() ? fmt::format("\x1b[31m{}\x1b[0m", text) : std::string(text);
}

std::string counted(uint64_t n, std::string_view what) { return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s"); }

void ProgressBar::show(uint64_t done, std::string_view note) {
  if (!standard_error_is_terminal()) return;
  constexpr int64_t kWidth = 32;
  const int64_t percent = total_ == 0 ? 100 : static_cast<int64_t>(done * 100 / total_);
  if (percent == last_percent_) return;
  last_percent_ = percent;
  const auto filled = static_cast<size_t>(percent * kWidth / 100);
  std::string bar(filled, '#');
  bar.resize(kWidth, '.');
  fmt::print(stderr, "\r{} [{}] {:3}% {}\x1b[K", what_, bar, percent, note);
  std::fflush(stderr);
}

void ProgressBar::finish(std::string_view note) {
  fmt::print(stderr, "{}{}: {}\n", standard_error_is_terminal() ? "\r\x1b[K" : "", what_, note);
}

}  // namespace sluice::cli
