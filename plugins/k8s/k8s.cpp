#include "k8s/k8s.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <iterator>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "k8s/bearer_token.hpp"
#include "k8s/kubelet.hpp"
#include "k8s/stats_summary.hpp"
#include "support/gauges.hpp"

namespace chouette {
namespace {

struct Field {
  std::string_view kind;
  std::string_view name;
  std::optional<double> KubeletUsage::*value;
};

constexpr auto node_fields = std::to_array<Field>({
    {"cpu", "cpu.usageNanoCores", &KubeletUsage::cpu_nano_cores},
    {"cpu", "cpu.usageCoreNanoSeconds", &KubeletUsage::cpu_core_nano_seconds},
    {"memory", "memory.rssBytes", &KubeletUsage::memory_rss},
    {"memory", "memory.usageBytes", &KubeletUsage::memory_usage},
    {"memory", "memory.availableBytes", &KubeletUsage::memory_available},
    {"memory", "memory.workingSetBytes", &KubeletUsage::memory_working_set},
    {"network", "network.rxBytes", &KubeletUsage::network_received},
    {"network", "network.txBytes", &KubeletUsage::network_sent},
    {"filesystem", "fs.availableBytes", &KubeletUsage::fs_available},
    {"filesystem", "fs.usedBytes", &KubeletUsage::fs_used},
    {"inodes", "fs.inodesFree", &KubeletUsage::fs_inodes_free},
});

constexpr auto pod_fields = std::to_array<Field>({
    {"cpu", "cpu.usageNanoCores", &KubeletUsage::cpu_nano_cores},
    {"memory", "memory.rssBytes", &KubeletUsage::memory_rss},
    {"memory", "memory.usageBytes", &KubeletUsage::memory_usage},
    {"network", "network.rxBytes", &KubeletUsage::network_received},
    {"network", "network.txBytes", &KubeletUsage::network_sent},
});

std::vector<Field> chosen_from(std::span<const Field> fields,
                               const std::vector<std::string>& kinds) {
  std::vector<Field> chosen;
  std::copy_if(fields.begin(), fields.end(), std::back_inserter(chosen), [&](const Field& field) {
    return std::find(kinds.begin(), kinds.end(), field.kind) != kinds.end();
  });
  return chosen;
}

void add_usage(Gauges& gauges, std::string_view prefix, const Tags& tags,
               const std::vector<Field>& fields, const KubeletUsage& usage) {
  for (const auto& field : fields) {
    const auto& value = usage.*field.value;
    if (value) gauges.add(std::string(prefix) + std::string(field.name), tags, *value);
  }
}

class K8sPlugin : public Plugin {
public:
  K8sPlugin(const K8sSettings& settings, std::chrono::milliseconds timeout, std::stop_token stop)
      : settings_(settings),
        node_fields_(chosen_from(node_fields, settings.node_metrics)),
        pod_fields_(chosen_from(pod_fields, settings.pod_metrics)),
        kubelet_(settings, timeout, std::move(stop)) {}

  Capture capture(std::int64_t now) override {
    Capture capture;
    Gauges gauges(now, capture);
    std::optional<std::string> token;
    try {
      token = read_bearer_token(settings_.token);
    } catch (const std::exception& error) {
      gauges.add_fault("K8S_TOKEN_PATH", error);
      if (settings_.certificate.empty()) return capture;
    }
    const auto kubelet = "kubelet at " + authority_of(settings_);
    try {
      const auto summary = parse_stats_summary(kubelet_.stats_summary(token));
      add_node(gauges, kubelet, summary);
      add_pods(gauges, kubelet, summary);
    } catch (const ParseError& error) {
      gauges.add_fault(kubelet, "the answer is " + std::string(error.what()));
    } catch (const std::exception& error) {
      gauges.add_fault(kubelet, error);
    }
    return capture;
  }

private:
  void add_node(Gauges& gauges, const std::string& kubelet, const StatsSummary& summary) const {
    if (node_fields_.empty()) return;
    if (summary.node_name.empty()) {
      gauges.add_fault(kubelet, "the answer does not name the node");
      return;
    }
    add_usage(gauges, "Chouette.k8s.node.", {"node_name:" + summary.node_name}, node_fields_,
              summary.node);
  }

  void add_pods(Gauges& gauges, const std::string& kubelet, const StatsSummary& summary) const {
    if (!summary.pods) {
      gauges.add_fault(kubelet, "the answer has no list of pods");
      return;
    }
    gauges.add("Chouette.k8s.pods.running", {}, summary.pods->size());
    // A pod and its successor may be listed under one name for a while.
    std::set<std::pair<std::string_view, std::string_view>> done;
    for (const auto& pod : *summary.pods) {
      if (pod.space.empty() || pod.name.empty()) continue;
      if (!done.emplace(pod.space, pod.name).second) continue;
      add_usage(gauges, "Chouette.k8s.pod.", {"namespace:" + pod.space, "pod_name:" + pod.name},
                pod_fields_, pod.usage);
    }
  }

  const K8sSettings settings_;
  const std::vector<Field> node_fields_;
  const std::vector<Field> pod_fields_;
  Kubelet kubelet_;
};

}  // namespace

std::unique_ptr<Plugin> make_k8s_plugin(const K8sSettings& settings,
                                        std::chrono::milliseconds timeout, std::stop_token stop) {
  return std::make_unique<K8sPlugin>(settings, timeout, std::move(stop));
}

}  // namespace chouette
