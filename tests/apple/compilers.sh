#!/usr/bin/env bash
# Graphs, recipes and bundles have the same hashes whichever compiler built qbench: test_hashes and the
# tests of what graphs and bits depend on, built by clang++-19 too. (arm.sh runs them as built for ARM.)
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

install_packages "$root/tests/apple/compilers_packages.txt"
export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1
programs="test_hashes test_ir test_models test_quant test_base"

# build COMPILER: the programs, g++'s in the build of ./qb, others' in a folder of their own; prints
# the folder of the programs.
build() {
  local folder=$work/${1%%++*}
  [ "$1" = g++ ] && folder=$build/release
  say "building with $1"
  [ -e "$folder/build.ninja" ] || quietly "CMake could not configure for $1" \
    cmake -S "$root" -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=Release -DQB_WERROR=ON \
    "-DCMAKE_CXX_COMPILER=$1" "-DQB_PYTHON=$build/venv/bin/python"
  # shellcheck disable=SC2086
  quietly "$1 could not build the tests" cmake --build "$folder" --target $programs
  echo "$folder/bin"
}

status=0
for compiler in g++ clang++-19; do
  bin=$(build "$compiler") || exit 2
  for program in $programs; do
    QB_HASHES=$work/$compiler.txt "$bin/$program" --minimal --no-colors >"$work/$program.log" 2>&1 || {
      tail -n 20 "$work/$program.log" >&2
      echo "$program as built by $compiler fails"
      status=1
    }
  done
done
compare() { python3 "$root/tests/compilers/compare.py" "$work/g++.txt" "$1"; }
compare "$work/clang++-19.txt" || status=1
# And a difference would be seen.
sed '/^bundle/s/.$/-/' "$work/g++.txt" >"$work/spoilt.txt"
if compare "$work/spoilt.txt" >/dev/null; then
  echo "compare.py sees no difference where there is one"
  status=1
fi
exit "$status"
