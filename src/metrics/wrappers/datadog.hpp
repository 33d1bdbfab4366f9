#pragma once

#include <chouette/wrapper.hpp>
#include <memory>

namespace chouette {

/// Points as the Datadog Agent makes them: count, rate, gauge, set and histogram; no other type.
std::unique_ptr<Wrapper> make_datadog_wrapper(const WrapperSettings& settings);

}  // namespace chouette
