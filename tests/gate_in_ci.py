"""The commands of docs/ci.md, as they stand there, in their order, on real workers."""
import json
import re
import subprocess
from pathlib import Path

import pytest
from mlflow_server import FakeMlflow
import xml.etree.ElementTree as xml

DOCUMENT = Path(__file__).resolve().parents[1] / "docs/ci.md"
# What the page calls quick: cases that take a moment.
SUITE = """
name = "quick"
[protocol]
launches = 5
warmup_duration = "5ms"
iteration_count = 3
duration_min = "20ms"
[[benchmark]]
model     = ["llama-test"]
scheme    = ["fp32", "w8c"]
framework = ["reference", "onnxruntime"]
workload  = { prompt_tokens = 8, generated_tokens = 4, threads = 1 }
"""


def speed_launches(records: list) -> set[int]:
    """How many blocks the cases have been measured in."""
    return {len({launch["index"] % 10_000 for launch in record["launches"] if launch["kind"] == "speed"}) for record in records}


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", DOCUMENT.read_text(), re.S)


class Shell:
    """Where the page's commands are typed."""

    def __init__(self, program, folder: Path, bin_folder: Path):
        self.program, self.folder = program, folder
        suites, tools = folder / "suites", folder / "tools"
        workers = [folder / "old", folder / "new"]
        for place in (suites, tools, *workers):
            place.mkdir()
        (suites / "quick.toml").write_text(SUITE)
        (tools / "qbench").symlink_to(program.path)
        for place in workers:
            (place / "qbench-worker-onnxruntime").symlink_to(bin_folder / "qbench-worker-onnxruntime")
        self.environment = {"QBENCH_SUITES": str(suites), "OLD_WORKERS": str(workers[0]), "NEW_WORKERS": str(workers[1]),
                            "QBENCH_HOME": str(folder / "home")}

    def type(self, command: str, **changes):
        environment = self.program.environment_with({**self.environment, **changes})
        environment["PATH"] = f"{self.folder / 'tools'}:{environment['PATH']}"
        return subprocess.run(["bash", "-c", command], env=environment, cwd=self.folder, text=True, capture_output=True, timeout=300)

    def expect(self, command: str, codes: tuple, **changes) -> str:
        done = self.type(command, **changes)
        assert done.returncode in codes, f"{command}: exit {done.returncode}, {done.stdout[-1500:]}\n{done.stderr[-600:]}"
        return done.stdout


@pytest.fixture(scope="module")
def shell(program, bin_folder, tmp_path_factory) -> Shell:
    return Shell(program, tmp_path_factory.mktemp("ci"), bin_folder)


def test_two_versions_in_one_run(shell):
    run, gate = blocks("sh")[0].splitlines()
    shell.expect(run, (0,))
    listed = shell.program.json("list", QBENCH_HOME=shell.environment["QBENCH_HOME"])
    old = sorted({record["framework"] for record in listed})[0]
    assert old.startswith("onnxruntime@"), listed
    said = shell.expect(gate, (0, 3), OLD_VERSION=old)
    assert "launches interleaved" in said and "gate: " in (shell.folder / "gate.md").read_text(), said
    assert xml.parse(shell.folder / "gate.xml").getroot().get("failures") == "0"
    more, again = blocks("sh")[3].splitlines()
    shell.expect(more, (0,))
    more_listed = shell.program.json("list", QBENCH_HOME=shell.environment["QBENCH_HOME"])
    assert speed_launches(more_listed) == {20} and speed_launches(listed) == {12}, more_listed
    shell.expect(again, (0, 3), OLD_VERSION=old)


def test_a_baseline_of_another_run(shell):
    """The same build: no regression, and with these tolerances most likely none that can't be told."""
    (shell.folder / "gate.toml").write_text(blocks("toml")[0])
    for command in blocks("sh")[1].splitlines():
        shell.expect(command, (0,))
    run, gate = blocks("sh")[2].splitlines()
    shell.expect(run, (0,))
    said = shell.expect(gate, (0, 3))
    assert "not interleaved" in said and (shell.folder / "gate.xml").exists() and (shell.folder / "gate.md").exists(), said
    shell.expect(blocks("sh")[4], (0,))


def test_what_pipelines_run(shell):
    """The same commands, with what a pipeline sets."""
    commands = [line.strip().removeprefix("- ").removeprefix("run: ") for block in blocks("yaml") for line in block.splitlines() if "qbench" in line]
    assert len(commands) == 4, commands
    summary = shell.folder / "summary.md"
    for command in commands:
        shell.expect(command, (0,) if " run " in command else (0, 3), GITHUB_STEP_SUMMARY=str(summary))
    assert "gate: " in summary.read_text(), summary.read_text()


def test_files_for_other_dashboards(shell):
    for command in blocks("sh")[5].splitlines():
        shell.expect(command, (0,))
    cases, times, rates = (json.loads((shell.folder / name).read_text()) for name in ("results.json", "times.json", "rates.json"))
    listed = {r["case"]: r["measurements"] for r in shell.program.json("list", "--store", shell.folder / "now.db")}
    assert set(cases) == set(listed), cases
    for case, measures in cases.items():
        for metric, measure in measures.items():
            known = listed[case][metric]
            assert measure == {"value": known["value"], **({"lower_value": known["low"]} if known["low"] is not None else {}),
                               **({"upper_value": known["high"]} if known["high"] is not None else {})}, (case, metric, measure, known)
    assert any(entry["name"].endswith(": decode_tokens_per_s") and entry["unit"] == "tokens/s" for entry in rates), rates
    assert {entry["name"] for entry in times}.isdisjoint(entry["name"] for entry in rates) and times, times


def test_a_history_of_few_runs_says_so(shell):
    assert "are looked for from 12" in shell.expect(blocks("sh")[6].strip(), (0,))


def test_publishing(shell):
    server = FakeMlflow()
    said = shell.expect(blocks("sh")[7].strip(), (0,), MLFLOW_TRACKING_URI=server.uri)
    server.close()
    assert "cases sent" in said and server.artifacts, said
