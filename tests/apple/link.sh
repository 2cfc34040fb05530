# All programs compiled and linked for macOS on Apple's ARM processors, and a report of what each asks of
# which library. Run by `./qb test --apple link`.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
. "$root/tests/apple/mac.sh"
programs="qbench qbench-prepare qbench-worker-reference qbench-worker-onnxruntime qbench-worker-pytorch qbench-worker-mlx"

make_mac
python=$tools/venv/bin/python
say "checking that the link report finds faults"
"$python" "$mac/link_report_test.py" "$tools/bin" || die "the link report misses a fault: see above"
configure_mac "$build/apple/mac"
say "compiling and linking for macOS"
# shellcheck disable=SC2086
quietly "not all compiles and links for macOS" cmake --build "$build/apple/mac" --target $programs -- -k 0
# shellcheck disable=SC2086
(cd "$build/apple/mac/bin" && "$python" "$mac/link_report.py" --minimum 14.0 \
  --real "$site/torch/lib" "$site/mlx/lib" "$site/onnxruntime/capi" \
  --listed "$(echo "$tools"/venv/lib/python3*/site-packages/ziglang/lib/libc/darwin/libSystem.tbd)" \
  --stand-ins "$homebrew/usr/lib" "$root/tests/apple/stand_in/Frameworks" --programs $programs) ||
  die "a program would not load on a Mac: see above"
# Core ML's worker needs protobuf's C++ library, which no stand-in has: of it, what asks Apple for anything.
engine=$root/src/measurement/engines/coreml
quietly "what runs Core ML doesn't compile and link for macOS" "$tools/bin/c++" -std=c++20 -O0 -Wall -Wextra -Wpedantic -Werror \
  -DFMT_HEADER_ONLY -fobjc-arc -I"$root/src" -isystem "$homebrew/usr/include" -isystem "$root/tests/apple/stand_in" \
  -F"$root/tests/apple/stand_in/Frameworks" -shared -o "$build/apple/mac/core_ml_runtime.dylib" "$engine/runtime_macos.mm" \
  "$engine/shares.cpp" "$engine/values.cpp" "$root/src/base/float16.cpp" \
  -framework CoreML -framework Foundation -framework CoreFoundation
echo "not run here: the programs; qbench-worker-coreml but for its half that asks for Core ML; Apple's own compiler, SDK headers and libc++ (linked in from LLVM 19 here)"
