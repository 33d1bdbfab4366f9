#include "actors/redis.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "actors/failures.hpp"
#include "metrics/bucket.hpp"
#include "queue/oldest_waiting.hpp"

namespace chouette {

namespace {

using Self = redis_actor::stateful_pointer<RedisState>;

std::string waiting(Queue& queue) {
  const auto raw = queue.size(raw_metrics);
  const auto wrapped = queue.size(wrapped_metrics);
  return raw && wrapped ? fmt::format("{} raw metrics and {} points wait", *raw, *wrapped)
                        : "the queues cannot be counted";
}

/// What is refused with OOM, LOADING, READONLY and the like is refused by the whole server; what
/// fails with another error has a reason of its own.
std::string reason_of(const std::string& what, const QueueError& error) {
  constexpr std::string_view prefix = "Redis answers: ";
  if (error.code != QueueErrc::refused || error.message.rfind(prefix, 0) != 0) {
    return what;
  }
  const auto end = error.message.find(' ', prefix.size());
  const auto code = error.message.substr(prefix.size(), end - prefix.size());
  return code == "ERR" ? what : code;
}

void write_on_board(Self self, bool reached, const std::string& error) {
  self->state.trouble_on_board = !reached || !error.empty();
  self->state.board->change([&](Status& status) { status.redis = {reached, error}; });
}

void note_error(Self self, const std::string& what, const QueueError& error) {
  auto& state = self->state;
  if (error.code == QueueErrc::unreachable) {
    write_on_board(self, false, error.message);
    if (state.unreachable.begin(self->clock().now())) {
      spdlog::error("[Redis] {}; the agent goes on trying", error.message);
    }
    return;
  }
  const auto reason = reason_of(what, error);
  // These refuse even to be asked.
  const bool away = reason == "NOAUTH" || reason == "WRONGPASS" || reason == "LOADING";
  write_on_board(self, !away, error.message);
  auto& refusal = state.refused[reason];
  refusal.message = error.message;
  refusal.calls.insert(what);
  if (refusal.fault.begin(self->clock().now())) {
    spdlog::error("[Redis] {} fails: {}; the agent goes on trying", what, error.message);
  }
}

/// That one of several calls refused for a reason succeeds is the end of the reason.
void note_success(Self self, const std::string& what) {
  auto& state = self->state;
  if (const auto lasted = state.unreachable.end(self->clock().now())) {
    spdlog::info("[Redis] answers again after {}: {}", to_text(*lasted), waiting(*state.queue));
  }
  for (auto refusal = state.refused.begin(); refusal != state.refused.end();) {
    if (!refusal->second.calls.contains(what)) {
      ++refusal;
      continue;
    }
    if (const auto lasted = refusal->second.fault.end(self->clock().now())) {
      spdlog::info("[Redis] {} works again after {}: {}", what, to_text(*lasted),
                   waiting(*state.queue));
    }
    refusal = state.refused.erase(refusal);
  }
  if (state.trouble_on_board) {
    write_on_board(self, true, state.refused.empty() ? "" : state.refused.begin()->second.message);
  }
}

/// The answer to a request, after what it says about Redis was noted.
template <class T>
caf::result<T> answer(Self self, std::string_view call, std::string_view of,
                      QueueResult<T> result) {
  const auto what = fmt::format("{} {}", call, of);
  if (!result) {
    note_error(self, what, result.error());
    return caf::make_error(result.error().code, result.error().message);
  }
  note_success(self, what);
  if constexpr (std::is_void_v<T>) {
    return caf::unit;
  } else {
    return std::move(*result);
  }
}

template <class T>
caf::result<T> answer(Self self, std::string_view call, QueueName queue, QueueResult<T> result) {
  return answer(self, call, queue.keys, std::move(result));
}

QueueResult<Bucket> list_bucket_at(Queue& queue, const ListBucket& request, double time) {
  const auto& [name, among] = request.among;
  const auto range = bucket_of(time, request.interval);
  return queue
      .list(name, {std::max(range.from, among.from), std::min(range.to, among.to)}, request.limit)
      .map([&range](PackedStrings keys) {
        return Bucket{range, std::move(keys)};
      });
}

QueueResult<Bucket> list_bucket(Queue& queue, const ListBucket& request) {
  const auto& [name, among] = request.among;
  if (among.from != all_time.from) {
    // Mostly the next bucket has records: without a question which is the next that has.
    auto next = list_bucket_at(queue, request, among.from);
    if (!next || !next->keys.empty()) {
      return next;
    }
  }
  const auto oldest = queue.oldest(name, among);
  if (!oldest) {
    return tl::unexpected(oldest.error());
  }
  return *oldest ? list_bucket_at(queue, request, **oldest) : QueueResult<Bucket>(Bucket{});
}

}  // namespace

redis_actor::behavior_type redis(Self self, std::shared_ptr<Queue> queue,
                                 std::shared_ptr<StatusBoard> board) {
  end_with_exceptions(self);
  self->state.queue = std::move(queue);
  self->state.board = std::move(board);
  return {
      [self](const Oldest& request) {
        auto oldest =
            oldest_waiting(*self->state.queue, request.queue).map([](std::optional<double> time) {
              return OldestRecord{time};
            });
        return answer(self, "reading", request.queue, std::move(oldest));
      },
      [self](const Take& request) {
        return answer(self, "taking from", raw_metrics, self->state.queue->take(request.until));
      },
      [self](const ListBucket& request) {
        return answer(self, "reading", request.among.queue,
                      list_bucket(*self->state.queue, request));
      },
      [self](const Fetch& request) {
        return answer(self, "fetching from", request.queue,
                      self->state.queue->fetch(request.queue, request.keys, request.next));
      },
      [self](const Read& request) {
        return answer(self, "reading", request.queue,
                      read_batch(*self->state.queue, request.queue, request.range));
      },
      [self](const Replace& request) {
        const auto call = request.added.records.empty() ? "removing from" : "storing into";
        return answer(
            self, call, request.to,
            self->state.queue->replace(request.from, request.keys, request.to, request.added));
      },
      [self](const AskSecondsTaken& request) {
        auto taken = self->state.queue->seconds_taken(request.bucket)
                         .map([&request](std::vector<std::int64_t> marks) {
                           return SecondsTaken{request.bucket, std::move(marks)};
                         });
        return answer(self, "reading the seconds taken of", raw_metrics, std::move(taken));
      },
      [self](const Trim& request) {
        auto removed = self->state.queue->trim(request.queue, request.keep);
        return answer(self, "trimming", request.queue,
                      removed.map([](std::size_t count) { return RecordCount{count}; }));
      },
      [self](const AskSize& request) {
        auto size = self->state.queue->size(request.queue);
        return answer(self, "counting", request.queue,
                      size.map([](std::size_t count) { return RecordCount{count}; }));
      },
      [self](const Expire& request) {
        return answer(self, "expiring", request.queue,
                      self->state.queue->expire(request.queue, request.before));
      },
      [self](const ScanHashes& request) {
        return answer(self, "counting", request.pattern,
                      self->state.queue->hash_sizes(request.pattern, request.cursor));
      },
  };
}

}  // namespace chouette
