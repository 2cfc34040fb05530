#!/usr/bin/env python3
"""The layering and style test: reads src/ and its CMakeLists.txt and reports what breaks the rules.

Run with no argument it checks the project; with --self-test it proves that every rule fires.
"""
import re
import sys
from dataclasses import dataclass
from pathlib import Path

HEAVY = {  # header: modules whose .cpp files may include it
    "nlohmann/": {"base"}, "CLI/": {"cli"}, "toml++/": {"spec", "gate"}, "httplib": {"dashboard"},
    "png.h": {"pictures"}, "jpeglib.h": {"pictures"}, "pcre2.h": {"text"},
    "sentencepiece": {"text"}, "utf8proc.h": {"text"}, "sqlite3.h": {"store"},
    "minizip/": {"weights"}, "zlib.h": {"store", "front_end"}, "Eigen/": {"reference", "quant", "compress"}, "boost/": {"stats"},
    "xxhash.h": {"base"}, "fast_float/": {"base"}, "curl/": {"hub", "publish"}, "google/protobuf/": {"engines/coreml"},
    "Model.pb.h": {"engines/coreml"}, "openssl/": {"hub"}, "CommonCrypto/": {"hub"},
}
HEADER_EXCEPTIONS = {"src/compression/reference/matrix.h"}  # Eigen's views, for that module's .cpp files only
FRAMEWORKS = ("onnxruntime_", "torch/", "ATen/", "mlx/", "CoreML/", "c10/")
OWN_KERNELS = r"\bparallel_for\b|data_ptr<"  # how an engine would get at a framework's values
# What tells one kind of work from another, and who may know it: rows and scenarios of tasks, models and
# metrics that name theirs, the plan of the user's own files, stores of before there were tasks.
TASK_WORDS = (r'"(?:causal_lm|image_classification|own_file)"|\b(?:prompt|generated|depth)_tokens\b'
              r"|\bis_(?:language|text|picture|file|vision)_?(?:model)?\(record")
TASK_HOMES = ("src/task/", "src/measurement/scenarios/", "src/network/models/", "src/results/metrics/speed.cpp",
              "src/orchestration/plan/own_files.cpp", "src/results/store/database.cpp")
# What gives another value, or leaves another trace, each time it is called: random draws, reads of a cursor,
# the inputs of a network, whose order is that of their declaration. (Of a Builder nothing else does.)
ADVANCING = r"(?P<rng>rng_?)|(?P<reader>reader_?)\.(?:take|number|text|line|position)|(?P<input>(?:\w+_|\w+\.)input(?=\())"
VAGUE = ("utils", "util", "common", "manager", "helper", "misc")


@dataclass
class Module:
    name: str  # "quant"; an engine's is engines/<name>
    wing: str  # "compression"; "": the module lies in src/ itself
    uses: set

    @property
    def folder(self):
        return "/".join(filter(None, ("src", self.wing, self.name)))


def parse_modules(cmake: str):
    """The modules in order."""
    modules, wing = [], ""
    for kind, body in re.findall(r"^(qb_wing|qb_module|qb_engine)\(([^)]*)\)", cmake, re.M):
        words = body.split()
        if kind == "qb_wing":
            wing = words[0].strip('"')
            continue
        is_engine, uses, taking = kind == "qb_engine", set(), False
        for word in words[1:]:
            if word in ("USES", "LINK", "FOLDER", "NEEDS"):
                taking = word == "USES"
            elif taking:
                uses.add(word)
        if is_engine:
            uses.add("worker")
        modules.append(Module(f"engines/{words[0]}" if is_engine else words[0], wing, uses))
    return modules


def check_order(modules):
    """A module uses what comes before it, and a wing is one block of the order."""
    seen, wings, problems = set(), [], []
    for module in modules:
        problems += [f"src/CMakeLists.txt: {module.name} uses {use}, which does not come before it"
                     for use in sorted(module.uses - seen)]
        seen.add(module.name)
        if module.wing and module.wing in wings and wings[-1] != module.wing:
            problems.append(f"src/CMakeLists.txt: the wing {module.wing} is in two pieces")
        wings.append(module.wing)
    return problems


def find_module(modules, path: str):
    """The module that the file lies in; None: in none."""
    return next((m for m in modules if path.startswith(m.folder + "/") and "/" not in path[len(m.folder) + 1:]), None)


