#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

namespace chouette::bench {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start);

/// User and system time that this process has taken.
double cpu_seconds();

/// The same of another process.
double cpu_seconds(pid_t pid);

double median(std::vector<double> values);

/// A line of /proc/PID/status, in MiB.
double memory(pid_t pid, const std::string& line);

void print(const char* what, double value, const char* unit, const char* target = "");

}  // namespace chouette::bench
