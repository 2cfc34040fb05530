#!/usr/bin/env python3
"""The shell that a Mac runs is written for bash 3.2 and for tools that BSD and GNU share.

Reads every shell script of the project but those of EXEMPT, for what is known to be missing on a Mac; shellcheck looks
for the rest. Each rule is tried first on a line that it must blame, and all of them on lines that are right.
"""
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXEMPT = {  # what runs on Linux only
    "tests/setup_test.sh": "stands for Debian's package manager",
    "tests/apple/": "stands in for a Mac",
    ".ci/run": "runs the parts of tests/apple/ too",
}


def command(names, then=r"(?=\s|$|[;|)])"):
    """One of these as a command, not as a word of a message."""
    return r"(?:^|[|;&({`!]|\b(?:then|do|else|if|while|xargs|sudo|exec)\s)\s*(?:" + names + ")" + then


LONG = ("basename cat chmod cksum cp cut date df du head install ln ls mkdir mktemp mv od readlink rm sed sort split stat "
        "tail tee touch tr uniq wc").replace(" ", "|")
RULES = [  # what it is, how it looks, a line that has it
    ("bash 4: associative arrays, name references, case of declared names",
     r"\b(?:declare|local|typeset|readonly)\s+-\w*[Anlug]", "declare -A seen"),
    ("bash 4.3: name references", r"\blocal\s+-n", "local -n target=$1"),
    ("bash 4: upper and lower case", r"\$\{\w+(?:\[[^]]*\])?(?:,|\^)", 'echo "${name,,}"'),
    ("bash 4: mapfile", command("mapfile|readarray|coproc"), "mapfile -t lines <file"),
    ("bash 4.3: wait -n", r"\bwait\s+-\w*[nfp]", "wait -n"),
    ("bash 4: &>>", r"&>>", "make &>>log"),
    ("bash 4: |&", r"\|&", "make |& tee log"),
    ("bash 4: ;& and ;;&", r";;?&\s*$", "a) echo a ;;&"),
    ("bash 4.4: ${x@Q}", r"\$\{\w+(?:\[[@*]\])?@[A-Za-z]\}", 'echo "${words[@]@Q}"'),
    ("bash 4: its options", r"\bshopt\b.*\b(?:globstar|lastpipe|inherit_errexit|localvar_inherit)\b",
     "shopt -s globstar"),
    ("bash 4.2: times by printf", r"\bprintf\b.*%\([^)]*\)T", "printf '%(%F)T' -1"),
    ("bash 4.3: negative index", r"\$\{\w+\[\s*-\d", 'echo "${words[-1]}"'),
    ("bash 4.2: negative length", r"\$\{\w+:[^}:]*:\s*-\d", 'echo "${name:0:-1}"'),
    ("bash 4.2: -v", r"\[\[?\s+(?:!\s+)?-v\s", "[[ -v name ]]"),
    ("bash 4 and 5: its variables", r"\$\{?(?:EPOCHSECONDS|EPOCHREALTIME|BASHPID|SRANDOM)\b", "echo $EPOCHSECONDS"),
    ("bash 4.1: named descriptors", r"(?<!\$)\{\w+\}[<>]", "exec {log}>file"),
    ("bash 4: parts of a second", r"\bread\b.*\s-t\s*\d*\.\d", "read -t 0.5 answer"),
    ("bash 4: a case in $( ) without opening parentheses", r"\$\([^)]*\bcase\b[^)]*\bin\s+[^()\s]+\)",
     "x=$(case $y in a) echo b ;; esac)"),
    ("GNU: sed -i without a suffix, -r, -s, -z", r"\bsed(?:\s+-\w+)*\s+-\w*[irsz]\w*(?=\s|$)", "sed -i s/a/b/ file"),
    ("GNU: \\+, \\? and \\| of sed's basic expressions", r"\bsed\b(?!.*\s-\w*E).*?\\[+?|]", r"sed 's/a\+/b/' file"),
    ("GNU: readlink -f", r"\breadlink\s+-\w*[fem]", "readlink -f file"),
    ("GNU: stat -c", r"\bstat\s+-\w*c", "stat -c %s file"),
    ("GNU: date -d, -I, %N", r"\bdate\s+(?:-\w*[dI]|.*%N)", "date -d yesterday"),
    ("GNU: xargs -r, -d", r"\bxargs\s+(?:-\S+\s+)*-\w*[rd]\b", "xargs -r rm"),
    ("GNU: tests and prints of find", r"\bfind\b.*\s-(?:printf|executable|readable|writable|regextype)\b",
     "find . -printf '%p'"),
    ("GNU: find without a folder", r"\bfind\s+-[a-z]{2}", "find -name x"),
    ("GNU: grep -P", r"\bgrep\s+(?:-\w+\s+)*-\w*P", r"grep -oP '\d+' file"),
    ("GNU: commands", command("nproc|realpath|timeout|tac|shuf|numfmt|getent|setsid|flock|lscpu|ldd|free|md5sum|sha1sum"),
     "make -j $(nproc)"),
    ("GNU: sha256sum where nobody asked for it", r"^(?!.*command -v sha256sum).*" + command("sha256sum"),
     "sha256sum file | cut -c 1-8"),
    ("GNU: cp -d, -t, -u; ln -r, -T; mv -t, -T", r"\bcp\s+-\w*[dtu]|\b(?:ln|mv)\s+-\w*[rtT]", "cp -t folder file"),
    ("GNU: sort -V", r"\bsort\s+(?:-\w+\s+)*-\w*V", "ls | sort -V"),
    ("GNU: all but the last lines", r"\bhead\s+-(?:n|c)?\s*-\d", "head -n -1 file"),
    ("GNU: long options", command(LONG, r"\s(?:[^|;&]*\s)?--\w"), "ls --color"),
    ("GNU: awk's functions", r"\bawk\b.*\b(?:gensub|strftime|asort|systime)\(", "awk '{print strftime(1)}'"),
    ("GNU: base64 -w", r"\bbase64\s+-w", "base64 -w 0 file"),
]
WRONG_TOO = """readarray -t lines
local -n target=$1
echo "${words[@]^^}"
sed -Ei s/a/b/ file
sed -r 's/a+/b/' file
here=$(realpath "$0")
if ! timeout 5 make; then exit 1; fi
key=$(cat a | sha256sum)
date -I
date +%s%N
ls | xargs -d x rm
find . -executable
ln -rs a b
head -c -1 file
sort a --unique
cp --parents a b
x=$(echo "$y" | while read -r z; do case $z in b) echo c ;; esac; done)""".splitlines()
RIGHT = """sed -n 's/^a$/b/p' file
sed -E 's/a+|b/c/' file
sed -i.bak s/a/b/ file
find "$folder" -maxdepth 1 -name 'x*'
if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi
pip --retries 0 --timeout 10
xargs -P 2 -I {} bash -c 'one {}'
local kind=$1 name=$2
echo "${name:-none}" "${name%,}" "${name#-}" ${words[@]+"${words[@]}"} "$@"
head -n 1 file; tail -n +2 file; date +%s
ls /usr/include/*-linux-gnu/"${1#lib/}" >/dev/null 2>&1
tar xzf "$file" --strip-components 1
printf '%s (%s)' a b
x=$(case $y in (a) echo b ;; esac)
say "realpath and timeout are words"
make >>log 2>&1 && mv "$a" "$b"
cp -r a b; ln -s a b; curl -fsSL --retry 2 x""".splitlines()


