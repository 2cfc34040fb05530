"""That the orchestrator links and contains no framework and nothing that opens weights: its libraries and its symbols."""
import subprocess
import sys

import pytest

FRAMEWORKS = ("onnxruntime", "OrtGetApiBase", "torch", "c10", "libmlx", "CoreML")
READERS = ("2qb7weights", "2qb4text", "2qb7prepare", "2qb8compress")  # namespaces, as symbols have them


def output_of(*command) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def qbench(bin_folder) -> str:
    return str(bin_folder / "qbench")


@pytest.mark.parametrize("word", FRAMEWORKS)
def test_links_no_framework(qbench, word):
    libraries = output_of(*(["otool", "-L"] if sys.platform == "darwin" else ["ldd"]), qbench)
    text = (libraries + output_of("nm", "-u", qbench)).replace(qbench, "")
    assert word not in text, [line for line in text.splitlines() if word in line]


@pytest.mark.parametrize("word", READERS)
def test_contains_no_reader_of_weights(qbench, word):
    own = output_of("nm", qbench)
    assert "2qb3cli" in own, "no symbols to look at"
    assert word not in own, [line for line in own.splitlines() if word in line]
