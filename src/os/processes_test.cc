#include "os/processes.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "os/files.h"
#include "os/temp_folder.h"

namespace sluice::os {
namespace {

using namespace std::chrono_literals;

// Waits for a condition with a deadline that only a broken machine reaches.
template <class Condition>
bool eventually(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

class ProcessesTest : public testing::Test {
 protected:
  std::unique_ptr<Child> shell(const std::string& script) {
    auto child = processes_->spawn({{"/bin/sh", "-c", script}, {"SLUICE_TEST_VALUE=from the parent"}, folder_.file("stderr")});
    EXPECT_TRUE(child) << child.error().message;
    return std::move(*child);
  }
  std::string said() { return *real_files()->read_all(folder_.file("stderr"), 1 << 20); }

  TempFolder folder_;
  std::unique_ptr<Processes> processes_ = real_processes();
};

TEST_F(ProcessesTest, the_exit_code_is_reported_by_wait_and_by_poll) {
  const auto child = shell("exit 7");
  EXPECT_EQ(child->wait(), 7);
  EXPECT_EQ(child->poll(), 7);
}

TEST_F(ProcessesTest, a_killed_child_reports_128_and_the_signal) {
  const auto child = shell("exec sleep 1000");
  EXPECT_EQ(child->poll(), std::nullopt);
  child->kill(SIGKILL);
  EXPECT_EQ(child->wait(), 128 + SIGKILL);
  child->kill(SIGKILL);  // harmless: its number may belong to somebody else by now
}

TEST_F(ProcessesTest, poll_sees_the_end_without_blocking) {
  const auto child = shell("exit 3");
  EXPECT_TRUE(eventually([&] { return child->poll().has_value(); }));
  EXPECT_EQ(child->poll(), 3);
}

TEST_F(ProcessesTest, the_environment_is_added_and_replaced_by_name) {
  ::setenv("SLUICE_TEST_VALUE", "ours", 1);
  ::setenv("SLUICE_TEST_OTHER", "kept", 1);
  EXPECT_EQ(shell("echo \"$SLUICE_TEST_VALUE/$SLUICE_TEST_OTHER\" >&2")->wait(), 0);
  EXPECT_EQ(said(), "from the parent/kept\n");
  EXPECT_EQ(processes_->environment("SLUICE_TEST_VALUE"), "ours");
  EXPECT_EQ(processes_->environment("SLUICE_TEST_ABSENT"), std::nullopt);
}

TEST_F(ProcessesTest, standard_input_is_empty_and_other_descriptors_are_not_inherited) {
  const int leaked = ::open("/dev/null", O_RDONLY);  // without close-on-exec, as a careless library would
  ASSERT_GE(leaked, 3);
  EXPECT_EQ(shell("cat; ls /proc/self/fd | wc -l >&2; test ! -e /proc/self/fd/" + std::to_string(leaked) + " && echo closed >&2")
                ->wait(),
            0);
  ::close(leaked);
  EXPECT_EQ(said(), "4\nclosed\n");  // 0, 1, 2 and the one by which ls reads the folder
}

TEST_F(ProcessesTest, a_program_that_does_not_exist_is_an_error_that_names_it) {
  const auto child = processes_->spawn({{"/nonexistent/program"}, {}, ""});
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().code, Code::not_found);
  EXPECT_NE(child.error().message.find("/nonexistent/program"), std::string::npos);
}

TEST_F(ProcessesTest, dropping_a_child_kills_and_reaps_it) {
  int pid = 0;
  {
    const auto child = shell("exec sleep 1000");
    pid = child->pid();
    EXPECT_EQ(::kill(pid, 0), 0);
  }
  EXPECT_EQ(::kill(pid, 0), -1);
}

TEST_F(ProcessesTest, a_child_dies_with_its_parent) {
  // The parent is a copy of this test that spawns a sleeper, tells its pid, and is then killed.
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t parent = ::fork();
  if (parent == 0) {
    auto sleeper = real_processes()->spawn({{"/bin/sleep", "1000"}, {}, ""});
    const int pid = sleeper ? (*sleeper)->pid() : -1;
    (void)!::write(ends[1], &pid, sizeof pid);
    ::pause();
    ::_exit(0);
  }
  int sleeper = 0;
  ASSERT_EQ(::read(ends[0], &sleeper, sizeof sleeper), static_cast<ssize_t>(sizeof sleeper));
  ASSERT_GT(sleeper, 0);
  ASSERT_EQ(::kill(sleeper, 0), 0);
  ASSERT_EQ(::kill(parent, SIGKILL), 0);
  ASSERT_EQ(::waitpid(parent, nullptr, 0), parent);
  const auto gone = [&] {  // reaped by init, or a zombie where init is slow
    if (::kill(sleeper, 0) != 0) return true;
    std::string text(4096, '\0');
    const int file = ::open(("/proc/" + std::to_string(sleeper) + "/stat").c_str(), O_RDONLY);
    if (file < 0) return true;
    const ssize_t size = ::read(file, text.data(), text.size());
    ::close(file);
    return size <= 0 || text.find(") Z") != std::string::npos;
  };
  EXPECT_TRUE(eventually(gone));
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_F(ProcessesTest, own_path_is_this_program_and_memory_is_counted) {
  EXPECT_NE(processes_->own_path().find("os_test"), std::string::npos);
  EXPECT_GT(processes_->resident_bytes(), 1'000'000);
}

TEST(StopSignals, a_signal_ends_the_wait_and_raises_the_flag) {
  catch_stop_signals();
  ASSERT_FALSE(stop_requested());
  std::jthread sender([] { ::kill(::getpid(), SIGTERM); });
  wait_for_stop();
  EXPECT_TRUE(stop_requested());
  wait_for_stop();  // stays ended
}

}  // namespace
}  // namespace sluice::os
