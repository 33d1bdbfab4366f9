#include "tegrastats/tegrastats.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/gauges.hpp"

namespace chouette {
namespace {

using std::chrono::milliseconds;

/// A capture that takes the whole interval is given up.
milliseconds first_wait(milliseconds interval, const TegrastatsTimes& times) {
  return std::min(times.first_line, interval * 8 / 10);
}

/// Of the lines, which are to be young when they are sent.
milliseconds line_interval(milliseconds interval) {
  return std::clamp(interval / 4, milliseconds{100}, milliseconds{10000});
}

class TegrastatsPlugin : public Plugin {
public:
  TegrastatsPlugin(const TegrastatsSettings& settings, milliseconds interval,
                   ChildProcess::Environment environment, std::stop_token stop,
                   const TegrastatsTimes& times)
      : wanted_(settings.metrics.begin(), settings.metrics.end()),
        path_(settings.path),
        stop_(std::move(stop)),
        patience_(first_wait(interval, times)),
        reader_(settings.path, line_interval(interval), std::move(environment), times) {}

  Capture capture(std::int64_t now) override {
    Capture capture;
    const auto news = reader_.take(stop_, std::exchange(patience_, milliseconds{0}));
    const auto& fault = news.line ? news.restarted : news.trouble;
    if (!fault.empty()) Gauges(now, capture).add_fault(path_, fault);
    if (!news.line) return capture;
    last_sent_ = time_of(news, now);
    Gauges gauges(last_sent_, capture);
    for (const auto& [kind, add] : kinds) {
      if (wanted_.contains(kind) && !add(*news.line, gauges)) {
        gauges.add_fault(kind, "none in the line of tegrastats");
      }
    }
    return capture;
  }

private:
  /// When the line was printed, in a second that no point has had yet. Not later, unless the line
  /// is less than a second old.
  std::int64_t time_of(const TegrastatsNews& news, std::int64_t now) const {
    using std::chrono::seconds;
    const auto age = std::chrono::steady_clock::now() - news.printed;
    const auto time = age < seconds{1} ? now : now - std::chrono::ceil<seconds>(age).count();
    return time <= last_sent_ && last_sent_ < now ? last_sent_ + 1 : time;
  }

  static bool add_ram(const TegrastatsLine& line, Gauges& gauges) {
    if (!line.ram) return false;
    gauges.add("Chouette.tegrastats.ram.used", {}, line.ram->used);
    gauges.add("Chouette.tegrastats.ram.free", {}, line.ram->free);
    return true;
  }

  static bool add_temperatures(const TegrastatsLine& line, Gauges& gauges) {
    for (const auto& [zone, temperature] : line.temperatures) {
      gauges.add("Chouette.tegrastats.temperature", {"zone:" + zone}, temperature);
    }
    return !line.temperatures.empty();
  }

  static bool add_gpu(const TegrastatsLine& line, Gauges& gauges) {
    if (!line.gpu) return false;
    gauges.add("Chouette.tegrastats.gpu.percentage", {}, *line.gpu);
    return true;
  }

  static bool add_powers(const TegrastatsLine& line, Gauges& gauges) {
    for (const auto& [rail, power] : line.powers) {
      gauges.add("Chouette.tegrastats.power", {"rail:" + rail}, power);
    }
    return !line.powers.empty();
  }

  static bool add_swap(const TegrastatsLine& line, Gauges& gauges) {
    if (!line.swap) return false;
    gauges.add("Chouette.tegrastats.swap.used", {}, line.swap->used);
    gauges.add("Chouette.tegrastats.swap.free", {}, line.swap->free);
    return true;
  }

  struct Kind {
    std::string_view name;
    bool (*add)(const TegrastatsLine& line, Gauges& gauges);  ///< False if the line has none.
  };
  static constexpr std::array<Kind, 5> kinds{{{"ram", add_ram},
                                              {"temp", add_temperatures},
                                              {"gpu", add_gpu},
                                              {"power", add_powers},
                                              {"swap", add_swap}}};

  std::set<std::string, std::less<>> wanted_;
  std::string path_;
  std::stop_token stop_;
  milliseconds patience_;
  std::int64_t last_sent_ = 0;
  TegrastatsReader reader_;
};

}  // namespace

std::unique_ptr<Plugin> make_tegrastats_plugin(const TegrastatsSettings& settings,
                                               milliseconds interval,
                                               ChildProcess::Environment environment,
                                               std::stop_token stop, const TegrastatsTimes& times) {
  return std::make_unique<TegrastatsPlugin>(settings, interval, std::move(environment),
                                            std::move(stop), times);
}

}  // namespace chouette
