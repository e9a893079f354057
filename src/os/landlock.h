// landlock.h - this process gives up most of the file system for good (Linux Landlock, by raw system calls).
//
// Promise After confine_files() the calling thread and every thread and child it starts later can open only what the rules name, whoever
//         asks: also a library, also as root. Renames and links between the read-write folders keep working.
// Errors  Code::not_found: this kernel has no Landlock of version 2 (5.19) or newer; nothing was given up. Code::io: it failed half-way.
// Threads Call it before any thread starts.
// Why     The embedded engine can be talked into reading any file (facts/store.md 6); this is the wall behind the gate.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace sluice::os {

struct FileRules {
  std::vector<std::string> read_write;  // folders
  std::vector<std::string> read_only;  // folders or files; absent ones are left out
  std::vector<std::string> sockets;  // folders in which Unix sockets may be made and removed, nothing else
};

Status confine_files(const FileRules& rules);

}  // namespace sluice::os
