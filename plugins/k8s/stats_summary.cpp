#include "k8s/stats_summary.hpp"

#include <simdjson.h>

#include <cmath>
#include <string_view>

namespace chouette {
namespace {

using Element = simdjson::simdjson_result<simdjson::dom::element>;

std::optional<double> number_in(const Element& part, std::string_view field) {
  double number = 0;
  if (part[field].get_double().get(number) != simdjson::SUCCESS) return std::nullopt;
  if (!std::isfinite(number) || number < 0) return std::nullopt;
  return number;
}

std::string text_in(const Element& part, std::string_view field) {
  std::string_view text;
  if (part[field].get_string().get(text) != simdjson::SUCCESS) return {};
  return std::string(text);
}

KubeletUsage usage_in(const Element& part) {
  const auto cpu = part["cpu"];
  const auto memory = part["memory"];
  const auto network = part["network"];
  const auto fs = part["fs"];
  return {.cpu_nano_cores = number_in(cpu, "usageNanoCores"),
          .cpu_core_nano_seconds = number_in(cpu, "usageCoreNanoSeconds"),
          .memory_rss = number_in(memory, "rssBytes"),
          .memory_usage = number_in(memory, "usageBytes"),
          .memory_available = number_in(memory, "availableBytes"),
          .memory_working_set = number_in(memory, "workingSetBytes"),
          .network_received = number_in(network, "rxBytes"),
          .network_sent = number_in(network, "txBytes"),
          .fs_available = number_in(fs, "availableBytes"),
          .fs_used = number_in(fs, "usedBytes"),
          .fs_inodes_free = number_in(fs, "inodesFree")};
}

std::optional<std::vector<KubeletPod>> pods_in(const Element& list) {
  simdjson::dom::element element;
  if (list.get(element) != simdjson::SUCCESS) return std::nullopt;
  std::vector<KubeletPod> pods;
  if (element.is_null()) return pods;  // So Go writes an empty list.
  simdjson::dom::array array;
  if (element.get_array().get(array) != simdjson::SUCCESS) return std::nullopt;
  for (const Element pod : array) {
    const auto reference = pod["podRef"];
    pods.push_back({.space = text_in(reference, "namespace"),
                    .name = text_in(reference, "name"),
                    .usage = usage_in(pod)});
  }
  return pods;
}

}  // namespace

StatsSummary parse_stats_summary(const std::string& text) {
  simdjson::dom::parser parser;
  const Element document = parser.parse(text);
  if (document.error() != simdjson::SUCCESS) throw ParseError("not JSON");
  if (!document.is_object()) throw ParseError("not a JSON object");
  const auto node = document["node"];
  return {.node_name = text_in(node, "nodeName"),
          .node = usage_in(node),
          .pods = pods_in(document["pods"])};
}

}  // namespace chouette
