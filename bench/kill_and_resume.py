#!/usr/bin/env python3
"""kill -9 of qbench or of its worker at random moments: --resume completes the run, no launch that was completed is lost
or doubled, the store stays whole. A test makes 30 kills; by hand:

    build/venv/bin/python bench/kill_and_resume.py build/release/bin/qbench build/data --kills 300
"""
import argparse
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

root = Path(__file__).resolve().parents[1]
LAUNCHES, CASES = 3, 4
NARROWED = ["--scheme", "fp32,w4g32", "--launches", str(LAUNCHES)]


def launches_of(store: Path, run: str) -> dict:
    """(case, kind, index): everything that is stored of each launch."""
    with sqlite3.connect(store) as database:
        rows = database.execute("SELECT case_id, kind, launch_index, outcome, facts, (SELECT group_concat(phase || hex(duration_ns)) "
                                "FROM samples s WHERE s.run_id = l.run_id AND s.case_id = l.case_id AND s.kind = l.kind AND "
                                "s.launch_index = l.launch_index) FROM launch l WHERE run_id = ?", (run,)).fetchall()
    return {row[:3]: row[3:] for row in rows}


def newest_run(store: Path) -> str | None:
    with sqlite3.connect(store) as database:
        try:
            row = database.execute("SELECT id FROM run ORDER BY rowid DESC LIMIT 1").fetchone()
        except sqlite3.OperationalError:  # killed before there was a table
            return None
    return row and row[0]


def is_complete(launches: dict) -> bool:
    """Each case has its launches once: a second one only of what was disturbed or crashed."""
    cases = {case for case, _, _ in launches}
    wanted = {(case, "speed", index) for case in cases for index in range(LAUNCHES)}
    for case, kind, index in wanted:
        first, again = launches.get((case, kind, index)), launches.get((case, kind, index + 10_000))
        if first is None or (again or first)[0] != "ok":
            return False
        if again and first[0] == "ok" and "contention" not in json.loads(first[1]):
            return False
    return len(cases) == CASES and {(c, k, i % 10_000) for c, k, i in launches} == wanted


class Trial:
    """One run that is killed at one moment, and what became of it."""

    def __init__(self, command: list, environment: dict, store: Path):
        self.command, self.environment, self.store = command, environment, store
        self.text = []

    def start(self) -> subprocess.Popen:
        process = subprocess.Popen(self.command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=self.environment)
        self.reader = threading.Thread(target=lambda: self.text.extend(process.stderr), daemon=True)
        self.reader.start()
        return process

    def kill(self, moment_s: float, victim: str) -> bool:
        """False: the run ended before."""
        process = self.start()
        try:
            time.sleep(moment_s)
            target = process.pid
            while victim == "worker" and process.poll() is None:
                found = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True).stdout.split()
                if found:
                    target = int(found[0])
                    break
            if process.poll() is not None:
                return False
            os.kill(target, signal.SIGKILL)
            return True
        except ProcessLookupError:
            return False
        finally:
            process.wait(timeout=120)
            self.reader.join(timeout=10)

    def reported(self) -> list[tuple[str, str]]:
        return re.findall(r"^(\S+) (speed|quality): ", "".join(self.text), re.M)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("qbench")
    parser.add_argument("data")
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=9)
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="qb_kill_"))
    environment = {**os.environ, "QBENCH_HOME": str(folder / "home"), "QBENCH_CACHE": str(folder / "cache"), "QBENCH_DATA": args.data}
    store, rng = folder / "k.db", random.Random(args.seed)
    command = [args.qbench, "run", root / "tests/suites/tiny.toml", *NARROWED, "--store", store, "-o", folder / "k.html"]
    resume = [args.qbench, "run", "--quiet", "--store", store, "-o", folder / "k.html", "--resume"]
    count = {"qbench": 0, "worker": 0, "reported": 0, "lost": 0, "changed": 0, "incomplete": 0, "damaged": 0}
    try:
        subprocess.run(command, env=environment, check=True, capture_output=True)  # bundles are made, once
        start = time.monotonic()
        subprocess.run(command, env=environment, check=True, capture_output=True)
        whole_s = time.monotonic() - start
        began = time.monotonic()
        while count["qbench"] + count["worker"] < args.kills:
            before_it = newest_run(store)
            victim = rng.choice(["qbench", "worker"])
            trial = Trial(command, environment, store)
            if not trial.kill(rng.uniform(0, whole_s), victim):
                continue
            count[victim] += 1
            run = newest_run(store)
            if run == before_it:  # killed before the run had begun: nothing was reported
                count["lost"] += len(trial.reported())
                continue
            kept, reported = launches_of(store, run), trial.reported()
            count["reported"] += len(reported)
            for what in set(reported):
                count["lost"] += max(0, reported.count(what) - sum(key[:2] == what for key in kept))
            done = subprocess.run([*resume, run], env=environment, capture_output=True, text=True)
            after = launches_of(store, run)
            count["changed"] += sum(after.get(key) != value for key, value in kept.items())
            if done.returncode != 0 or not is_complete(after):
                count["incomplete"] += 1
                print(f"not completed: {victim} killed, exit {done.returncode}, {done.stderr[-300:]}\n  " +
                      "\n  ".join(f"{key}: {value[0]}" for key, value in sorted(after.items())), flush=True)
            with sqlite3.connect(store) as database:
                count["damaged"] += database.execute("PRAGMA integrity_check").fetchone()[0] != "ok"
        print(f"kill -9 at {args.kills} random moments of a run of {whole_s:.1f} s (qbench {count['qbench']}, worker "
              f"{count['worker']}) in {time.monotonic() - began:.0f} s: {count['reported']} launches reported; {count['lost']} lost, "
              f"{count['changed']} changed or doubled by --resume; {count['incomplete']} runs not completed by --resume; the store "
              f"was damaged {count['damaged']} times")
        return any(count[bad] for bad in ("lost", "changed", "incomplete", "damaged")) or count["reported"] < args.kills
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
