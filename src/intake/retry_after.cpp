#include "intake/retry_after.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

namespace chouette {

namespace {

using std::chrono::seconds;

/// Reads a text from its beginning; once something is not as expected, the whole is faulty.
class Scanner {
public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  /// Skips what is expected and tells whether it was there.
  bool skip(std::string_view expected) {
    const bool found = rest_.starts_with(expected);
    rest_.remove_prefix(found ? expected.size() : 0);
    return found;
  }

  void expect(std::string_view expected) { ok_ = skip(expected) && ok_; }

  int number(std::size_t digits) {
    unsigned value = 0;
    const auto field = rest_.substr(0, digits);
    const auto read = std::from_chars(field.data(), field.data() + field.size(), value);
    ok_ = ok_ && field.size() == digits && read.ec == std::errc() &&
          read.ptr == field.data() + digits;
    rest_.remove_prefix(field.size());
    return static_cast<int>(value);
  }

  void weekday() {
    constexpr std::array<std::string_view, 7> names{"Monday", "Tuesday",  "Wednesday", "Thursday",
                                                    "Friday", "Saturday", "Sunday"};
    ok_ = ok_ && std::any_of(names.begin(), names.end(), [this](std::string_view name) {
            return skip(name) || skip(name.substr(0, 3));
          });
  }

  unsigned month() {
    constexpr std::array<std::string_view, 12> names{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    for (unsigned i = 0; i < names.size(); ++i) {
      if (skip(names[i])) {
        return i + 1;
      }
    }
    ok_ = false;
    return 0;
  }

  /// Reads "08:49:37", where a leap second is one more.
  seconds time_of_day() {
    const auto hour = number(2);
    expect(":");
    const auto minute = number(2);
    expect(":");
    const auto second = number(2);
    ok_ = ok_ && hour < 24 && minute < 60 && second <= 60;
    return std::chrono::hours{hour} + std::chrono::minutes{minute} + seconds{second};
  }

  bool done() const { return ok_ && rest_.empty(); }

private:
  std::string_view rest_;
  bool ok_ = true;
};

/// Two digits stand for 1969 to 2068, as in POSIX.
int full_year(int two_digits) {
  return two_digits + (two_digits < 69 ? 2000 : 1900);
}

/// The Unix time of a date as RFC 9110, section 5.6.7 writes it: "Sun, 06 Nov 1994 08:49:37 GMT",
/// "Sunday, 06-Nov-94 08:49:37 GMT" or "Sun Nov  6 08:49:37 1994".
std::optional<double> parse_date(std::string_view text) {
  Scanner scanner(text);
  int year = 0;
  unsigned month = 0;
  int day = 0;
  seconds time{0};
  scanner.weekday();
  if (scanner.skip(", ")) {
    day = scanner.number(2);
    const bool obsolete = scanner.skip("-");
    scanner.expect(obsolete ? "" : " ");
    month = scanner.month();
    scanner.expect(obsolete ? "-" : " ");
    year = obsolete ? full_year(scanner.number(2)) : scanner.number(4);
    scanner.expect(" ");
    time = scanner.time_of_day();
    scanner.expect(" GMT");
  } else {
    scanner.expect(" ");
    month = scanner.month();
    scanner.expect(" ");
    day = scanner.number(scanner.skip(" ") ? 1 : 2);
    scanner.expect(" ");
    time = scanner.time_of_day();
    scanner.expect(" ");
    year = scanner.number(4);
  }
  const std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{month},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!scanner.done() || !date.ok()) {
    return std::nullopt;
  }
  // 64 bits, unlike time_t on some boards.
  const auto unix_time = std::chrono::sys_seconds{std::chrono::sys_days{date}} + time;
  return static_cast<double>(unix_time.time_since_epoch().count());
}

std::optional<seconds> parse_seconds(std::string_view text) {
  std::uint32_t value = 0;
  const auto* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value);
  if (read.ec != std::errc() || read.ptr != end) {
    return std::nullopt;
  }
  return seconds{value};
}

std::string_view header(const HttpResponse& response, const std::string& name) {
  const auto found = response.headers.find(name);
  return found == response.headers.end() ? std::string_view{} : found->second;
}

}  // namespace

std::optional<seconds> retry_after(const HttpResponse& response, double wall) {
  const auto text = header(response, "retry-after");
  auto asked = parse_seconds(text);
  if (const auto date = parse_date(text)) {
    const auto wait = *date - parse_date(header(response, "date")).value_or(wall);
    if (std::isfinite(wait)) {
      asked = seconds{static_cast<std::int64_t>(std::ceil(std::clamp(wait, 0.0, 1e12)))};
    }
  }
  // No wait is less than any.
  return std::max(asked, parse_seconds(header(response, "x-ratelimit-reset")));
}

std::optional<double> clock_offset(const HttpResponse& response, double wall) {
  const auto date = parse_date(header(response, "date"));
  if (!date) {
    return std::nullopt;
  }
  return *date - wall;
}

}  // namespace chouette
