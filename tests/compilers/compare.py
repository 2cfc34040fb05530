#!/usr/bin/env python3
"""compare.py FILE FILE...: a table of what test_hashes found (QB_HASHES=FILE) as each compiler built it.

Ends with 1 unless all graphs, recipes and bundles are equal; calibrated bundles, which a table may leave
out, are only counted."""
import hashlib
import sys
from pathlib import Path

KINDS = ("graph", "recipe", "bundle", "calibrated")


def read(file):
    """{kind: {what: hash}}"""
    found = {kind: {} for kind in KINDS}
    for line in Path(file).read_text().splitlines():
        kind, *what, value = line.split()
        if kind != "compiler":
            found[kind][" ".join(what)] = value
    return found


def main(files):
    for file in files:
        print(f"{Path(file).stem}: {Path(file).read_text().splitlines()[0]}")
    tables, is_equal = [read(file) for file in files], True
    width = max(14, *(len(Path(file).stem) + 2 for file in files))
    print(f"{'':12}{'number':>6}  " + "".join(f"{Path(file).stem:{width}}" for file in files))
    for kind in KINDS:
        first = tables[0][kind]
        compared = [table for table in tables if table[kind] or kind != "calibrated"]
        differ = [what for what in first if any(table[kind].get(what) != first[what] for table in compared)]
        same = not differ and first and all(table[kind].keys() == first.keys() for table in compared)
        sums = [hashlib.sha256(repr(sorted(table[kind].items())).encode()).hexdigest()[:12] if table in compared else "not run"
                for table in tables]
        verdict = "equal" if same else f"{len(differ)} differ"
        if kind == "calibrated":
            verdict += " (may differ: docs/decisions/0032)"
        else:
            is_equal = is_equal and same
        print(f"{kind:12}{len(first):>6}  " + "".join(f"{value:{width}}" for value in sums) + verdict)
        print("".join(f"    {kind} {what} differs\n" for what in differ), end="")
    return 0 if is_equal else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
