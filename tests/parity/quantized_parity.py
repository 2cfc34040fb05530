"""Checkpoints that other tools quantized, read here and decoded: MLX's by MLX, compressed-tensors' by its own
compressor, GPTQ's and AWQ's by their documented layouts, since their tools don't install everywhere."""
import json

import numpy as np
import pytest
import torch
import xxhash
from safetensors.torch import save_file

OUT, IN, GROUP = 64, 96, 32


@pytest.fixture
def decoded(probe, tmp_path):
    """The f32 weights of a checkpoint by our reader: name to (shape, hash)."""
    def of(tensors: dict, config: dict) -> dict:
        save_file({k: v.contiguous() for k, v in tensors.items()}, tmp_path / "model.safetensors")
        (tmp_path / "config.json").write_text(json.dumps(config))
        done = probe("weights", tmp_path / "model.safetensors", tmp_path / "config.json", text=True)
        assert done.returncode == 0, done.stderr
        return {row["name"]: (row["shape"], row["hash"]) for row in map(json.loads, done.stdout.splitlines())}
    return of


@pytest.fixture
def refusal(probe, tmp_path):
    def of(tensors: dict, config: dict) -> str:
        save_file({k: v.contiguous() for k, v in tensors.items()}, tmp_path / "model.safetensors")
        (tmp_path / "config.json").write_text(json.dumps(config))
        done = probe("weights", tmp_path / "model.safetensors", tmp_path / "config.json", text=True)
        assert done.returncode != 0
        return done.stderr
    return of


def shape_and_hash(values: np.ndarray):
    values = np.ascontiguousarray(values, dtype=np.float32)
    return list(values.shape), xxhash.xxh3_128(values.tobytes()).hexdigest()


def weights(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(OUT, IN)).astype(np.float32)


def as_words(codes: np.ndarray, bits: int) -> np.ndarray:
    """[n, m] codes to [n, m * bits / 32] words: a little-endian stream of fields along each row."""
    stream = (codes[:, :, None].astype(np.uint64) >> np.arange(bits, dtype=np.uint64)) & 1
    words = stream.reshape(codes.shape[0], -1, 32)
    return (words << np.arange(32, dtype=np.uint64)).sum(-1).astype(np.uint32)


def tensor(words: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(words).view(np.int32).copy())


def test_others_keep_their_names(decoded):
    norm = torch.ones(IN)
    found = decoded({**gptq(4, GROUP)[0], "model.norm.weight": norm}, gptq_config(4, GROUP))
    assert set(found) == {"a.b.weight", "model.norm.weight"}
    assert found["model.norm.weight"] == shape_and_hash(norm.numpy())


# GPTQ

def gptq_config(bits: int, group: int, version: str = "gptq", **more) -> dict:
    return {"quantization_config": {"quant_method": "gptq", "bits": bits, "group_size": group, "checkpoint_format": version, "sym": False, **more}}


def gptq(bits: int, group: int, version: str = "gptq", order: bool = False) -> tuple[dict, np.ndarray]:
    random = np.random.default_rng(bits)
    group_count = IN // group if group > 0 else 1
    codes = random.integers(0, 2**bits, (IN, OUT))
    zeros = random.integers(0, 2**bits, (group_count, OUT))
    zeros[0, :4] = 0  # less one, it borrows
    scales = torch.from_numpy(random.uniform(0.01, 0.1, (group_count, OUT))).half()
    groups = np.arange(IN) // (group if group > 0 else IN)
    if order:
        random.shuffle(groups)
    stored = as_words(zeros, bits)
    if version == "gptq":
        ones = as_words(np.ones_like(zeros), bits)
        stored = stored - ones
    parts = {"a.b.qweight": tensor(as_words(codes.T, bits).T), "a.b.qzeros": tensor(stored), "a.b.scales": scales}
    if order:
        parts["a.b.g_idx"] = torch.from_numpy(groups.astype(np.int32))
    return parts, ((codes - zeros[groups]) * scales.float().numpy()[groups]).T


