#!/usr/bin/env python3
"""Runs each compile command of a build folder for its syntax only. A source that passed is remembered by
what decides it (it, the project's headers that it includes, the command, the libraries), in any clone.

usage: syntax.py BUILD_FOLDER STAMPS LIBRARIES
"""
import concurrent.futures
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

root = Path(__file__).resolve().parents[3]
build, stamps, libraries = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
stamps.mkdir(parents=True, exist_ok=True)


def content(path: Path, folders: list[Path], seen: set[Path], digest) -> None:
    if path in seen or not path.is_file():
        return
    seen.add(path)
    text = path.read_bytes()
    digest.update(text)
    for name in re.findall(rb'^#\s*(?:include|import) ["<]([^">]+)[">]', text, re.M):
        for folder in [path.parent, *folders]:
            content(folder / name.decode(), folders, seen, digest)


def key_of(source: Path, command: str) -> str:
    digest = hashlib.sha256((command.replace(str(root), "") + libraries).encode())
    content(source, [root / "src", root / "tests", root / "tests/apple/stand_in"], set(), digest)
    return digest.hexdigest()


def check(entry: dict) -> tuple[str, bool, str]:
    source = Path(entry["file"])
    name = os.path.relpath(source, root)
    stamp = stamps / key_of(source, entry["command"])
    if stamp.exists():
        return name, False, ""
    words = shlex.split(entry["command"])
    first = next(i for i, word in enumerate(words) if word.endswith("/c++"))  # after the compiler's cache
    words = words[first:]
    del words[words.index("-o"):words.index("-o") + 2]
    run = subprocess.run([*words, "-fsyntax-only"], cwd=entry["directory"], capture_output=True, text=True)
    if run.returncode:
        return name, True, run.stderr
    stamp.touch()
    return name, True, ""


def main() -> int:
    entries = json.loads((build / "compile_commands.json").read_text())
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(check, entries))
    for name, _, problem in results:
        if problem:
            print(f"{name}:\n{problem}")
    failed = sum(bool(problem) for _, _, problem in results)
    print(f"{len(results) - failed} of {len(results)} sources pass, {sum(ran for _, ran, _ in results)} of them checked now")
    return bool(failed) or not results


if __name__ == "__main__":
    sys.exit(main())
