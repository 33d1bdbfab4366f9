#pragma once

#include <optional>
#include <string>
#include <vector>

#include "support/parse_error.hpp"

namespace chouette {

/// What a node or a pod uses, as the kubelet counts it; never negative. What the kubelet did not
/// say, or not as a number, is missing.
struct KubeletUsage {
  std::optional<double> cpu_nano_cores;         ///< 1e9 is one core's whole time.
  std::optional<double> cpu_core_nano_seconds;  ///< Since the start.
  std::optional<double> memory_rss;             ///< All memory in bytes.
  std::optional<double> memory_usage;
  std::optional<double> memory_available;
  std::optional<double> memory_working_set;
  std::optional<double> network_received;  ///< Bytes since the start, of the default interface.
  std::optional<double> network_sent;
  std::optional<double> fs_available;  ///< Bytes; a node's alone, as are the next two.
  std::optional<double> fs_used;
  std::optional<double> fs_inodes_free;

  bool operator==(const KubeletUsage&) const = default;
};

struct KubeletPod {
  std::string space;  ///< The Kubernetes namespace. Empty: not said.
  std::string name;   ///< Empty: not said.
  KubeletUsage usage;
};

/// The kubelet's answer to GET /stats/summary.
struct StatsSummary {
  std::string node_name;  ///< Empty: not said.
  KubeletUsage node;
  std::optional<std::vector<KubeletPod>> pods;  ///< In the answer's order. None: no list of pods.
};

/// Reads the answer; the format is that of k8s.io/kubelet/pkg/apis/stats/v1alpha1. What is not
/// needed may be missing or of whatever type. Throws ParseError if `text` is not a JSON object.
StatsSummary parse_stats_summary(const std::string& text);

}  // namespace chouette
