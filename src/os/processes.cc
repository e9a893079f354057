#include "os/processes.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "os/descriptor.h"
#include "os/system_error.h"

namespace sluice::os {
namespace {

constexpr int kFirstInherited = 3;

class RealChild final : public Child {
 public:
  // `handle` is a pidfd: unlike the pid it can never come to mean another process, so kill() needs no lock against poll().
  RealChild(pid_t pid, Descriptor handle) : pid_(pid), handle_(std::move(handle)) {}
  ~RealChild() override {
    if (exit_code_) return;
    RealChild::kill(SIGKILL);
    RealChild::wait();
  }

  int pid() const override { return pid_; }
  void kill(int signal) override {
    // ESRCH: it ended already, which is what the caller wants or is about to learn.
    (void)::syscall(SYS_pidfd_send_signal, handle_.get(), signal, nullptr, 0);
  }
  std::optional<int> poll() override {
    if (!exit_code_) reap(WNOHANG);
    return exit_code_;
  }
  int wait() override {
    if (!exit_code_) reap(0);
    return *exit_code_;
  }

 private:
  void reap(int flags) {
    int status = 0;
    pid_t got = 0;
    do {
      got = ::waitpid(pid_, &status, flags);
    } while (got < 0 && errno == EINTR);
    if (got == 0) return;
    SLUICE_ASSERT(got == pid_, "nobody else reaps our children");
    exit_code_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }

  const pid_t pid_;
  const Descriptor handle_;
  std::optional<int> exit_code_;
};

// All that the child needs, made before fork(): after it, in a process with threads, nothing may allocate or lock.
struct Prepared {
  std::vector<char*> arguments;
  std::vector<char*> environment;
  int input = -1;
  int error_output = -1;  // -1: ours
  int report = -1;        // gets errno if the program cannot be started; closed by exec
  pid_t parent = 0;
};

[[noreturn]] void give_up(const Prepared& prepared) {
  const int number = errno;
  (void)!::write(prepared.report, &number, sizeof number);
  ::_exit(127);
}

// Runs in the child, between fork and exec: async-signal-safe calls only.
[[noreturn]] void become_program(const Prepared& prepared) {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) give_up(prepared);
  // The parent may have died before prctl; then no signal will come any more.
  if (::getppid() != prepared.parent) ::_exit(127);
  // Its own process group: Ctrl-C reaches us alone, and we end it in order.
  if (::setpgid(0, 0) != 0) give_up(prepared);
  if (::dup2(prepared.input, STDIN_FILENO) < 0) give_up(prepared);
  if (prepared.error_output >= 0 && ::dup2(prepared.error_output, STDERR_FILENO) < 0) give_up(prepared);
  if (::close_range(kFirstInherited, ~0U, CLOSE_RANGE_CLOEXEC) != 0) give_up(prepared);
  for (int signal = 1; signal < NSIG; ++signal) (void)::signal(signal, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  (void)::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(prepared.arguments[0], prepared.arguments.data(), prepared.environment.data());
  give_up(prepared);
}

// Ours, with `added` in place of variables of the same name.
std::vector<std::string> environment_with(const std::vector<std::string>& added) {
  std::vector<std::string> all = added;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view ours(*variable);
    const std::string_view name = ours.substr(0, ours.find('=') + 1);
    bool replaced = false;
    for (const std::string& other : added) replaced = replaced || std::string_view(other).starts_with(name);
    if (!replaced) all.emplace_back(ours);
  }
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

Result<Descriptor> open_for_child(const std::string& path, int flags) {
  Descriptor file(::open(path.c_str(), flags | O_CLOEXEC, 0600));
  if (!file) return system_error(errno, "opening " + path + " for a child process");
  return file;
}

class RealProcesses final : public Processes {
 public:
  Result<std::unique_ptr<Child>> spawn(const Command& command) override {
    SLUICE_ASSERT(!command.arguments.empty(), "a command names its program");
    std::vector<std::string> arguments = command.arguments;
    std::vector<std::string> environment = environment_with(command.environment);
    const Descriptor input = SLUICE_TRY(open_for_child("/dev/null", O_RDONLY));
    Descriptor error_output;
    if (!command.stderr_path.empty()) {
      error_output = SLUICE_TRY(open_for_child(command.stderr_path, O_WRONLY | O_CREAT | O_APPEND));
    }
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC) != 0) return system_error(errno, "starting " + arguments[0]);
    const Descriptor report_in(ends[0]);
    Descriptor report_out(ends[1]);
    const Prepared prepared{pointers(arguments), pointers(environment), input.get(),
                            error_output.get(),  report_out.get(),      ::getpid()};

    // Our handlers must not run in the child before exec; a signal that comes meanwhile waits.
    sigset_t all, before;
    ::sigfillset(&all);
    (void)::pthread_sigmask(SIG_SETMASK, &all, &before);
    const pid_t pid = ::fork();
    if (pid == 0) become_program(prepared);
    const int fork_error = errno;
    (void)::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (pid < 0) return system_error(fork_error, "starting " + arguments[0]);

    report_out = Descriptor();  // ours, so that the pipe ends when the child's copy does
    Descriptor handle(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    const int handle_error = errno;
    int child_error = 0;
    ssize_t got = 0;
    do {
      got = ::read(report_in.get(), &child_error, sizeof child_error);
    } while (got < 0 && errno == EINTR);
    if (got == 0 && handle) return std::unique_ptr<Child>(std::make_unique<RealChild>(pid, std::move(handle)));
    (void)::kill(pid, SIGKILL);  // not reaped yet, so the number is still the child's
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    return system_error(got == 0 ? handle_error : child_error, "starting " + arguments[0]);
  }

  std::string own_path() override {
    std::string path(4096, '\0');
    const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
    SLUICE_ASSERT(size > 0, "/proc is mounted");
    path.resize(static_cast<size_t>(size));
    return path;
  }

  std::optional<std::string> environment(const std::string& name) override {
    const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): nothing here ever sets one
    if (value == nullptr) return std::nullopt;
    return value;
  }

  int64_t resident_bytes() override {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen("/proc/self/statm", "re"), std::fclose);
    long size = 0, resident = 0;
    if (!file || std::fscanf(file.get(), "%ld %ld", &size, &resident) != 2) return 0;
    return static_cast<int64_t>(resident) * ::sysconf(_SC_PAGESIZE);
  }
};

}  // namespace

std::unique_ptr<Processes> real_processes() { return std::make_unique<RealProcesses>(); }

}  // namespace sluice::os
