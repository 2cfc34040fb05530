"""`qbench compare`, `qbench gate` and `qbench baseline` on runs with a known truth."""
import json
import re
import xml.etree.ElementTree as xml
from dataclasses import replace
from pathlib import Path

import pytest
from made_up_runs import MadeUpRun, write_run, write_versions
from program import refused

CASE = "alpha/w8c"
WIDE = "[tolerance]\nspeed = \"15 %\"\nrss_bytes_peak = \"2 %\"\nbundle_bytes = \"1 %\"\ntop1_agreement = 0.005\n"


class Stand:
    """A store with made-up runs, and the program's verbs over it."""

    def __init__(self, program, bin_folder: Path, folder: Path):
        self.program, self.bin_folder, self.folder, self.store = program, bin_folder, folder, folder / "results.db"
        folder.mkdir(exist_ok=True)
        (folder / "wide.toml").write_text(WIDE)

    def write(self, *runs: MadeUpRun) -> None:
        for day, run in enumerate(runs, 1):
            write_run(self.bin_folder, self.store, replace(run, day=day).content())

    def run(self, *arguments, **more):
        return self.program.run(*arguments, "--store", self.store, COLUMNS="1000", **more)

    def gate(self, *arguments, **more):
        """Its exit code, and its findings by case and metric."""
        done = self.run("gate", *arguments, "--json", **more)
        assert done.returncode in (0, 1, 3), done
        return done.returncode, {(f["case"].rsplit("/", 3)[0], f["metric"]): f for f in json.loads(done.stdout)["findings"]}


@pytest.fixture
def stand(program, bin_folder, tmp_path) -> Stand:
    return Stand(program, bin_folder, tmp_path)


def named(findings: dict, answer: str) -> list:
    return sorted(where for where, finding in findings.items() if finding["answer"] == answer)


# Two versions in one run: launches of a block beside each other.

def versions(stand, seed: int, **new) -> None:
    old = MadeUpRun("x", 2 * seed, launches=12, noise=0.02, framework="onnxruntime@1")
    write_versions(stand.bin_folder, stand.store, f"v{seed}", old, replace(old, seed=2 * seed + 1, framework="onnxruntime@2", **new))


def test_a_planted_slowdown_is_found_in_one_run_and_nothing_else_is(stand):
    for seed in range(5):
        versions(stand, seed, slower={CASE: 0.06})
        code, findings = stand.gate(f"v{seed}", "--against", "onnxruntime@1")
        assert code == 1 and named(findings, "regression") == [(CASE, "pictures_per_s")], named(findings, "regression")
        found = findings[CASE, "pictures_per_s"]
        assert found["interval"][0] < 1 / 1.06 < found["interval"][1], found


def test_two_equal_versions_raise_no_alarm(stand):
    codes = []
    for seed in range(10, 30):
        versions(stand, seed)
        code, findings = stand.gate(f"v{seed}", "--against", "onnxruntime@1")
        assert code != 1, named(findings, "regression")
        codes.append(code)
    assert codes.count(0) >= 5, codes


def test_what_got_better_is_no_regression(stand):
    versions(stand, 50, slower={CASE: -0.3}, larger={CASE: -0.3}, disagreeing={CASE: -5})
    code, findings = stand.gate("--against", "onnxruntime@1")
    assert code != 1 and findings[CASE, "pictures_per_s"]["answer"] == "no regression", findings[CASE, "pictures_per_s"]


def test_at_much_noise_it_says_how_many_launches_it_takes(stand):
    old = MadeUpRun("x", 60, launches=5, noise=0.05, framework="onnxruntime@1")
    write_versions(stand.bin_folder, stand.store, "noisy", old, replace(old, seed=61, framework="onnxruntime@2"))
    done = stand.run("gate", "--against", "onnxruntime@1")
    code, findings = stand.gate("--against", "onnxruntime@1")
    speeds = [f for (_, metric), f in findings.items() if metric == "pictures_per_s"]
    assert code == done.returncode == 3 and any(f["launches_needed"] and f["launches_needed"] > 5 for f in speeds), speeds
    assert "launches of each side would tell, 5 are here" in done.stdout and "--launches" in done.stdout, done.stdout


# A baseline of another run.

@pytest.fixture
def stored(stand) -> Stand:
    """A baseline, and after it a run of the same code."""
    stand.write(MadeUpRun("old", 1), MadeUpRun("new", 2))
    assert stand.run("baseline", "set", "main", "old").returncode == 0
    return stand


