#!/usr/bin/env python3
"""Every test has one label, by which it is chosen, and a time-out.

usage: test_properties.py CTEST BUILD_FOLDER
"""
import json
import subprocess
import sys

LABELS = {"unit", "parity", "end_to_end", "rules", "patches"}
SECONDS_MAX = 1800
INSTRUMENTED = 5  # times as long under sanitizers and coverage


def problems(tests):
    for test in tests:
        properties = {p["name"]: p["value"] for p in test.get("properties", [])}
        labels = properties.get("LABELS", [])
        if len(labels) != 1 or labels[0] not in LABELS:
            yield f"{test['name']}: labels {labels}, not one of {sorted(LABELS)}"
        if not 0 < properties.get("TIMEOUT", 0) <= SECONDS_MAX * INSTRUMENTED:
            yield f"{test['name']}: no time-out of its own"


def made_up(name, **properties):
    return {"name": name, "properties": [{"name": key, "value": value} for key, value in properties.items()]}


def self_test():
    good = made_up("good", LABELS=["unit"], TIMEOUT=60.0)
    bad = [made_up("bare"), made_up("unlabelled", TIMEOUT=60.0), made_up("endless", LABELS=["unit"]),
           made_up("other", LABELS=["slow"], TIMEOUT=60.0), made_up("both", LABELS=["unit", "rules"], TIMEOUT=60.0),
           made_up("longest", LABELS=["unit"], TIMEOUT=1e7)]
    found = {line.split(":")[0] for line in problems([good, *bad])}
    missed = {test["name"] for test in bad} - found
    return [f"the rule passes over {name}" for name in missed] + (["the rule blames a good test"] if "good" in found else [])


def main():
    ctest, folder = sys.argv[1:]
    shown = subprocess.run([ctest, "--test-dir", folder, "--show-only=json-v1"], capture_output=True, text=True, check=True)
    tests = json.loads(shown.stdout)["tests"]
    found = self_test() + list(problems(tests)) + ([] if len(tests) > 30 else [f"only {len(tests)} tests are known"])
    print("\n".join(found) or f"{len(tests)} tests, each with a label and a time-out")
    return bool(found)


sys.exit(main())
