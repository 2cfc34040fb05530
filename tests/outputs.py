"""What is written where: every verb that writes, to every kind of place; and what a run's end says."""
import os
import stat
import sys
import threading
from pathlib import Path

import pytest
from program import errors_of

TINY = Path(__file__).resolve().parent / "suites/tiny.toml"
ONE_CASE = ("run", TINY, "--scheme", "fp32", "--framework", "reference", "--launches", 1)


@pytest.fixture(scope="module")
def store(program) -> Path:
    """With a run to report on."""
    path = program.folder / "a.db"
    done = program.run(*ONE_CASE, "--store", path, "-o", program.folder / "a.html")
    assert done.returncode == 0, done
    return path


# Each verb: what it is called with to write to `place` from the store `a` or into the folder `to`, and how what it wrote begins.
WRITERS = {
    "report": (lambda place, a, to: ("report", "--store", a, "--format", "csv", "-o", place), "run,model,"),
    "report by its ending": (lambda place, a, to: ("report", "--store", a, "--format", "html", "-o", place), "<!doctype html>"),
    "run -o": (lambda place, a, to: (*ONE_CASE, "--json", "--store", to / "b.db", "-o", place), "<!doctype html>"),
    "run --events": (lambda place, a, to: (*ONE_CASE, "--json", "--store", to / "b.db", "-o", to / "page.html", "--events", place),
                     '{"event":"begun"'),
}


@pytest.fixture(params=WRITERS)
def writer(request, store, tmp_path):
    """What to call to write to a place, and how what it writes begins."""
    command, mark = WRITERS[request.param]
    return lambda place: command(place, store, tmp_path), mark


def test_a_new_file_is_written(program, writer, tmp_path):
    command, mark = writer
    done = program.run(*command(tmp_path / "plain"))
    assert done.returncode == 0 and (tmp_path / "plain").read_text().startswith(mark), done


@pytest.mark.parametrize("is_there", (True, False), ids=("there", "not there yet"))
def test_a_link_is_followed(program, writer, tmp_path, is_there):
    command, mark = writer
    target, link = tmp_path / "target", tmp_path / "link"
    if is_there:
        target.write_text("")
    link.symlink_to("target")
    done = program.run(*command(link))
    assert done.returncode == 0 and link.is_symlink() and target.read_text().startswith(mark), done


def test_a_pipe_is_written_to(program, writer, tmp_path):
    command, mark = writer
    fifo, got = tmp_path / "fifo", []
    os.mkfifo(fifo)
    reader = threading.Thread(target=lambda: got.append(fifo.read_text()), daemon=True)
    reader.start()
    done = program.run(*command(fifo))
    reader.join(10)
    assert done.returncode == 0 and got and got[0].startswith(mark) and stat.S_ISFIFO(fifo.lstat().st_mode), (done, got)


needs_dev_stdout = pytest.mark.skipif(not Path("/dev/stdout").exists(), reason="there is no /dev/stdout here")


@needs_dev_stdout
def test_standard_output_into_a_pipe(program, writer):
    command, mark = writer
    before = Path("/dev/stdout").lstat()
    done = program.run(*command("/dev/stdout"))
    assert done.returncode == 0 and done.stdout.startswith(mark) and Path("/dev/stdout").lstat().st_ino == before.st_ino, \
        (done.returncode, done.stderr, done.stdout[:80])


@needs_dev_stdout
def test_standard_output_into_a_file_behind_what_is_there(program, writer, tmp_path):
    command, mark = writer
    place = tmp_path / "redirected"
    with open(place, "w") as file:
        file.write("before\n")
        file.flush()
        done = program.run(*command("/dev/stdout"), stdout=file)
    assert done.returncode == 0 and place.read_text().startswith("before\n" + mark), (done, place.read_text()[:80])


needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has these places")


@pytest.mark.parametrize("kind", ("a folder", "a file in the place of a folder",
                                  *(pytest.param(kind, marks=needs_linux) for kind in ("a folder that can't be written", "a full disk"))))
def test_a_place_that_cannot_be_written_is_refused_before_anything_is_measured(program, writer, tmp_path, kind):
    command, _ = writer
    (tmp_path / "occupied").write_text("x")
    place = {"a folder": tmp_path, "a file in the place of a folder": tmp_path / "occupied/x",
             "a folder that can't be written": "/proc/x", "a full disk": "/dev/full"}[kind]
    done = program.run(*command(place))
    is_measured = "decode" in done.stdout + done.stderr
    assert done.returncode in (1, 2) and len(errors_of(done)) == 1 and str(place) in errors_of(done)[0] and \
        (not is_measured or kind == "a full disk"), (done.returncode, done.stderr, is_measured)


@pytest.fixture
def quantize(program):
    return lambda scheme, *more: program.run("quantize", "llama-test", "--scheme", scheme, *more)


def test_quantize_writes_to_nothing_that_is_there(quantize, tmp_path):
    """Its output is a folder, which must not be there yet, whatever it is."""
    target, link, fifo = tmp_path / "target", tmp_path / "link", tmp_path / "fifo"
    target.write_text("mine")
    link.symlink_to("nowhere")
    os.mkfifo(fifo)
    for place in (target, link, fifo, tmp_path, "/dev/stdout", "/dev/null"):
        done = quantize("w8c", "-o", place)
        assert done.returncode == 2 and "is there already" in done.stderr and done.stdout == "", (place, done)
    assert target.read_text() == "mine" and link.is_symlink() and stat.S_ISFIFO(fifo.lstat().st_mode), "one didn't stay what it was"


