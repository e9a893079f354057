#include "os/landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

namespace sluice::os {

namespace {

// Rights that Debian 12's headers do not name yet.
constexpr uint64_t kRefer = 1ULL << 13;     // version 2: rename and link between folders
constexpr uint64_t kTruncate = 1ULL << 14;  // version 3
constexpr long kVersionMin = 2;             // version 1 refuses every rename between folders

constexpr uint64_t kRead = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_EXECUTE;
constexpr uint64_t kSockets = LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REMOVE_FILE;
constexpr uint64_t kWrite = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                            LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                            LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
                            LANDLOCK_ACCESS_FS_MAKE_SYM | kRefer;
constexpr uint64_t kOfFiles =
    LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | kTruncate;

Error failed(const std::string& what) {
  return fail(Code::io, "cannot confine this process: " + what + ": " + std::strerror(errno));
}

class Descriptor {
 public:
  explicit Descriptor(long descriptor) : descriptor_(static_cast<int>(descriptor)) {}
  ~Descriptor() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

Status add(int ruleset, const std::string& path, uint64_t rights, bool may_be_absent) {
  const Descriptor target(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (target.get() < 0) return may_be_absent && errno == ENOENT ? ok() : Status(failed(path));
  struct stat status{};
  if (::fstat(target.get(), &status) != 0) return failed(path);
  landlock_path_beneath_attr rule{};
  rule.allowed_access = S_ISDIR(status.st_mode) ? rights : rights & kOfFiles;
  rule.parent_fd = target.get();
  if (::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0) return failed(path);
  return ok();
}

}  // namespace

Status confine_files(const FileRules& rules) {
  const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < kVersionMin) return fail(Code::not_found, "this kernel has no Landlock (5.19 or newer, not disabled at boot)");
  const uint64_t write = version >= 3 ? kWrite | kTruncate : kWrite;

  landlock_ruleset_attr attributes{};
  attributes.handled_access_fs = kRead | write;
  const Descriptor ruleset(::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0));
  if (ruleset.get() < 0) return failed("no rule set");
  for (const std::string& path : rules.read_write) SLUICE_CHECK(add(ruleset.get(), path, kRead | write, false));
  for (const std::string& path : rules.read_only) SLUICE_CHECK(add(ruleset.get(), path, kRead, true));
  for (const std::string& path : rules.sockets) SLUICE_CHECK(add(ruleset.get(), path, kSockets, false));
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failed("new privileges cannot be given up");
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) return failed("the rules were refused");
  return ok();
}

}  // namespace sluice::os
