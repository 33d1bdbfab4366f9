#include "intake/logs_payload.hpp"

#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <utility>

namespace chouette {

namespace {

using nlohmann::json;

/// Writing a document recurses: deeper ones would reach the end of the stack.
constexpr int max_depth = 100;

std::optional<json> read_log(std::string_view record) {
  const auto limit_depth = [](int depth, auto, auto&) {
    if (depth > max_depth) {
      throw std::length_error("too deep");
    }
    return true;
  };
  try {
    auto log = json::parse(record, limit_depth);
    return log.is_object() ? std::optional(std::move(log)) : std::nullopt;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

void append_tag(const std::string& tag, std::string& tags) {
  if (!tag.empty()) {
    tags += tags.empty() ? "" : ",";
    tags += tag;
  }
}

/// Tags as the intake wants them; none if they are of another kind than a string or a list of them.
std::optional<std::string> joined_tags(const json& log,
                                       const std::vector<std::string>& global_tags) {
  std::string tags;
  if (const auto found = log.find("ddtags"); found != log.end() && !found->is_null()) {
    if (found->is_string()) {
      append_tag(*found, tags);
    } else if (found->is_array()) {
      for (const auto& tag : *found) {
        if (!tag.is_string()) {
          return std::nullopt;
        }
        append_tag(tag, tags);
      }
    } else {
      return std::nullopt;
    }
  }
  for (const auto& tag : global_tags) {
    append_tag(tag, tags);
  }
  return tags;
}

}  // namespace

LogsPayload::LogsPayload(Extras extras, LogsLimits limits)
    : extras_(std::move(extras)), limits_(limits) {}

Payload::Added LogsPayload::add(std::string_view record) {
  auto log = read_log(record);
  const auto tags = log ? joined_tags(*log, extras_.global_tags) : std::nullopt;
  if (!tags) {
    return Added::malformed;
  }
  log->erase("ddtags");
  if (!tags->empty()) {
    (*log)["ddtags"] = *tags;
  }
  if (!extras_.host.empty()) {
    (*log)["host"] = extras_.host;
  }
  const auto text = log->dump(-1, ' ', false, json::error_handler_t::replace);
  if (logs_ > 0 && (logs_ >= limits_.logs || json_.size() + text.size() + 2 > limits_.bytes)) {
    return Added::full;
  }
  if (logs_ > 0) {
    json_ += ',';
  }
  json_ += text;
  ++logs_;
  return Added::yes;
}

std::string LogsPayload::take() {
  logs_ = 0;
  return std::exchange(json_, "[") + ']';
}

}  // namespace chouette
