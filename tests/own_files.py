"""qbench run --model FILE through the real command line: small models written here byte by byte or by their
frameworks, hostile ones, and real ones of package registries.

usage: own_files.py QBENCH DATA [TEST...]
"""
import json
import os
import subprocess
import sys

import numpy as np

from own_files_kit import (adder, check, data, folder, measure, message, model, node, number, refused, run, tensor, value, write, run_tests)


def test_one_file() -> None:
    write("models/a.onnx", adder(tensor("w", [0, 0, 0, 0])))
    done, records = measure("a.db", "--model", "models/a.onnx", cwd=folder)
    record = records.get("a.onnx", {})
    measured = record.get("measurements", {})
    check("a file is measured and said to be", done.returncode == 0 and record["outcome"] in ("ok", "unstable") and "model files" in done.stdout, done)
    check("latency, memory, size, compile and first run are there",
          all(measured[m]["value"] for m in ("inference_ns_p50", "inference_ns_p90", "inferences_per_s", "rss_bytes_peak", "compile_ns",
                                             "first_run_ns")) and measured["bundle_bytes"]["value"] == (folder / "models/a.onnx").stat().st_size, measured)
    check("no figure of pictures or tokens", not any(m in measured for m in ("pictures_per_s", "perplexity", "top1_agreement")), measured)
    check("a lone file has nothing to be compared with, and that is said",
          measured["output_cosine"]["value"] is None and "no other file" in measured["output_cosine"]["reason"], measured["output_cosine"])
    check("the open dimension is 1, and said", "N = 1" in done.stdout and record["manifest"]["inputs"][0]["shape"] == "1x4", done.stdout)
    check("the manifest names the content, not the path", len(record["manifest"]["content_hash"]) == 32 and str(folder) not in json.dumps(record["manifest"]),
          record["manifest"])
    check("equal launches give equal answers", len({l["facts"]["output_hash"] for l in record["launches"]}) == 1 and
          record["manifest"]["audit"]["answers_are_equal"], record["launches"])
    check("the page has it", "a.onnx" in (folder / "a.db.html").read_text())
    plan = run("run", "--model", folder / "models/a.onnx", "--plan-only", "--threads", "1,2")
    check("the plan has a case for each thread count", "a.onnx/as-is/onnxruntime/cpu/b1t2" in plan.stdout and "2 cases, 10 launches" in plan.stdout, plan)


def test_inputs() -> None:
    file = write("models/a.onnx", adder(tensor("w", [0, 0, 0, 0])))
    np.save(folder / "x.npy", np.arange(8, dtype="f4").reshape(2, 4))
    _, records = measure("i.db", "--model", file, "--input", "x=x.npy", cwd=folder)
    given = records["a.onnx"]["manifest"]["inputs"][0]
    check("values of an .npy are used and hashed", given["shape"] == "2x4" and given["values"] == "from a file" and len(given["content_hash"]) == 32, given)
    facts = records["a.onnx"]["launches"][0]["facts"]
    check("the same values each time are no audit of kept answers", "same_input_ratio" not in facts, facts)
    _, records = measure("i2.db", "--model", file, "--input", "x=3x4:f32:5")
    check("a constant is used", records["a.onnx"]["manifest"]["inputs"][0]["values"] == "5", records["a.onnx"]["manifest"])

    def bad(what, text, *words):
        refused(what, measure("bad.db", "--model", file, "--input", text)[0], *words)
    bad("an unknown input", "z=1x4", "a.onnx", '"z"', "x Nx4 f32")
    bad("a wrong shape", "x=1x5", "a.onnx", "input x", "1x5", "Nx4")
    bad("a wrong type", "x=1x4:i64", "a.onnx", "input x", "f32", "i64")
    bad("a wrong option", "x=1x4:f33", "--input x=1x4:f33", "f33")
    bad("an .npy that isn't there", "x=nowhere.npy", "--input x", "nowhere.npy")
    np.save(folder / "f.npy", np.asfortranarray(np.zeros((2, 4), "f4")))
    bad("an .npy in Fortran order", f"x={folder}/f.npy", "input x", "f.npy", "Fortran")
    np.save(folder / "d.npy", np.zeros((2, 4), "f8"))
    bad("an .npy of another type", f"x={folder}/d.npy", "a.onnx", "input x", "f64")
    (folder / "t.npy").write_bytes((folder / "x.npy").read_bytes()[:-1])
    bad("a truncated .npy", f"x={folder}/t.npy", "t.npy", "31 bytes")
    refused("an input without file", run("run", "--input", "x=1"), "--input", "--model")


