#pragma once

#include <chrono>
#include <thread>

namespace chouette::test {

/// Asks `holds` every 5 ms until it says true or `timeout` has passed; returns its last answer.
template <class Predicate>
bool eventually(Predicate holds, std::chrono::milliseconds timeout = std::chrono::seconds(10)) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (!holds()) {
    if (std::chrono::steady_clock::now() >= deadline) return holds();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace chouette::test
