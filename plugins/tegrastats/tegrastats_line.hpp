#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace chouette {

/// Memory in bytes.
struct TegraMemory {
  std::int64_t used = 0;
  std::int64_t free = 0;

  bool operator==(const TegraMemory&) const = default;
};

/// The value of a thermal zone or a power rail, its name as the board spells it.
struct TegraValue {
  std::string name;
  double value = 0;

  bool operator==(const TegraValue&) const = default;
};

/// What one line of tegrastats tells.
struct TegrastatsLine {
  std::optional<TegraMemory> ram;
  std::optional<TegraMemory> swap;
  std::optional<double> gpu;             ///< Load in percent, 0 to 100, of the busiest GPU engine.
  std::vector<TegraValue> temperatures;  ///< In C, each zone once.
  std::vector<TegraValue> powers;  ///< In mW, 0 or more, each rail once: now, not the average.

  /// False if the line holds nothing of all this: no line of tegrastats, or of one not yet known.
  bool understood() const;

  bool operator==(const TegrastatsLine&) const = default;
};

/// Reads a line word by word; what is not known, cut off or out of range is passed over. Takes any
/// text. The format is described on the page "tegrastats Utility" of NVIDIA's Jetson Linux
/// Developer Guide; what boards really print is kept in tests/fixtures/tegrastats.
///
/// Left out are zones that measure nothing: PMIC, which tells a constant, and what is outside of
/// -64 to 191 C, the widest range of the boards' sensors (a zone that is switched off tells -256C);
/// of rails NC, a channel that is not connected.
TegrastatsLine parse_tegrastats(std::string_view line);

}  // namespace chouette
