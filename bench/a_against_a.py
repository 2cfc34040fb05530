#!/usr/bin/env python3
"""The same case as A and as B: how often the 95 % interval of their ratio holds 1, and how often a planted slowdown of
5 % is found. On a machine that is otherwise idle.

One run of qbench makes all launches; every second one is A, the others B, so each comparison is of neighbours, as in a
suite of two cases. A comparison takes `--launches` of each; ratio and interval are the program's own, through
`probe ratio`. The slowdown is planted by multiplying B's times.

    build/venv/bin/python bench/a_against_a.py [--model efficientnet-lite0] [--scheme fp32] [--comparisons 40] [--launches 10]
"""
import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np

root = Path(__file__).resolve().parents[1]
programs = root / "build/release/bin"
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


def interval(own, base) -> tuple[float, float]:
    """Of own's speed over base's: each a list of launches, a launch a list of its samples in ns."""
    done = subprocess.run([programs / "probe", "ratio"], input=json.dumps({"own": own, "base": base}), check=True,
                          capture_output=True, text=True)
    ratio = json.loads(done.stdout)
    assert ratio["pair_count"] == len(own) and ratio["interval"], ratio
    return tuple(ratio["interval"])


with tempfile.TemporaryDirectory() as folder:
    suite = Path(folder) / "suite.toml"
    suite.write_text(SUITE.format(count=2 * args.launches * args.comparisons, model=args.model, scheme=args.scheme))
    subprocess.run([programs / "qbench", "run", suite, "--store", f"{folder}/r.db", "-o", f"{folder}/r.html", "--quiet"],
                   check=True, stdout=subprocess.DEVNULL)
    report = json.loads(subprocess.run([programs / "qbench", "report", "--store", f"{folder}/r.db", "--format", "json"],
                                       check=True, capture_output=True, text=True).stdout)
samples = {}
for launch in report["records"][0]["launches"]:
    series = launch["samples_ns"].get("decode") or launch["samples_ns"]["inference"]
    samples[launch["index"] % 10_000] = series  # a repeat replaces what was disturbed
launches = [samples[i] for i in sorted(samples)]
comparisons = len(launches) // (2 * args.launches)
held = found = 0
for i in range(comparisons):
    part = launches[2 * args.launches * i:2 * args.launches * (i + 1)]
    a, b = part[::2], part[1::2]
    low, high = interval(b, a)
    held += low <= 1 <= high
    _, high = interval([[round(1.05 * ns) for ns in launch] for launch in b], a)
    found += high < 1
logs = np.log([np.mean(launch) for launch in launches])
neighbours = logs[1::2][:len(logs) // 2] - logs[::2][:len(logs) // 2]
print(f"{args.model} {args.scheme}: {len(launches)} launches, {comparisons} comparisons of {args.launches} against "
      f"{args.launches}\nA against A: the 95 % interval holds 1 in {held} ({100 * held / comparisons:.0f} %)\n"
      f"planted slowdown of 5 %: found in {found} ({100 * found / comparisons:.0f} %)\n"
      f"this machine's own noise: launches differ by {np.std(logs) * 100:.1f} % (one standard deviation), neighbours by "
      f"{np.std(neighbours) * 100:.1f} %")
