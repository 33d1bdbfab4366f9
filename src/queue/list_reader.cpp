#include "queue/list_reader.hpp"

#include <hiredis/read.h>

#include <exception>
#include <string_view>
#include <utility>

namespace chouette {

namespace {

/// Calls `change` on the reply that is being read. No exception may pass through hiredis; null it
/// takes for a lack of memory.
template <class Change>
void* note(const redisReadTask* task, Change change) noexcept {
  try {
    change(*static_cast<ListReply*>(task->privdata));
  } catch (const std::exception&) {
    return nullptr;
  }
  return task->privdata;
}

bool is_item(const redisReadTask* task) {
  return task->parent != nullptr && task->parent->parent == nullptr;
}

void* note_other(const redisReadTask* task) {
  return note(task, [task](ListReply& reply) {
    if (is_item(task)) {
      reply.texts->push_absent();
    }
  });
}

void* note_text(const redisReadTask* task, char* text, std::size_t length) {
  return note(task, [&](ListReply& reply) {
    if (task->parent == nullptr && task->type == REDIS_REPLY_ERROR) {
      reply.error.emplace(text, length);
    } else if (is_item(task) && task->type == REDIS_REPLY_STRING) {
      reply.texts->push_back({text, length});
    } else if (is_item(task)) {
      reply.texts->push_absent();
    }
  });
}

void* note_list(const redisReadTask* task) {
  return note(task, [task](ListReply& reply) {
    if (task->parent == nullptr) {
      reply.texts = std::move(reply.begin);
    } else if (is_item(task)) {
      reply.texts->push_absent();
    }
  });
}

redisReplyObjectFunctions* into_list() {
  static auto functions = [] {
    redisReplyObjectFunctions table{};  // hiredis 1 has more of them, for what Redis never answers.
    table.createString = note_text;
    // Its length is an int in hiredis 0.14, a size_t later.
    table.createArray = [](const redisReadTask* task, auto) { return note_list(task); };
    table.createInteger = [](const redisReadTask* task, long long) { return note_other(task); };
    table.createNil = note_other;
    table.freeObject = [](void*) {};
    return table;
  }();
  return &functions;
}

}  // namespace

ListReader::ListReader(redisReader& reader, PackedStrings into)
    : reader_(reader), objects_(reader.fn), reply_{.begin = std::move(into)} {
  reader.fn = into_list();
  reader.privdata = &reply_;
}

ListReply ListReader::finish() {
  reader_.fn = objects_;
  reader_.privdata = nullptr;
  return std::move(reply_);
}

}  // namespace chouette
