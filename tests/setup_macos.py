"""./qb's set-up on a Mac, with stand-ins on Linux: PATH has nothing but what a Mac has by itself, and uname,
sw_vers, xcode-select, Homebrew, CMake and Pythons are scripts that write down how they were called."""
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parent.parent
# What macOS has of what Linux has too. (No sha256sum, nproc, realpath, timeout.)
TOOLS = """awk basename bash cat chmod cksum cp curl cut date df dirname env find getconf grep head id ln ls mkdir mktemp mv
rm sed sort tail tar tee touch tr unzip wc xargs""".split()

PYTHON = """#!{real}
import os, shutil, sys
arguments = sys.argv[1:]
if arguments[0] == "-c":
    sys.version_info = {version}
    sys.argv = ["-c"] + arguments[2:]
    exec(arguments[1])
elif arguments[:2] == ["-m", "venv"]:
    os.makedirs(arguments[2] + "/bin")
    shutil.copy(sys.argv[0], arguments[2] + "/bin/python")
else:
    print("pip", arguments[-1], file=open({log!r}, "a"))
"""
BREW = """#!{real}
import os, pathlib, shutil, sys
prefix = pathlib.Path({prefix!r})
print("brew", *sys.argv[1:], file=open({log!r}, "a"))
if sys.argv[1:] == ["--prefix"]:
    print({said!r})
elif sys.argv[1] != "install" or {broken}:
    sys.exit(1)
proofs = {proofs}
for formula in sys.argv[2:]:
    (prefix / "opt" / formula).mkdir(parents=True)
    for proof in proofs[formula]:
        kept = {held!r} / pathlib.Path(proof)
        if kept.exists():
            shutil.copy(kept, prefix / "bin")
            continue
        homes = [prefix / "opt" / formula] + ([prefix] if formula not in {keg_only} else [])
        for home in homes:
            (home / proof).parent.mkdir(parents=True, exist_ok=True)
            (home / proof).touch(0o755)
"""
CMAKE = """#!/bin/bash
echo "cmake $* CMAKE_PREFIX_PATH=${{CMAKE_PREFIX_PATH:-}} PKG_CONFIG_PATH=${{PKG_CONFIG_PATH:-}}" >>{log}
mkdir -p {project}/build/release/bin
"""


PROOFS = {"python3": "python3.14", "protoc": "bin/protoc", "clang-format-19": "bin/clang-format", "clang-tidy-19": "bin/clang-tidy"}


def formulae(*tables):
    """Formula -> what it brings, of the tables system_packages and test_packages."""
    brought = {}
    for table in tables:
        for line in (SOURCE / f"scripts/{table}.txt").read_text().splitlines():
            if line and not line.startswith("#"):
                proof, _, formula = line.split()
                if formula != "-":
                    brought.setdefault(formula, []).append(PROOFS.get(proof, proof))
    return brought


