"""Networks of pictures through the real command line: folders that transformers writes, CLIP's zero-shot classes, pictures of the
user's own, and what is refused of them."""
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image
from program import refused
from transformers import CLIPConfig, CLIPModel, ResNetConfig, ResNetForImageClassification

GOOD = ("ok", "unstable")
LITTLE = '''name = "little"
[protocol]
launches = 1
duration_min = "20ms"
warmup_duration = "10ms"
duration_max = "1s"
[[benchmark]]
model = ["efficientnet-lite0", "clip-vit-b-32"]
scheme = ["fp32", "w4g32"]
framework = ["onnxruntime"]
'''
CLASSES = {0: "red thing, crimson", 1: "green_thing", 2: "blue thing", 3: "grey thing"}
PREPROCESSOR = dict(image_processor_type="CLIPImageProcessor", size=dict(shortest_edge=32), crop_size=dict(height=32, width=32), do_center_crop=True,
                    do_resize=True, do_rescale=True, do_normalize=True, resample=3, image_mean=[0.5] * 3, image_std=[0.5] * 3)
FOOLBOX = "foolbox-3.3.4/foolbox/data"


@pytest.fixture
def resnet(tmp_path) -> Path:
    torch.manual_seed(0)
    config = ResNetConfig(embedding_size=16, hidden_sizes=[32, 64], depths=[1, 1], id2label=CLASSES, label2id={v: k for k, v in CLASSES.items()})
    ResNetForImageClassification(config).save_pretrained(tmp_path / "resnet")
    (tmp_path / "resnet/preprocessor_config.json").write_text(json.dumps(PREPROCESSOR))
    return tmp_path / "resnet"


