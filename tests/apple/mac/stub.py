#!/usr/bin/env python3
"""Prints a text stub (.tbd) of a macOS library that exports what Debian's library for ARM does.

usage: stub.py LIBRARY.so
"""
import sys
from pathlib import Path

import lief

lief.logging.disable()
library = lief.ELF.parse(sys.argv[1])
names = sorted({symbol.name for symbol in library.exported_symbols if symbol.name})
if not names:
    sys.exit(f"{sys.argv[1]} exports nothing")
print(f"""--- !tapi-tbd
tbd-version: 4
targets: [ arm64-macos ]
install-name: /opt/homebrew/lib/{Path(sys.argv[1]).stem}.dylib
exports:
  - targets: [ arm64-macos ]
    symbols: [ {', '.join('_' + name for name in names)} ]
...""")
