#!/usr/bin/env python3
"""How large and how quick the report's page and the dashboard are, in headless Chromium, on records that are made up.

    build/venv/bin/python bench/pages.py [--build build/release] [--records 100000]

Bars: a report of 500 records is 3 MB at most and painted within 1 s; the dashboard over 100,000 records is painted
within 1 s, filters within 200 ms and holds 300 MB at most. Exit code 1 if one is missed.
"""
import argparse
import json
import random
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from browser import browser  # noqa: E402

HOST = {"cpu": "Made Up", "physical_cores": 2, "usable_cores": 2, "memory_bytes": 8_000_000_000, "os": "An OS"}
SCHEMES = ["fp32", "w8c", "w8g64", "w4c", "w4g32", "w4g64", "w4g128", "dyn8c", "static8c", "q4_0"]
FRAMEWORKS = ["onnxruntime", "pytorch", "mlx", "coreml", "reference"]
# As long as what real launches tell.
ACTUAL = {"device": "cpu", "compute_type": "embedding: made up; linear: made up, 4-bit weights, activations rounded to int8 per block of 64",
          "kernels": {f"Kernel{i}": i for i in range(12)},
          "transformations": [{"kind": "joined products", "parameters": [f"model.layers.*.{part}.weight" for part in "qkv"], "count": 30}], "thread_count": 2}


def launch(rng: random.Random, index: int, typical: float, sample_count: int) -> dict:
    facts = {"framework_version": "1.0", "rss_bytes_start": 9_000_000 + rng.randrange(99999), "rss_bytes_peak_compile": 240_000_000 + rng.randrange(999999),
             "rss_bytes_peak_run": 170_000_000 + rng.randrange(999999), "rss_bytes_steady": 172_000_000 + rng.randrange(999999), "bundle_bytes": 76_929_792,
             "output_hash": f"{rng.getrandbits(128):032x}", "settled": True, "measure_time_ns": rng.randrange(10**9), "cpu_time_ns": rng.randrange(10**9), "actual": ACTUAL}
    return {"index": index, "facts": facts, "samples_ns": {"inference": [round(typical * rng.lognormvariate(0, 0.03)) for _ in range(sample_count)]}}


def report_run(rng: random.Random) -> dict:
    """500 cases in ten tables: 5 launches of 60 samples, 150,000 samples in all."""
    records = [{"model": f"model-{m}", "scheme": scheme, "framework": framework, "outcome": "ok", "reason": "",
                "manifest": {"framework_version": "1.0", "weights": "pretrained", "actual": ACTUAL, "dataset": {"name": "made up", "hash": "cc", "item_count": 1000}},
                "launches": [launch(rng, i, 1e7 * (1 + s) * (1 + f), 60) for i in range(5)],
                "quality": {"picture_count": 1000, "top1_agreement": 1 - 0.01 * s, "top1_accuracy": 0.8 - 0.01 * s}}
               for m in range(10) for s, scheme in enumerate(SCHEMES) for f, framework in enumerate(FRAMEWORKS)]
    return {"id": "made-up", "started_at": "2026-11-25T00:00:00Z", "host": HOST, "records": records}


