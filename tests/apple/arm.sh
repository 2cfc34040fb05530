#!/usr/bin/env bash
# `./qb test --apple arm`: all of qbench for Linux on ARM, run by an emulator of such a processor: unit tests,
# parity of all engines with their packages for ARM, and a run of qbench itself.
. "$(dirname "$0")/common.sh"
. "$root/tests/apple/debian.sh"
venv=$build/venv
sysroot=$kept/bookworm-arm64 qemu=$kept/qemu/usr/bin/qemu-aarch64 own=$kept/arm
mkdir -p "$own"
# An M1 has what this processor has: half precision and dot products, no SVE. The other adds what M2 did:
# products of 8-bit matrices, bfloat16.
export QEMU_CPU=neoverse-n1 QEMU_LD_PREFIX=$sysroot QB_EMULATED=1
newer_cpu=max,sve=off

# Everything that is built lies below a path that is the same in each clone, so that each clone gets the
# same bits. One clone at a time.
take_path() {
  exec 9>"$own/lock"
  flock 9
  ln -sfn "$root" "$own/clone"
  here=$own/clone built=$own/clone/build/apple/arm/build
}

unpack_system() {
  local packages
  packages=$(awk '$1 ~ /^(include|lib)\// {print $2}' "$root/scripts/system_packages.txt" | sort -u)
  install_packages "$root/tests/apple/arm_packages.txt"
  # shellcheck disable=SC2086
  unpack_debian bookworm arm64 "$sysroot" libc6-dev libstdc++-12-dev $packages
  unpack_debian trixie "$(dpkg --print-architecture)" "$kept/qemu" qemu-user
  find "$kept/qemu/usr" -type f ! -name qemu-aarch64 -delete
}

# The frameworks' packages for ARM, as pip unpacks them.
install_arm_frameworks() {
  local requirement fresh pip
  frameworks=$own/frameworks-$({ cat "$root/scripts/frameworks.txt"; declare -f install_arm_frameworks take_cuda_away link_library; } | sha256sum | cut -c 1-16)
  [ -e "$frameworks" ] && return 0
  say "fetching the frameworks' packages for ARM"
  check_disk
  fresh=$own/frameworks.$$
  pip=("$venv/bin/python" -m pip install --disable-pip-version-check --no-deps --only-binary :all: --target "$fresh"
    --platform manylinux_2_28_aarch64 --platform manylinux_2_35_aarch64)
  rm -rf "$own"/frameworks*
  while read -r requirement; do
    case $requirement in
      torch==*)
        "${pip[@]}" --retries 0 --timeout 10 --index-url https://download.pytorch.org/whl/cpu "$requirement" >>"$setup_log" 2>&1 ||
          quietly "pip could not fetch $requirement" "${pip[@]}" "$requirement" ;;
      # The libraries are in a package of their own.
      mlx*) quietly "pip could not fetch $requirement" "${pip[@]}" "mlx==${requirement#*==}" "mlx-cpu==${requirement#*==}" ;;
      *) quietly "pip could not fetch $requirement" "${pip[@]}" "$requirement" ;;
    esac
  done < <(awk '!/^#/ {print $2}' "$root/scripts/frameworks.txt")
  [ ! -e "$fresh/torch/lib/libtorch_cuda.so" ] || take_cuda_away "$fresh/torch/lib"
  mv "$fresh" "$frameworks"
}

# PyPI's torch for ARM is built with CUDA, whose libraries no one has here: what of them the part for the
# CPU names is replaced by functions that fail, as where no GPU is.
take_cuda_away() {
  local library
  for library in libcudart.so libcupti.so; do
    library=$(readelf -d "$1/libtorch_cpu.so" | sed -n "s/.*NEEDED.*\[\($library\.[0-9]*\)\]/\1/p")
    nm -D --undefined-only "$1/libtorch_cpu.so" | sed -n "s/^ *U \(.*\)@$library\$/int \1(void) { return 999; }/p" |
      link_library "$1/$library" "$library { *; };"
  done
  rm "$1"/libtorch_cuda*
  link_library "$1/libtorch.so" "" </dev/null
}

# The library FILE of the C code on standard input, its symbols of that version.
link_library() {
  echo "$2" >"$work/version"
  aarch64-linux-gnu-gcc-12 -shared -fPIC -nostdlib -Wl,-soname,"$(basename "$1")" \
    ${2:+"-Wl,--version-script=$work/version"} -o "$1" -x c -
}

