#pragma once

#include <gtest/gtest.h>
#include <spdlog/sinks/ringbuffer_sink.h>
#include <spdlog/spdlog.h>

#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "actors/clock.hpp"
#include "actors/redis.hpp"
#include "metrics/losses.hpp"
#include "queue/memory_queue.hpp"
#include "status/status_board.hpp"

namespace chouette::test {

using namespace std::chrono_literals;

/// Actors on a scheduler that the test drives, over queues in memory, with clocks that it turns.
class ActorTest : public ::testing::Test {
protected:
  struct SystemConfig : caf::actor_system_config {
    SystemConfig() { set("scheduler.policy", caf::atom("testing")); }
  };

  /// 2026-11-23T06:40:00Z, a multiple of 10 and 60 seconds.
  static constexpr double start = 1795416000;

  template <class... Arguments>
  auto spawn(Arguments&&... arguments) {
    auto handle = system_.spawn(std::forward<Arguments>(arguments)...);
    actors_.push_back(caf::actor_cast<caf::actor>(handle));
    return handle;
  }

  ActorTest() {
    log_->set_pattern("%l %v");
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("test", log_));
    spdlog::set_level(spdlog::level::debug);
    redis_ = spawn(redis, std::shared_ptr<Queue>(queue_), board_);
    run();
  }

  void TearDown() override {
    for (auto it = actors_.rbegin(); it != actors_.rend(); ++it) {
      caf::anon_send_exit(*it, caf::exit_reason::kill);
      run();
    }
    actors_.clear();
    redis_ = nullptr;
    run();
  }

  /// Handles all messages; fires no timer.
  void run() {
    while (scheduler_.try_run_once()) {
    }
  }

  /// Turns both clocks, in small steps so that timers set by timers fire in their turn.
  void advance(std::chrono::milliseconds duration) {
    constexpr auto step = 250ms;
    for (; duration > 0ms; duration -= step) {
      scheduler_.advance_time(std::min(duration, std::chrono::milliseconds{step}));
      run();
    }
  }

  void jump_wall_clock(double seconds) { jump_ += seconds; }

  double wall() {
    return start + jump_ + std::chrono::duration<double>(scheduler_.clock().now() - began_).count();
  }
  WallClock wall_clock() {
    return [this] { return wall(); };
  }

  /// Puts a raw metric into the queue as the client does.
  void put_raw(const std::string& name, const std::string& type, const nlohmann::json& value,
               double timestamp, const nlohmann::json& tags = nullptr) {
    put(raw_metrics, timestamp,
        nlohmann::json{{"metric", name},
                       {"type", type},
                       {"value", value},
                       {"timestamp", timestamp},
                       {"tags", tags}}
            .dump());
  }

  void put(QueueName queue, double timestamp, const std::string& value) {
    ASSERT_TRUE(queue_->store(queue, {{make_record_key(), timestamp, value}}));
  }

  std::size_t size(QueueName queue) { return queue_->size(queue).value(); }

  /// The values of a queue, oldest first.
  std::vector<nlohmann::json> values(QueueName queue) {
    std::vector<nlohmann::json> result;
    const auto texts = queue_->fetch(queue, queue_->list(queue, all_time, 100000).value()).value();
    for (std::size_t i = 0; i < texts.size(); ++i) {
      result.push_back(nlohmann::json::parse(texts[i]));
    }
    return result;
  }

  /// How many log lines contain `text`.
  std::size_t logged(const std::string& text) {
    std::size_t count = 0;
    for (const auto& line : log_->last_formatted()) {
      count += line.find(text) != std::string::npos ? 1 : 0;
    }
    return count;
  }

  SystemConfig config_;
  caf::actor_system system_{config_};
  caf::scheduler::test_coordinator& scheduler_ =
      dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler());
  caf::actor_clock::time_point began_ = scheduler_.clock().now();
  double jump_ = 0;
  std::shared_ptr<spdlog::sinks::ringbuffer_sink_mt> log_ =
      std::make_shared<spdlog::sinks::ringbuffer_sink_mt>(10000);
  std::shared_ptr<MemoryQueue> queue_ = std::make_shared<MemoryQueue>();
  std::shared_ptr<StatusBoard> board_ =
      std::make_shared<StatusBoard>("1.2.3", scheduler_.clock().now());
  std::shared_ptr<LossBook> losses_ = std::make_shared<LossBook>();
  std::vector<caf::actor> actors_;
  redis_actor redis_;
};

}  // namespace chouette::test
