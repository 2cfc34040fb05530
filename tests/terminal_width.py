"""Tables take the terminal's width: a real run, shown at several widths, on a pseudo-terminal and beside one."""
import fcntl
import os
import pty
import re
import struct
import termios

import pytest


@pytest.fixture(scope="module")
def shown(program, tiny) -> str:
    """What a run prints; `program` is without COLUMNS, and has that run to report on."""
    program.environment.pop("COLUMNS", None)
    done = program.run("run", tiny, "--quiet", "--launches", "3", "--scheme", "fp32,w4g32", "--framework", "onnxruntime,reference")
    assert done.returncode == 0, done
    return done.stdout


@pytest.fixture(scope="module")
def report(program, shown):
    def run(*arguments, **environment: str) -> str:
        done = program.run("report", *arguments, **environment)
        assert done.returncode == 0, done
        return done.stdout
    return run


@pytest.fixture(scope="module")
def report_on_terminal(program, shown):
    def run(columns: int, **environment: str) -> str:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        child = program.start("report", stdout=theirs, stderr=None, **environment)
        os.close(theirs)
        text = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # the other side is closed: Linux says so by an error
                break
            if not part:
                break
            text += part
        os.close(ours)
        code = child.wait()
        assert code == 0, f"report on a terminal of {columns} columns ends with {code}"
        return text.decode().replace("\r\n", "\n")
    return run


def widest(text: str) -> int:
    return max(len(line) for line in text.splitlines())


def headings(text: str) -> int:
    """Of the first table: how many columns it has."""
    return len(re.findall(r"\S+(?: \S+)*", text.splitlines()[1]))


def test_tables_are_100_wide_without_a_terminal(shown):
    assert widest(shown.split("\nreport  ")[0]) <= 100, shown


def test_a_run_ends_with_the_verdict(shown):
    last = shown.split("\nreport  ")[0].split("\n\n")[-1]
    assert re.findall(r"^  (\w.*?): ", last, re.M) == ["fastest", "smallest", "fastest within 1 % of fp32's answers"], last


def test_report_shows_what_the_run_showed(shown, report):
    text = report()
    assert text == shown.split("report  ")[0], text


@pytest.mark.parametrize("columns", (60, 80, 120))
def test_a_terminal_is_not_exceeded(report_on_terminal, columns):
    text = report_on_terminal(columns)
    assert widest(text) <= columns and "not shown for width" in text, text


def test_a_wider_terminal_has_more_columns(report_on_terminal):
    narrow, wide = report_on_terminal(60), report_on_terminal(120)
    assert headings(narrow) < headings(wide), narrow + wide


def test_columns_counts_before_the_terminal(report_on_terminal):
    text = report_on_terminal(120, COLUMNS="70")
    assert widest(text) <= 70, text


def test_columns_that_is_no_number_does_not_count(report_on_terminal):
    text = report_on_terminal(120, COLUMNS="wide")
    assert text == report_on_terminal(120), text


def test_wide_leaves_nothing_out(report):
    wide = report("--wide")
    assert "not shown" not in wide and headings(wide) > headings(report(COLUMNS="120")), wide


def test_a_file_does_not_depend_on_the_terminal(report, tmp_path):
    file = tmp_path / "a.txt"
    report("-o", str(file), COLUMNS="300")
    assert widest(file.read_text()) <= 100, file.read_text()
