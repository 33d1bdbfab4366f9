#include "intake/backoff.hpp"

#include <algorithm>

namespace chouette {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds shortest{250};
constexpr seconds longest_asked = std::chrono::hours{1};

}  // namespace

Backoff::Backoff(std::uint64_t seed, milliseconds base, milliseconds cap)
    : random_(seed),
      cap_(std::max(cap, shortest)),
      base_(std::clamp(base, milliseconds{1}, cap_)),
      limit_(base_) {}

milliseconds Backoff::failed(std::optional<seconds> asked) {
  std::uniform_int_distribution<milliseconds::rep> jitter(shortest.count(),
                                                          std::max(shortest, limit_).count());
  limit_ = limit_ > cap_ / 2 ? cap_ : limit_ * 2;
  const auto least = std::clamp(asked.value_or(seconds{0}), seconds{0}, longest_asked);
  return least + milliseconds{jitter(random_)};
}

void Backoff::succeeded() {
  limit_ = base_;
}

}  // namespace chouette
