#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace chouette {

/// What is added to each series and log on its way out.
struct Extras {
  std::vector<std::string> global_tags;
  std::string host;  ///< Empty: none.
};

/// The Unix time that is right for what was stamped with a clock that was wrong.
using Restamp = std::function<double(double stamp)>;

/// Collects records of a queue and writes them as one request's JSON.
class Payload {
public:
  enum class Added {
    yes,
    full,       ///< Not added: send this payload first.
    malformed,  ///< Not added, and never will be: it is nothing that the intake takes.
  };

  virtual ~Payload() = default;

  /// Adds a record. An empty payload is never full.
  virtual Added add(std::string_view record) = 0;

  /// How many points or logs it holds,
  virtual std::size_t size() const = 0;

  /// and how many of them are not the agent's own metrics about itself.
  virtual std::size_t size_of_others() const = 0;

  /// The JSON of all that was added; the payload is empty afterwards.
  virtual std::string take() = 0;
};

}  // namespace chouette
