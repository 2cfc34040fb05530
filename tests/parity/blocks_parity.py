#!/usr/bin/env python3
"""Block formats against gguf's own Python code: every decoding exact, q8_0, q4_0 and q4_1 encoded bit for
bit, q4_k and q6_k (whose scales everybody searches in his own way) within the step of their format.

Usage: blocks_parity.py PROBE
"""
import subprocess
import sys

import gguf
import numpy as np

PROBE = sys.argv[1]
TYPES = {"q4_0": gguf.GGMLQuantizationType.Q4_0, "q4_1": gguf.GGMLQuantizationType.Q4_1,
         "q8_0": gguf.GGMLQuantizationType.Q8_0, "q4_k": gguf.GGMLQuantizationType.Q4_K,
         "q6_k": gguf.GGMLQuantizationType.Q6_K}
EXACT = ("q4_0", "q4_1", "q8_0")


def probe(verb, name, data):
    return subprocess.run([PROBE, verb, name], input=data, capture_output=True, check=True).stdout


def weights():
    """Rows that try every corner: normal, outliers, constants, zeros, one sign, tiny, ties."""
    rng = np.random.default_rng(11)
    rows = [rng.normal(size=(64, 1024)), rng.normal(size=(16, 1024)) * 1e-6,
            np.zeros((1, 1024)), np.full((1, 1024), 3.0), np.full((1, 1024), -0.25),
            np.abs(rng.normal(size=(8, 1024))), -np.abs(rng.normal(size=(8, 1024))),
            rng.integers(-8, 9, size=(32, 1024)) * 0.5, np.full((1, 1024), 1e-30)]
    rows.append(rng.normal(size=(8, 1024)) * np.where(rng.random((8, 1024)) < 0.01, 50, 1))
    return np.concatenate(rows).astype(np.float32)


values = weights()
for name, kind in TYPES.items():
    ours = np.frombuffer(probe("encode", name, values.tobytes()), np.uint8)
    assert ours.size == values.size // gguf.GGML_QUANT_SIZES[kind][0] * gguf.GGML_QUANT_SIZES[kind][1], name
    if name in EXACT:
        theirs = gguf.quants.quantize(values, kind)
        assert np.array_equal(ours, theirs.reshape(-1)), f"{name}: encoded otherwise"
    blocks = ours.reshape(values.shape[0], -1)
    decoded = np.frombuffer(probe("decode", name, blocks.tobytes()), np.float32).reshape(values.shape)
    assert np.array_equal(decoded, gguf.quants.dequantize(blocks, kind)), f"{name}: decoded otherwise"
    # Blocks that no encoder of ours makes: random bytes, with scales that are finite.
    rng = np.random.default_rng(5)
    length, size = gguf.GGML_QUANT_SIZES[kind]
    noise = rng.integers(0, 256, size=(512, size), dtype=np.uint8)
    for offset in {"q4_0": (0,), "q8_0": (0,), "q4_1": (0, 2), "q4_k": (0, 2), "q6_k": (208,)}[name]:
        noise[:, offset:offset + 2] = rng.normal(size=512).astype(np.float16).view(np.uint8).reshape(512, 2)
    decoded_noise = np.frombuffer(probe("decode", name, noise.tobytes()), np.float32).reshape(512, length)
    assert np.array_equal(decoded_noise, gguf.quants.dequantize(noise, kind)), f"{name}: noise decoded otherwise"
    normal = values[:64].astype(np.float64)
    sqnr = 10 * np.log10((normal ** 2).sum() / ((normal - decoded[:64]) ** 2).sum())
    print(f"{name}: {values.size} weights and 512 blocks of noise agree, SQNR of normal weights {sqnr:.1f} dB")
    assert sqnr > {"q4_0": 19, "q4_1": 20, "q8_0": 40, "q4_k": 19, "q6_k": 29}[name]
