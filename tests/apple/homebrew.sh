# Every source that a user's Mac compiles, tests too, against the versions that Homebrew has today. Run by `./qb test --apple homebrew`.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
. "$root/tests/apple/mac.sh"

make_mac
# What must not pass: Homebrew's fmt has fmt::join in <fmt/ranges.h>, and libc++ of Xcode 16 reads no
# floating point from characters.
refuses() {
  local name=$1 message=$2
  "$tools/bin/c++" -std=c++20 -fsyntax-only -isystem "$homebrew/usr/include" -x c++ - >"$work/refused.log" 2>&1 &&
    die "$name: compiles, and should not"
  grep -q "$message" "$work/refused.log" || die "$name: fails for another reason (details: $work/refused.log)"
  echo "refused, as on a Mac: $name"
}
refuses "fmt::join of <fmt/format.h>" "no member named 'join'" <<'CPP'
#include <fmt/format.h>
#include <vector>
std::string text(const std::vector<int>& all) { return fmt::format("{}", fmt::join(all, ",")); }
CPP
refuses "std::from_chars of a double" "deleted function" <<'CPP'
#include <charconv>
double number(const char* a, const char* b) { double x = 0; std::from_chars(a, b, x); return x; }
CPP
configure_mac "$build/apple/mac"
sed 's/ /\t/' "$homebrew/.packages" | grep -E '^lib(cli11|eigen3|expected|fast-float|png|jpeg62|pcre2|sentencepiece|utf8proc|xxhash|tomlplusplus|minizip|sqlite3|curl4-openssl|boost1[0-9.]*)-dev|^(doctest|nlohmann)' |
  sed 's/\t/ /'
awk '$2 == "FMT_VERSION" {print "fmt " $3}' "$site/torch/include/fmt/base.h"
say "compiling every source, tests too, against Homebrew's versions"
quietly "Homebrew's versions do not take a source" cmake --build "$build/apple/mac" -- -k 0
sources=$(ninja -C "$build/apple/mac" -t targets all | grep -c '\.o: ')
programs=$(find "$build/apple/mac/bin" -type f | wc -l)
[ "$sources" -gt 300 ] || die "only $sources sources were compiled"
echo "$sources sources compile, $programs programs link"
echo "not run here: Homebrew itself, whose versions may be newer or older than Debian's newest"
