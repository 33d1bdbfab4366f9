#include "rpi/rpi.hpp"

#include <array>
#include <exception>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>

#include "rpi/rpi_reader.hpp"
#include "support/gauges.hpp"

namespace chouette {
namespace {

struct TroubleName {
  std::string_view name;
  bool PowerTrouble::*member;
};
constexpr TroubleName undervoltage{"undervoltage", &PowerTrouble::undervoltage};
constexpr std::array<TroubleName, 4> troubles{
    {undervoltage,
     {"frequency_capped", &PowerTrouble::frequency_capped},
     {"throttled", &PowerTrouble::throttled},
     {"temperature_limited", &PowerTrouble::temperature_limited}}};

class RpiPlugin : public Plugin {
public:
  explicit RpiPlugin(const RpiSettings& settings)
      : wanted_(settings.metrics.begin(), settings.metrics.end()),
        sys_(settings.roots.sys),
        reader_(settings.roots.sys) {}

  Capture capture(std::int64_t now) override {
    Capture capture;
    Gauges gauges(now, capture);
    for (const auto& [kind, read] : kinds) {
      if (!wanted_.contains(kind)) continue;
      attempt(gauges, kind, [&, read = read] { (this->*read)(gauges); });
    }
    return capture;
  }

private:
  template <class Read>
  static void attempt(Gauges& gauges, std::string_view kind, Read read) {
    try {
      read();
    } catch (const std::exception& error) {
      gauges.add_fault(kind, error);
    }
  }

  void read_temperatures(Gauges& gauges) {
    const auto [sensors, faults] = reader_.temperature_sensors();
    for (const auto& fault : faults) gauges.add_fault("temperature", fault);
    for (const auto& sensor : sensors) {
      attempt(gauges, "temperature", [&gauges, this, &sensor = sensor] {
        gauges.add("Chouette.rpi.temperature", {"zone:" + sensor.name},
                   reader_.temperature(sensor));
      });
    }
    if (sensors.empty() && faults.empty()) {
      throw std::runtime_error("no thermal zone and no hwmon sensor below " + sys_);
    }
  }

  /// get_throttled wins: it tells more, and the hwmon's alarm is nothing but bit 16 of the same
  /// answer. The hwmon driver has the firmware clear bits 16 to 19 each time it asks, every 2 s, so
  /// that they are no history since boot; what was ever seen, by either way, is kept here.
  void read_power(Gauges& gauges) {
    bool failed = false;
    // Not assigned to in the try block: built by GCC 12 for 32-bit ARM, the call has then changed
    // the variable although it threw.
    const auto throttling = [&]() -> std::optional<Throttling> {
      try {
        return reader_.throttling();
      } catch (const std::exception& error) {
        failed = true;
        gauges.add_fault("power", error);
        return std::nullopt;
      }
    }();
    if (throttling) {
      for (const auto& trouble : troubles) {
        send(gauges, trouble, throttling->now.*trouble.member, throttling->lately.*trouble.member);
      }
    } else if (const auto alarm = reader_.undervoltage()) {
      send(gauges, undervoltage, *alarm, false);
    } else if (!failed) {
      throw std::runtime_error("neither the firmware's get_throttled in " + sys_ +
                               "/devices/platform nor a hwmon named rpi_volt in " + sys_ +
                               "/class/hwmon");
    }
  }

  void send(Gauges& gauges, const TroubleName& trouble, bool now, bool lately) {
    bool& seen = seen_.*trouble.member;
    seen = seen || now || lately;
    const std::string metric = "Chouette.rpi." + std::string(trouble.name);
    gauges.add(metric + ".now", {}, now);
    gauges.add(metric + ".since_boot", {}, seen);
  }

  void read_frequencies(Gauges& gauges) {
    const auto policies = reader_.frequency_policies();
    for (const auto& policy : policies) {
      attempt(gauges, "frequency", [&] {
        gauges.add("Chouette.rpi.cpu.frequency", {"policy:" + policy}, reader_.frequency(policy));
      });
    }
    if (policies.empty()) {
      throw std::runtime_error("no policy in " + sys_ + "/devices/system/cpu/cpufreq");
    }
  }

  /// No card is no fault: a Pi may start from USB, NVMe or the network.
  void read_storage(Gauges& gauges) {
    for (const auto& card : reader_.cards()) {
      const std::string device = "device:" + card;
      attempt(gauges, "storage", [&] {
        gauges.add("Chouette.rpi.storage.bytes.written", {device}, reader_.bytes_written(card));
      });
      attempt(gauges, "storage", [&] {
        const auto [type_a, type_b] = reader_.life_used(card);
        const std::string metric = "Chouette.rpi.storage.life_used";
        if (type_a) gauges.add(metric, {device, "type:a"}, *type_a);
        if (type_b) gauges.add(metric, {device, "type:b"}, *type_b);
      });
      attempt(gauges, "storage", [&] {
        const auto state = reader_.pre_eol(card);
        if (state) gauges.add("Chouette.rpi.storage.pre_eol", {device}, *state);
      });
    }
  }

  struct Kind {
    std::string_view name;
    void (RpiPlugin::*read)(Gauges& gauges);
  };
  static constexpr std::array<Kind, 4> kinds{{{"temperature", &RpiPlugin::read_temperatures},
                                              {"power", &RpiPlugin::read_power},
                                              {"frequency", &RpiPlugin::read_frequencies},
                                              {"storage", &RpiPlugin::read_storage}}};

  std::set<std::string, std::less<>> wanted_;
  std::string sys_;
  RpiReader reader_;
  PowerTrouble seen_;
};

}  // namespace

std::unique_ptr<Plugin> make_rpi_plugin(const RpiSettings& settings) {
  return std::make_unique<RpiPlugin>(settings);
}

}  // namespace chouette
