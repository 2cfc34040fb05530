"""The frameworks together: all of them; each missing in turn, by its library or by its worker; two versions side by side.

usage: frameworks.py QBENCH DATA
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

qbench, data = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
suite = Path(__file__).resolve().parent / "suites/frameworks.toml"
frameworks = ("onnxruntime", "pytorch", "mlx")
folder = Path(tempfile.mkdtemp(prefix="qb_frameworks_"))
failures = []


def check(what: str, ok: bool, seen="") -> None:
    print(("ok    " if ok else "WRONG ") + what + ("" if ok else f": {seen}"))
    if not ok:
        failures.append(what)


def call(*arguments, workers=()):
    environment = {**os.environ, "QBENCH_HOME": str(folder / "home"), "QBENCH_CACHE": str(folder / "cache"), "QBENCH_DATA": str(data),
                   "QBENCH_WORKERS": ":".join(map(str, workers))}
    return subprocess.run([qbench, *map(str, arguments)], capture_output=True, text=True, env=environment, timeout=300)


def measure(name: str, workers=()):
    store = folder / f"{name}.db"
    done = call("run", suite, "--store", store, "-o", folder / f"{name}.html", workers=workers)
    records = json.loads(call("list", "--store", store, "--json").stdout or "[]")
    return done, records


def link_workers(name: str, left_out: str = "") -> Path:
    """A folder with the workers, as set-up makes one for each Python."""
    target = folder / name
    target.mkdir()
    for framework in frameworks:
        if framework != left_out:
            (target / f"qbench-worker-{framework}").symlink_to(qbench.parent / f"qbench-worker-{framework}")
    return target


def without_library(framework: str) -> Path:
    """The framework's worker as it is when the Python package has been removed: where it looks, nothing is."""
    target = link_workers(f"no-library-{framework}", framework)
    worker = target / f"qbench-worker-{framework}"
    content = (qbench.parent / worker.name).read_bytes()
    known = content.count(b"/site-packages/")
    worker.write_bytes(content.replace(b"/site-packages/", b"/gone-packages/"))
    worker.chmod(0o755)
    check(f"{framework}: its worker knows where the package was", known > 0)
    return target


def test_all() -> None:
    done, records = measure("all")
    check("all frameworks: six records, all ok", done.returncode == 0 and [r["outcome"] for r in records] == ["ok"] * 6,
          [(r["case"], r["reason"]) for r in records] or done.stderr)
    check("the table compares them on the same bits", "The same bits in each framework" in done.stdout, done.stdout)
    hashes = {r["scheme"]: set() for r in records}
    for r in records:
        hashes[r["scheme"]].add(r["manifest"]["bundle_hash"])
    check("each scheme was one bundle for all", all(len(h) == 1 for h in hashes.values()), hashes)


def test_missing(framework: str, how: str, workers: Path) -> None:
    done, records = measure(f"{how}-{framework}", [workers])
    outcomes = {r["case"]: r["outcome"] for r in records}
    wanted = {r["case"]: "unavailable" if r["framework"] == framework else "ok" for r in records}
    check(f"{framework} without its {how}: its cases are unavailable, the rest runs", done.returncode == 0 and len(records) == 6 and
          outcomes == wanted, (done.stderr[-300:], outcomes))
    reasons = {r["reason"] for r in records if r["framework"] == framework}
    check(f"{framework} without its {how}: one reason, with the remedy", len(reasons) == 1 and "./qb setup" in reasons.pop(), reasons)
    doctor = call("doctor", workers=[workers]).stdout
    check(f"{framework} without its {how}: doctor says so", f"{framework}" in doctor and "unavailable" in doctor and "remedy: " in doctor, doctor)


def test_versions() -> None:
    done, records = measure("versions", [link_workers("one"), link_workers("two", "mlx")])
    names = sorted({r["framework"] for r in records})
    check("two of a framework stand side by side, each with its version", done.returncode == 0 and len(names) == 5 and
          [n.split("@")[0] for n in names] == ["mlx", "onnxruntime", "onnxruntime", "pytorch", "pytorch"] and "@" not in names[0], (names, done.stderr[-300:]))
    check("and all are measured", [r["outcome"] for r in records] == ["ok"] * 10, [(r["case"], r["reason"]) for r in records])
    store = folder / "later.db"
    both = [folder / "one", folder / "two"]
    call("run", suite, "--budget", "1ms", "--store", store, "-o", folder / "l.html", workers=both)
    done = call("run", "--resume", "--store", store, "-o", folder / "l.html", workers=both[:1])
    records = json.loads(call("list", "--store", store, "--json").stdout)
    absent = [r for r in records if r["outcome"] == "unavailable" and "not here any more" in r["reason"] and "--python" in r["reason"]]
    check("a resumed run says which version is no longer there", len(records) == 10 and len(absent) >= 3, [(r["case"], r["reason"]) for r in records])


try:
    test_all()
    for name in frameworks:
        test_missing(name, "library", without_library(name))
        test_missing(name, "worker", link_workers(f"no-worker-{name}", name))
    test_versions()
finally:
    shutil.rmtree(folder, ignore_errors=True)
sys.exit(bool(failures))
