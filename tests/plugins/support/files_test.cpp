#include "support/files.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

#include "support/temp_dir.hpp"

namespace chouette {
namespace {

constexpr std::size_t four_mebibytes = std::size_t{4} * 1024 * 1024;

class Files : public testing::Test {
protected:
  std::string path(std::string_view name = "file") const { return (folder_ / name).string(); }

  std::string write(std::string_view text, std::string_view name = "file") const {
    std::ofstream(path(name), std::ios::binary) << text;
    return path(name);
  }

  static std::string reason_for(const std::string& path) {
    try {
      read_text(path);
    } catch (const std::exception& error) {
      EXPECT_EQ(try_read_text(path), std::nullopt);
      return error.what();
    }
    return "it was read";
  }

private:
  test::TempDir folder_;
};

TEST_F(Files, AreReadWholeWhateverTheyHold) {
  const std::string text("a\0b\n\xff\r\n", 7);
  EXPECT_EQ(read_text(write(text)), text);
  EXPECT_EQ(try_read_text(path()), text);
}

TEST_F(Files, MayBeEmpty) {
  EXPECT_EQ(read_text(write("")), "");
}

TEST_F(Files, OfAnySizeAroundTheChunksAreReadWhole) {
  for (const std::size_t size : {1U, 16383U, 16384U, 16385U, 32768U, 100000U}) {
    std::string text(size, 'x');
    text.back() = '$';
    EXPECT_EQ(read_text(write(text)), text);
  }
}

TEST_F(Files, OfTheKernelThatShowNoSizeAreReadWhole) {
  const auto text = read_text("/proc/self/stat");
  EXPECT_NE(text.find(std::to_string(::getpid())), std::string::npos);
  EXPECT_EQ(text.back(), '\n');
}

TEST_F(Files, MayHaveFourMebibytesAndNoMore) {
  EXPECT_EQ(read_text(write(std::string(four_mebibytes, 'x'))).size(), four_mebibytes);
  write(std::string(four_mebibytes + 1, 'x'));
  EXPECT_EQ(reason_for(path()), "larger than 4 MiB");
}

TEST_F(Files, WithoutAnEndAreGivenUp) {
  EXPECT_EQ(reason_for("/dev/zero"), "larger than 4 MiB");
}

TEST_F(Files, ThatAreMissingSayWhyWithoutThePath) {
  EXPECT_EQ(reason_for(path("missing")), "No such file or directory");
  EXPECT_EQ(reason_for(write("") + "/below"), "Not a directory");
  EXPECT_EQ(reason_for(""), "No such file or directory");
}

TEST_F(Files, ThatAreFoldersSayWhy) {
  ASSERT_EQ(::mkdir(path().c_str(), 0700), 0);
  EXPECT_EQ(reason_for(path()), "Is a directory");
}

TEST_F(Files, ThatTheUserMayNotReadSayWhy) {
  ASSERT_EQ(::chmod(write("secret").c_str(), 0), 0);
  const auto read_as_nobody = [this] {
    constexpr uid_t nobody = 65534;  // root may read everything
    if (::geteuid() == 0 && ::setuid(nobody) != 0) ::_exit(2);
    ::_exit(reason_for(path()) == "Permission denied" ? 0 : 1);
  };
  EXPECT_EXIT(read_as_nobody(), testing::ExitedWithCode(0), "");
}

TEST_F(Files, ThatTheKernelDoesNotGiveSayWhy) {
  // Nothing is mapped at address 0, so the read itself fails.
  EXPECT_EQ(reason_for("/proc/self/mem"), "Input/output error");
}

TEST_F(Files, ThatArePipesWithoutAWriterAreEmptyAtOnce) {
  ASSERT_EQ(::mkfifo(path().c_str(), 0600), 0);
  EXPECT_EQ(read_text(path()), "");
}

TEST_F(Files, ThatArePipesWithASilentWriterAreNotWaitedFor) {
  int ends[2] = {};
  ASSERT_EQ(::pipe(ends), 0);
  EXPECT_EQ(reason_for("/proc/self/fd/" + std::to_string(ends[0])),
            "Resource temporarily unavailable");
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_F(Files, ThatAreSocketsSayWhy) {
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto name = path("socket");
  ASSERT_LT(name.size(), sizeof(address.sun_path));
  name.copy(address.sun_path, name.size());
  ASSERT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  EXPECT_EQ(reason_for(name), "No such device or address");
  ::close(socket);
}

TEST_F(Files, AreNotLeftOpen) {
  const int before = ::dup(0);
  ::close(before);
  write("text");
  for (int i = 0; i < 10; ++i) {
    read_text(path());
    reason_for(path("missing"));
    reason_for("/proc/self/mem");
  }
  const int after = ::dup(0);
  ::close(after);
  EXPECT_EQ(after, before);
}

TEST_F(Files, AreNamedInWhatAParserThrows) {
  const auto fail = [](const std::string&) -> int {
    throw std::runtime_error("is not understood");
  };
  write("text");
  try {
    read_and_parse(path(), fail);
    ADD_FAILURE();
  } catch (const std::exception& error) {
    EXPECT_EQ(error.what(), path() + ": is not understood");
  }
}

TEST_F(Files, AreNamedWhenTheyCannotBeRead) {
  try {
    read_and_parse(path("missing"), [](const std::string& text) { return text; });
    ADD_FAILURE();
  } catch (const std::exception& error) {
    EXPECT_EQ(error.what(), path("missing") + ": No such file or directory");
  }
}

TEST_F(Files, GiveWhatTheParserMakesOfThem) {
  EXPECT_EQ(read_and_parse(write("text"), [](const std::string& text) { return text.size(); }), 4U);
}

TEST(LastError, IsTheTextOfErrno) {
  errno = EACCES;
  EXPECT_STREQ(last_error().what(), "Permission denied");
}

TEST(TrailingSlashes, AreDropped) {
  EXPECT_EQ(without_trailing_slashes("/host/proc"), "/host/proc");
  EXPECT_EQ(without_trailing_slashes("/host/proc//"), "/host/proc");
  EXPECT_EQ(without_trailing_slashes("/"), "");
  EXPECT_EQ(without_trailing_slashes(""), "");
}

}  // namespace
}  // namespace chouette
