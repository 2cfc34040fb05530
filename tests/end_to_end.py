"""The real command line: what a user sees when things go well, badly, or are cut off."""
import json
import os
import re
import resource
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest
from program import Program, refused

SUITES = Path(__file__).resolve().parents[1] / "suites"


def outcomes(records: list) -> list:
    return [(r["case"], r["outcome"], r["reason"]) for r in records]


@pytest.fixture(scope="module")
def complete(program, tiny):
    """A run of all cases that has ended: its store, and what the program said."""
    store = program.folder / "a.db"
    return store, program.run("run", tiny, "--store", store, "-o", program.folder / "a.html")


def test_a_run_ends_well_and_names_the_report(program, complete):
    _, done = complete
    assert done.returncode == 0 and str(program.folder / "a.html") in done.stdout, done


def test_a_run_has_ten_records_all_ok(program, complete):
    records = program.records(complete[0])
    assert [r["outcome"] for r in records] == ["ok"] * 10, outcomes(records)
    perplexity = records[0]["measurements"]["perplexity"]
    assert perplexity["value"] is None and "synthetic" in perplexity["reason"], perplexity


@pytest.mark.parametrize("ending, mark", (("html", "<!doctype html>"), ("md", "| scheme |"), ("csv", "run,model,"), ("json", '"records"'),
                                          ("txt", "llama-test")))
def test_a_run_is_reported_again(program, complete, tmp_path, ending, mark):
    file = tmp_path / f"report.{ending}"
    again = program.run("report", "--store", complete[0], "-o", file)
    assert again.returncode == 0 and mark in file.read_text(), again


def test_narrowing_leaves_one_case(program, tiny):
    plan = program.json("run", tiny, "--plan-only", "--scheme", "w4g32", "--framework", "reference")
    assert len(plan["cases"]) == 1 and re.fullmatch(r"llama-test/w4g32/reference/cpu/b1t[1-9]\d*p8g4", plan["cases"][0]), plan


def test_quantize_lists_every_layer_and_names_the_bundle(program):
    done = program.run("quantize", "llama-test", "--scheme", "w4g32")
    assert done.returncode == 0 and done.stdout.count("w4g32") >= 16 and "SQNR" in done.stdout and "bundle  " in done.stdout, done


@pytest.fixture(scope="module")
def quantized(program) -> dict:
    """What quantize says of the bundle that it put where it was asked to."""
    return program.json("quantize", "llama-test", "--scheme", "w4g32+gptq", "-o", program.folder / "bundle")


def test_quantize_lists_the_worst_layer_first(program, quantized):
    errors = [layer["output_sqnr_db"] for layer in quantized["layers"] if layer["output_sqnr_db"] is not None]
    assert errors == sorted(errors) and (program.folder / "bundle/bundle.json").exists(), quantized


def test_quantize_gives_the_same_hash_with_one_thread(program, quantized, tmp_path):
    alone = program.json("quantize", "llama-test", "--scheme", "w4g32+gptq", "--threads", 1,
                         QBENCH_CACHE=str(tmp_path / "other_cache"))  # or the first one's bundle would be found
    assert alone["hash"] == quantized["hash"] and "other_cache" in alone["bundle"], (alone, quantized["hash"])


def test_quantize_refuses_a_folder_that_is_there(program, quantized):
    refused(program.run("quantize", "llama-test", "--scheme", "w4g32", "-o", program.folder / "bundle"), "bundle", "already")


@pytest.mark.parametrize("scheme, words", (("w4g32+mse+hqq", ["mse and hqq"]), ("w4g32+bias", ["convolutions", "none"]),
                                           ("static8c:best", ["best", "entropy"])),
                         ids=("that contradicts itself", "an option without use", "an unknown calibration"))
def test_quantize_refuses_a_scheme(program, scheme, words):
    refused(program.run("quantize", "llama-test", "--scheme", scheme), *words)


@pytest.mark.parametrize("verb", ("doctor", "zoo", "schemes", "frameworks", "metrics"))
def test_a_listing_speaks_to_people_and_machines(program, verb):
    text = program.run(verb)
    assert text.returncode == 0 and len(text.stdout) > 100 and program.json(verb), text


def test_a_missing_framework_has_reason_and_remedy(program):
    frameworks = {f["name"]: f for f in program.json("frameworks")}
    assert all(f["available"] or (f["reason"] and f["remedy"]) for f in frameworks.values()) and \
        not frameworks["coreml"]["available"], frameworks