build_for_arm() {
  local settings mark
  settings=("-DCMAKE_TOOLCHAIN_FILE=$here/tests/apple/arm.cmake" "-DQB_SYSROOT=$sysroot" "-DQB_EMULATOR=$here/tests/apple/once.sh;$qemu"
    "-DQB_PYTHON=$here/build/venv/bin/python")
  mark=$work/configured-$(echo "${settings[@]}" "$frameworks" | sha256sum | cut -c 1-16)
  # Where CMake asks Python for the frameworks.
  export PYTHONPATH=$frameworks
  if [ ! -e "$mark" ]; then
    rm -rf "$work"/configured-* "$built"
    quietly "CMake could not configure the build for ARM" cmake --preset release -S "$here" -B "$built" "${settings[@]}"
    touch "$mark"
  fi
  say "building for ARM"
  quietly "the build for ARM failed" cmake --build "$built"
  unset PYTHONPATH
  local program
  for program in "$built"/bin/*.aarch64; do
    printf '#!/bin/sh\nPATH=%s:$PATH exec %s "$0.aarch64" "$@"\n' "$work/path" "$qemu" >"${program%.aarch64}"
    chmod +x "${program%.aarch64}"
  done
}

# What else the tests read: a program that passed with other files of these has not passed with these.
inputs() {
  cat "$sysroot/.packages"
  echo "$frameworks $QEMU_CPU"
  (cd "$root" && git ls-files --cached --others --exclude-standard tests/golden tests/fake_worker.sh suites data docs/images scripts/data_packages.txt |
    sort | xargs sha256sum)
}

# count_arm_tests NAME [OPTION…]: ctest's tests, and what they say that they didn't run.
count_arm_tests() {
  local log=$work/$1.log failures count
  shift
  QB_INPUTS=$(inputs | sha256sum | cut -c 1-32)
  export QB_INPUTS QB_PASSED=$own/passed
  PATH=$work/path:$PATH ctest --test-dir "$built" --parallel 2 --timeout 1500 --output-on-failure "$@" >"$log" 2>&1 || status=1
  grep -vE '^ +Start ' "$log" | tail -n +2
  read -r failures count < <(sed -n 's/^[0-9]*% tests passed, \([0-9]*\) tests\{0,1\} failed out of \([0-9]*\).*/\1 \2/p' "$log") ||
    { echo "$QEMU_CPU: no test ran to its end (details: $log)" && status=1 && return; }
  echo "$QEMU_CPU: $((count - failures)) passed ($(grep -c '^passed before' "$built/Testing/Temporary/LastTest.log" || true) of them before, on the same bits), $failures failed"
  grep -ho 'not run here:.*' "$built/Testing/Temporary/LastTest.log" | sort | uniq -c || true
}

# once_here COMMAND [ARGUMENT…]: what it says, or said when it passed on the same bits.
once_here() {
  QB_INPUTS=$(inputs | sha256sum | cut -c 1-32) QB_PASSED=$own/passed tests/apple/once.sh "$@" || status=1
}

check_once() {
  say "checking that a pass counts for the same bits alone"
  rm -rf "$work/once" && mkdir "$work/once"
  said() { env "$1" QB_INPUTS="$2" QB_PASSED="$work/once" tests/apple/once.sh sh -c "echo $3 \$QBENCH_TEST" | head -n 1; }
  [ "$(said QBENCH_TEST=a 1 x) $(said QBENCH_TEST=b 1 x) $(said QBENCH_TEST=a 1 y)" = "x a x b y a" ] ||
    die "once.sh takes another environment or command for the same"
  [ "$(said QBENCH_TEST=a 1 x; ls "$work/once" | wc -l)" = "x a"$'\n3' ] || die "once.sh remembers no pass"
  said QBENCH_TEST=a 2 x >/dev/null
  [ "$(ls "$work/once" | wc -l)" = 4 ] || die "once.sh takes other inputs for the same"
}

# Tests of sources and of the build don't depend on the processor; whole programs start others, which the
# emulator can't; whole models and simulations take it too long. What simulations call, the other tests of
# stats call too.
left_out='^(rules|patches|end_to_end)$'
whole_models='parity_models|parity_decoders|parity_encoders'
simulations='*coverage_test.cpp,*drift_test.cpp,*gate_test.cpp'

check_once
take_path
unpack_system
install_arm_frameworks
build_for_arm
# MLX compiles fused kernels while it runs, by the g++ that it finds, and keeps them in the temporary folder by
# names that don't tell the processor: this machine's and ours must not meet.
export TMPDIR=$work/tmp
mkdir -p "$work/path" "$TMPDIR"
ln -sf "$(command -v aarch64-linux-gnu-g++-12)" "$work/path/g++"
mkdir -p "$own/passed"
find "$own/passed" -type f -mtime +30 -delete
status=0
say "running the tests on $QEMU_CPU"
count_arm_tests all -LE "$left_out" -E "^($whole_models|stats)\$"
once_here "$qemu" "$built/bin/test_stats.aarch64" --source-file-exclude="$simulations" --no-colors
# These two choose kernels by what the processor has; ours and MLX's own are compiled for one.
say "running ONNX Runtime and PyTorch on $newer_cpu"
QEMU_CPU=$newer_cpu count_arm_tests newer -R '^parity_(onnxruntime|pytorch.*)$'
say "running qbench"
install_frameworks
build_program release "" qbench qbench-prepare qbench-worker-{reference,onnxruntime,pytorch,mlx} test_hashes
once_here "$venv/bin/python" tests/apple/arm_run.py "$built/bin" "$build/release/bin" tests/suites/arm.toml "$work/run" \
  "$built"/bin/qbench*.aarch64 "$build"/release/bin/qbench*
say "comparing hashes"
once_here tests/apple/hashes.sh "$work" "g++ $build/release/bin/test_hashes" "g++-aarch64 $built/bin/test_hashes" \
  "$built/bin/test_hashes.aarch64" "$build/release/bin/test_hashes" tests/compilers/compare.py
echo "not run here: $(ctest --test-dir "$built" -N -L "$left_out" | sed -n 's/^ *Test *#[0-9]*: //p' | paste -sd ' ' -) ${whole_models//|/ }; of stats $simulations"
exit "$status"
