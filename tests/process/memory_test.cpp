#include "process/memory.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/child_process.hpp"

namespace chouette {
namespace {

/// In MiB.
double resident() {
  const auto status = test::read_file("/proc/self/status");
  return std::stod(status.substr(status.find("VmRSS:") + 6)) / 1024;
}

/// Of all files whose code is mapped, in KiB.
int resident_code() {
  std::istringstream maps(test::read_file("/proc/self/smaps"));
  const std::regex mapping(R"([0-9a-f]+-[0-9a-f]+ (\S+) .*)");
  std::smatch parts;
  bool is_code = false;
  int sum = 0;
  for (std::string line; std::getline(maps, line);) {
    if (std::regex_match(line, parts, mapping)) {
      is_code = parts[1] == "r-xp";
    } else if (is_code && line.starts_with("Rss:")) {
      sum += std::stoi(line.substr(4));
    }
  }
  return sum;
}

TEST(Memory, GivesBackCodeAndGoesOn) {
  const auto before = resident_code();
  give_back_code();
  const auto after = resident_code();
  EXPECT_GT(before, 0);
  EXPECT_LT(after, before * 3 / 4);
  EXPECT_THROW(throw std::runtime_error("code of all kinds works"), std::runtime_error);
  std::thread([] { give_back_code(); }).join();
}

TEST(Memory, GivesBackWhatLiesBelowWhatIsStillUsed) {
#if !defined(__GLIBC__) || defined(CHOUETTE_SANITIZED)
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
