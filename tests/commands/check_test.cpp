#include "commands/check.hpp"

#include <gtest/gtest.h>

namespace chouette {
namespace {

TEST(Check, AsksNothingThatHangsOnAWrongSetting) {
  EXPECT_TRUE(unusable({"REDIS_PORT: \"x\" is not a whole number"}).redis);
  EXPECT_TRUE(unusable({"redis_password_file: \"x\" cannot be read"}).redis);
  EXPECT_TRUE(unusable({"API_KEY: not set, expected a key"}).key);
  EXPECT_TRUE(unusable({"Api_Key_File: \"x\" cannot be read"}).key);
  EXPECT_TRUE(unusable({"DD_API_KEY: the value has spaces"}).key);
  EXPECT_TRUE(unusable({"DATADOG_URL: \"x\" is no URL"}).metrics_url);
  EXPECT_FALSE(unusable({"DATADOG_URL: \"x\" is no URL"}).logs_url);
  EXPECT_TRUE(unusable({"DATADOG_LOGS_URL: \"x\" is no URL"}).logs_url);
  const auto site = unusable({"DD_SITE: \"x\" is not a site"});
  EXPECT_TRUE(site.metrics_url && site.logs_url && !site.redis && !site.key);
  const auto other = unusable({"METRIC_TTL: \"-1\" is too small: REDIS_PORT", ""});
  EXPECT_FALSE(other.redis || other.key || other.metrics_url || other.logs_url);
}

TEST(Check, SaysFaultsWarningsAndWhatWasLoaded) {
  LoadedConfig loaded;
  loaded.warnings = {"CHOUETTE_X: not a known setting"};
  Extensions extensions;
  extensions.faults = {"CHOUETTE_PLUGIN_DIR: a.so cannot be loaded"};
  extensions.plugins = {{"wifi", "/opt/wifi.so", nullptr}};
  auto findings = judge_configuration(loaded, extensions);
  ASSERT_EQ(findings.size(), 4U);
  EXPECT_EQ(findings[0].level, Level::warning);
  EXPECT_EQ(findings[1].level, Level::warning);
  EXPECT_EQ(findings[2].text, "plugin wifi loaded from /opt/wifi.so");
  EXPECT_EQ(findings[3].text, "the agent can start");

  loaded.faults = {"API_KEY: not set"};
  findings = judge_configuration(loaded, {});
  ASSERT_EQ(findings.size(), 2U);
  EXPECT_EQ(findings[0].level, Level::failed);
  EXPECT_NE(findings[0].advice, "");
}

}  // namespace
}  // namespace chouette
