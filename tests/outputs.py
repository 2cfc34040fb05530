"""What is written where: every verb that writes, to every kind of place; and what a run's end says.

usage: outputs.py QBENCH DATA
"""
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

qbench, data = sys.argv[1], Path(sys.argv[2])
here = Path(__file__).resolve().parent
tiny = here / "suites/tiny.toml"
folder = Path(tempfile.mkdtemp(prefix="qb_out_"))
environment = {**os.environ, "QBENCH_HOME": str(folder / "home"), "QBENCH_CACHE": str(folder / "cache"), "QBENCH_DATA": str(data)}
failures = []
ONE_CASE = ("run", tiny, "--scheme", "fp32", "--framework", "reference", "--launches", 1)


def check(what: str, ok: bool, seen="") -> None:
    print(("ok    " if ok else "WRONG ") + what + ("" if ok else f": {seen}"))
    if not ok:
        failures.append(what)


def run(*arguments, stdout=subprocess.PIPE, **more):
    """`more` changes the environment: None takes a variable away."""
    changed = {name: value for name, value in {**environment, **more}.items() if value is not None}
    return subprocess.run([qbench, *map(str, arguments)], stdout=stdout, stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL,
                          env=changed, timeout=300)


def errors_of(done) -> list:
    return [line for line in done.stderr.splitlines() if line.startswith("qbench: ")]


# Each verb: what it is called with to write to `place`, and how what it wrote begins.
WRITERS = {
    "report": (lambda place: ("report", "--store", folder / "a.db", "--format", "csv", "-o", place), "run,model,"),
    "report by its ending": (lambda place: ("report", "--store", folder / "a.db", "--format", "html", "-o", place), "<!doctype html>"),
    "run -o": (lambda place: (*ONE_CASE, "--json", "--store", folder / "b.db", "-o", place), "<!doctype html>"),
    "run --events": (lambda place: (*ONE_CASE, "--json", "--store", folder / "b.db", "-o", folder / "page.html", "--events", place),
                     '{"event":"begun"'),
}


def test_files(name: str, command, mark: str) -> None:
    place = folder / "plain"
    done = run(*command(place))
    check(f"{name}, a new file", done.returncode == 0 and place.read_text().startswith(mark), done)
    for is_there in (True, False):
        target, link = folder / "target", folder / "link"
        if is_there:
            target.write_text("")
        link.symlink_to("target")
        done = run(*command(link))
        check(f"{name}, a link to a file that is {'there' if is_there else 'not there yet'}",
              done.returncode == 0 and link.is_symlink() and target.read_text().startswith(mark), done)
        target.unlink()
        link.unlink()
    place.unlink()


def test_fifo(name: str, command, mark: str) -> None:
    fifo, got = folder / "fifo", []
    os.mkfifo(fifo)
    reader = threading.Thread(target=lambda: got.append(fifo.read_text()), daemon=True)
    reader.start()
    done = run(*command(fifo))
    reader.join(10)
    check(f"{name}, a pipe", done.returncode == 0 and got and got[0].startswith(mark) and stat.S_ISFIFO(fifo.lstat().st_mode), done)
    fifo.unlink()


def test_standard_output(name: str, command, mark: str) -> None:
    if not Path("/dev/stdout").exists():
        print("not run here: there is no /dev/stdout")
        return
    before = Path("/dev/stdout").lstat()
    done = run(*command("/dev/stdout"))
    check(f"{name}, /dev/stdout into a pipe", done.returncode == 0 and done.stdout.startswith(mark) and
          Path("/dev/stdout").lstat().st_ino == before.st_ino, (done.returncode, done.stderr, done.stdout[:80]))
    place = folder / "redirected"
    with open(place, "w") as file:
        file.write("before\n")
        file.flush()
        done = run(*command("/dev/stdout"), stdout=file)
    check(f"{name}, /dev/stdout into a file, behind what is there", done.returncode == 0 and place.read_text().startswith("before\n" + mark), done)


def test_refused_places(name: str, command, mark: str) -> None:
    (folder / "occupied").write_text("x")
    places = {"a folder": folder, "a file in the place of a folder": folder / "occupied/x"}
    if sys.platform == "linux":
        places |= {"a folder that can't be written": "/proc/x", "a full disk": "/dev/full"}
    for kind, place in places.items():
        done = run(*command(place))
        is_measured = "decode" in done.stdout + done.stderr
        check(f"{name}, {kind}: one line that names it, before anything is measured",
              done.returncode in (1, 2) and len(errors_of(done)) == 1 and str(place) in errors_of(done)[0] and
              (not is_measured or kind == "a full disk"), (done.returncode, done.stderr, is_measured))


