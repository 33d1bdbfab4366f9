#pragma once

#include <algorithm>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "support/child_process.hpp"
#include "support/http_server.hpp"
#include "support/temp_dir.hpp"

namespace chouette::test {

/// A recorded answer.
inline std::string docker_fixture(const std::string& name) {
  auto text = read_file(std::filesystem::path(CHOUETTE_FIXTURES) / "docker" / name);
  if (text.empty()) throw std::runtime_error("no fixture " + name);
  return text;
}

/// An ID as engines make them, other for each number.
inline std::string id_of(unsigned number) {
  const auto digits = std::to_string(number);
  return std::string(64 - digits.size(), 'a') + digits;
}

/// One entry of GET /containers/json.
inline std::string listed(const std::string& id, const std::string& name,
                          const std::string& state = "running") {
  return R"({"Id":")" + id + R"(","Names":["/)" + name + R"("],"State":")" + state + R"("})";
}

/// The smallest answer to GET /containers/ID/stats that holds the two.
inline std::string stats_with(const std::string& memory, const std::string& cpu) {
  return R"({"read":"2026-11-23T06:46:39Z","cpu_stats":{"cpu_usage":{"total_usage":)" + cpu +
         R"(}},"memory_stats":{"usage":)" + memory + "}}";
}

/// A container engine on a unix socket that answers as it is told to: 404 until then.
class EngineServer {
public:
  explicit EngineServer(std::string api_version = "1.41") : api_version_(std::move(api_version)) {}

  std::string socket() const { return folder_ / "docker.sock"; }

  void set_list(const std::vector<std::string>& entries) {
    std::string list;
    for (const auto& entry : entries) list += (list.empty() ? "" : ",") + entry;
    set("/containers/json", '[' + list + ']');
  }

  /// Whatever the API's version: `path` is what follows it, without the query.
  void set(const std::string& path, const std::string& body) { set(path, answer(200, body)); }
  void set(const std::string& path, Behaviour behaviour) {
    const std::lock_guard lock(mutex_);
    behaviours_[path] = std::move(behaviour);
  }
  void set_stats(const std::string& id, const std::string& body) {
    set("/containers/" + id + "/stats", body);
  }
  void set_stats(const std::string& id, Behaviour behaviour) {
    set("/containers/" + id + "/stats", std::move(behaviour));
  }
  void set_details(const std::string& id, const std::string& body) {
    set("/containers/" + id + "/json", body);
  }

  /// For every request, before it is read.
  void begin_with(Behaviour behaviour) {
    const std::lock_guard lock(mutex_);
    begin_ = std::move(behaviour);
  }

  /// What was asked for, as it came.
  std::vector<std::string> targets() const {
    const std::lock_guard lock(mutex_);
    return targets_;
  }

  std::size_t connections() const { return server_.connections(); }
  void set_down() { server_.set_down(); }  ///< For good.

private:
  Behaviour treat(const HttpRequest& request) {
    const std::lock_guard lock(mutex_);
    targets_.push_back(request.target);
    auto path = request.target.substr(0, request.target.find('?'));
    if (path.starts_with("/v")) path.erase(0, path.find('/', 1));
    const auto found = behaviours_.find(path);
    auto behaviour = found == behaviours_.end() ? answer(404, R"({"message":"No such container"})")
                                                : found->second;
    if (behaviour.fixed && !api_version_.empty()) {
      behaviour.fixed->headers.emplace("Api-Version", api_version_);
    }
    return behaviour;
  }

  std::string api_version_;
  mutable std::mutex mutex_;
  Behaviour begin_;
  std::map<std::string, Behaviour> behaviours_;
  std::vector<std::string> targets_;
  TempDir folder_;
  HttpServer server_{{.begin =
                          [this] {
                            const std::lock_guard lock(mutex_);
                            return begin_;
                          },
                      .treat =
                          [this](const HttpRequest& request, const Behaviour& begun) {
                            return begun.kind == Behaviour::Kind::answer ? treat(request) : begun;
                          }},
                     socket()};
};

}  // namespace chouette::test
