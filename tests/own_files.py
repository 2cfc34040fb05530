"""qbench run --model FILE through the real command line: small models written here byte by byte or by their
frameworks, hostile ones, and real ones of package registries."""
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from onnx_bytes import adder, message, model, node, number, tensor, value
from program import Files, refused

PLAIN = adder(tensor("w", [0, 0, 0, 0]))  # y = x
GOOD = ("ok", "unstable")


@pytest.fixture
def plain(files):
    return files.write("models/a.onnx", PLAIN)


@pytest.fixture(scope="module")
def one_file(program, tmp_path_factory):
    """A lone file that was measured: the folder, what was said, and the record."""
    files = Files(program, tmp_path_factory.mktemp("one"))
    files.write("models/a.onnx", PLAIN)
    done, records = files.measure("--model", "models/a.onnx", cwd=files.folder)
    assert "a.onnx" in records, done
    return files, done, records["a.onnx"]


def test_a_file_is_measured_and_said_to_be(one_file):
    _, done, record = one_file
    assert done.returncode == 0 and record["outcome"] in GOOD and "model files" in done.stdout, done


def test_latency_memory_size_compile_and_first_run_are_there(one_file):
    files, _, record = one_file
    measured = record["measurements"]
    assert all(measured[m]["value"] for m in ("inference_ns_p50", "inference_ns_p90", "inferences_per_s", "rss_bytes_peak", "compile_ns",
                                              "first_run_ns")), measured
    assert measured["bundle_bytes"]["value"] == (files.folder / "models/a.onnx").stat().st_size, measured["bundle_bytes"]


def test_a_file_has_no_figure_of_pictures_or_tokens(one_file):
    measured = one_file[2]["measurements"]
    assert not any(m in measured for m in ("pictures_per_s", "perplexity", "top1_agreement")), measured


def test_a_lone_file_has_nothing_to_be_compared_with_and_that_is_said(one_file):
    cosine = one_file[2]["measurements"]["output_cosine"]
    assert cosine["value"] is None and "no other file" in cosine["reason"], cosine


def test_an_open_dimension_is_1_and_said(one_file):
    _, done, record = one_file
    assert "N = 1" in done.stdout and record["manifest"]["inputs"][0]["shape"] == "1x4", done.stdout


def test_the_manifest_names_the_content_not_the_path(one_file):
    files, _, record = one_file
    assert len(record["manifest"]["content_hash"]) == 32 and str(files.folder) not in json.dumps(record["manifest"]), record["manifest"]


def test_equal_launches_give_equal_answers(one_file):
    record = one_file[2]
    assert len({launch["facts"]["output_hash"] for launch in record["launches"]}) == 1 and \
        record["manifest"]["audit"]["answers_are_equal"], record["launches"]


def test_the_page_has_the_file(one_file):
    page = (one_file[0].folder / "a.html").read_text()
    assert "a.onnx" in page, page


def test_the_plan_has_a_case_for_each_thread_count(files, plain):
    plan = files.run("run", "--model", plain, "--plan-only", "--threads", "1,2")
    assert "a.onnx/as-is/onnxruntime/cpu/b1t2" in plan.stdout and "2 cases, 10 launches" in plan.stdout, plan


def test_values_of_an_npy_are_used_and_hashed(files, plain):
    np.save(files.folder / "x.npy", np.arange(8, dtype="f4").reshape(2, 4))
    _, records = files.measure("--model", plain, "--input", "x=x.npy", cwd=files.folder)
    given = records["a.onnx"]["manifest"]["inputs"][0]
    assert given["shape"] == "2x4" and given["values"] == "from a file" and len(given["content_hash"]) == 32, given
    facts = records["a.onnx"]["launches"][0]["facts"]
    assert "same_input_ratio" not in facts, f"the same values each time are no audit of kept answers: {facts}"


def test_a_constant_is_used(files, plain):
    _, records = files.measure("--model", plain, "--input", "x=3x4:f32:5")
    assert records["a.onnx"]["manifest"]["inputs"][0]["values"] == "5", records["a.onnx"]["manifest"]