def test_comparison() -> None:
    np.save(folder / "x.npy", np.asarray([[1, 2, 3, 4]], "f4"))
    a = write("one/m.onnx", adder(tensor("w", [0, 0, 0, 0])))
    b = write("two/m.onnx", adder(tensor("w", [0.5] * 4)))
    done, records = measure("c.db", "--model", a, "--model", b, "--input", f"x={folder}/x.npy")
    check("two files of one name are told apart", done.returncode == 0 and set(records) == {"one/m.onnx", "two/m.onnx"}, (done, list(records)))
    distance = {name: {m: records[name]["measurements"][f"output_{m}"]["value"] for m in ("max_abs_difference", "relative_rms", "cosine")} for name in records}
    check("the first is its own measure", distance["one/m.onnx"]["max_abs_difference"] == 0 and abs(distance["one/m.onnx"]["cosine"] - 1) < 1e-12, distance)
    second = distance["two/m.onnx"]
    check("the second's distance is what it is by hand", second["max_abs_difference"] == 0.5 and abs(second["relative_rms"] - 1 / 30**0.5) < 1e-6 and
          abs(second["cosine"] - 35 / (30 * 41) ** 0.5) < 1e-6, second)
    check("table and page show it", "0.5" in done.stdout and "max difference" in (folder / "c.db.html").read_text(), done.stdout)
    _, records = measure("s.db", "--model", a, "--model", write("renamed.onnx", adder(tensor("w", [0, 0, 0, 0]), name="other")))
    check("seeded inputs are the same for all, whatever an only input is called",
          records["renamed.onnx"]["measurements"]["output_max_abs_difference"]["value"] == 0, records["renamed.onnx"]["measurements"])
    wide = write("wide.onnx", adder(tensor("w", [0, 0, 0, 0]), dims=("N", 2, 4)))
    done, records = measure("w.db", "--model", a, "--model", wide)
    measured = records["wide.onnx"]["measurements"]
    check("files of other inputs are measured, not compared, with the reason",
          done.returncode == 0 and measured["inference_ns_p50"]["value"] and "takes other inputs" in measured["output_cosine"]["reason"], (done, measured))


def hostile_models(location: str):
    """The places where a tensor may name its data, each with a model."""
    w, good = tensor("w", location=location), tensor("w", [0, 0, 0, 0])
    values = message(1, w) + message(2, number(1, 1) + number(2, 7) + message(8, "i") + message(9, b"\0" * 8)) + number(3, 4)
    attribute = message(5, message(1, "value"), number(20, 4), message(5, w))
    branch = message(5, message(1, "then_branch"), number(20, 5), message(6, node("Identity", ["w"], ["b"]) + message(2, "s") + message(5, w) + message(12, value("b", 4))))
    head, ends = message(2, "g"), message(11, value("x", "N", 4)) + message(12, value("y", "N", 4))
    yield "initializer", adder(w)
    yield "sparse initializer", model(node("Add", ["x", "w"], ["y"]) + head + message(15, values) + ends)
    yield "attribute", model(node("Constant", [], ["w"], attribute) + node("Add", ["x", "w"], ["y"]) + head + ends)
    yield "subgraph", model(node("If", ["c"], ["y"], branch) + head + ends)
    yield "function", model(node("Add", ["x", "w"], ["y"]) + head + message(5, good) + ends,
                            message(25, message(1, "f"), message(4, "o"), message(7, node("Constant", [], ["o"], attribute)[2:]), message(10, "d")))


def test_external_data() -> None:
    weights = np.asarray([1, 2, 3, 4], "<f4").tobytes()
    write("ext/w.bin", weights)
    write("ext/deep/w.bin", weights)
    write("secret.bin", weights)
    for name in ("w.bin", "deep/w.bin"):
        done, records = measure("e.db", "--model", write("ext/good.onnx", adder(tensor("w", location=name))))
        others = records["good.onnx"]["manifest"].get("other_files", [])
        check(f"external data in the model's folder is read, counted and hashed: {name}", done.returncode == 0 and others and others[0]["file"] == name and
              records["good.onnx"]["measurements"]["bundle_bytes"]["value"] == (folder / "ext/good.onnx").stat().st_size + 16, (done, others))
    (folder / "ext/link.bin").symlink_to(folder / "secret.bin")
    for what, location, word in (("an absolute path", str(folder / "ext/w.bin"), "below the model's folder"), ("a way up", "../secret.bin", '".."'),
                                 ("a link that leads out", "link.bin", "leads out"), ("the system's files", "/etc/passwd", "below the model's folder")):
        for place, content in hostile_models(location):
            file = write("ext/bad.onnx", content)
            refused(f"{what} as the data of an {place}", measure("h.db", "--model", file)[0], "bad.onnx", location, word)


