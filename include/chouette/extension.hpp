#pragma once

#include <algorithm>
#include <chouette/metric.hpp>
#include <chouette/plugin.hpp>
#include <chouette/wrapper.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

/// For plugins and wrappers that are shared objects of their own: the agent loads them from
/// CHOUETTE_PLUGIN_DIR. docs/plugins.md walks through an example. They link nothing of the agent.
namespace chouette {

/// Changes whenever anything under include/chouette changes its layout or its meaning. The agent
/// loads only what was built for its own version.
inline constexpr std::uint32_t interface_version = 1;

/// What an extension may know of the agent that loaded it.
struct ExtensionContext {
  std::map<std::string, std::string> environment = {};  ///< The agent's, without its secrets.

  /// A variable of the environment by its name in any case; none if it is not set or empty. If
  /// several differ only in case, capitals win.
  std::optional<std::string> setting(std::string_view name) const {
    const auto upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; };
    // In the map's order capitals come first.
    for (const auto& [key, value] : environment) {
      const bool same = std::equal(key.begin(), key.end(), name.begin(), name.end(),
                                   [&](char a, char b) { return upper(a) == upper(b); });
      if (same && !value.empty()) return value;
    }
    return std::nullopt;
  }
};

/// What a plugin may be made of.
struct PluginContext : ExtensionContext {
  /// Requested when the plugin is given up or the agent stops: `capture` is to return within a
  /// second. A std::stop_callback runs on a thread of the agent's: it must not wait nor throw.
  std::stop_token stop = {};
  std::chrono::seconds interval{30};  ///< CAPTURE_INTERVAL: what a count or rate covers.
};

/// What a wrapper may be made of.
struct WrapperContext : ExtensionContext {
  WrapperSettings settings = {};
};

/// What a shared object tells the agent: that it makes a plugin, or that it makes a wrapper. The
/// first two fields keep their place and type for ever, as they are read before it is known whether
/// the rest can be.
struct Extension {
  std::uint32_t version;  ///< interface_version when it was compiled,
  std::uint32_t layout;   ///< and interface_layout.
  const char* name;       ///< For COLLECTOR_PLUGINS or METRICS_WRAPPER.

  /// Called on the plugin's own thread, and anew after a failure. May throw std::exception.
  std::unique_ptr<Plugin> (*make_plugin)(const PluginContext& context);
  /// Called once at the start. May throw std::exception; then the agent does not start.
  std::unique_ptr<Wrapper> (*make_wrapper)(const WrapperContext& context);
};

/// Tells apart compilers and options for which the interface's types have different sizes.
inline constexpr std::uint32_t interface_layout = [] {
#ifdef _GLIBCXX_USE_CXX11_ABI
  constexpr std::size_t string_abi = _GLIBCXX_USE_CXX11_ABI;
#else
  constexpr std::size_t string_abi = 2;
#endif
  std::uint32_t hash = 2166136261U;  // FNV-1a
  for (const std::size_t size :
       {string_abi, sizeof(void*), alignof(std::int64_t), sizeof(WrappedMetric),
        sizeof(MergedMetric), sizeof(Capture), sizeof(WrapperSettings), sizeof(PluginContext),
        sizeof(WrapperContext), sizeof(Extension)}) {
    hash = (hash ^ static_cast<std::uint32_t>(size)) * 16777619U;
  }
  return hash;
}();

/// Letters, digits, `-` and `_` of ASCII, 1 to 64 of them.
constexpr bool is_extension_name(std::string_view name) {
  constexpr std::size_t longest = 64;
  return !name.empty() && name.size() <= longest &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_';
         });
}

}  // namespace chouette

/// What the agent looks for in a shared object. The macros below define it.
extern "C" __attribute__((visibility("default"))) const chouette::Extension chouette_extension;

/// Makes a shared object a plugin, in one of its source files, outside of any namespace:
///
///     CHOUETTE_PLUGIN("wifi", [](const chouette::PluginContext& context) { … });
///
/// The second argument is a function, or a lambda without captures, that returns a
/// std::unique_ptr<chouette::Plugin>.
#define CHOUETTE_PLUGIN(extension_name, ...)                                                  \
  static_assert(chouette::is_extension_name(extension_name), "letters, digits, '-' and '_'"); \
  constinit const chouette::Extension chouette_extension = {chouette::interface_version,      \
                                                            chouette::interface_layout,       \
                                                            extension_name, __VA_ARGS__, nullptr}

/// The same for a wrapper: the second argument takes a const chouette::WrapperContext& and returns
/// a std::unique_ptr<chouette::Wrapper>.
#define CHOUETTE_WRAPPER(extension_name, ...)                                                 \
  static_assert(chouette::is_extension_name(extension_name), "letters, digits, '-' and '_'"); \
  constinit const chouette::Extension chouette_extension = {chouette::interface_version,      \
                                                            chouette::interface_layout,       \
                                                            extension_name, nullptr, __VA_ARGS__}
