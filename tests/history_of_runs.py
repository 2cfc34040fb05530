"""`qbench history` on 50 nights with a known truth: one case gets slower when its framework's version changes."""
import json
from datetime import date, timedelta

import pytest
from made_up_runs import MadeUpRun, write_run
from program import refused

SLOW = "alpha/w8c"


def write_nights(bin_folder, store, slowdown: float, nights: int = 50, turn: int = 30) -> None:
    for night in range(nights):
        is_new = night >= turn
        content = MadeUpRun(f"night-{night:02}", night, launches=3, slower={SLOW: slowdown} if is_new else {},
                            manifest={"framework_version": "2.0" if is_new else "1.0"}).content()
        write_run(bin_folder, store, {**content, "started_at": f"{date(2026, 9, 1) + timedelta(night)}T00:00:00Z"})


@pytest.fixture(scope="module")
def nights(bin_folder, tmp_path_factory):
    store = tmp_path_factory.mktemp("history") / "r.db"
    write_nights(bin_folder, store, 0.08)
    return store


@pytest.fixture
def history(program, nights):
    def run(*arguments):
        done = program.run("history", "--store", nights, *arguments, COLUMNS="1000")
        assert done.returncode == 0, done
        return done.stdout
    return run


def changes_of(text: str) -> list:
    return [(series["case"], series["metric"], change) for series in json.loads(text)["series"] for change in series["changes"]]


def test_a_planted_slowdown_is_found_with_its_version(history):
    text = history("--nightly")
    assert "1 step" in text and "Since run night-30" in text and "after night-29" in text, text
    assert SLOW in text and "worse" in text and "framework version: 1.0 before, 2.0 now" in text, text
    assert "--python OLD --python NEW" in text and "--model alpha --scheme w8c" in text, text
    [(case, metric, change)] = changes_of(history("--nightly", "--json"))
    assert case.startswith(SLOW) and metric == "pictures_per_s" and change["answer"] == "worse", change
    assert change["run"] == "night-30" and abs(change["after"] / change["before"] * 1.08 - 1) < 0.02, change


def test_nights_without_a_change_are_quiet(program, bin_folder, tmp_path):
    write_nights(bin_folder, tmp_path / "r.db", 0.0)
    done = program.run("history", "--nightly", "--store", tmp_path / "r.db")
    assert done.returncode == 0 and "history: no change" in done.stdout, done


def test_only_some_metrics_and_cases(history):
    assert not changes_of(history("--metric", "rss_bytes_peak", "--json"))
    assert not changes_of(history("--case", "beta/", "--nightly", "--json"))
    assert len(json.loads(history("--case", SLOW, "--metric", "pictures_per_s", "--json"))["series"]) == 1


def test_what_is_acknowledged_stays_quiet(program, bin_folder, tmp_path):
    store = tmp_path / "r.db"
    write_nights(bin_folder, store, 0.08)
    run = lambda *arguments: program.run("history", "--nightly", "--store", store, *arguments)
    [(_, _, change)] = changes_of(run("--json").stdout)
    assert run("--acknowledge", change["id"], "--note", "a price that we pay").returncode == 0
    assert "no change" in run().stdout
    assert changes_of(run("--all", "--json").stdout)[0][2]["note"] == "a price that we pay"
    refused(run("--acknowledge", "00000000"), "no change 00000000", "shows the ids")


def test_bad_input_is_a_line(program, nights, tmp_path):
    refused(program.run("history", "--store", tmp_path / "none.db"), "there is no store yet")
    refused(program.run("history", "--store", nights, "--metric", "pictures"), "no metric \"pictures\"", "did you mean")
    refused(program.run("history", "--store", nights, "--case", "gamma"), "gamma")
    broken = tmp_path / "r.db"
    broken.write_bytes(nights.read_bytes())
    (tmp_path / "r.acknowledged.json").write_text("{")
    refused(program.run("history", "--store", broken), "r.acknowledged.json")


def test_a_store_without_a_run_has_no_change(program, bin_folder, tmp_path):
    write_nights(bin_folder, tmp_path / "r.db", 0.0, nights=2)
    done = program.run("history", "--store", tmp_path / "r.db")
    assert "are looked for from 12" in done.stdout, done.stdout
