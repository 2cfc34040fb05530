"""Block formats against gguf's own Python code: every decoding exact, q8_0, q4_0 and q4_1 encoded bit for
bit, q4_k and q6_k (whose scales everybody searches in his own way) within the step of their format."""
import gguf
import numpy as np
import pytest

TYPES = {name: gguf.GGMLQuantizationType[name.upper()]
         for name in ("q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "q2_k", "q3_k", "q4_k", "q5_k", "q6_k", "iq4_nl", "iq4_xs", "mxfp4")}
ENCODED = ("q4_0", "q4_1", "q8_0", "q4_k", "q6_k")  # the others are read only
EXACT = ("q4_0", "q4_1", "q8_0")
SCALE_OFFSETS = {"q4_0": (0,), "q8_0": (0,), "q4_1": (0, 2), "q5_0": (0,), "q5_1": (0, 2), "q2_k": (80, 82), "q3_k": (108,),  # bytes, of f16
                 "q4_k": (0, 2), "q5_k": (0, 2), "q6_k": (208,), "iq4_nl": (0,), "iq4_xs": (0,), "mxfp4": ()}
SQNR_DB_MIN = {"q4_0": 19, "q4_1": 20, "q8_0": 40, "q4_k": 19, "q6_k": 29}
each_type = pytest.mark.parametrize("name", TYPES)
each_encoded = pytest.mark.parametrize("name", ENCODED)


@pytest.fixture(scope="module")
def values() -> np.ndarray:
    """Rows that try every corner: normal, outliers, constants, zeros, one sign, tiny, ties."""
    rng = np.random.default_rng(11)
    rows = [rng.normal(size=(64, 1024)), rng.normal(size=(16, 1024)) * 1e-6,
            np.zeros((1, 1024)), np.full((1, 1024), 3.0), np.full((1, 1024), -0.25),
            np.abs(rng.normal(size=(8, 1024))), -np.abs(rng.normal(size=(8, 1024))),
            rng.integers(-8, 9, size=(32, 1024)) * 0.5, np.full((1, 1024), 1e-30)]
    rows.append(rng.normal(size=(8, 1024)) * np.where(rng.random((8, 1024)) < 0.01, 50, 1))
    return np.concatenate(rows).astype(np.float32)


@pytest.fixture(scope="module")
def encode(probe, values):
    """Our blocks of `values`, a row each."""
    def run(name: str) -> np.ndarray:
        blocks = np.frombuffer(probe("encode", name, input=values.tobytes(), check=True).stdout, np.uint8)
        length, size = gguf.GGML_QUANT_SIZES[TYPES[name]]
        assert blocks.size == values.size // length * size, f"{name}: {blocks.size} bytes of {values.size} values"
        return blocks.reshape(values.shape[0], -1)
    return run


@pytest.fixture(scope="module")
def decode(probe):
    def run(name: str, blocks: np.ndarray) -> np.ndarray:
        return np.frombuffer(probe("decode", name, input=blocks.tobytes(), check=True).stdout, np.float32).reshape(blocks.shape[0], -1)
    return run


def assert_equal(ours: np.ndarray, theirs: np.ndarray) -> None:
    assert ours.shape == theirs.shape and np.array_equal(ours, theirs), \
        f"shapes {ours.shape} and {theirs.shape}, " + (f"{(ours != theirs).sum()} differ" if ours.shape == theirs.shape else "")


@pytest.mark.parametrize("name", EXACT)
def test_encoded_bit_for_bit(encode, values, name):
    assert_equal(encode(name), gguf.quants.quantize(values, TYPES[name]))


@each_encoded
def test_decoded_exactly(encode, decode, values, name):
    blocks = encode(name)
    decoded = decode(name, blocks)
    assert decoded.shape == values.shape
    assert_equal(decoded, gguf.quants.dequantize(blocks, TYPES[name]))


@each_type
def test_noise_decoded_exactly(decode, name):
    """Blocks that no encoder of ours makes: random bytes, with scales that are finite."""
    rng = np.random.default_rng(5)
    _, size = gguf.GGML_QUANT_SIZES[TYPES[name]]
    noise = rng.integers(0, 256, size=(512, size), dtype=np.uint8)
    for offset in SCALE_OFFSETS[name]:
        noise[:, offset:offset + 2] = rng.normal(size=512).astype(np.float16).view(np.uint8).reshape(512, 2)
    assert_equal(decode(name, noise), gguf.quants.dequantize(noise, TYPES[name]))


@each_encoded
def test_normal_weights_are_within_the_step_of_the_format(encode, decode, values, name):
    normal = values[:64].astype(np.float64)
    decoded = decode(name, encode(name))[:64]
    sqnr = 10 * np.log10((normal ** 2).sum() / ((normal - decoded) ** 2).sum())
    assert sqnr > SQNR_DB_MIN[name], f"{name}: SQNR {sqnr:.1f} dB"
