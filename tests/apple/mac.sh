# What stands in for a Mac where sources are compiled and linked only: compiler, frameworks, Homebrew's
# libraries. All lies in the user's cache, so that another clone has the same paths. Sourced after common.sh.
. "$root/tests/apple/debian.sh"
mac=$root/tests/apple/mac
zig_version=$(sed -n 's/^ziglang==//p' "$root/tests/apple/requirements.txt")

# once NAME FUNCTION FILE…: sets the variable NAME to a folder that FUNCTION has filled, once for each
# content of the function and the files. Another clone may be at it too: whoever is first is taken.
once() {
  local name=$1 make=$2 folder
  shift 2
  folder=$kept/$name-$({ declare -f "$make" && cat "$@"; } | sha256sum | cut -c 1-12)
  printf -v "$name" %s "$folder"
  if [ -d "$folder" ]; then touch "$folder" && return 0; fi
  check_disk
  rm -rf "$folder.$$" && mkdir -p "$folder.$$"
  "$make" "$folder.$$"
  mv -T "$folder.$$" "$folder" 2>/dev/null || rm -rf "$folder.$$"
  find "$kept" -maxdepth 1 -name "$name-*" -mtime +30 -exec rm -rf {} +
}

# A compiler for Apple's ARM processors and macOS 14, as zig carries it, under the names that CMake asks for.
make_tools() {
  local name target
  say "installing a compiler for macOS"
  quietly "python3 -m venv failed: is python3-venv installed?" python3 -m venv "$1/venv"
  quietly "pip could not install tests/apple/requirements.txt: is there a network?" \
    "$1/venv/bin/python" -m pip install --disable-pip-version-check -r "$root/tests/apple/requirements.txt"
  mkdir "$1/bin"
  ln -s "$(cd "$1/bin" && echo ../venv/lib/python3*/site-packages/ziglang/zig)" "$1/bin/zig"
  for name in cc c++ ar ranlib; do
    case $name in c*) target=" -target aarch64-macos.14.0" ;; *) target="" ;; esac
    cat >"$1/bin/$name" <<SCRIPT
#!/bin/sh
export ZIG_GLOBAL_CACHE_DIR=\${ZIG_GLOBAL_CACHE_DIR:-$kept/zig}
exec $tools/bin/zig $name$target "\$@"
SCRIPT
    chmod +x "$1/bin/$name"
  done
}

