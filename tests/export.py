"""qbench export through the real command line: MLX's packages, run by qbench and by MLX itself and compared with the
session they were made from; a framework that emits but can't run here (made up); and what is refused.

usage: export.py QBENCH DATA [TEST...]
"""
import json
import math
import signal
import subprocess
import sys
import time
from pathlib import Path

import mlx.core as mx
import numpy as np

from own_files_kit import check, environment, folder, measure, qbench, refused, run, run_tests

programs = Path(qbench).parent
environment["QBENCH_WORKERS"] = ""
model = "efficientnet-lite0"
picture_count = 4


def failed(what: str, done, *words: str) -> None:
    lines = [line for line in done.stderr.splitlines() if line.startswith("qbench: ")]
    check(f"{what}: exit 1 and one line naming {', '.join(words)}",
          done.returncode == 1 and len(lines) == 1 and all(word in lines[0] for word in words), (done.returncode, done.stderr[-600:]))


def is_clean(what: str, name: str) -> None:
    left = [p.name for p in folder.iterdir() if p.name.startswith(name)]
    check(f"{what}: nothing is left", not left, left)


def facts_of(program: str, request: dict) -> dict:
    file = folder / "request.json"
    file.write_text(json.dumps(request))
    done = subprocess.run([programs / program, "--run", file], capture_output=True, text=True, env=environment, timeout=300)
    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert events and events[-1]["outcome"] == "ok", (request, done.stdout[-500:], done.stderr[-500:])
    return {e["name"]: e["value"] for e in events if e["event"] == "fact"}


def read_tensors(path: str) -> dict:
    header = json.loads(Path(path).read_bytes()[:4096])
    types = {"f32": np.float32, "i64": np.int64}
    return {t["name"]: np.fromfile(path, types[t["type"]], offset=t["offset"], count=math.prod(t["shape"])).reshape(t["shape"])
            for t in header["tensors"]}


def logits_of_session(bundle: str, dataset: str) -> np.ndarray:
    """What MLX's worker computes of the first pictures, each alone."""
    logits = folder / "logits"
    facts_of("qbench-worker-mlx", {"is_quality": True, "bundle": bundle, "task": "image_classification",
                                   "workload": {"batch": 1, "thread_count": 1}, "dataset": dataset, "item_count_max": picture_count,
                                   "logits_output": str(logits), "logits_row_count_max": picture_count})
    return read_tensors(logits)["logits"]


def test_mlx() -> None:
    preparation = {"model": model, "scheme": "", "data_folder": str(programs.parents[1] / "data"), "cache_folder": environment["QBENCH_CACHE"],
                   "thread_count": 0, "with_layer_errors": False}
    dataset = facts_of("qbench-prepare", {"preparation": preparation})["dataset"]["file"]
    pictures = read_tensors(dataset)["images"][:picture_count]
    sizes = {}
    for scheme in ("fp32", "w8c"):
        target = folder / f"{model}.{scheme}"
        done = run("export", model, "--scheme", scheme, "--framework", "mlx", "-o", target, "--json")
        if not check(f"{scheme}: the package is made", done.returncode == 0, done):
            return
        exported = json.loads(done.stdout)
        package, file = exported["package"], target / f"{model}.mlxfn"
        check(f"{scheme}: its one file is told with its size", list(target.iterdir()) == [file] and
              package["files"] == [{"name": file.name, "bytes": file.stat().st_size}] and package["bytes"] == file.stat().st_size, package)
        sizes[scheme] = package["bytes"]
        wanted = logits_of_session(exported["bundle"], dataset)
        function = mx.import_function(str(file))
        got = np.stack([np.asarray(function(mx.array(picture[None]))[0])[0] for picture in pictures])
        check(f"{scheme}: MLX alone gives the session's logits of every picture", got.shape == wanted.shape and
              np.abs(got - wanted).max() <= 1e-4 * np.abs(wanted).max(), np.abs(got - wanted).max() if got.shape == wanted.shape else got.shape)
        check(f"{scheme}: and others for another picture", np.abs(wanted[0] - wanted[1]).max() > 0.01 * np.abs(wanted).max(), wanted)
    check("8-bit weights stay packed in the package", sizes["w8c"] < 0.4 * sizes["fp32"], sizes)
    files = [folder / f"{model}.{scheme}" / f"{model}.mlxfn" for scheme in sizes]
    np.save(folder / "picture.npy", pictures[:1])
    done, records = measure("x.db", "--model", files[0], "--model", files[1], "--input", f"image={folder}/picture.npy")
    cosine = [r["measurements"]["output_cosine"]["value"] for r in records.values()]
    check("qbench runs the packages as model files and compares them", done.returncode == 0 and len(cosine) == 2 and
          abs(cosine[0] - 1) < 1e-12 and 0.9 < cosine[1] < 1, (done, cosine))


def test_words() -> None:
    (folder / "empty").mkdir()
    done = run("export", model, "--scheme", "w8c", "--framework", "mlx", "--extent", "batch=2", "-o", f"{folder}/empty/")
    check("an empty folder is filled; people read what the package takes and where it lies", done.returncode == 0 and
          "takes: image=2x3x224x224:f32" in done.stdout and f"{model}.mlxfn" in done.stdout and f"package  {folder}/empty" in done.stdout, done)
    listed = {f["name"]: f["emits"] for f in json.loads(run("frameworks", "--json").stdout)}
    check("the frameworks say who emits", ".mlxfn" in listed["mlx"] and listed["onnxruntime"] == listed["pytorch"] == "", listed)
    check("and so does doctor", "emits: exported functions (.mlxfn)" in run("doctor").stdout)


