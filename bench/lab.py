#!/usr/bin/env python3
"""A lab on this machine: a real Buildbot master and two workers, as deploy/buildbot sets them up, while master, workers and
qbench are killed with SIGKILL at random moments. At the end each request's run is in the lab's store once, whole.

    python3 -m venv LAB; LAB/bin/pip install -r deploy/buildbot/requirements.txt
    LAB/bin/python bench/lab.py [--kills 50] [--requests 4]
"""
import argparse
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from pathlib import Path

root = Path(__file__).resolve().parents[1]
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--kills", type=int, default=50)
parser.add_argument("--requests", type=int, default=4, help="of each worker")
parser.add_argument("--programs", type=Path, default=root / "build/release/bin")
args = parser.parse_args()
random.seed(2)
tools = Path(sys.executable).parent
SUITE = """
name = "tiny"
[protocol]
launches = 2
warmup_count = 1
iteration_count = 1
duration_min = "100ms"
[[benchmark]]
model = ["llama-test"]
scheme = ["fp32", "w8c", "w4g32", "q4_0"]
framework = ["reference"]
workload = { prompt_tokens = 8, generated_tokens = 2 }
quality = false
"""
CASES, LAUNCHES = 4, 2


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Lab:
    def __init__(self, folder: Path):
        self.folder, self.web, self.listen = folder, free_port(), free_port()
        (folder / "suites").mkdir()
        (folder / "suites/tiny.toml").write_text(SUITE)
        (folder / "bin").mkdir()
        (folder / "bin/qbench").write_text(f'#!/bin/sh\nexec "{args.programs}/qbench" "$@"\n')
        (folder / "bin/qbench").chmod(0o755)
        self.environment = {**os.environ, "PATH": f"{folder}/bin:{tools}:{os.environ['PATH']}", "QBENCH_SUITES": str(folder / "suites"),
                            "QBENCH_HOME": str(folder / "home"), "QBENCH_CACHE": str(folder / "cache")}
        self.processes = {}
        (folder / "master").mkdir()
        shutil.copy(root / "deploy/buildbot/master.cfg", folder / "master")
        (folder / "master/lab.toml").write_text(
            f'[master]\nweb = "tcp:{self.web}:interface=127.0.0.1"\nlisten = "tcp:{self.listen}:interface=127.0.0.1"\nqbench = "qbench"\nstore = "lab.db"\n'
            + "".join(f'[[machine]]\nname = "{name}"\npassword = "p"\n' for name in ("one", "two")))
        self.call("buildbot", "create-master", "-q", "-r", folder / "master")
        for name in ("one", "two"):
            self.call("buildbot-worker", "create-worker", "-q", folder / name, f"127.0.0.1:{self.listen}", name, "p")

    def call(self, *command):
        done = subprocess.run([str(part) for part in command], env=self.environment, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{command}: {done.stdout}{done.stderr}")

    def start(self, name: str):
        program = "buildbot" if name == "master" else "buildbot-worker"
        for pid_file in (self.folder / name).glob("twistd.pid"):
            pid_file.unlink()
        self.processes[name] = subprocess.Popen([program, "start", "--nodaemon", self.folder / name], env=self.environment, start_new_session=True,
                                                stdout=(self.folder / f"{name}.log").open("a"), stderr=subprocess.STDOUT)
        if name == "master":
            self.wait_for(lambda: self.ask("builders"), "the master's web server")

    def kill(self, name: str):
        """The process alone: what it started is left behind, as it is by a real SIGKILL."""
        process = self.processes[name]
        os.killpg(process.pid, signal.SIGKILL) if name == "master" else os.kill(process.pid, signal.SIGKILL)
        process.wait()

    def ask(self, what: str):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.web}/api/v2/{what}", timeout=5) as answer:
                return json.loads(answer.read())
        except (OSError, ValueError):
            return None

    def wait_for(self, is_there, what: str, seconds: int = 120):
        for _ in range(seconds * 5):
            if result := is_there():
                return result
            time.sleep(0.2)
        sys.exit(f"waited {seconds} s for {what}; see {self.folder}/*.log")

    def force(self, builder: str):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.web}/api/v2/forceschedulers/measure-now", method="POST", headers={"Content-Type": "application/json"},
            data=json.dumps({"id": 1, "jsonrpc": "2.0", "method": "force", "params": {"builderNames": [builder], "builderid": self.builders()[builder], "suite": "tiny"}}).encode())
        urllib.request.urlopen(request, timeout=20).read()

    def builders(self) -> dict:
        return {b["name"]: b["builderid"] for b in self.ask("builders")["builders"]}

    def requests(self) -> list:
        answer = self.ask("buildrequests")
        return answer["buildrequests"] if answer else []


