"""A checkpoint's own bits on every framework: the logits of the scheme as-is are those of the weights that the bits decode
to, in fp32. Where frameworks compute otherwise by design (activations in 8 bits, 4-bit kernels that round them) the
reference's are the measure."""
import json
import subprocess

import gguf
import numpy as np
import pytest
import torch
from decoders_parity import Made, T, write_gguf
from tiny_models import MLX_ENVIRONMENT, with_noise
from quantized_folders import as_compressed, as_gptq, as_mlx
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM

TOKENS = np.random.default_rng(7).integers(0, 256, 24).tolist()
FORMATS = {
    "act-order": (lambda folder: as_gptq(folder, order=True), ("reference", "onnxruntime", "pytorch", "mlx")),
    **{f"mlx-{bits}": (lambda folder, bits=bits: as_mlx(folder, bits), ("reference", "mlx")) for bits in (2, 3, 5, 6)},
}


@pytest.fixture(scope="module")
def run_bundle(bin_folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "logits.f32"

    def run(bundle: str, engine: str) -> np.ndarray:
        done = subprocess.run([bin_folder / f"logits_{engine}", bundle, json.dumps(TOKENS), json.dumps([17, 6, 1]), out],
                              capture_output=True, text=True, env=MLX_ENVIRONMENT if engine == "mlx" else None)
        assert done.returncode == 0, done.stderr
        return np.fromfile(out, np.float32).reshape(len(TOKENS), -1)
    return run


@pytest.fixture(scope="module")
def logits(probe, run_bundle, tmp_path_factory):
    folder = tmp_path_factory.mktemp("as_is")
    bundles = {}

    def of(name: str, quantize, scheme: str, engine: str) -> np.ndarray:
        model = folder / name
        if not model.exists():
            torch.manual_seed(1)
            with_noise(LlamaForCausalLM(LlamaConfig(**T, num_key_value_heads=2))).save_pretrained(model)
            config = json.loads((model / "config.json").read_text())
            (model / "config.json").write_text(json.dumps(config | quantize(model)))
        if (name, scheme) not in bundles:
            done = probe("bundle", model, scheme, folder / "cache", text=True)
            assert done.returncode == 0, done.stderr
            bundles[name, scheme] = done.stdout.strip()
        return run_bundle(bundles[name, scheme], engine)
    return of


def relative(ours: np.ndarray, theirs: np.ndarray) -> float:
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


# PyTorch's and ONNX Runtime's 4-bit kernels may round activations.
LIMITS = {"reference": 1e-5, "mlx": 1e-4, "onnxruntime": 5e-2, "pytorch": 5e-2}


@pytest.mark.parametrize("name, engine", [(name, engine) for name, (_, engines) in FORMATS.items() for engine in engines])
def test_own_bits_give_the_logits_of_what_they_decode_to(logits, name, engine):
    quantize = FORMATS[name][0]
    expected = logits(name, quantize, "fp32", "reference")
    assert relative(logits(name, quantize, "as-is", engine), expected) < LIMITS[engine]


def test_act_order_that_is_not_followed_would_be_seen(logits):
    """The same codes with groups of neighbours: other weights."""
    def unordered(folder):
        fields = as_gptq(folder, order=True)
        tensors = load_file(folder / "model.safetensors")
        save_file({name: torch.arange(len(t), dtype=torch.int32) // 32 if "g_idx" in name else t for name, t in tensors.items()}, folder / "model.safetensors")
        return fields
    assert relative(logits("unordered", unordered, "as-is", "reference"), logits("act-order", FORMATS["act-order"][0], "as-is", "reference")) > 0.1


def test_activations_in_8_bits_by_token(logits):
    exact = logits("w8a8", as_compressed, "fp32", "reference")
    rounded = logits("w8a8", as_compressed, "as-is", "reference")
    assert 1e-4 < relative(rounded, exact) < 0.2  # they are rounded, and no more than that
    for engine in ("onnxruntime", "pytorch"):
        assert relative(logits("w8a8", as_compressed, "as-is", engine), rounded) < 2e-2


@pytest.mark.parametrize("kind, engines", (("Q5_0", ("onnxruntime", "pytorch", "mlx")), ("Q5_1", ("pytorch", "mlx"))))
def test_blocks_of_a_gguf_that_are_no_schemes(probe, run_bundle, tmp_path, monkeypatch, kind, engines):
    kind, add_tensor = gguf.GGMLQuantizationType[kind], gguf.GGUFWriter.add_tensor

    def add_quantized(writer, name, values):
        if values.ndim == 2:
            add_tensor(writer, name, gguf.quants.quantize(values, kind), raw_dtype=kind)
        else:
            add_tensor(writer, name, values)
    monkeypatch.setattr(gguf.GGUFWriter, "add_tensor", add_quantized)
    torch.manual_seed(2)
    model = with_noise(LlamaForCausalLM(LlamaConfig(**T, num_key_value_heads=2)))
    write_gguf(tmp_path / "m.gguf", "llama", Made(model, tmp_path, TOKENS, None))

    def logits(scheme, engine):
        done = probe("bundle", tmp_path / "m.gguf", scheme, tmp_path / "cache", text=True)
        assert done.returncode == 0, done.stderr
        return run_bundle(done.stdout.strip(), engine)
    expected = logits("fp32", "reference")
    assert relative(logits("as-is", "reference"), expected) < 1e-5
    for engine in engines:
        assert relative(logits("as-is", engine), expected) < LIMITS[engine], engine
