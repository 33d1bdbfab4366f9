#include "extensions/extensions.hpp"

#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <link.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/child_process.hpp"
#include "support/temp_dir.hpp"

namespace chouette::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

constexpr auto owner_writes =
    fs::perms::owner_write | fs::perms::owner_read | fs::perms::group_read | fs::perms::others_read;

class ExtensionsTest : public testing::Test {
protected:
  /// One of the shared objects that were built for this, under its own or another name.
  fs::path put(const std::string& object, const std::string& name = "") {
    return write((name.empty() ? object : name) + ".so",
                 read_file(fs::path(CHOUETTE_EXTENSIONS) / (object + ".so")));
  }

  fs::path write(const std::string& name, const std::string& content) {
    auto path = folder_ / name;
    std::ofstream(path, std::ios::binary) << content;
    fs::permissions(path, owner_writes);
    return path;
  }

  /// A shared object of which `change` has altered something.
  fs::path put_changed(const std::string& object, const std::string& name,
                       const std::function<void(ElfW(Ehdr) &)>& change) {
    auto content = read_file(fs::path(CHOUETTE_EXTENSIONS) / (object + ".so"));
    ElfW(Ehdr) header;
    std::memcpy(&header, content.data(), sizeof(header));
    change(header);
    std::memcpy(content.data(), &header, sizeof(header));
    return write(name, content);
  }

  Extensions load() const { return load_extensions(folder_.path(), {{"host"}, {"simple"}}); }

  /// The one fault there is, if nothing was loaded beside it.
  std::string fault() const {
    const auto extensions = load();
    EXPECT_THAT(extensions.plugins, IsEmpty());
    EXPECT_THAT(extensions.wrappers, IsEmpty());
    EXPECT_THAT(extensions.faults, SizeIs(1));
    return extensions.faults.empty() ? "" : extensions.faults.front();
  }

  std::string about(const std::string& file, const std::string& why) const {
    return "CHOUETTE_PLUGIN_DIR: " + (folder_ / file).string() + ' ' + why;
  }

  TempDir folder_;
};

TEST_F(ExtensionsTest, LoadsPluginsAndWrappersInTheOrderOfTheirFiles) {
  const auto second = put("moody", "2");
  const auto third = put("fussy", "3");
  const auto first = put("grumpy", "1");
  const auto extensions = load();
  EXPECT_THAT(extensions.faults, IsEmpty());
  ASSERT_THAT(extensions.plugins, SizeIs(2));
  EXPECT_EQ(extensions.plugins[0].name, "grumpy");
  EXPECT_EQ(extensions.plugins[0].path, first);
  EXPECT_EQ(extensions.plugins[1].name, "moody");
  EXPECT_EQ(extensions.plugins[1].path, second);
  ASSERT_THAT(extensions.wrappers, SizeIs(1));
  EXPECT_EQ(extensions.wrappers[0].name, "fussy");
  EXPECT_EQ(extensions.wrappers[0].path, third);

  KnownNames known{{"host"}, {"simple"}};
  extensions.add_names(known);
  EXPECT_THAT(known.plugins, ElementsAre("host", "grumpy", "moody"));
  EXPECT_THAT(known.wrappers, ElementsAre("simple", "fussy"));
}

TEST_F(ExtensionsTest, MakesThePluginWithItsContext) {
  put("moody");
  const auto extensions = load();
  ASSERT_THAT(extensions.plugins, SizeIs(1));
  Config config;
  config.capture_interval = std::chrono::seconds{7};
  const auto capture = make_plugin(extensions.plugins[0], config, {})->capture(1600000000);
  ASSERT_THAT(capture.metrics, SizeIs(3));
  EXPECT_EQ(capture.metrics[1].name, "moody.interval");
  EXPECT_EQ(capture.metrics[1].value, 7);
  EXPECT_EQ(capture.metrics[1].timestamp, 1600000000);

  config.child_environment = {{"Moody", "throws when made"}};
  EXPECT_THROW(make_plugin(extensions.plugins[0], config, {}), std::runtime_error);
  config.child_environment = {{"MOODY", "is none"}};
  EXPECT_THROW(make_plugin(extensions.plugins[0], config, {}), std::runtime_error);
}