def check_includes(path: str, text: str, modules):
    own, problems = find_module(modules, path), []
    module, uses = own.name, own.uses
    is_header = path.endswith(".h")
    for line, brackets, name in re.findall(r'^(#(?:include|import) ([<"])([^>"]+)[>"])', text, re.M):
        if brackets == '"':
            target = find_module(modules, "src/" + name)
            if not target:
                problems.append(f"{path}: {line} is in no module")
            elif target != own and target.name not in uses:
                problems.append(f"{path}: {line} but {module} does not use {target.name}")
            continue
        for prefix, allowed in HEAVY.items():
            if name.startswith(prefix) and (module not in allowed or (is_header and path not in HEADER_EXCEPTIONS)):
                problems.append(f"{path}: {line} belongs into one .cpp of {'/'.join(sorted(allowed))}")
        if name.startswith(FRAMEWORKS) and not module.startswith("engines/"):
            problems.append(f"{path}: {line} belongs into src/measurement/engines")
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
    if not path.startswith("src/measurement/engines/") or path.endswith("_test.cpp"):
        return []
    return [f"{path}: {found}: an engine composes the framework's operators and has no kernel of its own"
            for found in sorted(set(re.findall(OWN_KERNELS, text)))]


def check_evaluation(path: str, text: str):
    """Two of them in one expression, with nothing between that orders them: the first is the compiler's choice."""
    code = re.sub(r'//[^\n]*|"(?:\\.|[^"\\\n])*"', lambda found: " " * len(found[0]), text)
    problems, frames, before = [], [{"kind": "{", "names": set(), "is_own": True}], ""  # of open brackets, with what stands in them
    for token in re.finditer(rf"\b(?:{ADVANCING})\b|\w+|&&|\|\||<<|>>|[^\w\s]", code):
        word, frame = token[0], frames[-1]
        if word in ("(", "[", "{"):
            is_own = word == "{" and before in (")", "]") or word == "(" and before in ("if", "for", "while", "switch")
            frames.append({"kind": word, "names": set(), "is_own": is_own})
        elif word in (")", "]", "}") and len(frames) > 1:
            frames.pop()
            if not frame["is_own"]:
                frames[-1]["names"] |= frame["names"]
            elif word == "}" and frames[-1]["kind"] == "{":
                frames[-1]["names"] = set()
        elif word in (";", "&&", "||", "<<", ">>", "?", ":") or word == "," and frame["kind"] == "{":
            frame["names"] = set()
            frame["is_own"] |= word == ";"
        elif token.lastgroup:
            word = token.lastgroup
            for outer in reversed(frames):
                if word in outer["names"]:
                    problems.append(f"{path}:{code.count(chr(10), 0, token.start()) + 1}: {word} twice in one expression: "
                                    "compilers differ in which comes first; name the first value before")
                if outer["is_own"]:
                    break
            frame["names"].add(word)
        before = word
    return problems


def check_tasks(path: str, text: str):
    """Which kind of work it is, nobody else asks."""
    if path.startswith(TASK_HOMES) or path.endswith(("_test.cpp", "fake_session.h")):
        return []
    return [f"{path}: {found}: what differs by task is read from its row in src/task, or done by its scenario"
            for found in sorted(set(re.findall(TASK_WORDS, text)))]


def check_portable(path: str, text: str):
    """What g++ and Debian's versions take, and others don't."""
    problems = []
    if "fmt::join" in text and "#include <fmt/ranges.h>" not in text:
        problems.append(f"{path}: fmt::join is in <fmt/ranges.h>")
    if "std::from_chars" in text and path != "src/base/number.cpp":
        problems.append(f"{path}: std::from_chars takes no double on macOS: base/number.h reads numbers")
    return problems


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
    problems = check_order(modules)
    for file in sorted((root / "src").rglob("*")):
        if file.suffix not in (".h", ".cpp", ".mm"):
            continue
        path, text = str(file.relative_to(root)), file.read_text()
        if not find_module(modules, path):
            problems.append(f"{path}: lies in no module of src/CMakeLists.txt")
            continue
        problems += check_includes(path, text, modules)
        problems += check_style(path, text) + check_engine(path, text) + check_tasks(path, text)
        problems += check_portable(path, text) + check_evaluation(path, text)
    for file in sorted([*(root / "tests").rglob("*.cpp"), *(root / "bench").glob("*.cpp")]):
        problems += check_evaluation(str(file.relative_to(root)), file.read_text())
    return problems


