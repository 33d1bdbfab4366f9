#include "process/memory.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "support/child_process.hpp"

namespace chouette {
namespace {

/// In MiB.
double resident() {
  const auto status = test::read_file("/proc/self/status");
  return std::stod(status.substr(status.find("VmRSS:") + 6)) / 1024;
}

TEST(Memory, GivesBackWhatLiesBelowWhatIsStillUsed) {
#if !defined(__GLIBC__) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "another allocator than glibc's";
#endif
  constexpr std::size_t block = 1000;
  constexpr std::size_t blocks = 64 * 1024;
  give_back_memory();  // What tests before this one have left.
  const auto before = resident();
  std::vector<std::unique_ptr<std::string>> texts;
  texts.reserve(blocks);
  for (std::size_t i = 0; i < blocks; ++i) {
    texts.push_back(std::make_unique<std::string>(block, 'x'));
  }
  EXPECT_GT(resident(), before + 50);

  texts.erase(texts.begin(), texts.end() - 1);
  EXPECT_GT(resident(), before + 50) << "free() alone gives it back, so that this tests nothing";
  give_back_memory();
  EXPECT_LT(resident(), before + 10);
}

}  // namespace
}  // namespace chouette
