"""Evaluates an ML Program as coremltools' own front end loads it: shapes and types are its, values are numpy's and torch's.

Floats are computed in fp32. What the program declares as fp16 is rounded to it after each operation, or not at all
(`rounds=False`): then only what the program says is tested, not what fp16 makes of it.
"""
import shutil
import tempfile
from pathlib import Path

import numpy as np
import torch
from coremltools.converters.mil import mil
from coremltools.converters.mil.frontend.milproto.load import load
from coremltools.proto import Model_pb2

T = torch.from_numpy
RESULTS = {
    "add": lambda x, y: x + y, "sub": lambda x, y: x - y, "mul": lambda x, y: x * y, "real_div": lambda x, y: x / y,
    "maximum": lambda x, y: np.maximum(x, y), "less_equal": lambda x, y: x <= y, "greater": lambda x, y: x > y,
    "not_equal": lambda x, y: x != y, "logical_and": lambda x, y: x & y,
    "abs": lambda x: np.abs(x), "sqrt": lambda x: np.sqrt(x), "tanh": lambda x: np.tanh(x), "identity": lambda x: x,
    "rsqrt": lambda x, epsilon: 1 / np.sqrt(x + epsilon),
    "relu": lambda x: np.maximum(x, 0), "relu6": lambda x: np.clip(x, 0, 6),
    "sigmoid": lambda x: T(x).sigmoid().numpy(), "silu": lambda x: torch.nn.functional.silu(T(x)).numpy(),
    "sigmoid_hard": lambda x, alpha, beta: np.clip(alpha * x + beta, 0, 1),
    "gelu": lambda x, mode: torch.nn.functional.gelu(T(x), approximate={"EXACT": "none", "TANH_APPROXIMATION": "tanh"}[mode]).numpy(),
    "softmax": lambda x, axis: T(x).softmax(int(axis)).numpy(),
    "linear": lambda x, weight, bias: x @ weight.T + bias,
    "matmul": lambda x, y, transpose_x, transpose_y: (x.swapaxes(-1, -2) if transpose_x else x) @ (y.swapaxes(-1, -2) if transpose_y else y),
    "reshape": lambda x, shape: x.reshape(shape), "transpose": lambda x, perm: x.transpose(perm),
    "tile": lambda x, reps: np.tile(x, reps),
    "concat": lambda values, axis, interleave: np.concatenate(values, axis),
    "split": lambda x, split_sizes, axis: np.split(x, np.cumsum(split_sizes)[:-1], axis),
    "slice_by_index": lambda x, begin, end: x[tuple(map(slice, begin, end))],
    "reduce_mean": lambda x, axes, keep_dims: x.mean(tuple(axes), keepdims=bool(keep_dims)),
    "reduce_sum": lambda x, axes, keep_dims: x.sum(tuple(axes), keepdims=bool(keep_dims)),
    "reduce_max": lambda x, axes, keep_dims: x.max(tuple(axes), keepdims=bool(keep_dims)),
}


def conv(x, weight, strides, pad, dilations, groups, pad_type, bias=None):
    assert pad_type == "custom"
    top, bottom, left, right = map(int, pad)
    padded = torch.nn.functional.pad(T(x), (left, right, top, bottom))
    return torch.nn.functional.conv2d(padded, T(weight), None if bias is None else T(bias), tuple(map(int, strides)),
                                      dilation=tuple(map(int, dilations)), groups=int(groups)).numpy()


def max_pool(x, kernel_sizes, strides, pad_type, pad, ceil_mode):
    assert pad_type == "custom" and not ceil_mode
    top, bottom, left, right = map(int, pad)
    padded = torch.nn.functional.pad(T(x), (left, right, top, bottom), value=float("-inf"))
    return torch.nn.functional.max_pool2d(padded, tuple(map(int, kernel_sizes)), tuple(map(int, strides))).numpy()


def layer_norm(x, axes, gamma, beta, epsilon):
    axes = tuple(axes)
    mean = x.mean(axes, keepdims=True)
    return (x - mean) / np.sqrt(((x - mean) ** 2).mean(axes, keepdims=True) + epsilon) * gamma + beta


def gather(x, indices, axis, batch_dims, validate_indices):
    assert not validate_indices and indices.min() >= 0
    if batch_dims:
        assert batch_dims == axis == 1
        return np.stack([row[places] for row, places in zip(x, indices)])
    return x.take(indices, int(axis))


def attention(query, key, value, attn_mask=None):
    assert query.shape[:2] == key.shape[:2]
    scores = query @ key.swapaxes(-1, -2) / np.float32(np.sqrt(query.shape[-1]))
    if attn_mask is not None:
        assert attn_mask.dtype == bool
        scores = np.where(attn_mask, scores, -np.inf)
    return T(scores).softmax(-1).numpy() @ value


def quantize(input, scale, zero_point, output_dtype):
    assert output_dtype == "uint8"
    return np.clip(np.round(input / scale) + zero_point, 0, 255).astype(np.uint8)


def slice_update(x, update, begin, end, stride, begin_mask, end_mask, squeeze_mask):
    assert (np.asarray(stride) == 1).all() and not any(squeeze_mask)
    region = tuple(slice(None if b else int(at), None if e else int(to)) for at, to, b, e in zip(begin, end, begin_mask, end_mask))
    assert all(s.stop is None or s.stop <= extent for s, extent in zip(region, x.shape)), "beyond the cache"
    result = x.copy()
    assert result[region].shape == update.shape
    result[region] = update
    return result