def test_without_onnxruntime_its_cases_are_unavailable_and_the_rest_runs(program, tiny, tmp_path):
    done = program.run("run", tiny, "--scheme", "fp32", "--store", tmp_path / "m.db", QBENCH_ONNXRUNTIME_LIBRARY="/nowhere/libonnxruntime.so")
    records = program.records(tmp_path / "m.db")
    assert done.returncode == 0 and {r["framework"]: r["outcome"] for r in records} == {"reference": "ok", "onnxruntime": "unavailable"}, \
        (done.stderr, outcomes(records))


def program_beside(program: Program, binaries: Path) -> Program:
    """The same qbench in a folder of its own, beside which its helpers may be others'."""
    binaries.mkdir()
    shutil.copy(program.path, binaries / "qbench")
    copy = Program(binaries / "qbench", program.folder)
    copy.environment = {**program.environment, "QBENCH_SUITES": str(SUITES)}
    return copy


def write_script(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/bash\n{body}\n")
    path.chmod(0o755)


OUT_OF_MEMORY = '{"event":"finished","outcome":"out_of_memory","reason":"an allocation failed"}'


@pytest.mark.parametrize("body, outcome, word", (("kill -SEGV $$", "crashed", "signal 11"),
                                                 ("echo '{{{' >&3; sleep 1", "crashed", "where events belong"),
                                                 (f"echo '{OUT_OF_MEMORY}' >&3", "out_of_memory", "allocation")),
                         ids=("is killed", "speaks garbage", "eats all memory"))
def test_a_dying_preparer_is_an_outcome_and_the_run_goes_on(program, bin_folder, tiny, tmp_path, body, outcome, word):
    """What prepares weights is a process of its own."""
    copy = program_beside(program, tmp_path / "bin")
    for worker in bin_folder.glob("qbench-worker-*"):
        (tmp_path / "bin" / worker.name).symlink_to(worker)
    preparer, store = tmp_path / "bin/qbench-prepare", tmp_path / "d.db"
    write_script(preparer, body)
    done = copy.run("run", tiny, "--scheme", "fp32", "--store", store, "-o", tmp_path / "d.html", timeout=120)
    records = program.records(store)
    assert done.returncode == (2 if outcome == "crashed" else 1) and len(records) == 2 and \
        all(r["outcome"] == outcome and word in r["reason"] for r in records), (done.returncode, outcomes(records), done.stderr[-300:])
    preparer.unlink()
    preparer.symlink_to(bin_folder / "qbench-prepare")
    done = copy.run("run", "--resume", "--store", store, "-o", tmp_path / "d.html", timeout=120)
    records = program.records(store)
    assert done.returncode == 0 and [r["outcome"] for r in records] == ["ok"] * 2, f"not measured by --resume: {(done, records)}"


def event(**members) -> str:
    return f"echo '{json.dumps(members)}' >&3\n"


def fact(name: str, value) -> str:
    return event(event="fact", name=name, value=value)


def made_up_workers(bin_folder: Path, binaries: Path, folder: Path) -> None:
    """A preparer and a worker that measures; it dies of quality while `folder`/kill-quality is there."""
    finished = event(event="finished", outcome="ok", reason="")
    write_script(binaries / "qbench-prepare",
                 fact("source", {"hash": "0", "weights": "pretrained", "task": "causal_lm", "weight_count": 8}) + fact("bundle", str(folder)) +
                 fact("dataset", {"file": "none", "name": "made up", "content_hash": "0", "item_count": 4}) + finished)
    write_script(binaries / "qbench-worker-reference",
                 f'if [ "$1" = --describe ]; then exec {bin_folder}/qbench-worker-reference "$@"; fi\n'
                 f"case $2 in\n*.quality*)\nif [ -e {folder}/kill-quality ]; then kill -SEGV $$; fi\n" + fact("top1_agreement", 0.5) + ";;\n"
                 "*.speed*)\n" + event(event="samples", phase="decode", duration_ns=[1000000, 1000000]) + ";;\nesac\n" + finished)


@pytest.fixture(scope="module")
def failed_quality(program, bin_folder, tiny, tmp_path_factory):
    """A run whose worker died of measuring quality, and the same run resumed once it no longer does: what the first said,
    its report, the requests that it made, and the report of the second."""
    folder = tmp_path_factory.mktemp("quality")
    copy = program_beside(program, folder / "bin")
    made_up_workers(bin_folder, folder / "bin", folder)
    (folder / "kill-quality").touch()
    store = folder / "quality.db"
    done = copy.run("run", tiny, "--framework", "reference", "--scheme", "w8c", "-o", folder / "q.html", "--store", store, timeout=120)
    first = copy.report(store)
    logs = program.folder / "cache/logs" / first["run"]
    requests = {path.name: json.loads(path.read_text()) for path in logs.glob("*.request.json")}
    (folder / "kill-quality").unlink()
    copy.run("run", "--resume", "-o", folder / "q.html", "--store", store, timeout=120)
    return done, first["records"][0], requests, copy.report(store)["records"][0]


def speed_launches(record: dict) -> list:
    return [launch["outcome"] for launch in record["launches"] if launch["kind"] == "speed"]


def test_failing_quality_takes_nothing_of_the_speed_away(failed_quality):
    done, record, _, _ = failed_quality
    assert record["outcome"] == "ok" and speed_launches(record) == ["ok", "ok"], (done, record["reason"])
    speed = record["measurements"]["decode_tokens_per_s"]
    assert speed["value"] is not None, speed


def test_failing_quality_has_its_own_outcome_and_reason(failed_quality):
    done, record, _, _ = failed_quality
    manifest, agreement = record["manifest"], record["measurements"]["top1_agreement"]
    assert manifest["quality_outcome"] == "crashed" and "signal 11" in manifest["quality_reason"] and \
        agreement["value"] is None and "signal 11" in agreement["reason"], (manifest, agreement)
    assert "quality crashed" in done.stdout and "signal 11" in done.stdout, done.stdout


def test_every_worker_has_a_limit_of_memory_and_of_processes(failed_quality):
    """The baseline's and what prepares too."""
    requests = failed_quality[2]
    assert any("baseline" in name for name in requests) and any("prepare" in name for name in requests) and \
        all(one["limits"]["memory_bytes_max"] > 0 and one["limits"]["process_count_max"] > 0 for one in requests.values()), requests


def test_quality_is_measured_once_more_when_the_run_is_resumed(failed_quality):
    record = failed_quality[3]
    agreement = record["measurements"]["top1_agreement"]
    assert record["manifest"]["quality_outcome"] == "ok" and agreement["value"] is not None and len(speed_launches(record)) == 2, \
        (record["manifest"], agreement)


@pytest.fixture
def on_one_processor():
    """What a command line begins with that may use one processor only."""
    if sys.platform != "linux":
        pytest.skip("only Linux has processors that a process may not use")
    return ("taskset", "-c", str(min(os.sched_getaffinity(0))))


def test_threads_that_a_suite_leaves_open_are_the_cores_this_process_may_use(program, tiny, on_one_processor):
    done = program.run("run", tiny, "--plan-only", "--json", before=on_one_processor)
    assert done.returncode == 0 and all("/b1t1p" in c for c in json.loads(done.stdout)["cases"]), done


def test_the_hosts_cores_and_this_processs_stand_side_by_side(program, on_one_processor):
    host = program.json("doctor", before=on_one_processor)["host"]
    assert host["usable_cores"] == 1 <= host["physical_cores"], host


@pytest.mark.parametrize("choice", ("fast", "as-shipped"))
def test_blas_is_the_same_in_every_launch_and_said_in_the_record(program, tiny, tmp_path, choice):
    """MLX comes with a slow BLAS on Linux: another is preloaded unless --blas says otherwise, also when the run is resumed."""
    store = tmp_path / "blas.db"
    begun = program.run("run", tiny, "--framework", "mlx", "--scheme", "fp32,w8c", "--blas", choice, "--budget", "1ms",
                        "--store", store, "-o", tmp_path / "b.html")
    done = program.run("run", "--resume", "--store", store, "-o", tmp_path / "b.html")
    records = program.report(store)["records"]
    actual = [launch["facts"]["actual"]["blas"]["preloaded"] for r in records for launch in r["launches"]]
    wanted = choice == "fast" and sys.platform == "linux"
    assert done.returncode == 0 and len(actual) == 4 and set(actual) == {wanted} and \
        all(("environment" in r["manifest"]) == wanted for r in records), (begun.stderr, done.stderr, actual)


def test_a_suite_with_a_typing_error_is_refused(program, tiny, tmp_path):
    bad = tmp_path / "bad.toml"
    bad.write_text(tiny.read_text().replace("warmup_count ", "warmpu_count "))
    refused(program.run("run", bad), "bad.toml:5", "warmpu_count", "unknown field")


def test_an_unknown_suite_is_refused(program):
    refused(program.run("run", "nosuch"), "nosuch", "quick")


@pytest.mark.parametrize("option, value, words", (("--scheme", "w5", ["w5", "w4g32"]), ("--model", "gpt", ["gpt", "smollm2-135m"]),
                                                  ("--framework", "tf", ["tf", "onnxruntime"]),
                                                  ("--budget", "5 parsecs", ["--budget", "parsecs"]),
                                                  ("--memory-max", "lots", ["--memory-max", "lots"])))
def test_a_value_that_is_none_is_refused(program, tiny, option, value, words):
    refused(program.run("run", tiny, option, value), *words)


def test_an_unreadable_store_is_refused(program, tiny, tmp_path):
    (tmp_path / "text.db").write_text("x" * 5000)
    refused(program.run("run", tiny, "--store", tmp_path / "text.db"), "text.db", "not a database")


def test_a_store_that_is_not_there_is_refused(program, tmp_path):
    refused(program.run("list", "--store", tmp_path / "none.db"), "none.db")


def test_a_wrong_flag_is_exit_2(program):
    done = program.run("run", "--nonsense")
    assert done.returncode == 2, done


def negative_shape(content: bytearray) -> bytearray:
    at = content.index(b"blk.0.attn_k.weight") + len(b"blk.0.attn_k.weight") + 4
    content[at:at + 8] = b"\xff" * 8
    return content


BROKEN_WEIGHTS = {
    "truncated": (lambda c: c[:50_000_000], "outside"),
    "wrong_magic": (lambda c: b"GGUX" + c[4:], "no GGUF"),
    "negative_shape": (negative_shape, "blk.0.attn_k.weight"),
    "missing_tensor": (lambda c: c.replace(b"blk.7.ffn_up.weight", b"blk.7.ffn_xx.weight"), "blk.7.ffn_up.weight"),
}


@pytest.mark.parametrize("name", BROKEN_WEIGHTS)
def test_broken_weights_are_refused(program, data, smollm2, tmp_path, name):
    spoil, word = BROKEN_WEIGHTS[name]
    broken = tmp_path / smollm2.relative_to(data)
    broken.parent.mkdir(parents=True)
    broken.write_bytes(spoil(bytearray(smollm2.read_bytes())))
    done = program.run("run", "quick", "--model", "smollm2-135m", "--scheme", "fp32", "--launches", 1, "--store", tmp_path / "w.db",
                       QBENCH_DATA=str(tmp_path))
    refused(done, smollm2.name, word)


def test_a_full_disk_is_one_line_that_names_the_file_and_exit_2(program, tiny, tmp_path):
    done = program.run("run", tiny, "--scheme", "fp32", "--framework", "reference", "--store", tmp_path / "full.db",
                       preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000)),
                       QBENCH_CACHE=str(tmp_path / "full_cache"))
    refused(done, str(tmp_path))