@pytest.mark.parametrize("text, words", (("z=1x4", ["a.onnx", '"z"', "x Nx4 f32"]), ("x=1x5", ["a.onnx", "input x", "1x5", "Nx4"]),
                                         ("x=1x4:i64", ["a.onnx", "input x", "f32", "i64"]), ("x=1x4:f33", ["--input x=1x4:f33", "f33"]),
                                         ("x=nowhere.npy", ["--input x", "nowhere.npy"])),
                         ids=("unknown input", "wrong shape", "wrong type", "wrong option", "no such npy"))
def test_a_bad_input_is_refused(files, plain, text, words):
    refused(files.measure("--model", plain, "--input", text)[0], *words)


@pytest.mark.parametrize("values, words", ((np.asfortranarray(np.zeros((2, 4), "f4")), ["input x", "bad.npy", "Fortran"]),
                                           (np.zeros((2, 4), "f8"), ["a.onnx", "input x", "f64"])), ids=("Fortran order", "another type"))
def test_an_npy_of_another_kind_is_refused(files, plain, values, words):
    np.save(files.folder / "bad.npy", values)
    refused(files.measure("--model", plain, "--input", f"x={files.folder}/bad.npy")[0], *words)


def test_a_truncated_npy_is_refused(files, plain):
    np.save(files.folder / "x.npy", np.arange(8, dtype="f4").reshape(2, 4))
    files.write("t.npy", (files.folder / "x.npy").read_bytes()[:-1])
    refused(files.measure("--model", plain, "--input", f"x={files.folder}/t.npy")[0], "t.npy", "31 bytes")


def test_an_input_without_file_is_refused(files):
    refused(files.run("run", "--input", "x=1"), "--input", "--model")


def test_two_files_are_compared(files):
    np.save(files.folder / "x.npy", np.asarray([[1, 2, 3, 4]], "f4"))
    first, second = files.write("one/m.onnx", PLAIN), files.write("two/m.onnx", adder(tensor("w", [0.5] * 4)))
    done, records = files.measure("--model", first, "--model", second, "--input", f"x={files.folder}/x.npy")
    assert done.returncode == 0 and set(records) == {"one/m.onnx", "two/m.onnx"}, f"two of one name aren't told apart: {(done, list(records))}"
    distance = {name: {m: records[name]["measurements"][f"output_{m}"]["value"] for m in ("max_abs_difference", "relative_rms", "cosine")}
                for name in records}
    own, other = distance["one/m.onnx"], distance["two/m.onnx"]
    assert own["max_abs_difference"] == 0 and abs(own["cosine"] - 1) < 1e-12, f"the first is not its own measure: {distance}"
    assert other["max_abs_difference"] == 0.5 and abs(other["relative_rms"] - 1 / 30**0.5) < 1e-6 and \
        abs(other["cosine"] - 35 / (30 * 41) ** 0.5) < 1e-6, f"the second's distance is not what it is by hand: {distance}"
    assert "0.5" in done.stdout and "max difference" in (files.folder / "a.html").read_text(), done.stdout


def test_seeded_inputs_are_the_same_for_all_whatever_an_only_input_is_called(files, plain):
    _, records = files.measure("--model", plain, "--model", files.write("renamed.onnx", adder(tensor("w", [0, 0, 0, 0]), name="other")))
    measured = records["renamed.onnx"]["measurements"]
    assert measured["output_max_abs_difference"]["value"] == 0, measured


def test_files_of_other_inputs_are_measured_not_compared_with_the_reason(files, plain):
    wide = files.write("wide.onnx", adder(tensor("w", [0, 0, 0, 0]), dims=("N", 2, 4)))
    done, records = files.measure("--model", plain, "--model", wide)
    measured = records["wide.onnx"]["measurements"]
    assert done.returncode == 0 and measured["inference_ns_p50"]["value"] and "takes other inputs" in measured["output_cosine"]["reason"], \
        (done, measured)


def hostile_model(place: str, location: str) -> bytes:
    """One whose tensor, at one of the places where it may, names its data by `location`."""
    w, good = tensor("w", location=location), tensor("w", [0, 0, 0, 0])
    values = message(1, w) + message(2, number(1, 1) + number(2, 7) + message(8, "i") + message(9, b"\0" * 8)) + number(3, 4)
    attribute = message(5, message(1, "value"), number(20, 4), message(5, w))
    branch = message(5, message(1, "then_branch"), number(20, 5),
                     message(6, node("Identity", ["w"], ["b"]) + message(2, "s") + message(5, w) + message(12, value("b", 4))))
    head, ends = message(2, "g"), message(11, value("x", "N", 4)) + message(12, value("y", "N", 4))
    add = node("Add", ["x", "w"], ["y"])
    return {
        "initializer": adder(w),
        "sparse initializer": model(add + head + message(15, values) + ends),
        "attribute": model(node("Constant", [], ["w"], attribute) + add + head + ends),
        "subgraph": model(node("If", ["c"], ["y"], branch) + head + ends),
        "function": model(add + head + message(5, good) + ends, message(25, message(1, "f"), message(4, "o"), message(
            7, node("Constant", [], ["o"], attribute)[2:]), message(10, "d"))),
    }[place]


