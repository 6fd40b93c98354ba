"""`tensorjoin.frontends.tokenizer` against what the tokenizers library makes of the same ids."""

import json
import random

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from tensorjoin.errors import TensorjoinError
from tensorjoin.frontends.tokenizer import StreamingDecoder, read_tokenizer

TEXT = "Héllo  wörld, 你好 😀!\n the é"


def byte_level():
    """As Llama 3: every byte has a token and some characters are several tokens."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: number for number, letter in enumerate(alphabet)}
    vocabulary |= {"Ġw": 256, "Ã©": 257}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[("Ġ", "w"), ("Ã", "©")]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<|begin|>", "<|end|>"])
    tokenizer.add_tokens(["\ufffd", "你好"])
    return tokenizer


def byte_fallback(strip=1):
    """As Llama 2: spaces are a letter, the first one is dropped, rare characters are bytes."""
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    tokens += ["▁", "▁▁", "▁a", "a", "b", "é", "▁你", "\ufffd"]
    tokenizer = Tokenizer(
        models.BPE(
            vocab={token: number for number, token in enumerate(tokens)},
            merges=[("▁", "a"), ("▁", "▁")],
            byte_fallback=True,
            unk_token="<unk>",
        )
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", strip, 0),
        ]
    )
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>"])
    return tokenizer


def words(decoder):
    tokens = ["<unk>", "a", "##b", "▁c", "▁", "d</w>", ".", " .", "n't", "<pad>", "|", "  ", "x "]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.decoder = decoder
    return tokenizer


def rewriting():
    """A decoder that rewrites the joined text: "a" then "b" is one "c"."""
    tokenizer = Tokenizer(models.WordLevel({"a": 0, "b": 1, " ": 2}, unk_token="a"))
    tokenizer.decoder = decoders.Sequence([decoders.Fuse(), decoders.Replace("ab", "c")])
    return tokenizer


class Shouting:
    def decode_chain(self, tokens):
        return [token.upper() for token in tokens]


TOKENIZERS = {
    "byte level": byte_level(),
    "byte fallback": byte_fallback(),
    "two spaces dropped": byte_fallback(strip=2),
    "metaspace": words(decoders.Metaspace()),
    "word pieces": words(decoders.WordPiece()),
    "suffixes": words(decoders.BPEDecoder()),
    "repetitions dropped": words(decoders.CTC()),
    "no decoder": words(None),
    "rewriting": rewriting(),
    "in Python": words(decoders.Decoder.custom(Shouting())),
}


def stream(tokenizer, ids):
    decoder = StreamingDecoder(tokenizer)
    return [decoder.push(token_id) for token_id in ids] + [decoder.finish()]


@pytest.mark.parametrize("name", TOKENIZERS)
def test_pieces_make_up_the_decoded_text(name):
    tokenizer = TOKENIZERS[name]
    size = tokenizer.get_vocab_size() + 2  # with ids that have no token
    choose = random.Random(name)
    for _ in range(400):
        some = [choose.randrange(size) for _ in range(choose.choice([2, 5, 300]))]
        ids = choose.choices(some, k=choose.randrange(40))
        expected = tokenizer.decode(ids, skip_special_tokens=True)
        assert "".join(stream(tokenizer, ids)) == expected


@pytest.mark.parametrize("name", ["byte level", "byte fallback"])
def test_pieces_of_text_are_whole_characters(name):
    tokenizer = TOKENIZERS[name]
    text = TEXT if name == "byte level" else "a é 你😀 a"
    pieces = stream(tokenizer, tokenizer.encode(text).ids)
    assert "".join(pieces) == text
    assert "\ufffd" not in "".join(pieces)
    assert sum(map(bool, pieces)) > 3


def test_a_character_comes_with_its_last_byte():
    tokenizer = TOKENIZERS["byte level"]
    ids = [tokenizer.token_to_id(letter) for letter in ["a", "ð", "Ł", "ĺ", "Ģ", "b"]]
    assert stream(tokenizer, ids) == ["a", "", "", "", "😀", "b", ""]


def test_byte_tokens_come_when_their_run_ends():
    tokenizer = TOKENIZERS["byte fallback"]
    ids = [tokenizer.token_to_id(token) for token in ["▁a", "<0xC3>", "<0xA9>", "b", "<0x0A>"]]
    assert stream(tokenizer, ids) == ["a", "", "", "éb", "", "\n"]
    # Because one wrong byte changes all of the run.
    ids = [tokenizer.token_to_id(token) for token in ["<0x41>", "<0xE4>", "a"]]
    assert tokenizer.decode(ids) == "\ufffd\ufffda"
    assert stream(tokenizer, ids) == ["", "", "\ufffd\ufffda", ""]


def test_only_the_first_space_is_dropped():
    tokenizer = TOKENIZERS["byte fallback"]
    ids = [tokenizer.token_to_id(token) for token in ["<s>", "▁a", "</s>", "▁a", "▁", "▁a"]]
    assert stream(tokenizer, ids) == ["", "a", "", " a", " ", " a", ""]


def test_a_space_before_dropped_ones_is_not_forgotten():
    tokenizer = TOKENIZERS["two spaces dropped"]
    ids = [tokenizer.token_to_id(token) for token in ["b", "▁", "▁a", "▁", "▁", "▁", "▁a"]]
    assert stream(tokenizer, ids) == ["b", " ", " a", " ", " ", " ", " a", ""]


def test_special_tokens_are_silent_and_finish_starts_over():
    tokenizer = TOKENIZERS["byte fallback"]
    begin, word = tokenizer.token_to_id("<s>"), tokenizer.token_to_id("▁a")
    decoder = StreamingDecoder(tokenizer)
    for _ in range(2):
        assert [decoder.push(begin), decoder.push(word), decoder.push(begin)] == ["", "a", ""]
        assert decoder.finish() == ""


class Counting:
    """A tokenizer that counts the ids it decodes."""

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer
        self.decoded = 0

    def decode(self, ids, skip_special_tokens):
        self.decoded += len(ids)
        return self.tokenizer.decode(ids, skip_special_tokens=skip_special_tokens)

    def __getattr__(self, name):
        return getattr(self.tokenizer, name)


@pytest.mark.parametrize(
    ("name", "token"),
    [
        ("byte level", "a"),
        ("byte level", "ÿ"),  # a byte that is in no character
        ("byte level", "\ufffd"),
        ("byte fallback", "▁"),
        ("byte fallback", "<0x41>"),
        ("byte fallback", "</s>"),
        ("repetitions dropped", "a"),
        ("rewriting", "a"),
    ],
)
def test_the_work_is_linear(name, token):
    tokenizer = Counting(TOKENIZERS[name])
    ids = [tokenizer.token_to_id(token)] * 4000
    pieces = stream(tokenizer, ids)
    assert "".join(pieces) == tokenizer.tokenizer.decode(ids)
    assert tokenizer.decoded < 15 * len(ids)


def refusal(directory, vocab_size):
    """The message of the TensorjoinError on reading, which must be one line."""
    with pytest.raises(TensorjoinError) as raised:
        read_tokenizer(directory, vocab_size)
    message = str(raised.value)
    assert len(message.splitlines()) == 1
    assert message.startswith(f"{directory / 'tokenizer.json'}: ")
    return message


def test_read_tokenizer_returns_the_text(tmp_path):
    assert read_tokenizer(tmp_path, 10) is None
    tokenizer = TOKENIZERS["byte level"]
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    size = tokenizer.get_vocab_size(with_added_tokens=True)
    text = read_tokenizer(tmp_path, size)
    assert text is not None
    assert Tokenizer.from_str(text).encode(TEXT).ids == tokenizer.encode(TEXT).ids
    assert read_tokenizer(tmp_path, size + 56) == text


def test_a_vocabulary_larger_than_the_model_is_refused(tmp_path):
    tokenizer = TOKENIZERS["byte level"]
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    size = tokenizer.get_vocab_size(with_added_tokens=True)
    message = refusal(tmp_path, size - 1)
    assert f"tokenizer.json has {size} tokens but config.json says vocab_size {size - 1}" in message


def test_token_ids_with_gaps_count_by_the_largest(tmp_path):
    tokenizer = Tokenizer(models.WordLevel({"a": 0, "b": 99}, unk_token="a"))
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    assert "has 100 tokens but config.json says vocab_size 99" in refusal(tmp_path, 99)
    assert read_tokenizer(tmp_path, 100)


def contradictory():
    """A prefix that the merged tokens do not have, at which tokenizers 0.23 panics."""
    description = json.loads(TOKENIZERS["byte fallback"].to_str())
    description["model"]["continuing_subword_prefix"] = "a long prefix"
    return json.dumps(description).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"version": "1.0", "model": {"type": "Nobody knows"}}',
        b'{"version": "1.0", "model": {"type": "BPE", "vocab": {"a": -1}, "merges": []}}',
        contradictory(),
    ],
)
def test_what_is_no_tokenizer_is_refused(tmp_path, data):
    (tmp_path / "tokenizer.json").write_bytes(data)
    refusal(tmp_path, 1000)


def test_a_tokenizer_that_is_no_file_is_refused(tmp_path):
    (tmp_path / "tokenizer.json").mkdir()
    assert "cannot be read" in refusal(tmp_path, 1000)
