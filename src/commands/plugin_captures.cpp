#include "commands/plugin_captures.hpp"

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <utility>

#include "extensions/chosen_plugins.hpp"
#include "logging/fault.hpp"
#include "queue/redis_queue.hpp"

namespace chouette {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::string_view measures_between_captures = "host";
constexpr std::chrono::seconds longest_patience{60};
constexpr std::chrono::seconds between_captures{1};
/// What a plugin that is told to stop may still take.
constexpr std::chrono::seconds grace{2};

/// What a thread and the one that waits for it share: the thread may outlast the other.
struct Shared {
  std::mutex mutex;  // guards what follows
  std::condition_variable changed;
  std::vector<std::optional<PluginAnswer>> answers;
  std::size_t answered = 0;
};

std::int64_t unix_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

void wait_for_next(const std::stop_token& stop) {
  constexpr milliseconds step{20};
  for (const auto end = Clock::now() + between_captures;
       Clock::now() < end && !stop.stop_requested();) {
    std::this_thread::sleep_for(step);
  }
}

PluginAnswer ask(const PluginToAsk& plugin, const std::stop_token& stop) {
  PluginAnswer answer{plugin.name};
  try {
    const auto made = plugin.make(stop);
    for (int i = 0; i < plugin.captures; ++i) {
      if (i > 0) wait_for_next(stop);
      const auto begin = Clock::now();
      answer.capture = made->capture(unix_seconds());
      answer.took = std::chrono::duration_cast<milliseconds>(Clock::now() - begin);
    }
  } catch (const std::exception& error) {
    answer.failure = error.what();
  } catch (...) {
    answer.failure = "failed without saying why";
  }
  return answer;
}

/// RedisQueue's hash_sizes for the one thread of a plugin.
HashSizesScan hash_sizes_scan(const RedisSettings& settings) {
  return [queue = std::make_shared<RedisQueue>(settings)](const std::string& pattern,
                                                          const std::string& cursor) {
    auto sizes = queue->hash_sizes(pattern, cursor);
    if (!sizes) throw std::runtime_error(sizes.error().message);
    return std::move(*sizes);
  };
}

}  // namespace

std::vector<PluginToAsk> plugins_to_ask(const Config& config, const Extensions& extensions) {
  std::vector<PluginToAsk> plugins;
  for (auto& plugin : chosen_plugins(config, extensions, hash_sizes_scan(config.redis))) {
    const int captures = plugin.name == measures_between_captures ? 2 : 1;
    plugins.push_back({std::move(plugin.name), std::move(plugin.make), captures});
  }
  return plugins;
}

std::vector<PluginAnswer> ask_plugins(const std::vector<PluginToAsk>& plugins,
                                      milliseconds deadline) {
  const auto shared = std::make_shared<Shared>();
  shared->answers.resize(plugins.size());
  std::stop_source stop;
  for (std::size_t i = 0; i < plugins.size(); ++i) {
    std::thread([shared, i, plugin = plugins[i], token = stop.get_token()] {
      auto answer = ask(plugin, token);
      const std::lock_guard lock(shared->mutex);
      shared->answers[i] = std::move(answer);
      ++shared->answered;
      shared->changed.notify_all();
    }).detach();
  }
  int most_captures = 1;
  for (const auto& plugin : plugins) most_captures = std::max(most_captures, plugin.captures);
  const auto all_answered = [&] { return shared->answered == plugins.size(); };
  std::unique_lock lock(shared->mutex);
  if (!shared->changed.wait_for(lock, deadline + (most_captures - 1) * between_captures,
                                all_answered)) {
    std::vector<bool> late;
    for (const auto& answer : shared->answers) late.push_back(!answer);
    lock.unlock();
    stop.request_stop();
    lock.lock();
    shared->changed.wait_for(lock, grace, all_answered);
    const auto text =
        "no answer within " + to_text(std::chrono::duration_cast<std::chrono::seconds>(deadline));
    for (std::size_t i = 0; i < plugins.size(); ++i) {
      if (!late[i]) continue;
      const auto hangs = !shared->answers[i];
      shared->answers[i] = PluginAnswer{plugins[i].name, {}, text, deadline, hangs};
    }
  }
  std::vector<PluginAnswer> answers;
  for (auto& answer : shared->answers) answers.push_back(std::move(answer.value()));
  return answers;
}

milliseconds patience_with_plugins(const Config& config) {
  return std::min(longest_patience, config.capture_interval);
}

}  // namespace chouette
