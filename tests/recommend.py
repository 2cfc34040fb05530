"""`qbench recommend` on runs with a known truth: two models in four schemes, one run."""
import json

import pytest
from made_up_runs import MadeUpRun, write_run
from program import refused

# Of alpha: w4g32 is the fastest and answers worst, w8c is fast, static8c nearly as fast, fp32 slow.
SLOWER = {"alpha/fp32": 1.0, "alpha/w8c": 0.0, "alpha/w4g32": -0.5, "alpha/static8c": 0.002}
DISAGREEING = {"alpha/w4g32": 90, "alpha/fp32": -10, "alpha/w8c": -8, "alpha/static8c": -8}


@pytest.fixture
def recommend(program, bin_folder, tmp_path):
    """What is said of alpha by case, and the whole process."""
    write_run(bin_folder, tmp_path / "r.db", MadeUpRun("one", 1, slower=SLOWER, disagreeing=DISAGREEING,
                                                       outcomes={"beta/w8c": ("crashed", "signal 11")}).content())

    def run(*arguments, code: int = 0):
        done = program.run("recommend", *arguments, "--store", tmp_path / "r.db", COLUMNS="1000")
        assert done.returncode == code, done
        listed = json.loads(program.run("recommend", *arguments, "--json", "--store", tmp_path / "r.db").stdout)
        return {c["case"].split("/")[1]: (c["standing"], "; ".join(c["reasons"])) for c in listed[0]["candidates"]}, listed, done
    return run


def test_the_best_under_constraints_and_why_the_others_are_not(recommend):
    alpha, _, done = recommend("--min", "top1_agreement=0.98", "--max", "rss_bytes_peak=6GB")
    assert {scheme: standing for scheme, (standing, _) in alpha.items()} == \
        {"w8c": "best", "static8c": "tie", "fp32": "behind", "w4g32": "violates"}, alpha
    assert "0.501x (" in alpha["fp32"][1] and "the best" in alpha["fp32"][1] and "agreement 0.9 ±0.02 where at least 0.98" in alpha["w4g32"][1], alpha
    assert "best: w8c: pictures 99.9 pictures/s" in done.stdout and "can't be told from it: static8c" in done.stdout, done.stdout
    assert "agreement 0.998" in alpha["w8c"][1] and "(at least 0.98)" in alpha["w8c"][1] and "at most 6.00 GB" in alpha["w8c"][1], alpha


def test_an_interval_that_holds_a_bound_is_said(recommend):
    """0.90 of 1,000 is 0.88 to 0.917: w4g32 may fulfil 0.91, and would be the best then."""
    alpha, _, _ = recommend("--min", "top1_agreement=0.91")
    assert alpha["w8c"][0] == "best" and alpha["w4g32"][0] == "open" and "either side" in alpha["w4g32"][1], alpha


def test_another_metric_may_decide(recommend):
    alpha, _, _ = recommend("--prefer", "bundle_bytes")
    assert alpha["fp32"][0] == "best" and [s for s, _ in alpha.values()].count("behind") == 3, alpha


def test_where_none_fulfils_it_says_so(recommend):
    alpha, listed, done = recommend("--max", "rss_bytes_peak=1MB", code=1)
    assert {s for s, _ in alpha.values()} == {"violates"} and all(one["best"] is None for one in listed) and \
        "none fulfils the constraints" in done.stdout, done.stdout


def test_where_none_surely_does_it_is_undecided(recommend):
    alpha, _, done = recommend("--min", "top1_agreement=0.9999", code=3)
    assert alpha["fp32"][0] == "open" and alpha["w4g32"][0] == "violates" and "can't be told" in done.stdout, done.stdout


def test_what_did_not_run_says_why(recommend):
    _, listed, _ = recommend()
    crashed = next(c for c in listed[1]["candidates"] if "/w8c/" in c["case"])
    assert crashed["standing"] == "no_figure" and crashed["reasons"] == ["crashed: signal 11"], crashed


def test_bad_constraints_are_a_line(program, tmp_path):
    for arguments, words in ((("--max", "rss_bytes_peak"), ["METRIC=VALUE"]), (("--max", "rss_bytes_peek=1"), ["did you mean \"rss_bytes_peak\""]),
                             (("--min", "top1_agreement=much"), ["--min top1_agreement", "no number"]),
                             (("--max", "rss_bytes_peak=6 gigs"), ["--max rss_bytes_peak", "6GB"]), (("--prefer", "speed"), ["no metric"])):
        refused(program.run("recommend", *arguments, "--store", tmp_path / "none.db"), *words)


RACE = """
name = "race"
[protocol]
launches = 1
warmup_count = 1
iteration_count = 1
duration_min = "1ms"
[[benchmark]]
model = ["llama-test"]
scheme = ["fp32", "w8c", "w4g32"]
framework = ["reference"]
workload = { prompt_tokens = 16, generated_tokens = 4 }
quality = false
"""


def test_measures_by_itself_only_as_long_as_the_answer_is_open(program, tmp_path):
    (tmp_path / "race.toml").write_text(RACE)
    store = tmp_path / "r.db"
    done = program.run("recommend", "--run", tmp_path / "race.toml", "--max", "bundle_bytes=250000", "--store", store)
    assert done.returncode in (0, 1) and "By decode" in done.stdout, done
    records = {r["scheme"]: r for r in program.records(store)}
    speeds = {scheme: {launch["index"] % 10_000 for launch in r["launches"] if launch["kind"] == "speed"} for scheme, r in records.items()}
    assert len(speeds["fp32"]) == 1, "its bundle is too large, as its first launch tells"
    assert "is not at most 250 kB" in records["fp32"]["manifest"]["stopped"], records["fp32"]["manifest"]
    assert all(2 <= len(launches) <= 10 for scheme, launches in speeds.items() if scheme != "fp32"), speeds
    refused(program.run("recommend", "--budget", "1m", "--store", store), "--budget", "needs --run")
    refused(program.run("recommend", "newest", "--run", "quick", "--store", store), "don't name run")
