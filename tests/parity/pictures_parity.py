"""Prepared pictures against Pillow, byte by byte.

PNG must be equal. JPEG decoders differ by a level or two (libjpeg's inverse transform and chroma upsampling change
between versions), so there the tolerance is 4 levels at the 224 x 224 result and a mean of 0.5.

usage: pictures_parity.py PROBE DATA MAPPING_CSV
"""
import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

SIZE = 224


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


def main(probe: str, data: str, mapping: str) -> int:
    stamps = Path(data) / "tuxpaint-stamps-default-2022.06.04-1/usr/share/tuxpaint/stamps"
    has_stamps = sys.platform != "darwin"  # they come from Debian only
    jobs = [(stamps / f"{row['stamp']}.png", "cut_out", cut_out) for row in csv.DictReader(open(mapping)) if has_stamps]
    jobs += [(path, "plain", centre) for path in sorted((Path(data) / "foolbox-3.3.4/foolbox/data").glob("imagenet_*.jpg"))]
    bad, equal = 0, 0
    for path, kind, prepare in jobs:
        done = subprocess.run([probe, "picture", path, str(SIZE), kind], capture_output=True, check=True)
        ours = np.frombuffer(done.stdout, np.uint8).astype(int)
        theirs = np.asarray(prepare(path).resize((SIZE, SIZE), Image.BICUBIC)).ravel().astype(int)
        difference = np.abs(ours - theirs)
        is_png = path.suffix == ".png"
        if difference.max() > (0 if is_png else 4) or difference.mean() > (0 if is_png else 0.5):
            bad += 1
            print(f"{path.name}: largest difference {difference.max()}, mean {difference.mean():.3f}")
        equal += difference.max() == 0
    print(f"{equal} of {len(jobs)} pictures equal to the byte, {bad} outside the tolerance")
    return int(bad > 0 or len(jobs) != (176 if has_stamps else 20))


sys.exit(main(*sys.argv[1:]))
