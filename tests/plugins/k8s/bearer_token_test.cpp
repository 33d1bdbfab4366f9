#include "k8s/bearer_token.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <exception>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "support/temp_dir.hpp"

namespace chouette {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class BearerToken : public testing::Test {
protected:
  std::string path() const { return folder_ / "token"; }

  std::optional<std::string> read(std::string_view text) const {
    std::ofstream(path(), std::ios::binary) << text;
    return read_bearer_token(path());
  }

  /// Why a file of this content is refused; empty if it is not.
  std::string refusal(std::string_view text) const {
    try {
      read(text);
      return "";
    } catch (const std::exception& error) {
      return error.what();
    }
  }

private:
  test::TempDir folder_;
};

TEST_F(BearerToken, DropsTheLineEndBehindIt) {
  EXPECT_EQ(read("abc.DEF-1_2~3+4/5="), "abc.DEF-1_2~3+4/5=");
  EXPECT_EQ(read("abc\n"), "abc");
  EXPECT_EQ(read("abc\r\n"), "abc");
  EXPECT_EQ(read("abc\n\n"), "abc");
}

TEST_F(BearerToken, IsNoneWhereThereIsNoFile) {
  EXPECT_EQ(read_bearer_token(path()), std::nullopt);
  EXPECT_EQ(read_bearer_token(path() + "/below/it"), std::nullopt);
  EXPECT_EQ(read_bearer_token(""), std::nullopt);
  std::filesystem::create_symlink("gone", path());
  EXPECT_EQ(read_bearer_token(path()), std::nullopt);
}

TEST_F(BearerToken, RefusesWhatCannotStandInAHeaderWithoutShowingIt) {
  for (const std::string_view text :
       {std::string_view("s3cret\r\nHost: other"), std::string_view("s3cret\nx"),
        std::string_view("s3cret\0x", 8), std::string_view("\ts3cret"), std::string_view("s3cret "),
        std::string_view("s3 cret"), std::string_view("s3cret\x7f"), std::string_view("s3cret\xe9"),
        std::string_view("\xef\xbb\xbfs3cret")}) {
    EXPECT_THAT(refusal(text), AllOf(HasSubstr(path()), HasSubstr("character"),
                                     Not(HasSubstr("s3")), Not(HasSubstr("cret"))));
  }
}

TEST_F(BearerToken, RefusesAnEmptyFile) {
  for (const auto* text : {"", "\n", "\r\n\n"}) {
    EXPECT_EQ(refusal(text), path() + ": empty");
  }
}

TEST_F(BearerToken, TakesAtMost64KiB) {
  EXPECT_EQ(read(std::string(65536, 'x')), std::string(65536, 'x'));
  EXPECT_EQ(refusal(std::string(65537, 'x')), path() + ": larger than 64 KiB");
  EXPECT_EQ(refusal(std::string(5'000'000, 'x')), path() + ": larger than 4 MiB");
}

TEST_F(BearerToken, SaysWhyItCannotBeRead) {
  std::filesystem::create_directory(path());
  EXPECT_THROW(read_bearer_token(path()), std::exception);
}

TEST_F(BearerToken, DoesNotWaitForAPipe) {
  ASSERT_EQ(mkfifo(path().c_str(), 0600), 0);
  EXPECT_THROW(read_bearer_token(path()), std::exception);
}

}  // namespace
}  // namespace chouette