def write_large_store(path: Path, schema_store: Path, record_count: int, rng: random.Random) -> None:
    """Rows as the store has them, by way of another store's schema: 1,000 runs of two machines, versions changing."""
    source, target = sqlite3.connect(schema_store), sqlite3.connect(path)
    for (sql,) in source.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL"):
        target.execute(sql)
    target.execute(f"PRAGMA user_version = {source.execute('PRAGMA user_version').fetchone()[0]}")
    target.execute("PRAGMA journal_mode = WAL")
    models, per_run = [f"model-{m}" for m in range(4)], 100
    for run in range(record_count // per_run):
        run_id, when = f"made-up-{run:05}", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1.7e9 + 3600 * run))
        target.execute("INSERT INTO run VALUES (?,?,?,?,?,?,?)", (run_id, when, "made up", "", run, json.dumps({**HOST, "cpu": f"Made Up {run % 2}"}), "{}"))
        for position in range(per_run):
            model, scheme, framework = models[position % 4], SCHEMES[position // 4 % 10], ("onnxruntime", "pytorch", "mlx")[position // 40]
            case, version = f"{model}/{scheme}/{framework}/cpu/b1t2", f"1.{run // 200}.{position // 40}"
            key, outcome = (run_id, case), "unsupported" if position % 50 == 7 else "ok"
            target.execute("INSERT INTO record VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
                           (*key, position, model, scheme, framework, "cpu", "image_classification", '{"batch":1,"thread_count":2}', outcome, "", when,
                            json.dumps({"framework_version": version, "weights": "pretrained", "actual": ACTUAL, "worker_hash": "0" * 32})))
            if outcome != "ok":
                continue
            target.execute("INSERT INTO launch VALUES (?,?,?,?,?,?,?,?)", (*key, "speed", 0, "ok", "", json.dumps({"actual": ACTUAL}), ""))
            speed = 100 * rng.lognormvariate(0, 0.02)
            target.executemany("INSERT INTO measurement VALUES (?,?,?,?,?,?,?,?)", [
                (*key, name, place, value, value and value * 0.98, value and value * 1.02, "")
                for place, (name, value) in enumerate([("pictures_per_s", speed), ("inference_ns_p50", 1e9 / speed), ("rss_bytes_peak", 2e8), ("top1_agreement", 0.98)])])
    target.commit()
    target.close()


def paint_ms(made, address: str, ready: str) -> tuple[float, float]:
    """First contentful paint by the browser's own account, and when all is ready to be used."""
    context = made.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    began = time.perf_counter()
    page.goto(address, wait_until="commit")
    page.wait_for_selector(ready, timeout=60_000)
    done = 1000 * (time.perf_counter() - began)
    while (first := page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime")) is None:
        page.wait_for_timeout(10)
    context.close()
    return first, done


def resident_mb(pid: int) -> float:
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) / 1000


class Bars:
    def __init__(self):
        self.is_missed = False

    def check(self, what: str, value: float, limit: float, unit: str) -> None:
        self.is_missed |= value > limit
        print(f"{'ok   ' if value <= limit else 'MISSED'} {what}: {value:.1f} {unit} (at most {limit:g})")


def measure_report(bars: Bars, made, binaries: Path, folder: Path, rng: random.Random) -> Path:
    store, page = folder / "report.db", folder / "report.html"
    subprocess.run([binaries / "probe", "store", store], input=json.dumps(report_run(rng)), text=True, check=True)
    subprocess.run([binaries / "qbench", "report", "--store", store, "-o", page], check=True)
    bars.check("report of 500 records", page.stat().st_size / 1e6, 3, "MB")
    paints = [paint_ms(made, page.as_uri(), "html[data-ready]") for _ in range(5)]
    bars.check("its first paint, median of 5", statistics.median(first for first, _ in paints), 1000, "ms")
    print(f"      all charts ready after {statistics.median(done for _, done in paints):.0f} ms")
    return store


FILTERS = [("model", "model-1"), ("scheme", "w4g32"), ("framework", "mlx"), ("machine", "Made Up 1"), ("version", "1.2.0"), ("outcome", "unsupported")]


def measure_dashboard(bars: Bars, made, binaries: Path, folder: Path, schema_store: Path, record_count: int, rng: random.Random) -> None:
    store = folder / "large.db"
    write_large_store(store, schema_store, record_count, rng)
    print(f"store of {record_count} records: {store.stat().st_size / 1e6:.0f} MB")
    began = time.perf_counter()
    server = subprocess.Popen([binaries / "qbench", "serve", "--store", store, "--port", "0"], stdout=subprocess.PIPE, text=True)
    try:
        address = re.search(r"http://\S+", server.stdout.readline())[0]
        print(f"      serving after {time.perf_counter() - began:.2f} s")
        paints = [paint_ms(made, address, "html[data-ready]") for _ in range(5)]
        bars.check("dashboard's first paint, median of 5", statistics.median(first for first, _ in paints), 1000, "ms")
        bars.check("  with its table, median of 5", statistics.median(done for _, done in paints), 1000, "ms")
        page = made.new_page()
        for view in ("records", "time"):
            page.goto(f"{address}#view={view}")
            page.wait_for_selector("html[data-ready]")
            for name, value in FILTERS:
                taken = []
                for wanted in (value, "", value, "", value, ""):
                    ready = page.evaluate("document.documentElement.dataset.ready")
                    began = time.perf_counter()
                    page.select_option(f"select[name={name}]", wanted)
                    page.wait_for_selector(f"html:not([data-ready='{ready}'])")
                    taken.append(1000 * (time.perf_counter() - began))
                bars.check(f"  {view}, filter by {name}, slowest of 6", max(taken), 200, "ms")
        bars.check("server's memory", resident_mb(server.pid), 300, "MB")
    finally:
        server.terminate()
        server.wait()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / "build/release")
    parser.add_argument("--records", type=int, default=100_000)
    options = parser.parse_args()
    bars, rng = Bars(), random.Random(1)
    with tempfile.TemporaryDirectory() as folder, browser() as made:
        store = measure_report(bars, made, options.build / "bin", Path(folder), rng)
        measure_dashboard(bars, made, options.build / "bin", Path(folder), store, options.records, rng)
    return 1 if bars.is_missed else 0


if __name__ == "__main__":
    sys.exit(main())
