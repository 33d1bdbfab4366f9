// What the agent takes while nothing happens but the host plugin's captures, at default intervals
// and over HTTPS, next to a stub of the same libraries (stub.cpp) that only sleeps; how fast it
// starts, how large it is; and whether its memory comes back after a large backlog. Usage:
//   bench-idle [--seconds N] [--records N] [--json FILE]
// N seconds are watched, 60 by default; the backlog has N raw records and as many points, 1,000,000
// by default, 0 for none. The agent and the stub are made to trust the intake by a mount of their
// own, for which this has to run as root or where user namespaces are allowed.

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "bench/measure.hpp"
#include "bench/sink.hpp"
#include "bench/workload.hpp"
#include "support/bind_mount.hpp"
#include "support/child_process.hpp"
#include "support/redis_server.hpp"
#include "support/temp_dir.hpp"
#include "support/tls_front.hpp"
#include "support/wait.hpp"

namespace chouette::bench {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr int starts = 11;
/// The agent goes on putting so many into a queue at most: the host's metrics and its own.
constexpr std::size_t own_metrics = 100;
const fs::path system_authorities = "/etc/ssl/certs/ca-certificates.crt";

/// Where a program that is started says that it is ready, as to systemd.
class NotifySocket {
public:
  NotifySocket() : path_(folder_ / "notify"), socket_(::socket(AF_UNIX, SOCK_DGRAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(static_cast<char*>(address.sun_path), sizeof(address.sun_path) - 1);
    if (socket_ < 0 ||
        bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
      throw std::system_error(errno, std::generic_category(), path_);
    }
  }
  ~NotifySocket() { close(socket_); }
  NotifySocket(const NotifySocket&) = delete;
  NotifySocket& operator=(const NotifySocket&) = delete;

  const std::string& path() const { return path_; }

  void wait_for_ready() const {
    for (;;) {
      pollfd poll_for{socket_, POLLIN, 0};
      if (poll(&poll_for, 1, 20000) <= 0) {
        throw std::runtime_error("a program does not say READY=1");
      }
      std::array<char, 4096> text{};
      const auto size = recv(socket_, text.data(), text.size(), 0);
      if (std::string(text.data(), size > 0 ? size : 0).starts_with("READY=1")) {
        return;
      }
    }
  }

private:
  test::TempDir folder_;
  std::string path_;
  int socket_;
};

/// What the kernel tells of a process; memory in MiB.
struct Look {
  double cpu = 0;
  double switches = 0;
  double resident = 0;
  double proportional = 0;
};

/// The sum of the lines of this name in a file of /proc.
double sum_of_lines(const std::string& text, const std::string& name) {
  double sum = 0;
  for (auto at = text.find(name + ':'); at != std::string::npos;
       at = text.find(name + ':', at + 1)) {
    if (at == 0 || text[at - 1] == '\n') {
      sum += std::stod(text.substr(at + name.size() + 1));
    }
  }
  return sum;
}

Look look_at(pid_t pid) {
  const fs::path folder = "/proc/" + std::to_string(pid);
  const auto memory = test::read_file(folder / "smaps_rollup");
  Look look{.cpu = cpu_seconds(pid),
            .resident = sum_of_lines(memory, "Rss") / 1024,
            .proportional = sum_of_lines(memory, "Pss") / 1024};
  for (const auto& thread : fs::directory_iterator(folder / "task")) {
    const auto status = test::read_file(thread.path() / "status");
    look.switches += sum_of_lines(status, "voluntary_ctxt_switches") +
                     sum_of_lines(status, "nonvoluntary_ctxt_switches");
  }
  return look;
}

/// What a process took over some time, and its memory at the end.
struct Idle {
  double cpu_ms_a_minute = 0;
  double switches_a_second = 0;
  double resident = 0;
  double proportional = 0;
};

Idle watch(test::ChildProcess& process, double seconds) {
  const auto pid = process.pid();
  const auto begin = Clock::now();
  const auto before = look_at(pid);
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  const auto after = look_at(pid);
  if (!process.running()) {
    throw std::runtime_error("a program has ended while it was watched: " + process.out() +
                             process.err());
  }
  const auto elapsed = seconds_since(begin);
  return {.cpu_ms_a_minute = (after.cpu - before.cpu) * 1e3 * 60 / elapsed,
          .switches_a_second = (after.switches - before.switches) / elapsed,
          .resident = after.resident,
          .proportional = after.proportional};
}

/// A Redis, an intake behind TLS, and what the agent and the stub need to use them.
class Surroundings {
public:
  Surroundings() {
    std::ofstream(trusted_) << test::read_file(system_authorities)
                            << test::read_file(authority_.path());
  }

  const test::RedisServer& redis() const { return redis_; }
  std::size_t requests() const { return sink_.requests(); }

