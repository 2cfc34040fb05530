# `./qb test --apple [PART…]`: what can be checked of macOS and of ARM on Linux. Sourced by ./qb.

apple_parts="link compilers objc arm"

run_apple_tests() {
  local part status=0 passed=0 failed=0
  is_macos && die "./qb test --apple stands in for a Mac: on one, ./qb test is the test"
  # shellcheck disable=SC2048
  for part in ${*:-$apple_parts}; do
    [ -e "$root/tests/apple/$part.sh" ] || die "./qb test --apple knows $apple_parts, not $part"
    say "macOS and ARM from here: $part"
    if bash "$root/tests/apple/$part.sh"; then passed=$((passed + 1)); else status=1 failed=$((failed + 1)); fi
  done
  echo "apple: $passed parts passed, $failed failed"
  return "$status"
}
