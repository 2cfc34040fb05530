"""A bundle's parameters, by the layout that src/compression/quant/packed.h documents: f32, and 4 bits with zero points.

Other code than qbench's own, for tests and benchmarks that give the same bits to other people's implementations.
"""
import json
import math
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np


def nibbles(data: np.ndarray) -> np.ndarray:
    """The two 4-bit numbers of each byte along the last axis, the low one first."""
    return np.stack([data & 15, data >> 4], -1).reshape(*data.shape[:-1], -1)


@dataclass
class Packed:
    """Rows of 4-bit codes; each `group_size` of a row have one scale and one zero point."""
    shape: list[int]
    group_size: int
    code_bytes: np.ndarray   # u8 [rows, bytes a row], two codes a byte, the low nibble first
    scales: np.ndarray       # f32 [rows, groups]
    zero_points: np.ndarray  # u8 [rows, groups]

    def values(self) -> np.ndarray:
        rows, groups = self.scales.shape
        codes = nibbles(self.code_bytes)[:, :groups * self.group_size].reshape(rows, groups, self.group_size)
        values = (codes.astype(np.float32) - self.zero_points[:, :, None].astype(np.float32)) * self.scales[:, :, None]
        return values.reshape(rows, -1)[:, :math.prod(self.shape[1:])].reshape(self.shape)


def read_packed(raw: np.ndarray, entry: dict, shape: list[int]) -> Packed:
    rows, columns, group_size = shape[0], math.prod(shape[1:]), entry["group_size"]
    groups = -(-columns // group_size)

    def matrix(start: int, row_bytes: int) -> np.ndarray:
        return raw[start:start + rows * row_bytes].reshape(rows, row_bytes)
    codes = matrix(entry["codes"], -(-(columns if groups == 1 else groups * group_size) // 2))
    scales = matrix(entry["scales"], 4 * groups).view(np.float32)
    points = nibbles(matrix(entry["zero_points"], -(-groups // 2)))[:, :groups]
    return Packed(shape, group_size, codes, scales, points)


def read_parameters(bundle: Path) -> dict[str, np.ndarray | Packed]:
    """By name: the f32 values, or the bits as they are stored. ValueError for what is stored otherwise."""
    manifest = json.loads((bundle / "bundle.json").read_text())
    raw = np.fromfile(bundle / "weights.bin", np.uint8)
    shapes = {v["name"]: v["shape"] for v in manifest["graph"]["values"] if v["kind"] == "parameter"}
    out = {}
    for name, entry in manifest["parameters"].items():
        shape = shapes[name]
        if entry["encoding"] == "f32":
            out[name] = raw[entry["values"]:][:4 * math.prod(shape)].view(np.float32).reshape(shape).copy()
        elif entry["encoding"] == "packed" and entry["bits"] == 4 and not entry["symmetric"] and not entry["per_tensor"]:
            out[name] = read_packed(raw, entry, shape)
        else:
            raise ValueError(f"{name} is stored in a way that isn't read here: {entry}")
    return out


def decode(bundle: Path) -> dict[str, np.ndarray]:
    """All parameters in f32."""
    return {name: p.values() if isinstance(p, Packed) else p for name, p in read_parameters(bundle).items()}


def prepare(probe: Path, model: str, scheme: str, data: Path, cache: Path) -> dict:
    """Makes a bundle below `cache`, or finds it there: the paths of it and of its data set, and the model's task."""
    done = subprocess.run([probe, "prepare", model, scheme, data, cache], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{model} in {scheme} could not be prepared: {done.stderr}")
    return json.loads(done.stdout)
