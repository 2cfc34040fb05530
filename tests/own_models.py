"""qbench run --model FOLDER, FILE.gguf or ORG/NAME through the real command line: folders that transformers writes, the
SmolLM2 GGUF by its path, a hub's cache, and what is refused."""
import json
import os
import shutil

import pytest
import tokenizer_of_gguf
import torch
from program import LITTLE, Files, refused
from quantized_folders import as_awq, as_compressed, as_fp8, as_gptq, as_mlx
from safetensors.torch import save_file
from transformers import BertConfig, BertModel, LlamaConfig, LlamaForCausalLM

GOOD = ("ok", "unstable")
SIZES = dict(vocab_size=256, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=512, pad_token_id=0, bos_token_id=1, eos_token_id=2)


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    """A tiny Llama that transformers saved: single, sharded, and as a torch checkpoint."""
    torch.manual_seed(0)
    model, folder = LlamaForCausalLM(LlamaConfig(**SIZES)), tmp_path_factory.mktemp("llama")
    model.save_pretrained(folder / "single")
    model.save_pretrained(folder / "sharded", max_shard_size="100KB")
    shutil.copytree(folder / "single", folder / "torch")
    (folder / "torch/model.safetensors").unlink()
    torch.save(model.state_dict(), folder / "torch/pytorch_model.bin")
    return folder


@pytest.fixture
def own(files, llama):
    """A copy of the single one, to be spoilt; and its run."""
    files.write("little.toml", LITTLE.encode())
    shutil.copytree(llama / "single", files.folder / "own")

    def run(*more, model=files.folder / "own", **changes):
        return files.run("run", files.folder / "little.toml", "--model", model, "--store", files.folder / "own.db", "--quiet", *more,
                         "-o", files.folder / "own.html", **changes)
    run.folder, run.all_records = files.folder / "own", lambda: files.program.records(files.folder / "own.db")
    run.records = lambda: {r["model"]: r for r in run.all_records()}
    return run


def change(run, **fields):
    file = run.folder / "config.json"
    config = {**json.loads(file.read_text()), **fields}
    file.write_text(json.dumps({key: value for key, value in config.items() if value is not None}))


def test_a_folder_is_measured_without_tokenizer_and_that_is_said(own):
    done = own()
    record = own.records()["own"]
    assert done.returncode == 0 and record["outcome"] in GOOD, (done, record)
    assert record["manifest"]["weights"] == "pretrained" and record["measurements"]["decode_tokens_per_s"]["value"], record
    perplexity = record["measurements"]["perplexity"]
    assert perplexity["value"] is None and "tokenizer" in perplexity["reason"], perplexity


@pytest.mark.parametrize("kind", ("sharded", "torch"))
def test_shards_and_torch_checkpoints_are_the_same_bits(own, llama, kind):
    def answer(name):
        return own.records()[name]["launches"][0]["facts"]["output_hash"]
    assert own("--seed", "1").returncode == 0
    single = answer("own")
    assert own("--seed", "1", model=llama / kind).returncode == 0 and answer(kind) == single


def test_the_gguf_by_its_path_is_measured_and_judged_with_its_own_tokenizer(own, smollm2):
    done = own(model=smollm2)
    record = own.records()["SmolLM2-135M-Instruct.Q4_1"]
    assert done.returncode == 0 and record["outcome"] in GOOD, (done, record)
    assert record["measurements"]["perplexity"]["value"] > 1 and record["measurements"]["kl_divergence"]["value"] is not None, record


def test_a_folder_is_judged_with_its_own_tokenizer_or_the_reason_is_said(own, smollm2, tmp_path):
    tokenizer = tokenizer_of_gguf.reference(str(smollm2))
    LlamaForCausalLM(LlamaConfig(**SIZES | dict(vocab_size=tokenizer.get_vocab_size()))).save_pretrained(tmp_path / "whole")
    tokenizer.save(str(tmp_path / "whole/tokenizer.json"))
    assert own(model=tmp_path / "whole").returncode == 0
    assert own.records()["whole"]["measurements"]["perplexity"]["value"] > 1000, "of random weights"
    (tmp_path / "whole/tokenizer.json").write_text('{"model": {"type": "Abacus"}}')
    assert own(model=tmp_path / "whole").returncode == 0
    record = own.records()["whole"]
    assert record["outcome"] in GOOD and "Abacus" in record["measurements"]["perplexity"]["reason"], record["measurements"]["perplexity"]


LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,;:!?'()-"
FAST = ("--framework", "onnxruntime", "--batch", "2", "--tokens", "8")


@pytest.fixture
def bert(tmp_path):
    """A tiny encoder of sentences whose vocabulary is letters."""
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *LETTERS, *("##" + letter for letter in LETTERS)]
    torch.manual_seed(0)
    BertModel(BertConfig(vocab_size=len(words), hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
                         max_position_embeddings=64)).save_pretrained(tmp_path / "bert")
    (tmp_path / "bert/vocab.txt").write_text("\n".join(words) + "\n")
    return tmp_path / "bert"


def test_an_encoder_of_sentences_gets_the_suite_of_its_kind_and_is_judged_by_its_neighbours(files, bert):
    store = files.folder / "bert.db"
    done = files.run("run", "--model", bert, "--store", store, "--quiet", "-o", files.folder / "bert.html", *FAST, "--scheme", "fp32,w4g32",
                     "--launches", "1")
    records = {r["scheme"]: r for r in files.program.records(store)}
    assert done.returncode == 0 and set(records) == {"fp32", "w4g32"}, done
    for scheme, record in records.items():
        figures = {name: measurement["value"] for name, measurement in record["measurements"].items()}
        assert record["task"] == "embedding" and record["outcome"] in GOOD, record
        assert record["batch"] == 2 and record["tokens"] == 8 and figures["sentences_per_s"] > 0, record
        assert 0.5 < figures["embedding_cosine_min"] <= figures["embedding_cosine"] <= 1 + 1e-9, figures
        assert -1 <= figures["rank_correlation"] <= 1 + 1e-9 and 0 <= figures["top10_overlap"] <= 1, figures
    exact, coarse = (records[scheme]["measurements"] for scheme in ("fp32", "w4g32"))
    assert exact["top1_agreement"]["value"] > 0.99 > coarse["embedding_cosine"]["value"] - 1e-2
    assert coarse["rank_correlation"]["value"] < exact["rank_correlation"]["value"]


def test_an_encoder_without_tokenizer_is_measured_and_that_is_said(files, bert):
    (bert / "vocab.txt").unlink()
    store = files.folder / "bare.db"
    done = files.run("run", "--model", bert, "--store", store, "--quiet", "-o", files.folder / "bare.html", *FAST, "--scheme", "fp32", "--launches", "1")
    record, = files.program.records(store)
    assert done.returncode == 0 and record["measurements"]["sentences_per_s"]["value"] > 0, (done, record)
    assert "tokenizer" in record["measurements"]["top1_agreement"]["reason"], record["measurements"]["top1_agreement"]


def test_sentences_longer_than_the_encoders_positions_are_refused(files, bert):
    done = files.run("run", "--model", bert, "--store", files.folder / "long.db", "--tokens", "65", "--plan-only")
    refused(done, "65 tokens", "64")


def test_a_name_of_the_hub_that_is_here_is_run_and_called_by_its_name(own, llama, tmp_path):
    commit, cache = "0123456789abcdef0123456789abcdef01234567", tmp_path / "hub/models--Some--Tiny-1.0"
    (cache / "refs").mkdir(parents=True)
    (cache / "refs/main").write_text(commit)
    snapshot, blobs = cache / "snapshots" / commit, cache / "blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    for file in (llama / "sharded").iterdir():
        shutil.copy(file, blobs / file.name)
        os.symlink(f"../../blobs/{file.name}", snapshot / file.name)
    done = own("--plan-only", model="Some/Tiny-1.0", HF_HUB_CACHE=str(tmp_path / "hub"))
    assert done.returncode == 0 and "Tiny-1.0/w4g32/onnxruntime" in done.stdout, done
    by_path = own("--plan-only", model=snapshot)
    assert "Tiny-1.0/w4g32/onnxruntime" in by_path.stdout, by_path
    other = own("--plan-only", model="Some/Tiny-1.0@v2", HF_HUB_CACHE=str(tmp_path / "hub"))
    refused(other, "Some/Tiny-1.0@v2", "qbench fetch Some/Tiny-1.0@v2")


def test_two_folders_of_one_name_are_told_apart(own, llama, tmp_path):
    shutil.copytree(llama / "single", tmp_path / "other/own")
    done = own("--model", tmp_path / "other/own", "--plan-only")
    assert done.returncode == 0 and "other/own/w4g32" in done.stdout, done


