"""Every decoder that models of one's own may be: small ones of random weights, made by the ecosystem's own class, saved
its way and read here. Logits within 1e-4 (of their largest) on the reference and on every framework in fp32, in one pass
and with caches filled a few tokens at a time.

Vectors (norms, biases) get noise: fresh ones are all 1 or 0, and one that is dropped would go unseen.
"""
import json
from dataclasses import dataclass, field
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
import transformers
from tiny_models import ENGINES, SEEN, TOLERANCE, error_of, make_runner, with_fields, with_noise

T = dict(vocab_size=256, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
         max_position_embeddings=512, pad_token_id=0, bos_token_id=1, eos_token_id=2)
LLAMA3 = dict(rope_type="llama3", rope_theta=5e5, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=64)
LONGROPE = dict(rope_type="longrope", rope_theta=1e4, short_factor=[1.0 + 0.1 * i for i in range(8)], long_factor=[2.0 + i for i in range(8)],
                original_max_position_embeddings=16)
GEMMA = dict(num_key_value_heads=1, head_dim=32, query_pre_attn_scalar=32, sliding_window=8, num_hidden_layers=4)


@dataclass
class Network:
    """A class of transformers and what its configuration has beyond T."""
    name: str
    kind: str
    config: dict
    token_count: int = 40
    # Of the saved config.json, to have the form of the hub's older checkpoints: what is taken away, and put there.
    without: tuple = ()
    older: dict = field(default_factory=dict)
    dtype: torch.dtype = torch.float32
    sees_pictures: bool = False  # then what is run is its text network


NETWORKS = (
    Network("llama", "Llama", dict(num_key_value_heads=4)),
    Network("llama-grouped-wide-heads", "Llama", dict(num_key_value_heads=2, head_dim=32)),
    Network("llama-3", "Llama", dict(num_key_value_heads=2, head_dim=16, tie_word_embeddings=True, rope_parameters=LLAMA3)),
    Network("llama-3-older-config", "Llama", dict(num_key_value_heads=2, head_dim=16, rope_parameters=LLAMA3), without=("rope_parameters", "head_dim"),
            older=dict(rope_theta=5e5, rope_scaling={k: v for k, v in LLAMA3.items() if k != "rope_theta"})),
    Network("llama-linear", "Llama", dict(rope_parameters=dict(rope_type="linear", rope_theta=1e4, factor=4.0))),
    Network("llama-biases", "Llama", dict(num_key_value_heads=2, attention_bias=True, mlp_bias=True)),
    Network("llama-bf16", "Llama", dict(num_key_value_heads=2), dtype=torch.bfloat16),
    Network("llama-odd-sizes", "Llama", dict(hidden_size=72, intermediate_size=91, num_attention_heads=9, num_key_value_heads=3, vocab_size=251)),
    Network("llama-odd-heads", "Llama", dict(hidden_size=60, num_attention_heads=6, num_key_value_heads=3)),
    Network("mistral-wide-heads", "Mistral", dict(num_key_value_heads=2, head_dim=32, sliding_window=None)),
    Network("mistral-window", "Mistral", dict(num_key_value_heads=2, head_dim=16, sliding_window=8)),
    Network("phi-2", "Phi", dict(num_key_value_heads=4, rope_parameters=dict(rope_type="default", rope_theta=1e4, partial_rotary_factor=0.5))),
    Network("phi-2-older-config", "Phi", dict(rope_parameters=dict(rope_type="default", rope_theta=1e4, partial_rotary_factor=0.25)),
            without=("rope_parameters",), older=dict(rope_theta=1e4, partial_rotary_factor=0.25)),
    Network("phi-3-window", "Phi3", dict(num_key_value_heads=4, sliding_window=8)),
    Network("phi-3-grouped", "Phi3", dict(num_key_value_heads=2)),
    Network("phi-3-longrope", "Phi3", dict(num_key_value_heads=4, original_max_position_embeddings=16, rope_parameters=LONGROPE), token_count=16),
    Network("phi-4-mini", "Phi3", dict(num_key_value_heads=2, tie_word_embeddings=True,
                                       rope_parameters=dict(rope_type="default", rope_theta=1e4, partial_rotary_factor=0.75))),
    Network("qwen2", "Qwen2", dict(num_key_value_heads=2, tie_word_embeddings=True, rope_parameters=dict(rope_type="default", rope_theta=1e6))),
    Network("qwen2-window", "Qwen2", dict(num_key_value_heads=2, use_sliding_window=True, sliding_window=8, max_window_layers=1)),
    Network("qwen3", "Qwen3", dict(num_key_value_heads=2, head_dim=32, tie_word_embeddings=True)),
    Network("gemma-3", "Gemma3", GEMMA | dict(sliding_window_pattern=3)),
    Network("gemma-3-softcap", "Gemma3", GEMMA | dict(sliding_window_pattern=3, final_logit_softcapping=2.0)),
    Network("gemma-3-six", "Gemma3", GEMMA | dict(num_hidden_layers=7)),  # the pattern that GGUF doesn't tell
    Network("gemma-3-with-pictures", "Gemma3", GEMMA | dict(num_hidden_layers=7), sees_pictures=True),
    Network("gemma-3-older-config", "Gemma3", GEMMA | dict(sliding_window_pattern=3, rope_parameters=dict(
        full_attention=dict(rope_type="linear", rope_theta=1e6, factor=8.0), sliding_attention=dict(rope_type="default", rope_theta=1e4))),
        without=("rope_parameters", "layer_types"), older=dict(rope_theta=1e6, rope_local_base_freq=1e4, sliding_window_pattern=3,
                                                              rope_scaling=dict(rope_type="linear", factor=8.0))),
)
BY_NAME = {network.name: network for network in NETWORKS}

