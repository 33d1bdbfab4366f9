#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "queue/queue.hpp"

struct redisContext;

namespace chouette::test {

/// Redis could not be reached, or answered with an error: then `what()` is its text.
class RedisFailure : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// Where a Redis is. A socket wins over host and port.
struct RedisAddress {
  std::string socket;
  std::string host = "127.0.0.1";
  std::uint16_t port = 6379;
  std::string username;
  std::string password;
  int db = 0;
};

/// What an application writes with ChouetteClient.
struct RawMetric {
  std::string metric;
  std::string type;
  nlohmann::ordered_json value;
  double timestamp;
  nlohmann::ordered_json tags = nullptr;
};

/// Any text to be put into a queue, right or wrong.
struct AnyRecord {
  double timestamp;
  std::string value;
  std::string key = {};  ///< Empty: a random UUID.
};

/// One record of a queue. Half a record lacks its score or its value.
struct Record {
  std::string key;
  std::optional<double> score;
  std::optional<std::string> value;
};

/// A connection to Redis for tests, made when first needed and made anew after it broke. Used from
/// one thread at a time. Everything throws RedisFailure.
class RedisClient {
public:
  explicit RedisClient(RedisAddress address);
  ~RedisClient();
  RedisClient(RedisClient&&) noexcept;
  RedisClient& operator=(RedisClient&&) noexcept;

  /// The reply: a string (statuses too), number, array or null.
  nlohmann::json command(const std::vector<std::string>& arguments);

  /// Writes raw metrics as the Python client does: in a transaction each. Returns their keys.
  std::vector<std::string> add(const std::vector<RawMetric>& metrics);
  std::string add(const RawMetric& metric);

  /// Writes a log as the Python client does. Returns its key.
  std::string add_log(const nlohmann::ordered_json& log, double timestamp);

  /// Adds anything to any queue. Returns the keys.
  std::vector<std::string> add(QueueName queue, const std::vector<AnyRecord>& records);

  /// Sets all raw metrics aside, as an agent leaves them that is killed right after.
  void set_aside();

  /// Everything in a queue, by score; values without a key at the end. After the raw metrics those
  /// that the agent has taken and not aggregated yet.
  std::vector<Record> dump(QueueName queue);

  /// How many keys a queue has. Raw metrics that the agent has taken count until aggregated.
  std::size_t size(QueueName queue);

private:
  struct Close {
    void operator()(redisContext* context) const;
  };

  redisContext& connection();
  void connect();
  void append(const std::vector<std::string>& arguments);
  nlohmann::json read_reply();

  RedisAddress address_;
  std::unique_ptr<redisContext, Close> context_;
};

/// Now, as Unix time in seconds.
double unix_now();

/// A random UUID, as the Python client makes keys.
std::string make_uuid();

}  // namespace chouette::test
