#include "status/status_board.hpp"

#include <utility>

namespace chouette {

namespace {

double seconds_between(StatusBoard::Time from, StatusBoard::Time to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

StatusBoard::StatusBoard(std::string version, Time now) : started_(now) {
  status_.version = std::move(version);
}

std::size_t StatusBoard::watch(std::string name, std::chrono::seconds patience, Time now) {
  const std::lock_guard lock(mutex_);
  answered_.push_back(now);
  status_.actors.push_back(
      {.name = std::move(name), .patience = static_cast<double>(patience.count())});
  return status_.actors.size() - 1;
}

void StatusBoard::answered(std::size_t i, Time now) {
  const std::lock_guard lock(mutex_);
  answered_.at(i) = now;
}

Status StatusBoard::read(double wall, Time now) const {
  const std::lock_guard lock(mutex_);
  auto status = status_;
  status.time = wall;
  status.uptime = seconds_between(started_, now);
  for (std::size_t i = 0; i < status.actors.size(); ++i) {
    status.actors[i].silent = seconds_between(answered_[i], now);
  }
  return status;
}

}  // namespace chouette