def test_interrupt_ends_with_130_and_keeps_every_launch_that_was_reported(program, tiny, tmp_path):
    with program.start("run", tiny, "--launches", "50", "--store", tmp_path / "i.db") as process:
        reported = 0
        for line in process.stderr:
            reported += " speed: " in line
            if reported == 5:
                process.send_signal(signal.SIGINT)
                break
        process.communicate(timeout=60)
    assert process.returncode == 130, process.returncode
    launches = sum(len(r["launches"]) for r in program.records(tmp_path / "i.db"))
    assert launches >= 5, f"{launches} launches kept of {reported} reported"


@pytest.mark.skipif("ASAN_OPTIONS" in os.environ, reason="programs with a sanitizer can't have limits of memory")
def test_workers_beyond_their_memory_are_out_of_memory_and_the_run_goes_on(program, tiny, tmp_path):
    """Whatever their frameworks say."""
    done = program.run("run", tiny, "--scheme", "fp32", "--launches", 1, "--memory-max", "2MB", "--store", tmp_path / "mem.db")
    records = program.records(tmp_path / "mem.db")
    assert done.returncode == 1 and \
        {r["framework"]: r["outcome"] for r in records} == {"reference": "out_of_memory", "onnxruntime": "out_of_memory"}, outcomes(records)
    assert all("2.00 MB (--memory-max)" in r["reason"] for r in records), records


