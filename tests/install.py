#!/usr/bin/env python3
"""What `cmake --install` puts somewhere else works there, from any folder.

usage: install.py CMAKE BUILD_FOLDER SUITE
"""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

cmake, build, suite = sys.argv[1:]


def run(*arguments, cwd, **variables):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("QBENCH_")}
    done = subprocess.run([*map(str, arguments)], cwd=cwd, capture_output=True, text=True, env={**kept, **variables})
    assert done.returncode == 0, f"{arguments} ended with {done.returncode}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


with tempfile.TemporaryDirectory(prefix="qb_install_") as folder:
    folder = Path(folder)
    prefix, elsewhere = folder / "prefix", folder / "elsewhere"
    elsewhere.mkdir()
    run(cmake, "--install", build, "--prefix", prefix, cwd=elsewhere)
    for file in ("bin/qbench-prepare", "bin/qbench-worker-reference", "share/qbench/suites/quick.toml",
                 "share/doc/qbench/LICENSE", "share/doc/qbench/README.md"):
        assert (prefix / file).exists(), f"{file} was not installed"

    qbench = prefix / "bin/qbench"
    own = {"QBENCH_HOME": str(folder / "home"), "QBENCH_CACHE": str(folder / "cache")}
    # What the build's program finds, the installed one finds; by its own workers, not the build's.
    there = json.loads(run(qbench, "doctor", "--json", cwd=elsewhere, **own))
    here = json.loads(run(Path(build) / "bin/qbench", "doctor", "--json", cwd=elsewhere, **own))
    available = {row["name"]: row["available"] for row in there["frameworks"]}
    assert available == {row["name"]: row["available"] for row in here["frameworks"]}, available
    assert available["reference"], there
    data = [Path(doctor["folders"]["data"]) for doctor in (there, here)]
    assert data[0].resolve() == data[1].resolve(), data

    # A suite of its own share/, and the tiny one to its end.
    run(qbench, "run", "quick", "--plan-only", cwd=elsewhere, **own)
    store = folder / "a.db"
    run(qbench, "run", suite, "--store", store, "-o", folder / "a.html", cwd=elsewhere, **own)
    records = json.loads(run(qbench, "list", "--store", store, "--json", cwd=elsewhere, **own))
    outcomes = {(record["framework"], record["outcome"]) for record in records}
    wanted = {("reference", "ok"), ("onnxruntime", "ok" if available["onnxruntime"] else "unavailable")}
    assert outcomes == wanted and len(records) == 10, (len(records), outcomes)
    workers = sorted(file.name for file in (prefix / "bin").iterdir())
print(f"installed and run elsewhere: {', '.join(workers)}; frameworks available: {sorted(k for k, v in available.items() if v)}")