def test_a_resumed_run_wants_the_same_weights(own):
    assert own("--launches", "1").returncode == 0
    change(own, rms_norm_eps=1e-3)
    refused(own("--resume"), "has changed since run")


@pytest.mark.parametrize("quantize, called, frameworks", (
    (as_gptq, "gptq-w4g32s", "reference,onnxruntime,pytorch,mlx"),
    (as_awq, "awq-w4g32", "reference,onnxruntime,pytorch,mlx"),
    (as_mlx, "mlx-w4g32", "reference,onnxruntime,pytorch,mlx"),
    (lambda folder: as_mlx(folder, 8), "mlx-w8g32", "reference,pytorch,mlx"),
    (lambda folder: as_mlx(folder, 3), "mlx-w3g32", "reference,mlx"),
    (lambda folder: as_mlx(folder, 6), "mlx-w6g32", "reference,mlx"),
    (lambda folder: as_mlx(folder, 4, 32, "mxfp4"), "mlx-mxfp4", "reference,mlx"),
), ids=("gptq", "awq", "mlx4", "mlx8", "mlx3", "mlx6", "mxfp4"))
def test_what_another_tool_quantized_is_measured_with_its_own_bits(own, quantize, called, frameworks):
    change(own, **quantize(own.folder))
    planned = own("--plan-only")
    assert planned.returncode == 0 and "own/as-is/onnxruntime" in planned.stdout and "own/w4g32/onnxruntime" in planned.stdout, planned
    done = own("--scheme", "as-is,fp32", "--framework", frameworks)
    assert done.returncode == 0, done
    records = {(r["framework"], r["scheme"]): r for r in own.all_records()}
    assert {f for f, _ in records} == set(frameworks.split(",")) and all(r["outcome"] in GOOD for r in records.values()), records
    answers = [records["reference", scheme]["launches"][0]["facts"]["output_hash"] for scheme in ("as-is", "fp32")]
    assert answers[0] == answers[1]  # the bits decode to the very weights
    for (_, scheme), record in records.items():
        assert record["manifest"]["checkpoint_format"] == called
        assert (record["manifest"]["bits_per_weight"] < 20) == (scheme == "as-is"), record["manifest"]


def test_bits_that_one_framework_does_not_take_are_unsupported_there(own):
    change(own, **as_mlx(own.folder, 8))
    assert own("--scheme", "as-is").returncode == 1  # nothing was measured
    record, = own.all_records()
    assert record["outcome"] == "unsupported" and "MatMulNBits takes float zero points of 4-bit weights only" in record["reason"], record


def test_bits_without_a_kernel_are_unsupported_with_the_reason(own):
    change(own, **as_mlx(own.folder, bits=3))
    assert own("--scheme", "as-is", "--framework", "onnxruntime,pytorch").returncode == 1  # nothing was measured
    records = {r["framework"]: r for r in own.all_records()}
    assert {r["outcome"] for r in records.values()} == {"unsupported"}, records
    assert records["onnxruntime"]["reason"].endswith("ONNX Runtime has no kernels for 3-bit weights on a CPU"), records
    assert records["pytorch"]["reason"].endswith("PyTorch has no kernels for 3-bit weights on cpu"), records


def test_bits_that_no_framework_takes_are_unsupported_with_the_reason(own):
    change(own, **as_fp8(own.folder))
    done = own("--scheme", "as-is,w4g32")
    records = {r["scheme"]: r for r in own.all_records()}
    assert done.returncode == 0 and records["w4g32"]["outcome"] in GOOD, done
    assert records["as-is"]["outcome"] == "unsupported" and "ct-fp8" in records["as-is"]["reason"], records["as-is"]


@pytest.mark.parametrize("quantize, called", ((lambda folder: as_gptq(folder, order=True), "gptq-w4g32s"), (as_compressed, "ct-w8a8")),
                         ids=("act-order", "w8a8"))
def test_act_order_and_activations_in_8_bits_are_measured(own, quantize, called):
    change(own, **quantize(own.folder))
    assert own("--scheme", "as-is", "--framework", "reference,onnxruntime,pytorch").returncode == 0
    records = {r["framework"]: r for r in own.all_records()}
    assert len(records) == 3 and all(r["outcome"] in GOOD for r in records.values()), records
    assert {r["manifest"]["checkpoint_format"] for r in records.values()} == {called}


