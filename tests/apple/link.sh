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
echo "not run here: the programs; Apple's own compiler, SDK headers and libc++ (linked in from LLVM 19 here)"
