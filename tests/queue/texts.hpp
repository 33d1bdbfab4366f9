#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "queue/packed_strings.hpp"

namespace chouette {

using Texts = std::vector<std::optional<std::string>>;

inline Texts unpack(const PackedStrings& packed) {
  Texts texts;
  for (std::size_t i = 0; i < packed.size(); ++i) {
    texts.push_back(packed.present(i) ? std::optional<std::string>(packed[i]) : std::nullopt);
    if (!packed.present(i)) {
      EXPECT_EQ(packed[i], "");
    }
  }
  return texts;
}

}  // namespace chouette
