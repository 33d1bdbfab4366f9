#include <array>
#include <cstdint>
#include <random>

#include "queue/queue.hpp"

namespace chouette {

namespace {

std::mt19937_64 seeded_generator() {
  std::random_device device;
  std::seed_seq seed{device(), device(), device(), device(),
                     device(), device(), device(), device()};
  return std::mt19937_64(seed);
}

}  // namespace

std::string make_record_key() {
  thread_local auto generator = seeded_generator();
  constexpr std::string_view digits = "0123456789abcdef";
  constexpr std::string_view form = "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx";
  std::string key(form);
  std::uint64_t bits = 0;
  unsigned left = 0;
  for (auto& c : key) {
    if (c != 'x' && c != 'y') {
      continue;
    }
    if (left == 0) {
      bits = generator();
      left = 16;
    }
    // The variant of RFC 4122: the two highest bits of y are 10.
    c = digits[c == 'y' ? (bits & 3U) | 8U : bits & 15U];
    bits >>= 4U;
    --left;
  }
  return key;
}

}  // namespace chouette
