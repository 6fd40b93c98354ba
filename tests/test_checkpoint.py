"""`tensorjoin.frontends.checkpoint` against files written by safetensors itself."""

import json
import pickle
import tracemalloc
from pathlib import Path

import ml_dtypes
import numpy as np
import psutil
import pytest
from safetensors.numpy import load_file, save_file

from tensorjoin.errors import TensorjoinError
from tensorjoin.frontends.checkpoint import Checkpoint

INDEX = "model.safetensors.index.json"
FIRST = "model-00001-of-00002.safetensors"
SECOND = "model-00002-of-00002.safetensors"


def random(*shape):
    return np.random.default_rng(7).standard_normal(shape, np.float32)


def save(directory, tensors, name="model.safetensors"):
    save_file(tensors, directory / name)
    return directory


def save_shards(directory, weight_map=None):
    """Two shards, `a` in the first and `b` in the second, and an index over them."""
    save(directory, {"a": random(4, 2)}, FIRST)
    save(directory, {"b": random(3)}, SECOND)
    weight_map = {"a": FIRST, "b": SECOND} if weight_map is None else weight_map
    (directory / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    return directory


def refusal(call, *arguments):
    """The message of the TensorjoinError that `call` raises, which must be one line."""
    with pytest.raises(TensorjoinError) as raised:
        call(*arguments)
    message = str(raised.value)
    assert len(message.splitlines()) == 1
    return message


@pytest.mark.parametrize("dtype", [np.float32, np.float16, ml_dtypes.bfloat16])
@pytest.mark.parametrize("shape", [(9, 5), (9,), (9, 2, 3)])
def test_read_rows_is_a_slice_of_the_tensor(tmp_path, dtype, shape):
    tensor = random(*shape).astype(dtype)
    with Checkpoint.open(save(tmp_path, {"x": tensor, "y": random(3)})) as checkpoint:
        for start, stop in [(0, 9), (0, 1), (3, 7), (8, 9), (0, 0), (9, 9)]:
            rows = checkpoint.read_rows("x", start, stop)
            assert rows.dtype == np.float32
            np.testing.assert_array_equal(rows, tensor[start:stop].astype(np.float32))


def resident_bytes(file):
    """The memory that holds what this process has mapped of a file, as the system counts it."""
    maps = psutil.Process().memory_maps()
    return sum(mapped.rss for mapped in maps if mapped.path == str(file))


@pytest.mark.skipif(not hasattr(psutil.Process, "memory_maps"), reason="the system does not tell")
def test_reading_does_not_fill_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("tensorjoin.frontends.checkpoint.MAPPED_BYTES", 1 << 20)
    tensor = random(4096, 1024)
    save(tmp_path, {"x": tensor})
    with Checkpoint.open(tmp_path) as checkpoint:
        for start in range(0, 4096, 128):
            rows = checkpoint.read_rows("x", start, start + 128)
            np.testing.assert_array_equal(rows, tensor[start : start + 128])
            # Not 1 MiB: the system reads ahead.
            assert resident_bytes(tmp_path / "model.safetensors") < tensor.nbytes / 2


def test_bfloat16_specials_survive(tmp_path):
    tensor = np.array([np.inf, -np.inf, np.nan, -0.0, 1e-40, 3e38], ml_dtypes.bfloat16)
    with Checkpoint.open(save(tmp_path, {"x": tensor})) as checkpoint:
        rows = checkpoint.read_rows("x", 0, 6)
    # bfloat16 is the upper half of a float32.
    expected = (tensor.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
    np.testing.assert_array_equal(rows.view(np.uint32), expected.view(np.uint32))


def test_entries_describe_the_file(tmp_path):
    tensors = {
        "x": random(2, 3).astype(ml_dtypes.bfloat16),
        "y": random(4),
        "z": np.zeros((2, 1), np.int8),
    }
    with Checkpoint.open(save(tmp_path, tensors)) as checkpoint:
        found = {name: (entry.dtype, entry.shape) for name, entry in checkpoint.entries.items()}
        assert found == {"x": ("BF16", (2, 3)), "y": ("F32", (4,)), "z": ("I8", (2, 1))}
        assert {entry.file for entry in checkpoint.entries.values()} == {
            tmp_path / "model.safetensors"
        }


@pytest.mark.parametrize("dtype", [np.float32, ml_dtypes.bfloat16])
def test_reading_rows_does_not_load_the_tensor(tmp_path, dtype):
    columns = 4096
    rows = 2**26 // (columns * np.dtype(dtype).itemsize)
    save(tmp_path, {"x": np.ones((rows, columns), dtype)})
    assert (tmp_path / "model.safetensors").stat().st_size >= 2**26
    tracemalloc.start()
    try:
        with Checkpoint.open(tmp_path) as checkpoint:
            assert checkpoint.read_rows("x", rows - 16, rows).sum() == 16 * columns
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # At least the rows themselves are seen, so the buffers of safetensors are being traced.
    assert 16 * columns * 4 <= peak < 8 * 2**20


def test_shards_are_read_through_the_index(tmp_path):
    with Checkpoint.open(save_shards(tmp_path)) as checkpoint:
        assert checkpoint.entries["a"].file == tmp_path / FIRST
        assert checkpoint.entries["b"].file == tmp_path / SECOND
        for name, file in [("a", FIRST), ("b", SECOND)]:
            tensor = load_file(tmp_path / file)[name]
            np.testing.assert_array_equal(checkpoint.read_rows(name, 0, len(tensor)), tensor)


def test_the_index_decides_between_two_copies(tmp_path):
    save_shards(tmp_path)
    save(tmp_path, {"a": random(4, 2) + 1, "b": random(3)}, SECOND)
    with Checkpoint.open(tmp_path) as checkpoint:
        np.testing.assert_array_equal(checkpoint.read_rows("a", 0, 4), random(4, 2))


def test_two_copies_without_a_decision_are_refused(tmp_path):
    save_shards(tmp_path)
    save(tmp_path, {"a": random(4, 2), "extra": random(1)}, FIRST)
    save(tmp_path, {"b": random(3), "extra": random(1)}, SECOND)
    message = refusal(Checkpoint.open, tmp_path)
    assert "'extra' is also in" in message
    assert SECOND in message
    assert FIRST in message


def test_a_single_file_of_another_name_is_read(tmp_path):
    save(tmp_path, {"x": random(2)}, "weights.safetensors")
    (tmp_path / "._weights.safetensors").write_bytes(b"left behind by another file system")
    with Checkpoint.open(tmp_path) as checkpoint:
        np.testing.assert_array_equal(checkpoint.read_rows("x", 0, 2), random(2))


def test_files_may_be_links_into_a_download_cache(tmp_path):
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshots" / "0"
    blobs.mkdir()
    snapshot.mkdir(parents=True)
    save_shards(blobs)
    (snapshot / INDEX).symlink_to(Path("../../blobs") / INDEX)
    (snapshot / FIRST).symlink_to(Path("../../blobs") / FIRST)
    (snapshot / SECOND).symlink_to(Path("../../blobs") / SECOND)
    with Checkpoint.open(snapshot) as checkpoint:
        np.testing.assert_array_equal(checkpoint.read_rows("b", 0, 3), random(3))


@pytest.mark.parametrize(
    "shard",
    [
        "../outside.safetensors",
        "..\\outside.safetensors",
        "sub/inside.safetensors",
        "./model.safetensors",
        "/etc/outside.safetensors",
        "C:outside.safetensors",
        "..",
        "..safetensors/..",
        "",
        "pytorch_model.bin",
        "two\nlines.safetensors",
        "nul\0.safetensors",
        "\ud800.safetensors",
        7,
        None,
        ["model.safetensors"],
    ],
)
def test_an_index_may_only_name_files_of_the_folder(tmp_path, shard):
    directory = tmp_path / "model"
    (directory / "sub").mkdir(parents=True)
    save(tmp_path, {"a": random(1)}, "outside.safetensors")
    save(directory / "sub", {"a": random(1)}, "inside.safetensors")
    message = refusal(Checkpoint.open, save_shards(directory, {"a": shard}))
    assert f"{directory / INDEX}: weight_map['a']" in message
    message.encode()  # printable


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("{", "is not valid JSON"),
        ("[1]", "holds [1] where a JSON object belongs"),
        ("[" * 100_000, "is not valid JSON"),
        ("{}", "weight_map is None"),
        ('{"weight_map": []}', "weight_map is []"),
        ('{"weight_map": {}}', "weight_map is {}"),
        ("\xff", "is not UTF-8"),
    ],
)
def test_a_malformed_index_is_refused(tmp_path, text, part):
    (tmp_path / INDEX).write_bytes(text.encode("latin-1"))
    message = refusal(Checkpoint.open, tmp_path)
    assert str(tmp_path / INDEX) in message
    assert part in message