@pytest.mark.parametrize("version", ["gptq", "gptq_v2"])
@pytest.mark.parametrize("bits", [2, 3, 4, 8])
@pytest.mark.parametrize("group", [GROUP, -1])
@pytest.mark.parametrize("order", [False, True])
def test_gptq(decoded, version, bits, group, order):
    parts, expected = gptq(bits, group, version, order)
    assert decoded(parts, gptq_config(bits, group, version))["a.b.weight"] == shape_and_hash(expected)


def test_gptq_refused(refusal):
    parts, _ = gptq(4, GROUP, order=True)
    assert "a.b.qzeros is missing" in refusal({k: v for k, v in parts.items() if "qzeros" not in k}, gptq_config(4, GROUP))
    assert "GPTQ with 5 bits is not read" in refusal(parts, gptq_config(5, GROUP))
    assert 'GPTQ\'s format "marlin" is not read' in refusal(parts, gptq_config(4, GROUP, "marlin"))
    assert "a.b.g_idx names group 7 of 3" in refusal({**parts, "a.b.g_idx": torch.full((IN,), 7, dtype=torch.int32)}, gptq_config(4, GROUP))
    assert "a.b.scales is I64, not F16 BF16 F32" in refusal({**parts, "a.b.scales": parts["a.b.scales"].long()}, gptq_config(4, GROUP))
    assert "a.b.qzeros has shape [3, 7], not [3, 8]" in refusal({**parts, "a.b.qzeros": parts["a.b.qzeros"][:, :7]}, gptq_config(4, GROUP))
    assert 'checkpoints quantized by "aqlm" are not read' in refusal(parts, {"quantization_config": {"quant_method": "aqlm"}})
    assert "no weight is" in refusal({"a": torch.ones(2)}, gptq_config(4, GROUP))


# AWQ

