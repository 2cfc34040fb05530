"""qbench export --framework coreml through the real command line: a language model's functions against the reference
interpreter's logits, pictures against it too, and what is refused. coremltools' own front end loads the packages."""
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from program import Files

sys.path.insert(0, str(Path(__file__).parent / "parity"))
from coreml_evaluator import Program, passes_coremltools

TOKENS = [3, 17, 200, 41, 9, 77, 5, 130, 66, 12, 8]


@pytest.fixture(scope="module")
def files(program, tmp_path_factory) -> Files:
    return Files(program, tmp_path_factory.mktemp("export_coreml"))


def export(files, name: str, scheme: str, output: str, *arguments):
    return files.run("export", name, "--scheme", scheme, "--framework", "coreml", "-o", files.folder / output, *arguments, "--json")


@pytest.fixture(scope="module")
def exported(files):
    """What is told of a package, made once; and the package."""
    told = {}

    def of(name: str, scheme: str, *arguments) -> tuple[dict, Path]:
        key = (name, scheme, *arguments)
        if key not in told:
            done = export(files, name, scheme, f"{len(told)}", *arguments)
            assert done.returncode == 0, done
            told[key] = json.loads(done.stdout)
        return told[key], Path(told[key]["folder"]) / f"{name}.mlpackage"
    return of


def logits_of_reference(files, bin_folder, bundle: str) -> np.ndarray:
    out = files.folder / "logits"
    done = subprocess.run([bin_folder / "logits_reference", bundle, json.dumps(TOKENS), json.dumps([len(TOKENS)]), out],
                          capture_output=True, text=True)
    assert done.returncode == 0, done
    return np.fromfile(out, np.float32).reshape(len(TOKENS), -1)


@pytest.mark.parametrize("scheme,target,tolerance", (("fp32", "macos15:f32", 1e-5), ("fp32", "macos15", 1e-3), ("w4g32", "ios18:f32", 1e-5), ("w8c", "macos26:f32", 1e-5),
                                                     ("w4g32", "ios18", 6e-3), ("fp16", "macos15", 6e-3)))
def test_prefill_and_decode_carry_on_where_the_other_stopped(files, bin_folder, exported, scheme, target, tolerance):
    """Without rounding where the target names f32; a state is f16 always."""
    told, package = exported("llama-test", scheme, "--target", target, "--extent", "sequence=8,context=16")
    wanted = logits_of_reference(files, bin_folder, told["bundle"])
    program = Program(package, rounds=not target.endswith("f32"))
    numbers = lambda *values: np.array(values, np.int32)
    got = [program.run({"tokens": numbers(*TOKENS[:8])[None], "positions": numbers(7), "past_tokens": numbers(0)}, "prefill")]
    for i in range(8, len(TOKENS)):
        got.append(program.run({"tokens": numbers(TOKENS[i])[None], "positions": numbers(0), "past_tokens": numbers(i)}, "decode"))
    got = np.stack([step["output_0"][0, 0] for step in got])
    assert np.linalg.norm(got - wanted[7:]) <= tolerance * np.linalg.norm(wanted[7:])
    passes_coremltools(package)


def test_functions_share_the_weights(exported):
    _, one = exported("llama-test", "w4g32", "--extent", "sequence=8")
    told, several = exported("llama-test", "w4g32", "--extent", "sequence=8", "--extent", "sequence=16")
    weights = "Data/com.apple.CoreML/weights/weight.bin"
    assert list(told["package"]["notes"]["functions"]) == ["decode", "prefill_8", "prefill_16"]
    assert (several / weights).stat().st_size < 1.1 * (one / weights).stat().st_size


def test_the_same_package_each_time(files, exported):
    _, first = exported("llama-test", "w4g32", "--extent", "sequence=8")
    assert export(files, "llama-test", "w4g32", "again", "--extent", "sequence=8").returncode == 0
    for file in (f for f in first.rglob("*") if f.is_file()):
        assert file.read_bytes() == (files.folder / "again" / first.name / file.relative_to(first)).read_bytes(), file


@pytest.mark.parametrize("scheme", ("fp32", "w8c", "static8c"))
def test_a_picture_network_is_one_function(exported, scheme):
    told, package = exported("efficientnet-lite0", scheme, "--target", "ios17")
    assert list(told["package"]["notes"]["functions"]) == ["main"]
    program = Program(package, rounds=False)
    (logits, ) = program.run({"image": np.random.default_rng(1).normal(size=(1, 3, 224, 224)).astype(np.float32)}).values()
    assert logits.shape == (1, 1000) and np.isfinite(logits).all() and np.ptp(logits) > 1
    assert ("quantize" in program.kinds) == (scheme == "static8c")
    passes_coremltools(package)


@pytest.mark.parametrize("scheme,arguments,code,words", (
    ("w4g32", ("--target", "ios17"), 1, ("KV caches", "iOS 18")),
    ("w4g32", ("--target", "ios16"), 1, ("ios16", "macos15")),
    ("w4g32", ("--extent", "sequence=9,context=8"), 1, ("sequence=9", "8 tokens")),
    ("w4g32", ("--extent", "context=8,context=16"), 1, ("context", "one is needed")),
    ("dyn8c", (), 1, ("measured before", )),
))
def test_what_a_package_can_t_hold_is_said_and_leaves_nothing(files, scheme, arguments, code, words):
    done = export(files, "llama-test", scheme, "refused", *arguments)
    lines = [line for line in done.stderr.splitlines() if line.startswith("qbench: ")]
    assert done.returncode == code and len(lines) == 1 and all(word in lines[0] for word in words), done
    assert not list(files.folder.glob("refused*"))


def test_grouped_weights_need_the_newer_target(files):
    done = export(files, "efficientnet-lite0", "w4g32", "refused", "--target", "ios17")
    assert done.returncode == 1 and "before iOS 18 and macOS 15" in done.stderr, done
    assert not list(files.folder.glob("refused*"))


def test_off_macos_it_is_unavailable_and_emits(files):
    listed = {f["name"]: f for f in json.loads(files.run("frameworks", "--json").stdout)}["coreml"]
    if sys.platform != "darwin":
        assert not listed["available"] and "macOS" in listed["reason"] and "export" in listed["remedy"], listed
    assert ".mlpackage" in listed["emits"]
