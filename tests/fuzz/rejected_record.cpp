// Reads any text as a rejected record, and writes any text as one: what is written can be read.

#include "intake/rejected_record.hpp"

#include "input.hpp"
#include "support/json_oracle.hpp"

namespace chouette::fuzz {
namespace {

void run(std::string_view text) {
  const auto oracle = test::read_with_nlohmann(text);
  const auto read = read_rejected(text);
  const auto is_string = [&](const char* name) {
    return oracle.document->contains(name) && oracle.document->at(name).is_string();
  };
  const auto expected =
      oracle.document && oracle.document->is_object() && is_string("answer") && is_string("record");
  check(read.has_value() == expected, "the same verdict");
  if (read) {
    const auto again = read_rejected(to_json(*read));
    check(again && again->answer == read->answer && again->record == read->record,
          "the same once written and read");
  }

  // Of any bytes; what is not UTF-8 is replaced.
  const auto half = text.size() / 2;
  const RejectedRecord any{std::string(text.substr(0, half)), std::string(text.substr(half))};
  const auto written = read_rejected(to_json(any));
  check(written.has_value(), "what is written can be read");
  check(written->answer.size() >= any.answer.size() && written->record.size() >= any.record.size(),
        "nothing is cut off");
}

}  // namespace
}  // namespace chouette::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  chouette::fuzz::run(chouette::fuzz::text_of(data, size));
  return 0;
}
