"""qbench run --model FILE where files, names and options are unusual, through the real command line."""
import json
import os
import re

import numpy as np
import pytest
from onnx_bytes import (BOOL, DOUBLE, INT64, adder, graph, graph_attribute, integer_attribute, model, node, tensor, value)
from program import refused

PLAIN = adder(tensor("w", [0, 0, 0, 0]))  # y = x
GOOD = ("ok", "unstable")

# Inputs that choose what a model does, or that it leaves open altogether.


@pytest.fixture
def answer_of_branch(files):
    """The answer of a model with a branch, and what the record says of the input that chooses it."""
    branch = [graph_attribute(name, graph(node(op, ["x"], [f"{op}_y"]), [], [value(f"{op}_y", "N", 4)]))
              for name, op in (("then_branch", "Neg"), ("else_branch", "Abs"))]
    file = files.write("branch.onnx", model(graph(node("If", ["use_cache"], ["y"], *branch),
                                                  [value("x", "N", 4), value("use_cache", 1, kind=BOOL)], [value("y", "N", 4)])))

    def answer(*arguments):
        _, records = files.measure("--model", file, "--input", "x=1x4:f32:5", *arguments)
        record = records["branch.onnx"]
        return record["launches"][0]["facts"]["output_hash"], record["manifest"]["inputs"][1]["values"]
    return answer


def test_a_branch_that_nobody_chooses_is_the_same_for_every_seed_and_the_record_says_which(answer_of_branch):
    answers = [answer_of_branch("--seed", seed) for seed in (1, 2, 3, 4)]
    assert len(set(answers)) == 1 and answers[0][1].startswith("false"), answers


def test_the_other_branch_may_be_chosen(answer_of_branch):
    usual, other = answer_of_branch("--seed", 1), answer_of_branch("--input", "use_cache=::true")
    assert other[1] == "true" and other[0] != usual[0], (other, usual)


def test_an_input_of_any_shape_takes_one_when_it_is_given(files):
    any_shape = files.write("any.onnx", model(graph(node("Relu", ["x"], ["y"]), [value("x", has_rank=False)], [value("y", has_rank=False)])))
    refused(files.measure("--model", any_shape)[0], "any.onnx", "leaves its shape open", "--input x=SHAPE")
    done, records = files.measure("--model", any_shape, "--input", "x=1x4")
    assert done.returncode == 0 and records["any.onnx"]["manifest"]["outputs"][0]["shape"] == "1x4", done


def test_a_decoder_begins_with_empty_caches(files):
    cache = files.write("cache.onnx", model(graph(
        node("Concat", ["past.key", "k"], ["present"], integer_attribute("axis", 2)),
        [value("past.key", "N", 2, "P", 4), value("k", "N", 2, "L", 4)], [value("present", "N", 2, "P + L", 4)])))
    done, records = files.measure("--model", cache, "--input", "past.key=1x2x0x4")
    assert done.returncode == 0 and records["cache.onnx"]["manifest"]["outputs"][0]["shape"] == "1x2x1x4", done


def test_ids_that_a_table_does_not_have_are_refused_with_a_remedy_that_is_one(files):
    table = files.write("table.onnx", model(graph(node("Gather", ["table", "ids"], ["y"]), [value("ids", "N", "L", kind=INT64)],
                                                  [value("y", "N", "L", 4)], [tensor("table", [1, 2, 3, 4], dims=(1, 4))])))
    refused(files.measure("--model", table, "--input", "ids=1x8")[0], "table.onnx", "input ids", "--input ids=1x8:i64:0")
    done, _ = files.measure("--model", table, "--input", "ids=1x8:i64:0")
    assert done.returncode == 0, done


# What files give, compared and shown.


def test_outputs_are_compared_by_their_names(files):
    nodes = node("Neg", ["x"], ["neg"]) + node("Abs", ["x"], ["abs"])
    first, second = (files.write(f"{name}.onnx", model(graph(nodes, [value("x", 1, 4)], [value(o, 1, 4) for o in outputs])))
                     for name, outputs in (("a", ("neg", "abs")), ("b", ("abs", "neg"))))
    done, records = files.measure("--model", first, "--model", second)
    assert records["b.onnx"]["measurements"]["output_max_abs_difference"]["value"] == 0 and \
        [o["name"] for o in records["b.onnx"]["manifest"]["outputs"]] == ["abs", "neg"], (done, records)


