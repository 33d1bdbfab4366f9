#include "dramatiq/dramatiq.hpp"

#include <spdlog/fmt/fmt.h>

#include <cstddef>
#include <exception>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "dramatiq/queue_tag.hpp"
#include "support/gauges.hpp"

namespace chouette {
namespace {

constexpr std::size_t most_queues = 1000;

class DramatiqPlugin : public Plugin {
public:
  DramatiqPlugin(HashSizesScan scan, std::chrono::milliseconds timeout, std::stop_token stop)
      : scan_(std::move(scan)), timeout_(timeout), stop_(std::move(stop)) {}

  Capture capture(std::int64_t now) override {
    Capture capture;
    Gauges gauges(now, capture);
    Found found;
    for (const auto& [tag, size] : known_) found.sizes[tag] = std::nullopt;
    try {
      if (!walk(found, gauges)) return capture;
    } catch (const std::exception& error) {
      gauges.add_fault("Redis", error);
      return capture;
    }
    for (const auto& [tag, size] : found.sizes) {
      gauges.add("Chouette.dramatiq.queue_size", {tag}, size.value_or(0));
    }
    add_faults(found, gauges);
    if (found.beyond > 0) {
      // The queues that are gone make room; they were sent as 0 once.
      std::erase_if(found.sizes, [](const auto& queue) { return !queue.second; });
    }
    known_ = std::move(found.sizes);
    return capture;
  }

private:
  using Clock = std::chrono::steady_clock;

  /// By tag; without a size, a queue is known from before and gone.
  using Queues = std::map<std::string, std::optional<std::size_t>>;

  struct Found {
    Queues sizes;
    std::size_t beyond = 0;   ///< Hashes for which there was no room.
    std::size_t unnamed = 0;  ///< Hashes whose name cannot be a tag.
  };

  /// False if it has not come to the end: what it did not find may be there all the same.
  bool walk(Found& found, Gauges& gauges) {
    const auto deadline = Clock::now() + timeout_;
    std::string cursor = "0";
    while (Clock::now() < deadline) {
      if (stop_.stop_requested()) return false;
      auto answer = scan_(std::string(queue_keys), cursor);
      for (const auto& hash : answer.hashes) note(hash, found);
      cursor = std::move(answer.cursor);
      if (cursor == "0") return true;
    }
    const std::chrono::duration<double> allowed = timeout_;
    gauges.add_fault("Redis", fmt::format("not all keys seen within {:g} s", allowed.count()));
    return false;
  }

  /// A step may bring a hash again: the last size counts.
  static void note(const HashSizes::Hash& hash, Found& found) {
    const auto tag = queue_tag(hash.key);
    if (!tag) {
      ++found.unnamed;
    } else if (found.sizes.size() < most_queues || found.sizes.contains(*tag)) {
      found.sizes[*tag] = hash.fields;
    } else {
      ++found.beyond;
    }
  }

  static void add_faults(const Found& found, Gauges& gauges) {
    if (found.beyond > 0) {
      gauges.add_fault("queues", "more than " + std::to_string(most_queues) + ", " +
                                     std::to_string(found.beyond) + " left out");
    }
    if (found.unnamed > 0) {
      gauges.add_fault("queues", std::to_string(found.unnamed) + " with a name that is no tag");
    }
  }

  HashSizesScan scan_;
  std::chrono::milliseconds timeout_;
  std::stop_token stop_;
  Queues known_;
};

}  // namespace

std::unique_ptr<Plugin> make_dramatiq_plugin(HashSizesScan scan, std::chrono::milliseconds timeout,
                                             std::stop_token stop) {
  return std::make_unique<DramatiqPlugin>(std::move(scan), timeout, std::move(stop));
}

}  // namespace chouette
