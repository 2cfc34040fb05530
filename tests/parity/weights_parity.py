"""Decoded weights against the gguf package and numpy, bit by bit.

usage: weights_parity.py PROBE GGUF PTH
"""
import json
import subprocess
import sys
import tempfile

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


def checkpoint_again(pth: str, folder: str):
    """The legacy checkpoint's tensors in the other formats, some of them in 16 bits, one a view of another."""
    from safetensors.torch import save_file
    tensors = {k: v for k, v in torch.load(pth, weights_only=True).items() if v.is_floating_point()}
    tensors = {k: v.half() if i % 3 == 1 else v.bfloat16() if i % 3 == 2 else v for i, (k, v) in enumerate(tensors.items())}
    expected = {k: v.float().numpy() for k, v in tensors.items()}
    save_file({k: v.contiguous() for k, v in tensors.items()}, f"{folder}/model.safetensors")
    fc = tensors["_fc.weight"]
    torch.save({"epoch": 3, "state_dict": {**tensors, "view": fc[5:7], "turned": fc.t(), "count": torch.tensor(7)}}, f"{folder}/zip.pth")
    views = {"view": fc[5:7].float().numpy(), "turned": fc.t().float().numpy()}
    return {f"{folder}/model.safetensors": expected, f"{folder}/zip.pth": {**expected, **views}}


def main(probe: str, gguf: str, pth: str) -> int:
    import xxhash
    hash_of = lambda values: xxhash.xxh3_128(values.tobytes()).hexdigest()
    folder = tempfile.TemporaryDirectory()
    expected = {gguf: {t.name: dequantize(t.data, t.tensor_type).reshape(t.shape[::-1].tolist())
                       for t in GGUFReader(gguf).tensors},
                pth: {k: v.numpy() for k, v in torch.load(pth, weights_only=True).items() if v.is_floating_point()},
                **checkpoint_again(pth, folder.name)}
    bad = 0
    for path, tensors in expected.items():
        rows = ours(probe, path, tensors)
        wrong = [n for n, values in tensors.items() if n not in rows or not compare(n, values, rows[n], hash_of)]
        print(f"{len(tensors) - len(wrong)} of {len(tensors)} tensors equal in {path.rsplit('/', 1)[1]}", wrong[:5])
        bad += len(wrong)
    bad += not survives_damage(probe, f"{folder.name}/zip.pth", f"{folder.name}/cut.pth")
    bad += not opens_every_type(probe, folder.name, hash_of)
    bad += not refuses_code(probe, f"{folder.name}/evil.pth")
    return int(bad > 0)


def survives_damage(probe: str, path: str, damaged: str) -> bool:
    """A zip cut anywhere is refused; one with a flipped byte is refused or read; neither is a crash."""
    whole = open(path, "rb").read()
    codes = []
    for i in range(40):
        content = whole[: len(whole) * i // 40] if i % 2 else bytearray(whole)
        if not i % 2:
            content[-1 - 997 * i // 2] ^= 0x55  # the zip's directory is at its end
        open(damaged, "wb").write(content)
        codes.append((i, subprocess.run([probe, "weights", damaged], capture_output=True).returncode))
    wrong = [(i, code) for i, code in codes if code not in ((1,) if i % 2 else (0, 1))]
    print("damaged checkpoints are refused" if not wrong else f"WRONG, damaged checkpoints: {wrong}")
    return not wrong


ELEMENT_TYPES = [name for name in (
    "float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool", "uint16", "uint32", "uint64", "complex64",
    "complex128", "float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu") if hasattr(torch, name)]


def opens_every_type(probe: str, folder: str, hashes) -> bool:
    """A tensor of any type may lie beside those that are read, an empty one too."""
    good, wrong = torch.linspace(-2, 2, 6).reshape(2, 3), []
    for name in ELEMENT_TYPES:
        tensors = {"good": good, "other": torch.zeros(5).to(getattr(torch, name)), "empty": torch.zeros(3, 0).to(getattr(torch, name))}
        for is_zip in (True, False):
            torch.save({"epoch": 1.5, **tensors}, f"{folder}/types.pth", _use_new_zipfile_serialization=is_zip)
            done = subprocess.run([probe, "weights", f"{folder}/types.pth"], capture_output=True, text=True)
            rows = {row["name"]: row for row in map(json.loads, done.stdout.splitlines())}
            if done.returncode or not compare("good", good.numpy(), rows["good"], hashes):
                wrong.append((name, is_zip, done.stderr.strip()))
    print(f"checkpoints with each of {len(ELEMENT_TYPES)} element types open" if not wrong else f"WRONG, types: {wrong}")
    return not wrong


class Evil:
    def __reduce__(self):
        return (print, ("this must never be printed",))


def refuses_code(probe: str, path: str) -> bool:
    torch.save({"state_dict": {"w": torch.zeros(2), "x": Evil()}}, path)
    done = subprocess.run([probe, "weights", path], capture_output=True, text=True)
    good = done.returncode == 1 and "print" in done.stderr and "must never" not in done.stdout
    print("a checkpoint that asks for code is refused:" if good else "WRONG, code was not refused:", done.stderr.strip())
    return good


sys.exit(main(*sys.argv[1:]))
