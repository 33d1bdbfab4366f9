#include "intake/answer.hpp"

#include <algorithm>

namespace chouette {

namespace {

Verdict verdict_of(int status) {
  if (status >= 200 && status < 300) {
    return Verdict::accepted;
  }
  switch (status) {
    case 400:
      return Verdict::records_refused;
    case 401:
    case 403:
      return Verdict::key_refused;
    case 413:
      return Verdict::too_large;
    default:
      return Verdict::try_later;
  }
}

/// The beginning of an answer's body on one line: it may be a proxy's HTML page.
std::string excerpt(const std::string& body) {
  constexpr std::size_t limit = 120;
  auto text = body.substr(0, limit);
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; }, ' ');
  return text;
}

}  // namespace

Answer read_answer(const tl::expected<HttpResponse, HttpError>& result) {
  if (!result) {
    return {result.error().stopped ? Verdict::stopping : Verdict::try_later,
            result.error().message};
  }
  auto reason = "HTTP " + std::to_string(result->status);
  if (const auto text = excerpt(result->body); !text.empty()) {
    reason += ": " + text;
  }
  return {verdict_of(result->status), std::move(reason)};
}

}  // namespace chouette
