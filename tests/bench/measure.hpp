#pragma once

#include <sys/types.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace chouette::bench {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start);

/// User and system time that this process has taken.
double cpu_seconds();

/// The same of another process, to the nanosecond where the kernel counts so.
double cpu_seconds(pid_t pid);

double median(std::vector<double> values);

/// A line of /proc/PID/status, in MiB.
double memory(pid_t pid, const std::string& line);

void print(const char* what, double value, const char* unit, const char* target = "");

/// What a figure is held against: a floor or a peer, measured in the same run.
struct Peer {
  std::string name;
  double value = 0;
};

/// How large a figure is to be at most.
struct Target {
  enum class Of {
    value,   ///< the figure itself
    ratio,   ///< figure / peer
    excess,  ///< figure - peer
  };
  Of of = Of::value;
  double at_most = 0;
};

Target at_most(double value);
Target at_most_times_peer(double ratio);
Target at_most_above_peer(double excess);

/// The figures of a program, each of which is the better the smaller it is: a row each, printed at
/// once, and all of them as JSON at the end, for scripts/bench.
class Figures {
public:
  /// Takes the option `--json FILE` out of the arguments; without it no JSON is written. Throws
  /// std::invalid_argument if the file is missing.
  Figures(int& argc, char** argv);

  void add(const std::string& name, double value, const std::string& unit,
           const std::optional<Peer>& peer = {}, const std::optional<Target>& target = {});

  /// What was measured on which data: one line, above the rows.
  void describe(const std::string& setting);

  /// Writes the JSON: {"setting", "figures": [{"name", "value", "unit", "peer"?: {"name", "value"},
  /// "ratio"?, "target"?, "met"?}]}. Throws std::runtime_error if it cannot.
  void write() const;

private:
  std::string program_;
  std::string file_;
  nlohmann::ordered_json json_ = {{"setting", ""}, {"figures", nlohmann::ordered_json::array()}};
};

/// Takes the option `name` and the number after it out of the arguments; `otherwise` if it is not
/// there. Throws std::invalid_argument if no number follows.
double take_option(int& argc, char** argv, const std::string& name, double otherwise);

/// Likewise for the text after the option `name`.
std::optional<std::string> take_option(int& argc, char** argv, const std::string& name);

}  // namespace chouette::bench
