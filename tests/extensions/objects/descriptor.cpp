// What a shared object may say of itself without the macros' help.

#include <chouette/extension.hpp>

#ifndef VERSION
#define VERSION chouette::interface_version
#endif
#ifndef LAYOUT
#define LAYOUT chouette::interface_layout
#endif
#ifndef NAME
#define NAME "described"
#endif
#ifndef PLUGIN
#define PLUGIN make_plugin
#endif
#ifndef WRAPPER
#define WRAPPER nullptr
#endif

namespace {

[[maybe_unused]] std::unique_ptr<chouette::Plugin> make_plugin(const chouette::PluginContext&) {
  return nullptr;
}

[[maybe_unused]] std::unique_ptr<chouette::Wrapper> make_wrapper(const chouette::WrapperContext&) {
  return nullptr;
}

}  // namespace

const chouette::Extension chouette_extension = {VERSION, LAYOUT, NAME, PLUGIN, WRAPPER};
