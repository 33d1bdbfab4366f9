#include "k8s/kubelet.hpp"

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace chouette {
namespace {

/// simdjson takes about 14 times the size of what it reads: too much for small 32-bit boards.
constexpr std::size_t largest_answer_mib = sizeof(void*) == 4 ? 4 : 16;

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace

Kubelet::Kubelet(K8sSettings settings, std::chrono::milliseconds timeout, std::stop_token stop)
    : settings_(std::move(settings)),
      timeout_(timeout),
      stop_(std::move(stop)),
      client_(new_client()) {}

HttpClient Kubelet::new_client() const {
  return HttpClient(stop_, std::chrono::milliseconds{0});
}

std::string Kubelet::stats_summary(const std::optional<std::string>& token) {
  HttpRequest request{.method = "GET",
                      .url = "https://" + authority_of(settings_) + "/stats/summary",
                      .headers = {"Accept: application/json"},
                      .timeout = timeout_,
                      .tls = {.ca = settings_.ca,
                              .certificate = settings_.certificate,
                              .key = settings_.key,
                              .verify = !settings_.ca.empty()},
                      .direct = true,
                      .body_limit = largest_answer_mib * 1024 * 1024};
  if (token) request.headers.push_back("Authorization: Bearer " + *token);
  auto answer = client_.perform(request);
  if (answer && answer->status == 200) {
    if (answer->cut_off) {
      throw std::runtime_error("the answer is larger than " + std::to_string(largest_answer_mib) +
                               " MiB");
    }
    return std::move(answer->body);
  }
  // A connection keeps the certificate it was made with, and libcurl keeps the CAs for a day; both
  // may have been renewed meanwhile.
  client_ = new_client();
  throw std::runtime_error(answer ? why_refused(answer->status, token.has_value())
                                  : why_no_answer(answer.error()));
}

std::string Kubelet::why_no_answer(const HttpError& error) const {
  const auto& why = error.message;
  // An alert is what the other side says of us.
  if (has(why, "alert")) {
    return why + (has(why, "certificate") || has(why, "unknown ca")
                      ? "; the kubelet wants another certificate of the agent, see K8S_CERT_PATH"
                      : "");
  }
  if (!settings_.ca.empty() && has(why, "certificate") && !has(why, "client certificate")) {
    return why +
           "; K8S_CA_PATH must hold the CA that signed the kubelet's certificate, and this must be "
           "made out to K8S_STATS_SERVICE_IP";
  }
  return why;
}

std::string Kubelet::why_refused(int status, bool with_token) const {
  std::string why = "answered " + std::to_string(status);
  const bool with_certificate = !settings_.certificate.empty();
  const std::string nothing_to_show =
      with_token || with_certificate
          ? ""
          : "; there is neither a token (K8S_TOKEN_PATH) nor a certificate (K8S_CERT_PATH) to show";
  switch (status) {
    case 401:
      if (with_token && with_certificate) {
        return why +
               ": it accepts neither the token nor the certificate; see K8S_TOKEN_PATH and "
               "K8S_CERT_PATH";
      }
      if (with_token) return why + ": it does not accept the token; see K8S_TOKEN_PATH";
      if (with_certificate) return why + ": it does not accept the certificate; see K8S_CERT_PATH";
      return why + nothing_to_show;
    case 403:
      return why + ": the account lacks the RBAC right to get nodes/stats" + nothing_to_show;
    case 404:
      return why + ": is it a kubelet?";
    default:
      return why;
  }
}

std::string authority_of(const K8sSettings& settings) {
  const auto& address = settings.address;
  const bool ipv6 = address.find(':') != std::string::npos;
  return (ipv6 ? '[' + address + ']' : address) + ':' + std::to_string(settings.port);
}

}  // namespace chouette