def test_a_difference_of_39_digits_stands_in_scientific_form(files):
    mask, none = (files.write(f"{name}.onnx", adder(tensor("w", [w] * 4))) for name, w in (("mask", -3.4e38), ("none", 0)))
    done, _ = files.measure("--model", none, "--model", mask, "--input", "x=1x4:f32:2")
    assert "3.4e+38" in done.stdout and not re.search(r"\d{13}", done.stdout), done.stdout


@pytest.mark.parametrize("exponent", (200, -200))
def test_values_near_the_ends_of_f64_differ_by_what_they_do(files, exponent):
    def scaler(name: str, factor: float):
        return files.write(f"{name}.onnx", model(graph(node("Mul", ["x", "w"], ["y"]), [value("x", "N", 4, kind=DOUBLE)],
                                                       [value("y", "N", 4, kind=DOUBLE)], [tensor("w", [factor] * 4, kind=DOUBLE)])))
    base, other = scaler("base", float(f"1e{exponent}")), scaler("other", float(f"1.5e{exponent}"))
    _, records = files.measure("--model", base, "--model", other, "--input", "x=1x4:f64:1")
    measured = records["other.onnx"]["measurements"]
    assert abs(measured["output_relative_rms"]["value"] - 0.5) < 1e-12, measured


# Shapes that only a run tells, and shapes about which the file is wrong.


def test_an_output_whose_shape_only_a_run_tells_is_measured_and_said_to_be_allocated_in_it(files):
    found = files.write("found.onnx", model(graph(node("NonZero", ["x"], ["y"]), [value("x", "N", 4)], [value("y", 2, "M", kind=INT64)])))
    done, records = files.measure("--model", found)
    assert done.returncode == 0 and records["found.onnx"]["manifest"]["actual"]["outputs_allocated_in_run"] == ["y"], (done, records)


def test_an_output_whose_shape_follows_from_the_inputs_has_its_memory_before_the_run(files):
    bound = files.write("bound.onnx", model(graph(node("Neg", ["x"], ["y"]), [value("x", "N", 4)], [value("y", "N", 4)])))
    done, records = files.measure("--model", bound, "--input", "x=3x4")
    assert done.returncode == 0 and "outputs_allocated_in_run" not in records["bound.onnx"]["manifest"]["actual"], (done, records)


def test_a_file_that_is_wrong_about_its_outputs_shape_is_measured_all_the_same(files):
    np.save(files.folder / "shape.npy", np.asarray([4, 2]))
    wrong = files.write("wrong.onnx", model(graph(node("Reshape", ["x", "shape"], ["y"]), [value("x", "N", 4), value("shape", 2, kind=INT64)],
                                                  [value("y", "N", 4)])))
    done, records = files.measure("--model", wrong, "--input", "x=2x4", "--input", f"shape={files.folder}/shape.npy")
    assert done.returncode == 0 and records["wrong.onnx"]["manifest"]["outputs"][0]["shape"] == "4x2", (done, records)


# Names of files, inputs and suites, whatever they are.


@pytest.mark.parametrize("name", ("net,v2.onnx", "UPPER.ONNX", "n" * 241 + ".onnx", "two words.onnx", "\x1b[31mred\x07.onnx"),
                         ids=("comma", "upper case", "246 bytes", "space", "control characters"))
def test_a_file_of_any_name_runs(files, name):
    done, records = files.measure("--model", files.write(name, PLAIN))
    assert done.returncode == 0 and len(records) == 1 and next(iter(records.values()))["measurements"]["inference_ns_p50"]["value"], done


def test_a_list_of_files_may_have_one_with_a_comma(files):
    first, second = files.write("a,1.onnx", PLAIN), files.write("b.onnx", PLAIN)
    _, records = files.measure("--model", f"{first},{second}")
    assert set(records) == {"a,1.onnx", "b.onnx"}, list(records)


