#include "support/plugin_surroundings.hpp"

#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

namespace chouette::test {

namespace {

std::string fixture(const std::string& name) {
  auto text = read_file(std::filesystem::path(CHOUETTE_FIXTURES) / name);
  if (text.empty()) {
    throw std::runtime_error("no fixture " + name);
  }
  return text;
}

HttpServer::Handler always(std::function<HttpAnswer(const std::string& target)> page) {
  return {.begin = [] { return answer_ok(); },
          .treat =
              [page = std::move(page)](const HttpRequest& request, const Behaviour&) {
                const auto given = page(request.target);
                return answer(given.status, given.body, given.headers);
              }};
}

/// As recorded, and with the pod's CPU and memory as a whole, which not every kubelet tells.
std::string kubelet_summary() {
  auto json = nlohmann::json::parse(fixture("k8s/kubelet_summary.json"));
  auto& pod = json.at("pods").at(0);
  pod["cpu"] = pod.at("containers").at(0).at("cpu");
  pod["memory"] = pod.at("containers").at(0).at("memory");
  return json.dump();
}

HttpAnswer kubelet_page(const std::string& target) {
  static const std::string summary = kubelet_summary();
  return target == "/stats/summary" ? HttpAnswer{200, summary} : HttpAnswer{404};
}

HttpAnswer engine_page(const std::string& target) {
  static const std::string stats = fixture("docker/stats_dockerd_cgroup1.json");
  if (target.find("/stats") != std::string::npos) {
    return {200, stats};
  }
  if (target.find("/containers/json") == std::string::npos) {
    return {200, R"({"RestartCount":2})"};
  }
  std::string list;
  for (std::size_t i = 0; i < PluginSurroundings::containers; ++i) {
    list.append(list.empty() ? "" : ",")
        .append(R"({"Id":")" + std::string(63, 'a') + std::to_string(i))
        .append(R"(","Names":["/app)" + std::to_string(i) + R"("],"State":"running"})");
  }
  return {200, "[" + list + "]", {{"Api-Version", "1.41"}}};
}

/// The tool as far as the agent sees it: lines, one each `--interval` milliseconds.
void write_tegrastats(const std::filesystem::path& path) {
  std::ofstream(path) << "#!/bin/sh\n"
                         "while tail -n 1 \"$0.lines\"; do sleep $(($2 / 1000)); done\n";
  std::ofstream(path.string() + ".lines") << fixture("tegrastats/nano-l4t-32.5.txt");
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
}

}  // namespace

PluginSurroundings::PluginSurroundings()
    : kubelet_pages_(always(kubelet_page)),
      kubelet_(kubelet_pages_.port(), {.certificate = authority_.issue_server()}),
      engine_(always(engine_page), engine_socket_) {
  write_tegrastats(tegrastats_);
  auto client = redis_.client();
  for (std::size_t i = 0; i < dramatiq_queues; ++i) {
    client.command({"HSET", "dramatiq:queue" + std::to_string(i) + ".msgs", "id", "{}"});
  }
}

std::string PluginSurroundings::kubelet_url() const {
  return "https://127.0.0.1:" + std::to_string(kubelet_.port()) + "/stats/summary";
}

ChildProcess::Environment PluginSurroundings::settings() const {
  return {{"HOST_SYS", pi_.sys().string()},
          {"K8S_STATS_SERVICE_IP", "127.0.0.1"},
          {"K8S_STATS_SERVICE_PORT", std::to_string(kubelet_.port())},
          {"K8S_CA_PATH", authority_.path()},
          {"K8S_TOKEN_PATH", (folder_.path() / "no-token").string()},
          {"DOCKER_SOCKET_PATH", engine_socket_.string()},
          {"TEGRASTATS_PATH", tegrastats_.string()},
          {"EXEC_COMMANDS", R"([["/bin/echo", "door.open 1 zone:north"]])"}};
}

ChildProcess::Environment PluginSurroundings::settings_for_all_metrics() const {
  auto all = settings();
  all["HOST_COLLECTOR_METRICS"] = "cpu,fs,la,ram,network";
  all["K8S_METRICS"] = R"({"pods":["cpu","memory","network"],)"
                       R"("node":["cpu","memory","network","filesystem","inodes"]})";
  all["DOCKER_METRICS"] = "memory,cpu,working_set,network,restarts";
  all["TEGRASTATS_METRICS"] = "ram,temp,gpu,power,swap";
  all["SEND_PLUGIN_METRICS"] = "true";
  return all;
}

}  // namespace chouette::test