def test_a_shard_that_is_not_there_is_refused(tmp_path):
    save_shards(tmp_path)
    (tmp_path / SECOND).unlink()
    message = refusal(Checkpoint.open, tmp_path)
    assert f"names '{SECOND}', which is not in the folder" in message


def test_a_shard_name_no_file_system_takes_is_refused(tmp_path):
    refusal(Checkpoint.open, save_shards(tmp_path, {"a": "x" * 5000 + ".safetensors"}))


def test_a_tensor_its_shard_does_not_have_is_refused(tmp_path):
    save_shards(tmp_path, {"a": FIRST, "b": SECOND, "c": SECOND})
    message = refusal(Checkpoint.open, tmp_path)
    assert f"{tmp_path / SECOND}: has no tensor 'c'" in message


def test_a_folder_without_safetensors_is_refused(tmp_path):
    assert "does not exist" in refusal(Checkpoint.open, tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    assert "is not a folder" in refusal(Checkpoint.open, tmp_path / "file")
    assert "has no model.safetensors" in refusal(Checkpoint.open, tmp_path)


def test_several_files_without_an_index_are_refused(tmp_path):
    save(tmp_path, {"x": random(1)}, FIRST)
    save(tmp_path, {"y": random(1)}, SECOND)
    message = refusal(Checkpoint.open, tmp_path)
    assert FIRST in message
    assert INDEX in message


class Bomb:
    def __reduce__(self):
        return pytest.fail, ("a pickle was opened",)


def test_pickles_are_never_opened(tmp_path):
    (tmp_path / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb()))
    message = refusal(Checkpoint.open, tmp_path)
    assert "pytorch_model.bin" in message
    assert "safetensors" in message


