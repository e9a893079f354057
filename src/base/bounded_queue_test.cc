#include "base/bounded_queue.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

namespace sluice {
namespace {

using namespace std::chrono_literals;
constexpr auto kLong = 20s;  // a deadline that only a broken program reaches

TEST(BoundedQueue, first_in_is_first_out) {
  BoundedQueue<int> queue({.items_max = 3, .bytes_max = 100});
  for (int i = 1; i <= 3; ++i) EXPECT_FALSE(queue.try_push(i, 1));
  for (int i = 1; i <= 3; ++i) EXPECT_EQ(queue.try_pop(), i);
  EXPECT_EQ(queue.try_pop(), std::nullopt);
}

TEST(BoundedQueue, a_full_queue_gives_the_item_back_by_items_and_by_bytes) {
  BoundedQueue<std::unique_ptr<int>> queue({.items_max = 2, .bytes_max = 10});
  EXPECT_FALSE(queue.try_push(std::make_unique<int>(1), 6));
  auto back = queue.try_push(std::make_unique<int>(2), 5);
  ASSERT_TRUE(back) << "11 bytes do not fit";
  EXPECT_EQ(**back, 2);
  EXPECT_FALSE(queue.try_push(std::move(*back), 4));
  EXPECT_TRUE(queue.try_push(std::make_unique<int>(3), 0)) << "three items do not fit";
  EXPECT_EQ(queue.items(), 2U);
  EXPECT_EQ(queue.bytes(), 10U);
  EXPECT_EQ(**queue.try_pop(), 1);
  EXPECT_EQ(queue.bytes(), 4U);
}

TEST(BoundedQueue, an_item_larger_than_the_bound_passes_through_an_empty_queue) {
  BoundedQueue<int> queue({.items_max = 5, .bytes_max = 10});
  EXPECT_FALSE(queue.try_push(1, 1000));
  EXPECT_TRUE(queue.try_push(2, 1));
  EXPECT_EQ(queue.try_pop(), 1);
  EXPECT_FALSE(queue.try_push(2, 1));
  EXPECT_TRUE(queue.try_push(3, static_cast<size_t>(-1))) << "sizes do not wrap";
}

TEST(BoundedQueue, a_closed_queue_takes_nothing_and_gives_what_it_has) {
  BoundedQueue<int> queue({.items_max = 5, .bytes_max = 10});
  EXPECT_FALSE(queue.try_push(1, 1));
  queue.close();
  EXPECT_TRUE(queue.closed());
  EXPECT_TRUE(queue.try_push(2, 1));
  EXPECT_FALSE(queue.push(2, 1));
  EXPECT_EQ(queue.pop_for(kLong), 1);
  EXPECT_EQ(queue.pop_for(kLong), std::nullopt);
}

TEST(BoundedQueue, pop_for_gives_up_after_its_time) {
  BoundedQueue<int> queue({});
  EXPECT_EQ(queue.pop_for(1ms), std::nullopt);
}

TEST(BoundedQueue, closing_wakes_everyone) {
  BoundedQueue<int> full({.items_max = 1, .bytes_max = 1}), empty({});
  ASSERT_FALSE(full.try_push(1, 1));
  std::jthread pusher([&] { EXPECT_FALSE(full.push(2, 1)); });
  std::jthread popper([&] { EXPECT_EQ(empty.pop_for(kLong), std::nullopt); });
  std::jthread waiter([&] { empty.wait_for_bytes(10, kLong); });
  full.close();
  empty.close();
}

TEST(BoundedQueue, a_waiting_pusher_goes_on_when_there_is_room) {
  BoundedQueue<int> queue({.items_max = 1, .bytes_max = 1});
  ASSERT_FALSE(queue.try_push(1, 1));
  std::jthread pusher([&] { EXPECT_TRUE(queue.push(2, 1)); });
  EXPECT_EQ(queue.pop_for(kLong), 1);
  EXPECT_EQ(queue.pop_for(kLong), 2);
}

TEST(BoundedQueue, a_waiter_for_bytes_is_woken_by_enough_of_them_or_by_a_full_queue) {
  BoundedQueue<int> queue({.items_max = 3, .bytes_max = 1000});
  const auto begin = std::chrono::steady_clock::now();
  {
    std::jthread pusher([&] {
      for (int i = 0; i < 2; ++i) EXPECT_FALSE(queue.try_push(i, 50));
    });
    queue.wait_for_bytes(100, kLong);
    EXPECT_EQ(queue.bytes(), 100U);
  }
  ASSERT_FALSE(queue.try_push(2, 50));
  queue.wait_for_bytes(100'000, kLong);  // three items: no more will ever fit
  EXPECT_LT(std::chrono::steady_clock::now() - begin, kLong);
  queue.try_pop();
  queue.wait_for_bytes(100'000, 1ms);
  EXPECT_EQ(queue.items(), 2U) << "waiting takes nothing";
}

TEST(BoundedQueue, many_threads_lose_and_double_nothing_and_keep_each_ones_order) {
  constexpr int kProducers = 3, kEach = 5000;
  BoundedQueue<std::pair<int, int>> queue({.items_max = 7, .bytes_max = 64});
  std::vector<std::vector<std::pair<int, int>>> taken(2);
  {
    std::vector<std::jthread> consumers;
    for (auto& mine : taken) {
      consumers.emplace_back([&] {
        while (auto item = queue.pop_for(kLong)) {
          mine.push_back(*item);
          if (queue.items() > 7) mine.clear();  // beyond its bound: the count below fails
        }
      });
    }
    {
      std::vector<std::jthread> producers;
      for (int p = 0; p < kProducers; ++p) {
        producers.emplace_back([&queue, p] {
          for (int i = 0; i < kEach; ++i) EXPECT_TRUE(queue.push({p, i}, static_cast<size_t>(1 + i % 20)));
        });
      }
    }
    queue.close();
  }
  std::vector<int> count(kProducers, 0);
  for (const auto& mine : taken) {
    std::vector<int> last(kProducers, -1);
    for (const auto& [p, i] : mine) {
      ASSERT_GT(i, last[static_cast<size_t>(p)]);
      last[static_cast<size_t>(p)] = i;
      ++count[static_cast<size_t>(p)];
    }
  }
  for (const int c : count) EXPECT_EQ(c, kEach);
  EXPECT_EQ(queue.bytes(), 0U);
}

}  // namespace
}  // namespace sluice