SLEEPY = """
name = "sleepy"
[protocol]
launches        = 1
warmup_count    = 0
warmup_duration = "1ms"
duration_min    = "4s"
duration_max    = "5s"
[[benchmark]]
model     = ["llama-test"]
scheme    = ["fp32"]
framework = ["reference"]
workload  = { prompt_tokens = 8, generated_tokens = 4 }
"""


def processor_ns(process: int) -> int:
    """Of all threads, since they began."""
    return sum(int((task / "schedstat").read_text().split()[0]) for task in Path(f"/proc/{process}/task").iterdir())


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="this system doesn't tell the processor time of threads in nanoseconds")
def test_while_a_worker_is_timed_qbench_sleeps(program, tmp_path):
    """It uses less than 0.1 % of a core."""
    suite, events = tmp_path / "sleepy.toml", tmp_path / "sleepy.jsonl"
    suite.write_text(SLEEPY)
    with program.start("run", suite, "--store", tmp_path / "s.db", "--events", events, "-o", tmp_path / "s.html",
                       stdout=None, stderr=None) as process:
        while not (events.exists() and '"phase":"measure"' in events.read_text()) and process.poll() is None:
            time.sleep(0.02)
        time.sleep(0.2)
        before, start = processor_ns(process.pid), time.monotonic()
        time.sleep(3)
        share = (processor_ns(process.pid) - before) / 1e9 / (time.monotonic() - start)
        is_measuring = "launched" not in events.read_text()
        process.wait(timeout=60)
    print(f"qbench used {share * 100:.4f} % of a core while a worker was timed for 3 s")
    assert is_measuring, "the worker was no longer timed"
    assert share < 0.001, f"{share * 100:.4f} % of a core"


