#pragma once

#include <chouette/wrapper.hpp>
#include <memory>

namespace chouette {

/// A count is its sum; every other type is an average and a number of values.
std::unique_ptr<Wrapper> make_simple_wrapper(const WrapperSettings& settings);

}  // namespace chouette