def empty_arrays(text):
    """An array that may be empty, expanded as it stands: with set -u bash before 4.4 calls it unbound."""
    empty = set(re.findall(r"\b(\w+)=\(\s*\)", text))
    for number, line in enumerate(text.splitlines(), 1):
        bare = re.sub(r"\$\{(\w+)\[[@*]\]\+\s*\"?\$\{\1\[[@*]\][^}]*\}\"?\}", "", line)
        for name in re.findall(r"\$\{(\w+)\[[@*]\][^+}]*\}", bare):
            if name in empty:
                yield number, f'bash before 4.4: "${{{name}[@]}}" is unbound when empty: ${{{name}[@]+"${{{name}[@]}}"}}'


def problems(text):
    for number, line in enumerate(text.splitlines(), 1):
        code = "" if line.lstrip().startswith("#") else re.sub(r"\s#\s.*", "", line)
        for what, pattern, _ in RULES:
            if re.search(pattern, code):
                yield number, what
    yield from empty_arrays(text)


def self_test():
    for what, pattern, bad in RULES:
        if not re.search(pattern, bad) or what not in [found for _, found in problems(bad)]:
            yield f"the rule \"{what}\" passes over: {bad}"
    for line in WRONG_TOO:
        if not list(problems(line)):
            yield f"no rule blames: {line}"
    for line in RIGHT:
        yield from (f"\"{what}\" blames what is right: {line}" for _, what in problems(line))
    if not list(problems('words=()\nfor word in "${words[@]}"; do :; done')):
        yield "an empty array is passed over"
    if list(problems('words=()\nuse ${words[@]+"${words[@]}"} ${#words[@]}\nother=(a)\nuse "${other[@]}"')):
        yield "a guarded array is blamed"
    bad = b"for x in $*; do echo; done\n"
    if subprocess.run(shellcheck("-"), input=bad, capture_output=True).returncode == 0:
        yield "shellcheck finds nothing in a bad script"


def shellcheck(*files):
    # SC2154: files that qb sources use what it defines.
    return ["shellcheck", "--shell", "bash", "--severity", "warning", "--external-sources", "--exclude", "SC2154", *files]


def scripts():
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, text=True,
                            capture_output=True, check=True).stdout.split("\n")
    for name in filter(None, listed):
        path = ROOT / name
        if name.startswith(tuple(EXEMPT)) or not path.is_file():
            continue
        with path.open("rb") as file:
            first = file.readline()
        if name.endswith(".sh") or re.match(rb"#!.*\b(?:bash|sh)\b", first):
            yield name


def main():
    names = list(scripts())
    found = list(self_test())
    found += [f"{name}:{number}: {what}" for name in names for number, what in problems((ROOT / name).read_text())]
    checked = subprocess.run(shellcheck(*names), cwd=ROOT, text=True, capture_output=True)
    if checked.returncode:
        found.append(checked.stdout + checked.stderr)
    if "qb" not in names or len(names) < 5:
        found.append(f"only these scripts are known: {names}")
    print("\n".join(found) or f"{len(names)} scripts, {len(RULES) + 1} rules and shellcheck: {' '.join(names)}")
    return bool(found)


sys.exit(main())
