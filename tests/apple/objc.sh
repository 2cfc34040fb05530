#!/usr/bin/env bash
# Part `objc` of `./qb test --apple`: the product's Objective-C++ with ARC is run on Linux under the
# address and leak sanitizers, with fakes of Apple's classes (tests/apple/objc/).
. "$(dirname "$0")/common.sh"

install_packages "$root/tests/apple/objc/packages.txt"
export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1
[ -e "$work/build.ninja" ] ||
  quietly "CMake could not configure the Objective-C++ tests" cmake --preset objc "-DQB_PYTHON=$(command -v python3)"
quietly "the Objective-C++ tests could not be built" cmake --build --preset objc
ctest --preset objc
say "not run here: Apple's runtime, Foundation and Core ML; what the fakes declare wrongly would pass"
