#include "extensions/extensions.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <tl/expected.hpp>
#include <utility>

#include "config/values.hpp"
#include "extensions/shared_object.hpp"
#include "metrics/wrappers.hpp"

namespace chouette {
namespace {

using Fault = std::optional<std::string>;

std::string fault_text(const std::string& what, const std::string& why) {
  return "CHOUETTE_PLUGIN_DIR: " + what + ' ' + why;
}

/// A path for a message: on one line, whatever it is made of.
std::string shown_path(const std::string& path) {
  std::string text = path;
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  return text;
}

/// The *.so in a folder, as the shell lists them.
tl::expected<std::vector<std::string>, std::string> shared_objects(const std::string& folder) {
  std::vector<std::string> paths;
  std::error_code error;
  std::filesystem::directory_iterator entry(folder, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const auto name = entry->path().filename().string();
    if (name.ends_with(".so") && !name.starts_with('.')) paths.push_back(entry->path().string());
  }
  if (error) return tl::unexpected("cannot be read: " + error.message());
  std::sort(paths.begin(), paths.end());
  return paths;
}

/// Why dlopen or dlsym failed, without the path that it begins with.
std::string last_fault(const std::string& path) {
  const char* text = ::dlerror();
  std::string fault = text == nullptr ? "unknown fault" : text;
  if (fault.starts_with(path + ": ")) fault.erase(0, path.size() + 2);
  return "cannot be loaded: " + fault;
}

tl::expected<const Extension*, std::string> open(const std::string& path) {
  if (auto fault = fault_of_shared_object(path)) return tl::unexpected(std::move(*fault));
  void* const object = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (object == nullptr) return tl::unexpected(last_fault(path));
  const auto* extension = static_cast<const Extension*>(::dlsym(object, "chouette_extension"));
  if (extension == nullptr) {
    return tl::unexpected<std::string>(
        "is neither a plugin nor a wrapper: it has no CHOUETTE_PLUGIN or CHOUETTE_WRAPPER");
  }
  return extension;
}

Fault fault_of(const Extension& extension) {
  if (extension.version != interface_version) {
    return "is built for version " + std::to_string(extension.version) +
           " of the plugin interface, this agent has version " + std::to_string(interface_version);
  }
  if (extension.layout != interface_layout) {
    return "is built with a compiler or options that lay out the plugin interface differently "
           "from this agent";
  }
  if (extension.name == nullptr || !is_extension_name(extension.name)) {
    return "has the name \"" + values::shown(extension.name == nullptr ? "" : extension.name) +
           "\", expected 1 to 64 letters, digits, - and _";
  }
  if ((extension.make_plugin == nullptr) == (extension.make_wrapper == nullptr)) {
    return "makes neither a plugin nor a wrapper, or both";
  }
  return std::nullopt;
}

/// Settings tell no case apart.
bool same_name(std::string_view one, std::string_view other) {
  return values::to_lower(one) == values::to_lower(other);
}

Fault fault_of_name(std::string_view name, const std::vector<std::string_view>& built_in,
                    const std::vector<Loaded>& loaded) {
  const auto text = [&] { return "has the name " + std::string(name) + ", which "; };
  for (const auto taken : built_in) {
    if (same_name(taken, name)) return text() + "is a built-in one's";
  }
  for (const auto& other : loaded) {
    if (same_name(other.name, name)) return text() + "is that of " + shown_path(other.path);
  }
  return std::nullopt;
}

Fault load(const std::string& path, const KnownNames& built_in, Extensions& extensions) {
  const auto extension = open(path);
  if (!extension) return extension.error();
  if (auto fault = fault_of(**extension)) return fault;
  const bool is_plugin = (*extension)->make_plugin != nullptr;
  auto& loaded = is_plugin ? extensions.plugins : extensions.wrappers;
  const auto& taken = is_plugin ? built_in.plugins : built_in.wrappers;
  if (auto fault = fault_of_name((*extension)->name, taken, loaded)) return fault;
  loaded.push_back({(*extension)->name, path, *extension});
  return std::nullopt;
}

}  // namespace

void Extensions::add_names(KnownNames& known) const {
  for (const auto& plugin : plugins) known.plugins.push_back(plugin.name);
  for (const auto& wrapper : wrappers) known.wrappers.push_back(wrapper.name);
}

Extensions load_extensions(const std::string& folder, const KnownNames& built_in) {
  Extensions extensions;
  if (folder.empty()) return extensions;
  if (const auto fault = fault_of_folder(folder)) {
    extensions.faults.push_back(fault_text(shown_path(folder), *fault));
    return extensions;
  }
  const auto paths = shared_objects(folder);
  if (!paths) {
    extensions.faults.push_back(fault_text(shown_path(folder), paths.error()));
    return extensions;
  }
  for (const auto& path : *paths) {
    if (const auto fault = load(path, built_in, extensions)) {
      extensions.faults.push_back(fault_text(shown_path(path), *fault));
    }
  }
  return extensions;
}

std::unique_ptr<Wrapper> make_wrapper(const Config& config, const Extensions& extensions) {
  if (auto wrapper = make_wrapper(config.metrics_wrapper, config.wrapper)) return wrapper;
  for (const auto& loaded : extensions.wrappers) {
    if (loaded.name != config.metrics_wrapper) continue;
    std::unique_ptr<Wrapper> wrapper;
    try {
      wrapper = loaded.extension->make_wrapper({{config.child_environment}, config.wrapper});
    } catch (const std::exception& error) {
      throw std::runtime_error(loaded.path + " failed to make it: " + error.what());
    } catch (...) {
      throw std::runtime_error(loaded.path + " failed to make it");
    }
    if (!wrapper) throw std::runtime_error(loaded.path + " made none");
    return wrapper;
  }
  throw std::runtime_error("there is none of this name");
}

std::unique_ptr<Plugin> make_plugin(const Loaded& loaded, const Config& config,
                                    std::stop_token stop) {
  auto plugin = loaded.extension->make_plugin(
      {{config.child_environment}, std::move(stop), config.capture_interval});
  if (!plugin) throw std::runtime_error(loaded.path + " made no plugin");
  return plugin;
}

}  // namespace chouette
