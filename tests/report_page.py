"""The report's page in headless Chromium: each thing one can do with it."""
import base64
import json
import re
import subprocess
import zlib

import pytest
from browser import Seen, browser, scroll_through, serious_issues
from conftest import ROOT
from made_up_runs import MadeUpRun, write_run
from playwright._impl._driver import compute_driver_executable
from playwright.sync_api import expect


@pytest.fixture(scope="module")
def store(bin_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    one = MadeUpRun("one", 1, outcomes={"beta/w8c": ("unsupported", "no kernel for </script><b>such</b> weights")}).content()
    one["records"] += MadeUpRun("one", 2, framework="pytorch", slower={"alpha/w8c": 0.5}).content()["records"]
    write_run(bin_folder, folder / "a.db", one)
    return folder / "a.db"


@pytest.fixture(scope="module")
def page_file(program, store):
    path = store.parent / "page.html"
    done = program.run("report", "--store", store, "-o", path)
    assert done.returncode == 0, done.stderr
    return path


@pytest.fixture(scope="module")
def chromium():
    with browser() as made:
        yield made


def carried(page: str, name: str) -> str:
    return zlib.decompress(base64.b64decode(re.search(f'id="{name}">([^<]*)<', page)[1])).decode()


def chips(page, name):
    return page.get_by_role("group", name=f"Show {name}s").get_by_role("button")


def series_of(page, view: str, kind: str) -> list:
    """What a chart of the first section shows, by ECharts' own account."""
    return page.evaluate("([view, kind]) => echarts.getInstanceByDom(document.querySelector(`[data-view='${view}'] .plot`))"
                         ".getOption().series.filter(s => s.type === kind).map(s => ({name: s.name, data: s.data}))", [view, kind])


def test_what_stands_in_the_page_is_the_json(program, store, page_file):
    page = page_file.read_text()
    said = program.run("report", "--store", store, "--format", "json").stdout
    assert json.loads(carried(page, "document")) == json.loads(said)
    assert "https://" not in re.sub(r"<script.*?</script>", "", page, flags=re.S) and " src=" not in page


def test_without_javascript_the_tables_are_there(chromium, page_file):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(page_file.as_uri())
    assert page.locator("section[data-records] table").count() >= 2 and page.locator(".chart svg").count() >= 1
    assert "no kernel for" in page.inner_text("body")
    context.close()


def test_types(data):
    """tsc, by the Node that Playwright brings, finds nothing wrong with the modules' JSDoc types."""
    node = compute_driver_executable()[0]
    done = subprocess.run([node, data / "typescript-5.9.3/lib/tsc.js", "-p", ROOT / "tests/front_end/tsconfig.json"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_each_view_is_drawn(chromium, page_file):
    with Seen(chromium, page_file.as_uri()) as page:
        scroll_through(page)
        shown = page.eval_on_selector_all("section[data-records]:first-of-type .panel:not([hidden])", "all => all.map(one => one.dataset.view)")
        assert shown == ["speed-quality", "memory-quality", "map", "spread", "samples", "memory", "quality"]  # no energy: none was measured
        for view in shown:
            assert page.locator(f"[data-view={view}] .plot svg path").count() > 3, view
        marks = series_of(page, "speed-quality", "scatter")
        assert {mark["name"]: len(mark["data"]) for mark in marks} == {"onnxruntime": 4, "pytorch": 4}
        assert "</script><b>such" in page.inner_text("body")


def test_chips_hide_series_and_rows_and_the_address_keeps_it(chromium, page_file):
    with Seen(chromium, page_file.as_uri()) as page:
        page.wait_for_selector("[data-view=speed-quality] svg")
        rows = page.locator("section[data-records] > .table tbody tr:visible").filter(has_text="pytorch")
        assert rows.count() > 0
        chips(page, "framework").filter(has_text="pytorch").click()
        assert [s["name"] for s in series_of(page, "speed-quality", "scatter")] == ["onnxruntime"] and rows.count() == 0
        chips(page, "scheme").filter(has_text="w8c").click()
        assert len(series_of(page, "speed-quality", "scatter")[0]["data"]) == 3
        address = page.url
        assert "framework=pytorch" in address and "scheme=w8c" in address
    with Seen(chromium, address) as page:
        page.wait_for_selector("[data-view=speed-quality] svg")
        assert len(series_of(page, "speed-quality", "scatter")[0]["data"]) == 3
        assert chips(page, "framework").filter(has_text="pytorch").get_attribute("aria-pressed") == "false"
        page.get_by_role("searchbox").fill("w4g32")
        assert len(series_of(page, "speed-quality", "scatter")[0]["data"]) == 1 and "find=w4g32" in page.url


def test_choices(chromium, page_file):
    with Seen(chromium, page_file.as_uri()) as page:
        panel = page.locator("[data-view=speed-quality]").first
        panel.locator("select[name=x]").select_option("inference_ns_p50")
        values = [point["value"][0] for one in series_of(page, "speed-quality", "scatter") for point in one["data"]]
        assert all(5 < value < 20 for value in values), "milliseconds"
        assert "1.speed-quality.x=inference_ns_p50" in page.url


def test_sorting(chromium, page_file):
    with Seen(chromium, page_file.as_uri()) as page:
        table = page.locator("section[data-records] > .table table").first
        heading = table.get_by_role("button", name="pictures")
        heading.click()
        def values():
            column = table.locator("th").evaluate_all("all => all.findIndex(one => one.textContent === 'pictures')")
            return [float(v) for v in table.locator("tbody tr").evaluate_all(f"all => all.map(row => row.cells[{column}].dataset.value)")]
        assert values() == sorted(values())
        heading.press("Enter")
        assert values() == sorted(values(), reverse=True)


def test_hover_and_keyboard_say_the_same(chromium, page_file):
    with Seen(chromium, page_file.as_uri()) as page:
        plot = page.locator("[data-view=speed-quality] .plot").first
        plot.focus()
        page.keyboard.press("ArrowLeft")  # the last one, which lies on top of others
        said = page.locator("[data-view=speed-quality] .said").first.inner_text()
        assert "static8c pytorch" in said and "pictures/s" in said and " to " in said
        tip = plot.locator("xpath=./div[contains(@style, 'z-index')]")
        assert tip.first.inner_text().split("\n")[0] in said
        page.keyboard.press("Escape")
        assert page.locator("[data-view=speed-quality] .said").first.inner_text() == ""
        box = plot.bounding_box()
        x, y = page.evaluate("() => { const chart = echarts.getInstanceByDom(document.querySelector('[data-view=speed-quality] .plot'));"
                             "const all = chart.getOption().series; const at = all.findLastIndex(s => s.type === 'scatter');"
                             "return chart.convertToPixel({seriesIndex: at}, all[at].data.at(-1).value); }")
        page.mouse.move(box["x"] + x, box["y"] + y)
        page.wait_for_timeout(200)
        assert tip.first.inner_text().split("\n")[0] in said


def test_a_point_opens_its_record(chromium, page_file):
    with Seen(chromium, page_file.as_uri()) as page:
        page.locator("[data-view=speed-quality] .plot").first.focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog")
        assert "fp32 onnxruntime" in dialog.inner_text() and "rss_bytes_peak" in dialog.inner_text()
        assert dialog.locator("[data-view=record-samples] svg path").count() > 20
        page.keyboard.press("Escape")
        assert page.get_by_role("dialog").count() == 0


def test_table_behind_and_exports(chromium, page_file, program, store):
    with Seen(chromium, page_file.as_uri()) as page:
        panel = page.locator("[data-view=speed-quality]").first
        panel.get_by_text("The table behind it").click()
        expect(panel.locator(".behind tbody tr")).to_have_count(8)
        def saved(kind):
            with page.expect_download() as waiting:
                panel.get_by_role("button", name=kind, exact=True).click()
            return waiting.value.path().read_bytes()
        assert saved("PNG").startswith(b"\x89PNG") and b"<svg" in saved("SVG")[:200]
        lines = saved("CSV").decode().strip().split("\r\n")
        assert len(lines) == 9 and lines[0].startswith("case,framework,")
        assert [record["case"] for record in json.loads(saved("JSON"))] == [r["case"] for r in json.loads(program.run("report", "--store", store, "--format", "json").stdout)["records"] if r["model"] == "alpha"]


@pytest.mark.parametrize("look", [{}, {"color_scheme": "dark"}, {"width": 390, "height": 844, "has_touch": True}])
def test_nobody_is_shut_out(chromium, page_file, data, look):
    with Seen(chromium, page_file.as_uri(), **look) as page:
        scroll_through(page)
        assert serious_issues(page, data) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "wider than the screen"


def test_printing_draws_all_of_it_for_white_paper(chromium, page_file):
    with Seen(chromium, page_file.as_uri(), color_scheme="dark") as page:
        def ink():
            return page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--ink')")
        dark = ink()
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert ink() != dark
        panels = page.locator(".panel:not([hidden])")
        assert panels.count() > 10
        assert all(panels.nth(i).locator(".plot svg").count() == 1 for i in range(panels.count()))
        assert page.locator(f"[data-view=speed-quality] svg text[fill='{ink().strip()}']").count() > 0
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert ink() == dark