WEIGHTS = np.asarray([1, 2, 3, 4], "<f4").tobytes()


@pytest.mark.parametrize("name", ("w.bin", "deep/w.bin"))
def test_external_data_in_the_models_folder_is_read_counted_and_hashed(files, name):
    files.write(f"ext/{name}", WEIGHTS)
    file = files.write("ext/good.onnx", adder(tensor("w", location=name)))
    done, records = files.measure("--model", file)
    others = records["good.onnx"]["manifest"].get("other_files", [])
    assert done.returncode == 0 and others and others[0]["file"] == name and \
        records["good.onnx"]["measurements"]["bundle_bytes"]["value"] == file.stat().st_size + 16, (done, others)


@pytest.mark.parametrize("place", ("initializer", "sparse initializer", "attribute", "subgraph", "function"))
@pytest.mark.parametrize("location, word", (("{folder}/ext/w.bin", "below the model's folder"), ("../secret.bin", '".."'),
                                            ("link.bin", "leads out"), ("/etc/passwd", "below the model's folder")),
                         ids=("an absolute path", "a way up", "a link that leads out", "the system's files"))
def test_external_data_elsewhere_is_refused(files, place, location, word):
    files.write("ext/w.bin", WEIGHTS)
    (files.folder / "ext/link.bin").symlink_to(files.write("secret.bin", WEIGHTS))
    location = location.format(folder=files.folder)
    refused(files.measure("--model", files.write("ext/bad.onnx", hostile_model(place, location)))[0], "bad.onnx", location, word)


def test_a_file_that_is_not_there_is_refused(files):
    refused(files.run("run", "--model", files.folder / "nowhere.onnx"), "nowhere.onnx", "no such file")


@pytest.mark.parametrize("name, words", (("m.bin", [".onnx"]), ("m.pth", ["code", ".onnx"])), ids=("an ending nobody opens", "a pickle"))
def test_another_kind_of_file_is_refused(files, name, words):
    refused(files.run("run", "--model", files.write(name, b"x")), name, *words)


def test_a_folder_is_refused(files, plain):
    refused(files.run("run", "--model", plain.parent, "--plan-only"), "models")


def test_a_file_twice_is_refused(files, plain):
    refused(files.run("run", "--model", plain, "--model", plain), "a.onnx", "twice")


def test_a_scheme_for_a_file_is_refused(files, plain):
    refused(files.run("run", "--model", plain, "--scheme", "fp32"), "a.onnx", "--scheme")


def test_a_file_and_a_model_of_the_zoo_are_refused(files, plain):
    refused(files.run("run", "--model", f"{plain},smollm2-135m"), "smollm2-135m", "a.onnx")


SHORT_WEIGHT = PLAIN.replace(message(9, b"\0" * 16), message(9, b"\0" * 8) + message(16, b"\0" * 6))


@pytest.mark.parametrize("content", (b"\xff" * 100, b"hello world", b"", PLAIN[:60], SHORT_WEIGHT),
                         ids=("garbage", "text", "nothing", "half a model", "a weight of the wrong size"))
def test_what_is_no_model_is_refused_and_its_outcome_has_the_reason(files, content):
    assert content != PLAIN, "nothing is wrong with it"
    done, records = files.measure("--model", files.write("garbage.onnx", content))
    refused(done, "garbage.onnx")
    assert records["garbage.onnx"]["outcome"] == "failed" and records["garbage.onnx"]["reason"], records


def test_a_pipe_is_refused(files):
    os.mkfifo(files.folder / "pipe.onnx")
    refused(files.run("run", "--model", files.folder / "pipe.onnx"), "pipe.onnx", "regular file")


