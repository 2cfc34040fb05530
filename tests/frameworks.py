"""The frameworks together: all of them; each missing in turn, by its library or by its worker; two versions side by side."""
from pathlib import Path

import pytest

FRAMEWORKS = ("onnxruntime", "pytorch", "mlx")
SUITE = Path(__file__).resolve().parent / "suites/frameworks.toml"


def measure(program, folder: Path, *workers: Path):
    """The run and its records, with the workers of these folders, or of the program's own."""
    store = folder / "a.db"
    environment = {"QBENCH_WORKERS": ":".join(map(str, workers))}
    done = program.run("run", SUITE, "--store", store, "-o", folder / "a.html", **environment)
    return done, program.records(store, **environment)


def outcomes(records: list) -> list:
    return [(r["case"], r["outcome"], r["reason"]) for r in records]


def link_workers(bin_folder: Path, target: Path, left_out: str = "") -> Path:
    """A folder with the workers, as set-up makes one for each Python."""
    target.mkdir()
    for framework in FRAMEWORKS:
        if framework != left_out:
            (target / f"qbench-worker-{framework}").symlink_to(bin_folder / f"qbench-worker-{framework}")
    return target


def without_library(bin_folder: Path, target: Path, framework: str) -> Path:
    """The framework's worker as it is when the Python package has been removed: where it looks, nothing is."""
    link_workers(bin_folder, target, framework)
    worker = target / f"qbench-worker-{framework}"
    content = (bin_folder / worker.name).read_bytes()
    assert b"/site-packages/" in content, f"{framework}'s worker doesn't know where the package was"
    worker.write_bytes(content.replace(b"/site-packages/", b"/gone-packages/"))
    worker.chmod(0o755)
    return target


def test_all_are_measured_on_the_same_bits(program, tmp_path):
    done, records = measure(program, tmp_path)
    assert done.returncode == 0 and [r["outcome"] for r in records] == ["ok"] * 6, outcomes(records) or done.stderr
    assert "The same bits in each framework" in done.stdout, done.stdout
    hashes = {r["scheme"]: set() for r in records}
    for r in records:
        hashes[r["scheme"]].add(r["manifest"]["bundle_hash"])
    assert all(len(h) == 1 for h in hashes.values()), hashes


@pytest.mark.parametrize("missing", (link_workers, without_library), ids=("worker", "library"))
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_missing_framework_is_unavailable_and_the_rest_runs(program, bin_folder, tmp_path, framework, missing):
    workers = missing(bin_folder, tmp_path / "workers", framework)
    done, records = measure(program, tmp_path, workers)
    wanted = {r["case"]: "unavailable" if r["framework"] == framework else "ok" for r in records}
    assert done.returncode == 0 and len(records) == 6 and {r["case"]: r["outcome"] for r in records} == wanted, \
        (done.stderr[-300:], outcomes(records))
    reasons = {r["reason"] for r in records if r["framework"] == framework}
    assert len(reasons) == 1 and "./qb setup" in next(iter(reasons)), reasons
    doctor = program.run("doctor", QBENCH_WORKERS=str(workers)).stdout
    assert f"{framework}" in doctor and "unavailable" in doctor and "remedy: " in doctor, doctor


@pytest.fixture(scope="module")
def two_versions(bin_folder, tmp_path_factory) -> list[Path]:
    """Two folders of workers, the second without MLX's."""
    folder = tmp_path_factory.mktemp("versions")
    return [link_workers(bin_folder, folder / "one"), link_workers(bin_folder, folder / "two", "mlx")]


def test_two_versions_stand_side_by_side(program, two_versions, tmp_path):
    done, records = measure(program, tmp_path, *two_versions)
    names = sorted({r["framework"] for r in records})
    assert done.returncode == 0 and len(names) == 5 and "@" not in names[0] and \
        [n.split("@")[0] for n in names] == ["mlx", "onnxruntime", "onnxruntime", "pytorch", "pytorch"], (names, done.stderr[-300:])
    assert [r["outcome"] for r in records] == ["ok"] * 10, outcomes(records)


def test_a_resumed_run_says_which_version_is_no_longer_there(program, two_versions, tmp_path):
    store = tmp_path / "later.db"
    program.run("run", SUITE, "--budget", "1ms", "--store", store, "-o", tmp_path / "l.html", QBENCH_WORKERS=":".join(map(str, two_versions)))
    program.run("run", "--resume", "--store", store, "-o", tmp_path / "l.html", QBENCH_WORKERS=str(two_versions[0]))
    records = program.records(store, QBENCH_WORKERS="")
    absent = [r for r in records if r["outcome"] == "unavailable" and "not here any more" in r["reason"] and "--python" in r["reason"]]
    assert len(records) == 10 and len(absent) >= 3, outcomes(records)
