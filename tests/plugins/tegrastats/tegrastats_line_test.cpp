#include "tegrastats/tegrastats_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

#include "recorded_lines.hpp"

namespace chouette {

void PrintTo(const TegraValue& value, std::ostream* out) {
  *out << value.name << ' ' << value.value;
}

namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::int64_t mib = std::int64_t{1024} * 1024;

TegrastatsLine parse(std::string_view line) {
  return parse_tegrastats(line);
}

bool holds_all(const std::vector<TegraValue>& whole, const std::vector<TegraValue>& part) {
  return std::all_of(part.begin(), part.end(), [&whole](const TegraValue& value) {
    return std::find(whole.begin(), whole.end(), value) != whole.end();
  });
}

// Memory

TEST(TegrastatsLine, ReadsMemoryInBytes) {
  const auto line = parse("RAM 2020/7852MB (lfb 1164x4MB) SWAP 278/8192MB (cached 23MB)");
  EXPECT_EQ(line.ram, (TegraMemory{2020 * mib, 5832 * mib}));
  EXPECT_EQ(line.swap, (TegraMemory{278 * mib, 7914 * mib}));
}

TEST(TegrastatsLine, KnowsOtherUnitsOfMemory) {
  EXPECT_EQ(parse("RAM 1/3kB").ram, (TegraMemory{1024, 2048}));
  EXPECT_EQ(parse("RAM 1/3KB").ram, (TegraMemory{1024, 2048}));
  EXPECT_EQ(parse("RAM 1/3GB").ram, (TegraMemory{1024 * mib, 2048 * mib}));
  EXPECT_EQ(parse("RAM 1/3TB").ram, std::nullopt);
}

TEST(TegrastatsLine, ReadsMemoryBeforeABracketWithoutABlank) {
  EXPECT_EQ(parse("RAM 1/3kB(lfb 3kB)").ram, (TegraMemory{1024, 2048}));
}

TEST(TegrastatsLine, ReadsSwapThatThereIsNoneOf) {
  EXPECT_EQ(parse("SWAP 0/0MB (cached 0MB)").swap, (TegraMemory{0, 0}));
}

TEST(TegrastatsLine, TakesMemoryThatIsFull) {
  EXPECT_EQ(parse("RAM 5/5MB").ram, (TegraMemory{5 * mib, 0}));
}

TEST(TegrastatsLine, PassesOverMemoryThatMakesNoSense) {
  for (const std::string text : {"RAM 6/5MB",
                                 "RAM -1/5MB",
                                 "RAM 1/-5MB",
                                 "RAM /5MB",
                                 "RAM 1/MB",
                                 "RAM 1MB",
                                 "RAM 1.5/5MB",
                                 "RAM 1/5",
                                 "RAM 1/5M",
                                 "RAM",
                                 "RAM 1 /5MB",
                                 "RAM 99999999999999999999/5MB",
                                 "RAM 1/99999999999999999999MB",
                                 "RAM 1/1073741825GB",
                                 "ram 1/5MB",
                                 "XRAM 1/5MB",
                                 "IRAM 1/5kB",
                                 "RAM 0x1/5MB",
                                 "RAM +1/5MB",
                                 "RAM 1/5MB/"}) {
    EXPECT_FALSE(parse(text).understood()) << text;
  }
}

TEST(TegrastatsLine, CountsTheLargestMemoryWithoutOverflow) {
  EXPECT_EQ(parse("RAM 0/1073741824GB").ram, (TegraMemory{0, std::int64_t{1} << 60}));
}

TEST(TegrastatsLine, TakesTheFirstMemoryThatIsUnderstood) {
  EXPECT_EQ(parse("RAM oops RAM 1/2MB RAM 3/4MB").ram, (TegraMemory{mib, mib}));
}

// Temperatures

TEST(TegrastatsLine, ReadsTemperaturesAsTheBoardSpellsThem) {
  const auto line = parse("PLL@42.5C Tboard@40C soc012@58.468C max170xx@38.9C wlan-0@-5.5C");
  EXPECT_THAT(
      line.temperatures,
      ElementsAre(TegraValue{"PLL", 42.5}, TegraValue{"Tboard", 40}, TegraValue{"soc012", 58.468},
                  TegraValue{"max170xx", 38.9}, TegraValue{"wlan-0", -5.5}));
}

TEST(TegrastatsLine, ReadsZeroDegrees) {
  EXPECT_THAT(parse("GPU@0C").temperatures, ElementsAre(TegraValue{"GPU", 0}));
}

TEST(TegrastatsLine, ReadsTheTemperatureOfNowAndNotTheHighest) {
  EXPECT_THAT(parse("gpu@56.937C/66.625C").temperatures, ElementsAre(TegraValue{"gpu", 56.937}));
}

TEST(TegrastatsLine, LeavesOutPmicInAnyCaseOfLetters) {
  EXPECT_THAT(parse("PMIC@100C pmic@50C Pmic@100C PMIC2@40C").temperatures,
              ElementsAre(TegraValue{"PMIC2", 40}));
}

TEST(TegrastatsLine, LeavesOutZonesThatAreOff) {
  EXPECT_THAT(parse("CV0@-256C GPU@-256C CPU@-40C AO@-64C PLL@-64.5C").temperatures,
              ElementsAre(TegraValue{"CPU", -40}, TegraValue{"AO", -64}));
}

TEST(TegrastatsLine, TellsTheZoneAndTheRailOfOneNameApart) {
  const auto line = parse("GPU@30.5C GPU 463/462");
  EXPECT_THAT(line.temperatures, ElementsAre(TegraValue{"GPU", 30.5}));
  EXPECT_THAT(line.powers, ElementsAre(TegraValue{"GPU", 463}));
}

TEST(TegrastatsLine, PassesOverTemperaturesThatMakeNoSense) {
  for (const std::string text :
       {"GPU@C",     "GPU@41",    "GPU@C41",     "GPU@41F",    "@41C",        "GPU@nanC",
        "GPU@infC",  "GPU@-infC", "GPU@1e1C",    "GPU@1e999C", "GPU@192C",    "GPU@4 1C",
        "GPU@@41C",  "GPU@41CC",  "GP:U@41C",    "1GPU@41C",   "GPU@+41C",    "GPU@N/AC",
        "[9%@345C]", "0%@41C",    "GPU,CPU@41C", "GPU@0x10C",  "\xC3\xA4@41C"}) {
    EXPECT_FALSE(parse(text).understood()) << text;
  }
}

// GPU

TEST(TegrastatsLine, ReadsTheLoadOfTheGpuInAllSpellings) {
  EXPECT_EQ(parse("GR3D_FREQ 36%@140").gpu, 36);
  EXPECT_EQ(parse("GR3D_FREQ 0%@[114]").gpu, 0);
  EXPECT_EQ(parse("GR3D_FREQ 99%@[0,0]").gpu, 99);
  EXPECT_EQ(parse("GR3D_FREQ 100%").gpu, 100);
  EXPECT_EQ(parse("GR3D 7%@76").gpu, 7);
  EXPECT_EQ(parse("GR3D2_FREQ 7%@76").gpu, 7);
  EXPECT_EQ(parse("GR3D_FREQ 25.5%@76").gpu, 25.5);
}

TEST(TegrastatsLine, ReadsTheLoadOfTheBusiestCluster) {
  EXPECT_EQ(parse("GR3D_FREQ 3%@114 GR3D2_FREQ 40%@114").gpu, 40);
  EXPECT_EQ(parse("GR3D_FREQ 40%@114 GR3D2_FREQ 3%@114").gpu, 40);
}

TEST(TegrastatsLine, PassesOverLoadsThatMakeNoSense) {
  for (const std::string text :
       {"GR3D_FREQ @[0,0,0]", "GR3D_FREQ @0", "GR3D_FREQ off", "GR3D_FREQ 36", "GR3D_FREQ -1%",
        "GR3D_FREQ 101%", "GR3D_FREQ %", "GR3D_FREQ nan%", "GR3D_FREQ 3%4", "GR3D_FREQ",
        "GR3D_FREQUENCY 3%", "GR3D_PCI 3%", "XGR3D_FREQ 3%", "EMC_FREQ 3%@102", "VIC 36%@115"}) {
    EXPECT_FALSE(parse(text).understood()) << text;
  }
}

// Power

TEST(TegrastatsLine, ReadsThePowerOfNowAndNotTheAverage) {
  const auto line = parse(
      "VDD_IN 3140/3208 VDD_SOC 650mW/711mW POM_5V_IN 2056/2055 VIN 87426mW/43713mW/87427mW "
      "VDD_CV 12mW VDD_WIFI 0/10");
  EXPECT_THAT(line.powers, ElementsAre(TegraValue{"VDD_IN", 3140}, TegraValue{"VDD_SOC", 650},
                                       TegraValue{"POM_5V_IN", 2056}, TegraValue{"VIN", 87426},
                                       TegraValue{"VDD_CV", 12}, TegraValue{"VDD_WIFI", 0}));
}

TEST(TegrastatsLine, MistakesNothingElseForPower) {
  const auto line = parse(
      "E/TegraStats( 3627): RAM 250/490MB (lfb 17x1MB) Carveout 12/12MB (lfb 0kB) GART 28/32MB "
      "(lfb 4MB) IRAM 36/256kB (lfb 128kb) SWAP 0/2048MB | DFS(%@MHz): cpu [61%,45%]@835 avp "
      "17%@100 vde 34%@216 emc 25%@333 APE 150 MTS fg 0% bg 0% EDP limit 1912 VIC off");
  EXPECT_THAT(line.powers, IsEmpty());
  EXPECT_TRUE(line.ram);
  for (const std::string text : {"RAM 20/78", "SWAP 20/78", "IRAM 0/25", "GART 1/2", "Carveout 1/2",
                                 "01-02-2024 1/2", "NC 0mW/0mW", "VDD_IN 3140"}) {
    EXPECT_FALSE(parse(text).understood()) << text;
  }
}

TEST(TegrastatsLine, PassesOverPowerThatMakesNoSense) {
  for (const std::string text :
       {"VDD_IN -1/2", "VDD_IN 1/-2", "VDD_IN 1/", "VDD_IN /1", "VDD_IN 1mW/2", "VDD_IN 1/2mW",
        "VDD_IN 1W/2W", "VDD_IN nan/1", "VDD_IN inf/1", "VDD_IN 1e5/1", "VDD_IN //", "VDD_IN mW",
        "VDD_IN mW/mW", "VDD_IN", "VDD@IN 1/2", "5V 1/2"}) {
    EXPECT_FALSE(parse(text).understood()) << text;
  }
}

// Lines

TEST(TegrastatsLine, TakesTheFirstOfANameThatComesTwice) {
  const auto line = parse("GPU@1C GPU@2C VDD 3/3 VDD 4/4");
  EXPECT_THAT(line.temperatures, ElementsAre(TegraValue{"GPU", 1}));
  EXPECT_THAT(line.powers, ElementsAre(TegraValue{"VDD", 3}));
}

TEST(TegrastatsLine, DoesNotMindBlanks) {
  EXPECT_EQ(parse(" \tRAM \t 1/2MB\r"), parse("RAM 1/2MB"));
}

TEST(TegrastatsLine, TellsALineThatIsNotUnderstood) {
  for (const std::string text : {"", " ", "RAM", "/", "@", "%", "tegrastats: not found",
                                 "Usage: tegrastats [--interval <millisec>]", "{\"RAM\": 1}"}) {
    EXPECT_FALSE(parse(text).understood()) << text;
  }
  for (const std::string text : {"RAM 1/2MB", "SWAP 1/2MB", "GR3D 0%", "A@0C", "A 0/0"}) {
    EXPECT_TRUE(parse(text).understood()) << text;
  }
}

TEST(TegrastatsLine, BoundsNamesAndTheirNumber) {
  EXPECT_TRUE(parse(std::string(64, 'a') + "@1C").understood());
  EXPECT_FALSE(parse(std::string(65, 'a') + "@1C").understood());
  std::string text;
  for (int i = 0; i < 5000; ++i) {
    text += "z" + std::to_string(i) + "@1C r" + std::to_string(i) + " 1/1 ";
  }
  EXPECT_EQ(parse(text).temperatures.size(), 100U);
  EXPECT_EQ(parse(text).powers.size(), 100U);
}

TEST(TegrastatsLine, HasNothingThatIsNotTrueWhenItIsCutOff) {
  for (const auto& recorded : test::recorded_lines()) {
    const auto whole = parse(recorded.line);
    for (std::size_t size = 0; size < recorded.line.size(); ++size) {
      const auto part = parse(recorded.line.substr(0, size));
      EXPECT_TRUE(!part.ram || part.ram == whole.ram) << recorded.line.substr(0, size);
      EXPECT_TRUE(!part.swap || part.swap == whole.swap) << recorded.line.substr(0, size);
      EXPECT_TRUE(!part.gpu || part.gpu == whole.gpu) << recorded.line.substr(0, size);
      EXPECT_TRUE(holds_all(whole.temperatures, part.temperatures))
          << recorded.line.substr(0, size);
      EXPECT_TRUE(holds_all(whole.powers, part.powers)) << recorded.line.substr(0, size);
    }
  }
}

TEST(TegrastatsLine, TakesAnyBytes) {
  std::mt19937 random(1);
  const auto alphabet = std::string("RAM SWAPGR3D_FREQ@%/C0.19-mWB[],(\t\xff") + '\0';
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (auto size = random() % 60; size > 0; --size) text += alphabet[random() % alphabet.size()];
    const auto line = parse(text);
    EXPECT_TRUE(!line.ram || (line.ram->used >= 0 && line.ram->free >= 0)) << text;
    EXPECT_TRUE(!line.gpu || (*line.gpu >= 0 && *line.gpu <= 100)) << text;
  }
}

}  // namespace
}  // namespace chouette
