#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <optional>

#include "machine.hpp"

namespace chouette {
namespace {

/// What a Python program prints; nothing if there is no Python or it fails.
std::optional<std::string> run_python(const std::string& python, const std::string& program) {
  const std::string command = python + " -W ignore -c '" + program + "' 2>/dev/null";
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return std::nullopt;
  std::string output;
  std::array<char, 4096> buffer{};
  while (const auto size = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
    output.append(buffer.data(), size);
  }
  if (::pclose(pipe) != 0) return std::nullopt;
  return output;
}

/// psutil's answers by metric name and tag.
using Answers = std::map<std::string, double>;

class Psutil : public testing::Test {
protected:
  void SetUp() override {
    for (const auto* candidate : {"python3", "/usr/bin/python3"}) {
      if (run_python(candidate, "import psutil")) python_ = candidate;
    }
    if (python_.empty()) GTEST_SKIP() << "no python3 with psutil (Debian: python3-psutil)";
  }

  /// `program` prints name, tag or -, and value a line, by its function show.
  Answers ask(const std::string& program) const {
    const auto output =
        run_python(python_,
                   "import psutil\n"
                   "def show(name, tag, value): print(\"Chouette.host.\" + name, tag, repr(value), "
                   "sep=\"\\t\")\n" +
                       program);
    if (!output) throw std::runtime_error("psutil failed");
    Answers answers;
    std::istringstream lines(*output);
    for (std::string line; std::getline(lines, line);) {
      const auto value = line.rfind('\t');
      answers[line.substr(0, value)] = std::stod(line.substr(value + 1));
    }
    return answers;
  }

  std::string python_;
};

Answers answers_of(const Capture& capture) {
  Answers answers;
  for (const auto& metric : capture.metrics) {
    const auto tag = metric.tags.empty() ? "-" : metric.tags[0];
    answers[metric.name + "\t" + tag] = metric.value;
  }
  return answers;
}

/// Empty if the same metrics are there, each within `tolerance`.
std::string difference(const Answers& ours, const Answers& theirs, double tolerance) {
  std::ostringstream text;
  text.precision(17);
  auto all = ours;
  all.insert(theirs.begin(), theirs.end());
  for (const auto& [name, ignored] : all) {
    const auto our = ours.find(name);
    const auto their = theirs.find(name);
    if (our == ours.end()) {
      text << "only psutil has " << name << '\n';
    } else if (their == theirs.end()) {
      text << "psutil lacks " << name << '\n';
    } else if (!(std::abs(our->second - their->second) <= tolerance)) {
      text << name << ": " << our->second << ", psutil: " << their->second << '\n';
    }
  }
  return text.str();
}

const std::string ask_ram =
    "m = psutil.virtual_memory()\n"
    "show(\"memory.used\", \"-\", m.used)\n"
    "show(\"memory.available\", \"-\", m.available)\n";
const std::string ask_network =
    "for name, n in psutil.net_io_counters(pernic=True, nowrap=False).items():\n"
    "  if name != \"lo\":\n"
    "    show(\"network.bytes.sent\", \"iface:\" + name, n.bytes_sent)\n"
    "    show(\"network.bytes.recv\", \"iface:\" + name, n.bytes_recv)\n";

TEST_F(Psutil, SaysTheSameOfThisMachine) {
  const std::string ask_disks =
      "done = set()\n"
      "for p in psutil.disk_partitions():\n"
      "  if p.device in done: continue\n"
      "  try: d = psutil.disk_usage(p.mountpoint)\n"
      "  except OSError: continue\n"
      "  done.add(p.device)\n"
      "  show(\"fs.used\", \"device:\" + p.device, d.used)\n"
      "  show(\"fs.free\", \"device:\" + p.device, d.free)\n";
  const auto plugin = make_host_plugin({.metrics = {"fs", "ram", "network"}});
  const std::string program = std::string(ask_ram).append(ask_disks).append(ask_network);
  constexpr double tolerance = 32.0 * 1024 * 1024;
  // The machine moves while both look: the best of several rounds counts.
  std::string found;
  for (int round = 0; round < 10; ++round) {
    const auto theirs = ask(program);
    found = difference(answers_of(plugin->capture(1)), theirs, tolerance);
    if (found.empty()) break;
  }
  EXPECT_EQ(found, "");
}

class PsutilOnARecording : public Psutil, public testing::WithParamInterface<std::string> {
protected:
  std::string root_at(const std::string& path) const {
    return "psutil.PROCFS_PATH = \"" + (machine.proc() / path).string() + "\"\n";
  }

  const test::Machine machine{GetParam()};
};

TEST_P(PsutilOnARecording, SaysTheSameOfCpu) {
  test::write_file(machine.proc() / "later/stat",
                   test::read_file(machine.recording() / "stat.later"));
  const auto theirs = ask(root_at("") + "psutil.cpu_percent()\n" + root_at("later") +
                          "show(\"cpu.percentage\", \"-\", psutil.cpu_percent())\n");
  const auto plugin = machine.plugin({"cpu"});
  plugin->capture(1);
  machine.later();
  EXPECT_EQ(difference(answers_of(plugin->capture(2)), theirs, 0), "");
}

TEST_P(PsutilOnARecording, SaysTheSameOfRam) {
  auto calls = machine.calls();
  calls.page_size = ::sysconf(_SC_PAGESIZE);
  const auto plugin = make_host_plugin(machine.settings({"ram"}), calls);
  EXPECT_EQ(difference(answers_of(plugin->capture(1)), ask(root_at("") + ask_ram), 0), "");
}

TEST_P(PsutilOnARecording, SaysTheSameOfNetwork) {
  const auto ours = answers_of(machine.plugin({"network"})->capture(1));
  EXPECT_EQ(difference(ours, ask(root_at("1") + ask_network), 0), "");
}

TEST_P(PsutilOnARecording, ListsTheSameDisks) {
  // psutil looks at `self`, and finds the root's device only on the machine it runs on.
  std::filesystem::create_directory_symlink("1", machine.proc() / "self");
  auto calls = machine.calls();
  calls.disk_space = [](const std::string&) { return DiskSpace{}; };
  calls.device_number = system_calls().device_number;
  auto settings = machine.settings({"fs"});
  settings.roots.sys = "/sys";
  const auto ours = make_host_plugin(settings, calls)->capture(1);
  const auto mounts = test::read_file(machine.proc() / "1" / "mounts");
  for (const auto& metric : ours.metrics) {
    const auto device = metric.tags.at(0).substr(std::string("device:").size());
    if (mounts.find(device + ' ') == std::string::npos && !std::filesystem::exists(device)) {
      GTEST_SKIP() << "psutil does not name " << device << ", which has no node here";
    }
  }
  EXPECT_EQ(difference(answers_of(ours),
                       ask(root_at("") + "for p in psutil.disk_partitions():\n"
                                         "  show(\"fs.used\", \"device:\" + p.device, 0)\n"
                                         "  show(\"fs.free\", \"device:\" + p.device, 0)\n"),
                       0),
            "");
}

INSTANTIATE_TEST_SUITE_P(Each, PsutilOnARecording,
                         testing::Values("cloud-vm-linux-6.18", "raspberry-pi-4-debian-12",
                                         "armv7-linux-3.8"));

}  // namespace
}  // namespace chouette
