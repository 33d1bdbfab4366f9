#include "support/application.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "support/wait.hpp"

namespace chouette::test {

namespace {

// One command, so that no connection breaks in the middle of a record.
constexpr auto script =
    "redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1]) "
    "redis.call('HSET', KEYS[2], ARGV[1], ARGV[3]) "
    "return redis.call('SADD', KEYS[3], ARGV[1])";

}  // namespace

Application::Application(RedisAddress address, std::string metric, int per_second)
    : client_(std::move(address)),
      metric_(std::move(metric)),
      marks_("application:" + metric_),
      period_(1'000'000 / per_second),
      next_(std::chrono::steady_clock::now()),
      thread_([this] { run(); }) {}

Application::~Application() {
  hopeless_ = true;
  if (thread_.joinable()) thread_.join();
}

double Application::stop() {
  stopping_ = true;
  eventually([this] { return ended_.load(); });
  hopeless_ = true;
  if (thread_.joinable()) thread_.join();
  if (undecided_) throw std::runtime_error("Redis does not say what it has stored");
  return sum_;
}

void Application::run() {
  for (int number = 1; !stopping_ && !hopeless_; ++number) {
    if (!write(number)) {
      undecided_ = true;
      break;
    }
    sum_ += number;
    ++stored_;
    pause();
  }
  ended_ = true;
}

bool Application::write(int number) {
  constexpr std::array kinds{"a", "b", "c"};
  const auto key = make_uuid();
  const auto time = unix_now();
  const nlohmann::json metric{{"metric", metric_},
                              {"type", "count"},
                              {"value", number},
                              {"timestamp", time},
                              {"tags", {{"kind", kinds.at(number % kinds.size())}}}};
  while (!hopeless_) {
    try {
      client_.command({"EVAL", script, "3", std::string(raw_metrics.keys),
                       std::string(raw_metrics.values), marks_, key, nlohmann::json(time).dump(),
                       metric.dump()});
      return true;
    } catch (const RedisFailure&) {
      ++refused_;
    }
    pause();
    if (is_stored(key)) return true;
  }
  return false;
}

bool Application::is_stored(const std::string& key) {
  while (!hopeless_) {
    try {
      return client_.command({"SISMEMBER", marks_, key}) == 1;
    } catch (const RedisFailure&) {
      ++refused_;
    }
    pause();
  }
  return false;
}

void Application::pause() {
  next_ = std::max(next_ + period_, std::chrono::steady_clock::now());
  std::this_thread::sleep_until(next_);
}

}  // namespace chouette::test