# What a framework can't do yet, with a word of its reason. A row that isn't met fails.
UNSUPPORTED = {("llama-odd-heads", "onnxruntime"): "multiple of 8"}


def tiny(network: Network):
    torch.manual_seed(len(network.name))
    if network.sees_pictures:
        vision = dict(hidden_size=32, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2, image_size=28, patch_size=14)
        return with_noise(transformers.Gemma3ForConditionalGeneration(transformers.Gemma3Config(
            text_config={**T, **network.config}, vision_config=vision, mm_tokens_per_image=4, image_token_index=256, boi_token_index=257, eoi_token_index=258)))
    config_class = "Gemma3TextConfig" if network.kind == "Gemma3" else f"{network.kind}Config"
    model = getattr(transformers, f"{network.kind}ForCausalLM")(getattr(transformers, config_class)(**{**T, **network.config}))
    return with_noise(model).to(network.dtype)


def tokens_of(network: Network) -> list[int]:
    vocabulary = network.config.get("vocab_size", T["vocab_size"])
    return np.random.default_rng(7).integers(0, vocabulary, network.token_count).tolist()


@dataclass
class Made:
    model: torch.nn.Module
    folder: Path
    tokens: list[int]
    logits: np.ndarray  # of transformers


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A network as transformers saved it, and its logits."""
    known: dict[str, Made] = {}

    def make(name: str) -> Made:
        if name in known:
            return known[name]
        network, folder = BY_NAME[name], tmp_path_factory.mktemp("models") / name
        model, tokens = tiny(network), tokens_of(network)
        model.save_pretrained(folder)
        model = type(model).from_pretrained(folder, dtype=torch.float32).eval()
        file = folder / "config.json"
        config = json.loads(file.read_text())
        file.write_text(json.dumps({k: v for k, v in config.items() if k not in network.without} | network.older))
        with torch.no_grad():
            logits = model(torch.tensor([tokens])).logits[0].numpy()
        assert logits.std() > 1e-2
        known[name] = Made(model, folder, tokens, logits)
        return known[name]
    return make


@pytest.fixture(scope="module")
def runner(probe, bin_folder, tmp_path_factory):
    return make_runner(probe, bin_folder, tmp_path_factory)


@pytest.fixture(scope="module")
def run(runner):
    """The logits of an engine, or in place of them why it can't."""
    def logits(path: Path, engine: str, tokens: list[int], steps: list[int]) -> np.ndarray | str:
        answer = runner.run(runner.bundle(path), engine, tokens, steps)
        return answer if isinstance(answer, str) else answer.reshape(len(tokens), -1)
    return logits


