// A plugin that behaves as its setting, which is its name, tells it to.

#include <chouette/extension.hpp>
#include <chrono>
#include <limits>
#include <stdexcept>
#include <thread>

namespace {

using namespace std::chrono_literals;

/// Not even when it is asked to stop.
[[noreturn]] void hang() {
  for (;;) std::this_thread::sleep_for(1h);
}

class MoodyPlugin : public chouette::Plugin {
public:
  explicit MoodyPlugin(const chouette::PluginContext& context)
      : context_(context), mood_(context.setting(NAME).value_or("")) {
    if (mood_ == "throws when made") throw std::runtime_error("not in the mood");
    if (mood_ == "hangs when made") hang();
  }

  chouette::Capture capture(std::int64_t now) override {
    if (mood_ == "throws") throw std::runtime_error("not in the mood");
    if (mood_ == "throws a number") throw 1;
    if (mood_ == "hangs") hang();
    if (mood_ == "waits for the stop") {
      while (!context_.stop.stop_requested()) std::this_thread::sleep_for(10ms);
    }
    chouette::Capture capture;
    const auto add = [&](const std::string& name, double value) {
      capture.metrics.push_back({.name = name, .tags = {}, .timestamp = now, .value = value});
    };
    add(NAME ".value", 1);
    add(NAME ".interval", static_cast<double>(context_.interval.count()));
    add(NAME ".sees.key", context_.setting("API_KEY") ? 1 : 0);
    if (mood_ == "sends rubbish") {
      add("", 1);
      add(NAME ".infinite", std::numeric_limits<double>::infinity());
    }
    return capture;
  }

private:
  chouette::PluginContext context_;
  std::string mood_;
};

}  // namespace

CHOUETTE_PLUGIN(NAME,
                [](const chouette::PluginContext& context) -> std::unique_ptr<chouette::Plugin> {
                  if (context.setting(NAME) == "is none") return nullptr;
                  return std::make_unique<MoodyPlugin>(context);
                });
