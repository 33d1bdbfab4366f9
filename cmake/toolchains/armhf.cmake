# Builds for Debian's armhf (ARMv7) on another machine: docs/cross-building.md.
set(ARCHITECTURE armhf)
set(TRIPLET arm-linux-gnueabihf)
set(CMAKE_SYSTEM_PROCESSOR arm)
set(QEMU qemu-arm-static)
include(${CMAKE_CURRENT_LIST_DIR}/debian.cmake)