def check(logits: np.ndarray | str, expected: np.ndarray, unsupported: str | None) -> None:
    if isinstance(logits, str):
        assert unsupported and unsupported in logits, f"unsupported: {logits}"
        return
    assert not unsupported, f"it runs: take the row of UNSUPPORTED away ({unsupported})"
    assert error_of(logits, expected) <= TOLERANCE


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", BY_NAME)
def test_logits_are_transformers_in_one_pass_and_with_caches(made, run, name, engine):
    network = made(name)
    count, unsupported = len(network.tokens), UNSUPPORTED.get((name, engine))
    check(run(network.folder, engine, network.tokens, [count]), network.logits, unsupported)
    check(run(network.folder, engine, network.tokens, [count - 7, 3] + [1] * 4), network.logits, unsupported)


WINDOWED_TOO = dict(layer_types=["sliding_attention"] * 2)
SPOILT = (("llama", dict(rms_norm_eps=1e-4)), ("llama", dict(rope_parameters=dict(rope_type="default", rope_theta=1.1e4))),
          ("llama-3", dict(rope_parameters=LLAMA3 | dict(factor=7.0))), ("llama-3", dict(rope_parameters=LLAMA3 | dict(high_freq_factor=5.0))),
          ("llama-linear", dict(rope_parameters=dict(rope_type="linear", rope_theta=1e4, factor=4.1))), ("mistral-window", dict(sliding_window=9)),
          ("phi-2", dict(layer_norm_eps=1e-3)), ("phi-2", dict(rope_parameters=dict(rope_theta=1e4, partial_rotary_factor=0.625))),
          ("phi-3-longrope", dict(max_position_embeddings=1024)), ("phi-3-window", dict(sliding_window=9)), ("qwen2-window", WINDOWED_TOO),
          ("gemma-3", dict(sliding_window=9)), ("gemma-3", dict(query_pre_attn_scalar=33)), 
          ("gemma-3-softcap", dict(final_logit_softcapping=2.1)), ("gemma-3-older-config", dict(rope_local_base_freq=1.1e4)),
          ("gemma-3-older-config", dict(rope_scaling=None)), ("gemma-3-older-config", dict(sliding_window_pattern=2)))


@pytest.mark.parametrize("name, fields", SPOILT, ids=lambda value: "-".join(value) if isinstance(value, dict) else value)
def test_each_field_counts_that_the_logits_are_said_to_prove(made, run, tmp_path, name, fields):
    """With another value they are others, by far more than is let pass."""
    network = made(name)
    logits = run(with_fields(network.folder, tmp_path / name, fields), "reference", network.tokens, [len(network.tokens)])
    assert error_of(logits, network.logits) > SEEN


def permuted(weight: np.ndarray, head_count: int) -> np.ndarray:
    """As llama.cpp's converter has q and k of a Llama: rotary pairs beside each other."""
    return weight.reshape(head_count, 2, -1, *weight.shape[1:]).swapaxes(1, 2).reshape(weight.shape)


ARCHITECTURES = {name: architecture for architecture, name in gguf.MODEL_ARCH_NAMES.items()}


