# The Debian packages chouette-iot and chouette-iot-dev: packaging/build-deb makes them.
find_program(GZIP gzip)
find_program(DPKG_DEB dpkg-deb)
set(PACKAGING ${PROJECT_SOURCE_DIR}/packaging)
# The image's build has not all of the source.
if(NOT GZIP OR NOT DPKG_DEB OR NOT EXISTS ${PACKAGING} OR NOT EXISTS ${PROJECT_SOURCE_DIR}/docs)
  return()
endif()

# systemd and /etc are no matter of `cmake --install`: what is in the component debian goes into the
# package alone.
set(DEBIAN_FILES ${CMAKE_CURRENT_BINARY_DIR}/debian)
set(CPACK_PACKAGE_CONTACT "Chouette-IoT developers <chouette-iot@example.invalid>")

function(add_debian_file file destination)
  install(FILES ${file} DESTINATION ${destination} COMPONENT debian EXCLUDE_FROM_ALL ${ARGN})
endfunction()

# As gzip -9n, so that the same source gives the same package.
function(add_compressed file name destination component)
  configure_file(${file} ${DEBIAN_FILES}/${component}/${name} @ONLY)
  execute_process(COMMAND ${GZIP} -9nf ${DEBIAN_FILES}/${component}/${name}
                  COMMAND_ERROR_IS_FATAL ANY)
  install(FILES ${DEBIAN_FILES}/${component}/${name}.gz DESTINATION ${destination}
          COMPONENT ${component} EXCLUDE_FROM_ALL)
endfunction()

# What each package has to hold. It is native: its version is the project's, without a revision.
string(TIMESTAMP CHANGELOG_DATE "%a, %d %b %Y %H:%M:%S +0000" UTC)
function(add_debian_documents package component)
  set(CPACK_DEBIAN_PACKAGE_NAME ${package})
  set(folder share/doc/${package})
  add_compressed(${PACKAGING}/changelog.in changelog ${folder} ${component})
  add_compressed(${PROJECT_SOURCE_DIR}/CHANGELOG.md CHANGELOG.md ${folder} ${component})
  install(FILES ${PACKAGING}/copyright DESTINATION ${folder} COMPONENT ${component}
          EXCLUDE_FROM_ALL)
endfunction()

add_debian_documents(chouette-iot debian)
add_debian_documents(chouette-iot-dev debian-development)
foreach(document configuration install-debian)
  add_compressed(${PROJECT_SOURCE_DIR}/docs/${document}.md ${document}.md share/doc/chouette-iot
                 debian)
endforeach()
add_compressed(${PROJECT_SOURCE_DIR}/docs/plugins.md plugins.md share/doc/chouette-iot-dev
               debian-development)
add_compressed(${PACKAGING}/chouette-iot.8.in chouette-iot.8 share/man/man8 debian)
# Debian 13 wants nothing below the link /lib any more, Debian 12 no units elsewhere.
cmake_host_system_information(RESULT DEBIAN_RELEASE QUERY DISTRIB_VERSION_ID)
set(UNIT_FOLDER /lib/systemd/system)
if(DEBIAN_RELEASE VERSION_GREATER_EQUAL 13)
  set(UNIT_FOLDER /usr/lib/systemd/system)
endif()
add_debian_file(${PACKAGING}/chouette-iot.service ${UNIT_FOLDER})
add_debian_file(${PACKAGING}/chouette-iot.default /etc/default RENAME chouette-iot)
install(DIRECTORY DESTINATION /etc/chouette-iot COMPONENT debian EXCLUDE_FROM_ALL)

set(CPACK_GENERATOR DEB)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

# Groups of components are packages. `Unspecified` is CMake's name for no component.
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
set(CPACK_COMPONENTS_ALL Unspecified debian development debian-development)
set(CPACK_COMPONENT_UNSPECIFIED_GROUP agent)
set(CPACK_COMPONENT_DEBIAN_GROUP agent)
set(CPACK_COMPONENT_DEVELOPMENT_GROUP dev)
set(CPACK_COMPONENT_DEBIAN-DEVELOPMENT_GROUP dev)

# Each description begins with its summary; else CPack would put the project's before it.
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)

set(CPACK_DEBIAN_AGENT_PACKAGE_NAME chouette-iot)
set(CPACK_DEBIAN_AGENT_PACKAGE_SECTION net)
set(CPACK_DEBIAN_AGENT_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_AGENT_PACKAGE_DEPENDS "ca-certificates, init-system-helpers (>= 1.52)")
if(CHOUETTE_PACKS_RELOCATIONS)  # dpkg-shlibdeps looks at symbols alone
  string(APPEND CPACK_DEBIAN_AGENT_PACKAGE_DEPENDS ", libc6 (>= 2.36)")
endif()
set(CPACK_DEBIAN_AGENT_PACKAGE_RECOMMENDS "redis-server | valkey-server")
set(CPACK_DEBIAN_AGENT_PACKAGE_CONTROL_EXTRA
    ${PACKAGING}/postinst ${PACKAGING}/prerm ${PACKAGING}/postrm ${PACKAGING}/conffiles)
set(CPACK_DEBIAN_AGENT_DESCRIPTION
"Datadog-compatible agent for small devices
Applications put raw metrics and logs into Redis. This agent merges the
metrics into points, adds those of the machine, and keeps everything in
Redis until it is delivered to Datadog. It is made for devices behind
links that cost money and fail.")

set(CPACK_DEBIAN_DEV_PACKAGE_NAME chouette-iot-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_DEV_DESCRIPTION
"headers for plugins and wrappers of Chouette-IoT
Chouette-IoT loads plugins that collect metrics, and wrappers that make
points of them, from shared objects. These are the headers and the CMake
package to build them with.")

include(CPack)