def test_the_same_code_passes_where_the_tolerance_is_wider_than_runs_differ(stored):
    code, findings = stored.gate("--baseline", "main", "--tolerances", stored.folder / "wide.toml")
    assert code == 0 and len(findings) == 32 and named(findings, "no regression") == sorted(findings), findings


def test_so_little_as_runs_differ_by_cannot_be_told(stored):
    done = stored.run("gate", "--baseline", "main")
    assert done.returncode == 3 and "--against" in done.stdout and "tolerate 10 % or more" in done.stdout, done.stdout


def test_a_machine_that_is_slower_today_raises_no_alarm(stand):
    stand.write(MadeUpRun("old", 1))
    for seed in range(2, 12):
        everywhere = {f"{model}/{scheme}": 0.05 for model in ("alpha", "beta") for scheme in ("fp32", "w8c", "w4g32", "static8c")}
        write_run(stand.bin_folder, stand.store, MadeUpRun(f"n{seed}", seed, slower=everywhere).content())
        code, findings = stand.gate(f"n{seed}", "--baseline", "old")
        assert code == 3 and not named(findings, "regression"), named(findings, "regression")
    said = stand.run("gate", "n2", "--baseline", "old").stdout
    assert re.search(r"The speeds of all 8 cases: 0\.9[4-6]\dx \(median\), each case 0\.\d % around that", said), said


@pytest.mark.parametrize("change, metric", (({"slower": {CASE: 0.4}}, "pictures_per_s"), ({"larger": {CASE: 0.04}}, "rss_bytes_peak"),
                                            ({"disagreeing": {CASE: 8}}, "top1_agreement")), ids=("speed", "memory", "agreement"))
def test_a_regression_is_found_and_named(stored, change, metric):
    stored.write(MadeUpRun("worse", 3, **change))
    code, findings = stored.gate("worse", "--baseline", "main", "--tolerances", stored.folder / "wide.toml")
    assert code == 1 and named(findings, "regression") == [(CASE, metric)], named(findings, "regression")


@pytest.mark.parametrize("change, metric", (({"larger": {CASE: 0.01}}, "rss_bytes_peak"), ({"disagreeing": {CASE: 4}}, "top1_agreement")))
def test_what_is_within_the_tolerance_passes(stored, change, metric):
    stored.write(MadeUpRun("worse", 3, **change))
    code, findings = stored.gate("worse", "--baseline", "main", "--tolerances", stored.folder / "wide.toml")
    assert code == 0 and findings[CASE, metric]["answer"] == "no regression", findings[CASE, metric]


@pytest.mark.parametrize("outcome, code", (("crashed", 1), ("out_of_memory", 1), ("unsupported", 1), ("unavailable", 3)))
def test_a_case_that_no_longer_runs(stored, outcome, code):
    stored.write(MadeUpRun("broken", 3, outcomes={CASE: (outcome, "what it said")}))
    exit_code, findings = stored.gate("broken", "--baseline", "main", "--tolerances", stored.folder / "wide.toml")
    assert exit_code == code and "what it said" in findings[CASE, None]["reason"], findings.get((CASE, None))


def test_quality_that_fails_is_a_regression(stored):
    run = MadeUpRun("unjudged", 3).content()
    run["records"][1].pop("quality")
    run["records"][1]["manifest"] |= {"quality_outcome": "crashed", "quality_reason": "signal 11"}
    write_run(stored.bin_folder, stored.store, run)
    code, findings = stored.gate("unjudged", "--baseline", "main", "--tolerances", stored.folder / "wide.toml")
    assert code == 1 and "signal 11" in findings[CASE, "top1_agreement"]["reason"], findings


def test_a_case_that_is_missing_is_not_passed_over_unless_asked_for(stored):
    run = MadeUpRun("part", 3).content()
    run["records"] = run["records"][1:]
    write_run(stored.bin_folder, stored.store, run)
    arguments = ("part", "--baseline", "main", "--tolerances", stored.folder / "wide.toml")
    code, findings = stored.gate(*arguments)
    assert code == 3 and "--allow missing" in findings["alpha/fp32", None]["reason"], findings
    assert stored.gate(*arguments, "--allow", "missing")[0] == 0


@pytest.mark.parametrize("aspect, change", (
    ("machine", {"host": {"cpu": "Another"}}), ("versions", {"manifest": {"framework_version": "2.0"}}), ("weights", {"manifest": {"source_hash": "zz"}}),
    ("bundle", {"manifest": {"bundle_hash": "zz"}}), ("data", {"manifest": {"dataset": {"name": "other", "hash": "zz", "item_count": 1000}}})))
