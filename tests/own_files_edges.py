"""qbench run --model FILE where files, names and options are unusual, through the real command line.

usage: own_files_edges.py QBENCH DATA [TEST...]
"""
import json
import os
import re

import numpy as np

from own_files_kit import (BOOL, DOUBLE, INT64, adder, check, folder, graph, graph_attribute, integer_attribute, measure, model, node,
                           refused, run, tensor, value, write, run_tests)


def test_choices() -> None:
    """Inputs that choose what a model does, or that it leaves open altogether."""
    branch = [graph_attribute(name, graph(node(op, ["x"], [f"{op}_y"]), [], [value(f"{op}_y", "N", 4)]))
              for name, op in (("then_branch", "Neg"), ("else_branch", "Abs"))]
    file = write("c/branch.onnx", model(graph(node("If", ["use_cache"], ["y"], *branch),
                                              [value("x", "N", 4), value("use_cache", 1, kind=BOOL)], [value("y", "N", 4)])))

    def answer(*arguments):
        _, records = measure("ch.db", "--model", file, "--input", "x=1x4:f32:5", *arguments)
        record = records["branch.onnx"]
        return record["launches"][0]["facts"]["output_hash"], record["manifest"]["inputs"][1]["values"]
    answers = [answer("--seed", seed) for seed in (1, 2, 3, 4)]
    check("a branch that nobody chooses is the same for every seed, and the record says which",
          len(set(answers)) == 1 and answers[0][1].startswith("false"), answers)
    other = answer("--input", "use_cache=::true")
    check("the other branch may be chosen", other[1] == "true" and other[0] != answers[0][0], (other, answers))

    any_shape = write("c/any.onnx", model(graph(node("Relu", ["x"], ["y"]), [value("x", has_rank=False)], [value("y", has_rank=False)])))
    refused("an input of any shape", measure("an.db", "--model", any_shape)[0], "any.onnx", "leaves its shape open", "--input x=SHAPE")
    done, records = measure("an.db", "--model", any_shape, "--input", "x=1x4")
    check("an input of any shape takes one", done.returncode == 0 and records["any.onnx"]["manifest"]["outputs"][0]["shape"] == "1x4", done)

    cache = write("c/cache.onnx", model(graph(node("Concat", ["past.key", "k"], ["present"], integer_attribute("axis", 2)),
                                              [value("past.key", "N", 2, "P", 4), value("k", "N", 2, "L", 4)], [value("present", "N", 2, "P + L", 4)])))
    done, records = measure("ca.db", "--model", cache, "--input", "past.key=1x2x0x4")
    check("a decoder begins with empty caches", done.returncode == 0 and records["cache.onnx"]["manifest"]["outputs"][0]["shape"] == "1x2x1x4", done)

    table = write("c/table.onnx", model(graph(node("Gather", ["table", "ids"], ["y"]), [value("ids", "N", "L", kind=INT64)], [value("y", "N", "L", 4)],
                                              [tensor("table", [1, 2, 3, 4], dims=(1, 4))])))
    refused("ids that a table doesn't have", measure("ta.db", "--model", table, "--input", "ids=1x8")[0], "table.onnx", "input ids", "--input ids=1x8:i64:0")
    done, _ = measure("ta.db", "--model", table, "--input", "ids=1x8:i64:0")
    check("and the remedy is one", done.returncode == 0, done)


