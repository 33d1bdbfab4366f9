#pragma once

#include <spdlog/common.h>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "logging/secret.hpp"

namespace chouette {

/// Makes spdlog's default logger write to stdout, one JSON object a line:
/// `{"asctime": "2026-11-23T06:31:57+0000", "levelname": "INFO", "message": "…"}`. Wherever one of
/// `secrets` would stand in a message, `***` does. `level`: DEBUG, INFO, WARNING, ERROR, CRITICAL.
void set_up_logging(std::string_view level, std::vector<Secret> secrets);

/// From now on nothing less severe is logged. Thread-safe.
void set_log_level(std::string_view level);

/// From now on these are the secrets of the default logger. Thread-safe.
void set_log_secrets(std::vector<Secret> secrets);

/// The formatter behind it.
std::unique_ptr<spdlog::formatter> make_json_formatter(std::vector<Secret> secrets);

}  // namespace chouette
