#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace chouette {

/// Where the kubelet is, how to sign in there, and what to take from its answer.
struct K8sSettings {
  std::string address;  ///< An IP address or a name; an IPv6 address without brackets.
  std::uint16_t port = 10250;
  std::string certificate;  ///< Path of a client certificate in PEM form. Empty: none.
  std::string key;          ///< Path of its key in PEM form.
  std::string token;        ///< Path of a bearer token. No such file: none is sent.
  std::string ca;  ///< Path of the CAs that may sign the kubelet's certificate, in PEM form.
                   ///< Empty: it is not verified.
  std::vector<std::string> node_metrics;  ///< Any of: cpu memory network filesystem inodes.
  std::vector<std::string> pod_metrics;   ///< Any of: cpu memory network.
};

}  // namespace chouette
