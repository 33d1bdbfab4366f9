#include "commands/finding.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace chouette {
namespace {

const std::vector<Secret> no_secrets;

TEST(Finding, BeginsWithItsLevelAndBreaksLinesAtEightyColumns) {
  const std::string words = "one two three four five six seven eight nine ten eleven twelve";
  const Finding finding{Level::warning, "Redis", words, words + ' ' + words};
  EXPECT_EQ(to_text(finding, no_secrets),
            "warning  Redis          one two three four five six seven eight nine ten eleven\n"
            "                        twelve\n"
            "    one two three four five six seven eight nine ten eleven twelve one two three\n"
            "    four five six seven eight nine ten eleven twelve\n");
}

TEST(Finding, LeavesAWordThatIsTooLongWhole) {
  const std::string word(100, 'x');
  EXPECT_EQ(to_text({Level::ok, "Clock", word}, no_secrets),
            "ok       Clock          " + word + '\n');
}

TEST(Finding, ShowsNoSecretsAndNoControlCharacters) {
  const Finding finding{
      Level::failed, "A hunter2", "b\n\x1b[1mhunter2hunter2", "hunter22", {"c\thunter2"}};
  const auto text = to_text(finding, {Secret("hunter2"), Secret(), Secret("hunter22")});
  EXPECT_EQ(text.find("hunter"), std::string::npos) << text;
  EXPECT_EQ(text,
            "failed   A ***          b  [1m******\n"
            "    c ***\n"
            "    ***\n");
}

TEST(Finding, ASubjectThatIsTooLongKeepsItsDistance) {
  EXPECT_EQ(to_text({Level::ok, "A subject that is long", "text"}, no_secrets),
            "ok       A subject that is long text\n");
}

TEST(FindingPrinter, CountsWhatItPrints) {
  std::ostringstream out;
  FindingPrinter printer(out, {});
  EXPECT_EQ(printer.worst(), Level::ok);
  printer.print({{Level::ok, "A", "a"}, {Level::warning, "B", "b"}});
  EXPECT_EQ(printer.worst(), Level::warning);
  printer.print({{Level::failed, "C", "c"}, {Level::ok, "D", "d"}});
  EXPECT_EQ(printer.worst(), Level::failed);
  printer.print_summary();
  EXPECT_NE(out.str().find("failed   In all         1 failed, 1 warning\n"), std::string::npos)
      << out.str();
}

TEST(FindingPrinter, SaysThatAllIsWell) {
  std::ostringstream out;
  FindingPrinter(out, {}).print_summary();
  EXPECT_EQ(out.str(), "ok       In all         all is well\n");
}

TEST(Numbers, AreGroupedAndCounted) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(1234567), "1,234,567");
  EXPECT_EQ(counted(1, "point"), "1 point");
  EXPECT_EQ(counted(2000, "point"), "2,000 points");
}

}  // namespace
}  // namespace chouette
