"""Tables take the terminal's width: a real run, shown at several widths, on a pseudo-terminal and beside one.

usage: terminal_width.py QBENCH DATA
"""
import fcntl
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

qbench, data = sys.argv[1:]
tiny = Path(__file__).resolve().parent / "suites/tiny.toml"
folder = Path(tempfile.mkdtemp(prefix="qb_width_"))
environment = {**os.environ, "QBENCH_HOME": str(folder / "home"), "QBENCH_CACHE": str(folder / "cache"), "QBENCH_DATA": data}
environment.pop("COLUMNS", None)
failures = []


def check(what: str, ok: bool, seen="") -> None:
    print(("ok    " if ok else "WRONG ") + what + ("" if ok else f": {seen}"))
    if not ok:
        failures.append(what)


def report(*arguments: str, **more: str) -> str:
    return subprocess.run([qbench, "report", *arguments], capture_output=True, text=True, check=True, env={**environment, **more}).stdout


def report_on_terminal(columns: int, **more: str) -> str:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    child = subprocess.Popen([qbench, "report"], stdout=theirs, env={**environment, **more})
    os.close(theirs)
    text = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # the other side is closed: Linux says so by an error
            break
        if not part:
            break
        text += part
    os.close(ours)
    check(f"report on a terminal of {columns} columns ends well", child.wait() == 0)
    return text.decode().replace("\r\n", "\n")


def widest(text: str) -> int:
    return max(len(line) for line in text.splitlines())


def headings(text: str) -> int:
    """Of the first table: how many columns it has."""
    return len(re.findall(r"\S+(?: \S+)*", text.splitlines()[1]))


try:
    shown = subprocess.run([qbench, "run", tiny, "--quiet", "--launches", "3", "--scheme", "fp32,w4g32", "--framework", "onnxruntime,reference"],
                           capture_output=True, text=True, check=True, env=environment).stdout
    check("a run shows tables of 100 columns where there is no terminal", widest(shown.split("\nreport  ")[0]) <= 100, shown)
    last = shown.split("\nreport  ")[0].split("\n\n")[-1]
    check("the last lines before the files' names are the verdict",
          re.findall(r"^  (\w.*?): ", last, re.M) == ["fastest", "smallest", "fastest within 1 % of fp32's answers"], last)
    check("report shows the same", report() == shown.split("report  ")[0])
    for columns in (60, 80, 120):
        text = report_on_terminal(columns)
        check(f"a terminal of {columns} columns", widest(text) <= columns and "not shown for width" in text, text)
    check("a wider terminal has more columns", headings(report_on_terminal(60)) < headings(report_on_terminal(120)))
    check("COLUMNS counts before the terminal", widest(report_on_terminal(120, COLUMNS="70")) <= 70)
    check("COLUMNS that is no number does not", report_on_terminal(120, COLUMNS="wide") == report_on_terminal(120))
    wide = report("--wide")
    check("--wide leaves nothing out", "not shown" not in wide and headings(wide) > headings(report(COLUMNS="120")), wide)
    file = folder / "a.txt"
    report("-o", str(file), COLUMNS="300")
    check("a file does not depend on the terminal", widest(file.read_text()) <= 100)
finally:
    shutil.rmtree(folder, ignore_errors=True)
sys.exit(bool(failures))
