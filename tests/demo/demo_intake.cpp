// A local stand-in for Datadog's intake that prints what arrives.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <csignal>
#include <ctime>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <mutex>
#include <sstream>
#include <string>

#include "support/intake.hpp"

namespace {

using chouette::test::Intake;
using chouette::test::IntakeRequest;
using nlohmann::json;

std::string time_of_day(std::time_t time) {
  std::tm local{};
  localtime_r(&time, &local);
  std::ostringstream text;
  text << std::put_time(&local, "%H:%M:%S");
  return text.str();
}

std::string number(double value) {
  std::ostringstream text;
  if (std::abs(value) >= 1e6) text << std::fixed << std::setprecision(0);  // bytes, mostly
  text << value;
  return text.str();
}

std::string values(const json& points) {
  constexpr std::size_t most_shown = 6;
  std::string text;
  for (std::size_t i = 0; i < points.size() && i < most_shown; ++i) {
    text += (i == 0 ? "" : " ") + number(points[i][1]);
  }
  if (points.size() > most_shown) text += " (" + std::to_string(points.size()) + " points)";
  return text;
}

std::string line(const json& series) {
  std::string type = series["type"];
  if (series.contains("interval")) type += "/" + series["interval"].dump() + "s";
  std::string tags = chouette::test::joined_tags(series);
  if (series.contains("host")) tags = "host:" + series["host"].get<std::string>() + " " + tags;
  std::ostringstream text;
  text << time_of_day(series["points"].front()[0]) << "  " << std::left << std::setw(34)
       << series["metric"].get<std::string>() << " " << std::right << std::setw(13)
       << values(series["points"]) << "  " << std::left << std::setw(9) << type << " " << tags;
  return text.str();
}

std::string metric_and_tags(const json& series) {
  return series["metric"].get<std::string>() + " " + chouette::test::joined_tags(series);
}

void print(const IntakeRequest& request) {
  const bool is_metrics = request.has_metrics();
  auto list = is_metrics ? request.payload["series"] : request.payload;
  if (is_metrics) {
    std::sort(list.begin(), list.end(), [](const json& one, const json& other) {
      return metric_and_tags(one) < metric_and_tags(other);
    });
  }
  std::ostringstream text;
  for (const auto& item : list) text << (is_metrics ? line(item) : item.dump()) << "\n";
  text << "--- " << time_of_day(std::time(nullptr)) << ": " << list.size()
       << (is_metrics ? " series" : " logs") << " arrived in one payload of " << request.sent_bytes
       << " bytes (" << request.raw_bytes << " before compression)\n";
  std::cout << text.str() << std::flush;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{
      "Takes metrics and logs as Datadog does and prints them. Ends at SIGINT or SIGTERM."};
  std::string key = "demo-key";
  app.add_option("--api-key", key, "The only API key that is let in")->capture_default_str();
  std::string url_file;
  app.add_option("--url-file", url_file, "A file to write its own address to");
  CLI11_PARSE(app, argc, argv);

  // Blocked before any thread starts, so that all threads leave them to sigwait.
  sigset_t stop;
  sigemptyset(&stop);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&stop, number);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);

  std::mutex printing;
  Intake intake(key);
  intake.set_judge([&](const IntakeRequest& request) {
    if (request.has_metrics() || request.has_logs()) {
      const std::lock_guard lock(printing);
      print(request);
    }
    return chouette::test::answer_ok();
  });
  std::cout << "listening on " << intake.logs_url() << std::endl;
  if (!url_file.empty()) std::ofstream(url_file) << intake.logs_url() << std::endl;

  const timespec second{1, 0};
  while (sigtimedwait(&stop, nullptr, &second) < 0) {
    const std::lock_guard lock(printing);
    for (const auto& violation : intake.take_violations()) {
      std::cout << "refused: " << violation << std::endl;
    }
  }
  return 0;
}
