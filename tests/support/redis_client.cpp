#include "support/redis_client.hpp"

#include <hiredis/hiredis.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <random>
#include <unordered_map>
#include <utility>

namespace chouette::test {

namespace {

constexpr timeval timeout{5, 0};

// As Python's json.dumps writes it: ASCII only, with a space after each comma and colon.
std::string python_json(const nlohmann::ordered_json& json) {
  if (!json.is_structured()) return json.dump(-1, ' ', true);
  std::string text;
  for (const auto& [key, value] : json.items()) {
    if (!text.empty()) text += ", ";
    if (json.is_object()) text += nlohmann::json(key).dump(-1, ' ', true) + ": ";
    text += python_json(value);
  }
  return json.is_object() ? "{" + text + "}" : "[" + text + "]";
}

std::string score_text(double score) {
  return nlohmann::json(score).dump();
}

nlohmann::json to_json(const redisReply& reply) {
  switch (reply.type) {
    case REDIS_REPLY_INTEGER:
      return reply.integer;
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
      return std::string(reply.str, reply.len);
    case REDIS_REPLY_ARRAY: {
      auto array = nlohmann::json::array();
      for (std::size_t i = 0; i < reply.elements; ++i) array.push_back(to_json(*reply.element[i]));
      return array;
    }
    case REDIS_REPLY_ERROR:
      throw RedisFailure(std::string(reply.str, reply.len));
    default:
      return nullptr;
  }
}

// True if the other side has closed the connection while it was idle.
bool closed_by_peer(const redisContext& context) {
  char byte = 0;
  const auto got = recv(context.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK);
}

}  // namespace

RedisClient::RedisClient(RedisAddress address) : address_(std::move(address)) {
  (void)std::signal(SIGPIPE, SIG_IGN);  // hiredis writes without MSG_NOSIGNAL
}

RedisClient::~RedisClient() = default;
RedisClient::RedisClient(RedisClient&&) noexcept = default;
RedisClient& RedisClient::operator=(RedisClient&&) noexcept = default;

void RedisClient::Close::operator()(redisContext* context) const {
  redisFree(context);
}

void RedisClient::connect() {
  context_.reset(address_.socket.empty()
                     ? redisConnectWithTimeout(address_.host.c_str(), address_.port, timeout)
                     : redisConnectUnixWithTimeout(address_.socket.c_str(), timeout));
  if (context_ == nullptr) throw RedisFailure("no memory for a Redis connection");
  if (context_->err != 0) {
    const std::string error = context_->errstr;
    context_.reset();
    throw RedisFailure("cannot connect to Redis: " + error);
  }
  redisSetTimeout(context_.get(), timeout);
  try {
    if (!address_.password.empty()) {
      std::vector<std::string> auth{"AUTH", address_.password};
      if (!address_.username.empty()) auth.insert(auth.begin() + 1, address_.username);
      append(auth);
      read_reply();
    }
    if (address_.db != 0) {
      append({"SELECT", std::to_string(address_.db)});
      read_reply();
    }
  } catch (...) {
    context_.reset();
    throw;
  }
}

redisContext& RedisClient::connection() {
  if (context_ == nullptr || closed_by_peer(*context_)) connect();
  return *context_;
}

void RedisClient::append(const std::vector<std::string>& arguments) {
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  for (const auto& argument : arguments) {
    texts.push_back(argument.data());
    sizes.push_back(argument.size());
  }
  redisAppendCommandArgv(context_.get(), static_cast<int>(texts.size()), texts.data(),
                         sizes.data());
}

nlohmann::json RedisClient::read_reply() {
  void* reply = nullptr;
  if (redisGetReply(context_.get(), &reply) != REDIS_OK) {
    const std::string error = context_->errstr;
    context_.reset();
    throw RedisFailure("Redis connection: " + error);
  }
  const std::unique_ptr<void, decltype(&freeReplyObject)> owner(reply, &freeReplyObject);
  return to_json(*static_cast<redisReply*>(reply));
}

nlohmann::json RedisClient::command(const std::vector<std::string>& arguments) {
  connection();
  append(arguments);
  return read_reply();
}

std::vector<std::string> RedisClient::add(QueueName queue, const std::vector<AnyRecord>& records) {
  constexpr std::size_t records_at_once = 500;
  constexpr std::size_t commands_a_record = 4;
  std::vector<std::string> keys;
  keys.reserve(records.size());
  connection();
  for (std::size_t begin = 0; begin < records.size(); begin += records_at_once) {
    const auto end = std::min(records.size(), begin + records_at_once);
    for (auto i = begin; i < end; ++i) {
      const auto& key = keys.emplace_back(records[i].key.empty() ? make_uuid() : records[i].key);
      append({"MULTI"});
      append({"ZADD", std::string(queue.keys), score_text(records[i].timestamp), key});
      append({"HSET", std::string(queue.values), key, records[i].value});
      append({"EXEC"});
    }
    try {
      for (std::size_t i = 0; i < (end - begin) * commands_a_record; ++i) read_reply();
    } catch (...) {
      context_.reset();  // replies that nobody reads
      throw;
    }
  }
  return keys;
}

std::vector<std::string> RedisClient::add(const std::vector<RawMetric>& metrics) {
  std::vector<AnyRecord> records;
  records.reserve(metrics.size());
  for (const auto& metric : metrics) {
    const nlohmann::ordered_json json{{"metric", metric.metric},
                                      {"type", metric.type},
                                      {"value", metric.value},
                                      {"timestamp", metric.timestamp},
                                      {"tags", metric.tags}};
    records.push_back({metric.timestamp, python_json(json)});
  }
  return add(raw_metrics, records);
}

std::string RedisClient::add(const RawMetric& metric) {
  return add(std::vector{metric}).front();
}

std::string RedisClient::add_log(const nlohmann::ordered_json& log, double timestamp) {
  return add(wrapped_logs, {{timestamp, python_json(log)}}).front();
}

void RedisClient::set_aside() {
  command({"RENAME", std::string(raw_metrics.keys), std::string(raw_taken.keys)});
  command({"RENAME", std::string(raw_metrics.values), std::string(raw_taken.values)});
}

std::vector<Record> RedisClient::dump(QueueName queue) {
  const auto keys = command({"ZRANGE", std::string(queue.keys), "0", "-1", "WITHSCORES"});
  const auto values = command({"HGETALL", std::string(queue.values)});
  std::unordered_map<std::string, std::string> by_key;
  for (std::size_t i = 0; i + 1 < values.size(); i += 2) by_key.emplace(values[i], values[i + 1]);

  std::vector<Record> records;
  for (std::size_t i = 0; i + 1 < keys.size(); i += 2) {
    Record record{keys[i], std::stod(keys[i + 1].get<std::string>()), std::nullopt};
    if (auto value = by_key.extract(record.key)) record.value = std::move(value.mapped());
    records.push_back(std::move(record));
  }
  for (auto& [key, value] : by_key) records.push_back({key, std::nullopt, std::move(value)});
  if (queue == raw_metrics) {
    const auto until = command({"GET", std::string(taken_until_key)});
    for (auto& record : dump(raw_taken)) {
      if (record.score && (until.is_null() || record.score >= std::stod(until.get<std::string>())))
        records.push_back(std::move(record));
    }
  }
  return records;
}

std::size_t RedisClient::size(QueueName queue) {
  if (queue != raw_metrics) {
    return command({"ZCARD", std::string(queue.keys)}).get<std::size_t>();
  }
  // At one moment, for records move from one queue to the other.
  const auto* script =
      "return redis.call('ZCARD', KEYS[1]) + "
      "redis.call('ZCOUNT', KEYS[2], redis.call('GET', KEYS[3]) or '-inf', '+inf')";
  return command({"EVAL", script, "3", std::string(raw_metrics.keys), std::string(raw_taken.keys),
                  std::string(taken_until_key)})
      .get<std::size_t>();
}

double unix_now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string make_uuid() {
  static thread_local std::mt19937_64 random{std::random_device{}()};
  static constexpr std::array<char, 17> digits{"0123456789abcdef"};
  std::string uuid = "xxxxxxxx-xxxx-4xxx-Nxxx-xxxxxxxxxxxx";
  for (char& c : uuid) {
    if (c == 'x') c = digits[random() % 16];
    if (c == 'N') c = digits[8 + random() % 4];
  }
  return uuid;
}

}  // namespace chouette::test