def test_outputs() -> None:
    """What files give, compared and shown."""
    x = ("--input", "x=1x4:f32:2")
    nodes = node("Neg", ["x"], ["neg"]) + node("Abs", ["x"], ["abs"])
    first, second = (write(f"o/{name}.onnx", model(graph(nodes, [value("x", 1, 4)], [value(o, 1, 4) for o in outputs])))
                     for name, outputs in (("a", ("neg", "abs")), ("b", ("abs", "neg"))))
    done, records = measure("or.db", "--model", first, "--model", second)
    check("outputs are compared by their names", records["b.onnx"]["measurements"]["output_max_abs_difference"]["value"] == 0 and
          [o["name"] for o in records["b.onnx"]["manifest"]["outputs"]] == ["abs", "neg"], (done, records))

    mask, none = (write(f"o/{name}.onnx", adder(tensor("w", [w] * 4))) for name, w in (("mask", -3.4e38), ("none", 0)))
    done, _ = measure("ma.db", "--model", none, "--model", mask, *x)
    check("a difference of 39 digits stands in scientific form", "3.4e+38" in done.stdout and not re.search(r"\d{13}", done.stdout), done.stdout)

    def scaler(name, factor):
        return write(f"o/{name}.onnx", model(graph(node("Mul", ["x", "w"], ["y"]), [value("x", "N", 4, kind=DOUBLE)], [value("y", "N", 4, kind=DOUBLE)],
                                                   [tensor("w", [factor] * 4, kind=DOUBLE)])))
    for exponent in (200, -200):
        base, other = scaler(f"base{exponent}", float(f"1e{exponent}")), scaler(f"other{exponent}", float(f"1.5e{exponent}"))
        _, records = measure("hu.db", "--model", base, "--model", other, "--input", "x=1x4:f64:1")
        check(f"values near 1e{exponent} differ by what they do", abs(records[other.name]["measurements"]["output_relative_rms"]["value"] - 0.5) < 1e-12,
              records[other.name]["measurements"])

    # Shapes that only a run tells, and shapes about which the file is wrong.
    found = write("o/found.onnx", model(graph(node("NonZero", ["x"], ["y"]), [value("x", "N", 4)], [value("y", 2, "M", kind=INT64)])))
    done, records = measure("fo.db", "--model", found)
    check("an output whose shape only a run tells is measured, and said to be allocated in it", done.returncode == 0 and
          records["found.onnx"]["manifest"]["actual"]["outputs_allocated_in_run"] == ["y"], (done, records))
    bound = write("o/bound.onnx", model(graph(node("Neg", ["x"], ["y"]), [value("x", "N", 4)], [value("y", "N", 4)])))
    done, records = measure("bo.db", "--model", bound, "--input", "x=3x4")
    check("an output whose shape follows from the inputs has its memory before the run", done.returncode == 0 and
          "outputs_allocated_in_run" not in records["bound.onnx"]["manifest"]["actual"], (done, records))
    np.save(folder / "o/shape.npy", np.asarray([4, 2]))
    wrong = write("o/wrong.onnx", model(graph(node("Reshape", ["x", "shape"], ["y"]), [value("x", "N", 4), value("shape", 2, kind=INT64)], [value("y", "N", 4)])))
    done, records = measure("wr.db", "--model", wrong, "--input", "x=2x4", "--input", f"shape={folder}/o/shape.npy")
    check("a file that is wrong about its output's shape is measured all the same", done.returncode == 0 and
          records["wrong.onnx"]["manifest"]["outputs"][0]["shape"] == "4x2", (done, records))


def test_names() -> None:
    """Names of files, inputs and suites, whatever they are."""
    content = adder(tensor("w", [0, 0, 0, 0]))
    for name in ("net,v2.onnx", "UPPER.ONNX", "n" * 241 + ".onnx", "two words.onnx", "\x1b[31mred\x07.onnx"):
        done, records = measure("na.db", "--model", write(f"n/{name}", content))
        check(f"a file named {name[:20]!r} of {len(name)} bytes runs", done.returncode == 0 and len(records) == 1 and
              list(records.values())[0]["measurements"]["inference_ns_p50"]["value"], done)
    a, b = write("n/a,1.onnx", content), write("n/b.onnx", content)
    _, records = measure("nb.db", "--model", f"{a},{b}")
    check("a list of files may have one with a comma", set(records) == {"a,1.onnx", "b.onnx"}, list(records))
    (folder / "n/quick").mkdir()
    plan = run("run", "quick", "--plan-only", cwd=folder / "n")
    check("a folder named as a suite doesn't hide it", plan.returncode == 0 and " cases, " in plan.stdout, plan)
    equals = write("n/equals.onnx", adder(tensor("w", [0, 0, 0, 0]), name="a=b"))
    np.save(folder / "n/x=y.npy", np.ones((5, 4), "f4"))
    for text, shape in (("a=b=3x4", "3x4"), ('"a=b"=3x4', "3x4"), ("a=b=x=y.npy", "5x4")):
        done, records = measure("ne.db", "--model", equals, "--input", text, cwd=folder / "n")
        check(f"an input named a=b is given as {text}", done.returncode == 0 and records["equals.onnx"]["manifest"]["inputs"][0]["shape"] == shape, done)

    evil = "x\x1b[31mRED\x1b[0m\x07"
    for what, file, arguments in (("that runs", adder(tensor("w", [0, 0, 0, 0]), name=evil), ()),
                                  ("that fails", adder(tensor("w", [0, 0, 0, 0]), name=evil), ("--input", "x=1x4")),
                                  ("that isn't opened", model(graph(node(evil, ["x"], ["y"]), [value("x", 4)], [value("y", 4)])), ())):
        done, _ = measure("es.db", "--model", write("n/\x1b]0;evil\x07.onnx", file), *arguments)
        texts = {format: run("report", "--store", folder / "es.db", "--format", format).stdout for format in ("txt", "md", "html", "csv", "json")}
        texts |= {"out": done.stdout, "err": done.stderr, "list": run("list", "--store", folder / "es.db").stdout,
                  "explain": run("explain", "evil", "--store", folder / "es.db").stdout}
        acting = [where for where, text in texts.items() if any(c in text for c in "\x1b\x07")]
        check(f"no name acts on a terminal, of a model {what}", not acting and all(texts[k] for k in ("txt", "md", "html", "csv", "json", "list")), (acting, done))


