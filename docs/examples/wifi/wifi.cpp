// A plugin for chouette-iot: how well each wireless interface hears its access point.

#include <chouette/extension.hpp>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

namespace {

/// Where the kernel tells it. In a container HOST_PROC is the machine's /proc; there the interfaces
/// of process 1 are wanted, not those of the container.
std::string wireless_file(const chouette::PluginContext& context) {
  if (const auto file = context.setting("WIFI_FILE")) return *file;
  const auto proc = context.setting("HOST_PROC");
  return proc ? *proc + "/1/net/wireless" : "/proc/net/wireless";
}

class WifiPlugin : public chouette::Plugin {
public:
  explicit WifiPlugin(std::string file) : file_(std::move(file)) {}

  chouette::Capture capture(std::int64_t now) override {
    std::ifstream stream(file_);
    if (!stream) throw std::runtime_error(file_ + " cannot be read");
    chouette::Capture capture;
    std::string line;
    for (int number = 1; std::getline(stream, line); ++number) {
      constexpr int headings = 2;
      if (number > headings && !read(line, now, capture)) {
        capture.faults.push_back(file_ + ": line " + std::to_string(number) + " is not understood");
      }
    }
    if (stream.bad()) throw std::runtime_error(file_ + " cannot be read");
    return capture;
  }

private:
  /// A line reads `wlan0: 0000   54.  -56.  -256        0 …`: name, status, link quality, signal
  /// level and more. See proc(5) and wireless_seq_printf_stats in Linux.
  static bool read(const std::string& line, std::int64_t now, chouette::Capture& capture) {
    const auto colon = line.find(':');
    if (colon == std::string::npos) return false;
    std::string name;
    std::istringstream(line.substr(0, colon)) >> name;
    std::string status;
    double quality = 0;
    double signal = 0;
    std::istringstream numbers(line.substr(colon + 1));
    if (name.empty() || !(numbers >> status >> quality >> signal)) return false;

    const auto add = [&](std::string metric, double value) {
      capture.metrics.push_back({.name = std::move(metric),
                                 .type = chouette::SeriesType::gauge,
                                 .tags = {"iface:" + name},
                                 .timestamp = now,
                                 .value = value});
    };
    add("wifi.quality", quality);
    // Drivers that measure in other units than dBm tell no negative level; -256 stands for none.
    if (signal < 0 && signal > -256) add("wifi.signal", signal);
    return true;
  }

  std::string file_;
};

}  // namespace

CHOUETTE_PLUGIN("wifi",
                [](const chouette::PluginContext& context) -> std::unique_ptr<chouette::Plugin> {
                  return std::make_unique<WifiPlugin>(wireless_file(context));
                });
