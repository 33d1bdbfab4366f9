// Asks the plugin for one capture of a recorded file, as the agent would.

#include <chouette/extension.hpp>
#include <iostream>
#include <sstream>

int main(int /*argc*/, char** argv) {
  chouette::PluginContext context;
  context.environment = {{"WIFI_FILE", argv[1]}};
  const auto capture = chouette_extension.make_plugin(context)->capture(1600000000);

  std::ostringstream found;
  for (const auto& metric : capture.metrics) {
    found << metric.name << ' ' << metric.tags.at(0) << ' ' << metric.value << '\n';
  }
  for (const auto& fault : capture.faults) found << fault << '\n';

  const std::string expected =
      "wifi.quality iface:wlan0 54\n"
      "wifi.signal iface:wlan0 -56\n"
      "wifi.quality iface:wlan1 0\n";  // switched off: no signal
  if (found.str() == expected) return 0;
  std::cerr << "expected:\n" << expected << "found:\n" << found.str();
  return 1;
}
