include(${CMAKE_CURRENT_LIST_DIR}/chouette-iot-targets.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/chouette_add_plugin.cmake)
