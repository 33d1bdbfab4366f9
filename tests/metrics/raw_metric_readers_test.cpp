#include <gtest/gtest.h>

#include <array>
#include <iostream>
#include <map>
#include <string>
#include <string_view>
#include <variant>

#include "metrics/raw_metric.hpp"
#include "metrics/raw_metric_corpus.hpp"
#include "support/raw_metric_oracle.hpp"

namespace chouette::test {
namespace {

constexpr int enough_failures = 10;

/// Of the many texts of one oddity, after the first 2,000. Sanitizers take twenty times as long.
#ifdef CHOUETTE_SANITIZED
constexpr std::size_t one_in = 10;
#else
constexpr std::size_t one_in = 1;
#endif

/// Compares what the agent and nlohmann make of texts, and counts what came out.
class Comparison {
public:
  /// Whether it is a raw metric.
  bool take(std::string_view oddity, std::string_view text) {
    auto& counts = counts_[oddity];
    ++counts.made;
    if (failures_ >= enough_failures || (counts.made > 2000 && counts.made % one_in != 0)) {
      return false;
    }
    const auto expected = expect_raw_metric(text);
    const auto found = read_raw_metric(parser_, text);
    read_raw_metric(parser_, text);
    const auto again = read_raw_metric(parser_, text);  // As a series that is known, maybe.
    if (++texts_ % 1000 == 0) {
      parser_.forget();
    }
    const auto* reason = std::get_if<Malformed>(&found);
    ++(reason == nullptr ? counts.accepted : counts.refused);
    ++(reason == nullptr ? accepted_ : reasons_[static_cast<std::size_t>(*reason)]);
    if (!expected) {
      fail(oddity, text, "there is no reading to compare with");
    } else if (found != expected->verdict) {
      fail(oddity, text, to_text(found) + "\ninstead of\n" + to_text(expected->verdict));
    } else if (again != found) {
      fail(oddity, text, to_text(again) + "\nat third sight, instead of\n" + to_text(found));
    } else if (expected->difference) {
      ++differences_[static_cast<std::size_t>(*expected->difference)];
    }
    return reason == nullptr;
  }

  void expect_enough_of_each() const {
    std::size_t texts = 0;
    for (const auto& [oddity, counts] : counts_) {
      EXPECT_GT(counts.accepted, 5) << oddity;
      EXPECT_GT(counts.refused, 5) << oddity;
      texts += counts.accepted + counts.refused;
    }
    EXPECT_GT(texts, 300'000 / one_in);
    EXPECT_GT(accepted_, 100'000 / one_in);
    for (std::size_t i = 0; i < reasons_.size(); ++i) {
      // Of half a record there is no text.
      EXPECT_EQ(reasons_[i] > 100, i != static_cast<std::size_t>(Malformed::half)) << i;
    }
    for (std::size_t i = 0; i < differences_.size(); ++i) {
      EXPECT_GT(differences_[i], 20) << "difference " << i;
    }
    std::cout << texts << " texts compared, of them " << accepted_ << " raw metrics\n";
    for (const auto& [oddity, counts] : counts_) {
      std::cout << "  " << oddity << ": " << counts.accepted << " and " << counts.refused
                << " others\n";
    }
  }

private:
  struct Counts {
    std::size_t made = 0, accepted = 0, refused = 0;
  };

  void fail(std::string_view oddity, std::string_view text, const std::string& what) {
    ++failures_;
    ADD_FAILURE() << oddity << ": " << testing::PrintToString(std::string(text)) << "\nis read as\n"
                  << what;
  }

  RawMetricParser parser_;
  std::map<std::string_view, Counts> counts_;
  std::array<std::size_t, malformed_kinds> reasons_{};
  std::array<std::size_t, differences> differences_{};
  std::size_t accepted_ = 0;
  std::size_t texts_ = 0;
  int failures_ = 0;
};

TEST(RawMetricParser, ReadsAsNlohmannDoes) {
  Comparison comparison;
  make_raw_metric_texts([&comparison](std::string_view oddity, std::string_view text) {
    return comparison.take(oddity, text);
  });
  if (!HasFailure()) {
    comparison.expect_enough_of_each();
  }
}

}  // namespace
}  // namespace chouette::test
