#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "queue/queue.hpp"

namespace chouette {
namespace {

TEST(RecordKey, IsARandomUuid) {
  for (int i = 0; i < 1000; ++i) {
    const auto key = make_record_key();
    auto form = key;
    std::replace_if(
        form.begin(), form.end(),
        [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }, 'x');
    ASSERT_EQ(form, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx") << key;
    // RFC 4122: version 4, variant 10.
    EXPECT_EQ(key[14], '4') << key;
    EXPECT_NE(std::string("89ab").find(key[19]), std::string::npos) << key;
  }
}

TEST(RecordKey, TakesEachDigitEverywhere) {
  std::vector<std::set<char>> seen(36);
  for (int i = 0; i < 2000; ++i) {
    const auto key = make_record_key();
    for (std::size_t at = 0; at < key.size(); ++at) {
      seen[at].insert(key[at]);
    }
  }
  for (std::size_t at = 0; at < seen.size(); ++at) {
    const auto is_dash = at == 8 || at == 13 || at == 18 || at == 23;
    EXPECT_EQ(seen[at].size(), is_dash || at == 14 ? 1U : at == 19 ? 4U : 16U) << at;
  }
}

TEST(RecordKey, IsNeverTheSameOnAnyThread) {
  std::mutex mutex;
  std::set<std::string> keys;
  std::vector<std::thread> threads;
  threads.reserve(8);
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      std::vector<std::string> made;
      made.reserve(5000);
      for (int j = 0; j < 5000; ++j) {
        made.push_back(make_record_key());
      }
      const std::lock_guard lock(mutex);
      keys.insert(made.begin(), made.end());
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(keys.size(), 40000);
}

}  // namespace
}  // namespace chouette
