"""Folders of a model as tools quantize them: each function rewrites the folder's weights and gives what its config.json
gets. By the documented layouts: the tools themselves don't install everywhere."""
import numpy as np
import torch
from safetensors.torch import load_file, save_file


def linears(folder) -> dict:
    """The weights of the folder's linears by their names without ".weight", and the rest by their own."""
    tensors = load_file(folder / "model.safetensors")
    names = [name.removesuffix(".weight") for name in tensors if name.endswith("_proj.weight")]
    return {name: tensors.pop(f"{name}.weight") for name in names}, tensors


def words(codes: np.ndarray, bits: int = 4) -> torch.Tensor:
    """Codes one after another along each row, in words of 32 bits."""
    fields = codes.astype(np.uint64).reshape(len(codes), -1, 32 // bits) << np.arange(0, 32, bits, dtype=np.uint64)
    return torch.from_numpy(fields.sum(-1).astype(np.uint32).view(np.int32))


def as_gptq(folder, group: int = 32, order: bool = False):
    """`order`: groups are of inputs here and there, those of linears that read one value in one order."""
    quantized, others = linears(folder)
    for name, weight in quantized.items():
        w = weight.float().numpy()
        if order:
            places = np.random.default_rng(w.shape[1]).permutation(w.shape[1])
            groups = np.empty(w.shape[1], np.int32)
            groups[places] = np.arange(w.shape[1]) // group
            others |= {f"{name}.g_idx": torch.from_numpy(groups)}
            w = w[:, places]
        scale = (np.abs(w.reshape(len(w), -1, group)).max(-1) / 7).astype(np.float16).astype(np.float32)
        codes = np.clip(np.round(w / scale.repeat(group, 1)) + 8, 0, 15).astype(np.int64)
        if order:
            codes[:, places] = codes.copy()
        others |= {f"{name}.qweight": words(codes).T.contiguous(), f"{name}.scales": torch.from_numpy(scale.T.copy()).half(),
                   f"{name}.qzeros": words(np.full((scale.shape[1], len(w)), 7))}
    save_file(others, folder / "model.safetensors")
    return {"quantization_config": {"quant_method": "gptq", "bits": 4, "group_size": group, "sym": True, "desc_act": order}}


def as_awq(folder, group: int = 32):
    quantized, others = linears(folder)
    place = [0, 2, 4, 6, 1, 3, 5, 7]
    for name, weight in quantized.items():
        groups = weight.float().numpy().reshape(len(weight), -1, group)
        low, high = groups.min(-1), groups.max(-1)
        scale = ((high - low) / 15).astype(np.float16).astype(np.float32)
        zeros = np.clip(np.round(-low / scale), 0, 15).astype(np.int64)
        codes = np.clip(np.round(groups / scale[..., None]) + zeros[..., None], 0, 15).astype(np.int64).reshape(weight.shape)
        others |= {f"{name}.scales": torch.from_numpy(scale.T.copy()).half()}
        for part, values in (("qweight", codes.T), ("qzeros", zeros.T)):
            others[f"{name}.{part}"] = words(values.reshape(len(values), -1, 8)[:, :, place].reshape(len(values), -1))
    save_file(others, folder / "model.safetensors")
    return {"quantization_config": {"quant_method": "awq", "bits": 4, "group_size": group, "zero_point": True, "version": "gemm"}}


def as_mlx(folder, bits: int = 4, group: int = 32, mode: str = "affine"):
    import mlx.core as mx
    quantized, others = linears(folder)
    quantized["model.embed_tokens"] = others.pop("model.embed_tokens.weight")
    arrays = {name: mx.array(tensor.float().numpy()) for name, tensor in others.items()}
    for name, weight in quantized.items():
        parts = mx.quantize(mx.array(weight.float().numpy()), group_size=group, bits=bits, mode=mode)
        arrays |= {f"{name}.{part}": array for part, array in zip(("weight", "scales", "biases"), parts)}
    mx.save_safetensors(str(folder / "model.safetensors"), arrays)
    return {"quantization": {"bits": bits, "group_size": group, "mode": mode}}


def compressed_config(form: str, weights: dict, activations: dict) -> dict:
    group = {"targets": ["Linear"], "weights": weights, "input_activations": activations}
    return {"quantization_config": {"quant_method": "compressed-tensors", "format": form, "config_groups": {"group_0": group}}}


def as_compressed(folder):
    """W8A8: integers with a scale a row, activations in 8 bits by token."""
    quantized, others = linears(folder)
    for name, weight in quantized.items():
        scale = weight.abs().amax(1, keepdim=True) / 127
        others |= {f"{name}.weight": torch.round(weight / scale).to(torch.int8), f"{name}.weight_scale": scale}
    save_file(others, folder / "model.safetensors")
    return compressed_config("int-quantized", {"num_bits": 8, "strategy": "channel", "symmetric": True, "type": "int"},
                             {"num_bits": 8, "strategy": "token", "dynamic": True, "symmetric": True, "type": "int"})


def as_fp8(folder):
    quantized, others = linears(folder)
    for name, weight in quantized.items():
        scale = weight.abs().amax(1, keepdim=True) / 448
        others |= {f"{name}.weight": (weight / scale).to(torch.float8_e4m3fn), f"{name}.weight_scale": scale}
    save_file(others, folder / "model.safetensors")
    return compressed_config("float-quantized", {"num_bits": 8, "strategy": "channel", "type": "float"},
                             {"num_bits": 8, "strategy": "token", "dynamic": True, "type": "float"})
