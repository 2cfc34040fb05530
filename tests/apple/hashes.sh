#!/usr/bin/env bash
# hashes.sh FOLDER "NAME PROGRAM"… [FILE…]: what test_hashes finds as each compiler built it, in a table; ends with
# 1 unless all are equal. Words without a blank are files that the result depends on too.
set -euo pipefail
folder=$1 tables=()
shift
for build; do
  read -r name program <<<"$build"
  [ -n "$program" ] || continue
  QB_HASHES=$folder/$name.txt "$program" --minimal --no-colors || { echo "test_hashes as built by $name fails" && exit 1; }
  tables+=("$folder/$name.txt")
done
python3 "$(dirname "$0")/../compilers/compare.py" "${tables[@]}"