def test_resume_finds_file_and_inputs_from_anywhere_and_refuses_a_file_that_changed(files):
    file = files.write("r/m.onnx", PLAIN)
    np.save(files.folder / "r/x.npy", np.zeros((3, 4), "f4"))
    done, records = files.measure("--model", "m.onnx", "--input", "x=x.npy", "--budget", "1ms", cwd=files.folder / "r")
    assert done.returncode == 0 and sum(l["index"] < 10_000 for l in records["m.onnx"]["launches"]) == 1, \
        f"a budget leaves no part: {(done, records)}"
    resume = ("run", "--resume", "--store", files.store)
    done = files.run(*resume, "-o", files.folder / "r.html", cwd="/")
    record = json.loads(files.run("list", "--store", files.store, "--json").stdout)[0]
    assert done.returncode == 0 and sum(l["index"] < 10_000 for l in record["launches"]) == 2 and \
        record["manifest"]["inputs"][0]["shape"] == "3x4", (done, record)
    file.write_bytes(adder(tensor("w", [1, 0, 0, 0])))
    refused(files.run(*resume), "m.onnx", "has changed")
    file.unlink()
    refused(files.run(*resume), "m.onnx", "no such file")


SILERO = "silero-vad-6.2.3/silero_vad/data"
RAPID = "rapidocr-onnxruntime-1.4.4/rapidocr_onnxruntime/models"


def test_two_exports_of_one_voice_detector_agree(files, data):
    done, records = files.measure("--model", data / SILERO / "silero_vad_16k_op15.onnx", "--model", data / SILERO / "silero_vad_op18_ifless.onnx",
                                  "--input", "input=1x512:f32:-0.1..0.1", "--input", "sr=::16000", "--input", "state=:f32:0")
    measured = records["silero_vad_op18_ifless.onnx"]["measurements"]
    assert done.returncode == 0 and measured["output_relative_rms"]["value"] < 1e-4 and measured["output_cosine"]["value"] > 0.9999, \
        (done, measured)


def test_a_shape_that_must_be_given_is_asked_for(files, data):
    refused(files.measure("--model", data / SILERO / "silero_vad_16k_op15.onnx")[0], "silero_vad_16k_op15.onnx", "--input input=SHAPE")


@pytest.mark.parametrize("name, given", (("magika-1.0.3/magika/models/standard_v3_3/model.onnx", "bytes=1x2048:i32:0..256"),
                                         (f"{RAPID}/ch_PP-OCRv4_det_infer.onnx", "x=1x3x160x160"),
                                         (f"{RAPID}/ch_PP-OCRv4_rec_infer.onnx", "x=1x3x48x96"),
                                         (f"{RAPID}/ch_ppocr_mobile_v2.0_cls_infer.onnx", "x=1x3x48x192")))
def test_a_real_file_runs(files, data, name, given):
    file = data / name
    done, records = files.measure("--model", file, "--input", given)
    assert done.returncode == 0 and records[file.name]["measurements"]["inference_ns_p50"]["value"], done


MAKE_PYTORCH = """
import torch
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.a, self.b = torch.nn.Linear(8, 16), torch.nn.Linear(16, 4)
    def forward(self, x, gain: int = 1):
        return self.b(torch.relu(self.a(x))) * gain
net, x = Net().eval(), torch.randn(2, 8)
torch.jit.script(net).save("net.pt")
exported = torch.export.export(net, (x,))
torch.export.save(exported, "exported.pt2")
torch.save(net.state_dict(), "state.pt")
torch._inductor.aoti_compile_and_package(exported, package_path="net.pt2")
class Scaled(torch.nn.Module):
    def forward(self, x, scale: int):
        return x * scale
torch._inductor.aoti_compile_and_package(torch.export.export(Scaled(), (torch.randn(2, 3), 3)), package_path="scaled.pt2")
torch.jit.script(Scaled()).save("scaled.pt")
class Doubling(torch.nn.Module):
    def forward(self, x):
        return x.mul_(2)
torch.jit.script(Doubling()).save("doubling.pt")
class Sparse(torch.nn.Module):
    def forward(self, x):
        return x.to_sparse()
torch.jit.script(Sparse()).save("sparse.pt")
class Named(torch.nn.Module):
    def __init__(self, is_turned: bool):
        super().__init__()
        self.is_turned = is_turned
    def forward(self, x):
        if self.is_turned:
            return {"abs": x.abs(), "neg": -x}
        return {"neg": -x, "abs": x.abs()}
torch.jit.script(Named(False)).save("named.pt")
torch.jit.script(Named(True)).save("turned.pt")
torch.library.define("elsewhere::op", "(Tensor x) -> Tensor")
class Missing(torch.nn.Module):
    def forward(self, x):
        return torch.ops.elsewhere.op(x)
torch.jit.script(Missing()).save("missing.pt")
"""


