"""Decoded weights against the gguf package and numpy, bit by bit.

usage: weights_parity.py PROBE GGUF PTH
"""
import json
import subprocess
import sys

import numpy as np
import torch
from gguf import GGUFReader
from gguf.quants import dequantize


def ours(probe: str, path: str, want):
    done = subprocess.run([probe, "weights", path], capture_output=True, text=True, check=True)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {row["name"]: row for row in rows}


def compare(name: str, values: np.ndarray, row, hashes) -> bool:
    values = np.ascontiguousarray(values, dtype=np.float32)
    return list(values.shape) == row["shape"] and hashes(values) == row["hash"]


def main(probe: str, gguf: str, pth: str) -> int:
    import xxhash
    hash_of = lambda values: xxhash.xxh3_128(values.tobytes()).hexdigest()
    expected = {gguf: {t.name: dequantize(t.data, t.tensor_type).reshape(t.shape[::-1].tolist())
                       for t in GGUFReader(gguf).tensors},
                pth: {k: v.numpy() for k, v in torch.load(pth, weights_only=True).items() if v.is_floating_point()}}
    bad = 0
    for path, tensors in expected.items():
        rows = ours(probe, path, tensors)
        wrong = [n for n, values in tensors.items() if n not in rows or not compare(n, values, rows[n], hash_of)]
        print(f"{len(tensors) - len(wrong)} of {len(tensors)} tensors equal in {path.rsplit('/', 1)[1]}", wrong[:5])
        bad += len(wrong)
    return int(bad > 0)


sys.exit(main(*sys.argv[1:]))
