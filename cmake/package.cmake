# What plugins and wrappers of others are built with: find_package(chouette-iot) finds it.
include(CMakePackageConfigHelpers)
include(cmake/chouette_add_plugin.cmake)

add_library(chouette-interface INTERFACE)
add_library(chouette-iot::interface ALIAS chouette-interface)
set_target_properties(chouette-interface PROPERTIES EXPORT_NAME interface)
target_compile_features(chouette-interface INTERFACE cxx_std_20)
target_include_directories(chouette-interface INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)

set(PACKAGE_FOLDER ${CMAKE_INSTALL_DATADIR}/cmake/chouette-iot)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/chouette-iot-config-version.cmake
  COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(DIRECTORY include/chouette DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)
install(FILES cmake/chouette-iot-config.cmake cmake/chouette_add_plugin.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/chouette-iot-config-version.cmake
        DESTINATION ${PACKAGE_FOLDER} COMPONENT development)
install(TARGETS chouette-interface EXPORT chouette-iot-targets COMPONENT development)
install(EXPORT chouette-iot-targets NAMESPACE chouette-iot:: DESTINATION ${PACKAGE_FOLDER}
        COMPONENT development)