def write_adapter(folder, width: int = 64):
    """As PEFT saves one for q_proj of both layers."""
    folder.mkdir()
    stem = "base_model.model.model.layers.{}.self_attn.q_proj.lora_{}.weight"
    save_file({stem.format(layer, part): torch.full(shape, 0.1) for layer in (0, 1) for part, shape in (("A", (2, width)), ("B", (64, 2)))},
              folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["q_proj"]}))
    return folder


def test_an_adapter_is_fused_and_beside_the_weights_in_one_table(own, tmp_path):
    adapter = write_adapter(tmp_path / "tuned")
    planned = own("--adapter", adapter, "--plan-only")
    assert planned.returncode == 0 and all(f"own+tuned/{scheme}/onnxruntime" in planned.stdout for scheme in ("w4g32", "w4g32+lora")), planned
    done = own("--adapter", adapter, "--scheme", "fp32,fp32+lora,w4g32,w4g32+lora", "--framework", "reference")
    assert done.returncode == 0, done
    records = {r["scheme"]: r for r in own.all_records()}
    assert len(records) == 4 and all(r["outcome"] in GOOD and r["model"] == "own+tuned" for r in records.values()), records
    hashes = {scheme: r["launches"][0]["facts"]["output_hash"] for scheme, r in records.items()}
    assert len(set(hashes.values())) == 4  # four variants


def test_an_adapter_that_does_not_fit_is_refused(own, tmp_path):
    refused(own("--adapter", write_adapter(tmp_path / "other", width=96)), "adapter is of another base", "q_proj", "96 inputs")
    refused(own("--adapter", tmp_path / "nowhere"), "nowhere: no such folder")
    (tmp_path / "empty").mkdir()
    refused(own("--adapter", tmp_path / "empty"), "adapter_config.json")


def test_a_scheme_with_an_adapter_needs_one(own):
    assert own("--scheme", "w4g32+lora").returncode == 1
    record, = own.all_records()
    assert record["outcome"] == "unsupported" and "has no adapter; --adapter gives one" in record["reason"], record


def test_quantize_takes_a_folder(own, files):
    done = files.run("quantize", own.folder, "--scheme", "w4g32", "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["scheme"] == "w4g32", done


@pytest.mark.parametrize("fields, words", (
    ({"architectures": ["GPT17ForCausalLM"]}, ["unknown architecture GPT17ForCausalLM", "LlamaForCausalLM"]),
    ({"num_local_experts": 8}, ["mixture of experts"]),
    ({"quantization_config": {"quant_method": "aqlm", "bits": 4}}, ['quantized by "aqlm" are not read']),
    ({"quantization_config": {"quant_method": "gptq", "bits": 4}}, ["says that it is quantized, but no weight is"]),
    ({"hidden_size": 128}, ["model.embed_tokens.weight is [256, 64]"]),
    ({"num_hidden_layers": 3}, ["no tensor model.layers.2."]),
    ({"num_hidden_layers": 1}, ["tensor model.layers.1.", "no place"]),
    ({"vocab_size": None}, ["vocab_size is missing"]),
), ids=lambda value: next(iter(value)) if isinstance(value, dict) else "")
def test_a_config_that_is_not_of_the_weights_is_refused(own, fields, words):
    change(own, **fields)
    refused(own(), "own", *words)


def test_a_folder_without_config_is_refused(own):
    (own.folder / "config.json").unlink()
    refused(own(), "config.json is missing")


def test_a_folder_without_weights_is_refused(own):
    (own.folder / "model.safetensors").unlink()
    refused(own(), "has no weights", "model.safetensors")


def test_a_missing_shard_is_refused_by_its_name(own, llama, tmp_path):
    shutil.copytree(llama / "sharded", tmp_path / "lacking")
    (tmp_path / "lacking/model-00002-of-00004.safetensors").unlink()
    refused(own(model=tmp_path / "lacking"), "shard model-00002-of-00004.safetensors")


def test_a_folder_that_is_not_there_is_refused(own):
    refused(own(model="no/where"), "no/where", "qbench fetch no/where")
    refused(own(model="./no/where"), "no/where")
    refused(own("--model", "/no/where/at/all"), "/no/where/at/all: no such file")
    refused(own(model="nowhere.gguf"), "nowhere.gguf: no such file")
