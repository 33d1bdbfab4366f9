#include <chouette/extension.hpp>

std::unique_ptr<chouette::Plugin> forgotten(const chouette::PluginContext& context);

CHOUETTE_PLUGIN("undefined", forgotten);