TEST_F(ExtensionsTest, MakesTheWrapperThatIsNamedBuiltInOrLoaded) {
  put("fussy");
  const auto extensions = load();
  Config config;
  for (const auto* name : {"datadog", "simple", "fussy"}) {
    config.metrics_wrapper = name;
    EXPECT_NE(make_wrapper(config, extensions), nullptr) << name;
  }
  config.metrics_wrapper = "other";
  EXPECT_THROW(make_wrapper(config, extensions), std::runtime_error);
}

TEST_F(ExtensionsTest, SaysWhyAWrapperCannotBeMade) {
  const auto path = put("fussy").string();
  const auto extensions = load();
  Config config;
  config.metrics_wrapper = "fussy";
  const auto why = [&](const std::string& mood) -> std::string {
    config.child_environment = {{"FUSSY", mood}};
    try {
      make_wrapper(config, extensions);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(why("throws"), path + " failed to make it: not in the mood");
  EXPECT_EQ(why("throws a number"), path + " failed to make it");
  EXPECT_EQ(why("is none"), path + " made none");
}

TEST_F(ExtensionsTest, FindsNothingInAnEmptyFolderAndWithoutOne) {
  for (const auto& extensions : {load(), load_extensions("", {})}) {
    EXPECT_THAT(extensions.plugins, IsEmpty());
    EXPECT_THAT(extensions.wrappers, IsEmpty());
    EXPECT_THAT(extensions.faults, IsEmpty());
  }
}

TEST_F(ExtensionsTest, LoadsOnlyWhatTheShellListsAsSharedObjects) {
  put("moody", ".hidden");
  write("moody.so.1", read_file(put("moody")));
  write("README", "read me");
  fs::create_directory(folder_ / "inner");
  fs::copy(folder_ / "moody.so", folder_ / "inner");
  const auto extensions = load();
  EXPECT_THAT(extensions.plugins, SizeIs(1));
  EXPECT_THAT(extensions.faults, IsEmpty());
}

TEST_F(ExtensionsTest, RefusesAFolderThatIsNone) {
  write("file", "");
  const auto faults_of = [&](const std::string& name) {
    return load_extensions(folder_ / name, {}).faults;
  };
  EXPECT_THAT(faults_of("none"),
              ElementsAre(about("none", "cannot be read: No such file or directory")));
  EXPECT_THAT(faults_of("file"), ElementsAre(about("file", "is not a folder")));
}

TEST_F(ExtensionsTest, OneBadFileHarmsNoOther) {
  put("moody", "a");
  write("b.so", "text");
  put("fussy", "c");
  const auto extensions = load();
  EXPECT_THAT(extensions.plugins, SizeIs(1));
  EXPECT_THAT(extensions.wrappers, SizeIs(1));
  EXPECT_THAT(extensions.faults, ElementsAre(about("b.so", "is not a shared object")));
}

TEST_F(ExtensionsTest, RefusesFilesThatAreNoSharedObjects) {
  for (const auto& content : {std::string(), std::string("#!/bin/sh\necho hello\n"),
                              std::string("\x7f"
                                          "ELF"),
                              std::string(4096, '\0'),
                              std::string("\x7f"
                                          "ELF") +
                                  std::string(4096, 'x')}) {
    write("x.so", content);
    EXPECT_THAT(fault(), StartsWith(about("x.so", "is "))) << content.substr(0, 20);
  }
}

TEST_F(ExtensionsTest, RefusesWhatIsNoFile) {
  const auto path = folder_ / "x.so";
  fs::create_directory(path);
  EXPECT_EQ(fault(), about("x.so", "is not a file"));
  fs::remove(path);

  fs::create_symlink(folder_ / "nowhere", path);
  EXPECT_EQ(fault(), about("x.so", "cannot be read: No such file or directory"));
  fs::remove(path);

  fs::create_symlink(path, path);
  EXPECT_EQ(fault(), about("x.so", "cannot be read: Too many levels of symbolic links"));
  fs::remove(path);

  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(fault(), about("x.so", "is not a file"));
}

TEST_F(ExtensionsTest, FollowsALinkToAFile) {
  const TempDir elsewhere;
  fs::rename(put("moody"), elsewhere / "moody.so");
  fs::create_symlink(elsewhere / "moody.so", folder_ / "link.so");
  EXPECT_THAT(load().plugins, SizeIs(1));
}

TEST_F(ExtensionsTest, RefusesAFileForAnotherProcessor) {
  const auto other = about("x.so", "is built for another kind of processor");
  put_changed("moody", "x.so", [](auto& header) {
    header.e_machine = header.e_machine == EM_AARCH64 ? EM_X86_64 : EM_AARCH64;
  });
  EXPECT_EQ(fault(), other);
  put_changed("moody", "x.so", [](auto& header) {
    auto& kind = header.e_ident[EI_CLASS];
    kind = kind == ELFCLASS64 ? ELFCLASS32 : ELFCLASS64;
  });
  EXPECT_EQ(fault(), other);
  put_changed("moody", "x.so", [](auto& header) {
    auto& order = header.e_ident[EI_DATA];
    order = order == ELFDATA2LSB ? ELFDATA2MSB : ELFDATA2LSB;
  });
  EXPECT_EQ(fault(), other);
}

TEST_F(ExtensionsTest, RefusesElfFilesOfOtherKinds) {
  for (const int type : {ET_NONE, ET_REL, ET_EXEC, ET_CORE}) {
    put_changed("moody", "x.so",
                [&](auto& header) { header.e_type = static_cast<ElfW(Half)>(type); });
    EXPECT_EQ(fault(), about("x.so", "is not a shared object")) << type;
  }
  put_changed("moody", "x.so", [](auto& header) { header.e_phnum = 0; });
  EXPECT_EQ(fault(), about("x.so", "is not a shared object"));
  put_changed("moody", "x.so", [](auto& header) { header.e_phoff = ~decltype(header.e_phoff){}; });
  EXPECT_EQ(fault(), about("x.so", "is cut off"));
  put_changed("moody", "x.so", [](auto& header) { header.e_phnum = 0xfffe; });
  EXPECT_THAT(fault(), StartsWith(about("x.so", "is cut off")));
}

TEST_F(ExtensionsTest, RefusesAProgram) {
  write("x.so", read_file("/proc/self/exe"));
  EXPECT_THAT(fault(), StartsWith(about("x.so", "")));
}

/// What is beyond the last segment (a table of sections) is not needed to run it.
std::size_t end_of_segments(const std::string& object) {
  ElfW(Ehdr) header;
  std::memcpy(&header, object.data(), sizeof(header));
  std::size_t end = 0;
  for (std::size_t i = 0; i < header.e_phnum; ++i) {
    ElfW(Phdr) segment;
    std::memcpy(&segment, object.data() + header.e_phoff + i * sizeof(segment), sizeof(segment));
    end = std::max(end, static_cast<std::size_t>(segment.p_offset + segment.p_filesz));
  }
  return end;
}

TEST_F(ExtensionsTest, RefusesAFileThatIsCutOffAnywhere) {
  const auto whole = read_file(fs::path(CHOUETTE_EXTENSIONS) / "moody.so");
  const auto end = end_of_segments(whole);
  ASSERT_GT(end, 1000U);
  write("whole.so", whole.substr(0, end));
  EXPECT_THAT(load().plugins, SizeIs(1));
  fs::remove(folder_ / "whole.so");

  const auto path = write("x.so", whole);
  fs::resize_file(path, end - 1);
  EXPECT_EQ(fault(), about("x.so", "is cut off"));
  constexpr std::size_t headers = 1000;
  for (auto size = end; size > 0; size -= size > headers + 97 ? 97 : 1) {
    fs::resize_file(path, size - 1);
    ASSERT_THAT(fault(), StartsWith(about("x.so", "is "))) << size - 1;
  }
}

TEST_F(ExtensionsTest, NamesASymbolThatIsMissing) {
  put("undefined");
  EXPECT_THAT(fault(),
              AllOf(StartsWith(about("undefined.so", "cannot be loaded: undefined symbol")),
                    HasSubstr("forgotten")));
}

TEST_F(ExtensionsTest, RefusesASharedObjectThatIsNoExtension) {
  put("library");
  EXPECT_EQ(fault(), about("library.so",
                           "is neither a plugin nor a wrapper: it has no CHOUETTE_PLUGIN or "
                           "CHOUETTE_WRAPPER"));
}

TEST_F(ExtensionsTest, RefusesAnotherVersionOfTheInterface) {
  put("next_version");
  EXPECT_EQ(fault(), about("next_version.so",
                           "is built for version 2 of the plugin interface, this agent has "
                           "version 1"));
}

TEST_F(ExtensionsTest, RefusesAnotherLayoutOfTheInterface) {
  put("other_layout");
  EXPECT_THAT(fault(), StartsWith(about("other_layout.so", "is built with a compiler or options")));
}

TEST_F(ExtensionsTest, RefusesAnOddName) {
  const std::string expected = ", expected 1 to 64 letters, digits, - and _";
  for (const auto& [object, shown] :
       {std::pair{"odd_name", R"("odd\nname")"}, {"empty_name", R"("")"}, {"no_name", R"("")"}}) {
    const auto path = put(object);
    EXPECT_EQ(fault(),
              about(std::string(object) + ".so", std::string("has the name ") + shown + expected));
    fs::remove(path);
  }
}

TEST_F(ExtensionsTest, RefusesWhatMakesNothingOrTwoThings) {
  for (const auto* object : {"neither", "both"}) {
    const auto path = put(object);
    EXPECT_THAT(fault(), EndsWith("makes neither a plugin nor a wrapper, or both"));
    fs::remove(path);
  }
}

TEST_F(ExtensionsTest, RefusesTheNameOfABuiltInOne) {
  put("host");
  EXPECT_EQ(fault(), about("host.so", "has the name host, which is a built-in one's"));
  fs::remove(folder_ / "host.so");
  put("simple_wrapper");
  EXPECT_EQ(fault(), about("simple_wrapper.so", "has the name simple, which is a built-in one's"));
}

TEST_F(ExtensionsTest, APluginMayBeNamedLikeAWrapper) {
  put("simple");
  const auto extensions = load();
  EXPECT_THAT(extensions.plugins, SizeIs(1));
  EXPECT_THAT(extensions.faults, IsEmpty());
}

TEST_F(ExtensionsTest, OfTwoWithOneNameTheFirstFileWins) {
  const auto first = put("moody", "a").string();
  put("capitals", "b");
  put("moody", "c");
  fs::create_symlink(folder_ / "a.so", folder_ / "d.so");
  const auto extensions = load();
  ASSERT_THAT(extensions.plugins, SizeIs(1));
  EXPECT_EQ(extensions.plugins[0].path, first);
  EXPECT_THAT(extensions.faults,
              ElementsAre(about("b.so", "has the name MOODY, which is that of " + first),
                          about("c.so", "has the name moody, which is that of " + first),
                          about("d.so", "has the name moody, which is that of " + first)));
}

TEST_F(ExtensionsTest, RefusesAFileThatOthersMayWriteTo) {
  const auto path = put("moody");
  for (const auto perms : {fs::perms::group_write, fs::perms::others_write}) {
    fs::permissions(path, owner_writes | perms);
    EXPECT_THAT(fault(), StartsWith(about("moody.so", "can be written to by others")));
  }
  fs::permissions(path, owner_writes);
  EXPECT_THAT(load().plugins, SizeIs(1));
}

TEST_F(ExtensionsTest, RefusesAFolderThatOthersMayWriteTo) {
  put("moody");
  for (const auto perms : {fs::perms::group_write, fs::perms::others_write}) {
    fs::permissions(folder_.path(), fs::perms::owner_all | perms);
    EXPECT_THAT(fault(), AllOf(StartsWith("CHOUETTE_PLUGIN_DIR: " + folder_.path().string() + ' '),
                               HasSubstr("can be written to by others")));
  }
  fs::permissions(folder_.path(), fs::perms::owner_all);
  EXPECT_THAT(load().plugins, SizeIs(1));
}

TEST_F(ExtensionsTest, RefusesWhatBelongsToSomebodyElse) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  constexpr uid_t nobody = 65534;
  const auto path = put("moody");
  ASSERT_EQ(chown(path.c_str(), nobody, nobody), 0);
  EXPECT_THAT(fault(), StartsWith(about("moody.so", "belongs to user 65534")));
  ASSERT_EQ(chown(path.c_str(), 0, nobody), 0);
  EXPECT_THAT(load().plugins, SizeIs(1));
  ASSERT_EQ(chown(folder_.path().c_str(), nobody, nobody), 0);
  EXPECT_THAT(fault(), HasSubstr(" belongs to user 65534"));
}

TEST_F(ExtensionsTest, AFaultIsOneLineWhateverTheFileIsCalled) {
  write("odd\nname\x1b.so", "text");
  EXPECT_EQ(fault(), about("odd?name?.so", "is not a shared object"));
}

}  // namespace
}  // namespace chouette::test
