// Reads any output of a command: what is taken is fit to be sent, and nothing is taken or counted
// that is not there.

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "exec/exec_output.hpp"
#include "input.hpp"

namespace chouette::fuzz {
namespace {

constexpr ExecDefaults defaults{1700001000, std::chrono::seconds{30}};
constexpr std::size_t most = 50;

void check_metric(const WrappedMetric& metric) {
  check(!metric.name.empty() && metric.name.size() <= 800, "a name");
  check(metric.name.find('\n') == std::string::npos, "a name on one line");
  check(std::isfinite(metric.value), "a finite value");
  check((metric.type == SeriesType::gauge) == (metric.interval.count() == 0), "an interval");
  check(metric.timestamp >= defaults.now - 3600 && metric.timestamp <= defaults.now + 600,
        "a time that Datadog takes");
  check(std::is_sorted(metric.tags.begin(), metric.tags.end()) &&
            std::adjacent_find(metric.tags.begin(), metric.tags.end()) == metric.tags.end() &&
            std::find(metric.tags.begin(), metric.tags.end(), "") == metric.tags.end(),
        "tags, sorted, each once");
  // Throws for what is not UTF-8.
  check(!nlohmann::json(metric.name).dump().empty(), "a name in UTF-8");
  check(!nlohmann::json(metric.tags).dump().empty(), "tags in UTF-8");
}

void run(std::string_view text) {
  auto output = parse_exec_output(text, defaults, most);
  check(output.metrics.size() <= most, "the bound");
  check((output.malformed > 0) == !output.example.empty(), "an example of what is malformed");
  check(output.example.size() < 400 && !nlohmann::json(output.example).dump().empty(),
        "a short example in UTF-8");
  check(std::none_of(output.example.begin(), output.example.end(),
                     [](unsigned char c) { return c < 0x20 || c == 0x7f; }),
        "an example on one line");
  std::for_each(output.metrics.begin(), output.metrics.end(), check_metric);

  if (text.find('{') == std::string_view::npos) {
    const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
    check(output.metrics.size() + output.malformed <= lines, "at most one metric a line of words");
  }

  auto merged = output.metrics;
  merge_same_points(merged);
  check(merged.size() <= output.metrics.size() && merged.empty() == output.metrics.empty(),
        "each series stays");
  auto again = merged;
  merge_same_points(again);
  check(again == merged, "merged once is merged");

  const auto shown = printable(text, 20);
  check(shown.size() <= 83 && !nlohmann::json(shown).dump().empty(), "printable");
  check(last_line(text).find('\n') == std::string_view::npos, "one line");
}

}  // namespace
}  // namespace chouette::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  chouette::fuzz::run(chouette::fuzz::text_of(data, size));
  return 0;
}
