# `./qb test --fuzz SECONDS [TARGET…]`: each target of tests/fuzz for so long, from its corpus. Sourced by ./qb.

# One target: fuzz_one NAME SECONDS. What it finds on its way stays in build/ and is begun with the next time; what
# crashes, leaks, hangs or takes too much memory is put beside the seeds, where the ordinary test runs it from then on.
fuzz_one() {
  local name=$1 seconds=$2 log=$build/fuzz/$1.log found=$build/fuzz/corpus/$1
  mkdir -p "$found"
  UBSAN_OPTIONS=print_stacktrace=1 "$build/fuzz/bin/fuzz_$name" "$found" "$root/tests/fuzz/corpus/$name" \
    -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=1024 -print_final_stats=1 \
    -artifact_prefix="$root/tests/fuzz/corpus/$name/" >"$log" 2>&1 || {
    say "$name fails: $(grep -o 'written to .*' "$log" | tail -n 1); details: $log"
    return 1
  }
  echo "$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs"
}

run_fuzz_tests() {
  local seconds=${1:-} status=0 passed=0 failed=0 name
  case $seconds in '' | *[!0-9]*) die "./qb test --fuzz needs the seconds that each target runs, for example 60" ;; esac
  is_macos && die "./qb test --fuzz runs on Linux: Apple's compiler has no libFuzzer"
  shift
  install_packages "$root/tests/fuzz/packages.txt"
  build_program fuzz
  # shellcheck disable=SC2048
  for name in ${*:-$(cd "$root/tests/fuzz/corpus" && echo *)}; do
    [ -x "$build/fuzz/bin/fuzz_$name" ] || die "there is no fuzz target $name"
    if fuzz_one "$name" "$seconds"; then passed=$((passed + 1)); else status=1 failed=$((failed + 1)); fi
  done
  echo "fuzz: $passed targets passed, $failed failed"
  return "$status"
}
