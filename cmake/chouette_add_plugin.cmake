# chouette_add_plugin(NAME SOURCES…)
#
# A shared object NAME.so for the agent's CHOUETTE_PLUGIN_DIR. One of the sources holds
# CHOUETTE_PLUGIN; all else that they define stays hidden. A symbol that is missing is an error now,
# not when the agent loads it. It is a target as any other: link to it what it needs.
function(chouette_add_plugin name)
  add_library(${name} MODULE ${ARGN})
  target_link_libraries(${name} PRIVATE chouette-iot::interface)
  target_link_options(${name} PRIVATE LINKER:-z,defs)
  set_target_properties(${name} PROPERTIES
    PREFIX "" SUFFIX .so CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
endfunction()

# chouette_add_wrapper(NAME SOURCES…): the same, with CHOUETTE_WRAPPER in one of the sources.
function(chouette_add_wrapper name)
  chouette_add_plugin(${name} ${ARGN})
endfunction()
