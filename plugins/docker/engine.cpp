#include "docker/engine.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace chouette::docker {
namespace {

constexpr std::size_t largest_list = std::size_t{16} * 1024 * 1024;
constexpr std::size_t largest_answer = std::size_t{1024} * 1024;

/// Why the socket refuses a connection, as errno says it; 0 if it does not.
int connection_error(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return ENAMETOOLONG;
  std::memcpy(address.sun_path, path.data(), path.size());
  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return errno;
  const void* const generic = &address;
  const int result = ::connect(descriptor, static_cast<const sockaddr*>(generic), sizeof(address));
  const int error = result == 0 ? 0 : errno;
  ::close(descriptor);
  return error;
}

/// What to do about a socket that cannot be reached; empty if it can be.
std::string advice_on(const std::string& path) {
  const int error = connection_error(path);
  const auto reason = std::generic_category().message(error);
  struct stat status {};
  const bool is_there = ::stat(path.c_str(), &status) == 0;
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return reason + "; is the socket mounted?";
    case EACCES:
      return reason + "; the agent must be in the socket's group" +
             (is_there ? " (gid " + std::to_string(status.st_gid) + ")" : "");
    case ECONNREFUSED:
      return is_there && !S_ISSOCK(status.st_mode) ? "not a socket; is the right one mounted?"
                                                   : reason + "; is the engine running?";
    default:
      return {};
  }
}

std::string refusal(const HttpResponse& response) {
  const auto message = parse_message(response.body);
  return "answered " + std::to_string(response.status) + (message.empty() ? "" : ": " + message);
}

Answer answer_of(HttpResult result) {
  if (!result) return tl::unexpected(result.error().message);
  if (result->status == 404) return std::nullopt;
  if (result->status != 200) return tl::unexpected(refusal(*result));
  if (result->cut_off) return tl::unexpected<std::string>("more than 1 MiB");
  // Docker answers so for a container that is removed meanwhile, Podman for a stopped one.
  if (result->body.empty()) return std::nullopt;
  return std::move(result->body);
}

}  // namespace

Engine::Engine(std::string socket, std::stop_token stop)
    : socket_(std::move(socket)), client_(std::move(stop), std::chrono::milliseconds{0}) {}

HttpRequest Engine::get(const std::string& path, Clock::time_point deadline) const {
  constexpr std::chrono::milliseconds shortest{1};
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
  return {.method = "GET",
          .url = "http://docker" + path,
          .headers = {},
          .timeout = std::max(left, shortest),
          .unix_socket = socket_,
          .body_limit = largest_answer};
}

tl::expected<ContainerList, std::string> Engine::list(Clock::time_point deadline) {
  auto request = get("/containers/json", deadline);
  request.body_limit = largest_list;
  const auto result = client_.perform(request);
  if (!result) {
    const auto advice = advice_on(socket_);
    return tl::unexpected(advice.empty() ? result.error().message : advice);
  }
  if (result->status != 200) return tl::unexpected(refusal(*result));
  if (result->cut_off) {
    return tl::unexpected<std::string>("the list of containers is larger than 16 MiB");
  }
  const auto version = result->headers.find("api-version");
  version_ = version == result->headers.end() ? std::nullopt : parse_api_version(version->second);
  try {
    return parse_containers(result->body);
  } catch (const ParseError& error) {
    return tl::unexpected(std::string("the list of containers is ") + error.what());
  }
}

std::vector<Answer> Engine::ask(const std::vector<Question>& questions,
                                Clock::time_point deadline) {
  std::vector<HttpRequest> requests;
  requests.reserve(questions.size());
  for (const auto& question : questions) requests.push_back(get(path_of(question), deadline));
  std::vector<Answer> answers;
  answers.reserve(questions.size());
  for (auto& result : client_.perform_all(requests))
    answers.push_back(answer_of(std::move(result)));
  return answers;
}

std::string Engine::path_of(const Question& question) const {
  // Without it the engine measures twice, a second apart, for a percentage of CPU.
  constexpr ApiVersion first_with_one_shot{1, 41};
  std::string path;
  if (version_) {
    path = "/v" + std::to_string(version_->first) + '.' + std::to_string(version_->second);
  }
  path += "/containers/" + question.container.id;
  if (question.subject == Question::Subject::details) return path + "/json";
  path += "/stats?stream=false";
  return version_ && *version_ >= first_with_one_shot ? path + "&one-shot=true" : path;
}

}  // namespace chouette::docker