@pytest.fixture
def clip(tmp_path) -> Path:
    """A tiny CLIP whose tokenizer knows letters."""
    letters = "abcdefghijklmnopqrstuvwxyz."
    tokens = [*letters, *(letter + "</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    torch.manual_seed(0)
    config = CLIPConfig(text_config=dict(vocab_size=len(tokens), hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=2,
                                         max_position_embeddings=40, eos_token_id=len(tokens) - 1, bos_token_id=len(tokens) - 2),
                        vision_config=dict(hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=2, image_size=32, patch_size=8),
                        projection_dim=16)
    CLIPModel(config).save_pretrained(tmp_path / "clip")
    (tmp_path / "clip/preprocessor_config.json").write_text(json.dumps(PREPROCESSOR))
    (tmp_path / "clip/vocab.json").write_text(json.dumps({token: id for id, token in enumerate(tokens)}))
    (tmp_path / "clip/merges.txt").write_text("#version: 0.2\n")
    (tmp_path / "clip/tokenizer_config.json").write_text(json.dumps(dict(tokenizer_class="CLIPTokenizer", unk_token="<|endoftext|>",
                                                                         bos_token="<|startoftext|>", eos_token="<|endoftext|>")))
    return tmp_path / "clip"


@pytest.fixture
def coloured(tmp_path) -> Path:
    """Two pictures each of three classes."""
    noise = np.random.default_rng(1)
    for place, name in enumerate(("crimson", "green thing", "blue_thing")):
        (tmp_path / "coloured" / name).mkdir(parents=True)
        for number in range(2):
            pixels = noise.integers(0, 90, (40, 50 + number, 3), np.uint8)
            pixels[..., place] += 150
            Image.fromarray(pixels).save(tmp_path / "coloured" / name / f"{number}.{'png' if number else 'jpg'}")
    return tmp_path / "coloured"


@pytest.fixture
def little(files):
    files.write("little.toml", LITTLE.encode())

    def run(*more):
        return files.run("run", files.folder / "little.toml", "--store", files.folder / "a.db", "--quiet", *more, "-o", files.folder / "a.html")
    run.records = lambda: {r["scheme"]: r for r in files.program.records(files.folder / "a.db")}
    run.files = files
    return run


def figures_of(record: dict) -> dict:
    return {name: measurement["value"] for name, measurement in record["measurements"].items()}


def test_a_folder_of_transformers_is_judged_on_pictures_of_ones_own(little, resnet, coloured):
    done = little("--model", resnet, "--images", coloured)
    assert done.returncode == 0, done
    for record in little.records().values():
        figures = figures_of(record)
        assert record["outcome"] in GOOD and record["task"] == "image_classification" and record["manifest"]["weights"] == "pretrained", record
        assert figures["pictures_per_s"] > 0 and 0 <= figures["top1_accuracy"] <= 1 and figures["top1_agreement"] is not None, figures
        assert figures["top5_accuracy"] is None  # of four classes
        assert record["manifest"]["dataset"]["name"] == "coloured" and record["manifest"]["dataset"]["item_count"] == 6


def test_a_list_of_files_and_labels_is_the_same_as_their_folders(little, resnet, coloured):
    lines = [f"{file.relative_to(coloured.parent)},{file.parent.name}" for file in sorted(coloured.rglob("*.*"))]
    (coloured.parent / "list.csv").write_text("\n".join(["file,label", *lines]))
    assert little("--model", resnet, "--images", coloured, "--scheme", "w4g32").returncode == 0
    by_folder = little.records()["w4g32"]
    assert little("--model", resnet, "--images", coloured.parent / "list.csv", "--scheme", "w4g32").returncode == 0
    by_list = little.records()["w4g32"]
    assert by_list["manifest"]["dataset"]["name"] == "list.csv"
    assert figures_of(by_folder)["top1_accuracy"] == figures_of(by_list)["top1_accuracy"]


def right_by_its_own_package(pictures: list[Path], weights: Path) -> int:
    """Of how many EfficientNet-Lite0's own PyTorch package names the class; each picture whole, resized by Pillow."""
    network = EfficientNet.from_name("efficientnet-lite0")
    network.load_state_dict(torch.load(weights, weights_only=True))
    network.eval()
    right = 0
    for file in pictures:
        resized = Image.open(file).convert("RGB").resize((224, 224), Image.Resampling.BICUBIC)
        values = torch.tensor((np.asarray(resized, np.float32) - 127) / 128).permute(2, 0, 1)[None]
        with torch.no_grad():
            right += network(values).argmax().item() == int(file.stem.rsplit("_", 1)[1])
    return right


def test_the_zoos_networks_are_judged_on_pictures_by_the_numbers_of_their_classes(little, data, tmp_path):
    """foolbox's 20 photographs, in folders called by their classes: as often right as the network's own package."""
    pictures = sorted((data / FOOLBOX).glob("imagenet_*"))
    for file in pictures:
        folder = tmp_path / "photos" / file.stem.rsplit("_", 1)[1]
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, folder / file.name)
    done = little("--model", "efficientnet-lite0", "--scheme", "fp32", "--images", tmp_path / "photos")
    figures = figures_of(little.records()["fp32"])
    [weights] = data.glob("efficientnet-lite0*/**/*.pth")
    expected = right_by_its_own_package(pictures, weights) / len(pictures)
    assert done.returncode == 0 and 0.5 < expected == pytest.approx(figures["top1_accuracy"]), (done, figures, expected)
    assert figures["top1_agreement"] == 1


def test_clip_tells_classes_by_their_texts(little, clip, coloured):
    done = little("--model", clip, "--images", coloured)
    assert done.returncode == 0, done
    exact, coarse = (figures_of(little.records()[scheme]) for scheme in ("fp32", "w4g32"))
    for figures in (exact, coarse):
        assert figures["pictures_per_s"] > 0 and figures["class_text_ns_p50"] > 0 and 0 <= figures["top1_accuracy"] <= 1, figures
    assert exact["top1_agreement"] == 1 and exact["logit_cosine"] > 1 - 1e-6 > coarse["logit_cosine"]
    assert little.records()["fp32"]["task"] == "zero_shot"


def test_clip_without_a_tokenizer_is_measured_and_that_is_said(little, clip, coloured):
    (clip / "vocab.json").unlink()
    done = little("--model", clip, "--images", coloured, "--scheme", "fp32")
    record = little.records()["fp32"]
    assert done.returncode == 0 and record["measurements"]["pictures_per_s"]["value"] > 0, (done, record)
    assert "tokenizer" in record["measurements"]["top1_agreement"]["reason"], record["measurements"]["top1_agreement"]


def test_a_network_that_does_not_say_how_pictures_are_prepared_is_measured_and_that_is_said(little, resnet):
    (resnet / "preprocessor_config.json").unlink()
    done = little("--model", resnet, "--scheme", "fp32")
    record = little.records()["fp32"]
    assert done.returncode == 0 and record["measurements"]["pictures_per_s"]["value"] > 0, (done, record)
    assert "preprocessor_config.json" in record["measurements"]["top1_agreement"]["reason"], record["measurements"]["top1_agreement"]


@pytest.mark.parametrize("spoil, words", (
    (lambda f: shutil.rmtree(f), ["no such file or folder"]),
    (lambda f: [shutil.rmtree(child) for child in f.iterdir()], ["no folder of a class"]),
    (lambda f: [child.unlink() for child in (f / "crimson").iterdir()], ["crimson", "no PNG or JPEG"]),
    (lambda f: (f / "crimson").rename(f / "unicorn"), ["\"unicorn\" is no class of resnet", "0 to 3"]),
    (lambda f: (f / "crimson/a.webp").write_bytes(b"RIFF"), ["a.webp", "PNG or JPEG"]),
    (lambda f: (f / "crimson/0.jpg").write_bytes(b"no picture"), ["0.jpg"]),
    (lambda f: (f / "crimson/0.jpg").write_bytes((f / "crimson/0.jpg").read_bytes()[:300]), ["0.jpg"])))
def test_pictures_that_can_not_be_judged_on_are_refused(little, resnet, coloured, spoil, words):
    spoil(coloured)
    refused(little("--model", resnet, "--images", coloured), *words)
    assert not (little.files.folder / "a.db").exists()


@pytest.mark.parametrize("text, words", (("", ["names no picture"]), ("file,label\n", ["names no picture"]), ("crimson/0.jpg\n", ["line 1"]),
                                         ("file,label\nnowhere.png,crimson\n", ["line 2", "nowhere.png"])))
def test_a_list_that_is_none_is_refused(little, resnet, coloured, text, words):
    (coloured / "list.csv").write_text(text)
    refused(little("--model", resnet, "--images", coloured / "list.csv"), "list.csv", *words)


def test_pictures_for_a_run_that_judges_nothing_on_them_are_refused(little, coloured, tiny):
    refused(little.files.run("run", tiny, "--images", coloured, "--plan-only"), "nothing of this run is judged on pictures")


def test_the_suite_vision_plans_every_network_of_pictures(little):
    done = little.files.run("run", "vision", "--plan-only")
    assert done.returncode == 0, done
    for model in ("efficientnet-lite0", "efficientnet-b0", "resnet-50", "mobilenetv3-large", "vit-b-16", "clip-vit-b-32"):
        assert f"{model}/w4g64/onnxruntime" in done.stdout and f"{model}/fp32/pytorch" in done.stdout, model