def test_a_folder_named_as_a_suite_does_not_hide_it(files):
    (files.folder / "quick").mkdir()
    plan = files.run("run", "quick", "--plan-only", cwd=files.folder)
    assert plan.returncode == 0 and " cases, " in plan.stdout, plan


@pytest.mark.parametrize("text, shape", (("a=b=3x4", "3x4"), ('"a=b"=3x4', "3x4"), ("a=b=x=y.npy", "5x4")))
def test_an_input_whose_name_has_an_equals_sign_is_given(files, text, shape):
    equals = files.write("equals.onnx", adder(tensor("w", [0, 0, 0, 0]), name="a=b"))
    np.save(files.folder / "x=y.npy", np.ones((5, 4), "f4"))
    done, records = files.measure("--model", equals, "--input", text, cwd=files.folder)
    assert done.returncode == 0 and records["equals.onnx"]["manifest"]["inputs"][0]["shape"] == shape, done


EVIL = "x\x1b[31mRED\x1b[0m\x07"
EVIL_INPUT = adder(tensor("w", [0, 0, 0, 0]), name=EVIL)


@pytest.mark.parametrize("content, arguments", (
    (EVIL_INPUT, ()), (EVIL_INPUT, ("--input", "x=1x4")), (model(graph(node(EVIL, ["x"], ["y"]), [value("x", 4)], [value("y", 4)])), ())),
    ids=("that runs", "that fails", "that isn't opened"))
def test_no_name_of_a_model_acts_on_a_terminal(files, content, arguments):
    done, _ = files.measure("--model", files.write("\x1b]0;evil\x07.onnx", content), *arguments)
    store = ("--store", files.store)
    texts = {format: files.run("report", *store, "--format", format).stdout for format in ("txt", "md", "html", "csv", "json")}
    texts["list"] = files.run("list", *store).stdout
    silent = [where for where, text in texts.items() if not text]
    assert not silent, f"nothing to look at in {silent}: {done}"
    texts |= {"out": done.stdout, "err": done.stderr, "explain": files.run("explain", "evil", *store).stdout}
    acting = [where for where, text in texts.items() if any(c in text for c in "\x1b\x07")]
    assert not acting, (acting, done)


# What a download left instead of the file.
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"
PAGE = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head></html>\n"


@pytest.mark.parametrize("content, word", ((POINTER, "a Git LFS pointer"), (PAGE, "a web page")), ids=("pointer", "page"))
@pytest.mark.parametrize("ending", ("onnx", "pt", "jit", "pt2", "mlxfn"))
def test_what_stands_in_for_a_file_is_refused_as_what_it_is(files, ending, content, word):
    file = files.write(f"stand_in.{ending}", content)
    refused(files.measure("--model", file, "--input", "x=1x4:f32")[0], file.name, word)


def test_a_pointer_for_the_weights_is_refused(files):
    files.write("pointer.onnx", POINTER)
    file = files.write("w.onnx", adder(tensor("w", location="pointer.onnx")))
    refused(files.measure("--model", file)[0], "w.onnx", '"pointer.onnx"', "a Git LFS pointer")


def test_a_pointer_for_an_npy_is_refused(files):
    npy = files.write("x.npy", POINTER)
    refused(files.measure("--model", files.write("a.onnx", PLAIN), "--input", f"x={npy}")[0], "x.npy", "a Git LFS pointer")


