#!/usr/bin/env python3
"""Prints a text stub (.tbd) of a macOS library that exports what Debian's library for ARM does.

usage: stub.py LIBRARY.so
"""
import sys
from pathlib import Path

import lief

lief.logging.disable()
# What Apple's SDK has, and the product takes from there.
SYSTEM = {"libz": "libz.1", "libsqlite3": "libsqlite3", "libcurl": "libcurl.4"}
library = lief.ELF.parse(sys.argv[1])
names = sorted({symbol.name for symbol in library.exported_symbols if symbol.name})
stem = Path(sys.argv[1]).stem
place = f"/usr/lib/{SYSTEM[stem]}" if stem in SYSTEM else f"/opt/homebrew/lib/{stem}"
print(f"""--- !tapi-tbd
tbd-version: 4
targets: [ arm64-macos ]
install-name: {place}.dylib
exports:
  - targets: [ arm64-macos ]
    symbols: [ {', '.join('_' + name for name in names)} ]
...""")
