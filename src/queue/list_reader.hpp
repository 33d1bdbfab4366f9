#pragma once

#include <optional>
#include <string>

#include "queue/packed_strings.hpp"

struct redisReader;
struct redisReplyObjectFunctions;

namespace chouette {

/// What Redis answers where a list of texts is expected.
struct ListReply {
  PackedStrings begin;                 ///< What `texts` begins with.
  std::optional<PackedStrings> texts;  ///< None: no list. Absent: an item that is no text.
  std::optional<std::string> error;    ///< The text of an error.
};

/// Has `reader` put its next answer straight into a ListReply; by itself hiredis makes an object of
/// each text. The answer that hiredis then returns is not null, no redisReply and not to be freed.
class ListReader {
public:
  /// The texts are added to `into`.
  explicit ListReader(redisReader& reader, PackedStrings into = {});
  ListReader(const ListReader&) = delete;
  ListReader& operator=(const ListReader&) = delete;

  /// Once the answer is complete: has the reader make objects again. An answer that never is cannot
  /// be gone on with; `reader` can then only be freed.
  ListReply finish();

private:
  redisReader& reader_;
  redisReplyObjectFunctions* objects_;
  ListReply reply_;
};

}  // namespace chouette
