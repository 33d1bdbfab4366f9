#include <nlohmann/json.hpp>

#include "status/status_texts.hpp"

namespace chouette {

namespace {

using Json = nlohmann::ordered_json;

template <class Value>
Json or_null(const std::optional<Value>& value) {
  return value ? Json(*value) : Json();
}

Json text_or_null(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}

Json json_of(const LossCounts& counts) {
  auto json = Json::object();
  for (std::size_t i = 0; i < counts.size(); ++i) {
    json[std::string(to_string(static_cast<LossReason>(i)))] = counts.at(i);
  }
  return json;
}

Json json_of(const QueueStatus& queue) {
  return {
      {"name", queue.name}, {"records", or_null(queue.depth)}, {"oldest", or_null(queue.oldest)}};
}

Json json_of(const DeliveryStatus& delivery) {
  return {{"kind", delivery.kind},
          {"last_release", or_null(delivery.last_release)},
          {"next_release", or_null(delivery.next_release)},
          {"last_success", or_null(delivery.last_success)},
          {"last_answer", text_or_null(delivery.last_answer)},
          {"failing", delivery.failing},
          {"delivered", delivery.delivered},
          {"bytes", delivery.bytes}};
}

Json json_of(const PluginStatus& plugin) {
  return {{"name", plugin.name},
          {"last_success", or_null(plugin.last_success)},
          {"last_failure", or_null(plugin.last_failure)},
          {"faults", plugin.faults},
          {"duration_seconds", or_null(plugin.duration)},
          {"captures", plugin.captures},
          {"failures", plugin.failures}};
}

template <class Items, class Convert>
Json list_of(const Items& items, Convert convert) {
  auto list = Json::array();
  for (const auto& item : items) {
    list.push_back(convert(item));
  }
  return list;
}

/// Reads what is there and of the right kind; the rest stays as it is.
class Reader {
public:
  explicit Reader(const Json& json) : json_(json) {}

  void read(const char* name, std::string& value) const {
    if (const auto* found = find(name); found != nullptr && found->is_string()) {
      value = found->get<std::string>();
    }
  }
  void read(const char* name, bool& value) const {
    if (const auto* found = find(name); found != nullptr && found->is_boolean()) {
      value = found->get<bool>();
    }
  }
  void read(const char* name, double& value) const {
    if (const auto* found = find(name); found != nullptr && found->is_number()) {
      value = found->get<double>();
    }
  }
  void read(const char* name, std::uint64_t& value) const {
    if (const auto* found = find(name); found != nullptr && found->is_number_unsigned()) {
      value = found->get<std::uint64_t>();
    }
  }
  template <class Value>
  void read(const char* name, std::optional<Value>& value) const {
    if (const auto* found = find(name); found != nullptr && found->is_number()) {
      value = found->get<Value>();
    }
  }
  void read(const char* name, std::vector<std::string>& texts) const {
    const auto* found = find(name);
    if (found == nullptr || !found->is_array()) {
      return;
    }
    for (const auto& json : *found) {
      if (json.is_string()) {
        texts.push_back(json.get<std::string>());
      }
    }
  }
  void read(const char* name, LossCounts& counts) const {
    const auto* found = find(name);
    if (found == nullptr) {
      return;
    }
    const Reader reader(*found);
    for (std::size_t i = 0; i < counts.size(); ++i) {
      reader.read(std::string(to_string(static_cast<LossReason>(i))).c_str(), counts.at(i));
    }
  }
  template <class Item, class Read>
  void read(const char* name, std::vector<Item>& items, Read read_item) const {
    const auto* found = find(name);
    if (found == nullptr || !found->is_array()) {
      return;
    }
    for (const auto& json : *found) {
      read_item(Reader(json), items.emplace_back());
    }
  }
  Reader within(const char* name) const {
    static const Json nothing;
    const auto* found = find(name);
    return Reader(found == nullptr ? nothing : *found);
  }

private:
  const Json* find(const char* name) const {
    const auto found = json_.find(name);
    return found == json_.end() ? nullptr : &*found;
  }

  const Json& json_;
};

KeyStatus key_from(const std::string& text) {
  for (const auto status : {KeyStatus::accepted, KeyStatus::refused}) {
    if (text == to_string(status)) {
      return status;
    }
  }
  return KeyStatus::unknown;
}

}  // namespace

std::string to_json(const Status& status) {
  const Json json{
      {"version", status.version},
      {"time", status.time},
      {"uptime_seconds", status.uptime},
      {"alive", status.alive()},
      {"ready", status.ready()},
      {"actors", list_of(status.actors,
                         [](const ActorStatus& actor) {
                           return Json{{"name", actor.name},
                                       {"alive", actor.alive()},
                                       {"silent_seconds", actor.silent},
                                       {"patience_seconds", actor.patience}};
                         })},
      {"redis",
       {{"reachable", status.redis.reachable}, {"error", text_or_null(status.redis.error)}}},
      {"queues", list_of(status.queues, [](const QueueStatus& queue) { return json_of(queue); })},
      {"deliveries", list_of(status.deliveries,
                             [](const DeliveryStatus& delivery) { return json_of(delivery); })},
      {"api_key", to_string(status.key)},
      {"clock_offset_seconds", or_null(status.clock_offset)},
      {"plugins",
       list_of(status.plugins, [](const PluginStatus& plugin) { return json_of(plugin); })},
      {"lost", {{"metrics", json_of(status.lost_metrics)}, {"logs", json_of(status.lost_logs)}}}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

tl::expected<Status, std::string> status_from_json(std::string_view text) {
  const auto json = Json::parse(text, nullptr, false);
  if (!json.is_object()) {
    return tl::unexpected<std::string>("the answer is no status");
  }
  const Reader reader(json);
  Status status;
  reader.read("time", status.time);
  reader.read("version", status.version);
  reader.read("uptime_seconds", status.uptime);
  reader.read("actors", status.actors, [](const Reader& from, ActorStatus& actor) {
    from.read("name", actor.name);
    from.read("silent_seconds", actor.silent);
    from.read("patience_seconds", actor.patience);
  });
  reader.within("redis").read("reachable", status.redis.reachable);
  reader.within("redis").read("error", status.redis.error);
  reader.read("queues", status.queues, [](const Reader& from, QueueStatus& queue) {
    from.read("name", queue.name);
    from.read("records", queue.depth);
    from.read("oldest", queue.oldest);
  });
  reader.read("deliveries", status.deliveries, [](const Reader& from, DeliveryStatus& delivery) {
    from.read("kind", delivery.kind);
    from.read("last_release", delivery.last_release);
    from.read("next_release", delivery.next_release);
    from.read("last_success", delivery.last_success);
    from.read("last_answer", delivery.last_answer);
    from.read("failing", delivery.failing);
    from.read("delivered", delivery.delivered);
    from.read("bytes", delivery.bytes);
  });
  std::string key;
  reader.read("api_key", key);
  status.key = key_from(key);
  reader.read("clock_offset_seconds", status.clock_offset);
  reader.read("plugins", status.plugins, [](const Reader& from, PluginStatus& plugin) {
    from.read("name", plugin.name);
    from.read("last_success", plugin.last_success);
    from.read("last_failure", plugin.last_failure);
    from.read("faults", plugin.faults);
    from.read("duration_seconds", plugin.duration);
    from.read("captures", plugin.captures);
    from.read("failures", plugin.failures);
  });
  reader.within("lost").read("metrics", status.lost_metrics);
  reader.within("lost").read("logs", status.lost_logs);
  return status;
}

}  // namespace chouette
