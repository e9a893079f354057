// terminal.h - what a person sees: results, errors, colours and a progress bar, each only where it helps.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sluice::cli {

bool standard_output_is_terminal();
bool standard_error_is_terminal();
void print(std::string_view text);          // to standard output, as it is
// "sluice: <message>" on standard error; returns the exit code that fits.
int report(const Error& error);
std::string strong(std::string_view text);  // bold on a terminal
std::string red(std::string_view text);
std::string counted(uint64_t n, std::string_view what);  // "1 line", "3 lines"

// One line on standard error that is drawn again; on no terminal only its end is said.
class ProgressBar {
 public:
  ProgressBar(std::string what, uint64_t total) : what_(std::move(what)), total_(total) {}
  void show(uint64_t done, std::string_view note);
  void finish(std::string_view note);

 private:
  const std::string what_;
  const uint64_t total_;
  int64_t last_percent_ = -1;
};

}  // namespace sluice::cli
