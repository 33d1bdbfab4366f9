#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "config/config.hpp"
#include "plugins.hpp"

namespace chouette {
namespace {

TEST(PluginTable, NamesEachPluginOnce) {
  std::set<std::string_view> names;
  for (const auto& entry : plugin_table()) EXPECT_TRUE(names.insert(entry.name).second);
}

TEST(PluginTable, MakesTheHostPluginFromItsSettings) {
  const auto table = plugin_table();
  const auto host = std::find_if(table.begin(), table.end(),
                                 [](const auto& entry) { return entry.name == "host"; });
  ASSERT_NE(host, table.end());
  Config config{};
  config.host_metrics = {"la"};
  config.machine.proc = "/nowhere";
  const auto capture = host->make({config, {}, {}})->capture(1);
  ASSERT_EQ(capture.faults.size(), 1U);
  EXPECT_EQ(capture.faults[0], "la: /nowhere/loadavg: No such file or directory");
}

}  // namespace
}  // namespace chouette
