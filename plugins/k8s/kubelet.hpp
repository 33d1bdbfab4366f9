#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>

#include "http/http_client.hpp"
#include "k8s/k8s_settings.hpp"

namespace chouette {

/// Asks a kubelet over TLS. The connection is kept between requests; after one that failed, the
/// next makes a new one and reads the certificates anew. For the k8s plugin's thread.
class Kubelet {
public:
  /// A request gets `timeout`; it is given up at once when `stop` is requested.
  Kubelet(K8sSettings settings, std::chrono::milliseconds timeout, std::stop_token stop);

  /// The text of /stats/summary, at most 16 MiB. `token` is to be fit for a header. Throws
  /// std::exception that says why there is none and what to do about it, without the token.
  std::string stats_summary(const std::optional<std::string>& token);

private:
  HttpClient new_client() const;
  std::string why_no_answer(const HttpError& error) const;
  std::string why_refused(int status, bool with_token) const;

  const K8sSettings settings_;
  std::chrono::milliseconds timeout_;
  std::stop_token stop_;
  HttpClient client_;
};

/// "10.0.0.1:10250", an IPv6 address in brackets.
std::string authority_of(const K8sSettings& settings);

}  // namespace chouette
