#include "os/self.h"

#include <filesystem>

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace sluice::os {

std::string absolute_path(const std::string& path) {
  std::error_code ignored;  // without a current folder the path stays as it was given
  const std::filesystem::path absolute = std::filesystem::absolute(path, ignored);
  return ignored ? path : absolute.lexically_normal().string();
}

Status null_standard_input() {
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null < 0) return fail(Code::io, std::string("cannot open /dev/null: ") + std::strerror(errno));
  const int done = null == 0 ? 0 : ::dup2(null, 0);
  const int why = errno;
  if (null != 0) ::close(null);
  if (done < 0) return fail(Code::io, std::string("cannot make /dev/null the standard input: ") + std::strerror(why));
  return ok();
}

void name_thread(const char* name) { (void)::prctl(PR_SET_NAME, name); }

void set_environment(const char* name, const char* value) {
  SLUICE_ASSERT(::setenv(name, value, 1) == 0, "a plain name and memory for it");
}

void exit_now(int code) {
  std::fflush(nullptr);
  ::_exit(code);
}

}  // namespace sluice::os
