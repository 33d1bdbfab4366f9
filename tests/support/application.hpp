#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <string>
#include <thread>

#include "support/redis_client.hpp"

namespace chouette::test {

/// A program that writes counts into the raw queue, one after the other from a thread of its own,
/// and tries again with what Redis refused. It counts only what Redis has stored, and knows that
/// for certain even where an answer was lost: each record leaves a mark, in one transaction.
class Application {
public:
  explicit Application(RedisAddress address, std::string metric = "hits", int per_second = 200);
  ~Application();
  Application(const Application&) = delete;
  Application& operator=(const Application&) = delete;

  /// Ends with the record under way and returns the sum of all that Redis has stored. Throws if
  /// Redis does not say within 10 s what became of the last one.
  double stop();

  /// How many records Redis has stored.
  std::size_t stored() const { return stored_; }

  /// How many attempts failed, whatever became of the record.
  std::size_t refused() const { return refused_; }

private:
  void run();
  bool write(int number);
  bool is_stored(const std::string& key);
  void pause();

  RedisClient client_;
  const std::string metric_;
  const std::string marks_;
  const std::chrono::microseconds period_;
  std::chrono::steady_clock::time_point next_;
  double sum_ = 0;          // the thread's until it has ended
  bool undecided_ = false;  // likewise
  std::atomic<std::size_t> stored_{0};
  std::atomic<std::size_t> refused_{0};
  std::atomic<bool> stopping_{false};
  std::atomic<bool> hopeless_{false};
  std::atomic<bool> ended_{false};
  std::thread thread_;
};

}  // namespace chouette::test