def test_what_differs_is_refused_and_compared_when_allowed(stored, aspect, change):
    stored.write(MadeUpRun("other", 3, **change))
    arguments = ("gate", "other", "--baseline", "main", "--tolerances", stored.folder / "wide.toml")
    refused(stored.run(*arguments), f"other {aspect}", "before", "now", f"--allow {aspect}")
    done = stored.run(*arguments, "--allow", aspect)
    assert done.returncode == 0 and f"other {aspect}: " in done.stdout, done


# What it writes.

@pytest.fixture
def regressed(stored) -> Stand:
    stored.write(MadeUpRun("worse", 3, slower={CASE: 0.4}, outcomes={"beta/fp32": ("crashed", 'signal 11, "a <b> & c"')}))
    return stored


def test_junit_has_a_test_for_each_figure(regressed):
    done = regressed.run("gate", "worse", "--baseline", "main", "--junit", regressed.folder / "gate.xml")
    suite = xml.parse(regressed.folder / "gate.xml").getroot()[0]
    failures = [test.get("classname").rsplit("/", 3)[0] for test in suite if test.find("failure") is not None]
    skipped = [test for test in suite if test.find("skipped") is not None]
    assert done.returncode == 1 and sorted(failures) == [CASE, "beta/fp32"], failures
    assert suite.get("failures") == "2" and int(suite.get("skipped")) == len(skipped) == 6 and int(suite.get("tests")) == len(suite), suite.attrib
    crash = next(test for test in suite if test.get("name") == "runs").find("failure").get("message")
    assert 'signal 11, "a <b> & c"' in crash, crash


def test_github_gets_annotations_and_a_summary(regressed):
    summary = regressed.folder / "summary.md"
    summary.write_text("# before\n")
    done = regressed.run("gate", "worse", "--baseline", "main", "--github", GITHUB_STEP_SUMMARY=str(summary))
    lines = [line for line in done.stdout.splitlines() if line.startswith("::")]
    assert [line.split(" ")[0] for line in lines] == ["::error", "::error", "::warning"], lines
    assert lines[0].startswith(f"::error title=qbench%3A {CASE}/onnxruntime/cpu/") and lines[0].endswith("tolerance 3 %25"), lines[0]
    assert summary.read_text().startswith("# before\n") and "| alpha w8c onnxruntime | pictures |" in summary.read_text(), summary.read_text()


def test_markdown_says_what_the_terminal_says(regressed):
    done = regressed.run("gate", "worse", "--baseline", "main", "--markdown", regressed.folder / "gate.md")
    text = (regressed.folder / "gate.md").read_text()
    assert "gate: regression: 2 regressions" in done.stdout and "gate: regression: 2 regressions" in text and "| alpha w8c" in text, text


# Baselines.

def test_a_baseline_is_a_file_that_serves_another_store(stored, tmp_path):
    file = tmp_path / "baselines/main.json"
    assert stored.run("baseline", "export", "main", file).returncode == 0
    assert len(file.read_text().splitlines()) == 3 + 8 + 1 and file.stat().st_size < 20_000, file.read_text()
    other = Stand(stored.program, stored.bin_folder, tmp_path / "other")
    other.write(MadeUpRun("elsewhere", 4, larger={CASE: 0.1}))
    by_file = other.gate("--baseline", file, "--tolerances", other.folder / "wide.toml")
    by_run = other.gate("--baseline", f"{stored.store}#old", "--tolerances", other.folder / "wide.toml")
    assert by_file == by_run and by_file[0] == 1 and named(by_file[1], "regression") == [(CASE, "rss_bytes_peak")], (by_file[0], by_run[0])


def test_baselines_are_listed(stored):
    listed = stored.run("baseline", "--json")
    assert [b["name"] for b in json.loads(listed.stdout)] == ["main"] and "run old" in stored.run("baseline").stdout, listed


@pytest.mark.parametrize("content, words", (("{", ["gate.json"]), ("{}", ["is no baseline", "baseline export"]),
                                            ('{"format": "qbench baseline", "version": 9}', ["version 9"]),
                                            ('{"format": "qbench baseline", "version": 1, "run": {"id": "a", "started_at": "b", "suite": "c"}, "records": '
                                             '[{"model": "m"}]}', ["scheme"])))
def test_a_baseline_that_is_none_is_refused(stored, content, words):
    file = stored.folder / "gate.json"
    file.write_text(content)
    refused(stored.run("gate", "--baseline", file), *words)