def self_test():
    modules = parse_modules("qb_module(base)\nqb_wing(low)\nqb_module(b USES base LINK z)\nqb_module(store)\n"
                            "qb_wing(high)\nqb_module(a USES base)\nqb_module(c USES b)\n")
    fires = [
        (check_order(parse_modules("qb_module(a USES b)\nqb_module(b)\n")), "does not come before"),
        (check_order(parse_modules("qb_wing(x)\nqb_module(a)\nqb_wing(y)\nqb_module(b)\nqb_wing(x)\nqb_module(c)\n")),
         "in two pieces"),
        (check_includes("src/high/a/x.cpp", '#include "low/b/y.h"\n', modules), "does not use b"),
        (check_includes("src/high/c/x.cpp", '#include "b/y.h"\n', modules), "in no module"),
        (check_includes("src/high/a/x.cpp", "#include <sqlite3.h>\n", modules), "belongs into one"),
        (check_includes("src/low/store/x.h", "#include <sqlite3.h>\n", modules), "belongs into one"),
        (check_includes("src/base/x.cpp", "#include <onnxruntime_cxx_api.h>\n", modules), "measurement/engines"),
        (check_includes("src/base/x.mm", "#import <CoreML/CoreML.h>\n", modules), "measurement/engines"),
        (check_style("src/a/x.h", "#pragma once\n"), "starts with a line"),
        (check_style("src/a/x.h", "// x\nusing namespace std;\n"), "using namespace"),
        (check_style("src/a/x.cpp", "// x\n" * 502), "500 at most"),
        (check_style("src/a/x.cpp", "x" * 101), "100 at most"),
        (check_style("src/a/x.cpp", "\tx"), "a tab"),
        (check_style("src/a/x.cpp", "#ifdef X"), "conditional"),
        (check_style("src/a/string_utils.cpp", ""), "says nothing"),
        (check_engine("src/measurement/engines/a/x.cpp", "at::parallel_for(0, n, 1, f);"), "no kernel of its own"),
        (check_evaluation("x.cpp", "f(rng.normal(), g(rng));"), "twice in one expression"),
        (check_evaluation("x.cpp", "x = rng.normal() /\n    (1.0 + rng.normal());"), "x.cpp:2: rng twice"),
        (check_evaluation("x.cpp", "f(reader.position(), reader.take(4));"), "reader twice"),
        (check_evaluation("x.cpp", 'b.add(b.input("x", f32, {4}), b.input("y", f32, {4}));'), "input twice"),
        (check_evaluation("x.cpp", "b.add(vector_input(b, 4), b.input(x, f32, {4}));"), "input twice"),
        (check_evaluation("x.cpp", "for (int i : a) {\n  f({rng_.next()}, {rng_.next()});\n}"), "rng twice"),
        (check_tasks("src/high/a/x.cpp", 'if (record.subject.task == "causal_lm")'), "read from its row"),
        (check_tasks("src/high/a/x.cpp", 'workload.integer("prompt_tokens") > 0'), "read from its row"),
    ]
    fires += [
        (check_portable("src/a/x.cpp", '#include <fmt/format.h>\nfmt::join(a, " ");'), "fmt/ranges.h"),
        (check_portable("src/a/x.cpp", "std::from_chars(a, b, c);"), "base/number.h"),
    ]
    silent = [word for problems, word in fires if not any(word in problem for problem in problems)]
    clean = check_includes("src/high/c/x.cpp", '#include "low/b/y.h"\n#include <vector>\n', modules) + check_style(
        "src/a/x.cpp", "// x\nvoid f() {\n}\n") + check_evaluation("x.cpp", """
double f(Rng& rng) { return rng.uniform() < 0.5 && rng.uniform() < 0.5 ? rng.normal() : rng.uniform(); }
double g(Rng& rng, int n) {
  const double first = rng.normal();
  if (rng.uniform() < 0.5) return first;
  for (float& x : xs) x = rng.normal();
  const Pair pair = {rng.next(), rng.next()};
  return first / rng.normal();
}
X(ByteReader& reader) : reader_(reader) { reader_.take(1); }
""")
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
