"""qbench export through the real command line: MLX's packages, run by qbench and by MLX itself and compared with the
session they were made from; a framework that emits but can't run here (made up); and what is refused.
"""
import json
import math
import signal
import subprocess
import time
from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest
from program import Files

model = "efficientnet-lite0"
picture_count = 4


def is_one_line(done, code: int, *words: str) -> bool:
    """The exit code, and one line of qbench's that names the words."""
    lines = [line for line in done.stderr.splitlines() if line.startswith("qbench: ")]
    return done.returncode == code and len(lines) == 1 and all(word in lines[0] for word in words)


def left_of(files, name: str) -> list:
    return [p.name for p in files.folder.iterdir() if p.name.startswith(name)]


def facts_of(files, program: str, request: dict) -> dict:
    environment, programs = files.program.environment, files.program.path.parent
    file = files.folder / "request.json"
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


def logits_of_session(files, bundle: str, dataset: str) -> np.ndarray:
    """What MLX's worker computes of the first pictures, each alone."""
    logits = files.folder / "logits"
    facts_of(files, "qbench-worker-mlx", {"is_quality": True, "bundle": bundle, "task": "image_classification",
                                   "workload": {"batch": 1, "thread_count": 1}, "dataset": dataset, "item_count_max": picture_count,
                                   "logits_output": str(logits), "logits_row_count_max": picture_count})
    return read_tensors(logits)["logits"]


@pytest.fixture(scope="module")
def files(program, tmp_path_factory) -> Files:
    """One folder for all: packages are made once."""
    return Files(program, tmp_path_factory.mktemp("export"))


@pytest.fixture(scope="module")
def pictures(files, data):
    """The first pictures that quality is judged on, and their file."""
    preparation = {"model": model, "scheme": "", "data_folder": str(data), "cache_folder": files.program.environment["QBENCH_CACHE"],
                   "thread_count": 0, "with_layer_errors": False}
    dataset = facts_of(files, "qbench-prepare", {"preparation": preparation})["dataset"]["file"]
    return dataset, read_tensors(dataset)["images"][:picture_count]


@pytest.fixture(scope="module")
def packages(files):
    """What is told of the package of each scheme."""
    told = {}
    for scheme in ("fp32", "w8c"):
        done = files.run("export", model, "--scheme", scheme, "--framework", "mlx", "-o", files.folder / f"{model}.{scheme}", "--json")
        assert done.returncode == 0, done
        told[scheme] = json.loads(done.stdout)
    return told


def file_of(files, scheme: str) -> Path:
    return files.folder / f"{model}.{scheme}" / f"{model}.mlxfn"


@pytest.mark.parametrize("scheme", ("fp32", "w8c"))
def test_mlx_alone_gives_the_session_s_logits_of_every_picture(files, packages, pictures, scheme):
    dataset, images = pictures
    wanted = logits_of_session(files, packages[scheme]["bundle"], dataset)
    function = mx.import_function(str(file_of(files, scheme)))
    got = np.stack([np.asarray(function(mx.array(picture[None]))[0])[0] for picture in images])
    assert got.shape == wanted.shape
    assert np.abs(got - wanted).max() <= 1e-4 * np.abs(wanted).max()
    assert np.abs(wanted[0] - wanted[1]).max() > 0.01 * np.abs(wanted).max(), "and others for another picture"


@pytest.mark.parametrize("scheme", ("fp32", "w8c"))
def test_the_one_file_of_a_package_is_told_with_its_size(files, packages, scheme):
    package, file = packages[scheme]["package"], file_of(files, scheme)
    assert list(file.parent.iterdir()) == [file]
    assert package["files"] == [{"name": file.name, "bytes": file.stat().st_size}]
    assert package["bytes"] == file.stat().st_size


def test_8_bit_weights_stay_packed_in_the_package(packages):
    assert packages["w8c"]["package"]["bytes"] < 0.4 * packages["fp32"]["package"]["bytes"]


def test_qbench_runs_the_packages_as_model_files_and_compares_them(files, packages, pictures):
    np.save(files.folder / "picture.npy", pictures[1][:1])
    done, records = files.measure("--model", file_of(files, "fp32"), "--model", file_of(files, "w8c"), "--input",
                                  f"image={files.folder}/picture.npy")
    cosine = [r["measurements"]["output_cosine"]["value"] for r in records.values()]
    assert done.returncode == 0, done
    assert len(cosine) == 2 and abs(cosine[0] - 1) < 1e-12 and 0.9 < cosine[1] < 1, cosine


def test_an_empty_folder_is_filled_and_people_read_what_the_package_takes(files):
    (files.folder / "empty").mkdir()
    done = files.run("export", model, "--scheme", "w8c", "--framework", "mlx", "--extent", "batch=2", "-o", f"{files.folder}/empty/")
    assert done.returncode == 0, done
    for words in ("takes: image=2x3x224x224:f32", f"{model}.mlxfn", f"package  {files.folder}/empty"):
        assert words in done.stdout


