"""`qbench publish` to a stand-in of an MLflow server; bench/publish_to_mlflow.py does the same with a real one."""
import base64
import json

import pytest
from made_up_runs import MadeUpRun, write_run
from mlflow_server import FakeMlflow, Fault
from program import refused

CASES = 8


@pytest.fixture
def server():
    fake = FakeMlflow()
    yield fake
    fake.close()


@pytest.fixture
def store(bin_folder, tmp_path):
    write_run(bin_folder, tmp_path / "r.db", MadeUpRun("one", 1).content())
    return tmp_path / "r.db"


@pytest.fixture
def publish(program, store, server):
    def run(*arguments, **environment):
        return program.run("publish", "--mlflow", server.uri, "--store", store, *arguments, **environment)
    return run


def cases_of(server) -> dict:
    return {run["name"]: run for run in server.runs.values() if not run["name"].startswith("run ")}


def test_a_run_with_its_figures_units_and_page(program, publish, server, store):
    done = publish()
    assert done.returncode == 0 and f"{CASES} cases sent, 0 were there already" in done.stdout, done
    sent, listed = cases_of(server), {r["case"]: r for r in program.records(store)}
    assert set(sent) == set(listed) and all(run["status"] == "FINISHED" for run in sent.values())
    for case, run in sent.items():
        measured = listed[case]["measurements"]["pictures_per_s"]
        latest = {key: value for key, value, _, step in run["metrics"] if step == 0}
        assert latest["pictures_per_s"] == measured["value"] and latest["pictures_per_s.low"] == measured["low"], case
        assert len([m for m in run["metrics"] if m[0] == "pictures_per_s.launch"]) == 10, "a value of each launch"
        assert run["params"]["model"] == listed[case]["model"] and run["tags"]["unit.pictures_per_s"] == "pictures/s", run
        assert run["tags"]["qbench.bundle_hash"] == listed[case]["manifest"]["bundle_hash"], run
    [page] = server.artifacts.values()
    assert page.startswith(b"<!doctype html>") or page.startswith(b"<!DOCTYPE html>"), page[:40]


def test_what_was_sent_is_not_sent_again(publish, server):
    publish()
    runs, calls = json.dumps(sorted(server.runs)), len(server.calls)
    again = publish()
    assert f"0 cases sent, {CASES} were there already" in again.stdout and json.dumps(sorted(server.runs)) == runs, again
    assert not [call for call in server.calls[calls:] if call[1].endswith(("create", "log-batch", "update"))], server.calls[calls:]


@pytest.mark.parametrize("calls", [1, 3, 5, 8, 20])
def test_what_was_cut_short_is_completed_and_nothing_doubled(publish, server, calls):
    server.fault, server.fail_after = Fault(500, "application/json", {"message": "no room"}, 0), calls
    first = publish()
    assert first.returncode == 1 and "stays in the store" in first.stderr and "500: no room" in first.stderr, first
    server.fault = None
    assert publish().returncode == 0
    assert len(cases_of(server)) == CASES and len(server.runs) == CASES + 1
    assert all(len([m for m in run["metrics"] if m[0] == "pictures_per_s.launch"]) == 10 for run in cases_of(server).values())


@pytest.mark.parametrize("fault, words", [
    (Fault(200, "text/html", b"<html>", 0), ["text/html where JSON is expected"]),
    (Fault(503, "text/html", b"<html>", 0), ["503"]),
    (Fault(200, "application/json", {}, 0), ["none of MLflow's"]),
    (Fault(302, "text/html", b"", 0), ["redirects"]),
    (Fault(200, "application/json", {}, 3), ["timed out"])])
def test_a_server_that_misbehaves_is_a_line(publish, server, fault, words):
    server.fault = fault
    done = publish(MLFLOW_HTTP_REQUEST_TIMEOUT="1")
    assert done.returncode == 1 and all(word in done.stderr for word in [*words, "stays in the store", server.uri]), done
    assert len(done.stderr.splitlines()) == 1, done.stderr


def test_who_one_is(publish, server):
    server.authorization = "Bearer abc"
    done = publish()
    assert done.returncode == 1 and "401: who are you?" in done.stderr and "MLFLOW_TRACKING_TOKEN" in done.stderr, done
    assert publish(MLFLOW_TRACKING_TOKEN="abc").returncode == 0
    server.authorization = "Basic " + base64.b64encode(b"me:secret").decode()
    assert publish(MLFLOW_TRACKING_USERNAME="me", MLFLOW_TRACKING_PASSWORD="secret").returncode == 0


def test_all_runs_and_an_experiment_of_ones_own(program, publish, server, store, bin_folder):
    write_run(bin_folder, store, MadeUpRun("two", 2, day=2).content())
    done = publish("--all", MLFLOW_EXPERIMENT_NAME="mine")
    assert done.returncode == 0 and [line.split(":")[0] for line in done.stdout.splitlines()] == ["one", "two"], done
    assert set(server.experiments) == {"mine"} and len(server.runs) == 2 * (CASES + 1)


def test_a_server_that_is_not_there(program, store):
    done = program.run("publish", "--mlflow", "http://127.0.0.1:9", "--store", store)
    assert done.returncode == 1 and "stays in the store" in done.stderr, done


def test_bad_input_is_a_line(program, store, tmp_path):
    refused(program.run("publish", "--store", store, MLFLOW_TRACKING_URI=None), "--mlflow URI")
    refused(program.run("publish", "--mlflow", "sqlite:///mlflow.db", "--store", store), "http address")
    refused(program.run("publish", "--mlflow", "http://127.0.0.1:9", "--store", tmp_path / "none.db"), "no store yet")
    refused(program.run("publish", "--mlflow", "http://127.0.0.1:9", "--store", store, MLFLOW_HTTP_REQUEST_TIMEOUT="soon"), "no number of seconds")
