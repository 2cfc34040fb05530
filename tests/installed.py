"""What `cmake --install` makes works from elsewhere: its programs find each other, their libraries and their suites.

usage: installed.py CMAKE BUILD_FOLDER TINY_SUITE
"""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

cmake, build, suite = sys.argv[1:]
with tempfile.TemporaryDirectory(prefix="qb_installed_") as name:
    folder = Path(name)
    prefix, elsewhere = folder / "prefix", folder / "elsewhere"
    elsewhere.mkdir()
    subprocess.run([cmake, "--install", build, "--prefix", prefix], check=True, stdout=subprocess.DEVNULL)
    environment = {**os.environ, "QBENCH_HOME": f"{folder}/home", "QBENCH_CACHE": f"{folder}/cache"}
    for chosen in ("QBENCH_SUITES", "QBENCH_DATA", "QBENCH_WORKERS"):
        environment.pop(chosen, None)

    def run(program: Path, *arguments: str) -> str:
        done = subprocess.run([program, *arguments], cwd=elsewhere, env=environment, capture_output=True, text=True, timeout=200)
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        return done.stdout

    qbench = prefix / "bin/qbench"
    run(qbench, "doctor")
    installed, built = ({f["name"]: f["available"] for f in json.loads(run(Path(p), "frameworks", "--json"))}
                        for p in (qbench, f"{build}/bin/qbench"))
    assert installed == built and installed["reference"], (installed, built)
    assert json.loads(run(qbench, "run", "quick", "--plan-only", "--json"))["cases"], "the suites are not there"
    run(qbench, "run", suite, "--launches", "1", "--scheme", "fp32", "--store", "a.db", "-o", "a.html")
    records = json.loads(run(qbench, "list", "--store", "a.db", "--json"))
    assert records and all(r["outcome"] in ("ok", "unavailable") for r in records), records
    assert any(r["outcome"] == "ok" for r in records), records
    assert (prefix / "share/doc/qbench/LICENSE").exists()
print("the installed programs work from another folder")
