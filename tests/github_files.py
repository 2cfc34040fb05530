"""What .github asks of the program is there. The files themselves run only on GitHub."""
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = [*(ROOT / ".github").rglob("*.yml")]


def runs_of(text: str) -> list[str]:
    """The shell of each step, a block or a line."""
    blocks = re.findall(r"^( *)(?:- )?run: \|\n((?:\1 +.*\n|\n)+)", text, re.M)
    return [body for _, body in blocks] + re.findall(r"run: ([^|\n].*)", text)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_its_verbs_and_options_exist(program, file):
    seen = 0
    for body in runs_of(file.read_text()):
        for verb, rest in re.findall(r"(?:\./qb|qbench) (run|gate|publish|history|report) ([^\n]*)", body):
            helped = program.run(verb, "--help").stdout
            for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*", rest.split("||")[0]):
                assert option in helped or option == "--python", f"{file}: {verb} has no {option}"  # --python is of ./qb
                seen += 1
    assert seen > 0 or "qb" not in file.read_text() or file.name == "measure.yml", file


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_its_shell_is_shell(file, tmp_path):
    import subprocess
    for body in runs_of(file.read_text()):
        script = re.sub(r"\$\{\{.*?\}\}", "x", body)
        done = subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True)
        assert done.returncode == 0, f"{file}: {done.stderr}\n{body}"


def test_inputs_that_are_passed_are_taken():
    action = (ROOT / ".github/actions/gate/action.yml").read_text()
    inputs = set(re.findall(r"^  ([a-z-]+): \{ description", action, re.M))
    used = set(re.findall(r"inputs\.([a-z-]+)", action))
    assert used == inputs - {"answer"} and len(inputs) >= 9, used ^ inputs
    passed = re.search(r"with:\n((?: {10}.*\n)+)", (ROOT / ".github/workflows/measure.yml").read_text())[1]
    assert set(re.findall(r"^ {10}([a-z-]+):", passed, re.M)) <= inputs, passed
