#include "host/host.hpp"

#include <array>
#include <exception>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "support/gauges.hpp"

namespace chouette {
namespace {

class HostPlugin : public Plugin {
public:
  HostPlugin(const HostSettings& settings, HostCalls calls)
      : wanted_(settings.metrics.begin(), settings.metrics.end()),
        reader_(settings, std::move(calls)) {}

  Capture capture(std::int64_t now) override {
    Capture capture;
    Gauges gauges(now, capture);
    for (const auto& [kind, read] : kinds) {
      if (!wanted_.contains(kind)) continue;
      try {
        (this->*read)(gauges);
      } catch (const std::exception& error) {
        gauges.add_fault(kind, error);
      }
    }
    return capture;
  }

private:
  void read_cpu(Gauges& gauges) {
    const auto times = reader_.cpu_times();
    const auto before = std::exchange(last_cpu_times_, times);
    const auto percentage = before ? busy_percentage(*before, times) : std::nullopt;
    if (percentage) gauges.add("Chouette.host.cpu.percentage", {}, *percentage);
  }

  void read_file_systems(Gauges& gauges) {
    std::set<std::string> done;
    for (const auto& mount : reader_.disks()) {
      if (done.contains(mount.device)) continue;
      try {
        const auto space = reader_.space_of(mount);
        const Tags tags{"device:" + mount.device};
        gauges.add("Chouette.host.fs.used", tags, space.used);
        gauges.add("Chouette.host.fs.free", tags, space.free);
        done.insert(mount.device);
      } catch (const std::exception& error) {
        gauges.add_fault("fs", error);
      }
    }
  }

  void read_load(Gauges& gauges) { gauges.add("Chouette.host.la", {"period:1m"}, reader_.load()); }

  void read_memory(Gauges& gauges) {
    const auto memory = reader_.memory();
    const auto watermark = memory.available ? std::nullopt : reader_.low_watermark();
    gauges.add("Chouette.host.memory.used", {}, used_memory(memory));
    gauges.add("Chouette.host.memory.available", {}, available_memory(memory, watermark));
  }

  void read_network(Gauges& gauges) {
    for (const auto& interface : reader_.interfaces()) {
      if (interface.name == "lo") continue;
      const Tags tags{"iface:" + interface.name};
      gauges.add("Chouette.host.network.bytes.sent", tags, interface.sent);
      gauges.add("Chouette.host.network.bytes.recv", tags, interface.received);
    }
  }

  struct Kind {
    std::string_view name;
    void (HostPlugin::*read)(Gauges& gauges);
  };
  static constexpr std::array<Kind, 5> kinds{{{"cpu", &HostPlugin::read_cpu},
                                              {"fs", &HostPlugin::read_file_systems},
                                              {"la", &HostPlugin::read_load},
                                              {"ram", &HostPlugin::read_memory},
                                              {"network", &HostPlugin::read_network}}};

  std::set<std::string, std::less<>> wanted_;
  HostReader reader_;
  std::optional<CpuTimes> last_cpu_times_;
};

}  // namespace

std::unique_ptr<Plugin> make_host_plugin(const HostSettings& settings) {
  return make_host_plugin(settings, system_calls());
}

std::unique_ptr<Plugin> make_host_plugin(const HostSettings& settings, HostCalls calls) {
  return std::make_unique<HostPlugin>(settings, std::move(calls));
}

}  // namespace chouette
