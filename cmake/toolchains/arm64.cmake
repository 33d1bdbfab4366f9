# Builds for Debian's arm64 on another machine: docs/cross-building.md.
set(ARCHITECTURE arm64)
set(TRIPLET aarch64-linux-gnu)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(QEMU qemu-aarch64-static)
include(${CMAKE_CURRENT_LIST_DIR}/debian.cmake)
