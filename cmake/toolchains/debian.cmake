# What arm64.cmake and armhf.cmake share. CMake takes the libraries' folder from the compiler;
# pkg-config has to be told.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_CXX_COMPILER ${TRIPLET}-g++)
set(ENV{PKG_CONFIG_LIBDIR} /usr/lib/${TRIPLET}/pkgconfig:/usr/share/pkgconfig)
set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE ${ARCHITECTURE})

# With it the tests run here.
find_program(QEMU_PROGRAM ${QEMU})
if(QEMU_PROGRAM)
  set(CMAKE_CROSSCOMPILING_EMULATOR ${QEMU_PROGRAM})
endif()
