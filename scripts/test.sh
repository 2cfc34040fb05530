# The checks and tests of `./qb test`. Sourced by ./qb.

format_check() {
  say "checking the format"
  (cd "$root" && git ls-files --cached --others --exclude-standard '*.cpp' '*.h' '*.mm' |
    xargs "$(find_tool clang-format)" --dry-run -Werror) ||
    die "the format is not clang-format's: run clang-format-19 -i on the files above"
}

# clang-tidy over the files that changed since they last passed, in any clone: a stamp for each, named
# by what decides the result (the file and the project's headers that it includes, the checks, the tool).
tidy_one() {
  local file=$1 key
  key=$(python3 scripts/content_key.py src "$file" .clang-tidy "$tidy_version")
  [ -e "$stamps/$key" ] && return 0
  "$tidy" --quiet --extra-arg=-Wno-unknown-warning-option \
    --extra-arg=-Wno-invalid-feature-combination --extra-arg=-Wno-ignored-gch -p "$build/release" "$file" >"$stamps/$key.log" 2>/dev/null || {
    cat "$stamps/$key.log"
    return 1
  }
  rm -f "$stamps/$key.log"
  touch "$stamps/$key"
}

tidy_check() {
  say "running clang-tidy"
  tidy=$(find_tool clang-tidy) stamps=$user_cache/tidy
  tidy_version=$("$tidy" --version | grep -i version)
  mkdir -p "$stamps"
  export -f tidy_one
  export build tidy tidy_version stamps
  (cd "$root" && git ls-files --cached --others --exclude-standard 'src/*.cpp' |
    grep -v _macos.cpp |
    xargs -P "$(getconf _NPROCESSORS_ONLN)" -I {} bash -c 'tidy_one {}') ||
    die "clang-tidy has complaints: see above"
}

# ctest with its summary in our words: count_tests PRESET [OPTION…]
count_tests() {
  local preset=$1 status=0 log=$build/ctest.log passed failed
  shift
  say "running the tests"
  (cd "$root" && ctest --preset "$preset" "$@") 2>&1 | tee "$log" || status=$?
  failed=$(sed -n 's/^[0-9]*% tests passed, \([0-9]*\) tests failed out of.*/\1/p' "$log")
  passed=$(($(sed -n 's/.*tests failed out of \([0-9]*\).*/\1/p' "$log") - failed))
  tests_summary="$passed passed, $failed failed"
  return "$status"
}

# Which lines of src/ the unit tests run; what other tests run in processes of their own is not in it.
print_coverage() {
  (cd "$root" && "$venv/bin/gcovr" --root . --filter src/ --exclude '.*_test\.cpp' --merge-lines -j 2 \
    --object-directory "$build/coverage" --txt "$build/coverage/lines.txt" --json-summary "$build/coverage/lines.json" \
    "$build/coverage") >>"$setup_log" 2>&1 || die "gcovr could not count lines (details: $setup_log)"
  python3 - "$build/coverage/lines.json" <<'PY'
import json, sys
lines = json.load(open(sys.argv[1]))
print(f"coverage: unit tests run {lines['line_percent']} % of src/ ({lines['line_covered']} of {lines['line_total']} lines)")
PY
  say "each file's lines: $build/coverage/lines.txt"
}

run_tests() {
  local status=0 tests_summary
  case "$*" in
    "")
      format_check
      count_tests release --parallel 2 || status=$?
      tidy_check
      is_macos || say "not run here: what needs macOS (the *_macos.cpp probes)" ;;
    --unit) count_tests release -L '^unit$' --parallel 2 || status=$? ;;
    --sanitize)
      build_program sanitize
      # Whole models take too long instrumented.
      count_tests sanitize -E '^(parity_models|setup.*|layering.*|portable_shell)$' || status=$?
      say "not run here: parity_models, setup, layering, portable_shell" ;;
    "--sanitize thread" | --sanitize=thread)
      build_program thread
      count_tests thread || status=$?
      say "not run here: all but unit tests, and the engines of PyTorch and MLX, which can't be instrumented" ;;
    --fuzz*) shift; run_fuzz_tests "$@"; return ;;
    --apple*) shift; run_apple_tests "$@"; return ;;
    --coverage)
      build_program coverage
      find "$build/coverage" -name '*.gcda' -delete
      count_tests coverage --parallel 2 || status=$?
      print_coverage ;;
    *) die "./qb test knows --unit, --sanitize, --sanitize thread, --apple, --fuzz and --coverage, not $*" ;;
  esac
  echo "$tests_summary"
  return "$status"
}
