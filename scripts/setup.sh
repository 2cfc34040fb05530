# Set-up: each step looks whether its thing is there and does nothing if so. Sourced by ./qb.
# Everything lands in build/; a failure is one line that says what and what to do, exit code 2.
. "$root/scripts/setup_macos.sh"
. "$root/scripts/setup_python.sh"

build=$root/build
venv=$build/venv
setup_log=$build/setup.log
# What another clone needn't fetch or check again.
user_cache=${XDG_CACHE_HOME:-$HOME/.cache}/qbench

die() {
  echo "qb: $*" >&2
  exit 2
}
say() { echo "qb: $*" >&2; }

# Runs a command with its output in the log; on failure dies with the given line.
quietly() {
  local problem=$1
  shift
  { echo "+ $*"; "$@"; } >>"$setup_log" 2>&1 || die "$problem (details: $setup_log)"
}

sha256_of() {
  if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d' ' -f1
}

check_disk() {
  local free_kb
  free_kb=$(df -Pk "$root" | awk 'NR == 2 {print $4}')
  [ "${free_kb:-0}" -ge 3000000 ] ||
    die "set-up needs 3 GB of free disk, $((${free_kb:-0} / 1000)) MB are left at $root: free some and run this again"
}

# Version 19 of an LLVM tool: by its own name on Debian, in its keg on macOS.
find_tool() {
  if command -v "$1-19" >/dev/null; then
    echo "$1-19"
  else
    echo "$brew_prefix/opt/llvm@19/bin/$1"
  fi
}