def save_whole(directory):
    return save(directory, {"x": random(8, 8)}) / "model.safetensors"


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:4],
        lambda data: data[:40],
        lambda data: data[:-1],
        lambda data: data + b"x",
        lambda data: b"\xff" * len(data),
        lambda data: data[:8] + b"?" * (len(data) - 8),
        lambda data: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        lambda data: data.replace(b"F32", b"F\n2"),
        pickle.dumps,
    ],
)
def test_damaged_files_are_refused(tmp_path, damage):
    file = save_whole(tmp_path)
    file.write_bytes(damage(file.read_bytes()))
    assert f"{file}: is not a readable safetensors file" in refusal(Checkpoint.open, tmp_path)


def test_a_damaged_shard_is_named(tmp_path):
    save_shards(tmp_path)
    (tmp_path / SECOND).write_bytes((tmp_path / SECOND).read_bytes()[:-1])
    assert str(tmp_path / SECOND) in refusal(Checkpoint.open, tmp_path)


def test_check_accepts_what_is_expected(tmp_path):
    tensors = {
        "embed": random(4, 2).astype(ml_dtypes.bfloat16),
        "norm": random(2).astype(np.float16),
        "model.layers.0.self_attn.rotary_emb.inv_freq": random(1),
        "lm_head.weight": random(4, 2),
    }
    with Checkpoint.open(save(tmp_path, tensors)) as checkpoint:
        checkpoint.check({"embed": (4, 2), "norm": (2,)})
        checkpoint.check({"embed": (4, 2), "norm": (2,), "lm_head.weight": (4, 2)})


def test_check_names_what_is_wrong(tmp_path):
    tensors = {"x": random(4, 2), "scales": np.zeros(3, np.int8)}
    file = tmp_path / "model.safetensors"
    with Checkpoint.open(save(tmp_path, tensors)) as checkpoint:
        message = refusal(checkpoint.check, {"x": (4, 2), "y": (3, 1)})
        assert f"{tmp_path}: the checkpoint has no tensor 'y' with shape [3, 1]" in message
        message = refusal(checkpoint.check, {"x": (2, 4)})
        assert f"{file}: tensor 'x' has shape [4, 2] but config.json asks for [2, 4]" in message
        message = refusal(checkpoint.check, {"scales": (3,)})
        assert f"{file}: tensor 'scales' has dtype I8 but only F32, F16, BF16 are read" in message
        message = refusal(checkpoint.check, {"x": (4, 2)})
        assert f"{file}: tensor 'scales' is not part of the model" in message


def test_names_in_messages_are_short_and_on_one_line(tmp_path):
    name = "line\n" + "x" * 10_000
    with Checkpoint.open(save(tmp_path, {name: random(1)})) as checkpoint:
        assert len(refusal(checkpoint.check, {})) < 500


def test_read_rows_refuses_what_is_not_there(tmp_path):
    tensors = {"x": random(4), "scalar": np.array(1.0, np.float32), "i": np.zeros(3, np.int64)}
    checkpoint = Checkpoint.open(save(tmp_path, tensors))
    assert "no tensor 'y'" in refusal(checkpoint.read_rows, "y", 0, 1)
    assert "dtype I64" in refusal(checkpoint.read_rows, "i", 0, 1)
    for name, start, stop in [("x", 0, 5), ("x", -1, 2), ("x", 3, 2), ("scalar", 0, 1)]:
        with pytest.raises(ValueError, match=f"{name}.*{start}:{stop}"):
            checkpoint.read_rows(name, start, stop)
    checkpoint.close()
    with pytest.raises(ValueError, match="closed"):
        checkpoint.read_rows("x", 0, 1)
    checkpoint.close()


def digest(directory):
    with Checkpoint.open(directory) as checkpoint:
        return checkpoint.digest()


def test_digest_depends_on_layout_only(tmp_path):
    first = digest(save(tmp_path, {"x": random(4, 2), "y": random(2)}))
    assert len(bytes.fromhex(first)) == 32
    assert digest(save(tmp_path, {"y": random(2), "x": random(4, 2) + 1})) == first
    others = [
        {"x": random(2, 4), "y": random(2)},
        {"x": random(4, 2), "z": random(2)},
        {"x": random(4, 2), "y": random(2).view(np.int32)},
        {"x": random(4, 2)},
    ]
    assert len({digest(save(tmp_path, tensors)) for tensors in others} | {first}) == 5
    save_file({"x": random(4, 2), "y": random(2)}, tmp_path / "model.safetensors", {"a": "b"})
    assert digest(tmp_path) != first
