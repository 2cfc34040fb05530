#!/usr/bin/env python3
"""The layering and style test: reads src/ and its CMakeLists.txt and reports what breaks the rules.

Run with no argument it checks the project; with --self-test it proves that every rule fires.
"""
import re
import sys
from pathlib import Path

HEAVY = {  # header: modules whose .cpp files may include it
    "nlohmann/": {"base"}, "CLI/": {"cli"}, "toml++/": {"spec"}, "httplib": {"dashboard"},
    "png.h": {"pictures"}, "jpeglib.h": {"pictures"}, "pcre2.h": {"text"}, "sqlite3.h": {"store"},
    "minizip/": {"weights"}, "zlib.h": {"store"}, "Eigen/": {"reference", "quant", "compress"}, "boost/": {"stats"},
    "xxhash.h": {"base"},
}
HEADER_EXCEPTIONS = {"src/reference/matrix.h"}  # Eigen's views, for that module's .cpp files only
FRAMEWORKS = ("onnxruntime_", "torch/", "ATen/", "mlx/", "CoreML/", "c10/")
OWN_KERNELS = r"\bparallel_for\b|data_ptr<"  # how an engine would get at a framework's values
VAGUE = ("utils", "util", "common", "manager", "helper", "misc")


def parse_modules(cmake: str):
    """[(module, folder, uses)] in order; an engine's module is engines/<name>."""
    modules = []
    for kind, body in re.findall(r"^(qb_module|qb_engine)\(([^)]*)\)", cmake, re.M):
        words = body.split()
        uses, taking = [], False
        for word in words[1:]:
            if word in ("USES", "LINK", "FOLDER"):
                taking = word == "USES"
            elif taking:
                uses.append(word)
        is_engine = kind == "qb_engine"
        folder = f"engines/{words[0]}" if is_engine else words[0]
        modules.append((folder, folder, uses + (["worker"] if is_engine else [])))
    return modules


def check_order(modules):
    seen, problems = set(), []
    for name, _, uses in modules:
        problems += [f"src/CMakeLists.txt: {name} uses {use}, which does not come before it"
                     for use in uses if use not in seen]
        seen.add(name)
    return problems


def module_of(path: str):
    parts = path.split("/")
    return "/".join(parts[1:3]) if parts[1] == "engines" else parts[1]


def check_includes(path: str, text: str, uses):
    module, problems = module_of(path), []
    is_header = path.endswith(".h")
    for line, brackets, name in re.findall(r'^(#include ([<"])([^>"]+)[>"])', text, re.M):
        if brackets == '"':
            target = module_of("src/" + name)
            if target != module and target not in uses:
                problems.append(f"{path}: {line} but {module} does not use {target}")
            continue
        for prefix, allowed in HEAVY.items():
            if name.startswith(prefix) and (module not in allowed or (is_header and path not in HEADER_EXCEPTIONS)):
                problems.append(f"{path}: {line} belongs into one .cpp of {'/'.join(sorted(allowed))}")
        if name.startswith(FRAMEWORKS) and not module.startswith("engines/"):
            problems.append(f"{path}: {line} belongs into src/engines")
    return problems


def check_style(path: str, text: str):
    problems, lines = [], text.split("\n")
    if len(lines) > 501:
        problems.append(f"{path}: {len(lines)} lines (500 at most)")
    if path.endswith(".h") and not lines[0].startswith("//"):
        problems.append(f"{path}: a header starts with a line that says what it is")
    if path.endswith(".h") and "using namespace" in text:
        problems.append(f"{path}: using namespace in a header")
    for number, line in enumerate(lines, 1):
        if len(line.rstrip("\n").encode().decode()) > 100 and 'R"' not in line and "http" not in line and not in_raw(lines, number):
            problems.append(f"{path}:{number}: {len(line)} columns (100 at most)")
        if "\t" in line:
            problems.append(f"{path}:{number}: a tab")
        if re.match(r"^\s*#\s*(if|ifdef|ifndef|elif)\b", line):
            problems.append(f"{path}:{number}: conditional compilation; choose by file instead")
    if any(re.search(rf"(^|_){word}(_|\.)", Path(path).name) for word in VAGUE):
        problems.append(f"{path}: a name that says nothing")
    return problems


def check_engine(path: str, text: str):
    """What an engine times is the framework (docs/decisions/0017): no loop of its own over a framework's tensors."""
    if not path.startswith("src/engines/") or path.endswith("_test.cpp"):
        return []
    return [f"{path}: {found}: an engine composes the framework's operators and has no kernel of its own"
            for found in sorted(set(re.findall(OWN_KERNELS, text)))]


def in_raw(lines, number):
    """Whether the line lies within a raw string."""
    opened = False
    for line in lines[: number - 1]:
        if re.search(r'R"\w*\(', line):
            opened = not re.search(r'\)\w*"', line[line.index('R"') + 3:])
        elif opened and re.search(r'\)\w*"', line):
            opened = False
    return opened


def check(root: Path):
    modules = parse_modules((root / "src/CMakeLists.txt").read_text())
    uses_of = {folder: set(uses) for _, folder, uses in modules}
    problems = check_order(modules)
    for file in sorted((root / "src").rglob("*")):
        if file.suffix not in (".h", ".cpp"):
            continue
        path, text = str(file.relative_to(root)), file.read_text()
        module = module_of(path)
        if module not in uses_of:
            problems.append(f"{path}: module {module} is not in src/CMakeLists.txt")
            continue
        problems += check_includes(path, text, uses_of[module])
        problems += check_style(path, text) + check_engine(path, text)
    return problems


def self_test():
    fires = [
        (check_order(parse_modules("qb_module(a USES b)\nqb_module(b)\n")), "does not come before"),
        (check_includes("src/a/x.cpp", '#include "b/y.h"\n', set()), "does not use b"),
        (check_includes("src/a/x.cpp", "#include <sqlite3.h>\n", set()), "belongs into one"),
        (check_includes("src/store/x.h", "#include <sqlite3.h>\n", set()), "belongs into one"),
        (check_includes("src/base/x.cpp", "#include <onnxruntime_cxx_api.h>\n", set()), "src/engines"),
        (check_style("src/a/x.h", "#pragma once\n"), "starts with a line"),
        (check_style("src/a/x.h", "// x\nusing namespace std;\n"), "using namespace"),
        (check_style("src/a/x.cpp", "// x\n" * 502), "500 at most"),
        (check_style("src/a/x.cpp", "x" * 101), "100 at most"),
        (check_style("src/a/x.cpp", "\tx"), "a tab"),
        (check_style("src/a/x.cpp", "#ifdef X"), "conditional"),
        (check_style("src/a/string_utils.cpp", ""), "says nothing"),
        (check_engine("src/engines/a/x.cpp", "at::parallel_for(0, n, 1, f);"), "no kernel of its own"),
    ]
    silent = [word for problems, word in fires if not any(word in problem for problem in problems)]
    clean = check_includes("src/a/x.cpp", '#include "b/y.h"\n#include <vector>\n', {"b"}) + check_style(
        "src/a/x.cpp", "// x\nvoid f() {\n}\n")
    for word in silent:
        print(f"no rule fired for: {word}")
    for problem in clean:
        print(f"fired on clean code: {problem}")
    return bool(silent or clean)


if __name__ == "__main__":
    if "--self-test" in sys.argv:
        sys.exit(self_test())
    found = check(Path(__file__).resolve().parents[1])
    print("\n".join(found) if found else "the layers hold")
    sys.exit(bool(found))
