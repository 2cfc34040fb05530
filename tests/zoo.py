"""The zoo through the real command line: its listing, synthetic weights, what doesn't fit the machine, texts of the user's own, and a
download that a run asks for, from a hub on this machine over TLS."""
import json

import pytest
import torch
from hub_server import Certificates, Hub, Repository
from program import LITTLE, Program, answer_at_terminal, refused
from transformers import LlamaConfig, LlamaForCausalLM

GOOD = ("ok", "unstable")
NAME = "Some/Tiny-1.0"
CLEARED = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME", "HF_HUB_OFFLINE",
           "TRANSFORMERS_OFFLINE", "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY")


@pytest.fixture
def little(files, tmp_path, monkeypatch):
    """A run of one short case, with a hub's cache of its own, empty, that nobody fills unasked."""
    for name in CLEARED:
        monkeypatch.delenv(name, raising=False)
    files.write("little.toml", LITTLE.encode())

    def run(*arguments, **changes):
        return files.run("run", files.folder / "little.toml", *arguments, "--store", files.folder / "a.db", "--quiet", "-o",
                         files.folder / "a.html", **{"HF_HOME": str(tmp_path / "hf"), **changes})
    run.files, run.records = files, lambda: files.program.records(files.folder / "a.db")
    return run


def test_the_listing_tells_sizes_licence_source_and_needs(files, tmp_path):
    rows = {row["name"]: row for row in files.program.json("zoo", HF_HOME=str(tmp_path / "hf"))}
    assert sum(len(row["variants"]) for row in rows.values()) >= 20 and len(rows) >= 15
    llama = rows["llama-2-7b"]
    assert llama["weight_count"] == 6738415616 and llama["source"] == "meta-llama/Llama-2-7b-hf" and llama["licence"] == "llama2"
    assert not llama["is_here"] and "qbench fetch meta-llama/Llama-2-7b-hf" in llama["weights"]
    w4g64 = next(v for v in llama["variants"] if v["scheme"] == "w4g64")
    assert 3.7e9 < w4g64["stored_bytes"] < 3.9e9 and w4g64["memory_bytes_estimated"] > 2 * w4g64["stored_bytes"] and w4g64["seconds_estimated"] > 60
    assert rows["llama-test"]["source"] == "synthetic" and rows["llama-test"]["is_here"] and rows["llama-test"]["licence"] == ""
    text = files.run("zoo").stdout
    assert "6738 million weights, licence llama2" in text and "estimates" in text


def test_synthetic_weights_are_asked_for_by_name_and_said_everywhere(little):
    done = little("--model", "smollm2-360m@synthetic", "--scheme", "w8c", "--framework", "onnxruntime")
    record, = little.records()
    assert done.returncode == 0 and record["outcome"] in GOOD and record["model"] == "smollm2-360m@synthetic", (done, record)
    assert record["manifest"]["weights"] == "synthetic" and "synthetic" in record["measurements"]["perplexity"]["reason"], record
    assert "smollm2-360m@synthetic" in done.stdout and "synthetic" in (little.files.folder / "a.html").read_text()


def test_what_does_not_fit_is_told_by_the_plan_and_skipped_by_the_run(little):
    asked = ("--model", "llama-2-7b@synthetic", "--scheme", "fp32", "--framework", "onnxruntime")
    plan = json.loads(little(*asked, "--plan-only", "--json").stdout)
    if not plan["skipped"]:
        pytest.skip("this machine runs a Llama of 7 billion weights in fp32")
    assert "needs about 59.6 GB of memory" in plan["skipped"][0]["reason"] and plan["launches"] == 0, plan
    assert "skipped: needs about 59.6 GB of memory" in little(*asked, "--plan-only").stdout
    done = little(*asked)
    record, = little.records()
    assert done.returncode == 1 and record["outcome"] == "unavailable" and "59.6 GB" in record["reason"], (done, record)


def test_the_suite_of_language_models_is_planned(files):
    plan = json.loads(files.run("run", "llm", "--plan-only", "--json").stdout)
    models = {case.split("/")[0] for case in plan["cases"]}
    assert models == {"smollm2-135m", "phi-2@synthetic", "mistral-7b@synthetic", "llama-2-7b@synthetic"} and not plan["to_fetch"], plan


def test_a_text_of_ones_own_is_what_a_model_is_judged_on(little, smollm2):
    text = little.files.write("mine.txt", ("It was the best of times, it was the worst of times. " * 40).encode())
    done = little("--model", smollm2, "--text", text, "--scheme", "w4g32")
    record, = little.records()
    assert done.returncode == 0 and record["manifest"]["dataset"]["name"] == "mine.txt", (done, record)
    assert record["measurements"]["perplexity"]["value"] < 40, "what is said again and again is foreseen"
    text.write_text("changed " * 400)
    refused(little.files.run("run", "--resume", "--store", little.files.folder / "a.db", "--quiet"), "mine.txt", "has changed")


