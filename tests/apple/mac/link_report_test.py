#!/usr/bin/env python3
"""Shows that link_report.py finds faults: tiny programs, each with one.

usage: link_report_test.py FOLDER_OF_COMPILERS
"""
import subprocess
import sys
import tempfile
from pathlib import Path

TOOLS = Path(sys.argv[1])
STUB = """--- !tapi-tbd
tbd-version: 4
targets: [ arm64-macos ]
install-name: {name}
exports:
  - targets: [ arm64-macos ]
    symbols: [ {symbols} ]
...
"""


def link(folder: Path, name: str, *options: str, calls: str = "a_function") -> None:
    source = folder / f"{name}.c"
    source.write_text(f"int {calls}(void); int main(void) {{ return {calls}(); }}\n")
    subprocess.run([TOOLS / "cc", source, "-o", folder / name, *options], check=True)


def report(folder: Path, name: str) -> subprocess.CompletedProcess:
    system = TOOLS.parent.glob("venv/lib/python3*/site-packages/ziglang/lib/libc/darwin/libSystem.tbd")
    return subprocess.run(
        [sys.executable, Path(__file__).with_name("link_report.py"), "--minimum", "14.0", "--real", folder / "real",
         "--listed", *system, "--stand-ins", folder / "known", "--programs", folder / name],
        capture_output=True, text=True)


def main() -> int:
    missed = []

    def expect(name: str, message: str, status: int = 1) -> None:
        found = report(folder, name)
        if found.returncode != status or message not in found.stdout:
            missed.append(f"{name}: not '{message}' but\n{found.stdout}{found.stderr}")

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for sub in ("real", "known", "linked"):
            (folder / sub).mkdir()

        def stub(sub: str, file: str, install_name: str, symbols: str = "_a_function") -> str:
            (folder / sub / file).write_text(STUB.format(name=install_name, symbols=symbols))
            return str(folder / sub / file)

        (folder / "real.c").write_text("int a_function(void) { return 0; }\n")
        real = folder / "real/libreal.dylib"
        subprocess.run([TOOLS / "cc", folder / "real.c", "-shared", "-o", real, "-Wl,-install_name,@rpath/libreal.dylib"], check=True)
        rpath = f"-Wl,-rpath,{folder}/real"
        link(folder, "good", str(real), rpath)
        expect("good", "undefined: 0", 0)
        link(folder, "undefined", "-Wl,-undefined,dynamic_lookup")
        expect("undefined", "has _a_function undefined")
        link(folder, "no_such", stub("linked", "libreal.tbd", "@rpath/libreal.dylib", "_no_such"), rpath, calls="no_such")
        expect("no_such", "imports _no_such, which @rpath/libreal.dylib doesn't export")
        link(folder, "too_new", str(real), rpath, "-target", "aarch64-macos.15.0")
        expect("too_new", "needs macOS 15.0, not 14.0")
        link(folder, "linux_path", stub("known", "leak.tbd", "/home/someone/libleak.dylib"))
        expect("linux_path", "names /home/someone/libleak.dylib, a place that no Mac has")
        link(folder, "no_rpath", str(real))
        expect("no_rpath", "finds @rpath/libreal.dylib in none of the folders")
        link(folder, "intel", "-target", "x86_64-macos.14.0", "-Wl,-undefined,dynamic_lookup")
        expect("intel", "is for X86_64, not ARM64")
    print("\n".join(missed) or "the link report finds each of 6 planted faults and passes a good program")
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
