#include "extensions/chosen_plugins.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "plugins.hpp"

namespace chouette {

std::vector<NamedPlugin> chosen_plugins(const Config& config, const Extensions& extensions,
                                        const HashSizesScan& hash_sizes) {
  std::vector<NamedPlugin> plugins;
  const auto is_wanted = [&wanted = config.collector_plugins](std::string_view name) {
    return std::find(wanted.begin(), wanted.end(), name) != wanted.end();
  };
  for (const auto& row : plugin_table()) {
    if (is_wanted(row.name)) {
      plugins.push_back(
          {std::string(row.name), [&config, hash_sizes, make = row.make](std::stop_token stop) {
             return make({config, std::move(stop), hash_sizes});
           }});
    }
  }
  for (const auto& loaded : extensions.plugins) {
    if (is_wanted(loaded.name)) {
      plugins.push_back({loaded.name, [&config, &loaded](std::stop_token stop) {
                           return make_plugin(loaded, config, std::move(stop));
                         }});
    }
  }
  return plugins;
}

}  // namespace chouette
