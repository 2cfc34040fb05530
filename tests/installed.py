"""What `cmake --install` makes works from elsewhere: its programs find each other, their libraries and their suites."""
import re
import subprocess

import pytest
from program import Program

CHOSEN_ELSEWHERE = ("QBENCH_SUITES", "QBENCH_DATA", "QBENCH_WORKERS")


@pytest.fixture(scope="module")
def prefix(build, tmp_path_factory):
    """Where it is installed, by the CMake that the build was made with."""
    folder = tmp_path_factory.mktemp("installed") / "prefix"
    cmake = re.search(r"^CMAKE_COMMAND:\w+=(.*)$", (build / "CMakeCache.txt").read_text(), re.M)[1]
    subprocess.run([cmake, "--install", build, "--prefix", folder], check=True, stdout=subprocess.DEVNULL)
    return folder


@pytest.fixture(scope="module")
def installed(prefix, tmp_path_factory) -> Program:
    program = Program(prefix / "bin/qbench", tmp_path_factory.mktemp("elsewhere"))
    for name in CHOSEN_ELSEWHERE:
        program.environment.pop(name, None)
    return program


def succeeded(done):
    assert done.returncode == 0, (done.args, done.stdout, done.stderr)


def test_doctor_runs(installed):
    succeeded(installed.run("doctor", cwd=installed.folder))


def test_the_same_frameworks_are_available_as_before_the_installation(installed, program):
    def available(frameworks) -> dict:
        return {f["name"]: f["available"] for f in frameworks}
    after = available(installed.json("frameworks", cwd=installed.folder))
    before = available(program.json("frameworks", **dict.fromkeys(CHOSEN_ELSEWHERE)))
    assert after == before and after["reference"], (after, before)


def test_the_suites_are_there(installed):
    plan = installed.json("run", "quick", "--plan-only", cwd=installed.folder)
    assert plan["cases"], plan


def test_a_run_measures(installed, tiny, tmp_path):
    store = tmp_path / "a.db"
    succeeded(installed.run("run", tiny, "--launches", "1", "--scheme", "fp32", "--store", store, "-o", tmp_path / "a.html", cwd=installed.folder))
    records = installed.records(store)
    outcomes = [(r["case"], r["outcome"], r["reason"]) for r in records]
    assert records and all(r["outcome"] in ("ok", "unavailable") for r in records), outcomes
    assert any(r["outcome"] == "ok" for r in records), outcomes


def test_the_licence_is_there(prefix):
    assert (prefix / "share/doc/qbench/LICENSE").exists()