def test_quantize_makes_a_new_folder(quantize, tmp_path):
    done = quantize("w8c", "-o", tmp_path / "new/deep/bundle")
    assert done.returncode == 0 and (tmp_path / "new/deep/bundle/bundle.json").exists(), done


@needs_linux
def test_quantize_names_a_folder_that_cannot_be_written(quantize):
    done = quantize("w4g32", "-o", "/proc/x")
    assert done.returncode == 2 and len(errors_of(done)) == 1 and "/proc/x" in done.stderr, done


def test_a_scheme_that_quantizes_nothing_has_the_size_that_it_has(program, quantize):
    done = quantize("fp32")
    sizes = program.json("quantize", "llama-test", "--scheme", "fp32")
    assert "32.00 bits per weight" in done.stdout and "0 B" not in done.stdout and sizes["bits_per_weight"] == 32.0 and \
        sizes["stored"]["bytes"] > 100_000 and sizes["layers"] == [], (done.stdout, sizes)


LISTINGS = [(verb, *json_too) for verb in ("doctor", "zoo", "schemes", "frameworks", "metrics") for json_too in ((), ("--json",))]
OF_A_STORE = [("list",), ("list", "--json"), ("report",), ("report", "--format", "json"), ("explain", "fp32")]
PRINTING = [*LISTINGS, *OF_A_STORE, ("quantize", "llama-test", "--scheme", "w8c"), (*ONE_CASE, "--plan-only"), ("--help",), ("--version",)]


@pytest.fixture(params=PRINTING, ids=lambda command: " ".join(str(word) for word in command if word != TINY))
def printing(request, store):
    """A command that prints."""
    return (*request.param, "--store", store) if request.param in OF_A_STORE else request.param


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_printing_to_a_full_disk_is_one_line(program, printing):
    with open("/dev/full", "w") as full:
        done = program.run(*printing, stdout=full)
    assert done.returncode == 1 and len(errors_of(done)) == 1 and "standard output" in errors_of(done)[0], (done.returncode, done.stderr)


def test_printing_to_a_reader_that_is_gone_is_quiet(program, printing):
    reading, writing = os.pipe()
    os.close(reading)
    done = program.run(*printing, stdout=writing)
    os.close(writing)
    assert errors_of(done) == [], done.stderr


def test_a_run_that_measured_nothing_says_so_last_and_is_no_success(program, tmp_path):
    done = program.run("run", TINY, "--scheme", "fp32", "--framework", "coreml", "--store", tmp_path / "n.db", "-o", tmp_path / "n.html")
    assert done.returncode == 1 and done.stderr.splitlines()[-1] == "none of 1 cases was measured: 1 unavailable", (done.returncode, done.stderr)


def test_unavailable_beside_measured_is_a_success(program, tmp_path):
    done = program.run("run", TINY, "--scheme", "fp32", "--framework", "coreml,reference", "--launches", 1, "--store", tmp_path / "s.db",
                       "-o", tmp_path / "s.html")
    assert done.returncode == 0, (done.returncode, done.stderr)


@pytest.mark.skipif("ASAN_OPTIONS" in os.environ, reason="programs with a sanitizer can't have limits of memory")
def test_a_run_in_which_a_case_failed_says_so_last_and_is_no_success(program, tmp_path):
    done = program.run(*ONE_CASE, "--memory-max", "2MB", "--store", tmp_path / "f.db", "-o", tmp_path / "f.html")
    assert done.returncode == 1 and done.stderr.splitlines()[-1].endswith("1 out_of_memory"), (done.returncode, done.stderr)


@pytest.mark.parametrize("given, nearest", (("rnu", "run"), ("quantise", "quantize"), ("reports", "report"), ("scheme", "schemes")))
def test_an_unknown_verb_is_named_with_the_nearest(program, given, nearest):
    done = program.run(given)
    assert done.returncode == 2 and len(errors_of(done)) == 1 and f'"{given}"' in done.stderr and \
        f'did you mean "{nearest}"?' in done.stderr, done.stderr


@pytest.mark.parametrize("count", ("0", "-1", "100000", "1,0"))
def test_a_number_of_threads_is_refused_with_the_machines_limits(program, count):
    done = program.run("run", TINY, f"--threads={count}", "--plan-only")
    assert done.returncode == 2 and len(errors_of(done)) == 1 and "this machine offers 1 to" in done.stderr, done.stderr


def test_what_a_list_names_twice_is_planned_once(program):
    twice = program.json("run", TINY, "--threads", "1,1", "--scheme", "fp32,fp32", "--framework", "reference,reference", "--batch", "2,2",
                         "--depth", "0,0", "--plan-only")
    assert len(twice["cases"]) == 1, twice


@pytest.mark.parametrize("verb", (ONE_CASE, ("list",), ("doctor",), ("quantize", "llama-test", "--scheme", "w8c")), ids=lambda verb: verb[0])
def test_without_a_home_a_verb_is_refused_with_the_remedy(program, verb):
    done = program.run(*verb, HOME=None, QBENCH_HOME=None, QBENCH_CACHE=None, XDG_DATA_HOME="relative", XDG_CACHE_HOME="")
    assert done.returncode == 2 and "set HOME" in done.stderr and not Path("relative").exists(), done.stderr