def write_gguf(path: Path, arch: str, made: Made) -> None:
    """With the gguf package's own names of tensors and fields."""
    c, names = made.model.config, gguf.get_tensor_name_map(ARCHITECTURES[arch], made.model.config.num_hidden_layers)
    heads, kv_heads = c.num_attention_heads, getattr(c, "num_key_value_heads", None) or c.num_attention_heads
    head_dim, rope = getattr(c, "head_dim", None) or c.hidden_size // heads, c.rope_parameters
    w = gguf.GGUFWriter(path, arch)
    w.add_block_count(c.num_hidden_layers)
    w.add_context_length(c.max_position_embeddings)
    w.add_embedding_length(c.hidden_size)
    w.add_feed_forward_length(4 * c.hidden_size if arch == "phi2" else c.intermediate_size)
    w.add_head_count(heads)
    w.add_head_count_kv(kv_heads)
    w.add_vocab_size(c.vocab_size)
    if arch == "phi2":
        w.add_layer_norm_eps(c.layer_norm_eps)
    else:
        w.add_layer_norm_rms_eps(c.rms_norm_eps)
    if arch not in ("phi2", "phi3"):
        w.add_key_length(head_dim)
        w.add_value_length(head_dim)
    if arch == "gemma3":
        w.add_sliding_window(c.sliding_window)
        w.add_rope_freq_base(rope["full_attention"]["rope_theta"])
        if c.final_logit_softcapping:
            w.add_final_logit_softcapping(c.final_logit_softcapping)
    else:
        w.add_rope_freq_base(rope["rope_theta"])
        w.add_rope_dimension_count(int(head_dim * rope.get("partial_rotary_factor", 1.0)))
    if arch == "phi3":
        w.add_sliding_window(c.sliding_window or 0)
    if rope.get("rope_type") == "llama3":
        frequencies = rope["rope_theta"] ** -(np.arange(0, head_dim, 2) / head_dim)
        scaled = transformers.modeling_rope_utils.ROPE_INIT_FUNCTIONS["llama3"](c, "cpu")[0].numpy()
        w.add_tensor("rope_freqs.weight", (frequencies / scaled).astype(np.float32))
    if rope.get("rope_type") == "longrope":
        w.add_rope_scaling_attn_factors(float(transformers.modeling_rope_utils.ROPE_INIT_FUNCTIONS["longrope"](c, "cpu")[1]))
        w.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
        for kind in ("long", "short"):
            w.add_tensor(f"rope_factors_{kind}.weight", np.array(rope[f"{kind}_factor"], np.float32))
    for name, tensor in made.model.state_dict().items():
        values = tensor.float().numpy()
        if name == "lm_head.weight" and c.tie_word_embeddings:
            continue
        if arch == "llama" and ".q_proj." in name:
            values = permuted(values, heads)
        if arch == "llama" and ".k_proj." in name:
            values = permuted(values, kv_heads)
        if arch == "gemma3" and name.endswith("norm.weight"):
            values = values + 1
        w.add_tensor(names.get_name(name, (".weight", ".bias")), np.ascontiguousarray(values))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


GGUFS = (("llama", "llama"), ("llama-grouped-wide-heads", "llama"), ("llama-3", "llama"), ("llama-biases", "llama"), ("phi-2", "phi2"),
         ("phi-3-grouped", "phi3"), ("phi-3-window", "phi3"), ("phi-3-longrope", "phi3"), ("phi-4-mini", "phi3"), ("qwen2", "qwen2"),
         ("qwen3", "qwen3"), ("gemma-3-six", "gemma3"))


@pytest.mark.parametrize("name, arch", GGUFS)
def test_the_reference_of_a_gguf_is_transformers(made, run, tmp_path, name, arch):
    """What the frameworks compute is the same bundle as of a folder."""
    network = made(name)
    write_gguf(tmp_path / "tiny.gguf", arch, network)
    check(run(tmp_path / "tiny.gguf", "reference", network.tokens, [len(network.tokens)]), network.logits, None)


def test_what_is_unsupported_is_of_networks_and_engines_that_there_are():
    assert all(name in BY_NAME and engine in ENGINES for name, engine in UNSUPPORTED)
