"""A run of qbench for ARM, and the same one here: the cases have the same outcomes, on the same bits.

usage: arm_run.py ARM_FOLDER NATIVE_FOLDER SUITE WORK: folders of programs, and where stores may be made
"""
import json
import os
import subprocess
import sys
from pathlib import Path

CASE_COUNT_MIN = 20
# What calibration watches are sums, and theirs depends on how wide the processor's registers are.
CALIBRATED = {"static8c"}


def run(programs: Path, suite: Path, work: Path) -> tuple[str, list, str]:
    """What the run says, its records, and which machine qbench takes this for."""
    work.mkdir(parents=True, exist_ok=True)
    store = work / "run.db"
    store.unlink(missing_ok=True)
    # MLX keeps kernels in the temporary folder by names that don't tell the processor.
    (work / "tmp").mkdir(exist_ok=True)
    environment = {**os.environ, "QBENCH_HOME": str(work / "home"), "QBENCH_CACHE": str(work / "cache"), "TMPDIR": str(work / "tmp")}

    def qbench(*arguments):
        done = subprocess.run([programs / "qbench", *map(str, arguments)], capture_output=True, text=True, env=environment)
        if done.returncode:
            sys.exit(f"{programs}/qbench {arguments[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout
    said = qbench("run", suite, "--store", store, "-o", work / "run.html")
    return said, json.loads(qbench("list", "--store", store, "--json")), json.loads(qbench("doctor", "--json"))["host"]["machine"]


def unsupported(record: dict) -> str:
    """Why it is, or nothing."""
    return record["reason"] if record["outcome"] == "unsupported" else ""


def problems_of(ours: list, theirs: list):
    """What keeps the run for ARM from being that of this machine."""
    natively = {r["case"]: r for r in theirs}
    if len(ours) < CASE_COUNT_MIN or {r["case"] for r in ours} != set(natively):
        yield f"{len(ours)} cases for ARM, {len(natively)} here, {CASE_COUNT_MIN} at least were wanted"
    for r in ours:
        other = natively.get(r["case"], r)
        for where, record in (("for ARM", r), ("here", other)):
            if record["outcome"] not in ("ok", "unstable", "unsupported"):
                yield f"{r['case']} {where}: {record['outcome']}: {record['reason']}"
        if unsupported(r) != unsupported(other):
            yield f"{r['case']}: {r['outcome']} ({r['reason']}), but here {other['outcome']} ({other['reason']})"
        if r["scheme"] not in CALIBRATED and r["manifest"]["bundle_hash"] != other["manifest"]["bundle_hash"]:
            yield f"{r['case']}: its bundle is {r['manifest']['bundle_hash']}, but here {other['manifest']['bundle_hash']}"


def main():
    arm, native, suite, work = map(Path, sys.argv[1:5])
    (said, ours, machine), (_, theirs, _) = run(arm, suite, work / "arm"), run(native, suite, work / "native")
    print(said)
    problems = list(problems_of(ours, theirs)) + ([] if machine == "aarch64" else [f"qbench takes its machine for {machine}"])
    print("\n".join(problems) or f"{len(ours)} cases on {machine} ended as here, on the same bits")
    return bool(problems)


sys.exit(main())
