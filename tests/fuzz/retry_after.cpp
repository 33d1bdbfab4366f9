// Reads any Retry-After, X-RateLimit-Reset and Date, a line each, and on the fourth the time on the
// device's clock: without harm, and with waits that can be waited.

#include "intake/retry_after.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>

#include "input.hpp"

namespace chouette::fuzz {
namespace {

constexpr double largest_wait = 1e12;

double number_in(std::string_view text) {
  double number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

bool is_number(std::string_view text) {
  return !text.empty() && text.size() < 10 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

void run(std::string_view text) {
  const auto lines = lines_of(text, 4);
  const double wall = lines.size() > 3 ? number_in(lines[3]) : 0;
  HttpResponse response{.status = 429};
  double asked = 0;
  constexpr const char* names[] = {"retry-after", "x-ratelimit-reset", "date"};
  for (std::size_t i = 0; i < lines.size() && i < 3; ++i) {
    response.headers[names[i]] = lines[i];
    asked = i < 2 && is_number(lines[i]) ? std::max(asked, number_in(lines[i])) : asked;
  }

  const auto wait = retry_after(response, wall);
  check(!wait || (wait->count() >= 0 && static_cast<double>(wait->count()) <= largest_wait),
        "a wait in range");
  check(asked == 0 || (wait && static_cast<double>(wait->count()) >= asked),
        "seconds that are asked for are waited");

  const auto offset = clock_offset(response, wall);
  check(!offset || !response.headers["date"].empty(), "no offset without a date");
  const bool wall_in_range = std::abs(wall) <= largest_wait;  // and a number
  check(!offset || !wall_in_range || std::abs(*offset) < 2 * largest_wait,
        "an offset between years 0 and 9999");
}

}  // namespace
}  // namespace chouette::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  chouette::fuzz::run(chouette::fuzz::text_of(data, size));
  return 0;
}
