#pragma once

#include <vector>

#include "config/settings_table.hpp"

namespace chouette {

/// The rows of the settings table that belong to one built-in plugin each.
std::vector<Setting> plugin_settings();

}  // namespace chouette