def test_stand_ins() -> None:
    """What a download left instead of the file, for every kind of file."""
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"
    page = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head></html>\n"
    for ending in ("onnx", "pt", "jit", "pt2", "mlxfn"):
        for what, content, word in (("pointer", pointer, "a Git LFS pointer"), ("page", page, "a web page")):
            file = write(f"s/{what}.{ending}", content)
            refused(f"{what}.{ending}", measure("si.db", "--model", file, "--input", "x=1x4:f32")[0], file.name, word)
    refused("a pointer for the weights", measure("si.db", "--model", write("s/w.onnx", adder(tensor("w", location="pointer.onnx"))))[0], "w.onnx",
            '"pointer.onnx"', "a Git LFS pointer")
    write("s/x.npy", pointer)
    a = write("models/a.onnx", adder(tensor("w", [0, 0, 0, 0])))
    refused("a pointer for an .npy", measure("si.db", "--model", a, "--input", f"x={folder}/s/x.npy")[0], "x.npy", "a Git LFS pointer")


# Each option of `run` with a model file: what it takes, and how it shows that it was done; or the words of its refusal.
OPTIONS = {
    "--model": (["{b}"], lambda d, r: len(r) == 2),
    "--input": (["x=3x4"], lambda d, r: r["a.onnx"]["manifest"]["inputs"][0]["shape"] == "3x4"),
    "--scheme": (["fp32"], "--scheme"),
    "--framework": (["pytorch"], "--framework"),
    "--device": (["gpu"], lambda d, r: r["a.onnx"]["device"] == "gpu" and r["a.onnx"]["outcome"] == "unavailable"),
    "--threads": (["1"], lambda d, r: r["a.onnx"]["thread_count"] == 1),
    "--batch": (["8"], "--batch"),
    "--depth": (["5"], "--depth"),
    "--prompt-tokens": (["5"], "--prompt-tokens"),
    "--generated-tokens": (["5"], "--generated-tokens"),
    "--arrivals-per-s": (["5"], "--arrivals-per-s"),
    "--budget": (["1ms"], lambda d, r: "budget" in d.stderr and len(r["a.onnx"]["launches"]) < 3),
    "--memory-max": (["1kB"], lambda d, r: r["a.onnx"]["outcome"] not in ("ok", "unstable")),
    "--launches": (["1"], lambda d, r: sum(l["index"] < 10_000 for l in r["a.onnx"]["launches"]) == 1),
    "--seed": (["7"], lambda d, r: json.loads(run("report", "--store", folder / "op.db", "--format", "json").stdout)["seed"] == "7"),
    "--blas": (["as-shipped"], lambda d, r: r["a.onnx"]["outcome"] in ("ok", "unstable")),
    "--store": (["{here}/other.db"], lambda d, r: (folder / "other.db").exists()),
    "--output": (["{here}/other.html"], lambda d, r: "a.onnx" in (folder / "other.html").read_text()),
    "--events": (["{here}/events"], lambda d, r: '"ended"' in (folder / "events").read_text()),
    "--resume": (["newest"], lambda d, r: len(r) == 1),
    "--plan-only": ([], lambda d, r: "2 launches" in d.stdout),
    "--quiet": ([], lambda d, r: d.stderr == ""),
    "--json": ([], lambda d, r: json.loads(d.stdout)["records"]),
    "--wide": ([], lambda d, r: "a.onnx" in d.stdout),
    "--help": ([], lambda d, r: "--model" in d.stdout),
}


def test_every_option() -> None:
    a, b = (write(f"p/{name}.onnx", adder(tensor("w", [0, 0, 0, 0]))) for name in "ab")
    names = set(re.findall(r"(?<![-\w])--[a-z][-a-z]*", "\n".join(
        line[:30] for line in run("run", "--help").stdout.splitlines() if line.lstrip().startswith("-"))))
    check("every option of run is known here", len(names) > 15 and not names - set(OPTIONS), names - set(OPTIONS))
    measure("op.db", "--model", a)
    for name in sorted(names & set(OPTIONS)):
        if name == "--memory-max" and "ASAN_OPTIONS" in os.environ:
            print("not run here: limits of memory, which programs with a sanitizer can't have")
            continue
        values, wanted = OPTIONS[name]
        texts = [text.format(b=b, here=folder) for text in values]
        if name in ("--store", "--output"):
            done, records = run("run", folder / "fast.toml", "--model", a, "--store", folder / "op.db", name, *texts) if name == "--output" else \
                run("run", folder / "fast.toml", "--model", a, name, *texts), {}
        elif name == "--resume":
            done, records = run("run", name, *texts, "--store", folder / "op.db", "-o", folder / "op.html"), {"a.onnx": {}}
        else:
            option = [] if name == "--wide" else [name, *texts]  # measure() gives --wide to all
            done, records = measure("op.db", "--model", a, *option)
        if isinstance(wanted, str):
            refused(f"{name} with a model file", done, "a.onnx", wanted)
        else:
            check(f"{name} with a model file is done", "Traceback" not in done.stderr and wanted(done, records), (done, records))


run_tests((test_choices, test_outputs, test_names, test_stand_ins, test_every_option))
