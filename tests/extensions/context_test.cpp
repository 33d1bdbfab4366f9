#include <gtest/gtest.h>

#include <chouette/extension.hpp>
#include <string>

namespace chouette {
namespace {

TEST(ExtensionContext, FindsASettingInAnyCaseAndCapitalsWin) {
  const ExtensionContext context{
      {{"WIFI_FILE", "capitals"}, {"wifi_file", "small"}, {"Door", "1"}}};
  EXPECT_EQ(context.setting("WIFI_FILE"), "capitals");
  EXPECT_EQ(context.setting("Wifi_File"), "capitals");
  EXPECT_EQ(context.setting("DOOR"), "1");
  EXPECT_EQ(context.setting("DOO"), std::nullopt);
  EXPECT_EQ(context.setting("DOORS"), std::nullopt);
  EXPECT_EQ(context.setting(""), std::nullopt);
}

TEST(ExtensionContext, TakesAnEmptySettingForNone) {
  const ExtensionContext context{{{"DOOR", ""}, {"door", "2"}, {"GATE", ""}}};
  EXPECT_EQ(context.setting("DOOR"), "2");
  EXPECT_EQ(context.setting("GATE"), std::nullopt);
}

TEST(ExtensionName, IsOfLettersDigitsDashesAndUnderscores) {
  for (const auto* name : {"a", "wifi", "last_value", "My-Plugin-2"}) {
    EXPECT_TRUE(is_extension_name(name)) << name;
  }
  EXPECT_TRUE(is_extension_name(std::string(64, 'a')));
  EXPECT_FALSE(is_extension_name(std::string(65, 'a')));
  for (const auto* name : {"", " ", "a b", "a,b", "a.b", "a\n", "\"", "w\u00efk", "[a]"}) {
    EXPECT_FALSE(is_extension_name(name)) << name;
  }
  EXPECT_FALSE(is_extension_name({"a\0b", 3}));
}

}  // namespace
}  // namespace chouette
