#pragma once

#include <chouette/wrapper.hpp>
#include <memory>
#include <span>
#include <string_view>

namespace chouette {

/// The built-in wrappers. A new one is a file under wrappers/ and a row here.
std::span<const WrapperEntry> wrapper_table();

/// The wrapper of that name; null if there is none.
std::unique_ptr<Wrapper> make_wrapper(std::string_view name, const WrapperSettings& settings);

}  // namespace chouette
