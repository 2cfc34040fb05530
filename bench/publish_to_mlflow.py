#!/usr/bin/env python3
"""`qbench publish` to a real MLflow server, which is killed again and again meanwhile: nothing is lost, nothing doubled.

Made-up runs are published while the server is killed with SIGKILL at random moments and started again, and so is qbench.
At the end MLflow's own client reads what is there: each case once, with every launch's value once, and the pages.

    python3 -m venv MLFLOW; MLFLOW/bin/pip install mlflow==3.17.2 numpy
    MLFLOW/bin/python bench/publish_to_mlflow.py [--kills 50] [--runs 5]
"""
import argparse
import os
import random
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
sys.path.insert(0, str(root / "tests"))
from made_up_runs import MadeUpRun, write_run

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--kills", type=int, default=50)
parser.add_argument("--runs", type=int, default=5)
parser.add_argument("--programs", type=Path, default=root / "build/release/bin")
args = parser.parse_args()
random.seed(1)


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    def __init__(self, folder: Path):
        self.folder, self.port = folder, free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port), "--workers", "1",
             "--backend-store-uri", f"sqlite:///{self.folder}/mlflow.db", "--artifacts-destination", str(self.folder / "artifacts")],
            stdout=(self.folder / "server.log").open("a"), stderr=subprocess.STDOUT, start_new_session=True)
        for _ in range(600):
            try:
                urllib.request.urlopen(self.uri + "/health", timeout=1).read()
                return
            except OSError:
                time.sleep(0.1)
        sys.exit(f"the server doesn't start, see {self.folder}/server.log")

    def kill(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


with tempfile.TemporaryDirectory() as place:
    folder = Path(place)
    store = folder / "r.db"
    for i in range(args.runs):
        write_run(args.programs, store, MadeUpRun(f"run-{i}", i, day=i + 1).content())
    command = [args.programs / "qbench", "publish", "--all", "--store", store, "--mlflow"]
    environment = {**os.environ, "QBENCH_HOME": str(folder), "MLFLOW_HTTP_REQUEST_TIMEOUT": "20"}
    server = Server(folder)
    server.start()
    killed = Counter()
    while sum(killed.values()) < args.kills:
        publishing = subprocess.Popen([*command, server.uri], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(random.uniform(0.02, 1.0))
        if random.random() < 0.5:
            killed["qbench"] += 1
            publishing.kill()
        else:
            killed["server"] += 1
            server.kill()
            publishing.wait()
            server.start()
        publishing.wait()
        print(f"\r{sum(killed.values())} of {args.kills} killed", end="", flush=True)
    done = subprocess.run([*command, server.uri], env=environment, text=True, capture_output=True)
    again = subprocess.run([*command, server.uri], env=environment, text=True, capture_output=True)
    print(f"\n{done.stdout}{done.stderr}{again.stdout}{again.stderr}", end="")

    from mlflow import MlflowClient
    client = MlflowClient(server.uri)
    experiments = [e.experiment_id for e in client.search_experiments() if e.name.startswith("qbench/")]
    runs = client.search_runs(experiments, max_results=50_000)
    cases = [run for run in runs if "mlflow.parentRunId" in run.data.tags]
    names = Counter(run.data.tags["qbench.case"] for run in cases)
    problems = [f"{name} {count} times" for name, count in names.items() if count != 1]
    problems += [f"{len(cases)} cases of {args.runs * 8}"] if len(cases) != args.runs * 8 else []
    for run in cases:
        values = Counter((m.step, m.value) for m in client.get_metric_history(run.info.run_id, "pictures_per_s.launch"))
        if len(values) != 10 or set(values.values()) != {1} or run.info.status != "FINISHED":
            problems.append(f"{run.data.tags['qbench.case']}: {run.info.status}, launches {values}")
    whole = [run for run in runs if run not in cases]
    pages = [client.list_artifacts(run.info.run_id) for run in whole]
    problems += [f"{len(whole)} runs of {args.runs}"] if len(whole) != args.runs else []
    problems += ["a page is missing"] if [len(p) for p in pages] != [1] * args.runs else []
    server.kill()
    print(f"killed: {dict(killed)}; {len(cases)} cases, {len(whole)} runs with their pages")
    print("\n".join(problems) if problems else "nothing lost, nothing doubled")
    sys.exit(bool(problems))