def test_a_budget_ends_the_run_and_the_records_say_so(program, tiny, tmp_path):
    done = program.run("run", tiny, "--launches", 50, "--budget", "2s", "--batch", 2, "--store", tmp_path / "b.db")
    records = program.records(tmp_path / "b.db")
    assert done.returncode == 0 and "stopped at the budget" in done.stderr and \
        all("at the budget of 2.00 s" in r["manifest"].get("stopped", "") or r["outcome"] == "unavailable" for r in records) and \
        any(r["outcome"] == "ok" for r in records), (done.stderr[-300:], [r["manifest"].get("stopped") for r in records])
    assert {r["batch"] for r in records} == {2}, f"--batch didn't replace the suite's: {records}"


def test_two_runs_at_once_into_one_store_keep_all_launches_of_both(program, tiny, tmp_path):
    started = [program.start("run", tiny, "--scheme", "fp32,w4g32", "--launches", "3", "--store", tmp_path / "two.db", "-o",
                             tmp_path / f"two{i}.html") for i in range(2)]
    ends = [(process.communicate(timeout=120), process.returncode) for process in started]
    runs = [re.search(r"\(run (\S+)\)", out).group(1) for (out, _), code in ends if code == 0]
    counts = [[len([l for l in r["launches"] if l["index"] < 10_000]) for r in program.records(tmp_path / "two.db", "--run", name)]
              for name in runs]
    assert counts == [[3] * 4] * 2, (ends, counts)


@pytest.fixture(scope="module")
def explainable(program, tiny):
    """A store with a run of one case, and the events of that run."""
    store, events = program.folder / "x.db", program.folder / "events.jsonl"
    program.run("run", tiny, "--launches", 6, "--scheme", "fp32", "--framework", "reference", "--store", store, "-o",
                program.folder / "x.html", "--events", events)
    return store, [json.loads(line) for line in events.read_text().splitlines()]


def test_events_tell_begin_time_left_and_end(explainable):
    events = explainable[1]
    assert events[0]["event"] == "begun" and events[0]["left_ns"] > 0 and events[-1] == {"event": "ended", "ending": "complete"} and \
        all("left_ns" in e for e in events if e["event"] == "launch"), events


def test_events_name_every_launch(explainable):
    assert sum(e["event"] == "launched" for e in explainable[1]) == 6, explainable[1]


def test_a_figure_is_explained_from_samples_to_interval(program, explainable):
    done = program.run("explain", "fp32", "--store", explainable[0])
    missing = [word for word in ("decode_tokens_per_s", "launch 5: ok", "samples, median", "median of 6 launches", "95 % interval",
                                 "by Student's t", "bundle_hash") if word not in done.stdout]
    assert done.returncode == 0 and not missing, (missing, done)


@pytest.mark.parametrize("command, word", ((("explain", "w9"), "w9"), (("explain", "fp32", "--metric", "joy"), "joy"),
                                           (("run", "--resume", "no-such-run"), "no-such-run")), ids=("case", "metric", "run"))
def test_what_is_not_there_is_refused_by_name(program, explainable, command, word):
    refused(program.run(*command, "--store", explainable[0]), word)