# The wheels that a Mac gets, of the versions in scripts/frameworks.txt, each by its hash.
make_site() {
  local package row sha256 version wheel
  say "fetching the frameworks' wheels for macOS"
  while read -r package row sha256; do
    case $package in '#'* | '') continue ;; esac
    version=$(awk -v row="$row" '$1 == row {sub(".*==", "", $3); print $3}' "$root/scripts/frameworks.txt")
    echo "$package==$version --hash=sha256:$sha256"
  done <"$root/tests/apple/wheels.txt" >"$1/wheels.txt"
  quietly "the macOS wheels did not arrive: is there a network, and are the hashes in tests/apple/wheels.txt those of scripts/frameworks.txt's versions?" \
    "$tools/venv/bin/python" -m pip download --disable-pip-version-check --no-deps --only-binary=:all: --platform macosx_14_0_arm64 \
    --python-version 3.12 --require-hashes -r "$1/wheels.txt" -d "$1/wheels"
  for wheel in "$1"/wheels/*.whl; do
    quietly "$wheel can't be unpacked" unzip -q -o "$wheel" -x '*.metallib' -d "$1"
  done
  rm -r "$1/wheels"
}

# Homebrew's libraries: headers of Debian's newest packages, fmt's from torch's wheel (the newest there
# is), each C library as a list of what it exports, made from Debian's for ARM, and three C++ libraries made
# from their headers.
not_homebrew='libc6.*|libc-.*|linux-libc-.*|.*gcc.*|libstdc.*|lib[a-z]*san[0-9]*|libgomp.*|libitm.*|libatomic.*|.*pkgconf.*|libfmt.*|libboost-.*[0-9].*'
make_homebrew() {
  local lib=$1/debian/usr/lib/aarch64-linux-gnu so name
  # shellcheck disable=SC2046
  unpack_debian --without "$not_homebrew" sid arm64 "$1/debian" $(awk '$1 ~ "^include/" {print $2}' "$root/scripts/system_packages.txt")
  # What differs by processor lies beside the rest; openssl's is in both, and a Mac's programs don't use it.
  (cd "$1/debian/usr/include" && for name in aarch64-linux-gnu/*; do [ -e "$(basename "$name")" ] || ln -s "$name" .; done)
  mkdir "$1/stubs" "$1/debian/usr/lib/cmake/fmt"
  for so in "$lib"/lib*.so; do
    name=$(basename "$so" .so)
    "$tools/venv/bin/python" "$mac/stub.py" "$so" >"$1/stubs/$name.tbd" || die "no list of what $name exports"
  done
  rm -f "$lib"/lib*.so* "$lib"/lib*.a
  mv "$1"/stubs/* "$lib/"
  rm -rf "$lib"/cmake/{boost*,Boost*,PNG,CURL}
  # What a shared library is made of inside.
  sed -i '/^Requires.private/d' "$lib/pkgconfig/sentencepiece.pc"
  # What abseil's files say for Linux alone.
  sed -i 's/ -Wl,--push-state,--as-needed -latomic -Wl,--pop-state//; s/ -lrt//' "$lib"/pkgconfig/absl_*.pc
  mv "$1/debian"/* "$1/debian/.packages" "$1/"
  cp "$mac/fmt-config.cmake" "$1/usr/lib/cmake/fmt/"
  ln -s "$site/torch/include/fmt" "$1/usr/include/fmt"
  for name in fmt tomlplusplus sentencepiece; do
    rm -f "$1/usr/lib/aarch64-linux-gnu/lib$name.tbd"
    quietly "the headers of $name made no library" "$tools/bin/c++" -std=c++20 -O1 -isystem "$1/usr/include" -c "$mac/$name.cpp" -o "$1/$name.o"
    quietly "the headers of $name made no library" "$tools/bin/ar" rcs "$1/usr/lib/aarch64-linux-gnu/lib$name.a" "$1/$name.o"
  done
}

make_mac() {
  install_packages "$root/tests/apple/packages.txt"
  once tools make_tools "$root/tests/apple/requirements.txt"
  once site make_site "$root/tests/apple/wheels.txt" "$root/scripts/frameworks.txt"
  once homebrew make_homebrew "$root/scripts/system_packages.txt" "$mac"/{stub.py,fmt.cpp,tomlplusplus.cpp,sentencepiece.cpp,fmt-config.cmake} \
    <(echo "$tools $site $not_homebrew"; date +%Y-%m)
}

# configure_mac FOLDER [OPTION…]: the project's own CMake, told that the system is macOS. Nothing runs, so
# nothing is optimized; a precompiled header would tie the compiler's cache to this folder.
configure_mac() {
  local folder=$1
  shift
  # What the compiler's cache goes by is the version, not the wrapper's time.
  export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1 CCACHE_COMPILERTYPE=clang CCACHE_COMPILERCHECK="string:zig $zig_version"
  export PKG_CONFIG_LIBDIR=$homebrew/usr/lib/aarch64-linux-gnu/pkgconfig:$homebrew/usr/share/pkgconfig PKG_CONFIG_SYSROOT_DIR=$homebrew
  export QB_TOOLS=$tools QB_SITE=$site QB_HOMEBREW=$homebrew
  # Without protobuf's compiler there is no worker for Core ML: no stand-in has that library.
  quietly "CMake could not configure a build for macOS" cmake --fresh -G Ninja -S "$root" -B "$folder" \
    -DCMAKE_TOOLCHAIN_FILE="$mac/toolchain.cmake" -DCMAKE_PROJECT_INCLUDE="$mac/rpath.cmake" -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_CXX_FLAGS_RELEASE="-O0 -DNDEBUG" -DCMAKE_OBJCXX_FLAGS_RELEASE="-O0 -DNDEBUG" -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON \
    -DQB_WERROR=ON -DQB_PROTOC=OFF -DQB_PYTHON="$mac/python" -DQB_ONNXRUNTIME_HEADERS="$build/onnxruntime-headers/Headers" "$@"
}