def test_refusals() -> None:
    refused("a file that isn't there", run("run", "--model", folder / "nowhere.onnx"), "nowhere.onnx", "no such file")
    refused("an ending nobody opens", run("run", "--model", write("m.bin", b"x")), "m.bin", ".onnx")
    refused("a pickle", run("run", "--model", write("m.pth", b"x")), "m.pth", "code", ".onnx")
    refused("a folder", run("run", "--model", folder / "models", "--plan-only"), "models")
    a = write("models/a.onnx", adder(tensor("w", [0, 0, 0, 0])))
    refused("a file twice", run("run", "--model", a, "--model", a), "a.onnx", "twice")
    refused("a scheme for a file", run("run", "--model", a, "--scheme", "fp32"), "a.onnx", "--scheme")
    refused("a file and a model of the zoo", run("run", "--model", f"{a},smollm2-135m"), "smollm2-135m", "a.onnx")
    for what, content in (("garbage", b"\xff" * 100), ("text", b"hello world"), ("nothing", b""), ("half a model", a.read_bytes()[:60]),
                          ("a weight of the wrong size", a.read_bytes().replace(message(9, b"\0" * 16), message(9, b"\0" * 8) + message(16, b"\0" * 6)))):
        done, records = measure("g.db", "--model", write("garbage.onnx", content))
        refused(f"{what} for a model", done, "garbage.onnx")
        check("and its outcome has the reason", records["garbage.onnx"]["outcome"] == "failed" and records["garbage.onnx"]["reason"], records)
    os.mkfifo(folder / "pipe.onnx")
    refused("a pipe for a model", run("run", "--model", folder / "pipe.onnx"), "pipe.onnx", "regular file")


def test_resume() -> None:
    file = write("r/m.onnx", adder(tensor("w", [0, 0, 0, 0])))
    np.save(folder / "r/x.npy", np.zeros((3, 4), "f4"))
    done, records = measure("r.db", "--model", "m.onnx", "--input", "x=x.npy", "--budget", "1ms", cwd=folder / "r")
    check("a budget leaves a part", done.returncode == 0 and sum(l["index"] < 10_000 for l in records["m.onnx"]["launches"]) == 1, (done, records))
    done = run("run", "--resume", "--store", folder / "r.db", "-o", folder / "r.html", cwd="/")
    record = json.loads(run("list", "--store", folder / "r.db", "--json").stdout)[0]
    check("--resume finds file and inputs from anywhere and goes on",
          done.returncode == 0 and sum(l["index"] < 10_000 for l in record["launches"]) == 2 and record["manifest"]["inputs"][0]["shape"] == "3x4", (done, record))
    file.write_bytes(adder(tensor("w", [1, 0, 0, 0])))
    refused("a file that has changed since", run("run", "--resume", "--store", folder / "r.db"), "m.onnx", "has changed")
    file.unlink()
    refused("a file that has gone since", run("run", "--resume", "--store", folder / "r.db"), "m.onnx", "no such file")


