#include "intake/deflate.hpp"

#include <gtest/gtest.h>
#include <malloc.h>
#include <zlib.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace chouette {
namespace {

using namespace std::string_literals;

/// What a zlib stream (RFC 1950) of `length` bytes holds; an empty text if it is none. By zlib, for
/// what reads it elsewhere is not what wrote it.
std::string inflated(const std::string& stream, std::size_t length) {
  std::string text(length + 1, '\0');
  uLongf size = text.size();
  uLong used = stream.size();
  const auto result = uncompress2(reinterpret_cast<Bytef*>(text.data()), &size,
                                  reinterpret_cast<const Bytef*>(stream.data()), &used);
  EXPECT_EQ(result, Z_OK);
  EXPECT_EQ(used, stream.size()) << "something follows the stream";
  text.resize(result == Z_OK ? size : 0);
  return text;
}

std::string noise(std::size_t length, unsigned seed = 7) {
  std::mt19937 random(seed);
  std::string text(length, '\0');
  std::generate(text.begin(), text.end(), [&random] { return static_cast<char>(random()); });
  return text;
}

std::string series(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    text += R"({"metric":"a.b","points":[[159000)" + std::to_string(1000 + i) +
            R"(,1]],"tags":["k:v"],"type":"gauge"},)";
  }
  return text;
}

/// How many pages this process has mapped.
std::size_t mapped_pages() {
  std::ifstream statm("/proc/self/statm");
  std::size_t pages = 0;
  statm >> pages;
  return pages;
}

TEST(Deflate, CanBeUndone) {
  for (const auto& text : {""s, "x"s, "\0\0"s, R"({"series":[]})"s, std::string(1'000'000, 'a'),
                           noise(100'000), series(1000)}) {
    EXPECT_EQ(inflated(deflate(text), text.size()), text) << text.size() << " bytes";
  }
}

TEST(Deflate, CanBeUndoneWhateverTheLength) {
  const auto text = series(100) + noise(3000);
  for (std::size_t length = 0; length <= text.size(); length += 1 + length / 40) {
    const auto part = text.substr(text.size() - length);
    ASSERT_EQ(inflated(deflate(part), length), part) << length;
  }
}

// As much as a payload may hold, some of it beyond what can be compressed.
TEST(Deflate, CanBeUndoneForTheLargestPayload) {
  std::string text;
  for (unsigned i = 0; text.size() < 5UL * 1024 * 1024; ++i) {
    text += series(3000) + noise(70'000, i);
  }
  const auto stream = deflate(text);
  EXPECT_LT(stream.size(), text.size());
  EXPECT_EQ(inflated(stream, text.size()), text);
}

TEST(Deflate, HardlyLengthensWhatCannotBeCompressed) {
  for (const std::size_t length : {0, 1, 2, 100, 5000, 70'000, 1'000'000}) {
    const auto size = deflate(noise(length)).size();
    EXPECT_LE(size, length + length / 500 + 16) << length;
  }
}

// 0x78: deflate with a window of 32 KiB; 0xda: the best compression. No gzip, no bare deflate.
TEST(Deflate, WritesZlibFormat) {
  const auto stream = deflate("text");
  ASSERT_GE(stream.size(), 6U);
  EXPECT_EQ(static_cast<unsigned char>(stream[0]), 0x78);
  EXPECT_EQ(static_cast<unsigned char>(stream[1]), 0xda);
}

TEST(Deflate, MakesSeriesSmallerThanZlibDoes) {
  std::mt19937 random(5);
  std::string text;
  for (int i = 0; i < 300; ++i) {
    text += R"({"metric":"a.b)" + std::to_string(i) + R"(","points":[)";
    for (int second = 1590000000; second < 1590000060; second += 10) {
      text += '[' + std::to_string(second) + ',' + std::to_string(random() % 1000) + "],";
    }
    text += "]},";
  }
  auto zlib_size = compressBound(text.size());
  std::string compressed(zlib_size, '\0');
  ASSERT_EQ(compress2(reinterpret_cast<Bytef*>(compressed.data()), &zlib_size,
                      reinterpret_cast<const Bytef*>(text.data()), text.size(), 9),
            Z_OK);
  EXPECT_LT(deflate(text).size(), zlib_size * 97 / 100);
}

TEST(Deflate, GivesItsMemoryBack) {
  const auto text = series(1000);
  // From then on malloc keeps blocks of this size.
  deflate(text);
  malloc_trim(0);
  const auto before = mapped_pages();
  for (int i = 0; i < 10; ++i) {
    deflate(text);
  }
  EXPECT_LT(mapped_pages(), before + 256);
}

TEST(Deflate, IsTheSameWhateverWasDeflatedBefore) {
  Deflater deflater;
  for (const auto& text : {series(2000), std::string(), noise(1000), series(10), series(2000)}) {
    EXPECT_EQ(deflater.deflate(text), deflate(text));
  }
}

TEST(Deflate, WorksOnSeveralThreads) {
  const auto text = series(2000);
  const auto expected = deflate(text);
  std::vector<std::string> streams(4);
  {
    std::vector<std::jthread> threads;
    for (auto& stream : streams) {
      threads.emplace_back([&stream, &text] {
        for (int i = 0; i < 10; ++i) {
          stream = deflate(text);
        }
      });
    }
  }
  for (const auto& stream : streams) {
    EXPECT_EQ(stream, expected);
  }
}

}  // namespace
}  // namespace chouette