RESULTS |= {"conv": conv, "max_pool": max_pool, "layer_norm": layer_norm, "gather": gather, "quantize": quantize,
            "scaled_dot_product_attention": attention, "slice_update": slice_update,
            "dequantize": lambda input, scale, zero_point: (input.astype(np.float32) - np.float32(zero_point)) * scale}


class Program:
    """A package's program, and the states that its functions share."""

    def __init__(self, package: Path, rounds: bool):
        folder = package / "Data" / "com.apple.CoreML"
        self.spec = Model_pb2.Model.FromString((folder / "model.mlmodel").read_bytes())
        self.program = load(self.spec, specification_version=self.spec.specificationVersion, file_weights_dir=str(folder / "weights"))
        self.rounds, self.states, self.kinds = rounds, {}, set()
        self.constants = {}
        self._check_description()

    def _check_description(self):
        """What the model says of its functions is what the program has, which coremltools doesn't compare."""
        types = {"fp16": 65552, "fp32": 65568, "int32": 131104}
        described = {f.name: f for f in self.spec.description.functions} or {"main": self.spec.description}
        assert described.keys() == self.program.functions.keys()
        for name, function in self.program.functions.items():
            inputs = {n: v for n, v in function.inputs.items() if not mil.types.is_state(v.sym_type)}
            for features, wanted in ((described[name].input, inputs), (described[name].output, {v.name: v for v in function.outputs})):
                told = {f.name: (list(f.type.multiArrayType.shape), f.type.multiArrayType.dataType) for f in features}
                assert told == {n: (list(v.shape), types[mil.types.builtin_to_string(v.dtype)]) for n, v in wanted.items()}, told
            states = {f.name: list(f.type.stateType.arrayType.shape) for f in described[name].state}
            assert states == {n: [int(d) for d in v.sym_type.wrapped_type().get_shape()] for n, v in function.inputs.items()
                              if mil.types.is_state(v.sym_type)}, states

    def _typed(self, value, var):
        """A value as the program declares it."""
        value = np.asarray(value)
        if value.dtype.kind == "f":
            is_half = mil.types.builtin_to_string(var.dtype) == "fp16"
            value = value.astype(np.float16).astype(np.float32) if is_half and self.rounds else value.astype(np.float32)
        return value

    def _constant(self, op):
        if op not in self.constants:
            value = op.outputs[0].val if op.op_type == "const" else op.materialized_val_inference()
            if isinstance(value, np.ndarray) or np.isscalar(value) and not isinstance(value, (str, bool)):
                value = np.asarray(value)
                value = value.astype(np.float32) if value.dtype.kind == "f" else value
            self.constants[op] = value
        return self.constants[op]

    def run(self, inputs: dict, function: str = "main") -> dict:
        block = self.program.functions[function]
        values = {}
        for name, var in block.inputs.items():
            if mil.types.is_state(var.sym_type):
                self.states.setdefault(name, np.zeros([int(d) for d in var.sym_type.wrapped_type().get_shape()], np.float32))
            else:
                assert inputs[name].shape == tuple(var.shape), (name, inputs[name].shape, var.shape)
                values[var] = self._typed(inputs[name], var)
        for op in block.operations:
            self.kinds.add(op.op_type)
            if op.op_type == "const" or op.op_type.startswith("constexpr_"):
                values[op.outputs[0]] = self._constant(op)
                continue
            given = {name: [values[v] for v in var] if isinstance(var, (list, tuple)) else var.name if mil.types.is_state(var.sym_type)
                     else values[var] for name, var in op.inputs.items() if var is not None}
            self._apply(op, given, values)
        return {var.name: values[var] for var in block.outputs}

    def _apply(self, op, given, values):
        if op.op_type == "read_state":
            results = self.states[given["input"]]
        elif op.op_type in ("write_state", "coreml_update_state"):
            results = self.states[given.pop("state", None) or given["input"]] = given.get("value", given.get("data"))
        elif op.op_type == "cast":
            kinds = {"fp16": np.float32, "fp32": np.float32, "int32": np.int32, "bool": bool}
            results = given["x"].astype(kinds[given["dtype"]])
        else:
            results = RESULTS[op.op_type](**given)
        results = results if op.op_type == "split" else [results]
        for var, result in zip(op.outputs, results):
            values[var] = self._typed(result, var)
            assert values[var].shape == tuple(var.shape), (op.op_type, values[var].shape, var.shape)


def passes_coremltools(package: Path) -> None:
    """coremltools' own load and save take it, and say the same of what they saved. (A copy: loading rewrites the manifest.)"""
    import coremltools
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy.mlpackage"
        shutil.copytree(package, copy)
        model = coremltools.models.MLModel(str(copy), skip_model_load=True)
        again = Path(folder) / "again.mlpackage"
        model.save(str(again))
        assert coremltools.models.MLModel(str(again), skip_model_load=True).get_spec() == model.get_spec()
        weights = "Data/com.apple.CoreML/weights/weight.bin"
        assert (again / weights).read_bytes() == (package / weights).read_bytes()