  test::ChildProcess::Environment agent_settings() const {
    return {{"API_KEY", "0123456789abcdef0123456789abcdef"},
            {"DATADOG_URL", intake_url() + "/api"},
            {"DATADOG_LOGS_URL", intake_url()},
            {"REDIS_SOCKET", redis_.socket()},
            {"COLLECTOR_PLUGINS", "host"},
            {"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}};
  }
  static std::vector<std::string> agent() {
    const char* const other = std::getenv("CHOUETTE_TEST_AGENT");
    return {other != nullptr ? other : CHOUETTE_EXECUTABLE};
  }
  std::vector<std::string> stub() const { return {BENCH_STUB, redis_.socket(), intake_url()}; }

  /// The program in a mount namespace where the intake's authority is one of the system's.
  std::vector<std::string> trusting(const std::vector<std::string>& program) const {
    return test::with_file_in_place_of(trusted_, system_authorities, program);
  }

private:
  std::string intake_url() const { return "https://127.0.0.1:" + std::to_string(front_.port()); }

  test::RedisServer redis_;
  Sink sink_;
  test::Authority authority_;
  test::TlsFront front_{sink_.port(), {.certificate = authority_.issue_server()}};
  test::TempDir folder_;
  fs::path trusted_ = folder_ / "authorities.pem";
};

/// Milliseconds from the fork to READY=1, by which time all actors are there and wait for ticks.
double start_time(const std::vector<std::string>& program,
                  test::ChildProcess::Environment environment) {
  const NotifySocket socket;
  environment["NOTIFY_SOCKET"] = socket.path();
  std::vector<double> times;
  for (int i = 0; i < starts; ++i) {
    const auto begin = Clock::now();
    test::ChildProcess process(program, environment);
    socket.wait_for_ready();
    times.push_back(seconds_since(begin) * 1e3);
  }
  return median(times);
}

/// In MB, without its symbols.
double stripped_size(const std::string& executable) {
  const test::TempDir folder;
  const auto stripped = folder / "stripped";
  test::ChildProcess strip({"strip", "-o", stripped, executable},
                           {{"PATH", "/usr/bin:/bin:/usr/local/bin"}});
  if (strip.wait(30s) != test::ExitStatus{.code = 0}) {
    throw std::runtime_error("strip: " + strip.err());
  }
  return static_cast<double>(fs::file_size(stripped)) / 1e6;
}

void await(const char* what, std::chrono::seconds timeout, test::ChildProcess& process,
           const std::function<bool()>& holds) {
  test::eventually([&] { return holds() || !process.running(); }, timeout);
  if (!holds()) {
    throw std::runtime_error(std::string(what) +
                             " does not come; the program says: " + process.out() + process.err());
  }
}

/// Hands the agent a backlog all at once: it is made in another database, which then takes the
/// place of the first.
void add_backlog(const test::RedisServer& redis, std::size_t records) {
  auto address = redis.address();
  address.db = 1;
  test::RedisClient other(address);
  fill_raw_queue(other, records);
  fill_wrapped_queue(other, records);
  other.command({"SWAPDB", "0", "1"});
}

void measure_backlog(Figures& figures, const Surroundings& around, test::ChildProcess& agent,
                     std::size_t records, double before) {
  auto client = around.redis().client();
  add_backlog(around.redis(), records);
  await("the end of the backlog", 20min, agent, [&] {
    return client.size(raw_metrics) < own_metrics && client.size(wrapped_metrics) < own_metrics;
  });
  // What is given back is given back at the end of a round.
  std::this_thread::sleep_for(2s);
  const Peer idle{"before", before};
  figures.add("resident at the peak of the backlog", memory(agent.pid(), "VmHWM"), "MiB", idle);
  figures.add("resident after the backlog", look_at(agent.pid()).resident, "MiB", idle,
              at_most_above_peer(3));
}

void run(Figures& figures, double seconds, std::size_t records) {
  char setting[256];
  (void)std::snprintf(setting, sizeof(setting),
                      "host plugin, default intervals, HTTPS, %.0f s; medians of %d starts; a "
                      "backlog of %zu raw records and as many points",
                      seconds, starts, records);
  figures.describe(setting);
  const Surroundings around;
  const auto agent = Surroundings::agent();
  const auto stub = around.stub();

  figures.add("executable, stripped", stripped_size(agent[0]), "MB",
              Peer{"stub", stripped_size(stub[0])}, at_most(3));
  const Peer stub_start{"stub", start_time(stub, {})};
  figures.add("start, to READY=1", start_time(agent, around.agent_settings()), "ms", stub_start,
              at_most(50));

  // One after the other: they would share pages.
  auto requests = around.requests();
  const auto of_stub = [&] {
    test::ChildProcess process(around.trusting(stub), around.agent_settings());
    await("the stub's request", 20s, process, [&] { return around.requests() > requests; });
    return watch(process, seconds);
  }();
  requests = around.requests();
  test::ChildProcess process(around.trusting(agent), around.agent_settings());
  await("the first delivery", 150s, process, [&] { return around.requests() > requests; });
  const auto of_agent = watch(process, seconds);

  figures.add("CPU a minute, idle", of_agent.cpu_ms_a_minute, "ms",
              Peer{"stub", of_stub.cpu_ms_a_minute}, at_most(10));
  figures.add("context switches a second, idle", of_agent.switches_a_second, "",
              Peer{"stub", of_stub.switches_a_second}, at_most(10));
  figures.add("PSS, idle, after HTTPS", of_agent.proportional, "MiB",
              Peer{"stub", of_stub.proportional}, at_most_above_peer(2));
  figures.add("resident, idle, after HTTPS", of_agent.resident, "MiB",
              Peer{"stub", of_stub.resident}, at_most(20));
  if (records > 0) {
    measure_backlog(figures, around, process, records, of_agent.resident);
  }
}

}  // namespace
}  // namespace chouette::bench

int main(int argc, char** argv) {
  try {
    chouette::bench::Figures figures(argc, argv);
    const auto seconds = chouette::bench::take_option(argc, argv, "--seconds", 60);
    const auto records = chouette::bench::take_option(argc, argv, "--records", 1000000);
    chouette::bench::run(figures, seconds, static_cast<std::size_t>(records));
    figures.write();
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench-idle: %s\n", error.what());
    return 1;
  }
}
