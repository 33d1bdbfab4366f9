#pragma once

#include <chouette/extension.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"

namespace chouette {

/// A plugin or wrapper that was loaded. It stays in memory until the process ends, as a thread that
/// hangs may be in it for so long.
struct Loaded {
  std::string name;
  std::string path;
  const Extension* extension;
};

/// What lies in CHOUETTE_PLUGIN_DIR. It must outlive the KnownNames that it was added to.
struct Extensions {
  std::vector<Loaded> plugins;
  std::vector<Loaded> wrappers;
  std::vector<std::string> faults;  ///< One line for each file that was refused, and why.

  void add_names(KnownNames& known) const;
};

/// Loads every *.so in `folder`, in the order of their names; none if `folder` is empty. A file
/// that is refused harms nothing else. Names that `built_in` has are taken.
Extensions load_extensions(const std::string& folder, const KnownNames& built_in);

/// METRICS_WRAPPER, built-in or loaded. Throws std::runtime_error if it cannot be made.
std::unique_ptr<Wrapper> make_wrapper(const Config& config, const Extensions& extensions);

/// The plugin that `loaded` makes. Throws what its maker throws, and std::runtime_error if that
/// makes none.
std::unique_ptr<Plugin> make_plugin(const Loaded& loaded, const Config& config,
                                    std::stop_token stop);

}  // namespace chouette
