#include "docker/engine_answers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine_server.hpp"

namespace chouette::docker {
namespace {

using test::docker_fixture;
using test::id_of;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST(DockerContainers, AreThoseThatDockerLists) {
  const auto list = parse_containers(docker_fixture("containers_dockerd.json"));
  EXPECT_EQ(list.unusable, 0U);
  EXPECT_THAT(
      list.containers,
      ElementsAre(Container{"b16a02d80538f63d94f0496ee180cfa0d2f1d07859a5c0012e149d238064908a",
                            "k8s_app_hellocafd-node1_default_"
                            "fc10b176380a5fa7aabd830906871d65_0",
                            "running"},
                  Container{"7429b3932bc0ab58c00462b0673ebafa1e7ec492f19d94be72392075c8f8c0ba",
                            "k8s_POD_hellocafd-node1_default_"
                            "fc10b176380a5fa7aabd830906871d65_0",
                            "running"}));
}

TEST(DockerContainers, AreThoseThatPodmanLists) {
  const auto list = parse_containers(docker_fixture("containers_podman.json"));
  EXPECT_EQ(list.unusable, 0U);
  EXPECT_THAT(
      list.containers,
      ElementsAre(Container{"01247f9046efc700bf936ebc0df0a71376a76f2e4fbb05c26d15f9c7993193d7",
                            "run1", "running"}));
}

TEST(DockerContainers, MayBeNone) {
  EXPECT_THAT(parse_containers("[]\n").containers, IsEmpty());
}

TEST(DockerContainers, AreLeftOutWithoutAnIdThatIsSafeInAUrl) {
  const auto list = parse_containers(R"([
    {"Id": "../../images/json?a=", "Names": ["/a"]}, {"Id": "", "Names": ["/b"]},
    {"Names": ["/c"]}, {"Id": 12, "Names": ["/d"]}, {"Id": null}, {"Id": "abc def"},
    {"Id": "abc\u0000"}, {"Id": "abc%2f"}, {"Id": ")" +
                                     std::string(65, 'a') + R"("},
    7, null, [], "text", {"Id": "AbC09", "Names": ["/good"], "State": "running"}])");
  EXPECT_EQ(list.unusable, 13U);
  EXPECT_THAT(list.containers, ElementsAre(Container{"AbC09", "good", "running"}));
}

TEST(DockerContainers, AreTakenOnceEach) {
  const auto list =
      parse_containers(R"([{"Id": "ab", "Names": ["/one"]}, {"Id": "ab", "Names": ["/two"]}])");
  EXPECT_THAT(list.containers, ElementsAre(Container{"ab", "one", ""}));
  EXPECT_EQ(list.unusable, 0U);
}

TEST(DockerContainers, NeedNeitherNamesNorAState) {
  for (const std::string rest :
       {"", R"(, "Names": null)", R"(, "Names": [])", R"(, "Names": "text", "State": 1)",
        R"(, "Names": [1, null, {}])", R"(, "Names": ["", "/"])"}) {
    const auto list = parse_containers(R"([{"Id": "0123456789abcdef")" + rest + "}]");
    EXPECT_THAT(list.containers, ElementsAre(Container{"0123456789abcdef", "0123456789ab", ""}))
        << rest;
  }
}

TEST(DockerContainers, CannotBeReadFromWhatIsNoList) {
  for (const auto* text :
       {"", " ", "{}", "null", "7", "[", "[}", "[{]", "<html>", "\xff", "[\"\xff\"]"}) {
    EXPECT_THROW(parse_containers(text), ParseError) << text;
  }
}

TEST(DockerContainers, CannotBeReadFromAListThatIsCutOffAnywhere) {
  const auto text = docker_fixture("containers_podman.json");
  const auto end = text.rfind(']');
  for (std::size_t size = 0; size <= end; ++size) {
    EXPECT_THROW(parse_containers(text.substr(0, size)), ParseError) << size;
  }
}

TEST(DockerContainers, CannotBeReadFromWhatIsNestedWithoutEnd) {
  EXPECT_THROW(parse_containers(std::string(1'000'000, '[')), ParseError);
  EXPECT_THROW(parse_containers(std::string(100'000, '[') + std::string(100'000, ']')), ParseError);
}

TEST(DockerName, IsTheContainersOwnAndNotALinks) {
  EXPECT_EQ(name_of("ab", {"/web/database", "/database", "/other/db"}), "database");
  EXPECT_EQ(name_of("ab", {"database"}), "database");
  EXPECT_EQ(name_of("ab", {"/a", "/b"}), "a");
}

TEST(DockerName, IsTheIdsBeginningWhereThereIsNone) {
  EXPECT_EQ(name_of("0123456789abcdef", {}), "0123456789ab");
  EXPECT_EQ(name_of("0123", {"/link/alias", "/", ""}), "0123");
}

TEST(DockerName, HoldsNoControlCharacters) {
  EXPECT_EQ(name_of("ab", {std::string_view("/a\nb\0c\x7f\x1b[0m", 11)}), "a_b_c__[0m");
  EXPECT_EQ(name_of("ab", {"/caf\xc3\xa9, gr\xc3\xbcn"}), "caf\xc3\xa9, gr\xc3\xbcn");
}

TEST(DockerName, IsCutBetweenTwoCharacters) {
  EXPECT_EQ(name_of("ab", {std::string(200, 'n')}), std::string(200, 'n'));
  EXPECT_EQ(name_of("ab", {std::string(1'000'000, 'n')}), std::string(200, 'n'));
  EXPECT_EQ(name_of("ab", {std::string(199, 'n') + "\xc3\xa9"}), std::string(199, 'n'));
  EXPECT_EQ(name_of("ab", {std::string(198, 'n') + "\xc3\xa9s"}),
            std::string(198, 'n') + "\xc3\xa9");
}

TEST(DockerStats, AreThoseThatDockerTellsWithCgroup1) {
  const auto stats = parse_stats(docker_fixture("stats_dockerd_cgroup1.json"));
  EXPECT_EQ(stats, (Stats{.cpu = 943942605,
                          .memory = 6053888,
                          .inactive_file = 16384,
                          .interfaces = {{"eth0", 1348, 0}}}));
  EXPECT_EQ(working_set(stats), 6053888 - 16384);
}

TEST(DockerStats, AreThoseThatPodmanTells) {
  const auto stats = parse_stats(docker_fixture("stats_podman.json"));
  EXPECT_EQ(stats, (Stats{.cpu = 166373102,
                          .memory = 2998272,
                          .inactive_file = std::nullopt,
                          .interfaces = {{"network", 0, 0}}}));
  EXPECT_EQ(working_set(stats), std::nullopt);
}

TEST(DockerStats, AreNoneWhileTheContainerRestarts) {
  EXPECT_EQ(parse_stats(docker_fixture("stats_dockerd_restarting.json")), Stats{});
}

TEST(DockerStats, CountInactivePagesAsCgroup2Does) {
  const auto stats = parse_stats(
      R"({"memory_stats":{"usage":5000,"stats":{"active_file":7,"inactive_file":2000}}})");
  EXPECT_EQ(working_set(stats), 3000);
}

TEST(DockerStats, CountInactivePagesOfTheWholeContainerWithCgroup1) {
  const auto stats = parse_stats(
      R"({"memory_stats":{"usage":5000,"stats":{"inactive_file":1,"total_inactive_file":2000}}})");
  EXPECT_EQ(working_set(stats), 3000);
}

TEST(DockerStats, HaveAWorkingSetThatIsNeverNegative) {
  const auto stats =
      parse_stats(R"({"memory_stats":{"usage":5000,"stats":{"inactive_file":5001}}})");
  EXPECT_EQ(working_set(stats), 0);
}

TEST(DockerStats, TakeZeroForAValue) {
  const auto stats = parse_stats(
      R"({"cpu_stats":{"cpu_usage":{"total_usage":0}},
          "memory_stats":{"usage":0,"stats":{"inactive_file":0}},
          "networks":{"eth0":{"rx_bytes":0,"tx_bytes":0}}})");
  EXPECT_EQ(stats,
            (Stats{.cpu = 0, .memory = 0, .inactive_file = 0, .interfaces = {{"eth0", 0, 0}}}));
  EXPECT_EQ(working_set(stats), 0);
}

TEST(DockerStats, LackWhatIsMissingOrNull) {
  for (const auto* text :
       {"{}", R"({"cpu_stats":{},"memory_stats":{},"networks":{}})",
        R"({"cpu_stats":null,"memory_stats":null,"networks":null,"read":null})",
        R"({"cpu_stats":{"cpu_usage":null},"memory_stats":{"usage":null,"stats":null}})",
        R"({"cpu_stats":{"cpu_usage":{"total_usage":null}},"memory_stats":{"stats":{}}})"}) {
    EXPECT_EQ(parse_stats(text), Stats{}) << text;
  }
  EXPECT_EQ(parse_stats(R"({"networks":{"eth0":{"rx_bytes":1}}})").interfaces,
            (std::vector<Interface>{{"eth0", 1, std::nullopt}}));
}

TEST(DockerStats, HoldTheFirstOfInterfacesThatShareATag) {
  EXPECT_EQ(parse_stats(R"({"networks":{"eth0":{"rx_bytes":1,"tx_bytes":2},"eth1":{"rx_bytes":3},)"
                        R"("eth0":{"rx_bytes":4}}})")
                .interfaces,
            (std::vector<Interface>{{"eth0", 1, 2}, {"eth1", 3, std::nullopt}}));
  EXPECT_EQ(parse_stats(R"({"networks":{"a\tb":{"rx_bytes":1},"a_b":{"rx_bytes":2}}})").interfaces,
            (std::vector<Interface>{{"a_b", 1, std::nullopt}}));
  const std::string longest(200, 'x');
  EXPECT_EQ(parse_stats(R"({"networks":{")" + longest + R"(y":{"rx_bytes":1},")" + longest +
                        R"(z":{"rx_bytes":2}}})")
                .interfaces,
            (std::vector<Interface>{{longest, 1, std::nullopt}}));
}