@pytest.fixture(scope="module")
def made(program, tmp_path_factory):
    """A function that makes a framework's files by its own Python, once: by the script, gives the folder."""
    folders = {}

    def make(script: str) -> Files:
        if script not in folders:
            files = Files(program, tmp_path_factory.mktemp("made"))
            done = subprocess.run([sys.executable, files.write("make.py", script.encode())], cwd=files.folder, capture_output=True, text=True)
            assert done.returncode == 0, f"the files were not made: {done.stderr[-1000:]}"
            folders[script] = files
        return folders[script]
    return make


@pytest.fixture
def pytorch(made) -> Files:
    return made(MAKE_PYTORCH)


def with_inputs(given) -> list:
    return [word for text in given for word in ("--input", text)]


def test_a_torchscript_program_and_its_compiled_package_agree(pytorch):
    done, records = pytorch.measure("--model", pytorch.folder / "net.pt", "--model", pytorch.folder / "net.pt2", "--input", "x=2x8:f32")
    measured = records["net.pt2"]["measurements"]
    assert done.returncode == 0 and measured["output_max_abs_difference"]["value"] < 1e-5 and measured["output_cosine"]["value"] > 0.999999, \
        (done, measured)
    actual = records["net.pt2"]["manifest"]["actual"]
    assert "AOTInductor" in actual["compute_type"], actual


BAD_PYTORCH = {
    "a package without --input": ("net.pt2", [], "--input NAME=SHAPE:TYPE"),
    "a package's input without type": ("net.pt2", ["x=2x8"], "input x", "--input x=1x3x224x224:f32"),
    "a shape that the package wasn't compiled for": ("net.pt2", ["x=3x8:f32"], "expected: 2", "got: 3"),
    "too many inputs for a package": ("net.pt2", ["x=2x8:f32", "y=2x8:f32"], "inputs: takes 1, 2 given"),
    "a shape that TorchScript can't take": ("net.pt", ["x=2x9:f32"], "cannot be multiplied"),
    "too many inputs for TorchScript": ("net.pt", ["x=2x8:f32", "gain=scalar:i64:1", "z=1:f32"], "inputs: takes 1 to 2 (x, gain), 3 given"),
    "an exported program": ("exported.pt2", ["x=2x8:f32"], "torch._inductor.aoti_compile_and_package(torch.export.load("),
    "a checkpoint": ("state.pt", ["x=2x8:f32"], "no TorchScript"),
    "half a package": ("cut.pt2", ["x=2x8:f32"]),
    "garbage for TorchScript": ("garbage.pt", ["x=2x8:f32"]),
    "too many inputs for a package with a number": ("scaled.pt2", ["x=2x3:f32", "s=scalar:i64:3", "t=scalar:i64:3"],
                                                    "inputs: takes 1 to 2, 3 given"),
    "two tensors for a package of one and a number": ("scaled.pt2", ["x=2x3:f32", "y=2x3:f32"], "inputs: takes 1 tensors, 2 given"),
}


@pytest.mark.parametrize("what", BAD_PYTORCH)
def test_a_file_or_an_input_that_pytorch_cannot_take_is_refused(pytorch, what):
    file, given, *words = BAD_PYTORCH[what]
    pytorch.write("cut.pt2", (pytorch.folder / "net.pt2").read_bytes()[:9000])
    pytorch.write("garbage.pt", b"\0" * 500)
    refused(pytorch.measure("--model", pytorch.folder / file, *with_inputs(given))[0], file, *words)


def test_inputs_that_have_torchscripts_names_may_come_in_any_order_numbers_as_scalars(pytorch):
    def answer(*given):
        _, records = pytorch.measure("--model", pytorch.folder / "net.pt", *with_inputs(given))
        return records["net.pt"]["launches"][0]["facts"]["output_hash"]
    first, swapped = answer("x=2x8:f32:1", "gain=scalar:i64:3"), answer("gain=scalar:i64:3", "x=2x8:f32:1")
    other = answer("gain=scalar:i64:2", "x=2x8:f32:1")
    assert first == swapped != other, (first, swapped, other)