# Whether the command, header or library of the table's first column is there: is_installed PROOF FORMULA.
is_installed() {
  case $1 in
    include/*)
      if is_macos; then
        is_formula_installed "$2"
      else
        [ -e "/usr/$1" ] || [ -e "/usr/local/$1" ] || ls /usr/include/*-linux-gnu/"${1#include/}" >/dev/null 2>&1
      fi ;;
    /*) compgen -G "$1" >/dev/null ;;
    lib/*) ls /usr/lib/*-linux-gnu/"${1#lib/}" >/dev/null 2>&1 ;;
    clang-*-19) command -v "$(find_tool "${1%-19}")" >/dev/null ;;
    python3) find_python >/dev/null ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

install_packages() {
  local table=$1 missing="" proof debian brew package
  while read -r proof debian brew; do
    case $proof in '#'* | '') continue ;; esac
    if is_macos; then package=$brew; else package=$debian; fi
    { [ "$package" = - ] || is_installed "$proof" "$brew"; } && continue
    case "$missing " in *" $package "*) ;; *) missing="$missing $package" ;; esac
  done <"$table"
  [ -z "$missing" ] && return 0
  say "installing system packages:$missing"
  check_disk
  # shellcheck disable=SC2086
  if is_macos; then
    quietly "Homebrew could not install$missing" brew install $missing
  elif command -v apt-get >/dev/null; then
    local sudo=""
    [ "$(id -u)" = 0 ] || sudo=sudo
    [ -z "$sudo" ] || command -v sudo >/dev/null || die "these packages are missing:$missing: install them as root, then run this again"
    quietly "apt-get could not read its lists: is there a network?" $sudo apt-get update
    quietly "apt-get could not install$missing" $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing
  else
    die "no apt-get and no Homebrew here: install what stands for$missing, then run this again"
  fi
}

# The frameworks' packages, each by itself: what can't be installed leaves the others alone.
install_frameworks() {
  local name linux macos requirement stamp
  is_intel_mac && return 0  # which check_macos has said
  while read -r name linux macos; do
    case $name in '#'* | '') continue ;; esac
    if is_macos; then requirement=$macos; else requirement=$linux; fi
    stamp=$venv/.framework-$(echo "$requirement" | tr -c 'a-zA-Z0-9.\n' _)
    [ -e "$stamp" ] && continue
    say "installing $requirement"
    check_disk
    if install_framework "$requirement" >>"$setup_log" 2>&1; then
      touch "$stamp"
    else
      say "$requirement could not be installed (details: $setup_log): its cases will be unavailable"
    fi
  done <"$root/scripts/frameworks.txt"
}

# PyPI's torch for Linux brings 3 GB of CUDA: PyTorch's own index has one for the CPU alone.
install_framework() {
  local pip=("$venv/bin/python" -m pip --disable-pip-version-check install)
  case $1 in
    torch==*)
      { ! is_macos && "${pip[@]}" --retries 0 --timeout 10 --index-url https://download.pytorch.org/whl/cpu "$1"; } ||
        "${pip[@]}" "$1" ;;
    *) "${pip[@]}" "$1" ;;
  esac
}

# Downloads one row of the data table into the given folder and prints the file's path.
download() {
  local kind=$1 name=$2 version=$3 folder=$4
  mkdir -p "$folder"
  case $kind in
    wheel) quietly "pip could not download $name: is there a network?" \
      "$venv/bin/python" -m pip download --disable-pip-version-check --no-deps --only-binary :all: --platform any -d "$folder" "$name==$version" ;;
    schema) quietly "pip could not download $name: is there a network?" \
      "$venv/bin/python" -m pip download --disable-pip-version-check --no-deps --only-binary :all: --platform manylinux1_x86_64 \
      --python-version 3.13 -d "$folder" "$name==$version" ;;
    sdist) quietly "pip could not download $name: is there a network?" \
      curl -fsSL --retry 2 -o "$folder/$name-$version.tar.gz" "$(sdist_address "$name" "$version")" ;;
    deb) (cd "$folder" && quietly "apt-get could not download $name: is there a network?" apt-get download "$name=$version") || exit 2 ;;
    npm | charts | headers) quietly "$name could not be downloaded: is there a network?" \
      curl -fsSL --retry 2 -o "$folder/${name##*/}-$version.tgz" "$(npm_registry)/$name/-/${name##*/}-$version.tgz" ;;
  esac
  # A wheel's name has underscores where the package's has hyphens.
  find "$folder" -name "$(echo "${name##*/}" | tr - '?')[-_]$version*" | head -n 1
}

# Brings the file of one row to the user's cache, under its hash.
fetch() {
  local kind=$1 name=$2 version=$3 sha256=$4 file kept=$user_cache/downloads/$4
  [ -e "$kept" ] && [ "$(sha256_of "$kept")" = "$sha256" ] && return 0
  say "fetching $name $version"
  file=$(download "$kind" "$name" "$version" "$build/downloads") || exit 2
  [ -n "$file" ] || die "$name $version did not arrive in $build/downloads"
  if [ "$(sha256_of "$file")" != "$sha256" ]; then
    rm -f "$file"
    die "$name $version is not the file that was pinned (sha256 differs): run this again, and report it if it stays so"
  fi
  mkdir -p "$user_cache/downloads"
  mv "$file" "$kept.$$" && mv "$kept.$$" "$kept" || die "$kept can't be written"
}

# Where the package index keeps a source distribution. (pip would run its setup.py to learn about it.)
sdist_address() {
  local index page
  index=$("$venv/bin/python" -m pip config get global.index-url 2>/dev/null) || index=https://pypi.org/simple
  page=${index%/}/$1/
  curl -fsSL --retry 2 "$page" | "$venv/bin/python" -c '
import re, sys, urllib.parse
page, file = sys.argv[1:]
links = (link for link in re.findall(r"href=\"([^\"#]+)", sys.stdin.read()) if link.endswith("/" + file))
print(urllib.parse.urljoin(page, next(links, "nowhere")))' "$page" "$1-$2.tar.gz"
}

npm_registry() {
  local registry=""
  command -v npm >/dev/null && registry=$(npm config get registry 2>/dev/null)
  registry=${registry:-https://registry.npmjs.org}
  echo "${registry%/}"
}

extract() {
  local kind=$1 file=$2 target=$3
  rm -rf "$target" && mkdir -p "$target"
  case $kind in
    wheel) quietly "$file can't be unpacked" unzip -q -o "$file" -d "$target" ;;
    schema) quietly "$file can't be unpacked" unzip -q -o "$file" 'coremltools/proto/*' -d "$target" ;;
    sdist) quietly "$file can't be unpacked" tar xzf "$file" -C "$target" --strip-components 1 ;;
    deb) quietly "$file can't be unpacked" dpkg-deb -x "$file" "$target" ;;
    npm) quietly "$file can't be unpacked" tar xzf "$file" -C "$target" --strip-components 1 --exclude package/dist ;;
    charts) quietly "$file can't be unpacked" tar xzf "$file" -C "$target" --strip-components 1 \
      package/LICENSE package/NOTICE package/dist/echarts.min.js ;;
    headers) quietly "$file can't be unpacked" tar xzf "$file" -C "$target" --strip-components 6 \
      'package/Plugins/iOS~/onnxruntime.xcframework/ios-arm64_x86_64-simulator/onnxruntime.framework/Headers' ;;
  esac
}

