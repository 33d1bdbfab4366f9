#include "intake/rejected_record.hpp"

#include <exception>
#include <nlohmann/json.hpp>

#include "metrics/json_text.hpp"

namespace chouette {

std::string to_json(const RejectedRecord& rejected) {
  std::string json = R"({"answer":)";
  append_json(rejected.answer, json);
  json += R"(,"record":)";
  append_json(rejected.record, json);
  json += '}';
  return json;
}

std::optional<RejectedRecord> read_rejected(std::string_view json) {
  try {
    const auto object = nlohmann::json::parse(json);
    return RejectedRecord{object.at("answer"), object.at("record")};
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

}  // namespace chouette
