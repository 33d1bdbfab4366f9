#include <chouette/metric.hpp>

namespace chouette {

std::string_view to_string(SeriesType type) {
  switch (type) {
    case SeriesType::gauge:
      return "gauge";
    case SeriesType::count:
      return "count";
    case SeriesType::rate:
      return "rate";
  }
  return "gauge";
}

}  // namespace chouette
