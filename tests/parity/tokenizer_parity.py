"""The tokenizer against Hugging Face's on 2,000 strings of many scripts."""
import pytest
from tokenizer_comparison import assert_same, tokenize
from tokenizer_of_gguf import reference
from tokenizer_strings import make_strings
from tokenizers import AddedToken, Regex, pre_tokenizers

STRINGS = make_strings(2000)


@pytest.fixture(scope="module")
def tokenizer(smollm2):
    return reference(str(smollm2))


@pytest.fixture
def assert_equal_ids(probe):
    """That a file's tokenizer gives the ids of Hugging Face's."""
    def compare(path, tokenizer, strings) -> None:
        theirs = [e.ids for e in tokenizer.encode_batch(strings, add_special_tokens=False)]
        ours = tokenize(probe, path, strings)
        assert_same(strings, [o["ids"] for o in ours], theirs)
        assert_same(strings, [o["text"] for o in ours], strings)
    return compare


def test_gguf(assert_equal_ids, tokenizer, smollm2):
    assert_equal_ids(smollm2, tokenizer, STRINGS)


def test_tokenizer_json(assert_equal_ids, tokenizer, tmp_path):
    file = tmp_path / "tokenizer.json"
    tokenizer.save(str(file))
    assert_equal_ids(file, tokenizer, STRINGS)


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


@pytest.fixture(scope="module")
def patterned(smollm2):
    """A tokenizer whose pattern each test replaces: reading one from the GGUF takes seconds."""
    return reference(str(smollm2))


@pytest.fixture
def tokenizer_of_pattern(patterned, tmp_path):
    """The tokenizer with a pattern of its own, and it as a file, which comes first."""
    def make(pattern: str):
        patterned.pre_tokenizer = pre_tokenizers.Sequence([
            pre_tokenizers.Split(Regex(pattern), behavior="isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
        file = tmp_path / "pattern.json"
        patterned.save(str(file))
        return file, patterned
    return make


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_gives_hugging_faces_ids(assert_equal_ids, tokenizer_of_pattern, pattern):
    assert_equal_ids(*tokenizer_of_pattern(pattern), STRINGS[:600])


@pytest.mark.parametrize("pattern", REFUSED)
def test_a_pattern_that_is_not_followed_is_refused_by_name(probe, tokenizer_of_pattern, pattern):
    file, _ = tokenizer_of_pattern(pattern)
    done = probe("tokenize", file, input="", text=True)
    assert done.returncode == 1 and "is not followed" in done.stderr and pattern in done.stderr, done


def test_added_tokens(assert_equal_ids, smollm2, tmp_path):
    """Those that are looked for in normalized text come after the others."""
    tokenizer, file = reference(str(smollm2)), tmp_path / "added.json"
    tokenizer.add_tokens([AddedToken("wxyz<|im", normalized=True), AddedToken("<|im_x", normalized=False)])
    tokenizer.save(str(file))
    assert_equal_ids(file, tokenizer, ["wxyz<|im_start|> wxyz<|im wxyz<|im_x", "<|im_x<|im_start|>", "awxyz<|imb"])
