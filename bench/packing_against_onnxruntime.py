#!/usr/bin/env python3
"""fp32 to 4 bits in groups of 32: qbench's packing against ONNX Runtime's own quantizer, as a ratio.

Both read the same distinct matrices (seeded normal, larger than any cache) and launches alternate. qbench is timed
from the mapped file to the synced bundle on disk, and for its arithmetic alone; ONNX Runtime's quantize_matmul_4bits
for its call alone, on matrices in memory that are already transposed as it wants them.

    build/venv/bin/python bench/packing_against_onnxruntime.py [--matrices 16] [--threads 2] [--launches 3]
"""
import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

root = Path(__file__).resolve().parents[1]
work = root / "build/bench/packing"
SIZE = 4096


def write_matrices(path: Path, count: int) -> None:
    """A safetensors file of `count` matrices, written one at a time."""
    step = SIZE * SIZE * 4
    header = {f"layer{i:02}.weight": {"dtype": "F32", "shape": [SIZE, SIZE], "data_offsets": [i * step, (i + 1) * step]}
              for i in range(count)}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for i in range(count):
            file.write(np.random.default_rng(i).standard_normal((SIZE, SIZE), np.float32).tobytes())


def theirs(path: Path, count: int) -> float:
    """Seconds in ONNX Runtime's quantizer, in a fresh process."""
    code = f"""
import time, numpy as np
from onnxruntime.capi._pybind_state import quantize_matmul_4bits
raw = np.memmap({str(path)!r}, np.uint8, "r")
start = 8 + int.from_bytes(raw[:8].tobytes(), "little")
spent = 0.0
for i in range({count}):
    matrix = raw[start + i * {SIZE * SIZE * 4}:][:{SIZE * SIZE * 4}].view(np.float32).reshape({SIZE}, {SIZE})
    matrix = np.ascontiguousarray(matrix)
    packed = np.zeros(({SIZE}, {SIZE // 32}, 16), np.uint8)
    scales = np.zeros({SIZE * SIZE // 32}, np.float32)
    zero_points = np.zeros({SIZE} * (({SIZE // 32} + 1) // 2), np.uint8)
    before = time.perf_counter()
    quantize_matmul_4bits(packed, matrix, scales, zero_points, 32, {SIZE}, {SIZE}, False)
    spent += time.perf_counter() - before
print(spent)
"""
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


def ours(path: Path, threads: int) -> dict:
    done = subprocess.run([root / "build/bench_build/bin/bench_packing", path, "w4g32", str(threads), work / "bundles"],
                          capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--matrices", type=int, default=16)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--launches", type=int, default=3)
args = parser.parse_args()
work.mkdir(parents=True, exist_ok=True)
for preset in (["-S", root, "-B", root / "build/bench_build", "-G", "Ninja", "-DQB_BENCHMARKS=ON", "-DQB_TESTS=OFF"],
               ["--build", root / "build/bench_build", "--target", "bench_packing"]):
    subprocess.run(["cmake", *preset], check=True, capture_output=True)
path = work / f"{args.matrices}.safetensors"
if not path.exists():
    write_matrices(path, args.matrices)
gigabytes = args.matrices * SIZE * SIZE * 4 / 1e9
whole, arithmetic = [], []
for launch in range(args.launches):
    a, b = ours(path, args.threads), theirs(path, args.matrices)
    whole.append(b / a["whole_s"])
    arithmetic.append(b / a["quantizing_s"])
    print(f"launch {launch}: qbench {gigabytes / a['whole_s']:.2f} GB/s to disk, {gigabytes / a['quantizing_s']:.2f} GB/s "
          f"arithmetic, peak memory {a['peak_rss_bytes'] / 1e6:.0f} MB (a matrix is {SIZE * SIZE * 4 / 1e6:.0f} MB); "
          f"ONNX Runtime {gigabytes / b:.2f} GB/s", flush=True)
print(f"ratio to disk {statistics.median(whole):.2f}x, arithmetic {statistics.median(arithmetic):.2f}x "
      f"(medians of {args.launches}; ONNX Runtime's quantizer takes its threads itself)")