@pytest.mark.parametrize("content, words", ((b"", ["no text"]), (b" \n\n", ["no text"]), (b"caf\xe9 au lait " * 99, ["no UTF-8", "byte 3"]),
                                            (b"Too short.", ["too short", "64"])), ids=("empty", "blank", "latin1", "short"))
def test_a_text_that_can_not_be_judged_on_is_refused(little, smollm2, content, words):
    text = little.files.write("bad.txt", content)
    refused(little("--model", smollm2, "--text", text), "bad.txt", *words)
    assert not (little.files.folder / "a.db").exists()


def test_a_text_that_is_not_there_or_judges_nothing_is_refused(little, smollm2):
    refused(little("--model", smollm2, "--text", "nowhere.txt"), "nowhere.txt", "no such file")
    refused(little.files.run("run", "--model", "efficientnet-lite0", "--text", little.files.write("a.txt", b"words " * 99), "--plan-only"),
            "a.txt", "nothing of this run is judged on a text")


def test_nothing_of_the_zoo_is_fetched_unasked(little):
    done = little("--model", "qwen3-0.6b")
    refused(done, "qwen3-0.6b", "Qwen/Qwen3-0.6B", "about 1.19 GB to fetch", "--yes", "qwen3-0.6b@synthetic")
    plan = little("--model", "qwen3-0.6b", "--plan-only")
    assert plan.returncode == 0 and "about 1.19 GB to fetch" in plan.stdout, plan
    refused(little.files.run("quantize", "qwen3-0.6b", "--scheme", "w4g32"), "Qwen/Qwen3-0.6B", "qbench fetch")


# A run that fetches.


@pytest.fixture(scope="module")
def certificates(tmp_path_factory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def hub(certificates, tmp_path):
    """A hub with a tiny Llama."""
    torch.manual_seed(0)
    LlamaForCausalLM(LlamaConfig(vocab_size=256, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
                                 num_key_value_heads=2, max_position_embeddings=512)).save_pretrained(tmp_path / "tiny")
    hub = Hub(certificates)
    hub.repositories[NAME] = Repository({file.name: file.read_bytes() for file in (tmp_path / "tiny").iterdir()})
    yield hub
    hub.stop()


@pytest.fixture
def told(little, hub, certificates):
    return dict(HF_ENDPOINT=hub.url, SSL_CERT_FILE=str(certificates.ca))


def test_a_run_fetches_what_it_was_told_to_and_measures_it(little, hub, told):
    refused(little("--model", NAME, **told), NAME, "run --yes")
    assert not hub.asked("")  # not even what it is
    done = little("--model", NAME, "--yes", **told)
    record, = little.records()
    assert done.returncode == 0 and record["model"] == "Tiny-1.0" and record["outcome"] in GOOD, (done, record)
    assert record["manifest"]["weights"] == "pretrained" and hub.asked("/resolve/")
    again = little("--model", NAME, HF_ENDPOINT="https://localhost:1", HF_HUB_OFFLINE="1")
    assert again.returncode == 0, again


def test_a_disk_that_is_too_small_is_told_before_the_download(little, hub, told):
    repository = hub.repositories[NAME]
    repository.listed["model.safetensors"] = {"lfs": {"oid": repository.digest("model.safetensors"), "size": 10**13}}
    refused(little("--model", NAME, "--yes", **told), "10.0 TB to fetch", "room")
    assert not hub.asked("/resolve/")


def test_a_gated_model_says_how_to_get_access(little, hub, told):
    hub.repositories[NAME].gated = True
    refused(little("--model", NAME, "--yes", **told), f"{NAME} is gated", "accept its licence")


@pytest.mark.parametrize("answer, code", ((b"y\n", 0), (b"n\n", 2)))
def test_a_terminal_is_asked(little, hub, told, answer, code, tmp_path):
    program: Program = little.files.program
    done, shown = answer_at_terminal(
        [program.path, "run", little.files.folder / "little.toml", "--model", NAME, "--store", tmp_path / "t.db", "-o", tmp_path / "t.html"],
        answer, program.environment_with({**told, "HF_HOME": str(tmp_path / "hf")}))
    assert done == code and b"to fetch into" in shown and b"model.safetensors" in shown, shown
    assert bool(hub.asked("/resolve/")) == (code == 0)
