#!/usr/bin/env python3
"""Prints a hash of what decides a check's result for a source file: the file, the project's headers it includes, the
configuration, and the tool's version.

usage: content_key.py SRC_FOLDER SOURCE CONFIGURATION VERSION
"""
import hashlib
import re
import sys
from pathlib import Path


def add(path: Path, src: Path, seen: set, digest) -> None:
    if path in seen or not path.exists():
        return
    seen.add(path)
    content = path.read_bytes()
    digest.update(content)
    for name in re.findall(rb'^#include "([^"]+)"', content, re.M):
        add(src / name.decode(), src, seen, digest)


src, source, configuration = map(Path, sys.argv[1:4])
digest = hashlib.sha256(configuration.read_bytes() + str(source).encode() + sys.argv[4].encode())
add(source, src, set(), digest)
print(digest.hexdigest())