def test_awq(decoded):
    random = np.random.default_rng(1)
    place = [0, 2, 4, 6, 1, 3, 5, 7]  # the output that each nibble of a word is
    codes, zeros = random.integers(0, 16, (IN, OUT)), random.integers(0, 16, (IN // GROUP, OUT))
    scales = torch.from_numpy(random.uniform(0.01, 0.1, (IN // GROUP, OUT))).half()

    def packed(values):
        return tensor(as_words(values.reshape(len(values), -1, 8)[:, :, place].reshape(len(values), -1), 4))
    parts = {"a.qweight": packed(codes), "a.qzeros": packed(zeros), "a.scales": scales}
    groups = np.arange(IN) // GROUP
    config = {"quantization_config": {"quant_method": "awq", "bits": 4, "group_size": GROUP, "zero_point": True, "version": "gemm"}}
    assert decoded(parts, config)["a.weight"] == shape_and_hash(((codes - zeros[groups]) * scales.float().numpy()[groups]).T)


# MLX

def mlx_parts(mode: str, bits: int, group: int, dtype: str):
    import mlx.core as mx
    wide = np.random.default_rng(bits).normal(size=(OUT, 4 * IN)).astype(np.float32)
    parts = mx.quantize(mx.array(wide).astype(getattr(mx, dtype)), group_size=group, bits=bits, mode=mode)
    names = dict(zip(("weight", "scales", "biases"), parts))
    values = mx.dequantize(*parts, group_size=group, bits=bits, mode=mode).astype(mx.float32)

    def to_torch(array):
        if array.dtype == mx.uint32:
            return torch.from_numpy(np.array(array)).view(torch.uint32)
        if array.dtype == mx.bfloat16:
            return torch.from_numpy(np.array(array.astype(mx.float32))).bfloat16()
        return torch.from_numpy(np.array(array))
    return {f"l.{name}": to_torch(array) for name, array in names.items()}, np.array(values)


@pytest.mark.parametrize("bits", [2, 3, 4, 5, 6, 8])
@pytest.mark.parametrize("group", [32, 64])
def test_mlx_affine(decoded, bits, group):
    parts, expected = mlx_parts("affine", bits, group, "float32")
    config = {"quantization": {"bits": 4, "group_size": 64, "l": {"bits": bits, "group_size": group}}}
    assert decoded(parts, config)["l.weight"] == shape_and_hash(expected)


@pytest.mark.parametrize("mode, bits, group", [("mxfp4", 4, 32), ("mxfp8", 8, 32), ("nvfp4", 4, 16)])
def test_mlx_floats(decoded, mode, bits, group):
    parts, expected = mlx_parts(mode, bits, group, "float32")
    assert decoded(parts, {"quantization": {"bits": bits, "group_size": group, "mode": mode}})["l.weight"] == shape_and_hash(expected)


# compressed-tensors

def compressed(form: str, parts: dict, activations: dict | None = None, **arguments):
    """The parts as compressed-tensors' compressor stores them, the config, and what it makes of them again."""
    from compressed_tensors.compressors import BaseCompressor
    from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme
    scheme = QuantizationScheme(targets=["Linear"], weights=QuantizationArgs(**arguments),
                                input_activations=QuantizationArgs(**activations) if activations else None)
    tool = BaseCompressor.get_value_from_registry(form)
    stored = tool.compress(parts, scheme)
    config = {"quantization_config": {"quant_method": "compressed-tensors", "format": form,
                                      "config_groups": {"group_0": json.loads(scheme.model_dump_json())}}}
    return {f"l.{k}": v for k, v in stored.items()}, config, tool.decompress(stored, scheme)["weight"].float().numpy()


def scale(*shape: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(5).uniform(0.01, 0.1, shape).astype(np.float32))


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("group", [GROUP, None])
def test_packed(decoded, bits, symmetric, group):
    shape = (OUT, IN // group if group else 1)
    parts = {"weight": torch.from_numpy(weights()), "weight_scale": scale(*shape)}
    if not symmetric:
        half = 2 ** (bits - 1)
        parts["weight_zero_point"] = torch.from_numpy(np.random.default_rng(2).integers(-half, half, shape).astype(np.int8))
    stored, config, expected = compressed("pack-quantized", parts, num_bits=bits, symmetric=symmetric,
                                          strategy="group" if group else "channel", group_size=group)
    assert decoded(stored, config)["l.weight"] == shape_and_hash(expected)


def test_int8(decoded):
    stored, config, expected = compressed(
        "int-quantized", {"weight": torch.from_numpy(weights()), "weight_scale": scale(OUT, 1)},
        {"num_bits": 8, "strategy": "token", "dynamic": True}, num_bits=8, strategy="channel")
    assert decoded(stored, config)["l.weight"] == shape_and_hash(expected)


@pytest.mark.parametrize("strategy, shape, more", [("channel", (OUT, 1), {}), ("tensor", (1,), {}), ("block", (2, 3), {"block_structure": [32, 32]})])
def test_fp8(decoded, strategy, shape, more):
    stored, config, expected = compressed(
        "float-quantized", {"weight": torch.from_numpy(weights()), "weight_scale": scale(*shape)},
        {"num_bits": 8, "type": "float", "strategy": "token", "dynamic": True}, num_bits=8, type="float", strategy=strategy, **more)
    assert decoded(stored, config)["l.weight"] == shape_and_hash(expected)


def test_compressed_refused(refusal):
    stored, config, _ = compressed("pack-quantized", {"weight": torch.from_numpy(weights()), "weight_scale": scale(OUT, 1)}, num_bits=4, strategy="channel")
    assert "l.weight_shape is missing" in refusal({k: v for k, v in stored.items() if "shape" not in k}, config)
    assert "holds 12 words a row for 200 codes of 4 bits" in refusal({**stored, "l.weight_shape": torch.tensor([OUT, 200])}, config)
    settings = config["quantization_config"]
    assert "with 2 groups of weights is not read" in refusal(stored, {"quantization_config": {**settings, "config_groups": {"a": {}, "b": {}}}})
    assert 'format "marlin-24" is not read' in refusal(stored, {"quantization_config": {**settings, "config_groups": {"a": {**settings["config_groups"]["group_0"], "format": "marlin-24"}}}})
