"""A page in headless Chromium, as the tests of the report's page and of the dashboard look at it."""
import shutil
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

CHROMIUM = ("chromium", "google-chrome", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")


def find_browser() -> str:
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    assert found, "no Chromium here: ./qb packages installs it, on a Mac install Google Chrome"
    return found


@contextmanager
def browser():
    with sync_playwright() as playwright:
        # Containers' processes run as root, which Chromium's own sandbox refuses; only our own pages are opened.
        made = playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
        yield made
        made.close()


class Seen:
    """A page that must say nothing on the console."""

    def __init__(self, made, address: str, width: int = 1280, height: int = 900, **context):
        self.context = made.new_context(viewport={"width": width, "height": height}, accept_downloads=True, **context)
        self.page: Page = self.context.new_page()
        self.complaints = []
        self.page.on("console", lambda message: self.complaints.append(message.text) if message.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(address)
        self.page.wait_for_selector("html[data-ready]", timeout=20_000)

    def __enter__(self) -> Page:
        return self.page

    def __exit__(self, kind, *_):
        self.context.close()
        assert kind or not self.complaints, f"the console says {self.complaints}"


def scroll_through(page: Page) -> None:
    """So that each chart is drawn."""
    for y in range(0, page.evaluate("document.documentElement.scrollHeight"), 600):
        page.evaluate(f"scrollTo(0, {y})")
        page.wait_for_timeout(40)
    page.evaluate("scrollTo(0, 0)")


def serious_issues(page: Page, data: Path) -> list[str]:
    """What axe-core calls serious or critical, with what it found it on."""
    page.evaluate((data / "axe-core-4.14.1/axe.min.js").read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [f"{one['id']}: {one['help']}: {[node['html'][:200] for node in one['nodes'][:3]]}" for one in found
            if one["impact"] in ("serious", "critical")]
