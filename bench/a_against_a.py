#!/usr/bin/env python3
"""The same case as A and as B: how often the 95 % interval of their ratio holds 1, and how often a planted slowdown of
5 % is found. On a machine that is otherwise idle.

One run of qbench makes all launches; every second one is A, the others B, so each comparison is of neighbours, as in a
suite of two cases. A comparison takes `--launches` of each: the median of the paired ratios with its BCa interval of
the mean log ratio. The slowdown is planted by multiplying B's times.

    build/venv/bin/python bench/a_against_a.py [--model efficientnet-lite0] [--scheme fp32] [--comparisons 40] [--launches 10]
"""
import argparse
import json
import os
import statistics
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from scipy.stats import bootstrap

root = Path(__file__).resolve().parents[1]
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--model", default="efficientnet-lite0")
parser.add_argument("--scheme", default="fp32")
parser.add_argument("--comparisons", type=int, default=40)
parser.add_argument("--launches", type=int, default=10)
args = parser.parse_args()
SUITE = """
name = "a-against-a"
[protocol]
launches        = {count}
warmup_duration = "100ms"
iteration_count = 20
duration_min    = "300ms"
duration_max    = "5s"
[[benchmark]]
model     = ["{model}"]
scheme    = ["{scheme}"]
framework = ["onnxruntime"]
quality   = false
workload  = {{ prompt_tokens = 32, generated_tokens = 16 }}
"""


def interval(ratios) -> tuple[float, float]:
    logs = np.log(ratios)
    result = bootstrap((logs,), np.mean, n_resamples=2000, method="BCa", random_state=np.random.default_rng(1))
    return tuple(np.exp(result.confidence_interval))


count = 2 * args.launches * args.comparisons
with tempfile.TemporaryDirectory() as folder:
    suite = Path(folder) / "suite.toml"
    suite.write_text(SUITE.format(count=min(count, 1000), model=args.model, scheme=args.scheme))
    subprocess.run([root / "build/release/bin/qbench", "run", suite, "--store", f"{folder}/r.db", "-o", f"{folder}/r.html",
                    "--quiet"], check=True, stdout=subprocess.DEVNULL)
    report = json.loads(subprocess.run([root / "build/release/bin/qbench", "report", "--store", f"{folder}/r.db", "--format",
                                        "json"], check=True, capture_output=True, text=True).stdout)
launches = {}
for launch in report["records"][0]["launches"]:
    series = launch["samples_ns"].get("decode") or launch["samples_ns"]["inference"]
    launches[launch["index"] % 10_000] = statistics.median(series)  # a repeat replaces what was disturbed
times = np.array([launches[i] for i in sorted(launches)])
pairs = times[: len(times) // 2 * 2].reshape(-1, 2)
comparisons = len(pairs) // args.launches
held = found = 0
for i in range(comparisons):
    part = pairs[i * args.launches:(i + 1) * args.launches]
    low, high = interval(part[:, 1] / part[:, 0])
    held += low <= 1 <= high
    low, _ = interval(1.05 * part[:, 1] / part[:, 0])
    found += low > 1
noise = np.std(np.log(times)) * 100
print(f"{args.model} {args.scheme}: {len(times)} launches, {comparisons} comparisons of {args.launches} against "
      f"{args.launches}\nA against A: the 95 % interval holds 1 in {held} ({100 * held / comparisons:.0f} %)\n"
      f"planted slowdown of 5 %: found in {found} ({100 * found / comparisons:.0f} %)\n"
      f"this machine's own noise: launches differ by {noise:.1f} % (one standard deviation), neighbours by "
      f"{np.std(np.log(pairs[:, 1] / pairs[:, 0])) * 100:.1f} %")
