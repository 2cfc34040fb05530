#!/usr/bin/env python3
"""How far three implementations of the same bits lie apart with 8-bit activations, and why.

For each scheme the quality data goes through the reference, ONNX Runtime and PyTorch; their logits are compared with
those of fp32 and with each other's (mean KL divergence in nats). Then the reference is compared with itself, all
norms' weights off by their last bit (bench_rounding_sensitivity): what an order of sums does.

    build/venv/bin/python bench/activation_ranges.py [--tokens 128] [--scheme dyn8c dyn8c:token ...] [--bin build/release/bin]

--tokens 0: all 1,022 scored tokens, in two windows. Needs a build with -DQB_BENCHMARKS=ON and the
model's weights (./qb setup).
"""
import argparse
import itertools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

root = Path(__file__).resolve().parents[1]
work = root / "build/bench/activation_ranges"
ENGINES = ["reference", "onnxruntime", "pytorch"]
SCHEMES = ["fp32", "dyn8c", "dyn8c:token", "dyn8c+smooth", "dyn8c:token+smooth"]


def prepare(bin_folder: Path, scheme: str) -> dict:
    done = subprocess.run([bin_folder / "probe", "prepare", "smollm2-135m", scheme, root / "build/data", work],
                          capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def answer(bin_folder: Path, engine: str, prepared: dict, token_count: int) -> dict:
    """Perplexity, and where the logits lie."""
    logits = work / f"{engine}-{Path(prepared['bundle']).name}-{token_count}.tensors"
    request = work / "request.json"
    request.write_text(json.dumps({
        "is_quality": True, "task": "causal_lm", "bundle": prepared["bundle"], "workload": {"thread_count": 2},
        "dataset": prepared["dataset"], "baseline_output": str(logits), "item_count_max": token_count}))
    done = subprocess.run([bin_folder / f"qbench-worker-{engine}", "--run", request], capture_output=True, text=True)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    if not events or events[-1].get("outcome") != "ok":
        sys.exit(f"{engine}: {events[-1] if events else done.stderr}")
    facts = {e["name"]: e["value"] for e in events if e["event"] == "fact"}
    return {"perplexity": facts["perplexity"], "tokens": facts["token_count"], "logits": logits}


def read_logits(path: Path) -> np.ndarray:
    """The one matrix of a tensor file: src/compression/bundle/tensor_file.h."""
    with path.open("rb") as file:
        header = json.loads(file.readline())
    entry, = header["tensors"]
    return np.memmap(path, np.float32, "r", int(entry["offset"]), tuple(entry["shape"]))


def divergence(a: Path, b: Path) -> float:
    """Mean KL(a || b) in nats."""
    total = 0.0
    ours, theirs = read_logits(a), read_logits(b)
    for x, y in zip(ours, theirs):
        log_p, log_q = (row - np.logaddexp.reduce(row) for row in (x.astype(np.float64), y.astype(np.float64)))
        total += float(np.sum(np.exp(log_p) * (log_p - log_q)))
    return total / len(ours)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--tokens", type=int, default=128)
    options.add_argument("--scheme", nargs="+", default=SCHEMES)
    options.add_argument("--bin", type=Path, default=root / "build/release/bin")
    arguments = options.parse_args()
    work.mkdir(parents=True, exist_ok=True)
    unquantized = answer(arguments.bin, "reference", prepare(arguments.bin, "fp32"), arguments.tokens)
    print(f"{unquantized['tokens']} tokens; fp32 by the reference: perplexity {unquantized['perplexity']:.2f}")
    for scheme in arguments.scheme:
        prepared = prepare(arguments.bin, scheme)
        answers = {engine: answer(arguments.bin, engine, prepared, arguments.tokens) for engine in ENGINES}
        print(scheme)
        for engine, given in answers.items():
            distance = divergence(unquantized["logits"], given["logits"])
            print(f"  {engine:12} perplexity {given['perplexity']:8.2f}   KL from fp32 {distance:.3g}")
        for a, b in itertools.combinations(ENGINES, 2):
            print(f"  {a} to {b}: KL {divergence(answers[a]['logits'], answers[b]['logits']):.3g}")
        for given in answers.values():
            if given["logits"] != unquantized["logits"]:
                given["logits"].unlink()
        subprocess.run([arguments.bin / "bench_rounding_sensitivity", prepared["bundle"], prepared["dataset"],
                        str(arguments.tokens or 512)], check=True)
        sys.stdout.flush()
    unquantized["logits"].unlink()


if __name__ == "__main__":
    main()
