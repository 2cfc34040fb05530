"""Prepared pictures against Pillow, byte by byte.

PNG must be equal. JPEG decoders differ by a level or two (libjpeg's inverse transform and chroma upsampling change
between versions), so there the tolerance is 4 levels at the 224 x 224 result and a mean of 0.5.
"""
import csv
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SIZE = 224
MAPPING = Path(__file__).resolve().parents[2] / "data/tux_imagenet.csv"


def cut_out(path: Path) -> Image.Image:
    picture = Image.open(path).convert("RGBA")
    side = int(1.15 * max(picture.size))
    square = Image.new("RGB", (side, side), "white")
    square.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2), picture)
    return square


def centre(path: Path) -> Image.Image:
    picture = Image.open(path).convert("RGB")
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    return picture.crop((left, top, left + side, top + side))


@pytest.fixture
def differences(probe):
    """By file name: how far our levels lie from Pillow's."""
    def of(paths: list[Path], kind: str, prepare) -> dict[str, np.ndarray]:
        found = {}
        for path in paths:
            ours = np.frombuffer(probe("picture", path, SIZE, kind, check=True).stdout, np.uint8).astype(int)
            theirs = np.asarray(prepare(path).resize((SIZE, SIZE), Image.BICUBIC)).ravel().astype(int)
            found[path.name] = np.abs(ours - theirs)
        return found
    return of


@pytest.mark.skipif(sys.platform == "darwin", reason="the photos come from Debian only")
def test_png_is_equal_to_the_byte(differences, data):
    stamps = data / "tuxpaint-stamps-default-2022.06.04-1/usr/share/tuxpaint/stamps"
    paths = [stamps / f"{row['stamp']}.png" for row in csv.DictReader(MAPPING.open())]
    assert len(paths) == 156
    unequal = {name: d.max() for name, d in differences(paths, "cut_out", cut_out).items() if d.max() > 0}
    assert not unequal, f"largest differences: {unequal}"


def test_jpeg_is_near(differences, data):
    paths = sorted((data / "foolbox-3.3.4/foolbox/data").glob("imagenet_*.jpg"))
    assert len(paths) == 20
    far = {name: (d.max(), d.mean()) for name, d in differences(paths, "plain", centre).items() if d.max() > 4 or d.mean() > 0.5}
    assert not far, f"largest and mean differences: {far}"
