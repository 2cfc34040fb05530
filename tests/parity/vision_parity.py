"""Networks of pictures that models of one's own may be: small ones of random weights, made by transformers and timm, saved
their way and read here. Answers within 1e-4 (of the largest) on the reference and on every framework in fp32; the numbers
that a picture becomes are those of the ecosystem's own preprocessing.
"""
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from PIL import Image
from timm_alone import timm
from tiny_models import ENGINES, SEEN, TOLERANCE, error_of, make_runner, with_fields, with_noise

VIT = dict(hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, image_size=32, patch_size=8)
RESNET = dict(embedding_size=16, hidden_sizes=[32, 64], depths=[1, 2])
EFFICIENTNET = dict(image_size=64, width_coefficient=0.5, depth_coefficient=0.5, hidden_dim=640, depthwise_padding=[])
NO_CLASS_TOKEN = dict(img_size=32, patch_size=8, embed_dim=48, depth=2, num_heads=3, class_token=False, global_pool="avg")


@dataclass
class Network:
    """Of transformers: what its configuration has beyond the base above. Of timm: what create_model gets."""
    name: str
    kind: str  # a class of transformers without its ending, or an architecture of timm
    config: dict = field(default_factory=dict)
    size_px: int = 32
    dtype: torch.dtype = torch.float32
    base: dict = field(default_factory=dict)

    @property
    def is_timm(self) -> bool:
        return self.kind.islower()


def vit(name: str, more: dict, **others) -> Network:
    return Network(name, "ViT", more, base=VIT, size_px=more.get("image_size", 32), **others)


def resnet(name: str, more: dict, size_px: int = 64) -> Network:
    return Network(name, "ResNet", more, base=RESNET, size_px=size_px)


def efficientnet(name: str, more: dict) -> Network:
    return Network(name, "EfficientNet", more, base=EFFICIENTNET, size_px=more.get("image_size", 64))


NETWORKS = (
    resnet("resnet", {}),
    resnet("resnet-basic", dict(layer_type="basic", hidden_sizes=[16, 40], depths=[2, 1])),
    resnet("resnet-odd-picture", dict(hidden_sizes=[36, 60, 84], depths=[1, 1, 1]), size_px=75),
    resnet("resnet-first-stage-halves", dict(downsample_in_first_stage=True)),
    resnet("resnet-version-1", dict(downsample_in_bottleneck=True)),
    resnet("resnet-gelu", dict(hidden_act="gelu")),
    vit("vit", {}),
    vit("vit-odd-sizes", dict(hidden_size=60, intermediate_size=91, num_attention_heads=5, image_size=45, patch_size=9)),
    vit("vit-picture-with-a-rest", dict(image_size=37)),
    vit("vit-no-qkv-bias", dict(qkv_bias=False)),
    vit("vit-eps", dict(layer_norm_eps=0.1)),
    vit("vit-bf16", {}, dtype=torch.bfloat16),
    efficientnet("efficientnet", {}),
    efficientnet("efficientnet-odd-picture", dict(image_size=75, depthwise_padding=[1, 3])),
    efficientnet("efficientnet-wide", dict(width_coefficient=0.7, hidden_dim=896, batch_norm_eps=1e-2)),
    Network("timm-resnet18", "resnet18", size_px=64),
    Network("timm-resnet26", "resnet26", size_px=75),
    Network("timm-vit", "vit_tiny_patch16_224", dict(img_size=64, depth=2), size_px=64),
    Network("timm-vit-mean", "vit_tiny_patch16_224", dict(img_size=48, depth=2, embed_dim=60, num_heads=5, mlp_ratio=1.5, global_pool="avg"), size_px=48),
    Network("timm-vit-no-class-token", "vit_tiny_patch16_224", NO_CLASS_TOKEN),
    Network("timm-efficientnet", "efficientnet_b0", size_px=64),
    Network("timm-efficientnet-odd-picture", "efficientnet_b0", size_px=75),
    Network("timm-tf-efficientnet", "tf_efficientnet_b0", size_px=75),
    Network("timm-tf-efficientnet-lite", "tf_efficientnet_lite0", size_px=64),
    Network("timm-efficientnet-b1", "efficientnet_b1", size_px=64),
    Network("timm-mobilenetv3-small", "mobilenetv3_small_050", size_px=64),
    Network("timm-mobilenetv3-small-100", "mobilenetv3_small_100", size_px=75),
    Network("timm-mobilenetv3-large", "mobilenetv3_large_100", size_px=64),
    Network("timm-tf-mobilenetv3-large", "tf_mobilenetv3_large_075", size_px=75),
)
BY_NAME = {network.name: network for network in NETWORKS}
CLASS_COUNT = 10
PROCESSORS = {
    "ResNet": dict(image_processor_type="ConvNextImageProcessor", size=dict(shortest_edge=64), crop_pct=0.875, resample=3),
    "ViT": dict(image_processor_type="ViTImageProcessor", size=dict(height=32, width=32), resample=2),
    "EfficientNet": dict(image_processor_type="EfficientNetImageProcessor", size=dict(height=64, width=64), resample=0, include_top=True),
}
IMAGENET = dict(image_mean=[0.485, 0.456, 0.406], image_std=[0.229, 0.224, 0.225], do_resize=True, do_rescale=True, do_normalize=True)