def test_bad_input_is_a_line_with_the_remedy(stored, tmp_path):
    refused(stored.run("gate"), "--baseline", "baseline set", "--against")
    refused(stored.run("gate", "--baseline", "nothing"), "nothing", "qbench baseline")
    refused(stored.run("gate", "--baseline", "new"), "the baseline itself", "measure again")
    refused(stored.run("gate", "--against", "onnxruntime"), "other versions", "QBENCH_WORKERS")
    refused(stored.run("gate", "--against", "pytorch@1"), "no framework", "onnxruntime")
    refused(stored.run("gate", "--baseline", "main", "--against", "x"), "exclude")
    refused(stored.run("gate", "--baseline", "main", "--json", "--github"), "take one")
    refused(stored.run("baseline", "set", "../evil"), "can't name a baseline")
    refused(stored.run("baseline", "export", "nothing", tmp_path / "x.json"), "no baseline nothing", "baseline set nothing")
    refused(stored.program.run("gate", "--baseline", "main", "--store", tmp_path / "none.db"), "no store yet", "qbench run")
    refused(stored.run("compare"), "qbench list --runs")
    refused(stored.run("compare", "old", "--metric", "pictures_per_sec"), "did you mean \"pictures_per_s\"")


@pytest.mark.parametrize("text, words", (("[tolerance]\nspeed = 3\nsped = 1", [":3:", "sped", "is no metric"]), ("[tolerance]\nspeed = \"3\"", ["3 %"]),
                                         ("[tolerance]\ntop1_agreement = -0.005", ["0 and more"]), ("tolerances = 1", ["unknown field", "tolerance"]),
                                         ("[tolerance", [":1:"]), ("false_alarms = 1.5", ["between 0 and 0.5"]), ("[tolerance]", ["names no metric"])))
def test_tolerances_that_are_wrong_are_refused(stored, text, words):
    file = stored.folder / "rules.toml"
    file.write_text(text)
    refused(stored.run("gate", "--baseline", "main", "--tolerances", file), "rules.toml", *words)


# compare.

def test_compare_tells_what_is_faster_and_what_it_cannot_tell(stored):
    stored.write(MadeUpRun("changed", 3, slower={CASE: -0.3, "beta/fp32": 0.3}, larger={CASE: 0.1}, disagreeing={CASE: 60}))
    done = stored.run("compare", "old", "changed")
    answers = {(c["case"].rsplit("/", 3)[0], c["metric"]): c for c in stored.program.json("compare", "old", "changed", "--store", stored.store)["comparisons"]}
    assert done.returncode == 0 and "not interleaved" in done.stdout, done.stdout
    wanted = {(CASE, "pictures_per_s"): "better", ("beta/fp32", "pictures_per_s"): "worse", ("alpha/fp32", "pictures_per_s"): "undecided",
              (CASE, "rss_bytes_peak"): "worse", (CASE, "bundle_bytes"): "same", (CASE, "top1_agreement"): "worse", ("beta/w8c", "top1_agreement"): "same"}
    assert {where: answers[where]["answer"] for where in wanted} == wanted, answers
    speed = answers[CASE, "pictures_per_s"]
    assert speed["interval"][0] < speed["ratio"] < speed["interval"][1] and abs(speed["ratio"] * 0.7 - 1) < 0.05, speed
    line = next(line for line in done.stdout.splitlines() if line.startswith("  w8c onnxruntime") and " pictures " in line)
    assert "faster" in line, line


def test_compare_pairs_the_launches_of_one_run(stand):
    versions(stand, 3, slower={CASE: 0.05})
    answers = {c["case"].rsplit("/", 3)[0]: c for c in stand.program.json("compare", "--against", "onnxruntime@1", "--metric", "pictures_per_s",
                                                                          "--store", stand.store)["comparisons"]}
    assert answers[CASE]["answer"] == "worse" and "pairs" in answers[CASE]["basis"], answers[CASE]
    assert "slower" not in [a["answer"] for where, a in answers.items() if where != CASE], answers


def test_compare_knows_how_much_runs_differ(stored):
    """Without any noise between runs, what 1 % noise of ten launches can tell is the same."""
    answers = stored.program.json("compare", "old", "--metric", "pictures_per_s", "--run-noise", "0 %", "--store", stored.store)["comparisons"]
    assert [c["answer"] for c in answers] == ["same"] * 8, answers
    refused(stored.run("compare", "old", "--run-noise", "1"), "--run-noise", "1 %")


def test_runs_are_listed(stored):
    assert [run["run"] for run in stored.program.json("list", "--runs", "--store", stored.store)] == ["new", "old"]
