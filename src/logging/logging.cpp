#include "logging/logging.hpp"

#include <spdlog/details/log_msg.h>
#include <spdlog/formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <nlohmann/json.hpp>
#include <utility>

namespace chouette {

namespace {

struct Level {
  std::string_view name;
  spdlog::level::level_enum value;
};

constexpr std::array<Level, 5> levels{{{"DEBUG", spdlog::level::debug},
                                       {"INFO", spdlog::level::info},
                                       {"WARNING", spdlog::level::warn},
                                       {"ERROR", spdlog::level::err},
                                       {"CRITICAL", spdlog::level::critical}}};

std::string_view name_of(spdlog::level::level_enum value) {
  const auto* found = std::find_if(levels.begin(), levels.end(),
                                   [value](const Level& level) { return level.value == value; });
  return found == levels.end() ? "DEBUG" : found->name;
}

spdlog::level::level_enum level_named(std::string_view name) {
  const auto* found = std::find_if(levels.begin(), levels.end(),
                                   [name](const Level& level) { return level.name == name; });
  return found == levels.end() ? spdlog::level::info : found->value;
}

std::string utc_time(spdlog::log_clock::time_point time) {
  const auto seconds = spdlog::log_clock::to_time_t(time);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 40> text;
  const auto length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S+0000", &parts);
  return {text.data(), length};
}

void scrub(std::string& text, const std::vector<Secret>& secrets) {
  for (const auto& secret : secrets) {
    for (auto at = text.find(secret.reveal()); at != std::string::npos;
         at = text.find(secret.reveal(), at)) {
      text.replace(at, secret.reveal().size(), "***");
      at += 3;
    }
  }
}

class JsonFormatter : public spdlog::formatter {
public:
  explicit JsonFormatter(std::vector<Secret> secrets) : secrets_(std::move(secrets)) {
    std::erase_if(secrets_, [](const Secret& secret) { return secret.empty(); });
    // The longest first, for one secret may hold another.
    std::sort(secrets_.begin(), secrets_.end(), [](const Secret& a, const Secret& b) {
      return a.reveal().size() > b.reveal().size();
    });
  }

  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    std::string text(message.payload.data(), message.payload.size());
    scrub(text, secrets_);
    // Spaced as Python's json does it, for people who search logs for "levelname": "ERROR".
    const auto line = fmt::format(
        R"({{"asctime": "{}", "levelname": "{}", "message": {}}})", utc_time(message.time),
        name_of(message.level),
        nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    out.append(line.data(), line.data() + line.size());
    out.push_back('\n');
  }

  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<JsonFormatter>(secrets_);
  }

private:
  std::vector<Secret> secrets_;
};

}  // namespace

std::unique_ptr<spdlog::formatter> make_json_formatter(std::vector<Secret> secrets) {
  return std::make_unique<JsonFormatter>(std::move(secrets));
}

void set_log_level(std::string_view level) {
  spdlog::default_logger()->set_level(level_named(level));
}

void set_log_secrets(std::vector<Secret> secrets) {
  spdlog::default_logger()->set_formatter(make_json_formatter(std::move(secrets)));
}

void set_up_logging(std::string_view level, std::vector<Secret> secrets) {
  auto logger = std::make_shared<spdlog::logger>("chouette-iot",
                                                 std::make_shared<spdlog::sinks::stdout_sink_mt>());
  logger->set_formatter(make_json_formatter(std::move(secrets)));
  logger->set_level(level_named(level));
  logger->flush_on(spdlog::level::trace);
  spdlog::set_default_logger(std::move(logger));
}

}  // namespace chouette