# Each option of `run` with a model file: what it takes, and the words of its refusal or how it shows that it was done
# (of the program's end, the records by model, and the files).
OPTIONS = {
    "--model": (["{here}/b.onnx"], lambda d, r, f: len(r) == 2),
    "--adapter": (["{here}"], "--adapter"),
    "--input": (["x=3x4"], lambda d, r, f: r["a.onnx"]["manifest"]["inputs"][0]["shape"] == "3x4"),
    "--scheme": (["fp32"], "--scheme"),
    "--framework": (["pytorch"], "--framework"),
    "--device": (["gpu"], lambda d, r, f: r["a.onnx"]["device"] == "gpu" and r["a.onnx"]["outcome"] == "unavailable"),
    "--threads": (["1"], lambda d, r, f: r["a.onnx"]["thread_count"] == 1),
    "--batch": (["8"], "--batch"),
    "--depth": (["5"], "--depth"),
    "--prompt-tokens": (["5"], "--prompt-tokens"),
    "--generated-tokens": (["5"], "--generated-tokens"),
    "--arrivals-per-s": (["5"], "--arrivals-per-s"),
    "--tokens": (["5"], "--tokens"),
    "--budget": (["1ms"], lambda d, r, f: "budget" in d.stderr and len(r["a.onnx"]["launches"]) < 3),
    "--cool-down": (["20ms"], lambda d, r, f: sum("cool_down" in l["facts"] for l in r["a.onnx"]["launches"]) >= 1),
    "--memory-max": (["1kB"], lambda d, r, f: r["a.onnx"]["outcome"] not in GOOD),
    "--launches": (["1"], lambda d, r, f: sum(l["index"] < 10_000 for l in r["a.onnx"]["launches"]) == 1),
    "--seed": (["7"], lambda d, r, f: f.program.report(f.store)["seed"] == "7"),
    "--blas": (["as-shipped"], lambda d, r, f: r["a.onnx"]["outcome"] in GOOD),
    "--store": (["{here}/other.db"], lambda d, r, f: (f.folder / "other.db").exists()),
    "--output": (["{here}/other.html"], lambda d, r, f: "a.onnx" in (f.folder / "other.html").read_text()),
    "--events": (["{here}/events"], lambda d, r, f: '"ended"' in (f.folder / "events").read_text()),
    "--resume": (["newest"], lambda d, r, f: len(r) == 1),
    "--text": (["{here}/none.txt"], "--text"),
    "--images": (["{here}"], "--images"),
    "--yes": ([], lambda d, r, f: r["a.onnx"]["outcome"] in GOOD),
    "--plan-only": ([], lambda d, r, f: "2 launches" in d.stdout),
    "--quiet": ([], lambda d, r, f: d.stderr == ""),
    "--json": ([], lambda d, r, f: json.loads(d.stdout)["records"]),
    "--wide": ([], lambda d, r, f: "a.onnx" in d.stdout),
    "--help": ([], lambda d, r, f: "--model" in d.stdout),
}


def test_every_option_of_run_is_known_here(files):
    names = set(re.findall(r"(?<![-\w])--[a-z][-a-z]*", "\n".join(
        line[:30] for line in files.run("run", "--help").stdout.splitlines() if line.lstrip().startswith("-"))))
    assert len(names) > 15 and names == set(OPTIONS), names ^ set(OPTIONS)


def call_with(files, name: str, values: list):
    """`run` with one option; for --resume after a run that there is to go on with."""
    model = files.write("a.onnx", PLAIN)
    files.write("b.onnx", PLAIN)
    option = [name, *(text.format(here=files.folder) for text in values)]
    store = ("--store", files.store)
    if name == "--store":
        return files.run("run", files.suite, "--model", model, *option), {}
    if name == "--output":
        return files.run("run", files.suite, "--model", model, *store, *option), {}
    if name == "--resume":
        files.measure("--model", model)
        done = files.run("run", *option, *store, "-o", files.folder / "resumed.html")
        return done, {r["model"]: r for r in files.program.records(files.store)}
    return files.measure("--model", model, *([] if name == "--wide" else option))  # measure() gives --wide to all


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_with_a_model_file_is_done_or_refused(files, name):
    if name == "--memory-max" and "ASAN_OPTIONS" in os.environ:
        pytest.skip("programs with a sanitizer can't have limits of memory")
    values, wanted = OPTIONS[name]
    done, records = call_with(files, name, values)
    if isinstance(wanted, str):
        refused(done, "a.onnx", wanted)
    else:
        assert "Traceback" not in done.stderr and wanted(done, records, files), (done, records)
