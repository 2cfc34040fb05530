# The checks and tests of `./qb test`. Sourced by ./qb.

format_check() {
  say "checking the format"
  (cd "$root" && git ls-files --cached --others --exclude-standard '*.cpp' '*.h' |
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

run_tests() {
  local preset=release exclude='^$'
  if [ "${1:-}" = --unit ]; then
    say "running the unit tests alone: no format, no other tests, no clang-tidy"
    (cd "$root" && ctest --preset release -L '^unit$')
    return
  fi
  if [ "${1:-}" = --sanitize ]; then
    preset=sanitize
    exclude='^(parity_models|setup|layering.*)$'  # whole models take too long instrumented
    build_program sanitize
  elif [ -n "${1:-}" ]; then
    die "./qb test knows --sanitize and --unit, not $1"
  else
    format_check
  fi
  say "running the tests"
  local status=0 log=$build/ctest.log
  (cd "$root" && ctest --preset "$preset" -E "$exclude") 2>&1 | tee "$log" || status=$?
  [ "$preset" = sanitize ] || tidy_check
  local passed failed
  failed=$(sed -n 's/^[0-9]*% tests passed, \([0-9]*\) tests failed out of.*/\1/p' "$log")
  passed=$(($(sed -n 's/.*tests failed out of \([0-9]*\).*/\1/p' "$log") - failed))
  is_macos || say "not run here: what needs macOS (the *_macos.cpp probes)"
  echo "$passed passed, $failed failed"
  return "$status"
}
