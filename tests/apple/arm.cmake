# Toolchain: programs for Linux on ARM, by Debian's compiler, against the libraries in QB_SYSROOT, run
# by QB_EMULATOR (a program and its options).
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc-12)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++-12)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES QB_SYSROOT)
set(CMAKE_SYSROOT ${QB_SYSROOT})
set(CMAKE_FIND_ROOT_PATH ${QB_SYSROOT})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE BOTH)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${QB_SYSROOT})
set(ENV{PKG_CONFIG_LIBDIR} ${QB_SYSROOT}/usr/lib/aarch64-linux-gnu/pkgconfig:${QB_SYSROOT}/usr/share/pkgconfig)
set(CMAKE_CROSSCOMPILING_EMULATOR ${QB_EMULATOR})
# As an M1: no SVE, no products of 8-bit matrices.
set(QB_MARCH armv8.2-a+dotprod+fp16 CACHE STRING "")
# PROGRAM.aarch64: the bare name is of a script that starts it by the emulator, so that whoever looks for a
# program beside itself finds one that runs here.
get_property(is_trying GLOBAL PROPERTY IN_TRY_COMPILE)
if(NOT is_trying)
  set(CMAKE_EXECUTABLE_SUFFIX_CXX .aarch64)
endif()
