#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "docker/engine_answers.hpp"
#include "http/http_client.hpp"

namespace chouette::docker {

/// What to ask of one container.
struct Question {
  enum class Subject { stats, details };

  Subject subject = Subject::stats;
  Container container = {};
};

/// The body of an answer; none if there is no such container any more, or no longer a running one.
/// Or, in a few words, why there was no answer.
using Answer = tl::expected<std::optional<std::string>, std::string>;

/// Docker's or Podman's engine, reached by its unix socket; connections are kept. Called by the
/// docker plugin, from one thread. Once `stop` is requested it waits for nothing more.
class Engine {
public:
  using Clock = std::chrono::steady_clock;

  Engine(std::string socket, std::stop_token stop);

  /// The containers that are not stopped, asked with the engine's newest API version, which it
  /// thereby tells. The error says why they are not known, and where the socket cannot be reached
  /// what to do about it.
  tl::expected<ContainerList, std::string> list(Clock::time_point deadline);

  /// Asks everything side by side. The answers are in the order of the questions.
  std::vector<Answer> ask(const std::vector<Question>& questions, Clock::time_point deadline);

private:
  HttpRequest get(const std::string& path, Clock::time_point deadline) const;
  std::string path_of(const Question& question) const;

  std::string socket_;
  HttpClient client_;
  std::optional<ApiVersion> version_;
};

}  // namespace chouette::docker
