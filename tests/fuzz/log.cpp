// Collects any records as logs, one a line: what leaves is JSON with as many logs as said, within
// the limits, and a log that nlohmann reads is not lost.

#include <algorithm>

#include "input.hpp"
#include "intake/logs_payload.hpp"
#include "support/json_oracle.hpp"

namespace chouette::fuzz {
namespace {

using nlohmann::json;

constexpr LogsLimits limits{.logs = 4, .bytes = 600};

bool is_log(const json& record) {
  if (!record.is_object()) {
    return false;
  }
  const auto tags = record.value("ddtags", json());
  return tags.is_null() || tags.is_string() ||
         (tags.is_array() &&
          std::all_of(tags.begin(), tags.end(), [](const json& tag) { return tag.is_string(); }));
}

void take(LogsPayload& payload) {
  const auto logs = payload.size();
  const auto text = payload.take();
  const auto sent = json::parse(text);
  check(sent.is_array() && sent.size() == logs, "as many logs as said");
  check(logs < 2 || (logs <= limits.logs && text.size() <= limits.bytes), "the limits");
  for (const auto& log : sent) {
    check(log.at("host") == "pi", "the host");
    check(log.at("ddtags").get<std::string>().ends_with("site:shed"), "the global tags");
  }
  check(payload.size() == 0, "empty once taken");
}

void run(std::string_view text) {
  LogsPayload payload(Extras{{"site:shed"}, "pi"}, limits);
  for (const auto line : lines_of(text, 32)) {
    auto before = payload.size();
    auto added = payload.add(line);
    if (added == Payload::Added::full) {
      take(payload);
      before = 0;
      added = payload.add(line);
      check(added != Payload::Added::full, "an empty payload is never full");
    }
    check(payload.size() - before == (added == Payload::Added::yes ? 1 : 0), "one log at a time");
    const auto oracle = test::read_with_nlohmann(line);
    if (oracle.comparable) {
      check((added == Payload::Added::yes) == (oracle.document && is_log(*oracle.document)),
            "the same verdict");
    }
  }
  take(payload);
}

}  // namespace
}  // namespace chouette::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  chouette::fuzz::run(chouette::fuzz::text_of(data, size));
  return 0;
}
