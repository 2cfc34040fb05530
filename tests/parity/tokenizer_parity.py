"""The tokenizer against Hugging Face's on 2,000 strings of many scripts.

usage: tokenizer_parity.py PROBE GGUF
"""
import json
import random
import subprocess
import sys
import tempfile

from tokenizer_of_gguf import reference

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


def main(probe: str, gguf: str) -> int:
    strings = make_strings(2000)
    lines = "".join(json.dumps(s) + "\n" for s in strings)
    tokenizer = reference(gguf)
    theirs = [e.ids for e in tokenizer.encode_batch(strings, add_special_tokens=False)]
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/tokenizer.json"
        tokenizer.save(file)
        good = [compare(what, strings, lines, theirs, probe, path) for what, path in (("GGUF", gguf), ("tokenizer.json", file))]
    return int(not all(good))


sys.exit(main(*sys.argv[1:]))
