"""What our tokenizer and another library make of the same strings."""
import json


def tokenize(probe, path, strings):
    """What ours makes of each: ids, ids of a whole text, the text of the ids."""
    done = probe("tokenize", path, input="".join(json.dumps(s) + "\n" for s in strings), text=True)
    assert done.returncode == 0, done.stderr
    ours = [json.loads(line) for line in done.stdout.split("\n") if line]
    assert len(ours) == len(strings)
    return ours


def assert_same(strings, ours, theirs):
    different = [f"{s!r}\n  ours   {a}\n  theirs {b}" for s, a, b in zip(strings, ours, theirs, strict=True) if a != b]
    assert not different, f"{len(different)} of {len(strings)} differ:\n" + "\n".join(different[:10])


def assert_equal(probe, path, tokenizer, strings, decode=None):
    """That a file or folder gives what the tokenizer of Hugging Face's library does: ids, ids of a whole text,
    text. A file that isn't there yet is what the tokenizer saves."""
    if not path.exists():
        tokenizer.save(str(path))
    ours = tokenize(probe, path, strings)
    assert_same(strings, [o["whole"] for o in ours], [tokenizer.encode(s).ids for s in strings])
    tokenizer.no_truncation()
    tokenizer.no_padding()
    ids = [e.ids for e in tokenizer.encode_batch(strings, add_special_tokens=False)]
    assert_same(strings, [o["ids"] for o in ours], ids)
    decode = decode or (lambda some: tokenizer.decode(some, skip_special_tokens=False))
    assert_same(strings, [o["text"] for o in ours], [decode(some) for some in ids])