def of_transformers(network: Network, folder: Path) -> None:
    config = getattr(transformers, f"{network.kind}Config")(**network.base | network.config, num_labels=CLASS_COUNT)
    model = with_statistics(getattr(transformers, f"{network.kind}ForImageClassification")(config), network)
    model.to(network.dtype).save_pretrained(folder)
    processor = PROCESSORS[network.kind] | IMAGENET
    side = network.size_px
    processor["size"] = dict(shortest_edge=side) if "shortest_edge" in processor["size"] else dict(height=side, width=side)
    (folder / "preprocessor_config.json").write_text(json.dumps(processor))


def create_timm(network: Network) -> torch.nn.Module:
    return timm.create_model(network.kind, num_classes=CLASS_COUNT, **network.config)


def of_timm(network: Network, folder: Path) -> None:
    model = with_statistics(create_timm(network), network)
    data = {} if "img_size" in network.config else dict(data_config=dict(input_size=(3, network.size_px, network.size_px)))
    timm.models.save_for_hf(model, folder, safe_serialization=True, **data)


def with_statistics(model: torch.nn.Module, network: Network) -> torch.nn.Module:
    """Batch norms whose statistics are those of their inputs, as after training: answers then hang on all of the picture."""
    model = with_noise(model)
    norms = [m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    for layer in model.modules() if norms else ():
        if isinstance(layer, (torch.nn.Conv2d, torch.nn.Linear)):  # fresh ones may give less than a batch norm's epsilon
            torch.nn.init.kaiming_normal_(layer.weight)
    for norm in norms:
        torch.nn.init.uniform_(norm.weight, 0.8, 1.2)  # 0 in some classes
        norm.momentum = None  # the plain mean of what it saw
        norm.reset_running_stats()
    if norms:
        with torch.no_grad():
            model.train()(pictures_of(network.size_px, 8, seed=3))
    return model.eval()


def pictures_of(size_px: int, count: int = 2, seed: int = 7) -> torch.Tensor:
    return torch.tensor(np.random.default_rng(seed).normal(size=(count, 3, size_px, size_px)), dtype=torch.float32)


@dataclass
class Made:
    folder: Path
    pictures: np.ndarray
    logits: np.ndarray  # of transformers or timm


def loaded(network: Network, folder: Path) -> torch.nn.Module:
    if not network.is_timm:
        return getattr(transformers, f"{network.kind}ForImageClassification").from_pretrained(folder, dtype=torch.float32).eval()
    from safetensors.torch import load_file
    model = create_timm(network)
    model.load_state_dict(load_file(folder / "model.safetensors"))
    return model.eval()


@pytest.fixture(autouse=True)
def width_first(monkeypatch):
    """Pillow 13 takes the height first for some sizes, versions before it never did: of pictures in 8 bits that is another
    rounding, one level of 255 off. qbench takes the width first."""
    resize = Image.Image.resize

    def in_two_passes(self, size, resample=None, box=None, reducing_gap=None):
        if box is None and resample not in (None, Image.Resampling.NEAREST) and self.size[0] != size[0] and self.size[1] != size[1]:
            self = resize(self, (size[0], self.size[1]), resample)
        return resize(self, size, resample, box, reducing_gap)
    monkeypatch.setattr(Image.Image, "resize", in_two_passes)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    known: dict[str, Made] = {}

    def make(name: str) -> Made:
        if name in known:
            return known[name]
        torch.manual_seed(len(name))
        network, folder = BY_NAME[name], tmp_path_factory.mktemp("models") / name
        (of_timm if network.is_timm else of_transformers)(network, folder)
        pictures = pictures_of(network.size_px)
        with torch.no_grad():
            answer = loaded(network, folder)(pictures)
        logits = (answer if network.is_timm else answer.logits).numpy()
        assert np.abs(logits[0] - logits[1]).max() > 0.03 * np.abs(logits).max()  # the pictures are told apart
        known[name] = Made(folder, pictures.numpy(), logits)
        return known[name]
    return make


@pytest.fixture(scope="module")
def runner(probe, bin_folder, tmp_path_factory):
    return make_runner(probe, bin_folder, tmp_path_factory)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", BY_NAME)
def test_logits_are_the_ecosystems(made, runner, name, engine):
    network = made(name)
    bundle = runner.bundle(network.folder)
    assert error_of(runner.at_once(bundle, engine, dict(image=network.pictures)), network.logits) <= TOLERANCE
    alone = runner.at_once(bundle, engine, dict(image=network.pictures[1:]))
    assert error_of(alone, network.logits[1:]) <= TOLERANCE


SPOILT = (("resnet", dict(downsample_in_bottleneck=True)), ("resnet", dict(hidden_act="gelu")), ("vit", dict(layer_norm_eps=0.1)),
          ("vit", dict(hidden_act="relu")), ("vit", dict(num_attention_heads=2)), ("efficientnet", dict(batch_norm_eps=0.1)),
          ("efficientnet-odd-picture", dict(depthwise_padding=[])), ("timm-vit", dict(model_args=dict(img_size=64, depth=2, num_heads=6))),
          ("timm-efficientnet", dict(architecture="tf_efficientnet_b0")), ("timm-mobilenetv3-small", dict(architecture="tf_mobilenetv3_small_050")))


@pytest.mark.parametrize("name, fields", SPOILT, ids=lambda value: "-".join(value) if isinstance(value, dict) else value)
def test_each_field_counts_that_the_logits_are_said_to_prove(made, runner, tmp_path, name, fields):
    """With another value they are others, by far more than is let pass."""
    network = made(name)
    folder = with_fields(network.folder, tmp_path / name, fields)
    assert error_of(runner.at_once(runner.bundle(folder), "reference", dict(image=network.pictures)), network.logits) > SEEN


REFUSED = (("resnet", dict(num_channels=1), "num_channels is 1"), ("resnet", dict(layer_type="wide"), "layer_type"),
           ("resnet", dict(hidden_sizes=[32]), "hidden_sizes"), ("resnet", dict(hidden_sizes=[32, 68]), "tensor resnet."),
           ("vit", dict(image_size=[32, 40]), "no square"), ("vit", dict(hidden_act="gelu_fast"), "gelu_fast"), ("vit", dict(patch_size=64), "patch"),
           ("vit", dict(num_attention_heads=3), "can't share"), ("vit", dict(image_size=40), "preprocessor_config.json makes"),
           ("efficientnet", dict(pooling_type="max"), "pooling_type"), ("efficientnet", dict(strides=[1, 1, 2, 2, 1, 2, 1]), "strides"),
           ("timm-resnet26", dict(architecture="resnet50d"), "resnet50d of timm"), ("timm-resnet26", dict(global_pool="max"), "global_pool"),
           ("timm-vit", dict(architecture="vit_base_r50_s16_224"), "vit_base_r50_s16_224"), ("timm-vit", dict(global_pool="map", model_args={}), "map"),
           ("timm-vit", dict(model_args=dict(init_values=1e-5)), "init_values"), ("timm-vit", dict(model_args=dict(in_chans=1)), "in_chans"),
           ("timm-efficientnet", dict(architecture="efficientnet_b9"), "efficientnet_b9"),
           ("timm-mobilenetv3-small", dict(architecture="mobilenetv3_rw"), "mobilenetv3_rw"))


@pytest.mark.parametrize("name, fields, word", REFUSED, ids=lambda value: "-".join(value) if isinstance(value, dict) else value)
def test_what_isnt_followed_is_refused_by_its_name(made, runner, tmp_path, name, fields, word):
    assert word in runner.refusal(with_fields(made(name).folder, tmp_path / name, fields))


# What a picture becomes.

@pytest.fixture(scope="module")
def pixels(probe):
    def values(folder: Path, picture: Path, size_px: int) -> np.ndarray:
        done = probe("pixels", folder, picture)
        assert done.returncode == 0, done.stderr
        return np.frombuffer(done.stdout, np.float32).reshape(3, size_px, size_px)
    return values


SHAPES = ((200, 131), (131, 200), (90, 90), (20, 33))  # larger and smaller than the network's input, and odd margins


@pytest.fixture(scope="module", params=SHAPES, ids=lambda shape: f"{shape[0]}x{shape[1]}")
def picture(request, tmp_path_factory) -> Path:
    """Colours that change slowly, with noise on them."""
    height, width = request.param
    y, x = np.mgrid[:height, :width]
    values = np.stack([128 + 100 * np.sin(x / 17 + c) * np.cos(y / (11 + c)) for c in range(3)], -1)
    values += np.random.default_rng(5).normal(0, 12, values.shape)
    path = tmp_path_factory.mktemp("pictures") / "picture.png"
    Image.fromarray(values.clip(0, 255).astype(np.uint8)).save(path)
    return path


PREPROCESSED = (("resnet", "ConvNextImageProcessor", {}, 64), ("resnet", "ConvNextImageProcessor", dict(size=dict(shortest_edge=64), resample=2, crop_pct=0.7), 64),
                ("vit", "ViTImageProcessor", {}, 32), ("vit", "ViTImageProcessor", dict(resample=3, size=dict(height=32, width=32)), 32),
                ("vit", "CLIPImageProcessor", dict(size=dict(shortest_edge=32), crop_size=dict(height=32, width=32)), 32),
                ("vit", "CLIPImageProcessor", dict(size=dict(shortest_edge=35), crop_size=dict(height=32, width=32)), 32),
                ("efficientnet", "EfficientNetImageProcessor", {}, 64), ("efficientnet", "EfficientNetImageProcessor", dict(include_top=False, resample=3), 64))


@pytest.mark.parametrize("name, kind, fields, size_px", PREPROCESSED)
def test_a_picture_becomes_what_transformers_makes_of_it(made, pixels, tmp_path, picture, name, kind, fields, size_px):
    folder = with_fields(made(name).folder, tmp_path / name, dict(image_processor_type=kind) | fields, "preprocessor_config.json")
    saved = json.loads((folder / "preprocessor_config.json").read_text())
    processor = getattr(transformers, f"{kind}Pil")(**{k: v for k, v in saved.items() if k != "image_processor_type"})
    expected = processor(Image.open(picture), return_tensors="np")["pixel_values"][0]
    assert np.abs(pixels(folder, picture, size_px) - expected).max() <= 1e-5


def as_timm_prepares(image: Image.Image, config: dict) -> np.ndarray:
    """Its evaluation transforms, by torchvision's rules: the shorter edge to int(size / crop_pct), the centre, half a pixel
    off it rounded as Python does."""
    side, filters = config["input_size"][1], dict(bicubic=Image.Resampling.BICUBIC, bilinear=Image.Resampling.BILINEAR)
    edge = int(side / config["crop_pct"])
    width, height = image.size
    if config["crop_mode"] == "squash":
        width, height = edge, edge
    else:
        width, height = (edge, int(edge * height / width)) if width <= height else (int(edge * width / height), edge)
    image = image.resize((width, height), filters[config["interpolation"]])
    left, top = round((width - side) / 2), round((height - side) / 2)
    values = np.asarray(image, np.float32)[top:top + side, left:left + side] / 255
    return ((values - np.float32(config["mean"])) / np.float32(config["std"])).transpose(2, 0, 1)


@pytest.mark.parametrize("fields", ({}, dict(crop_pct=0.95), dict(crop_mode="squash"), dict(interpolation="bilinear", mean=[0.5] * 3, std=[0.25] * 3)), ids=str)
def test_a_picture_becomes_what_timm_makes_of_it(made, pixels, tmp_path, picture, fields):
    base = made("timm-resnet26").folder
    config = json.loads((base / "config.json").read_text())["pretrained_cfg"] | fields
    folder = with_fields(base, tmp_path / "timm", dict(pretrained_cfg=config))
    expected = as_timm_prepares(Image.open(picture).convert("RGB"), config)
    assert np.abs(pixels(folder, picture, 75) - expected).max() <= 1e-5


PREPROCESSING_REFUSED = ((dict(image_processor_type="BlipImageProcessor"), "Blip"), (dict(do_resize=False), "do_resize"), (dict(resample=1), "resample"),
                         (dict(size=dict(longest_edge=32)), "size"), (dict(image_mean=[0.5]), "image_mean"), (dict(do_pad=True), "do_pad"),
                         (dict(size=dict(height=32, width=40)), "no square"), (dict(do_center_crop=True, crop_size=40), "crop_size is 40"),
                         (dict(image_processor_type="ConvNextImageProcessor", size=dict(shortest_edge=32), crop_pct=1.5), "crop_pct is 1.5"),
                         (dict(size=dict(height=9000, width=9000)), "9000 px"))


@pytest.mark.parametrize("fields, word", PREPROCESSING_REFUSED, ids=str)
def test_preprocessing_that_isnt_followed_is_refused_by_its_name(made, runner, tmp_path, fields, word):
    folder = with_fields(made("vit").folder, tmp_path / "vit", fields, "preprocessor_config.json")
    refusal = runner.refusal(folder)
    assert "preprocessor_config.json" in refusal and word in refusal, refusal


# CLIP: two towers.

CLIP_TEXT = dict(vocab_size=256, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=16,
                 bos_token_id=254, eos_token_id=255, pad_token_id=1)
CLIP_VISION = dict(hidden_size=48, intermediate_size=80, num_hidden_layers=2, num_attention_heads=3, image_size=32, patch_size=8)
LENGTHS = (16, 5, 2)


@dataclass
class Clip:
    name: str
    text: dict = field(default_factory=dict)
    vision: dict = field(default_factory=dict)
    projection_dim: int = 32
    dtype: torch.dtype = torch.float32


CLIPS = (
    Clip("clip"),
    Clip("clip-odd-sizes", dict(hidden_size=60, num_attention_heads=5, intermediate_size=91, vocab_size=300, num_hidden_layers=3),
         dict(hidden_size=42, num_attention_heads=6, image_size=45, patch_size=9), projection_dim=27),
    Clip("clip-gelu", dict(hidden_act="gelu"), dict(hidden_act="gelu")),
    Clip("clip-largest-token-ends", dict(eos_token_id=2)),
    Clip("clip-eps", dict(layer_norm_eps=0.1), dict(layer_norm_eps=0.01)),
    Clip("clip-bf16", dtype=torch.bfloat16),
)
CLIP_BY_NAME = {clip.name: clip for clip in CLIPS}


@dataclass
class MadeClip:
    folder: Path
    pictures: np.ndarray
    tokens: np.ndarray
    positions: np.ndarray  # of the end tokens
    picture_vectors: np.ndarray
    text_vectors: np.ndarray  # unit vectors times the scale
    scores: np.ndarray


def texts_of(clip: Clip) -> tuple[np.ndarray, np.ndarray]:
    """Ended by the largest id; what is behind it is padding, which may hold the same id again."""
    vocabulary = (CLIP_TEXT | clip.text)["vocab_size"]
    end = vocabulary - 1 if clip.text.get("eos_token_id") == 2 else 255
    tokens = np.random.default_rng(11).integers(0, 250, (len(LENGTHS), max(LENGTHS)))
    for row, length in enumerate(LENGTHS):
        tokens[row, length - 1] = end
        tokens[row, length:] = end if row == 1 else 0
    return tokens, np.array(LENGTHS) - 1


@pytest.fixture(scope="module")
def made_clip(tmp_path_factory):
    known: dict[str, MadeClip] = {}

    def make(name: str) -> MadeClip:
        if name in known:
            return known[name]
        torch.manual_seed(len(name))
        clip, folder = CLIP_BY_NAME[name], tmp_path_factory.mktemp("models") / name
        config = transformers.CLIPConfig(text_config=CLIP_TEXT | clip.text, vision_config=CLIP_VISION | clip.vision, projection_dim=clip.projection_dim)
        model = with_noise(transformers.CLIPModel(config))
        with torch.no_grad():
            model.logit_scale.fill_(3.3)  # other than what the config says it began with
        model.to(clip.dtype).save_pretrained(folder)
        model = transformers.CLIPModel.from_pretrained(folder, dtype=torch.float32).eval()
        size_px, (tokens, positions) = (CLIP_VISION | clip.vision)["image_size"], texts_of(clip)
        pictures = pictures_of(size_px)
        with torch.no_grad():
            out = model(input_ids=torch.tensor(tokens), pixel_values=pictures)
            text_vectors = out.text_embeds * model.logit_scale.exp()
        assert np.abs(out.logits_per_image - out.logits_per_image.mean(0)).max() > 0.1
        known[name] = MadeClip(folder, pictures.numpy(), tokens, positions, out.image_embeds.numpy(), text_vectors.numpy(), out.logits_per_image.numpy())
        return known[name]
    return make


def towers(folder: Path) -> dict[str, Path]:
    networks = json.loads((folder / "model.json").read_text())["networks"]
    return {network["name"]: folder.parent / network["bundle"] for network in networks}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", CLIP_BY_NAME)
def test_clips_vectors_and_scores_are_transformers(made_clip, runner, name, engine):
    clip = made_clip(name)
    tower = towers(runner.bundle(clip.folder))
    pictures = runner.at_once(tower["picture"], engine, dict(image=clip.pictures))
    texts = runner.at_once(tower["text"], engine, dict(tokens=clip.tokens, position=clip.positions))
    assert error_of(pictures, clip.picture_vectors) <= TOLERANCE
    assert error_of(texts, clip.text_vectors) <= TOLERANCE
    assert error_of(pictures @ texts.T, clip.scores) <= TOLERANCE
    for row, length in enumerate(LENGTHS):  # not padded, as texts are encoded
        alone = runner.at_once(tower["text"], engine, dict(tokens=clip.tokens[row:row + 1, :length], position=clip.positions[row:row + 1]))
        assert error_of(alone, clip.text_vectors[row:row + 1]) <= TOLERANCE


CLIP_SPOILT = (("clip", "text_config", dict(layer_norm_eps=0.1), "text"), ("clip", "text_config", dict(hidden_act="gelu"), "text"),
               ("clip", "text_config", dict(num_attention_heads=2), "text"), ("clip", "vision_config", dict(hidden_act="gelu"), "picture"),
               ("clip", "vision_config", dict(num_attention_heads=6), "picture"), ("clip-eps", "vision_config", dict(layer_norm_eps=1e-5), "picture"))


@pytest.mark.parametrize("name, part, fields, which", CLIP_SPOILT, ids=str)
def test_each_field_of_clip_counts(made_clip, runner, tmp_path, name, part, fields, which):
    clip = made_clip(name)
    config = json.loads((clip.folder / "config.json").read_text())
    tower = towers(runner.bundle(with_fields(clip.folder, tmp_path / name, {part: config[part] | fields})))
    picture, text = dict(image=clip.pictures), dict(tokens=clip.tokens, position=clip.positions)
    answer = runner.at_once(tower[which], "reference", picture if which == "picture" else text)
    assert error_of(answer, clip.picture_vectors if which == "picture" else clip.text_vectors) > SEEN


def test_a_clip_that_says_two_things_is_refused(made_clip, runner, tmp_path):
    folder = with_fields(made_clip("clip").folder, tmp_path / "clip", dict(vision_config_dict=dict(hidden_size=64)))
    assert "vision_config_dict has hidden_size 64" in runner.refusal(folder)