def kill_a_qbench(folder: Path) -> bool:
    """One of the processes that measure, if there is one now."""
    found = subprocess.run(["pgrep", "-f", f"^{args.programs}/qbench run .*--store tiny-"], text=True, capture_output=True).stdout.split()
    if not found:
        return False
    try:
        os.kill(int(random.choice(found)), signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


with tempfile.TemporaryDirectory() as place:
    folder = Path(place)
    lab = Lab(folder)
    for name in ("master", "one", "two"):
        lab.start(name)
    for _ in range(args.requests):
        for name in ("one", "two"):
            lab.force(name)
    wanted = 2 * args.requests
    killed, deadline = Counter(), time.monotonic() + 1500
    while time.monotonic() < deadline:
        open_requests = [r for r in lab.requests() if not r["complete"]]
        if sum(killed.values()) >= args.kills and lab.requests() and not open_requests:
            break
        if sum(killed.values()) < args.kills:
            if not open_requests and lab.requests():  # all were measured already: more, so that there is something to kill
                for name in ("one", "two"):
                    lab.force(name)
                wanted += 2
            victim = random.choice(["master", "one", "two", "qbench", "qbench"])
            if victim == "qbench":
                killed["qbench"] += kill_a_qbench(folder)
            else:
                lab.kill(victim)
                killed[victim] += 1
                lab.start(victim)
            print(f"\r{dict(killed)}, {len(open_requests)} requests open", end="", flush=True)
        time.sleep(random.uniform(0.2, 3.0))
    requests = lab.requests()
    results = Counter(r["results"] for r in requests)
    for build in (lab.ask("builds") or {"builds": []})["builds"]:
        steps = (lab.ask(f"builds/{build['buildid']}/steps") or {"steps": []})["steps"]
        if build["results"] not in (0, 1, 5):  # all but done, with warnings, to be tried again
            print(f"\nbuild {build['buildid']} of request {build['buildrequestid']}:", [(s["name"], s["results"], s["state_string"]) for s in steps])
    for name in ("one", "two", "master"):
        lab.kill(name)
    qbench = [args.programs / "qbench", "list", "--json", "--store", folder / "master/lab.db"]
    listed = subprocess.run([*qbench, "--runs"], env=lab.environment, capture_output=True, text=True)
    runs = json.loads(listed.stdout) if listed.returncode == 0 else []
    problems = []
    if len(requests) != wanted:
        problems.append(f"{len(requests)} requests of {wanted}")
    if len(runs) != wanted:
        problems.append(f"{len(runs)} runs for {wanted} requests")
    for run in runs:
        records = json.loads(subprocess.run([*qbench, "--run", run["run"]], env=lab.environment, capture_output=True, text=True).stdout)
        launches = [len({launch["index"] % 10_000 for launch in record["launches"]}) for record in records]
        outcomes = Counter(record["outcome"] for record in records)
        doubled = any(len(record["launches"]) != len({launch["index"] for launch in record["launches"]}) for record in records)
        if len(records) != CASES or doubled or not set(outcomes) <= {"ok", "unstable"} or launches != [LAUNCHES] * CASES:
            problems.append(f"{run['run']}: {len(records)} cases, {outcomes}, launches {launches}")
    print(f"\nkilled: {dict(killed)}; {len(requests)} requests, results {dict(results)}; {len(runs)} runs in the lab's store")
    print("\n".join(problems) if problems else "nothing lost, nothing doubled")
    sys.exit(bool(problems))
