#include "os/sockets.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/descriptor.h"
#include "os/entropy.h"
#include "os/temp_folder.h"

namespace sluice::os {
namespace {

TEST(Endpoints, three_forms_are_read_and_printed_back) {
  for (const char* text : {"127.0.0.1:8080", "[::1]:0", "localhost:65535"}) {
    const auto endpoint = parse_endpoint(text);
    ASSERT_TRUE(endpoint) << text;
    EXPECT_EQ(endpoint->text(), text);
  }
}

TEST(Endpoints, anything_else_is_refused_with_an_example) {
  for (const char* text : {"", "8080", "127.0.0.1", "127.0.0.1:", ":80", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:80x",
                           "::1:80", "[1.2.3.4]:80"}) {
    const auto endpoint = parse_endpoint(text);
    ASSERT_FALSE(endpoint) << text;
    EXPECT_EQ(endpoint.error().code, Code::invalid);
    EXPECT_NE(endpoint.error().message.find("127.0.0.1:8080"), std::string::npos);
  }
}

class SocketsTest : public testing::Test {
 protected:
  std::unique_ptr<Sockets> sockets_ = real_sockets();
};

TEST_F(SocketsTest, a_listener_on_port_zero_says_its_port_and_can_be_reached) {
  const auto listening = sockets_->listen_tcp({"127.0.0.1", 0}, false);
  ASSERT_TRUE(listening) << listening.error().message;
  const Descriptor listener(listening->descriptor);
  EXPECT_NE(listening->bound.port, 0);
  EXPECT_NE(::fcntl(listener.get(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(::fcntl(listener.get(), F_GETFD) & FD_CLOEXEC, 0);
  const auto connected = sockets_->connect_tcp(listening->bound);
  ASSERT_TRUE(connected) << connected.error().message;
  const Descriptor client(*connected);
  EXPECT_NE(::fcntl(client.get(), F_GETFL) & O_NONBLOCK, 0);
}

TEST_F(SocketsTest, a_taken_port_is_a_conflict_that_names_the_address_and_the_option) {
  const auto first = sockets_->listen_tcp({"127.0.0.1", 0}, false);
  const Descriptor listener(first->descriptor);
  const auto second = sockets_->listen_tcp(first->bound, false);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::conflict);
  EXPECT_NE(second.error().message.find(first->bound.text()), std::string::npos);
  EXPECT_NE(second.error().message.find("--listen"), std::string::npos);
}

TEST_F(SocketsTest, threads_share_a_port_but_another_process_does_not_slip_in) {
  const auto first = sockets_->listen_tcp({"127.0.0.1", 0}, true);
  ASSERT_TRUE(first) << first.error().message;
  const Descriptor one(first->descriptor);
  const auto second = sockets_->listen_tcp(first->bound, true);
  ASSERT_TRUE(second) << second.error().message;
  const Descriptor two(second->descriptor);
  EXPECT_EQ(second->bound.port, first->bound.port);
  const auto stranger = real_sockets()->listen_tcp(first->bound, true);  // what another process would do
  ASSERT_FALSE(stranger);
  EXPECT_EQ(stranger.error().code, Code::conflict);
}

TEST_F(SocketsTest, a_port_without_listener_is_unavailable) {
  Endpoint free;
  {
    const auto listening = sockets_->listen_tcp({"127.0.0.1", 0}, false);
    free = listening->bound;
    ::close(listening->descriptor);
  }
  EXPECT_EQ(sockets_->connect_tcp(free).error().code, Code::unavailable);
  EXPECT_EQ(sockets_->connect_tcp({"no.such.name", 1}).error().code, Code::invalid);
}

TEST_F(SocketsTest, a_unix_socket_is_private_and_replaces_a_stale_file_but_not_a_live_one) {
  const TempFolder folder;
  const std::string path = folder.file("s");
  {
    const auto listening = sockets_->listen_unix(path);
    ASSERT_TRUE(listening) << listening.error().message;
    const Descriptor listener(listening->descriptor);
    struct stat status{};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U);
    const auto client = sockets_->connect_unix(path);
    ASSERT_TRUE(client);
    ::close(*client);
    EXPECT_EQ(sockets_->listen_unix(path).error().code, Code::conflict);
  }
  EXPECT_EQ(sockets_->connect_unix(path).error().code, Code::unavailable) << "stale";
  const auto again = sockets_->listen_unix(path);
  ASSERT_TRUE(again) << again.error().message;
  ::close(again->descriptor);
  EXPECT_EQ(sockets_->connect_unix(folder.file("nothing")).error().code, Code::unavailable);
}

TEST_F(SocketsTest, an_ordinary_file_is_never_replaced_and_a_long_path_is_refused) {
  const TempFolder folder;
  ASSERT_TRUE(real_files()->replace(folder.file("data"), "precious"));
  EXPECT_EQ(sockets_->listen_unix(folder.file("data")).error().code, Code::conflict);
  EXPECT_EQ(*real_files()->read_all(folder.file("data"), 100), "precious");
  EXPECT_EQ(sockets_->listen_unix(folder.file(std::string(200, 'x'))).error().code, Code::invalid);
}

TEST(RealClock, monotonic_goes_on_wall_is_this_century_and_work_costs_cpu) {
  const auto clock = real_clock();
  const MonotonicTime before = clock->monotonic();
  clock->sleep_for(DurationMs(2));
  EXPECT_GE(clock->monotonic() - before, DurationMs(2));
  EXPECT_GT(clock->wall(), time_ms(1'577'836'800'000)) << "2020";
  EXPECT_LT(clock->wall(), time_ms(4'102'444'800'000)) << "2100";
  const int64_t cpu = clock->thread_cpu_us();
  while (clock->thread_cpu_us() < cpu + 1000) {
  }
  EXPECT_GE(clock->thread_cpu_us(), cpu + 1000);
}

TEST(RealEntropy, bytes_differ_and_hex_has_two_digits_per_byte) {
  const auto entropy = real_entropy();
  const std::string a = entropy->hex(16), b = entropy->hex(16);
  EXPECT_EQ(a.size(), 32U);
  EXPECT_NE(a, b);
  EXPECT_EQ(a.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_EQ(entropy->hex(0), "");
}

}  // namespace
}  // namespace sluice::os