def test_real_files() -> None:
    silero = data / "silero-vad-6.2.3/silero_vad/data"
    done, records = measure("v.db", "--model", silero / "silero_vad_16k_op15.onnx", "--model", silero / "silero_vad_op18_ifless.onnx", "--input",
                            "input=1x512:f32:-0.1..0.1", "--input", "sr=::16000", "--input", "state=:f32:0")
    measured = records["silero_vad_op18_ifless.onnx"]["measurements"]
    check("two exports of one voice detector agree", done.returncode == 0 and measured["output_relative_rms"]["value"] < 1e-4 and
          measured["output_cosine"]["value"] > 0.9999, (done, measured))
    done, _ = measure("v1.db", "--model", silero / "silero_vad_16k_op15.onnx")
    refused("a shape that must be given", done, "silero_vad_16k_op15.onnx", "--input input=SHAPE")
    rapid = data / "rapidocr-onnxruntime-1.4.4/rapidocr_onnxruntime/models"
    for file, given in ((data / "magika-1.0.3/magika/models/standard_v3_3/model.onnx", "bytes=1x2048:i32:0..256"),
                        (rapid / "ch_PP-OCRv4_det_infer.onnx", "x=1x3x160x160"), (rapid / "ch_PP-OCRv4_rec_infer.onnx", "x=1x3x48x96"),
                        (rapid / "ch_ppocr_mobile_v2.0_cls_infer.onnx", "x=1x3x48x192")):
        done, records = measure("o.db", "--model", file, "--input", given)
        check(f"{file.name} runs", done.returncode == 0 and records[file.name]["measurements"]["inference_ns_p50"]["value"], done)


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


def test_pytorch() -> None:
    made = subprocess.run([sys.executable, write("make.py", MAKE_PYTORCH.encode())], cwd=folder, capture_output=True, text=True)
    if not check("PyTorch's files are made", made.returncode == 0, made.stderr[-1000:]):
        return
    done, records = measure("p.db", "--model", folder / "net.pt", "--model", folder / "net.pt2", "--input", "x=2x8:f32")
    measured = records["net.pt2"]["measurements"]
    check("a TorchScript program and its compiled package agree", done.returncode == 0 and measured["output_max_abs_difference"]["value"] < 1e-5 and
          measured["output_cosine"]["value"] > 0.999999, (done, measured))
    check("what computes is said", "AOTInductor" in records["net.pt2"]["manifest"]["actual"]["compute_type"], records["net.pt2"]["manifest"])

    def bad(what, file, given, *words):
        refused(what, measure("pb.db", "--model", folder / file, *[w for g in given for w in ("--input", g)])[0], *words)
    bad("a package without --input", "net.pt2", [], "net.pt2", "--input NAME=SHAPE:TYPE")
    bad("a package's input without type", "net.pt2", ["x=2x8"], "net.pt2", "input x", "--input x=1x3x224x224:f32")
    bad("a shape that the package wasn't compiled for", "net.pt2", ["x=3x8:f32"], "net.pt2", "expected: 2", "got: 3")
    bad("too many inputs for a package", "net.pt2", ["x=2x8:f32", "y=2x8:f32"], "net.pt2", "inputs: takes 1, 2 given")
    bad("a shape that TorchScript can't take", "net.pt", ["x=2x9:f32"], "net.pt", "cannot be multiplied")
    bad("too many inputs for TorchScript", "net.pt", ["x=2x8:f32", "gain=scalar:i64:1", "z=1:f32"], "net.pt", "inputs: takes 1 to 2 (x, gain), 3 given")
    bad("an exported program", "exported.pt2", ["x=2x8:f32"], "exported.pt2", "torch._inductor.aoti_compile_and_package(torch.export.load(")
    bad("a checkpoint", "state.pt", ["x=2x8:f32"], "state.pt", "no TorchScript")
    (folder / "cut.pt2").write_bytes((folder / "net.pt2").read_bytes()[:9000])
    bad("half a package", "cut.pt2", ["x=2x8:f32"], "cut.pt2")
    bad("garbage for TorchScript", write("garbage.pt", b"\0" * 500).name, ["x=2x8:f32"], "garbage.pt")
    _, once = measure("p1.db", "--model", folder / "net.pt", "--input", "x=2x8:f32:1", "--input", "gain=scalar:i64:3")
    _, swapped = measure("p2.db", "--model", folder / "net.pt", "--input", "gain=scalar:i64:3", "--input", "x=2x8:f32:1")
    _, other = measure("p3.db", "--model", folder / "net.pt", "--input", "gain=scalar:i64:2", "--input", "x=2x8:f32:1")
    first, second, third = (r["net.pt"]["launches"][0]["facts"]["output_hash"] for r in (once, swapped, other))
    # Outputs, inputs and operators that aren't like others.
    for what, file, words in (("an operator that PyTorch doesn't have", "missing.pt", ("elsewhere::op", "export it as .onnx")),
                              ("an output that is no dense tensor", "sparse.pt", ("sparse tensor", "dense tensors only"))):
        done, records = measure("pu.db", "--model", folder / file, "--input", "x=2x3:f32")
        reason = records[file]["reason"]
        check(f"{what} is unsupported, for one reason in one line", records[file]["outcome"] == "unsupported" and "frame #" not in reason and
              "\n" not in reason and all(word in reason and word in done.stdout for word in (file, *words)), (done, reason))
    _, records = measure("pi.db", "--model", folder / "doubling.pt", "--input", "x=2x3:f32:1..2")
    record = records["doubling.pt"]
    check("a program that changes its input gets the same one at each run", record["outcome"] in ("ok", "unstable") and
          record["launches"][0]["facts"]["output_hash"] == record["launches"][0]["facts"]["output_hash_after"] and
          record["launches"][0]["facts"]["timed_answers_are_equal"] and "not_finite_count" not in record["manifest"]["outputs"][0], record)
    for given in (["x=2x3:f32"], ["x=2x3:f32", "scale=scalar:i64:3"]):
        inputs = [w for g in given for w in ("--input", g)]
        done, records = measure("ps.db", "--model", folder / "scaled.pt2", *inputs)
        check(f"a package of a function of a tensor and a number runs as in Python with {len(given)} inputs", done.returncode == 0 and
              records["scaled.pt2"]["measurements"]["inference_ns_p50"]["value"], done)
    check("and the record says that the number is compiled in", "compiled in" in records["scaled.pt2"]["manifest"]["actual"]["compute_type"], records)
    bad("too many inputs for a package with a number", "scaled.pt2", ["x=2x3:f32", "s=scalar:i64:3", "t=scalar:i64:3"], "scaled.pt2", "inputs: takes 1 to 2, 3 given")
    bad("two tensors for a package of one and a number", "scaled.pt2", ["x=2x3:f32", "y=2x3:f32"], "scaled.pt2", "inputs: takes 1 tensors, 2 given")
    _, records = measure("pn.db", "--model", folder / "named.pt", "--model", folder / "turned.pt", "--input", "x=2x3:f32")
    check("outputs of dictionaries are compared by their keys", records["turned.pt"]["measurements"]["output_max_abs_difference"]["value"] == 0, records)
    check("inputs that have TorchScript's names may come in any order, numbers as scalars", first == second != third, (first, second, third))


