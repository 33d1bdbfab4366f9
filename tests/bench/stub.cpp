// The least that an agent of this kind can be: linked with the same libraries as chouette-iot, with
// CAF's actor system set up in the same way, a connection to Redis and one request by libcurl; then
// it sleeps. The peer of bench-idle. Usage:
//   bench-stub REDIS_SOCKET URL
// It sends READY=1 to NOTIFY_SOCKET, as chouette-iot does, once the actor system is there.

#include <curl/curl.h>
#include <hiredis/hiredis.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <caf/all.hpp>
#include <cstdlib>
#include <memory>
#include <string>

#include "process/service_manager.hpp"

namespace {

bool greet_redis(const char* socket) {
  auto* const redis = redisConnectUnix(socket);  // kept open
  if (redis == nullptr || redis->err != 0) {
    return false;
  }
  const std::unique_ptr<void, decltype(&freeReplyObject)> reply(redisCommand(redis, "PING"),
                                                                freeReplyObject);
  return reply != nullptr;
}

bool post(const char* url) {
  auto* const curl = curl_easy_init();  // kept open
  curl_easy_setopt(curl, CURLOPT_URL, url);
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "{}");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(
      curl, CURLOPT_WRITEFUNCTION,
      +[](char*, std::size_t size, std::size_t count, void*) { return size * count; });
  return curl_easy_perform(curl) == CURLE_OK;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    return EXIT_FAILURE;
  }
  caf::actor_system_config config;
  config.set("scheduler.policy", caf::atom("sharing"));
  config.set("scheduler.max-threads", std::size_t{2});
  const caf::actor_system system{config};
  spdlog::info("starts");
  const char* const socket = std::getenv("NOTIFY_SOCKET");
  chouette::notify_service_manager({.notify_socket = socket == nullptr ? "" : socket}, "READY=1");
  if (!greet_redis(argv[1]) || !post(argv[2])) {
    return EXIT_FAILURE;
  }
  for (;;) {
    pause();
  }
}
