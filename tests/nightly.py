"""`qbench nightly`: nights with a known truth before it, a stand-in of a webhook, and what goes wrong."""
import json
import re
import signal
import subprocess
import threading
import time
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from made_up_runs import MadeUpRun, write_run
from mlflow_server import FakeMlflow
from program import refused

ROOT = Path(__file__).resolve().parents[1]
SUITE = """
name = "tiny"
[protocol]
launches = 1
warmup_count = 1
iteration_count = 1
duration_min = "1ms"
[[benchmark]]
model = ["llama-test"]
scheme = {schemes}
framework = ["reference"]
workload = {{ prompt_tokens = 8, generated_tokens = 2 }}
quality = false
"""


class Webhook:
    def __init__(self):
        self.texts, self.status, self.delay_s = [], 200, 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                time.sleep(outer.delay_s)
                if outer.status == 200:
                    outer.texts.append(body["text"])
                self.send_response(outer.status)
                self.end_headers()
                self.wfile.write(b"ok")

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"


@pytest.fixture
def webhook():
    hook = Webhook()
    yield hook
    hook.server.shutdown()


@pytest.fixture
def suite(tmp_path):
    path = tmp_path / "tiny.toml"
    path.write_text(SUITE.format(schemes='["fp32"]'))
    return path


@pytest.fixture
def nightly(program, suite, tmp_path):
    def run(*arguments, **more):
        return program.run("nightly", suite, "--wait", "1ms", "--quiet", "--store", tmp_path / "r.db", *arguments, **more)
    return run


@pytest.fixture(autouse=True)
def quiet_machine(program):
    """Tests run beside others: the condition is given."""
    program.environment["QBENCH_CONDITION"] = "{}"


def host_of(program, store: Path) -> dict:
    return program.report(store)["host"]


def write_nights_before(bin_folder, store: Path, host: dict, slowdown: float) -> None:
    """50 nights of this machine, the last twenty slower in one case."""
    for night in range(50):
        content = MadeUpRun(f"night-{night:02}", night, launches=3, slower={"alpha/w8c": slowdown} if night >= 30 else {}).content()
        write_run(bin_folder, store, {**content, "host": host, "started_at": f"{date(2025, 9, 1) + timedelta(night)}T00:00:00Z"})


def test_a_planted_slowdown_is_told_once(nightly, program, bin_folder, webhook, tmp_path):
    store = tmp_path / "r.db"
    first = nightly("--webhook", webhook.url)
    assert first.returncode == 0 and "history: no change" in first.stdout and not webhook.texts, first
    write_nights_before(bin_folder, store, host_of(program, store), 0.08)
    second = nightly("--webhook", webhook.url)
    assert second.returncode == 1 and "Since run night-30" in second.stdout, second
    [text] = webhook.texts
    assert "alpha/w8c" in text and "worse" in text, text
    third = nightly("--webhook", webhook.url)
    assert third.returncode == 0 and len(webhook.texts) == 1, third


def test_the_same_nights_without_it_are_quiet(nightly, program, bin_folder, webhook, tmp_path):
    store = tmp_path / "r.db"
    nightly()
    write_nights_before(bin_folder, store, host_of(program, store), 0.0)
    done = nightly("--webhook", webhook.url)
    assert done.returncode == 0 and not webhook.texts, (done, webhook.texts)


def test_what_the_webhook_did_not_take_is_told_the_next_night(nightly, program, bin_folder, webhook, tmp_path):
    store = tmp_path / "r.db"
    nightly()
    write_nights_before(bin_folder, store, host_of(program, store), 0.08)
    webhook.status = 500
    done = nightly("--webhook", webhook.url)
    assert done.returncode == 1 and "the webhook: it answers with 500" in done.stderr, done
    webhook.status = 200
    nightly("--webhook", webhook.url)
    assert len(webhook.texts) == 1 and "alpha/w8c" in webhook.texts[0]


def test_what_was_not_published_is_sent_the_next_night(nightly):
    server = FakeMlflow()
    away = nightly("--mlflow", "http://127.0.0.1:9")
    assert away.returncode == 0 and "stays in the store" in away.stderr, away
    done = nightly("--mlflow", server.uri)
    assert done.stdout.count("1 cases sent") == 2, done
    server.close()


def test_a_night_that_was_killed_is_gone_on_with(program, nightly, suite, tmp_path):
    suite.write_text(SUITE.format(schemes='["fp32", "w8c", "w4g32", "q4_0", "q8_0", "w4g64", "w8g32"]'))
    store = tmp_path / "r.db"
    night = program.start("nightly", suite, "--wait", "1ms", "--quiet", "--store", store)
    for _ in range(600):
        if store.exists() and len(json.loads(program.run("list", "--json", "--store", store).stdout or "[]")) >= 2:
            break
        time.sleep(0.05)
    night.send_signal(signal.SIGKILL)
    night.wait()
    before = program.json("list", "--runs", "--store", store)
    done = nightly()
    assert done.returncode == 0 and f"goes on with run {before[0]['run']}" in done.stdout, done
    assert len(program.json("list", "--runs", "--store", store)) == 1
    records = program.records(store)
    launches = [[launch["index"] for launch in r["launches"]] for r in records]  # one that was disturbed is made once more
    assert len(records) == 7 and all(of in ([0], [0, 10_000]) for of in launches), f"nothing lost, nothing doubled: {launches}"
    assert "goes on" not in nightly().stdout


def test_two_at_a_time_are_refused(program, nightly, suite, tmp_path):
    night = program.start("nightly", suite, "--wait", "1h", "--store", tmp_path / "r.db",
                          **{"QBENCH_CONDITION": '{"power_source": "battery"}'})
    line = night.stdout.readline()
    assert "waiting for the machine, 1h at most: it runs on its battery" in line, line
    second = nightly()
    assert second.returncode == 3 and "another nightly run is going on" in second.stderr, second
    night.send_signal(signal.SIGINT)
    assert night.wait(timeout=20) == 130


def test_a_machine_that_stays_busy_is_not_measured(nightly, tmp_path):
    done = nightly(QBENCH_CONDITION='{"thermal_pressure": "heavy"}')
    assert done.returncode == 3 and "thermal pressure is heavy" in done.stderr and not (tmp_path / "r.db").exists(), done


def test_bad_input_is_a_line(program, nightly, suite, tmp_path):
    refused(program.run("nightly", suite, "--wait", "soon", "--store", tmp_path / "r.db"), "--wait")
    (tmp_path / "r.nightly.json").write_text("{")
    refused(nightly(), "r.nightly.json")


def test_the_page_and_the_timers_say_what_there_is(program):
    helped = program.run("nightly", "--help").stdout
    for place in (ROOT / "docs/nightly.md", *(ROOT / "deploy").rglob("*nightly*")):
        for option in re.findall(r"(?<![\w-])--(?:wait|mlflow|webhook|keep-logs|quiet)\b", place.read_text()):
            assert option in helped, f"{place}: {option}"
    unit = (ROOT / "deploy/systemd/qbench-nightly.service").read_text()
    assert "qbench\" nightly $QBENCH_NIGHTLY" in unit
    checked = subprocess.run(["bash", "-n", "-c", re.search(r"ExecStart=/bin/sh -c '(.*)'", unit)[1]])
    assert checked.returncode == 0
