"""The real command line, as the tests of the whole program call it."""
import errno
import json
import os
import pty
import subprocess
from pathlib import Path


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
        assert done.returncode == 0, f"no JSON of {arguments}: {done}"
        return json.loads(done.stdout)

    def records(self, store: Path, *more, **environment) -> list:
        return self.json("list", "--store", store, *more, **environment)

    def report(self, store: Path) -> dict:
        return json.loads(self.run("report", "--store", store, "--format", "json").stdout)


FAST = 'name = "fast"\n[protocol]\nlaunches = 2\nduration_min = "20ms"\nwarmup_duration = "10ms"\nduration_max = "1s"\n'


class Files:
    """A folder with a user's own model files, and the program that measures them, with two short launches."""

    def __init__(self, program: Program, folder: Path):
        self.program, self.folder, self.suite, self.store = program, folder, folder / "fast.toml", folder / "a.db"
        self.suite.write_text(FAST)

    def write(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def run(self, *arguments, **more):
        """So wide that no sentence is broken over two lines and no column is left out."""
        return self.program.run(*arguments, COLUMNS="1000", **more)

    def measure(self, *arguments, **more):
        """The run and its records by model."""
        done = self.run("run", self.suite, "--wide", *arguments, "--store", self.store, "-o", self.folder / "a.html", **more)
        listed = self.run("list", "--store", self.store, "--json")
        return done, {r["model"]: r for r in json.loads(listed.stdout)} if listed.returncode == 0 else {}


# A suite that takes a moment, for models of one's own.
LITTLE = '''name = "little"
[protocol]
launches = 1
duration_min = "20ms"
warmup_duration = "10ms"
duration_max = "1s"
[[benchmark]]
model = ["llama-test"]
scheme = ["w4g32"]
framework = ["onnxruntime"]
workload = { prompt_tokens = 4, generated_tokens = 2 }
quality_items = 16
'''


def answer_at_terminal(arguments: list, answer: bytes, environment: dict, seconds: int = 60) -> tuple[int, bytes]:
    """With a terminal for questions, which gets `answer`: the exit code, and what the terminal showed."""
    leader, follower = pty.openpty()
    process = subprocess.Popen([str(a) for a in arguments], stdin=follower, stdout=subprocess.DEVNULL, stderr=follower, env=environment)
    os.close(follower)
    shown = b""
    try:
        while chunk := os.read(leader, 4096):
            shown += chunk
            if b"[y/N]" in shown and answer:
                os.write(leader, answer)
                answer = b""
    except OSError as error:  # a terminal whose last user has gone
        assert error.errno == errno.EIO
    os.close(leader)
    return process.wait(seconds), shown


def errors_of(done) -> list[str]:
    """The lines in which qbench says what is wrong."""
    return [line for line in done.stderr.splitlines() if line.startswith("qbench: ")]


def refused(done, *words: str) -> None:
    """Exit 2, and one line that names all of `words`."""
    lines = errors_of(done)
    assert done.returncode == 2 and len(lines) == 1 and all(word in lines[0] for word in words), \
        f"not refused with {words}: exit {done.returncode}, {done.stderr[-600:]}"
