#!/usr/bin/env python3
"""Reads programs linked for macOS and says whether they would load there: architecture, minimum system, libraries,
and each imported symbol in the exports of the library that it names. Exits with 1 where one doesn't hold.

usage: link_report.py --real FOLDER… --listed STUB… --stand-ins FOLDER… --minimum 14.0 --programs PROGRAM…
"""
import argparse
import sys
from pathlib import Path

import lief
from libraries import Library, imports_of, known_libraries, macho

PLACES = ("/usr/lib/", "/System/Library/Frameworks/", "/opt/homebrew/", "@rpath/")
ORIGINS = {"real": "the library's own exports", "list": "zig's list of macOS's", "stand-in": "a stand-in's list"}


def header_faults(binary: lief.MachO.Binary, minimum: str) -> list[str]:
    faults = []
    if binary.header.cpu_type != lief.MachO.Header.CPU_TYPE.ARM64:
        faults.append(f"is for {binary.header.cpu_type.name}, not ARM64")
    version = binary.build_version
    if version is None or version.platform != lief.MachO.BuildVersion.PLATFORMS.MACOS:
        return faults + ["names no macOS that it is for"]
    minos = ".".join(map(str, version.minos[:2]))
    if minos != minimum:
        faults.append(f"needs macOS {minos}, not {minimum}")
    return faults


def library_faults(binary: lief.MachO.Binary, known: dict[str, Library]) -> list[str]:
    faults = []
    folders = [Path(rpath.path) for rpath in binary.rpaths]
    faults += [f"looks for libraries in {folder}, which isn't there" for folder in folders if not folder.is_dir()]
    for name in (library.name for library in binary.libraries):
        if not name.startswith(PLACES):
            faults.append(f"names {name}, a place that no Mac has")
        elif name not in known:
            faults.append(f"names {name}, which nothing here knows")
        elif name.startswith("@rpath/") and not any((folder / name[7:]).exists() for folder in folders):
            faults.append(f"finds {name} in none of the folders where it looks")
    return faults


def symbol_faults(by_library: dict[str, set[str]], unnamed: set[str], known: dict[str, Library]) -> list[str]:
    faults = [f"has {symbol} undefined" for symbol in sorted(unnamed)]
    for name, symbols in by_library.items():
        exports = known[name].exports if name in known else set()
        faults += [f"imports {symbol}, which {name} doesn't export" for symbol in sorted(symbols - exports)]
    return faults


def check(program: Path, known: dict[str, Library], minimum: str) -> tuple[list[str], dict[str, set[str]]]:
    binary = macho(program)
    by_library, unnamed = imports_of(binary)
    faults = header_faults(binary, minimum) + library_faults(binary, known) + symbol_faults(by_library, unnamed, known)
    for library in binary.libraries:
        by_library.setdefault(library.name, set())
    print(f"{program.name}: {len(unnamed)} undefined, {sum(map(len, by_library.values()))} imports")
    for name, symbols in sorted(by_library.items()):
        origin = ORIGINS[known[name].origin] if name in known else "unknown"
        print(f"  {len(symbols):4} from {name} ({origin})")
    return faults, by_library


def print_unproven(used: dict[str, set[str]], known: dict[str, Library]) -> None:
    """Stand-ins show that a name was linked, not that a Mac has it; that a wheel's library takes the same is a sign."""
    print("taken from stand-ins of macOS's frameworks (+: a wheel's library takes it too, from the same framework):")
    for name, symbols in sorted(used.items()):
        if not name.startswith("/System/") or not symbols:
            continue
        seen = set().union(*(library.imports.get(name, set()) for library in known.values()))
        print(f"  {name.split('/')[4]}: " + ", ".join(s + (" +" if s in seen else "") for s in sorted(symbols)))


def main() -> int:
    parser = argparse.ArgumentParser()
    for option in ("--real", "--listed", "--stand-ins"):
        parser.add_argument(option, nargs="+", type=Path, default=[])
    parser.add_argument("--minimum", required=True)
    parser.add_argument("--programs", nargs="+", type=Path, required=True)
    arguments = parser.parse_args()
    known = known_libraries(arguments.real, arguments.listed, arguments.stand_ins)
    faults, used = [], {}
    for program in arguments.programs:
        found, by_library = check(program, known, arguments.minimum)
        faults += [f"{program.name} {fault}" for fault in found]
        for name, symbols in by_library.items():
            used.setdefault(name, set()).update(symbols)
    print_unproven(used, known)
    print("\n".join(faults) or f"all {len(arguments.programs)} programs are for macOS {arguments.minimum} on ARM64, undefined: 0")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