MAKE_MLX = """
import mlx.core as mx
w = mx.arange(12).reshape(4, 3).astype(mx.float32) / 10
mx.export_function("net.mlxfn", lambda x: mx.tanh(x @ w), mx.zeros((2, 4)))
mx.export_function("off.mlxfn", lambda x: mx.tanh(x @ w) + 0.25, mx.zeros((2, 4)))
mx.export_function("index.mlxfn", lambda x: mx.argmax(x @ w, axis=-1), mx.zeros((2, 4)))
"""


def test_mlx() -> None:
    made = subprocess.run([sys.executable, write("make.py", MAKE_MLX.encode())], cwd=folder, capture_output=True, text=True)
    if not check("MLX's files are made", made.returncode == 0, made.stderr[-1000:]):
        return
    done, records = measure("m.db", *[w for f in ("net", "off", "index") for w in ("--model", folder / f"{f}.mlxfn")], "--input", "x=2x4:f32")
    distance = {name: r["measurements"]["output_max_abs_difference"] for name, r in records.items()}
    check("exported functions run and are compared", done.returncode == 0 and distance["net.mlxfn"]["value"] == 0 and
          abs(distance["off.mlxfn"]["value"] - 0.25) < 1e-6, (done, distance))
    check("outputs of another shape are not, with the reason", "has 6 values, the other 2" in distance["index.mlxfn"]["reason"], distance)

    def bad(what, file, given, *words):
        refused(what, measure("mb.db", "--model", folder / file, *[w for g in given for w in ("--input", g)])[0], *words)
    bad("an exported function without --input", "net.mlxfn", [], "net.mlxfn", "--input NAME=SHAPE:TYPE")
    bad("a shape that wasn't exported", "net.mlxfn", ["x=3x4:f32"], "net.mlxfn", "exported for arguments of other number, shape or type")
    bad("garbage for a function", write("garbage.mlxfn", b"garbage" * 9).name, ["x=2x4:f32"], "garbage.mlxfn")


run_tests((test_one_file, test_inputs, test_comparison, test_external_data, test_refusals, test_resume, test_real_files, test_pytorch, test_mlx))