@pytest.mark.parametrize("file, words", (("missing.pt", ("elsewhere::op", "export it as .onnx")),
                                         ("sparse.pt", ("sparse tensor", "dense tensors only"))),
                         ids=("an operator that PyTorch doesn't have", "an output that is no dense tensor"))
def test_what_pytorch_does_not_support_has_one_reason_in_one_line(pytorch, file, words):
    done, records = pytorch.measure("--model", pytorch.folder / file, "--input", "x=2x3:f32")
    reason = records[file]["reason"]
    assert records[file]["outcome"] == "unsupported" and "frame #" not in reason and "\n" not in reason and \
        all(word in reason and word in done.stdout for word in (file, *words)), (done, reason)


def test_a_program_that_changes_its_input_gets_the_same_one_at_each_run(pytorch):
    _, records = pytorch.measure("--model", pytorch.folder / "doubling.pt", "--input", "x=2x3:f32:1..2")
    record = records["doubling.pt"]
    facts = record["launches"][0]["facts"]
    assert record["outcome"] in GOOD and facts["output_hash"] == facts["output_hash_after"] and facts["timed_answers_are_equal"] and \
        "not_finite_count" not in record["manifest"]["outputs"][0], record


@pytest.mark.parametrize("given", (["x=2x3:f32"], ["x=2x3:f32", "scale=scalar:i64:3"]), ids=("tensor", "tensor and number"))
def test_a_package_of_a_function_of_a_tensor_and_a_number_runs_as_in_python(pytorch, given):
    done, records = pytorch.measure("--model", pytorch.folder / "scaled.pt2", *with_inputs(given))
    record = records["scaled.pt2"]
    assert done.returncode == 0 and record["measurements"]["inference_ns_p50"]["value"], done
    if len(given) == 2:
        actual = record["manifest"]["actual"]
        assert "compiled in" in actual["compute_type"], f"the record doesn't say that the number is compiled in: {actual}"


def test_outputs_of_dictionaries_are_compared_by_their_keys(pytorch):
    _, records = pytorch.measure("--model", pytorch.folder / "named.pt", "--model", pytorch.folder / "turned.pt", "--input", "x=2x3:f32")
    assert records["turned.pt"]["measurements"]["output_max_abs_difference"]["value"] == 0, records


MAKE_MLX = """
import mlx.core as mx
w = mx.arange(12).reshape(4, 3).astype(mx.float32) / 10
mx.export_function("net.mlxfn", lambda x: mx.tanh(x @ w), mx.zeros((2, 4)))
mx.export_function("off.mlxfn", lambda x: mx.tanh(x @ w) + 0.25, mx.zeros((2, 4)))
mx.export_function("index.mlxfn", lambda x: mx.argmax(x @ w, axis=-1), mx.zeros((2, 4)))
"""


@pytest.fixture
def mlx(made) -> Files:
    return made(MAKE_MLX)


def test_exported_functions_run_and_are_compared(mlx):
    done, records = mlx.measure(*[w for f in ("net", "off", "index") for w in ("--model", mlx.folder / f"{f}.mlxfn")], "--input", "x=2x4:f32")
    distance = {name: r["measurements"]["output_max_abs_difference"] for name, r in records.items()}
    assert done.returncode == 0 and distance["net.mlxfn"]["value"] == 0 and abs(distance["off.mlxfn"]["value"] - 0.25) < 1e-6, (done, distance)
    assert "has 6 values, the other 2" in distance["index.mlxfn"]["reason"], f"outputs of another shape: {distance}"


@pytest.mark.parametrize("file, given, words", (
    ("net.mlxfn", [], ["--input NAME=SHAPE:TYPE"]),
    ("net.mlxfn", ["x=3x4:f32"], ["exported for arguments of other number, shape or type"]),
    ("garbage.mlxfn", ["x=2x4:f32"], [])), ids=("without --input", "a shape that wasn't exported", "garbage"))
def test_a_file_or_an_input_that_mlx_cannot_take_is_refused(mlx, file, given, words):
    mlx.write("garbage.mlxfn", b"garbage" * 9)
    refused(mlx.measure("--model", mlx.folder / file, *with_inputs(given))[0], file, *words)