TEST(DockerStats, HoldNumbersOf64BitsAndMore) {
  EXPECT_EQ(parse_stats(test::stats_with("18446744073709551615", "1e3")).memory,
            18446744073709551615.0);
  EXPECT_EQ(parse_stats(test::stats_with("99999999999999999999999", "0")).memory, 1e23);
}

TEST(DockerStats, CannotBeReadWhereSomethingElseStandsInANumbersPlace) {
  for (const std::string number : {"-1", "\"12\"", "true", "[]", "{}", "-0.5"}) {
    EXPECT_THROW(parse_stats(test::stats_with(number, "1")), ParseError) << number;
    EXPECT_THROW(parse_stats(test::stats_with("1", number)), ParseError) << number;
    EXPECT_THROW(parse_stats(R"({"networks":{"e":{"rx_bytes":)" + number + "}}}"), ParseError);
    EXPECT_THROW(parse_stats(R"({"memory_stats":{"stats":{"inactive_file":)" + number + "}}}"),
                 ParseError);
    EXPECT_THROW(parse_restart_count(R"({"RestartCount":)" + number + "}"), ParseError);
  }
}

TEST(DockerStats, CannotBeReadWhereSomethingElseStandsInAnObjectsPlace) {
  for (const auto* text :
       {"", "[]", "7", "null", "NaN", R"({"cpu_stats":7})", R"({"cpu_stats":{"cpu_usage":[]}})",
        R"({"memory_stats":"none"})", R"({"memory_stats":{"stats":[1]}})", R"({"networks":[]})",
        R"({"networks":{"eth0":null}})", R"({"memory_stats":{"usage":1e999}})",
        R"({"memory_stats":{"usage":NaN}})", "{} {}"}) {
    EXPECT_THROW(parse_stats(text), ParseError) << text;
  }
}

