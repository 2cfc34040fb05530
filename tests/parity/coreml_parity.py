"""Core ML's packages against the reference: every operator in every format, loaded by coremltools' own front end (its
blobs by its own storage library) and evaluated. Nothing here runs in Core ML itself."""
import collections
import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from coreml_evaluator import Program, passes_coremltools

# Relative errors. Where activations have 8 bits, a value on the border between two codes may fall either way, a whole
# step of which a range has 255.
# Of many operators: each rounds to f16, and codes of 8 bits flip where their values are a rounding apart.
F32, F16, F16_OF_MANY, CODES, CODES_OF_MANY = 1e-5, 2e-3, 5e-3, 1.5e-2, 0.1
# What a target may refuse, and how: anything else that is refused is a fault.
REFUSED = {"ios17": ("before iOS 18 and macOS 15", ), "macos15": (), "macos26": ("beyond f16", "has a minimum and no scale")}


@pytest.fixture(scope="module")
def cases(bin_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("packages")
    done = subprocess.run([bin_folder / "coreml_packages"], env=os.environ | {"QB_PACKAGES": str(folder)}, capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stdout[-3000:]
    return [(p.parent, json.loads(p.read_text())) for p in sorted(folder.glob("*/case.json"))]


def arrays_of(step: dict) -> dict:
    given = {name: np.array(v["reals"], np.float32).reshape(v["shape"]) if "reals" in v
             else np.array(v["integers"], np.int32).reshape(v["shape"]) for name, v in step["inputs"].items()}
    return given | {"past_tokens": np.array([step["past"]], np.int32)}


def tolerance_of(case: dict) -> float:
    if case["scheme"].startswith("static8"):
        return CODES_OF_MANY if case["node_count"] > 10 else CODES
    if case["target"].endswith("f32"):
        return F32
    return F16_OF_MANY if case["node_count"] > 10 else F16


def errors_of(folder: Path, case: dict, rounds: bool):
    """The relative error of each step; caches are carried from one to the next."""
    program = Program(folder / "net.mlpackage", rounds)
    for step in case["steps"]:
        (got, ) = program.run(arrays_of(step), step["function"]).values()
        wanted = np.array(step["output"], np.float64)
        yield np.linalg.norm(got.ravel() - wanted) / max(np.linalg.norm(wanted), 1e-30)


def test_loaded_programs_answer_as_the_reference_does(cases):
    worst, wrong = collections.defaultdict(lambda: (0.0, "")), []
    for folder, case in cases:
        if "refused" in case:
            continue
        rounds = case["target"].endswith("f16")
        label = f"{case['name']} in {case['scheme']} for {case['target']}, batch {case['batch']}"
        for step, error in enumerate(errors_of(folder, case, rounds)):
            worst[tolerance_of(case)] = max(worst[tolerance_of(case)], (error, label))
            if not error <= tolerance_of(case):
                wrong.append(f"{label}, step {step}: {error:.2g}")
    print(dict(worst))
    assert not wrong, f"{len(wrong)} steps\n" + "\n".join(wrong[:40])
    assert set(worst) == {F32, F16, F16_OF_MANY, CODES, CODES_OF_MANY}, "each kind was met"


def test_what_a_target_can_t_hold_is_refused_with_its_reason(cases):
    seen = set()
    for _, case in cases:
        if "refused" not in case:
            continue
        target = case["target"].split(":")[0]
        reason = next((r for r in REFUSED[target] if r in case["refused"]), None)
        assert reason, case
        seen.add((target, reason))
    assert ("ios17", REFUSED["ios17"][0]) in seen


def test_weights_stay_compressed(cases):
    for folder, case in cases:
        if case["name"] == "linear of 1536" and case["target"] == "macos15:f32" and case["scheme"] == "w4g32":
            weights = folder / "net.mlpackage/Data/com.apple.CoreML/weights/weight.bin"
            assert weights.stat().st_size < 96 * 1536 * (0.5 + 4.5 / 32) + 2000
            return
    raise AssertionError("no such case")


def test_coremltools_loads_and_saves_the_packages(cases):
    done = set()
    for folder, case in cases:
        kind = (case["scheme"], case["target"], "convolution" in case["name"])
        if "refused" in case or kind in done:
            continue
        done.add(kind)
        passes_coremltools(folder / "net.mlpackage")
    assert len(done) > 20


def test_a_changed_weight_is_noticed(cases):
    folder, case = next((f, c) for f, c in cases if c["name"] == "linear of 64" and c["scheme"] == "w4g32")
    weights = folder / "net.mlpackage/Data/com.apple.CoreML/weights/weight.bin"
    kept = weights.read_bytes()
    weights.write_bytes(kept[:200] + bytes([kept[200] ^ 0x80]) + kept[201:])
    try:
        assert max(errors_of(folder, case, rounds=False)) > 10 * F32
    finally:
        weights.write_bytes(kept)
