# What set-up asks a Mac and Homebrew. Sourced by setup.sh. A Mac has bash 3.2 and BSD's tools.

brew_prefix=""

is_macos() { [ "$(uname)" = Darwin ]; }
is_intel_mac() { is_macos && [ "$(uname -m)" = x86_64 ]; }

# Dies on a Mac for which nothing can be set up. Nothing before the question to xcode-select may run g++, git
# or python3: without the command line tools they are stubs that open a window.
check_macos() {
  local version
  version=$(sw_vers -productVersion) || version=unknown
  [ "${version%%.*}" -ge 14 ] 2>/dev/null ||
    die "this is macOS $version: the frameworks' packages are made for macOS 14 and later"
  xcode-select -p >/dev/null 2>&1 ||
    die "Xcode's command line tools are missing: run xcode-select --install, then this again"
  [ "$(sysctl -n sysctl.proc_translated 2>/dev/null)" != 1 ] ||
    die "this shell runs under Rosetta, as on an Intel Mac: run arch -arm64 ./qb, or leave Rosetta"
  if is_intel_mac; then
    say "an Intel Mac: ONNX Runtime, PyTorch and MLX have no packages for it, their cases will be unavailable"
  fi
}

# Homebrew is found though the shell wasn't told of it; it and its libraries are for this processor.
find_homebrew() {
  local folder
  for folder in "${HOMEBREW_PREFIX:-/opt/homebrew}" /opt/homebrew /usr/local; do
    command -v brew >/dev/null && break
    [ ! -x "$folder/bin/brew" ] || PATH=$folder/bin:$PATH
  done
  command -v brew >/dev/null ||
    die "Homebrew is needed to install libraries and tools: see brew.sh, then run this again"
  brew_prefix=$(brew --prefix)
  is_intel_mac || [ "$brew_prefix" != /usr/local ] ||
    die "the Homebrew in /usr/local is for Intel Macs: install the one for Apple silicon (brew.sh), first on PATH"
}

# A formula that is installed has a link in opt/, also one that is kept out of include/ and lib/ (keg-only).
is_formula_installed() { [ -e "$brew_prefix/opt/$1" ]; }

# CMake and pkg-config find what lies in Homebrew's prefix, and what the table's formulae keep out of it.
show_homebrew_to_cmake() {
  local table=$1 proof brew keg
  CMAKE_PREFIX_PATH=$brew_prefix${CMAKE_PREFIX_PATH:+:$CMAKE_PREFIX_PATH}
  while read -r proof _ brew; do
    case $proof in include/*) ;; *) continue ;; esac
    keg=$brew_prefix/opt/$brew
    { [ "$brew" = - ] || [ -e "$brew_prefix/$proof" ] || [ ! -e "$keg/$proof" ]; } && continue
    CMAKE_PREFIX_PATH=$CMAKE_PREFIX_PATH:$keg
    PKG_CONFIG_PATH=$keg/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
    export PKG_CONFIG_PATH
  done <"$table"
  export CMAKE_PREFIX_PATH
}
