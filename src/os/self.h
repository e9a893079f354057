// self.h - what a process knows of and does to itself: its folder, its standard input, its end.
//
// Threads null_standard_input(), set_environment(): before threads start. exit_now(): any.
#pragma once

#include <string>

#include "base/result.h"

namespace sluice::os {

// Descriptor 0 becomes /dev/null.
Status null_standard_input();
// `path` from the root on; relative ones are taken from the current folder. Need not exist.
std::string absolute_path(const std::string& path);
// What ps, top -H and a debugger call the calling thread; at most 15 characters are kept.
void name_thread(const char* name);
void set_environment(const char* name, const char* value);
// Flushes standard output and error and ends the process without destructors of globals: for programs that host a library whose
// teardown at exit is unsound.
[[noreturn]] void exit_now(int code);

}  // namespace sluice::os
