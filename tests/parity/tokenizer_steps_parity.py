"""Each step that a tokenizer.json may have, by itself, against Hugging Face's tokenizers."""
import random
import unicodedata

import pytest
import sentencepiece
from tokenizer_comparison import assert_equal, assert_same, tokenize
from tokenizer_strings import PHRASES, make_strings
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

STRINGS = make_strings(600)


def tokenizer_of_pieces(normalizer=None, pre_tokenizer=None) -> Tokenizer:
    """Each piece that Hugging Face's steps make of the strings is a token, so that another piece is an unknown one."""
    pieces = {"[UNK]": 0}
    for text in STRINGS:
        text = normalizer.normalize_str(text) if normalizer else text
        for piece, _ in pre_tokenizer.pre_tokenize_str(text) if pre_tokenizer else [(text, None)]:
            pieces.setdefault(piece, len(pieces))
    pieces.pop("", None)
    tokenizer = Tokenizer(models.WordLevel({piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]"))
    if normalizer:
        tokenizer.normalizer = normalizer
    if pre_tokenizer:
        tokenizer.pre_tokenizer = pre_tokenizer
    return tokenizer


@pytest.fixture
def assert_ids(probe, tmp_path):
    def compare(tokenizer, strings=STRINGS):
        tokenizer.save(str(tmp_path / "tokenizer.json"))
        ours = tokenize(probe, tmp_path, strings)
        assert_same(strings, [o["whole"] for o in ours], [tokenizer.encode(s).ids for s in strings])
    return compare


N, P = normalizers, pre_tokenizers
NORMALIZERS = [
    N.NFC(), N.NFD(), N.NFKC(), N.NFKD(), N.Lowercase(), N.Strip(), N.Strip(left=False), N.Strip(right=False), N.Nmt(), N.Prepend("▁"),
    N.Replace(" ", "▁"), N.Replace(Regex(r"\s+"), "_"), N.Replace(Regex(r"x*"), "-"), N.Replace(".", ""), N.ByteLevel(),
    N.Sequence([N.NFKD(), N.StripAccents(), N.Lowercase()]), N.BertNormalizer(), N.BertNormalizer(lowercase=False), N.Sequence([]),
    N.BertNormalizer(strip_accents=True, lowercase=False), N.BertNormalizer(handle_chinese_chars=False, clean_text=False),
]
BEHAVIORS = ["removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"]
PRE_TOKENIZERS = [
    P.Whitespace(), P.WhitespaceSplit(), P.BertPreTokenizer(), P.Digits(), P.Digits(individual_digits=True), P.CharDelimiterSplit("_"), P.CharDelimiterSplit("."),
    P.ByteLevel(), P.ByteLevel(add_prefix_space=False), P.ByteLevel(use_regex=False), P.Metaspace(), P.Metaspace(split=False),
    P.Metaspace("_", prepend_scheme="never"), P.Metaspace(prepend_scheme="first"), P.Sequence([P.WhitespaceSplit(), P.Metaspace(prepend_scheme="first")]),
    P.Sequence([P.Punctuation(), P.Metaspace()]), P.Sequence([P.Digits(), P.ByteLevel()]),
    *(P.Punctuation(behavior) for behavior in BEHAVIORS), *(P.Split(" ", behavior) for behavior in BEHAVIORS),
    *(P.Split(Regex(r"\p{L}+|\d"), behavior, invert) for behavior in BEHAVIORS for invert in (False, True)), P.Split(Regex("x*"), "isolated"),
]


@pytest.mark.parametrize("normalizer", NORMALIZERS, ids=str)
def test_normalizer(assert_ids, normalizer):
    assert_ids(tokenizer_of_pieces(normalizer))


@pytest.mark.parametrize("pre_tokenizer", PRE_TOKENIZERS, ids=str)
def test_pre_tokenizer(assert_ids, pre_tokenizer):
    assert_ids(tokenizer_of_pieces(None, pre_tokenizer))


@pytest.mark.parametrize("pattern", [r"\w", r"[\w]", r"\W", r"\s", r"\d", r"[^\h]", r"\p{P}"])
def test_each_character_is_of_the_same_classes(probe, tmp_path, pattern):
    """Of those that this Python's Unicode has: libraries of later versions know more."""
    letters = [chr(c) for c in range(0x20000) if unicodedata.category(chr(c)) not in ("Cn", "Cs")]
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = P.Split(Regex(pattern), "removed")
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    ours = tokenize(probe, tmp_path, letters)
    assert_same(letters, [o["ids"] for o in ours], [e.ids for e in tokenizer.encode_batch(letters)])


DECODERS = [
    decoders.ByteLevel(), decoders.Fuse(), decoders.ByteFallback(), decoders.Metaspace(), decoders.Metaspace("_", prepend_scheme="never"),
    decoders.Metaspace(prepend_scheme="first"), decoders.Replace("▁", " "), decoders.Strip("a", 2, 0), decoders.Strip("▁", 1, 1), decoders.WordPiece(),
    decoders.WordPiece("##", cleanup=False), decoders.BPEDecoder(), decoders.BPEDecoder("a"), None,
    decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]),
]
TOKENS = ["[UNK]", "a", "aaa", "▁a", "▁▁b", "b▁", "##c", "##", "d</w>", "</w>", "<0xE4>", "<0xBD>", "<0xA0>", "<0x41>", "<0xFF>", "<0xZZ>", "Ġe", "Ã", "©",
          "'", "##'", "s", "n't", "'m", "do", "not", ".", "?", "'s", "'ve", "'re", ",", "_f_", "你", "é"]