# Weights, data and headers: "run" for what a run needs, "test" for all.
install_data() {
  local wanted=$1 kind name version sha256 needed target file
  while read -r kind name version sha256 needed; do
    case $kind in '#'* | '') continue ;; esac
    [ "$needed" = run ] || [ "$wanted" = test ] || continue
    target=$build/data/$name-$version
    [ "$kind" = headers ] && target=$build/onnxruntime-headers
    [ "$kind" = schema ] && target=$build/coremltools  # the descriptors of any of its wheels; it needn't run here
    [ -e "$target/.complete-$sha256" ] && continue
    if [ "$kind" = deb ] && ! command -v dpkg-deb >/dev/null; then
      say "$name comes from Debian only: pictures will be judged on foolbox's 20"
      mkdir -p "$build/data" && continue
    fi
    check_disk
    fetch "$kind" "$name" "$version" "$sha256"
    extract "$kind" "$user_cache/downloads/$sha256" "$target"
    touch "$target/.complete-$sha256"
  done <"$root/scripts/data_packages.txt"
}

# What the compiler's -march=native goes by: a build folder that was carried to another machine is
# configured anew, and so built anew where it matters.
processor() {
  grep -m1 -E '^(flags|Features)' /proc/cpuinfo 2>/dev/null || uname -m
}

# Whether the build folder of a preset has the option; "": none is asked for.
is_set() {
  local name=${2#-D}
  [ -z "$name" ] || grep -qs "^${name%=ON}:[A-Z]*=ON" "$build/$1/CMakeCache.txt"
}

# Configured anew when the frameworks that are installed, or the processor, have changed, or when the
# given option (-DNAME=ON) is not yet set; without it, it stays as it is. Builds all, or the targets:
# build_program PRESET [OPTION [TARGET…]]
build_program() {
  local preset=$1 option=${2:-} found
  shift $(($# < 2 ? $# : 2))
  # Another clone of the same sources hits the compiler's cache: paths count from the clone's root.
  export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1
  found=$build/$preset/.configured-$( (find "$venv" -maxdepth 1 -name '.framework-*' | sort; processor) | cksum | tr -d ' ')
  if [ ! -e "$found" ] || ! is_set "$preset" "$option"; then
    say "configuring"
    quietly "CMake could not configure the build" \
      cmake --preset "$preset" -S "$root" "-DQB_PYTHON=$venv/bin/python" ${option:+"$option"}
    rm -f "$build/$preset"/.configured-*
    touch "$found"
  fi
  [ -e "$build/$preset/bin" ] || say "building (this first time takes a few minutes)"
  (cd "$root" && quietly "the build failed" cmake --build --preset "$preset" ${1:+--target "$@"}) || exit 2
}

# The workers of another Python's frameworks, for that version of each, in a build of their own.
# Prints its folder.
build_workers() {
  local python=$1 folder target targets=""
  folder=$build/pythons/$(echo "$python" | cksum | tr -d ' ')
  say "building workers for the frameworks of $python"
  quietly "CMake could not configure workers for $python" \
    cmake --preset release -S "$root" -B "$folder" "-DQB_PYTHON=$python" -DQB_TESTS=OFF
  for target in onnxruntime pytorch mlx; do
    grep -q "^build bin/qbench-worker-$target:" "$folder/build.ninja" && targets="$targets qbench-worker-$target"
  done
  # shellcheck disable=SC2086
  quietly "the workers for $python could not be built" cmake --build "$folder" --target $targets
  echo "$folder/bin"
}
