#include "intake/deflate.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include <random>
#include <string>

namespace chouette {
namespace {

/// What a zlib stream (RFC 1950) of `length` bytes holds; an empty text if it is none.
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

TEST(Deflate, CanBeUndone) {
  using namespace std::string_literals;
  std::string noise(100'000, '\0');
  std::mt19937 random(7);
  for (auto& byte : noise) {
    byte = static_cast<char>(random());
  }
  for (const auto& text :
       {""s, "x"s, "\0\0"s, R"({"series":[]})"s, std::string(1'000'000, 'a'), noise}) {
    EXPECT_EQ(inflated(deflate(text), text.size()), text);
  }
}

// 0x78: deflate with a window of 32 KiB; 0xda: the best compression. No gzip, no bare deflate.
TEST(Deflate, WritesZlibFormat) {
  const auto stream = deflate("text");
  ASSERT_GE(stream.size(), 6U);
  EXPECT_EQ(static_cast<unsigned char>(stream[0]), 0x78);
  EXPECT_EQ(static_cast<unsigned char>(stream[1]), 0xda);
}

TEST(Deflate, MakesSeriesSmall) {
  std::string text;
  for (int i = 0; i < 1000; ++i) {
    text += R"({"metric":"a.b","points":[[159000)" + std::to_string(1000 + i) +
            R"(,1]],"tags":["k:v"],"type":"gauge"},)";
  }
  EXPECT_LT(deflate(text).size(), text.size() / 15);
}

}  // namespace
}  // namespace chouette
