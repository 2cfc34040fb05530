"""Strings of many scripts, the same ones every time."""
import random

ALPHABETS = [
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ", "àéîõüßçñæøåłžşğİıſK", "αβγδεζηθικλμνξοπρσςΩΣ", "абвгдежзийклмнопрстЩЪЫ",
    "ابتثجحخدذرزسشصضط", "אבגדהוזחטיכלמ", "अआइईउऊकखगघचछजझ" + "ािीुू्", "กขคงจฉชซ" + "ะาิีุู่้", "一二三你好世界日本語漢字𠮷豈",
    "ひらがなカタカナーｶﾞ", "한국어안녕하세요", "각", "აბგდევზთ", "ԱԲԳԴԵ", "ሀሁሂሃ", "မြန်မာဘာသာ", "தமிழ்", "😀🎉🚀❤️👍🏽", "👩‍👩‍👧🏳️‍🌈", "0123456789", "٠١٢٣४५६²³½Ⅷ",
    " \t\n\r\u00a0\u2003\u3000\u200b", "!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~", "«»„“”‘’—–…¿¡·、。「」", "\u0301\u0308\u0323e\u0301", "\x01\x02\x7f\u0085\u2028\ufeff\u180e",
    "▁Ġ##</w>", "ﬁﬂ①㌔Å㍿", "𝒜𝔅𝟙", "\ue000\ufffd\U0010ffff",
]
PHRASES = ["I'm", "don't", "they'LL", "we've", " 's", "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|im_", "    ", "\n\n\n",
           "def f(x):\n    return x ** 2\n", "for (int i = 0; i < n; ++i) {", "https://example.org/a?b=c", "3.14159", "1,000,000", "e.g.", "naïve café", "ﬁ ligature", "Ǆ",
           "the", "quick brown", "tokenizer", "ANTIDISESTABLISHMENTARIANISM", "你好，世界", "Привет мир", "안녕하세요 세계", "मेरा नाम", "            ", "\t\t\t", " \n \n "]


def make_strings(count: int, phrases=()):
    """The phrases are strewn among the others."""
    rng, phrases = random.Random(20261123), [*PHRASES, *phrases]
    strings = ["", " ", "\n", "a", "Hello, world!", *phrases, *ALPHABETS]
    while len(strings) < count:
        parts = []
        for _ in range(rng.randint(1, 12)):
            if rng.random() < 0.25:
                parts.append(rng.choice(phrases))
            else:
                alphabet = rng.choice(ALPHABETS)
                parts.append("".join(rng.choice(alphabet) for _ in range(rng.randint(1, 9))))
        strings.append(rng.choice(["", " ", " "]).join(parts))
    return strings[:count]
