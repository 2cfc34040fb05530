"""What the parity tests of models of one's own share: small networks of random weights, saved by the ecosystem's own
tools, and their answers from every engine in fp32."""
import glob
import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import torch

OPENBLAS = glob.glob("/usr/lib/*-linux-gnu/openblas-pthread/libopenblas.so.0")
MLX_ENVIRONMENT = {**os.environ, **({"LD_PRELOAD": OPENBLAS[0]} if OPENBLAS else {})}
ENGINES = ("reference", "onnxruntime", "pytorch", "mlx")
TOLERANCE = 1e-4  # of an answer, relative to the largest
SEEN = 5e-4       # what another value of a field must change at least


def with_noise(model: torch.nn.Module) -> torch.nn.Module:
    """Fresh vectors (norms, biases, tokens of their own) are all alike or nothing, and one that is dropped would go unseen;
    fresh matrices hardly change what goes through them."""
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() < 2 or parameter.shape[0] == 1:
                parameter.add_(torch.randn_like(parameter) * 0.1)
            else:
                parameter.mul_(3.0)
    return model


def error_of(answer: np.ndarray, expected: np.ndarray) -> float:
    assert answer.shape == expected.shape
    return float(np.abs(answer - expected).max() / np.abs(expected).max())


def with_fields(folder: Path, copy: Path, fields: dict, file: str = "config.json") -> Path:
    """A copy of the folder whose file has other values."""
    shutil.copytree(folder, copy)
    place = copy / file
    place.write_text(json.dumps(json.loads(place.read_text()) | fields))
    return copy


class Runner:
    """Answers of engines; a model's bundle is made once."""

    def __init__(self, probe, bin_folder: Path, cache: Path):
        self.probe, self.bin_folder, self.cache, self.bundles = probe, bin_folder, cache, {}

    def bundle(self, path: Path) -> Path:
        if path not in self.bundles:
            done = self.probe("bundle", path, "fp32", self.cache, text=True)
            assert done.returncode == 0, done.stderr
            self.bundles[path] = Path(done.stdout.strip())
        return self.bundles[path]

    def run(self, bundle: Path, engine: str, *arguments) -> np.ndarray | str:
        """All values of the first output, or in place of them why the engine can't."""
        out = self.cache / "answer.f32"
        done = subprocess.run([self.bin_folder / f"logits_{engine}", bundle, *map(json.dumps, arguments), out], capture_output=True, text=True,
                              env=MLX_ENVIRONMENT if engine == "mlx" else None)
        if done.returncode == 3:
            return done.stderr
        assert done.returncode == 0, done.stderr
        return np.fromfile(out, np.float32)

    def at_once(self, bundle: Path, engine: str, inputs: dict) -> np.ndarray:
        """Of a network without caches. Inputs are integers, or pictures of floats."""
        given, rows = {}, len(next(iter(inputs.values())))
        for name, values in inputs.items():
            if values.dtype == np.float32:
                file = self.cache / f"{name}.f32"
                values.tofile(file)
                given[name] = str(file)
            else:
                given[name] = values.tolist()
        answer = self.run(bundle, engine, given)
        assert not isinstance(answer, str), f"unsupported: {answer}"
        return answer.reshape(rows, -1)

    def refusal(self, path: Path) -> str:
        done = self.probe("bundle", path, "fp32", self.cache, text=True)
        assert done.returncode == 1, done.stdout
        return done.stderr


def make_runner(probe, bin_folder: Path, tmp_path_factory) -> Runner:
    return Runner(probe, bin_folder, tmp_path_factory.mktemp("cache"))