class Mac:
    """A Mac that nobody has used: macOS 15 on Apple silicon, with the command line tools and Homebrew."""

    def __init__(self, folder):
        self.folder, self.log = folder, folder / "log"
        self.bin, self.held, self.prefix = folder / "bin", folder / "held", folder / "homebrew"
        self.project = folder / "project"
        for made in (self.bin, self.held, self.prefix / "bin", self.project / "tests"):
            made.mkdir(parents=True)
        for name in TOOLS:
            (self.bin / name).symlink_to(shutil.which(name))
        if os.environ.get("QB_BASH"):  # a bash as old as a Mac's, where there is one
            (self.bin / "bash").unlink()
            (self.bin / "bash").symlink_to(os.environ["QB_BASH"])
        self.script("shasum", f'exec {shutil.which("sha256sum")} "$3"')
        self.script("uname", '[ "${1:-}" = -m ] && echo arm64 || echo Darwin')
        self.script("sw_vers", "echo 15.6.1")
        self.script("xcode-select", "echo /Library/Developer/CommandLineTools")
        self.script("sysctl", "exit 1")
        for stub in ("g++", "git"):
            self.script(stub, f'echo "stub {stub}" >>{self.log}')
        self.python(self.bin / "python3", (3, 9, 6))
        self.brew()
        for tool in ("ninja", "ccache", "pkg-config", "shellcheck"):
            self.write(self.held / tool, "#!/bin/bash\n")
        self.write(self.held / "cmake", CMAKE.format(log=self.log, project=self.project))
        self.python(self.held / "python3.14", (3, 14, 1))
        self.copy_project()

    def write(self, path, text):
        path.write_text(text)
        path.chmod(0o755)

    def script(self, name, body):
        self.write(self.bin / name, f"#!/bin/bash\n{body}\n")

    def python(self, path, version):
        self.write(path, PYTHON.format(real=sys.executable, version=version, log=str(self.log)))

    def brew(self, keg_only=(), broken=False, said=None):
        self.write(self.prefix / "bin/brew", BREW.format(
            real=sys.executable, prefix=str(self.prefix), said=said or str(self.prefix), log=str(self.log), broken=broken,
            proofs=formulae("system_packages", "test_packages"), held=str(self.held), keg_only=("llvm@19", *keg_only)))

    def copy_project(self):
        """With one row of data, whose file the user's cache has."""
        for name in ("qb", "CMakePresets.json"):
            shutil.copy(SOURCE / name, self.project)
        shutil.copytree(SOURCE / "scripts", self.project / "scripts")
        shutil.copy(SOURCE / "tests/requirements.txt", self.project / "tests")
        with zipfile.ZipFile(self.folder / "one.zip", "w") as archive:
            archive.writestr("one", "1")
        digest = hashlib.sha256((self.folder / "one.zip").read_bytes()).hexdigest()
        downloads = self.folder / "cache/qbench/downloads"
        downloads.mkdir(parents=True)
        shutil.copy(self.folder / "one.zip", downloads / digest)
        (self.project / "scripts/data_packages.txt").write_text(f"wheel one 1.0 {digest} run\n")

    def qb(self, *arguments):
        """Exit code, what was said, and what was called since the last time."""
        before = self.calls()
        done = subprocess.run([self.bin / "bash", self.project / "qb", *arguments], text=True, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
                              env={"PATH": str(self.bin), "HOMEBREW_PREFIX": str(self.prefix), "HOME": str(self.folder),
                                   "XDG_CACHE_HOME": str(self.folder / "cache")})
        return done.returncode, done.stdout.splitlines(), self.calls()[len(before):]

    def calls(self):
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def mac(tmp_path):
    return Mac(tmp_path)


def starting(calls, start):
    return [call for call in calls if call.startswith(start)]


def refuses(mac, *words, verb="setup", lines=1):
    """Exit code 2 and one line that has all the words, whatever was said on the way."""
    status, said, calls = mac.qb(verb)
    assert status == 2 and len(said) == lines, said
    assert said[-1].startswith("qb: ") and all(word in said[-1] for word in words), said[-1]
    return calls


def test_a_fresh_mac_is_set_up_and_a_second_run_installs_nothing(mac, capsys):
    status, said, calls = mac.qb("setup")
    log = (mac.project / "build/setup.log").read_text()
    with capsys.disabled():
        print("\n" + "\n".join(said), *calls, sep="\n  ")
    assert status == 0 and said[-1] == "qb: all is there", said + [log]
    assert [set(call.split()[2:]) for call in starting(calls, "brew install")] == [set(formulae("system_packages"))]
    requirements = [line.split()[2] for line in (SOURCE / "scripts/frameworks.txt").read_text().splitlines()
                    if not line.startswith("#")]
    assert starting(calls, "pip") == [f"pip {requirement}" for requirement in requirements]
    assert f"CMAKE_PREFIX_PATH={mac.prefix} " in starting(calls, "cmake --preset release")[0]
    assert not starting(calls, "stub")
    assert (mac.project / "build/data/one-1.0/one").read_text() == "1"

    status, said, calls = mac.qb("setup")
    with capsys.disabled():
        print("\n".join(["again:", *said]), *calls, sep="\n  ")
    assert status == 0 and said == ["qb: all is there"], said
    assert [call.split(" CMAKE")[0] for call in calls] == ["brew --prefix", "cmake --build --preset release"]


def test_the_tests_packages_are_installed_once(mac):
    mac.script("ctest", 'echo "100% tests passed, 0 tests failed out of 3"')
    status, said, calls = mac.qb("test", "--unit")
    assert status == 0 and said[-1] == "3 passed, 0 failed", said
    assert [set(call.split()[2:]) for call in starting(calls, "brew install")] == [
        set(formulae("system_packages")), set(formulae("test_packages"))]
    assert f"pip {mac.project}/tests/requirements.txt" in calls
    _, _, calls = mac.qb("test", "--unit")
    assert not starting(calls, "brew install") and not starting(calls, "pip")


