#pragma once

#include <caf/all.hpp>
#include <exception>
#include <string>

namespace chouette {

/// An exception in a handler ends its actor with an error that carries the exception's text; CAF's
/// own handler would print it.
template <class Self>
void end_with_exceptions(Self* self) {
  self->set_exception_handler([](std::exception_ptr& thrown) -> caf::error {
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& exception) {
      return caf::make_error(caf::sec::runtime_error, std::string(exception.what()));
    } catch (...) {
      return caf::make_error(caf::sec::runtime_error, std::string("unknown exception"));
    }
  });
}

/// The text that an error carries, for the log.
inline std::string text_of(const caf::error& error) {
  if (error.context().match_elements<std::string>()) {
    return error.context().get_as<std::string>(0);
  }
  return to_string(error);
}

}  // namespace chouette
