#pragma once

#include <functional>
#include <string_view>

namespace chouette::test {

/// Is given a text and the oddity that it is made to have; says whether it is a raw metric.
using TakeText = std::function<bool(std::string_view oddity, std::string_view text)>;

/// Makes texts that are raw metrics or almost: each oddity that JSON, its readers or the fields of
/// a raw metric have, then such texts cut off at each byte and with each byte changed. The same
/// texts each time and everywhere.
void make_raw_metric_texts(const TakeText& take);

}  // namespace chouette::test
