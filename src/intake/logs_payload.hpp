#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "intake/payload.hpp"

namespace chouette {

/// What one payload of logs may hold. The intake's limits are 1,000 logs and 5 MB (5,000,000 B)
/// raw.
struct LogsLimits {
  std::size_t logs = 500;
  std::size_t bytes = 4500000;
};

/// Writes logs as `[…]`: each a JSON object with `ddtags` as one comma-separated string that holds
/// the global tags too, and with `host` if one is set.
class LogsPayload : public Payload {
public:
  explicit LogsPayload(Extras extras, LogsLimits limits = {});

  Added add(std::string_view record) override;
  std::size_t size() const override { return logs_; }
  std::size_t size_of_others() const override { return logs_; }
  std::string take() override;

private:
  Extras extras_;
  LogsLimits limits_;
  std::string json_ = "[";
  std::size_t logs_ = 0;
};

}  // namespace chouette
