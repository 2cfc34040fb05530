"""LoRA adapters against PEFT: small networks with adapters that PEFT saves, fused and as branches beside the weights, on
every framework in fp32; beside a quantized base, whose bits are those without an adapter. MLX's (mlx-lm's) by their
documented layout: PEFT's matrices the other way round."""
import json
import math
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import peft
import pytest
import torch
from bundles import read_parameters
from decoders_parity import T
from tiny_models import ENGINES, MLX_ENVIRONMENT, with_noise
from quantized_folders import as_gptq
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM, Phi3Config, Phi3ForCausalLM, Qwen2Config, Qwen2ForCausalLM

TOKENS = np.random.default_rng(7).integers(0, 256, 24).tolist()
ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
CASES = {
    "plain": (LlamaForCausalLM, LlamaConfig(**T, num_key_value_heads=2), dict(r=4, lora_alpha=8, target_modules=ALL)),
    "biases": (LlamaForCausalLM, LlamaConfig(**T, attention_bias=True, mlp_bias=True), dict(r=3, lora_alpha=7, target_modules=["q_proj", "down_proj"])),
    "patterns": (LlamaForCausalLM, LlamaConfig(**T), dict(r=4, lora_alpha=6, use_rslora=True, target_modules=ALL,
                                                          rank_pattern={"down_proj": 2, "layers.1.self_attn.q_proj": 8}, alpha_pattern={"up_proj": 3})),
    "head": (LlamaForCausalLM, LlamaConfig(**T), dict(r=2, lora_alpha=4, target_modules=["v_proj", "lm_head"])),
    "fused-projections": (Phi3ForCausalLM, Phi3Config(**T, num_key_value_heads=2), dict(r=4, lora_alpha=4, target_modules=["qkv_proj", "gate_up_proj", "o_proj"])),
    "tied": (Qwen2ForCausalLM, Qwen2Config(**T, num_key_value_heads=2, tie_word_embeddings=True), dict(r=4, lora_alpha=8, target_modules=["k_proj", "v_proj"])),
}


@dataclass
class Made:
    model: peft.PeftModel
    base: Path
    adapter: Path
    logits: np.ndarray

    def source(self) -> str:
        return f"{self.base} + {self.adapter}"


def logits_of(model) -> np.ndarray:
    with torch.no_grad():
        return model(torch.tensor([TOKENS])).logits[0].float().numpy()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    known: dict[str, Made] = {}

    def make(name: str) -> Made:
        if name not in known:
            kind, config, lora = CASES[name]
            folder = tmp_path_factory.mktemp(name)
            torch.manual_seed(len(name))
            base = with_noise(kind(config)).eval()
            base.save_pretrained(folder / "base")
            plain = logits_of(base)
            model = peft.get_peft_model(base, peft.LoraConfig(task_type="CAUSAL_LM", **lora)).eval()
            with torch.no_grad():
                for parameter_name, parameter in model.named_parameters():
                    if "lora_" in parameter_name:
                        parameter.normal_(std=0.3)  # fresh ones add nothing
            model.save_pretrained(folder / "adapter", save_embedding_layers=False)
            logits = logits_of(model)
            assert np.abs(logits - plain).max() > 0.05 * np.abs(plain).max()  # one that is left out is seen
            known[name] = Made(model, folder / "base", folder / "adapter", logits)
        return known[name]
    return make


