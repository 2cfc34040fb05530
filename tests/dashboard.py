"""`qbench serve` and `qbench merge`: what the dashboard shows, and what its server refuses or survives."""
import http.client
import json
import os
import re
import signal
import socket
import sqlite3
import time
from contextlib import contextmanager

import pytest
from browser import Seen, browser, serious_issues
from made_up_runs import MadeUpRun, write_run
from playwright.sync_api import expect
from program import refused


def write_three_runs(bin_folder, store) -> None:
    """Two versions of a framework; the newer is faster."""
    write_run(bin_folder, store, MadeUpRun("one", 1, day=1).content())
    write_run(bin_folder, store, MadeUpRun("two", 2, day=2, slower={"alpha/w8c": 0.3}, outcomes={"beta/w4g32": ("crashed", "signal 11")}).content())
    write_run(bin_folder, store, MadeUpRun("three", 3, day=3, manifest={"framework_version": "1.1"}, host={"cpu": "Another"}).content())


@pytest.fixture(scope="module")
def store(bin_folder, tmp_path_factory):
    path = tmp_path_factory.mktemp("dashboard") / "a.db"
    write_three_runs(bin_folder, path)
    return path


class Serving:
    def __init__(self, program, store, *more):
        self.process = program.start("serve", "--store", store, "--port", 0, *more)
        line = self.process.stdout.readline()
        found = re.search(r"http://([^:/]+):(\d+)/", line)
        assert found, f"{line}{self.process.stderr.read()}"
        self.url, self.port = found[0], int(found[2])

    def ask(self, path: str, method="GET", **headers):
        """The path as it is, whatever is in it."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.putrequest(method, path, skip_host="Host" in headers)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        response = connection.getresponse()
        answer = response.status, response.read(), dict(response.getheaders())
        connection.close()
        return answer

    def json(self, name: str, query: str = ""):
        status, body, _ = self.ask(f"/api/{name}?{query}")
        assert status == 200, body
        return json.loads(body)

    def raw(self, request: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as s:
            s.sendall(request)
            answer = b""
            try:
                while part := s.recv(65536):
                    answer += part
            except OSError:  # it hung up on us
                pass
            return answer


@contextmanager
def serving(program, store, *more):
    server = Serving(program, store, *more)
    try:
        yield server
    finally:
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(20) == 0


@pytest.fixture(scope="module")
def server(program, store):
    with serving(program, store) as one:
        yield one


@pytest.fixture(scope="module")
def chromium():
    with browser() as made:
        yield made


# What it answers.

def test_filters_and_pages(server):
    overview = server.json("overview")
    assert overview["run_count"] == 3 and overview["record_count"] == 24 and overview["newest_run"]["run"] == "three"
    facets = {facet["column"]: {v["value"]: v["count"] for v in facet["values"]} for facet in overview["facets"]}
    assert facets["version"] == {"1.0": 16, "1.1": 8} and facets["machine"] == {"Another": 8, "Made Up": 16}
    assert facets["outcome"] == {"ok": 23, "crashed": 1}
    assert server.json("records", "model=alpha&scheme=w8c&version=1.0")["count"] == 2
    assert server.json("records", "model=alpha&model=beta")["count"] == 24
    assert server.json("records", "model=gamma")["count"] == 0
    assert server.json("records", "run=two&find=w4g32")["count"] == 2
    first = server.json("records")
    assert len(first["records"]) == 24 and first["records"][0]["run"] == "three"
    assert server.json("records", "page=1")["records"] == []
    crashed = server.json("records", "outcome=crashed")["records"][0]
    assert crashed["speed"]["value"] is None


def test_a_record_is_what_the_report_says(program, server, store):
    said = json.loads(program.run("report", "--store", store, "--run", "two", "--format", "json").stdout)
    one = next(r for r in said["records"] if r["scheme"] == "w8c" and r["model"] == "alpha")
    shown = server.json("record", f"run=two&case={one['case']}")
    assert shown["records"][0]["launches"] == one["launches"] and shown["records"][0]["measurements"] == one["measurements"]
    assert server.json("document", "run=two") == said


def test_comparison_is_that_of_the_verb(program, server, store):
    said = program.json("compare", "one", "two", "--store", store)
    shown = server.json("comparison", "before=one&now=two")
    assert [{k: v for k, v in c.items() if k != "change"} for c in shown["comparisons"]] == said["comparisons"]
    assert any(c["answer"] == "worse" and "alpha/w8c" in c["case"] for c in shown["comparisons"])


def test_series(server):
    points = server.json("series", "model=alpha&scheme=w8c&metric=inference_ns_p50")["points"]
    assert [(p["run"], p["version"]) for p in points] == [("three", "1.1"), ("two", "1.0"), ("one", "1.0")]
    assert points[1]["figure"]["value"] > 1.2 * points[2]["figure"]["value"]


@pytest.mark.parametrize("path, status", [
    ("/api/record?run=one", 400), ("/api/record?run=none&case=x", 404), ("/api/record?run=one&case=x", 404), ("/api/records?page=-1", 400),
    ("/api/records?page=x", 400), ("/api/series?metric=none", 400), ("/api/nothing", 404), ("/nothing", 404), ("/api/comparison?before=one&now=none", 404)])
def test_what_cannot_be_answered_is_said(server, path, status):
    assert server.ask(path)[0] == status


def test_sql_in_a_parameter_is_a_word(server):
    assert server.json("records", "model=x%27%20OR%201=1--")["count"] == 0
    assert server.ask("/api/record?run=one%27--&case=x")[0] == 404


# What it refuses.

@pytest.mark.parametrize("headers, status", [
    ({"Host": "evil.example"}, 421), ({"Host": "127.0.0.1"}, 421), ({"Host": "localhost.evil.example:{port}"}, 421), ({"Host": "localhost:{port}"}, 200),
    ({"Host": "127.0.0.1:{port}"}, 200), ({"Origin": "http://evil.example"}, 403), ({"Origin": "null"}, 403), ({"Origin": "http://127.0.0.1:{port}"}, 200),
    ({"Sec_Fetch_Site": "cross-site"}, 403), ({"Sec_Fetch_Site": "same-origin"}, 200)])
def test_foreign_pages_are_refused(server, headers, status):
    for path in ("/api/overview", "/", "/front_end/report.js", "/api/events" if status != 200 else "/api/runs"):
        answer = server.ask(path, **{k: v.format(port=server.port) for k, v in headers.items()})
        assert answer[0] == status, path
        assert "Access-Control-Allow-Origin" not in answer[2]


def test_two_hosts_or_none_are_refused(server):
    for hosts in (b"", b"Host: 127.0.0.1:%d\r\nHost: evil.example\r\n" % server.port):
        assert b" 421 " in server.raw(b"GET /api/overview HTTP/1.1\r\n" + hosts + b"Connection: close\r\n\r\n").split(b"\r\n")[0]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_writes(server, method):
    assert server.ask("/api/overview", method, Content_Length="0")[0] == 405


@pytest.mark.parametrize("path", [
    "/front_end/../../../../etc/passwd", "/front_end/..%2f..%2f..%2fetc%2fpasswd", "/front_end/%2e%2e/%2e%2e/etc/passwd", "/front_end/..%252f..%252fetc/passwd",
    "/front_end/report.js%00.html", "/front_end/%00", "//etc/passwd", "/front_end//etc/passwd", "/front_end/..\\..\\etc\\passwd", "/etc/passwd",
    "/front_end/%c0%ae%c0%ae/etc/passwd", "/../a.db", "/a.db", "/front_end/link.js"])
def test_only_what_is_built_in_is_served(server, store, path):
    link = store.parent / "link.js"
    if not link.is_symlink():
        link.symlink_to("/etc/passwd")
    status, body, _ = server.ask(path)
    assert status in (400, 404) and b"root:" not in body and b"SQLite" not in body


def test_headers_of_answers(server):
    status, page, headers = server.ask("/")
    policy = headers["Content-Security-Policy"]
    nonce = re.search(r"'nonce-([0-9a-f]{32})'", policy)[1]
    assert status == 200 and f'nonce="{nonce}"'.encode() in page and nonce not in server.ask("/")[2]["Content-Security-Policy"]
    assert "unsafe-inline" not in policy.split("script-src")[1].split(";")[0] and "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_large_answers_come_at_once(server):
    """cpp-httplib would compress them for seconds, were it let."""
    began = time.monotonic()
    status, body, headers = server.ask("/front_end/echarts.js", Accept_Encoding="gzip, deflate, br")
    assert status == 200 and len(body) > 1_000_000 and "Content-Encoding" not in headers and time.monotonic() - began < 1


# What it survives.

def test_huge_headers_and_garbage(server):
    own = b"Host: 127.0.0.1:%d\r\n" % server.port
    for request in (b"GET /api/overview HTTP/1.1\r\n" + own + b"X: " + b"a" * 10_000_000 + b"\r\n\r\n",
                    b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\n" + own + b"\r\n", b"GET /api/overview HTTP/1.1\r\n" + b"X: y\r\n" * 200_000 + b"\r\n",
                    b"\x16\x03\x01\x02\x00\x01", b"\r\n\r\n", b"GET\r\n\r\n", os.urandom(100_000)):
        try:
            assert b" 200 " not in server.raw(request).split(b"\r\n")[0]
        except OSError:  # it hung up before all was sent
            pass
        assert server.ask("/api/overview")[0] == 200


def test_a_thousand_slow_connections(server):
    slow = []
    for _ in range(1000):
        one = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        one.sendall(b"GET /api/overview HTTP/1.1\r\nHost: ")
        slow.append(one)
    began = time.monotonic()
    assert server.ask("/api/overview")[0] == 200
    assert time.monotonic() - began < 25, "slow connections hold up others"
    for one in slow:
        one.close()
    assert server.ask("/api/overview")[0] == 200


def test_a_store_that_another_writes_or_locks(program, bin_folder, tmp_path):
    path = tmp_path / "a.db"
    write_three_runs(bin_folder, path)
    with serving(program, path) as server:
        writer = sqlite3.connect(path)
        writer.execute("BEGIN IMMEDIATE")  # as a run does at each record: readers read on
        assert server.json("records")["count"] == 24 and server.ask("/api/document?run=one")[0] == 200
        writer.rollback()
        writer.close()
        before = path.read_bytes()
        mode = sqlite3.connect(path)
        mode.execute("PRAGMA journal_mode = DELETE")
        mode.execute("BEGIN EXCLUSIVE")  # nobody can read
        began = time.monotonic()
        status, body, _ = server.ask("/api/document?run=one")
        assert status == 503 and b"locked" in body and time.monotonic() - began < 10
        mode.rollback()
        mode.close()
        assert server.ask("/api/document?run=one")[0] == 200
        assert len(before) == len(path.read_bytes())


def test_a_store_that_is_deleted_and_comes_back(program, bin_folder, tmp_path):
    path = tmp_path / "a.db"
    write_three_runs(bin_folder, path)
    with serving(program, path) as server:
        for file in tmp_path.glob("a.db*"):
            file.unlink()
        deadline = time.monotonic() + 10
        while server.ask("/api/overview")[0] == 200:
            assert time.monotonic() < deadline, "shows what isn't there any more"
            time.sleep(0.1)
        status, body, _ = server.ask("/api/records")
        assert status == 503 and b"isn't there any more" in body
        write_run(bin_folder, path, MadeUpRun("new", 4).content())
        while server.ask("/api/overview")[0] != 200:
            assert time.monotonic() < deadline + 10
            time.sleep(0.1)
        assert server.json("overview")["run_count"] == 1


def test_reading_leaves_the_store_as_it_is(program, bin_folder, tmp_path):
    path = tmp_path / "a.db"
    write_run(bin_folder, path, MadeUpRun("one", 1).content())
    old = sqlite3.connect(path)
    old.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    old.close()
    before = path.read_bytes()
    with serving(program, path) as server:
        server.json("records")
        server.json("document", "run=one")
    assert path.read_bytes() == before


def test_a_port_that_is_taken_and_a_store_that_is_not_there(program, server, store, tmp_path):
    refused(program.run("serve", "--store", store, "--port", server.port), "can't be had")
    refused(program.run("serve", "--store", tmp_path / "none.db"), "there is no store yet")


# What a person sees.


def test_the_pages(chromium, server, data):
    with Seen(chromium, server.url) as page:
        assert "3 runs, 24 records" in page.inner_text("header") and page.locator("tbody tr").count() == 24
        page.select_option("select[name=version]", "1.1")
        expect(page.locator("tbody tr")).to_have_count(8, timeout=10_000)
        assert "version=1.1" in page.url
        page.reload()
        expect(page.locator("tbody tr")).to_have_count(8, timeout=10_000)
        page.get_by_role("button", name="Open alpha/w8c").first.click()
        assert page.get_by_role("dialog").locator("[data-view=record-samples] svg path").count() > 10
        assert serious_issues(page, data) == []
        page.keyboard.press("Escape")
        page.select_option("select[name=version]", "")
        page.get_by_role("button", name="Over time").click()
        page.wait_for_selector("[data-view=over-time] svg")
        assert serious_issues(page, data) == []
        page.get_by_role("button", name="Runs", exact=True).click()
        page.get_by_label("Compare one").check()
        page.get_by_label("Compare two").check()
        page.get_by_role("button", name="compare the two").click()
        page.wait_for_selector("text=worse")
        assert "Before: run one" in page.inner_text("#body")
        first = page.locator("#body tbody tr").first.inner_text()
        assert "alpha/w8c" in first and "worse" in first and " ms" in first
        page.get_by_role("button", name="all runs").click()
        page.get_by_role("button", name="Open run three").click()
        page.wait_for_selector("[data-view=speed-quality] svg")
        assert serious_issues(page, data) == []


@pytest.mark.parametrize("view", ["view=time&model=alpha", "view=runs&run=two", "view=runs&before=one&now=two", "view=records&scheme=w8c"])
def test_an_address_shows_what_it_says(chromium, server, data, view):
    with Seen(chromium, f"{server.url}#{view}") as page:
        page.wait_for_selector("#body svg" if "time" in view or "run=" in view else "#body table")
        assert page.locator("[role=alert]:visible").count() == 0
        assert serious_issues(page, data) == []


def test_a_run_going_on_is_shown_live(chromium, program, bin_folder, tmp_path):
    path = tmp_path / "a.db"
    write_run(bin_folder, path, MadeUpRun("one", 1).content())
    with serving(program, path) as server, Seen(chromium, server.url) as page:
        page.wait_for_selector("html[data-connected=true]")
        assert page.locator("tbody tr").count() == 8
        write_run(bin_folder, path, MadeUpRun("two", 2, day=2).content())
        expect(page.locator("tbody tr")).to_have_count(16, timeout=10_000)
        assert "2 runs" in page.inner_text("header")


def test_a_store_on_its_way_out_is_said(chromium, program, bin_folder, tmp_path):
    path = tmp_path / "a.db"
    write_run(bin_folder, path, MadeUpRun("one", 1).content())
    with serving(program, path) as server:
        seen = Seen(chromium, server.url)
        for file in tmp_path.glob("a.db*"):
            file.unlink()
        seen.page.wait_for_selector("[role=alert]:has-text(\"isn't there any more\")", timeout=10_000)
        seen.context.close()


# Stores of other machines.

def content_of(path) -> dict:
    connection = sqlite3.connect(path)
    return {table: sorted(connection.execute(f"SELECT * FROM {table}"), key=repr) for table in ("run", "record", "launch", "samples", "measurement")}


def test_merging_twice_is_merging_once(program, bin_folder, tmp_path):
    a, b = tmp_path / "a.db", tmp_path / "b.db"
    write_run(bin_folder, a, MadeUpRun("one", 1).content())
    write_run(bin_folder, b, MadeUpRun("one", 1).content())
    write_run(bin_folder, b, MadeUpRun("two", 2, day=2).content())
    source = content_of(b)
    done = program.run("merge", a, b)
    assert done.returncode == 0 and "1 new runs; 8 records taken, 8 were there" in done.stdout, done
    once = content_of(a)
    assert once == source and content_of(b) == source
    again = program.run("merge", a, b)
    assert "0 new runs; 0 records taken, 16 were there" in again.stdout and content_of(a) == once


def test_merging_into_a_new_store_and_a_run_that_went_on(program, bin_folder, tmp_path):
    a, b, c = (tmp_path / f"{name}.db" for name in "abc")
    whole = MadeUpRun("one", 1, launches=4).content()
    begun = json.loads(json.dumps(whole))
    for record in begun["records"]:
        record["launches"] = record["launches"][:2]
        record.pop("quality", None)
    write_run(bin_folder, a, whole)
    write_run(bin_folder, b, begun)
    assert program.run("merge", c, b).returncode == 0 and content_of(c) == content_of(b)
    assert program.run("merge", c, a).returncode == 0 and content_of(c)["launch"] == content_of(a)["launch"]
    assert program.run("merge", c, b).returncode == 0 and content_of(c)["measurement"] == content_of(a)["measurement"], "went back"


def test_what_cannot_be_merged(program, bin_folder, tmp_path):
    a, b, text = tmp_path / "a.db", tmp_path / "b.db", tmp_path / "text.db"
    write_run(bin_folder, a, MadeUpRun("one", 1).content())
    other = MadeUpRun("one", 1).content()
    other["started_at"] = "2025-01-01T00:00:00Z"
    write_run(bin_folder, b, other)
    text.write_text("no store at all, but long enough to be looked at as one" * 100)
    before = content_of(a)
    refused(program.run("merge", a, b), "another run is called one")
    refused(program.run("merge", a, tmp_path / "none.db"), "there is no such store")
    refused(program.run("merge", a, a), "the target itself")
    refused(program.run("merge", a, text), "text.db")
    assert content_of(a) == before