TEST(DockerStats, CannotBeReadFromAnAnswerThatIsCutOffAnywhere) {
  for (const auto* name : {"stats_dockerd_cgroup1.json", "stats_podman.json"}) {
    const auto text = docker_fixture(name);
    const auto end = text.rfind('}');
    for (std::size_t size = 0; size <= end; ++size) {
      EXPECT_THROW(parse_stats(text.substr(0, size)), ParseError) << name << " " << size;
    }
  }
}

TEST(DockerRestarts, AreTheContainersCount) {
  EXPECT_EQ(parse_restart_count(R"({"State":{"Pid":1},"RestartCount":3})"), 3);
  EXPECT_EQ(parse_restart_count(R"({"RestartCount":0})"), 0);
  EXPECT_EQ(parse_restart_count("{}"), std::nullopt);
  EXPECT_THROW(parse_restart_count(""), ParseError);
  EXPECT_THROW(parse_restart_count("[]"), ParseError);
}

TEST(DockerMessage, IsQuotedPrintableAndShort) {
  EXPECT_EQ(parse_message(R"({"message":"No such container: nope"})"), "No such container: nope");
  EXPECT_EQ(parse_message(R"({"message":"a\nb\u0000c\u001b\u00e9"})"), "a?b?c???");
  EXPECT_EQ(parse_message(R"({"message":")" + std::string(100'000, 'x') + R"("})"),
            std::string(200, 'x'));
}

TEST(DockerMessage, IsEmptyWhereThereIsNone) {
  for (const auto* text : {"", "{}", "[]", R"({"message":7})", "<html>502</html>", "\xff", "{"}) {
    EXPECT_EQ(parse_message(text), "") << text;
  }
}

TEST(DockerApiVersion, IsTwoNumbers) {
  EXPECT_EQ(parse_api_version("1.41"), (ApiVersion{1, 41}));
  EXPECT_EQ(parse_api_version("2.0"), (ApiVersion{2, 0}));
  for (const auto* text : {"", "1", ".", "1.", ".41", "1.41.2", "1.4x", " 1.41", "-1.41", "1.-41",
                           "1.99999999999", "10000.1", "1/../x.1", "v1.41"}) {
    EXPECT_EQ(parse_api_version(text), std::nullopt) << text;
  }
}

TEST(DockerApiVersion, IsOrderedByNumber) {
  EXPECT_LT((ApiVersion{1, 9}), (ApiVersion{1, 41}));
  EXPECT_LT((ApiVersion{1, 41}), (ApiVersion{2, 0}));
}

}  // namespace
}  // namespace chouette::docker
