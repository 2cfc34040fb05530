#!/usr/bin/env python3
"""Change points of made-up series: qbench's detector beside Apache Otava's, asv's, MongoDB's and PELT (ruptures), in one
run on the same series, and beside "report nothing".

Series of 100 nights. Without a change: the share of series with an alarm. With one: the share of series where it is found
within 5 nights. Long: 10,000 nights with 99 steps of 3 standard deviations, how many are found and reported, and the
milliseconds it took (the others' time has Python's in it; MongoDB's isn't run there: its time grows with the square).

    python3 -m venv PEERS; PEERS/bin/pip install numpy scipy ruptures asv==0.6.6 structlog more-itertools pydantic
    PEERS/bin/pip install --no-deps apache-otava==0.8.0 signal-processing-algorithms==2.1.6
    ninja -C build/release bench_steps; PEERS/bin/python bench/change_points.py [--series 200] [--fast]
"""
import argparse
import json
import subprocess
import time
import warnings
from pathlib import Path

import numpy as np

root = Path(__file__).resolve().parents[1]
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--series", type=int, default=200)
parser.add_argument("--fast", action="store_true", help="without MongoDB's, whose permutations take most of the time")
args = parser.parse_args()
warnings.filterwarnings("ignore")
NIGHTS, STEP_AT, NEAR = 100, 50, 5


def ours(all_series):
    done = subprocess.run([root / "build/release/bin/bench_steps"], input=json.dumps([list(s) for s in all_series]),
                          text=True, capture_output=True, check=True)
    answer = json.loads(done.stdout)
    return answer["steps"], answer["ms"]


def timed(find):
    def of_all(all_series):
        start = time.perf_counter()
        found = [find(series) for series in all_series]
        return found, (time.perf_counter() - start) * 1e3
    return of_all


def otava(p):
    from otava.analysis import compute_change_points
    return timed(lambda s: [int(c.index) for c in compute_change_points(list(map(float, s)), max_pvalue=p)[0]])


def asv():
    from asv.step_detect import detect_steps
    return timed(lambda s: [int(step[0]) for step in detect_steps(list(map(float, s)))][1:])


def mongodb(p):
    from signal_processing_algorithms.energy_statistics.energy_statistics import e_divisive
    return timed(lambda s: [int(i) for i in e_divisive(list(map(float, s)), pvalue=p, permutations=100)])


def pelt():
    import ruptures
    def find(s):
        s = np.asarray(s, float)
        variance = (np.median(np.abs(np.diff(s))) / 0.6745 / np.sqrt(2)) ** 2 or 1e-12
        model = ruptures.KernelCPD(kernel="linear", min_size=2).fit(s.reshape(-1, 1))
        return model.predict(pen=3 * np.log(len(s)) * variance)[:-1]
    return timed(find)


def autoregressive(rng, count, r):
    x = np.empty(count)
    x[0] = rng.normal()
    for t in range(1, count):
        x[t] = r * x[t - 1] + np.sqrt(1 - r * r) * rng.normal()
    return x


def with_steps(series, *steps):
    for at, size in steps:
        series[at:] += size
    return series


def spiked(series):
    series[70] += 10
    return series


NULLS = {
    "iid": lambda rng: rng.normal(size=NIGHTS),
    "AR .5": lambda rng: autoregressive(rng, NIGHTS, 0.5),
    "AR .7": lambda rng: autoregressive(rng, NIGHTS, 0.7),
    "logn .5": lambda rng: rng.lognormal(0, 0.5, NIGHTS),
    "t3": lambda rng: rng.standard_t(3, NIGHTS),
    "spike": lambda rng: spiked(rng.normal(size=NIGHTS)),
}
CHANGES = {
    "1 sd": (lambda rng: with_steps(rng.normal(size=NIGHTS), (STEP_AT, 1)), [STEP_AT]),
    "2 sd": (lambda rng: with_steps(rng.normal(size=NIGHTS), (STEP_AT, 2)), [STEP_AT]),
    "3 sd": (lambda rng: with_steps(rng.normal(size=NIGHTS), (STEP_AT, 3)), [STEP_AT]),
    "pulse 2": (lambda rng: with_steps(rng.normal(size=NIGHTS), (40, 2), (60, -2)), [40, 60]),
    "AR, 3 sd": (lambda rng: with_steps(autoregressive(rng, NIGHTS, 0.5), (STEP_AT, 3)), [STEP_AT]),
}


def is_near(found, wanted):
    return all(any(abs(f - w) <= NEAR for f in found) for w in wanted)


detectors = {"report nothing": timed(lambda s: []), "qbench": ours, "Otava .001": otava(1e-3), "Otava 1e-5": otava(1e-5),
             "asv": asv(), "PELT": pelt()}
if not args.fast:
    detectors |= {"MongoDB .05": mongodb(0.05), "MongoDB .01": mongodb(0.01)}
rng = np.random.default_rng(1)
nulls = {name: [draw(rng) for _ in range(args.series)] for name, draw in NULLS.items()}
changes = {name: [draw(rng) for _ in range(args.series)] for name, (draw, _) in CHANGES.items()}
long = rng.normal(size=10_000) + 3.0 * (np.arange(10_000) // 100 % 2)
print(f"{args.series} series each; without a change: alarms; with one: found within {NEAR}; 10,000 nights: found/reported of 99")
print(f"{'':<16}" + "".join(f"{name:>9}" for name in [*nulls, *changes]) + f"{'long':>10}{'ms':>9}")
for name, find in detectors.items():
    shares = [np.mean([bool(found) for found in find(series)[0]]) for series in nulls.values()]
    shares += [np.mean([is_near(found, CHANGES[kind][1]) for found in find(series)[0]]) for kind, series in changes.items()]
    line = f"{name:<16}" + "".join(f"{share:>9.3f}" for share in shares)
    if name.startswith("MongoDB"):
        line += f"{'not run':>10}"
    else:
        found, ms = find([long])
        near = sum(any(abs(f - w) <= NEAR for f in found[0]) for w in range(100, 10_000, 100))
        line += f"{f'{near}/{len(found[0])}':>10}{ms:>9.0f}"
    print(line, flush=True)
