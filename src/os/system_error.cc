#include "os/system_error.h"

#include <cerrno>
#include <cstring>

namespace sluice::os {
namespace {

Code code_of(int number) {
  switch (number) {
    case ENOSPC:
    case EDQUOT: return Code::full;
    case ENOENT: return Code::not_found;
    case EEXIST:
    case EADDRINUSE:
    case EWOULDBLOCK: return Code::conflict;
    case ECONNREFUSED:
    case ECONNRESET:
    case ETIMEDOUT:
    case EHOSTUNREACH:
    case ENETUNREACH: return Code::unavailable;
    default: return Code::io;
  }
}

std::string_view next_step(int number) {
  switch (number) {
    case ENOSPC: return "; free some space on this disk";
    case EDQUOT: return "; the quota of this user is used up: free some space or raise it";
    case EACCES:
    case EPERM: return "; check the owner and the permissions";
    case EROFS: return "; the file system is mounted read-only: choose another directory or remount it";
    case EMFILE:
    case ENFILE: return "; raise the limit of open files (ulimit -n)";
    case EIO: return "; the disk reports a failure: look at the kernel's messages (dmesg) before restarting";
    case ENOMEM:
    case EAGAIN: return "; the machine is out of a resource: memory or processes";
    default: return "";
  }
}

}  // namespace

Error system_error(int number, std::string_view what) {
  const char* text = strerrordesc_np(number);
  const char* symbol = strerrorname_np(number);
  std::string message(what);
  message.append(": ").append(text != nullptr ? text : "unknown error");
  message.append(" (").append(symbol != nullptr ? symbol : std::to_string(number)).append(")").append(next_step(number));
  return fail(code_of(number), std::move(message));
}

}  // namespace sluice::os