def test_refusals() -> None:
    def export(*arguments, framework="mlx", scheme="w8c", name=model, output=folder / "refused"):
        return run("export", name, "--scheme", scheme, "--framework", framework, "-o", output, *arguments)
    for framework in ("onnxruntime", "pytorch", "reference"):
        failed(f"{framework} emits nothing", export(framework=framework), framework, "emits no packages")
    failed("a framework that isn't there", export(framework="coreml"), "coreml", "unavailable", "macOS")
    failed("a network with caches", export(name="llama-test"), "llama-test", "KV caches")
    failed("8-bit activations", export(scheme="dyn8c"), "8-bit activations")
    failed("a target that MLX has not", export("--target", "ane"), "cpu and gpu", "ane")
    refused("an unknown framework", export(framework="tensorflow"), "tensorflow", "mlx")
    refused("an unknown model", export(name="lenet"), "lenet", model)
    refused("an unknown scheme", export(scheme="w9"), "w9")
    for extent in ("depth=2", "batch=0", "batch=2x", "batch", "none=1"):
        refused(f"the extent {extent}", export("--extent", extent), extent, "NAME=N", "height")
    is_clean("refusals", "refused")
    full = folder / "full"
    full.mkdir()
    (full / "mine").write_text("kept")
    refused("a folder with something in it", export(output=full), "full", "already")
    refused("a file", export(output=full / "mine"), "mine", "already")
    check("what was there stays", (full / "mine").read_text() == "kept")
    check("without a folder the command line is wrong", run("export", model, "--scheme", "w8c", "--framework", "mlx").returncode == 2)


# A framework that is not here and whose engine emits. $QB_FAKE says what becomes of it.
FAKE = """#!/usr/bin/env python3
import json, os, pathlib, signal, sys, time
if sys.argv[1] == "--describe":
    print(json.dumps({"framework": "coreml", "version": "", "available": False, "reason": "it needs macOS", "remedy": "take a Mac",
                      "devices": [], "emits": "packages for Core ML"}))
    sys.exit()
emission = json.load(open(sys.argv[2]))["emission"]
package = pathlib.Path(emission["folder"])
package.mkdir()
(package / "half").write_text("12345")
tell = lambda **event: os.write(3, (json.dumps(event) + "\\n").encode())
what = os.environ["QB_FAKE"]
if what == "dies":
    os.kill(os.getpid(), signal.SIGSEGV)
if what == "hangs":
    tell(event="phase", phase="emit")
    time.sleep(600)
if what == "fails":
    tell(event="finished", outcome="unsupported", reason="Core ML has no such kernel")
    sys.exit(1)
facts = {"files": [{"name": "half", "bytes": 5}], "bytes": 5, "notes": {"target": emission["target"], "bundle": os.path.basename(emission["bundle"])}}
tell(event="fact", name="package", value=facts)
tell(event="finished", outcome="ok", reason="")
"""


def test_elsewhere() -> None:
    workers = folder / "workers"
    workers.mkdir()
    fake = workers / "qbench-worker-coreml"
    fake.write_text(FAKE)
    fake.chmod(0o755)
    environment["QBENCH_WORKERS"] = str(workers)
    arguments = ("export", "llama-test", "--scheme", "w4g32", "--framework", "coreml", "--target", "macOS15", "-o", folder / "elsewhere")
    for what, words in (("fails", ("no such kernel",)), ("dies", ("signal 11",))):
        environment["QB_FAKE"] = what
        failed(f"a worker that {what} half-way", run(*arguments), "llama-test in w4g32", "coreml", *words)
        is_clean(f"a worker that {what} half-way", "elsewhere")
    environment["QB_FAKE"] = "hangs"
    hanging = subprocess.Popen([qbench, *map(str, arguments)], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not list(folder.glob("elsewhere*/half")) and time.monotonic() < deadline:
        time.sleep(0.05)
    check("a package grows beside its place", not (folder / "elsewhere").exists() and list(folder.glob("elsewhere.*/half")))
    hanging.send_signal(signal.SIGINT)
    _, words = hanging.communicate(timeout=60)
    check("Ctrl-C ends it with 130", hanging.returncode == 130 and "interrupted" in words, (hanging.returncode, words))
    is_clean("Ctrl-C", "elsewhere")
    environment["QB_FAKE"] = "works"
    done = run(*arguments, "--json")
    exported = json.loads(done.stdout or "{}")
    check("a framework that can't run here emits: its target and the bundle reach it", done.returncode == 0 and
          (folder / "elsewhere/half").read_text() == "12345" and exported["package"]["notes"]["target"] == "macOS15" and
          exported["bundle"].endswith(exported["package"]["notes"]["bundle"]), done)
    doctor = run("doctor").stdout
    check("doctor says that it is unavailable and emits", "it needs macOS" in doctor and "emits: packages for Core ML" in doctor, doctor)
    environment["QBENCH_WORKERS"] = ""


run_tests((test_mlx, test_words, test_refusals, test_elsewhere))
