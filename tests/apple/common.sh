# What the parts of `./qb test --apple` share. Each part is a script PART.sh in this folder: it starts in
# the project's root, says what it does on stderr and what it found on stdout, and exits with 0 only
# when all it checks holds. Set-up has brought packages, the Python environment and data, and has built
# nothing: a part that needs the program of this machine says install_frameworks; build_program release "" TARGET….
# Sourced by them.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
. "$root/scripts/setup.sh"
cd "$root"
part=$(basename "$0" .sh)
# What belongs to this clone, and what every clone of this user may use again.
work=$build/apple/$part
kept=$user_cache/apple
mkdir -p "$work" "$kept"
