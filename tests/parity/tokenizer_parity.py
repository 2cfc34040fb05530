"""The tokenizer against Hugging Face's on 2,000 strings of many scripts.

usage: tokenizer_parity.py PROBE GGUF
"""
import json
import random
import subprocess
import sys
import tempfile

from tokenizer_of_gguf import reference
from tokenizers import AddedToken, Regex, pre_tokenizers

ALPHABETS = [
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ", "àéîõüßçñæøåłžşğ", "αβγδεζηθικλμνξοπρσΩΣ", "абвгдежзийклмнопрстЩЪЫ",
    "ابتثجحخدذرزسشصضط", "אבגדהוזחטיכלמ", "अआइईउऊकखगघचछजझ" + "ािीुू्", "กขคงจฉชซ" + "ะาิีุู่้", "一二三你好世界日本語漢字",
    "ひらがなカタカナー", "한국어안녕하세요", "აბგდევზთ", "ԱԲԳԴԵ", "ሀሁሂሃ", "😀🎉🚀❤️👍🏽", "👩‍👩‍👧🏳️‍🌈", "0123456789", "٠١٢٣४५६²³½Ⅷ",
    " \t\n\r\u00a0\u2003\u3000\u200b", "!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~", "\u0301\u0308\u0323e\u0301", "\x01\x02\x7f\u0085\u2028\ufeff\u180e",
]
PHRASES = ["I'm", "don't", "they'LL", "we've", " 's", "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|im_", "    ", "\n\n\n",
           "def f(x):\n    return x ** 2\n", "https://example.org/a?b=c", "3.14159", "1,000,000", "e.g.", "naïve café", "ﬁ ligature", "Ǆ"]


def make_strings(count: int):
    rng = random.Random(20261123)
    strings = ["", " ", "\n", "a", "Hello, world!", *PHRASES, *ALPHABETS]
    while len(strings) < count:
        parts = []
        for _ in range(rng.randint(1, 12)):
            if rng.random() < 0.2:
                parts.append(rng.choice(PHRASES))
            else:
                alphabet = rng.choice(ALPHABETS)
                parts.append("".join(rng.choice(alphabet) for _ in range(rng.randint(1, 9))))
        strings.append(rng.choice(["", " ", " "]).join(parts))
    return strings[:count]


def compare(what: str, strings, lines: str, theirs, probe: str, path: str) -> bool:
    done = subprocess.run([probe, "tokenize", path], input=lines, capture_output=True, text=True)
    if done.returncode:
        print(done.stderr)
        return False
    ours = [json.loads(line) for line in done.stdout.splitlines()]
    different = [(s, a, b) for s, a, b in zip(strings, ours, theirs) if a != b]
    for s, a, b in different[:10]:
        print(f"{s!r}\n  ours   {a}\n  theirs {b}")
    print(f"{what}: {len(strings) - len(different)} of {len(strings)} equal")
    return not different and len(ours) == len(strings)


# Of other models' files, and one for each thing that Oniguruma and PCRE2 spell alike and mean otherwise.
PATTERNS = [
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
    r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"[\p{Han}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+"
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+"
    r"[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|"
    r"\s*[\r\n]+|\s+(?!\S)|\s+",
    r"[a-z&&[^aeiou]]+", r"[^a-z&&[^aeiou]]+", r"[a[bc]d[^\x{20}-\x{2ff}]]+", r"[^\p{L}[\p{N}_]]+", r"[\p{L}&&\p{Lu}]+",
    r"\h+", r"\H+", r"[\h_]+", r"[^\h]+", r"\w+", r"\W+", r"[\W&&\S]+", r"[^\w\s]+", r"[\w']+", r"[[:^word:]]+", r"x*", r"(?=\p{L})", r"\b.", r".\B", r"\d+", r"[^\S\r\n]+", r"\v", r"[\v\n]",
    r"^.", r".$", r"\p{N}{1,3}+", r"\p{N}{2}?", r"e{,2}", r"[[:alpha:]]+", r"[[:alnum:]]+", r"[[:digit:]]+", r"[[:upper:]]+",
    r"[[:lower:]]+", r"[[:space:]]+", r"[[:word:]]+", r"[[:xdigit:]]+", r"[[:cntrl:]]+", r"[[:ascii:]]+", r"[[:blank:]]+", r"[[:^alpha:]]+",
    r"\p{Hiragana}+|\p{Katakana}+", r"\p{Arabic}+|\P{Hebrew}", r"\p{^L}+", r"(?i)[k-t]+", r"(?i:straSSe|ÀÉ+)", r"\u0041|[\u0400-\u04ff]+",
    r"(?<=\p{L})\p{M}", r"(?>a|ab)c?", r"[]a]+", r"[a\-z]+|[-.]+",
]
REFUSED = [r"\pL", r"(?m:.+)", r"a(?i)b|c", r"[[:punct:]]+", r"[[:graph:]]+", r"\X", r"(a)\1"]


def patterns_agree(probe: str, tokenizer, strings, folder: str) -> bool:
    """Every pattern gives Hugging Face's ids, or is refused by name."""
    lines, good = "".join(json.dumps(s) + "\n" for s in strings), True
    for number, pattern in enumerate(PATTERNS + REFUSED):
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
            pre_tokenizers.Split(Regex(pattern), behavior="isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
        path = f"{folder}/pattern{number}.json"
        tokenizer.save(path)
        if pattern in REFUSED:
            done = subprocess.run([probe, "tokenize", path], input="", capture_output=True, text=True)
            is_refused = done.returncode == 1 and "is not followed" in done.stderr and pattern in done.stderr
            print(f"{pattern}: refused" if is_refused else f"WRONG, not refused: {pattern} {done.stderr}")
            good = good and is_refused
            continue
        theirs = [e.ids for e in tokenizer.encode_batch(strings, add_special_tokens=False)]
        good = compare(pattern[:60], strings, lines, theirs, probe, path) and good
    return good


def added_tokens_agree(probe: str, tokenizer, folder: str) -> bool:
    """Those that are looked for in normalized text come after the others."""
    tokenizer.add_tokens([AddedToken("wxyz<|im", normalized=True), AddedToken("<|im_x", normalized=False)])
    strings = ["wxyz<|im_start|> wxyz<|im wxyz<|im_x", "<|im_x<|im_start|>", "awxyz<|imb"]
    path = f"{folder}/added.json"
    tokenizer.save(path)
    theirs = [e.ids for e in tokenizer.encode_batch(strings, add_special_tokens=False)]
    return compare("added tokens", strings, "".join(json.dumps(s) + "\n" for s in strings), theirs, probe, path)


def main(probe: str, gguf: str) -> int:
    strings = make_strings(2000)
    lines = "".join(json.dumps(s) + "\n" for s in strings)
    tokenizer = reference(gguf)
    theirs = [e.ids for e in tokenizer.encode_batch(strings, add_special_tokens=False)]
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/tokenizer.json"
        tokenizer.save(file)
        good = [compare(what, strings, lines, theirs, probe, path) for what, path in (("GGUF", gguf), ("tokenizer.json", file))]
        good.append(patterns_agree(probe, reference(gguf), strings[:600], folder))
        good.append(added_tokens_agree(probe, reference(gguf), folder))
    return int(not all(good))


sys.exit(main(*sys.argv[1:]))