def test_the_frameworks_and_doctor_say_who_emits(files):
    listed = {f["name"]: f["emits"] for f in json.loads(files.run("frameworks", "--json").stdout)}
    assert ".mlxfn" in listed["mlx"] and listed["onnxruntime"] == listed["pytorch"] == "", listed
    assert "emits: exported functions (.mlxfn)" in files.run("doctor").stdout


def export(files, *arguments, framework="mlx", scheme="w8c", name=model, output=None):
    return files.run("export", name, "--scheme", scheme, "--framework", framework, "-o", output or files.folder / "refused", *arguments)


@pytest.mark.parametrize("arguments,how,code,words", (
    *(((), {"framework": name}, 1, (name, "emits no packages")) for name in ("onnxruntime", "pytorch", "reference")),
    ((), {"name": "llama-test"}, 1, ("llama-test", "KV caches")),
    ((), {"scheme": "dyn8c"}, 1, ("8-bit activations",)),
    (("--target", "ane"), {}, 1, ("cpu and gpu", "ane")),
    ((), {"framework": "tensorflow"}, 2, ("tensorflow", "mlx")),
    ((), {"name": "lenet"}, 2, ("lenet", model)),
    ((), {"scheme": "w9"}, 2, ("w9",)),
    *((("--extent", extent), {}, 2, (extent, "NAME=N", "height")) for extent in ("depth=2", "batch=0", "batch=2x", "batch", "none=1")),
))
def test_what_can_t_be_emitted_is_said_in_one_line_and_leaves_nothing(files, arguments, how, code, words):
    done = export(files, *arguments, **how)
    assert is_one_line(done, code, *words), done
    assert not left_of(files, "refused")


def test_what_is_there_already_stays(files):
    full = files.folder / "full"
    full.mkdir()
    (full / "mine").write_text("kept")
    assert is_one_line(export(files, output=full), 2, "full", "already")
    assert is_one_line(export(files, output=full / "mine"), 2, "mine", "already")
    assert (full / "mine").read_text() == "kept"


def test_without_a_folder_the_command_line_is_wrong(files):
    assert files.run("export", model, "--scheme", "w8c", "--framework", "mlx").returncode == 2


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


@pytest.fixture(scope="module")
def elsewhere(files):
    """The framework's folder of workers, and the command line that asks it for a package."""
    workers = files.folder / "workers"
    workers.mkdir()
    fake = workers / "qbench-worker-coreml"
    fake.write_text(FAKE)
    fake.chmod(0o755)
    return str(workers), ("export", "llama-test", "--scheme", "w4g32", "--framework", "coreml", "--target", "macOS15", "-o",
                          files.folder / "elsewhere")


@pytest.mark.parametrize("what,words", (("fails", "no such kernel"), ("dies", "signal 11")))
def test_a_worker_that_ends_half_way_leaves_nothing(files, elsewhere, what, words):
    workers, arguments = elsewhere
    done = files.run(*arguments, QBENCH_WORKERS=workers, QB_FAKE=what)
    assert is_one_line(done, 1, "llama-test in w4g32", "coreml", words), done
    assert not left_of(files, "elsewhere")


def test_a_package_grows_beside_its_place_and_ctrl_c_takes_it_away(files, elsewhere):
    workers, arguments = elsewhere
    hanging = files.program.start(*arguments, stdout=subprocess.DEVNULL, QBENCH_WORKERS=workers, QB_FAKE="hangs")
    deadline = time.monotonic() + 120
    while not list(files.folder.glob("elsewhere*/half")) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not (files.folder / "elsewhere").exists() and list(files.folder.glob("elsewhere.*/half"))
    hanging.send_signal(signal.SIGINT)
    _, words = hanging.communicate(timeout=60)
    assert hanging.returncode == 130 and "interrupted" in words, words
    assert not left_of(files, "elsewhere")


def test_a_framework_that_can_t_run_here_emits(files, elsewhere):
    workers, arguments = elsewhere
    done = files.run(*arguments, "--json", QBENCH_WORKERS=workers, QB_FAKE="works")
    assert done.returncode == 0, done
    exported = json.loads(done.stdout)
    assert (files.folder / "elsewhere/half").read_text() == "12345"
    assert exported["package"]["notes"]["target"] == "macOS15"
    assert exported["bundle"].endswith(exported["package"]["notes"]["bundle"])


def test_doctor_says_that_it_is_unavailable_and_emits(files, elsewhere):
    doctor = files.run("doctor", QBENCH_WORKERS=elsewhere[0], QB_FAKE="works").stdout
    assert "it needs macOS" in doctor and "emits: packages for Core ML" in doctor, doctor