@pytest.fixture(scope="module")
def bundle(probe, tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")

    def build(source, scheme: str) -> Path:
        done = probe("bundle", source, scheme, cache, text=True)
        assert done.returncode == 0, done.stderr
        return Path(done.stdout.strip())
    return build


@pytest.fixture(scope="module")
def run(bin_folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("logits") / "logits.f32"

    def logits(bundle: Path, engine: str) -> np.ndarray:
        done = subprocess.run([bin_folder / f"logits_{engine}", bundle, json.dumps(TOKENS), json.dumps([17, 6, 1]), out],
                              capture_output=True, text=True, env=MLX_ENVIRONMENT if engine == "mlx" else None)
        assert done.returncode == 0, done.stderr
        return np.fromfile(out, np.float32).reshape(len(TOKENS), -1)
    return logits


def assert_near(logits: np.ndarray, expected: np.ndarray) -> None:
    error = np.abs(logits - expected).max() / np.abs(expected).max()
    assert error <= 1e-4, f"{error:.1e} of the largest logit"


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("scheme", ["fp32", "fp32+lora"])
@pytest.mark.parametrize("name", CASES)
def test_logits_are_pefts(made, bundle, run, name, scheme, engine):
    assert_near(run(bundle(made(name).source(), scheme), engine), made(name).logits)


@pytest.mark.parametrize("scheme", ["fp32", "fp32+lora"])
def test_mlx_adapters_are_the_same(made, bundle, run, tmp_path, scheme):
    case = made("plain")
    parts = load_file(case.adapter / "adapter_model.safetensors")
    turned = {name.removeprefix("base_model.model.").replace("lora_A.weight", "lora_a").replace("lora_B.weight", "lora_b"): value.T.contiguous()
              for name, value in parts.items()}
    save_file(turned, tmp_path / "adapters.safetensors")
    (tmp_path / "adapter_config.json").write_text(json.dumps(
        {"fine_tune_type": "lora", "num_layers": 2, "lora_parameters": {"rank": 4, "scale": 2.0, "dropout": 0.0}}))
    assert_near(run(bundle(f"{case.base} + {tmp_path}", scheme), "reference"), case.logits)


def test_beside_a_quantized_base_its_bits_are_those_without_adapter(made, bundle, run):
    case = made("patterns")
    alone, beside = (read_parameters(bundle(source, scheme)) for source, scheme in ((case.base, "w4g32"), (case.source(), "w4g32+lora")))
    for name, stored in alone.items():
        if isinstance(stored, np.ndarray):
            assert np.array_equal(stored, beside[name]), name
        else:
            assert np.array_equal(stored.code_bytes, beside[name].code_bytes) and np.array_equal(stored.scales, beside[name].scales), name
    parts = load_file(case.adapter / "adapter_model.safetensors")
    branches = {name: values for name, values in beside.items() if name not in alone}
    assert len(branches) == len(parts)
    for name, values in branches.items():
        stem, end = name.rsplit(".lora_", 1)
        part = parts[f"base_model.model.{stem}.lora_{end.replace('a.', 'A.').replace('b.', 'B.')}"].numpy()
        rank = 8 if "layers.1.self_attn.q_proj" in name else 2 if "down_proj" in name else 4
        scale = (3 if "up_proj" in name else 6) / math.sqrt(rank) if end == "b.weight" else 1
        assert values == pytest.approx(part * np.float32(scale), rel=1e-6), name
    with torch.no_grad():  # PEFT with the very weights that the bits decode to
        for name, parameter in case.model.named_parameters():
            plain = name.removeprefix("base_model.model.").replace(".base_layer", "")
            if "lora_" not in name and not isinstance(alone[plain], np.ndarray):
                parameter.copy_(torch.from_numpy(alone[plain].values()))
    assert_near(run(bundle(case.source(), "w4g32+lora"), "reference"), logits_of(case.model))


@pytest.fixture
def spoilt(made, probe, tmp_path):
    """What is said of an adapter with other fields of its config, or other tensors."""
    case = made("plain")

    def say(change=None, base: Path | None = None, **fields) -> str:
        config = json.loads((case.adapter / "adapter_config.json").read_text()) | fields
        (tmp_path / "adapter_config.json").write_text(json.dumps(config))
        parts = load_file(case.adapter / "adapter_model.safetensors")
        save_file(change(parts) if change else parts, tmp_path / "adapter_model.safetensors")
        done = probe("bundle", f"{base or case.base} + {tmp_path}", "fp32", tmp_path / "cache", text=True)
        assert done.returncode != 0
        return done.stderr
    return say


FIRST = "base_model.model.model.layers.0.self_attn.q_proj.lora_"


@pytest.mark.parametrize("fields, words", (
    (dict(use_dora=True), "use_dora is true, which is not followed"),
    (dict(bias="all"), 'bias is "all"'),
    (dict(init_lora_weights="pissa"), 'init_lora_weights is "pissa"'),
    (dict(modules_to_save=["lm_head"]), 'modules_to_save is ["lm_head"]'),
    (dict(peft_type="IA3"), 'peft_type is "IA3"'),
    (dict(rank_pattern={"q_.*": 4}), "is no plain name"),
    (dict(r=5), "where the rank is 5"),
    (dict(something_new={"a": 1}), "something_new is"),
), ids=lambda value: next(iter(value)) if isinstance(value, dict) else "")
def test_what_is_not_followed_is_refused_by_name(spoilt, fields, words):
    assert words in spoilt(**fields)


def test_tensors_that_do_not_fit_are_refused_by_name(spoilt, made):
    assert "adapter is of another base" in spoilt(base=made("biases").base, change=lambda p: {n.replace("layers.1", "layers.7"): v for n, v in p.items()})
    assert "64 inputs and 63 outputs" in spoilt(lambda p: p | {FIRST + "B.weight": torch.zeros(63, 4)})
    assert "q_proj.lora_B.weight is missing" in spoilt(lambda p: {n: v for n, v in p.items() if n != FIRST + "B.weight"})
    assert "holds what is no number" in spoilt(lambda p: p | {FIRST + "B.weight": torch.full((64, 4), math.nan)})
    assert "lm_head.base_layer.weight is of no low-rank branch" in spoilt(lambda p: p | {"base_model.model.lm_head.base_layer.weight": torch.ones(256, 64)})
    assert "lora_magnitude_vector is of no low-rank branch" in spoilt(lambda p: p | {"base_model.model.model.layers.0.self_attn.q_proj.lora_magnitude_vector": torch.ones(64)})
    assert "for model.layers.0.self_attn.q_proj it has 63 inputs" in spoilt(lambda p: p | {FIRST + "A.weight": torch.zeros(4, 63)})


@pytest.mark.parametrize("order", [False, True], ids=["neighbours", "act-order"])
def test_beside_a_checkpoints_own_bits(made, bundle, run, probe, tmp_path, order):
    """The same as beside the weights that they decode to."""
    case = made("plain")
    shutil.copytree(case.base, tmp_path / "gptq")
    file = tmp_path / "gptq/config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | as_gptq(tmp_path / "gptq", order=order)))
    source = f"{tmp_path / 'gptq'} + {case.adapter}"
    own, decoded = (run(bundle(source, scheme), "reference") for scheme in ("as-is+lora", "fp32+lora"))
    assert_near(own, decoded)
    done = probe("bundle", source, "as-is", tmp_path / "cache", text=True)
    assert done.returncode != 0 and "as-is+lora has the adapter beside them" in done.stderr, done.stderr