@pytest.mark.parametrize("decoder", DECODERS, ids=str)
def test_decoder(probe, tmp_path, decoder):
    tokenizer = Tokenizer(models.WordLevel({token: i for i, token in enumerate(TOKENS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = P.CharDelimiterSplit("\n")
    if decoder:
        tokenizer.decoder = decoder
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    rng = random.Random(3)
    strings = ["\n".join(rng.choices(TOKENS, k=rng.randint(1, 9))) for _ in range(600)]
    ours = tokenize(probe, tmp_path, strings)
    assert_same(strings, [o["text"] for o in ours], tokenizer.decode_batch([tokenizer.encode(s).ids for s in strings], skip_special_tokens=False))


@pytest.mark.parametrize("post_processor", [
    processors.TemplateProcessing("[A] $A [B]", None, [("[A]", 1), ("[B]", 2)]), processors.TemplateProcessing("$A", None, []), processors.ByteLevel(),
    processors.TemplateProcessing("[A] [B] $A", None, [("[A]", 1), ("[B]", 2)]), processors.BertProcessing(("b", 2), ("a", 1)), processors.RobertaProcessing(("b", 2), ("a", 1)),
    processors.Sequence([processors.ByteLevel(), processors.TemplateProcessing("[A] $A", None, [("[A]", 1)])])], ids=str)
@pytest.mark.parametrize("truncation", [None, {"max_length": 8}, {"max_length": 5, "direction": "left", "stride": 1, "strategy": "only_first"}])
@pytest.mark.parametrize("padding", [None, {"length": 12, "pad_id": 3}, {"pad_to_multiple_of": 4, "direction": "left"}, {"length": 9, "pad_to_multiple_of": 4}])
def test_around_a_text(assert_ids, post_processor, truncation, padding):
    tokenizer = tokenizer_of_pieces(None, P.Whitespace())
    tokenizer.post_processor = post_processor
    if truncation:
        tokenizer.enable_truncation(**truncation)
    if padding:
        tokenizer.enable_padding(**padding)
    assert_ids(tokenizer, STRINGS[:150])


@pytest.mark.parametrize("normalizer", [None, N.Lowercase(), N.Prepend("▁")], ids=str)
@pytest.mark.parametrize("flags", [{}, {"lstrip": True}, {"rstrip": True}, {"single_word": True}, {"lstrip": True, "rstrip": True, "single_word": True}], ids=str)
@pytest.mark.parametrize("is_normalized", [False, True])
def test_added_tokens(assert_ids, normalizer, flags, is_normalized):
    tokenizer = tokenizer_of_pieces(normalizer, P.WhitespaceSplit())
    words = ["the", "Don", "你", "<X>", "<X><Y>", "ab", "ABC", "é", "_"]
    tokenizer.add_tokens([AddedToken(word, normalized=is_normalized, **flags) for word in words])
    tokenizer.add_special_tokens([AddedToken("<S>", **flags)])
    rng = random.Random(4)
    parts = [*words, "<S>", " ", "  ", "\n", "\u3000", "x", "X", "1", "\u0301", "-", "世", *PHRASES[:6]]
    assert_ids(tokenizer, ["".join(rng.choices(parts, k=rng.randint(1, 9))) for _ in range(400)])


@pytest.mark.parametrize("options", [
    {}, {"unk_token": "[UNK]"}, {"unk_token": "[UNK]", "fuse_unk": True}, {"byte_fallback": True, "unk_token": "[UNK]", "fuse_unk": True},
    {"end_of_word_suffix": "</w>", "unk_token": "[UNK]"}, {"continuing_subword_prefix": "##", "unk_token": "[UNK]"}, {"ignore_merges": True}], ids=str)
def test_bpe(assert_ids, options):
    prefix, suffix = options.get("continuing_subword_prefix", ""), options.get("end_of_word_suffix", "")
    letters = "abcdefghijklmnopqrsuvwxyz"  # without t
    tokens = ["[UNK]", *(f"<0x{i:02X}>" for i in range(256)), *letters]
    tokens += [f"{prefix}{c}{end}" for c in letters for end in ("", suffix) if prefix or end]
    merges = [(c + "", f"{prefix}{d}") for c, d in ["ab", "bc", "er", "in", "or", "ou"]] + [("ab", f"{prefix}c"), ("a", f"{prefix}b")]
    merges += [(c, f"{prefix}{d}{suffix}") for c, d in ["in", "on", "ll"]] if suffix else []
    tokens += [left + right.removeprefix(prefix) for left, right in merges] + ["tokenizer", "quick"]
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(dict.fromkeys(tokens))}, merges, **options))
    tokenizer.pre_tokenizer = P.Whitespace()
    assert_ids(tokenizer, [*STRINGS, "abc abcab in on all count tokenizer quick quickly errors nine"])


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
@pytest.mark.parametrize("normalization", ["nmt_nfkc", "identity"])
def test_sentence_piece_of_its_own_trainer(probe, tmp_path, kind, normalization):
    """And, for Unigram, as the tokenizer.json that transformers makes of one."""
    file = tmp_path / "tokenizer.model"
    with file.open("wb") as out:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(make_strings(1500)), model_writer=out, vocab_size=1500, model_type=kind, normalization_rule_name=normalization,
            character_coverage=0.99, minloglevel=2, num_threads=1, user_defined_symbols=["<extra>", "def"], hard_vocab_limit=False)
    library = sentencepiece.SentencePieceProcessor(model_file=str(file))
    strings = [*STRINGS, "a<extra>b <extra>"]
    ours = tokenize(probe, file, strings)
    theirs = library.encode(strings)
    if kind == "bpe":
        assert_same(strings, [o["ids"] for o in ours], theirs)
        return
    # Versions of the library break ties of Unigram, added up in float32, in different ways.
    def score(ids):
        return pytest.approx(sum(library.get_score(i) for i in ids), abs=1e-3)
    assert_same(strings, [score(o["ids"]) for o in ours], [score(ids).expected for ids in theirs])
    vocabulary = [(library.id_to_piece(i), library.get_score(i)) for i in range(library.get_piece_size())]
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=library.unk_id(), byte_fallback=False))
    tokenizer.pre_tokenizer = P.Metaspace()
    table = charsmap_of(library.serialized_model_proto())
    steps = [N.Precompiled(table)] if table else []
    tokenizer.normalizer = N.Sequence([*steps, N.Replace(Regex(" {2,}"), " ")])
    assert_equal(probe, tmp_path / "tokenizer.json", tokenizer, strings)


def charsmap_of(proto: bytes) -> bytes:
    """normalizer_spec (field 3) of a ModelProto, precompiled_charsmap (field 2) of it."""
    def fields(data):
        at = 0
        def varint():
            nonlocal at
            value = shift = 0
            while True:
                byte = data[at]
                at, value, shift = at + 1, value | (byte & 127) << shift, shift + 7
                if byte < 128:
                    return value
        while at < len(data):
            key = varint()
            length = varint() if key & 7 in (0, 2) else 4
            if key & 7 != 0:
                yield key >> 3, data[at:at + length]
                at += length
    return next((text for field, spec in fields(proto) if field == 3 for inner, text in fields(spec) if inner == 2), b"")
