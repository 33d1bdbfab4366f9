#include "bench/measure.hpp"

#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "support/child_process.hpp"

namespace chouette::bench {

namespace {

double seconds(const timespec& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

std::string text(double value, const std::string& unit) {
  const int digits = value >= 100 || value == 0 ? 0 : value >= 10 ? 1 : 2;
  std::string result(32, '\0');
  result.resize(
      static_cast<std::size_t>(std::snprintf(result.data(), result.size(), "%.*f", digits, value)));
  return unit.empty() ? result : result + ' ' + unit;
}

/// What of a figure its target is about.
double judged(const Target& target, double value, const std::optional<Peer>& peer) {
  switch (target.of) {
    case Target::Of::ratio:
      return value / peer.value().value;
    case Target::Of::excess:
      return value - peer.value().value;
    default:
      return value;
  }
}

std::string to_text(const Target& target, const std::string& unit) {
  switch (target.of) {
    case Target::Of::ratio:
      return "ratio " + text(target.at_most, "");
    case Target::Of::excess:
      return "peer + " + text(target.at_most, unit);
    default:
      return text(target.at_most, unit);
  }
}

}  // namespace

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double cpu_seconds(pid_t pid) {
  clockid_t clock{};
  timespec time{};
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) != 0) {
    return 0;
  }
  return seconds(time);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

double memory(pid_t pid, const std::string& line) {
  const auto status = test::read_file("/proc/" + std::to_string(pid) + "/status");
  const auto at = status.find(line + ":");
  return at == std::string::npos ? 0 : std::stod(status.substr(at + line.size() + 1)) / 1024;
}

void print(const char* what, double value, const char* unit, const char* target) {
  std::printf("%-58s %8.2f %-5s %s\n", what, value, unit, target);
}

Target at_most(double value) {
  return {Target::Of::value, value};
}

Target at_most_times_peer(double ratio) {
  return {Target::Of::ratio, ratio};
}

Target at_most_above_peer(double excess) {
  return {Target::Of::excess, excess};
}

Figures::Figures(int& argc, char** argv)
    : program_(std::filesystem::path(argv[0]).filename()),
      file_(take_option(argc, argv, "--json").value_or("")) {}

void Figures::describe(const std::string& setting) {
  json_["setting"] = setting;
  std::printf("%s: %s\n\n", program_.c_str(), setting.c_str());
  (void)std::fflush(stdout);
}

void Figures::add(const std::string& name, double value, const std::string& unit,
                  const std::optional<Peer>& peer, const std::optional<Target>& target) {
  nlohmann::ordered_json figure{{"name", name}, {"value", value}, {"unit", unit}};
  std::printf("%-58s %14s", name.c_str(), text(value, unit).c_str());
  if (peer) {
    figure["peer"] = {{"name", peer->name}, {"value", peer->value}};
    if (peer->value > 0) {
      figure["ratio"] = value / peer->value;
      std::printf("  %6.2f x", value / peer->value);
    } else {
      std::printf("  beside  ");
    }
    std::printf(" %s (%s)", text(peer->value, unit).c_str(), peer->name.c_str());
  }
  if (target) {
    const bool met = judged(*target, value, peer) <= target->at_most;
    figure["target"] = to_text(*target, unit);
    figure["met"] = met;
    std::printf("  [at most %s: %s]", to_text(*target, unit).c_str(), met ? "met" : "missed");
  }
  std::printf("\n");
  (void)std::fflush(stdout);
  json_["figures"].push_back(std::move(figure));
}

void Figures::write() const {
  if (file_.empty()) {
    return;
  }
  std::ofstream file(file_);
  file << json_.dump(1) << '\n';
  if (!file.flush()) {
    throw std::runtime_error(file_ + " cannot be written");
  }
}

std::optional<std::string> take_option(int& argc, char** argv, const std::string& name) {
  auto* const end = argv + argc;
  auto* const found = std::find(argv + 1, end, name);
  if (found == end) {
    return std::nullopt;
  }
  if (found + 1 == end) {
    throw std::invalid_argument(name + " needs a value");
  }
  std::string value = found[1];
  std::copy(found + 2, end, found);
  argc -= 2;
  argv[argc] = nullptr;
  return value;
}

double take_option(int& argc, char** argv, const std::string& name, double otherwise) {
  const auto value = take_option(argc, argv, name);
  return value ? std::stod(*value) : otherwise;
}

}  // namespace chouette::bench
