#include "docker/docker.hpp"

#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "docker/engine.hpp"
#include "support/gauges.hpp"

namespace chouette {
namespace {

using docker::Container;
using docker::Question;

/// More are not asked, to bound time and memory.
constexpr std::size_t most_containers = 1000;

/// Containers that share one fault line.
class FaultyContainers {
public:
  void add(const std::string& name, const std::string& why) {
    if (count_++ < most_shown) names_ += (names_.empty() ? "" : ", ") + name;
    if (count_ == 1) first_ = why;
  }

  void report(std::string_view what, std::size_t asked, Gauges& gauges) const {
    if (count_ == 0) return;
    std::string line =
        std::to_string(count_) + " of " + std::to_string(asked) + " containers not read: " + names_;
    if (count_ > most_shown) line += " and " + std::to_string(count_ - most_shown) + " more";
    line += " (" + std::string(count_ > 1 ? "the first: " : "") + first_ + ")";
    gauges.add_fault(what, line);
  }

private:
  static constexpr std::size_t most_shown = 10;

  std::size_t count_ = 0;
  std::string names_;
  std::string first_;
};

class DockerPlugin : public Plugin {
public:
  DockerPlugin(const DockerSettings& settings, std::chrono::milliseconds timeout,
               std::stop_token stop)
      : socket_(settings.socket),
        wanted_(settings.metrics.begin(), settings.metrics.end()),
        timeout_(timeout),
        stop_(std::move(stop)),
        engine_(settings.socket, stop_) {}

  Capture capture(std::int64_t now) override {
    Capture capture;
    if (wanted_.empty()) return capture;
    Gauges gauges(now, capture);
    const auto deadline = docker::Engine::Clock::now() + timeout_;
    auto list = engine_.list(deadline);
    if (list) {
      ask_all(choose(std::move(*list), gauges), deadline, gauges);
    } else {
      gauges.add_fault(socket_, list.error());
    }
    // What was given up because of the stop is no fault of the engine's.
    return stop_.stop_requested() ? Capture{} : capture;
  }

private:
  using Subject = Question::Subject;

  bool wants(std::string_view kind) const { return wanted_.contains(kind); }
  bool wants_stats() const {
    return wants("memory") || wants("cpu") || wants("working_set") || wants("network");
  }

  /// Those that can be told apart and are not too many.
  static std::vector<Container> choose(docker::ContainerList list, Gauges& gauges) {
    if (list.unusable > 0) {
      gauges.add_fault("containers", std::to_string(list.unusable) + " listed without a usable ID");
    }
    FaultyContainers namesakes;
    const auto total = list.containers.size();
    std::set<std::string> names;
    std::erase_if(list.containers, [&](const Container& container) {
      if (names.insert(container.name).second) return false;
      namesakes.add(container.name, "another has its name");
      return true;
    });
    namesakes.report("containers", total, gauges);
    if (list.containers.size() > most_containers) {
      gauges.add_fault("containers", "only the first " + std::to_string(most_containers) + " of " +
                                         std::to_string(total) + " are read");
      list.containers.resize(most_containers);
    }
    return std::move(list.containers);
  }

  void ask_all(const std::vector<Container>& containers, docker::Engine::Clock::time_point deadline,
               Gauges& gauges) {
    std::vector<Question> questions;
    for (const auto& container : containers) {
      const auto& state = container.state;
      const bool runs = state.empty() || state == "running" || state == "paused";
      if (runs && wants_stats()) questions.push_back({Subject::stats, container});
      if ((runs || state == "restarting") && wants("restarts")) {
        questions.push_back({Subject::details, container});
      }
    }
    const auto answers = engine_.ask(questions, deadline);
    take(Subject::stats, &DockerPlugin::send_stats, questions, answers, gauges);
    take(Subject::details, &DockerPlugin::send_restarts, questions, answers, gauges);
  }

  using Send = void (DockerPlugin::*)(const std::string& name, const std::string& json,
                                      Gauges& gauges) const;

  void take(Subject subject, Send send, const std::vector<Question>& questions,
            const std::vector<docker::Answer>& answers, Gauges& gauges) const {
    FaultyContainers faulty;
    std::size_t asked = 0;
    for (std::size_t i = 0; i < questions.size(); ++i) {
      if (questions[i].subject != subject) continue;
      ++asked;
      const auto& name = questions[i].container.name;
      const auto& answer = answers[i];
      try {
        if (!answer) {
          faulty.add(name, answer.error());
        } else if (*answer) {
          (this->*send)(name, **answer, gauges);
        }
      } catch (const ParseError& error) {
        faulty.add(name, std::string("the answer is not understood: ") + error.what());
      }
    }
    faulty.report(subject == Subject::stats ? "stats" : "restarts", asked, gauges);
  }

  void send_stats(const std::string& name, const std::string& json, Gauges& gauges) const {
    const auto stats = docker::parse_stats(json);
    const Tags tags{"container:" + name};
    const auto add = [&](std::string metric, const Tags& its_tags, std::optional<double> value) {
      if (value) gauges.add("Chouette.docker." + std::move(metric), its_tags, *value);
    };
    if (wants("memory")) add("memory.usage", tags, stats.memory);
    if (wants("working_set")) add("memory.working_set", tags, working_set(stats));
    if (wants("cpu")) add("cpu.usage", tags, stats.cpu);
    if (!wants("network")) return;
    for (const auto& interface : stats.interfaces) {
      const Tags both{tags.front(), "iface:" + interface.name};
      add("network.bytes.sent", both, interface.sent);
      add("network.bytes.recv", both, interface.received);
    }
  }

  void send_restarts(const std::string& name, const std::string& json, Gauges& gauges) const {
    const auto count = docker::parse_restart_count(json);
    if (count) gauges.add("Chouette.docker.restarts", {"container:" + name}, *count);
  }

  std::string socket_;
  std::set<std::string, std::less<>> wanted_;
  std::chrono::milliseconds timeout_;
  std::stop_token stop_;
  docker::Engine engine_;
};

}  // namespace

std::unique_ptr<Plugin> make_docker_plugin(const DockerSettings& settings,
                                           std::chrono::milliseconds timeout,
                                           std::stop_token stop) {
  return std::make_unique<DockerPlugin>(settings, timeout, std::move(stop));
}

}  // namespace chouette
