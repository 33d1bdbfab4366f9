#include "tegrastats/tegrastats_reader.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <exception>
#include <limits>
#include <utility>

namespace chouette {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr std::size_t longest_line = std::size_t{64} * 1024;
constexpr std::size_t longest_complaint = 200;

/// Lest numbers get a decimal comma.
ChildProcess::Environment in_plain_locale(ChildProcess::Environment environment) {
  environment["LC_ALL"] = "C";
  return environment;
}

std::string to_text(milliseconds time) {
  return time < std::chrono::seconds{1} ? std::to_string(time.count()) + " ms"
                                        : std::to_string(time.count() / 1000) + " s";
}

int poll_timeout(Clock::duration time) {
  const auto whole = std::chrono::ceil<milliseconds>(time).count();
  return static_cast<int>(std::clamp<decltype(whole)>(whole, 0, std::numeric_limits<int>::max()));
}

void wait_for_input(const StopSignal& stop, const ChildProcess& child, Clock::duration time) {
  std::array<pollfd, 3> files{{{stop.descriptor(), POLLIN, 0},  //
                               {child.out(), POLLIN, 0},
                               {child.err(), POLLIN, 0}}};
  ::poll(files.data(), files.size(), poll_timeout(time));
}

/// The last line of what is added, as far as it is to be shown.
class Complaint {
public:
  void add(std::string_view text) {
    for (const char c : text) {
      if (c == '\n') {
        finished_ = true;
        continue;
      }
      if (std::exchange(finished_, false)) line_.clear();
      if (line_.size() < longest_complaint) line_ += c >= ' ' && c <= '~' ? c : '?';
    }
  }

  /// `what`, and after a colon the line if there is one.
  std::string after(const std::string& what) const {
    return line_.empty() ? what : what + ": " + line_;
  }

private:
  std::string line_;
  bool finished_ = false;
};

void take_complaints(ChildProcess& child, Complaint& complaint) {
  std::string text;
  child.read_err(text, longest_line);
  complaint.add(text);
}

/// How a program ended that has closed its output. Some close it and live on.
std::string end_of(ChildProcess& child, milliseconds grace) {
  const auto status = child.wait(Clock::now() + grace);
  return status ? to_text(*status) : "closed its output";
}

}  // namespace

TegrastatsReader::TegrastatsReader(std::string program, milliseconds interval,
                                   ChildProcess::Environment environment,
                                   const TegrastatsTimes& times)
    : program_(std::move(program)),
      interval_(interval),
      environment_(in_plain_locale(std::move(environment))),
      times_(times),
      stop_signal_(stop_.get_token()),
      thread_([this] { run(); }) {}

TegrastatsReader::~TegrastatsReader() {
  stop_.request_stop();
  thread_.join();
}

TegrastatsNews TegrastatsReader::take(const std::stop_token& stop, milliseconds patience) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, stop, patience, [this] { return news_.line || !news_.trouble.empty(); });
  TegrastatsNews news = news_;
  news_.line.reset();
  news_.restarted.clear();
  return news;
}

void TegrastatsReader::run() {
  auto pause = times_.first_pause;
  while (!stop_signal_.requested()) {
    const auto started = Clock::now();
    bool lasted = false;
    try {
      lasted = run_once();
    } catch (const std::exception& error) {
      fail(error.what());
    }
    if (lasted) {
      // Again at once, unless the interval is very short.
      pause = times_.first_pause;
      wait_for_stop(std::chrono::ceil<milliseconds>(started + pause - Clock::now()));
    } else {
      wait_for_stop(pause);
      pause = std::min(pause * 2, times_.longest_pause);
      const std::lock_guard lock(mutex_);
      news_.restarted = news_.trouble;
    }
  }
}

/// From the program's start to its end. True if it printed lines for longer than its interval.
bool TegrastatsReader::run_once() {
  const auto silence = 2 * interval_ + times_.late;
  auto child = ChildProcess::start({program_, "--interval", std::to_string(interval_.count())},
                                   environment_);
  if (!child) {
    fail(child.error());
    return false;
  }
  Output output;
  const auto started = Clock::now();
  output.last = started;
  Complaint complaint;
  while (true) {
    wait_for_input(stop_signal_, *child, output.last + silence - Clock::now());
    if (stop_signal_.requested()) break;
    take_complaints(*child, complaint);
    const auto outcome = child->read_out(output.unfinished, longest_line);
    take_lines(output);
    if (outcome == ChildProcess::Outcome::end) {
      auto end = end_of(*child, times_.grace);
      if (output.odd) end += ", printed what is not understood";
      take_complaints(*child, complaint);
      fail(complaint.after(end));
      break;
    }
    if (Clock::now() >= output.last + silence) {
      const std::string what = output.odd ? "no line that is understood" : "no line";
      fail(complaint.after("printed " + what + " for " + to_text(silence)));
      break;
    }
    wait_for_stop(times_.breath);
  }
  end(*child);
  return output.last - started > interval_;
}

/// Returns once it is gone, lest more and more of them wait for a dead device, or when this reader
/// is to end.
void TegrastatsReader::end(ChildProcess& child) {
  child.end(times_.grace);
  while (!child.gone() && !stop_signal_.requested()) {
    fail("cannot be ended");
    wait_for_stop(times_.first_pause);
    child.end(times_.grace);
  }
}

void TegrastatsReader::take_lines(Output& output) {
  // Of several lines a capture gets the latest, not one that is being followed by others.
  const std::lock_guard lock(mutex_);
  auto& text = output.unfinished;
  std::size_t begin = 0;
  for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
    const auto line = std::string_view(text).substr(begin, end - begin);
    if (!std::exchange(output.too_long, false) && line.size() <= longest_line) {
      take_line(output, line);
    }
    begin = end + 1;
  }
  text.erase(0, begin);
  if (text.size() > longest_line) {
    output.too_long = true;
    text.clear();
  }
}

void TegrastatsReader::take_line(Output& output, std::string_view text) {
  auto line = parse_tegrastats(text);
  if (!line.understood()) {
    output.odd = true;
    return;
  }
  output.odd = false;
  output.last = Clock::now();
  news_.line = std::move(line);
  news_.printed = output.last;
  news_.trouble.clear();
  changed_.notify_all();
}

void TegrastatsReader::fail(std::string trouble) {
  const std::lock_guard lock(mutex_);
  news_.trouble = std::move(trouble);
  changed_.notify_all();
}

void TegrastatsReader::wait_for_stop(milliseconds time) const {
  pollfd file{stop_signal_.descriptor(), POLLIN, 0};
  ::poll(&file, 1, poll_timeout(time));
}

}  // namespace chouette
