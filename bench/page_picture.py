#!/usr/bin/env python3
"""The README's picture: the top of a run's page, as headless Chromium shows it.

    build/venv/bin/python bench/page_picture.py REPORT.html -o docs/images/quick.png
"""
import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from browser import Seen, browser, scroll_through  # noqa: E402

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("report", type=Path)
parser.add_argument("-o", "--output", type=Path, default=ROOT / "docs/images/quick.png")
parser.add_argument("--height", type=int, default=1700)
options = parser.parse_args()
with browser() as made, Seen(made, options.report.absolute().as_uri(), width=1280) as page:
    scroll_through(page)
    page.wait_for_timeout(300)
    page.screenshot(path=options.output, full_page=True, clip={"x": 0, "y": 0, "width": 1280, "height": options.height})
