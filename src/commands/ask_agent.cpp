#include "commands/ask_agent.hpp"

#include <chrono>
#include <optional>
#include <ostream>
#include <string>

#include "http/http_client.hpp"
#include "status/status_texts.hpp"

namespace chouette {

namespace {

constexpr std::chrono::milliseconds timeout{5000};
constexpr std::size_t largest_status = 4UL * 1024 * 1024;

/// An address to connect to: a server that listens on all is asked on this machine.
std::string authority_of(const ListenAddress& address) {
  if (!address.socket.empty()) {
    return "agent";
  }
  auto reached = address;
  if (reached.host.empty() || reached.host == "0.0.0.0") {
    reached.host = "127.0.0.1";
  } else if (reached.host == "::") {
    reached.host = "::1";
  }
  return to_text(reached);
}

/// The first answer that `is_agents` takes for an agent's.
template <class IsAgents>
std::optional<HttpResponse> ask(const std::vector<ListenAddress>& addresses,
                                const std::string& path, std::ostream& errors, IsAgents is_agents) {
  HttpClient client({});
  std::string tried;
  for (const auto& address : addresses) {
    auto answer = client.perform({.method = "GET",
                                  .url = "http://" + authority_of(address) + path,
                                  .headers = {},
                                  .timeout = timeout,
                                  .unix_socket = address.socket,
                                  .direct = true,
                                  .body_limit = largest_status});
    if (answer && is_agents(*answer)) {
      return std::move(*answer);
    }
    tried += "  " + to_text(address) + ": " +
             (answer ? "HTTP " + std::to_string(answer->status) + ", which is no agent's answer"
                     : answer.error().message) +
             '\n';
  }
  errors << "No agent answers. Is it running, and is HTTP_LISTEN set for it, and here as well?\n"
         << tried;
  return std::nullopt;
}

}  // namespace

bool print_status(const std::vector<ListenAddress>& addresses, bool json, std::ostream& out,
                  std::ostream& errors) {
  const auto answer = ask(addresses, "/status", errors, [](const HttpResponse& response) {
    return response.status == 200 && status_from_json(response.body);
  });
  if (!answer) {
    return false;
  }
  out << (json ? answer->body : to_text(*status_from_json(answer->body)));
  return true;
}

bool print_health(const std::vector<ListenAddress>& addresses, std::ostream& out,
                  std::ostream& errors) {
  const auto is_yes = [](const HttpResponse& response) {
    return response.status == 200 && response.body == yes_page;
  };
  const auto answer = ask(addresses, "/live", errors, [&](const HttpResponse& response) {
    return is_yes(response) || (response.status == 503 && response.body == no_page);
  });
  if (!answer) {
    return false;
  }
  out << (is_yes(*answer) ? "The agent answers.\n" : "The agent runs, but an actor of it hangs.\n");
  return is_yes(*answer);
}

}  // namespace chouette