def test_what_is_keg_only_is_shown_to_cmake_and_not_installed_again(mac):
    mac.brew(keg_only=("jpeg-turbo", "pcre2"))
    status, said, calls = mac.qb("setup")
    configured = starting(calls, "cmake --preset release")[0]
    kegs = [mac.prefix / "opt" / name for name in ("jpeg-turbo", "pcre2")]
    assert status == 0, said
    assert f"CMAKE_PREFIX_PATH={mac.prefix}:{kegs[1]}:{kegs[0]} " in configured
    assert f"PKG_CONFIG_PATH={kegs[0]}/lib/pkgconfig:{kegs[1]}/lib/pkgconfig" in configured
    assert not starting(mac.qb("setup")[2], "brew install")


def test_no_homebrew_is_one_line(mac):
    (mac.prefix / "bin/brew").unlink()
    refuses(mac, "Homebrew is needed", "brew.sh")


def test_homebrew_that_fails_is_one_line(mac):
    mac.brew(broken=True)
    refuses(mac, "Homebrew could not install", "fmt", "setup.log", lines=2)


def test_the_homebrew_of_intel_macs_is_refused_on_apple_silicon(mac):
    mac.brew(said="/usr/local")
    refuses(mac, "Homebrew in /usr/local is for Intel")


def test_no_command_line_tools_is_one_line_and_opens_no_window(mac):
    mac.script("xcode-select", "echo 'unable to get active developer directory' >&2; exit 2")
    mac.script("python3", f"echo 'stub python3' >>{mac.log}; exit 1")  # as Apple's is then
    assert refuses(mac, "xcode-select --install") == []


@pytest.mark.parametrize("version", ["13.7.8", "10.15.7", ""])
def test_an_older_macos_is_refused(mac, version):
    mac.script("sw_vers", f"echo {version}")
    assert refuses(mac, f"macOS {version}:", "14 and later") == []


@pytest.mark.parametrize("version", ["14.0", "26.2", "27.0"])
def test_a_newer_macos_is_not(mac, version):
    mac.script("sw_vers", f"echo {version}")
    assert mac.qb("setup")[0] == 0


def test_an_intel_mac_is_set_up_without_frameworks(mac):
    mac.script("uname", '[ "${1:-}" = -m ] && echo x86_64 || echo Darwin')
    status, said, calls = mac.qb("setup")
    assert status == 0 and said[-1] == "qb: all is there", said
    assert "Intel Mac" in said[0] and all(name in said[0] for name in ("ONNX Runtime", "PyTorch", "MLX", "unavailable"))
    assert not starting(calls, "pip")
    refuses(mac, "no package for Intel Macs", verb="test", lines=3)


def test_rosetta_is_not_taken_for_an_intel_mac(mac):
    mac.script("uname", '[ "${1:-}" = -m ] && echo x86_64 || echo Darwin')
    mac.script("sysctl", "echo 1")
    refuses(mac, "Rosetta", "arch -arm64")


def test_a_python_that_is_too_old_or_too_new_is_passed_over(mac):
    mac.python(mac.bin / "python3", (3, 15, 0))
    mac.python(mac.bin / "python3.12", (3, 12, 1))
    _, _, calls = mac.qb("setup")
    assert "python@3.14" not in starting(calls, "brew install")[0]
    assert "(3, 12, 1)" in (mac.project / "build/venv/bin/python").read_text()


def test_an_environment_of_an_older_python_is_made_anew(mac):
    (mac.project / "build/venv/bin").mkdir(parents=True)
    mac.python(mac.project / "build/venv/bin/python", (3, 9, 6))
    (mac.project / "build/venv/.framework-mlx__0.32.4").touch()
    _, said, calls = mac.qb("setup")
    assert any("environment anew" in line for line in said)
    assert "(3, 14, 1)" in (mac.project / "build/venv/bin/python").read_text()
    assert "pip mlx==0.32.4" in calls


def test_no_python_that_will_do_is_one_line(mac):
    mac.python(mac.held / "python3.14", (3, 10, 2))
    refuses(mac, "Python 3.11 to 3.14", lines=2)
