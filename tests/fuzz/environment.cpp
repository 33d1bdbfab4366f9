// Loads settings of any value, one a line: without harm, with faults and warnings of one line of
// UTF-8 each that hold no secret.

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string>

#include "config/config.hpp"
#include "config/values.hpp"
#include "input.hpp"

namespace chouette::fuzz {
namespace {

/// Stands in every secret.
constexpr std::string_view mark = "QZxQZ";

constexpr std::array names{"GLOBAL_TAGS",
                           "DATADOG_URL",
                           "DATADOG_LOGS_URL",
                           "REDIS_HOST",
                           "REDIS_PORT",
                           "METRICS_BULK_SIZE",
                           "SEND_SELF_METRICS",
                           "HISTOGRAM_PERCENTILES",
                           "HISTOGRAM_AGGREGATES",
                           "DD_TAGS",
                           "DD_SITE",
                           "COLLECTOR_PLUGINS",
                           "METRICS_WRAPPER",
                           "RELEASE_INTERVAL",
                           "HOST",
                           "HOST_PROC",
                           "DD_LOG_LEVEL",
                           "REDIS_SOCKET"};

/// A file that lives in memory, with a path.
class MemoryFile {
public:
  MemoryFile() : file_(memfd_create("secret", MFD_CLOEXEC)) {
    check(file_ >= 0, "a file in memory");
  }
  ~MemoryFile() { close(file_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  void fill(std::string_view text) const {
    check(ftruncate(file_, 0) == 0 &&
              pwrite(file_, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()),
          "a file in memory that can be written");
  }
  std::string path() const { return "/proc/self/fd/" + std::to_string(file_); }

private:
  int file_;
};

std::string secret(std::string_view text) {
  return std::string(mark) + std::string(text);
}

/// No variable holds a NUL.
std::string value(std::string_view text) {
  return std::string(text.substr(0, text.find('\0')));
}

void check_message(const std::string& message) {
  check(values::is_utf8(message), "messages of UTF-8");
  check(std::none_of(message.begin(), message.end(),
                     [](unsigned char c) { return c < 0x20 || c == 0x7f; }),
        "messages of one line");
  check(message.find("\u0085") == std::string::npos && message.find("\u2028") == std::string::npos,
        "messages of one line, whoever counts the lines");
  check(message.find(mark) == std::string::npos, "no message holds a secret");
}

void check_usable(const Config& config) {
  check(!config.api_key.empty(), "an API key");
  check(config.datadog_url.starts_with("http") && config.datadog_logs_url.starts_with("http") &&
            !config.datadog_url.ends_with('/'),
        "URLs");
  check(
      config.redis.port > 0 && config.metrics_bulk_size > 0 && config.release_interval.count() > 0,
      "numbers in range");
  check(std::all_of(config.global_tags.begin(), config.global_tags.end(),
                    [](const std::string& tag) { return !tag.empty() && values::is_utf8(tag); }),
        "tags of UTF-8");
  check(std::all_of(config.wrapper.histogram_percentiles.begin(),
                    config.wrapper.histogram_percentiles.end(),
                    [](double number) { return number > 0 && number < 1; }),
        "percentiles in range");
}

void run(std::string_view text) {
  static const MemoryFile file;
  static const KnownNames known{{"host", "k8s"}, {"datadog", "simple"}};
  if (text.find(mark) != std::string_view::npos) {
    return;
  }
  // The secrets first, then the settings, then a variable of any name.
  const auto lines = lines_of(text, names.size() + 4);
  Environment environment{{"api_key", secret(value(lines[0]))}};
  if (lines.size() > 1) {
    file.fill(secret(lines[1]));
    environment["REDIS_PASSWORD_FILE"] = file.path();
  }
  if (lines.size() > 2) {
    environment["HTTPS_PROXY"] = secret(value(lines[2]));
  }
  for (std::size_t i = 3; i < lines.size() && i < names.size() + 3; ++i) {
    environment[names[i - 3]] = value(lines[i]);
  }
  if (lines.size() > names.size() + 3) {
    environment["CHOUETTE_" + value(lines.back())] = secret(value(lines.back()));
  }
  const auto loaded = load_config(environment, known);
  for (const auto& message : loaded.faults) {
    check_message(message);
  }
  for (const auto& message : loaded.warnings) {
    check_message(message);
  }
  if (loaded.faults.empty()) {
    check_usable(loaded.config);
  }

  // The password in an address is a secret too.
  Environment addresses{{"API_KEY", "key"}};
  for (const auto* const name : {"DATADOG_URL", "DATADOG_LOGS_URL", "REDIS_HOST", "REDIS_PORT"}) {
    addresses[name] = "https://" + value(lines[0]) + ":" + secret("") + value(lines[0]) + "@host/";
  }
  for (const auto& message : load_config(addresses, known).faults) {
    check_message(message);
  }
}

}  // namespace
}  // namespace chouette::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  chouette::fuzz::run(chouette::fuzz::text_of(data, size));
  return 0;
}