def test_quantize() -> None:
    """Its output is a folder, which must not be there yet, whatever it is."""
    target, link, fifo = folder / "target", folder / "link", folder / "fifo"
    target.write_text("mine")
    link.symlink_to("nowhere")
    os.mkfifo(fifo)
    for place in (target, link, fifo, folder, "/dev/stdout", "/dev/null"):
        done = run("quantize", "llama-test", "--scheme", "w8c", "-o", place)
        check(f"quantize -o {place}: is there already", done.returncode == 2 and "is there already" in done.stderr and done.stdout == "", done)
    check("and stays what it was", target.read_text() == "mine" and link.is_symlink() and stat.S_ISFIFO(fifo.lstat().st_mode))
    done = run("quantize", "llama-test", "--scheme", "w8c", "-o", folder / "new/deep/bundle")
    check("a new folder gets the bundle", done.returncode == 0 and (folder / "new/deep/bundle/bundle.json").exists(), done)
    if sys.platform == "linux":
        done = run("quantize", "llama-test", "--scheme", "w4g32", "-o", "/proc/x")
        check("a folder that can't be written", done.returncode == 2 and len(errors_of(done)) == 1 and "/proc/x" in done.stderr, done)
    done = run("quantize", "llama-test", "--scheme", "fp32")
    sizes = json.loads(run("quantize", "llama-test", "--scheme", "fp32", "--json").stdout)
    check("a scheme that quantizes nothing has the size that it has", "32.00 bits per weight" in done.stdout and "0 B" not in done.stdout and
          sizes["bits_per_weight"] == 32.0 and sizes["stored"]["bytes"] > 100_000 and sizes["layers"] == [], (done.stdout, sizes))


def test_printing() -> None:
    listings = [(verb, *json_too) for verb in ("doctor", "zoo", "schemes", "frameworks", "metrics") for json_too in ((), ("--json",))]
    store = ("--store", folder / "a.db")
    for command in [*listings, ("list", *store), ("list", "--json", *store), ("report", *store), ("report", "--format", "json", *store),
                    ("explain", "fp32", *store), ("quantize", "llama-test", "--scheme", "w8c"), (*ONE_CASE, "--plan-only"), ("--help",),
                    ("--version",)]:
        what = " ".join(str(word) for word in command if word != folder / "a.db")
        if Path("/dev/full").exists():
            with open("/dev/full", "w") as full:
                done = run(*command, stdout=full)
            check(f"{what}, to a full disk: one line", done.returncode == 1 and len(errors_of(done)) == 1 and
                  "standard output" in errors_of(done)[0], (done.returncode, done.stderr))
        reading, writing = os.pipe()
        os.close(reading)
        done = run(*command, stdout=writing)
        os.close(writing)
        check(f"{what}, to a reader that is gone: quiet", errors_of(done) == [], done.stderr)


def test_endings() -> None:
    """A run in which a case failed, or none was measured, says so last and is no success."""
    nothing = run("run", tiny, "--scheme", "fp32", "--framework", "coreml", "--store", folder / "n.db", "-o", folder / "n.html")
    check("none measured: exit 1, said in the last line", nothing.returncode == 1 and
          nothing.stderr.splitlines()[-1] == "none of 1 cases was measured: 1 unavailable", (nothing.returncode, nothing.stderr))
    some = run("run", tiny, "--scheme", "fp32", "--framework", "coreml,reference", "--launches", 1, "--store", folder / "s.db", "-o", folder / "s.html")
    check("unavailable beside measured: exit 0", some.returncode == 0, (some.returncode, some.stderr))
    if "ASAN_OPTIONS" not in os.environ:
        failed = run(*ONE_CASE, "--memory-max", "2MB", "--store", folder / "f.db", "-o", folder / "f.html")
        check("a case failed: exit 1, said in the last line", failed.returncode == 1 and
              failed.stderr.splitlines()[-1].endswith("1 out_of_memory"), (failed.returncode, failed.stderr))


def test_refusals() -> None:
    for given, nearest in (("rnu", "run"), ("quantise", "quantize"), ("reports", "report"), ("scheme", "schemes")):
        done = run(given)
        check(f"the verb {given}: named, with the nearest", done.returncode == 2 and len(errors_of(done)) == 1 and
              f'"{given}"' in done.stderr and f'did you mean "{nearest}"?' in done.stderr, done.stderr)
    for count in ("0", "-1", "100000", "1,0"):
        done = run("run", tiny, f"--threads={count}", "--plan-only")
        check(f"--threads {count}: refused with the machine's limits", done.returncode == 2 and len(errors_of(done)) == 1 and
              "this machine offers 1 to" in done.stderr, done.stderr)
    twice = json.loads(run("run", tiny, "--threads", "1,1", "--scheme", "fp32,fp32", "--framework", "reference,reference", "--batch", "2,2",
                           "--depth", "0,0", "--plan-only", "--json").stdout)
    check("what a list names twice is planned once", len(twice["cases"]) == 1, twice)
    for verb in (ONE_CASE, ("list",), ("doctor",), ("quantize", "llama-test", "--scheme", "w8c")):
        done = run(*verb, HOME=None, QBENCH_HOME=None, QBENCH_CACHE=None, XDG_DATA_HOME="relative", XDG_CACHE_HOME="")
        check(f"{verb[0]} without a home: refused with the remedy", done.returncode == 2 and "set HOME" in done.stderr and
              not Path("relative").exists(), done.stderr)


try:
    prepared = run(*ONE_CASE, "--store", folder / "a.db", "-o", folder / "a.html")
    check("a run to report on", prepared.returncode == 0, prepared)
    for name, (command, mark) in WRITERS.items():
        for test in (test_files, test_fifo, test_standard_output, test_refused_places):
            test(name, command, mark)
    for test in (test_quantize, test_printing, test_endings, test_refusals):
        for path in ("target", "link", "fifo"):
            (folder / path).unlink(missing_ok=True)
        test()
finally:
    shutil.rmtree(folder, ignore_errors=True)
sys.exit(bool(failures))
