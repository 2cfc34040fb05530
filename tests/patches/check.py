#!/usr/bin/env python3
"""How many files an addition touches, shown by a patch that makes it.

tests/patches/NAME.patch adds something made up. It is applied to a copy of the sources, as they stand in the working
tree; it must apply and touch at most --files-max files. With --build the targets named are built there (what the patch
leaves alone comes out of ccache) and with --run programs of theirs are run, so that the patch can't rot.

    tests/patches/check.py operator --files-max 6
    tests/patches/check.py operator --files-max 6 --build test_ir parity_mlx --run "parity_mlx --test-case=*squares*"
"""
import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def output_of(*command, cwd):
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True).stdout


def copy_sources(target: Path):
    """The tracked files and new ones that git doesn't ignore. A file that is there already and the same stays as old as it is."""
    names = output_of("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT).split("\0")
    for name in filter(None, names):
        source, copy = ROOT / name, target / name
        if not source.is_file():  # deleted, or a link to a folder
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, copy)


def apply(patch: Path, target: Path):
    """The files that the patch touches. git is told that the copy is no part of the repository around it."""
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(target.parent)}
    done = subprocess.run(["git", "apply", "--numstat", "--apply", str(patch)], cwd=target, env=environment,
                          capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{patch.name} does not apply:\n{done.stderr}Mend the patch: it shows how such an addition is made.")
    return [line.split("\t")[2] for line in done.stdout.splitlines()]


def build_and_run(target: Path, targets, commands, defines):
    started = time.monotonic()
    environment = {**os.environ, "CCACHE_BASEDIR": str(target), "CCACHE_NOHASHDIR": "1"}
    folder = target / "build" / "release"
    subprocess.run(["cmake", "--preset", "release", *(f"-D{define}" for define in defines)], cwd=target, env=environment,
                   check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", str(folder), *targets], env=environment, check=True)
    print(f"built in {time.monotonic() - started:.0f} s")
    for command in commands:
        name, *arguments = command.split()
        subprocess.run([str(folder / "bin" / name), *arguments], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("--files-max", type=int, required=True)
    parser.add_argument("--build", nargs="+", default=[], metavar="TARGET")
    parser.add_argument("--run", action="append", default=[], metavar="COMMAND")
    parser.add_argument("--define", action="append", default=[], metavar="NAME=VALUE", help="for CMake")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "patched", help="folder of the copies")
    arguments = parser.parse_args()
    target = (arguments.work / arguments.name).resolve()
    for entry in target.iterdir() if target.exists() else ():
        if entry.name != "build":
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    target.mkdir(parents=True, exist_ok=True)
    copy_sources(target)
    files = apply(Path(__file__).with_name(arguments.name + ".patch"), target)
    print(f"{arguments.name}: {len(files)} files", *files, sep="\n  ")
    if not 0 < len(files) <= arguments.files_max:
        sys.exit(f"{len(files)} files are touched, {arguments.files_max} at most should be")
    if arguments.build:
        build_and_run(target, arguments.build, arguments.run, arguments.define)


if __name__ == "__main__":
    main()
