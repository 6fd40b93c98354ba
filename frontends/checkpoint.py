"""The weights of a Hugging Face model folder: safetensors files, read a slice at a time.

Everything in a model folder is data from a stranger. Only safetensors is read, never pickle, and
an index file can only name files that lie directly in the folder.
"""

import hashlib
import json
import os
import reprlib
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from types import TracebackType
from typing import Protocol, Self, cast

# Importing ml_dtypes is what gives numpy the name "bfloat16", which safetensors asks it for.
import ml_dtypes as ml_dtypes
import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open

from tensorjoin.errors import TensorjoinError

READABLE_DTYPES = ("F32", "F16", "BF16")

MAPPED_BYTES = 16 << 20
"""Bytes read before the files are mapped anew."""

_SINGLE_FILE = "model.safetensors"
_INDEX_FILE = "model.safetensors.index.json"
_PICKLE_SUFFIXES = (".bin", ".pt", ".pth", ".ckpt")


@dataclass(frozen=True)
class TensorEntry:
    """One tensor as its file's header describes it; `dtype` is a safetensors name such as BF16."""

    name: str
    file: Path
    dtype: str
    shape: tuple[int, ...]


class _Slice(Protocol):
    def get_shape(self) -> list[int]: ...

    def get_dtype(self) -> str: ...

    def __getitem__(self, index: slice) -> npt.NDArray[np.generic]: ...


class _Handle(Protocol):
    """The part of `safetensors.safe_open` used here; its own stub has no types."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    def keys(self) -> list[str]: ...

    def get_slice(self, name: str) -> _Slice: ...


class Checkpoint:
    """The tensors of a model folder, with every file kept open until `close`.

    Only headers are read when it is opened. Use it as a context manager.
    """

    def __init__(self, directory: Path, files: list[Path], index: Mapping[str, Path]) -> None:
        """Read the headers of `files`; `index` says which file a tensor is to be taken from.

        Raises TensorjoinError if a file is not readable safetensors, or if a tensor is missing
        from the file `index` names for it, or is in two files and not in `index`.
        """
        self.directory = directory
        self.entries: dict[str, TensorEntry] = {}
        self._handles: dict[Path, _Handle] = {}
        with ExitStack() as opened:
            for file in files:
                handle = opened.enter_context(_open(file))
                self._handles[file] = handle
                self._add_entries(file, handle, index)
            for name, file in index.items():
                if name not in self.entries:
                    raise TensorjoinError(
                        f"{file}: has no tensor {shown(name)}, which {_INDEX_FILE} says is in it: "
                        "the files belong to different models, download the model again"
                    )
            self._sizes = [file.stat().st_size for file in files]
            self._open_files = opened.pop_all()
        self._mapped = 0

    def _add_entries(self, file: Path, handle: _Handle, index: Mapping[str, Path]) -> None:
        for name in handle.keys():  # noqa: SIM118 -- safe_open is not a mapping
            if index.get(name, file) != file:
                continue
            if name in self.entries:
                raise TensorjoinError(
                    f"{file}: tensor {shown(name)} is also in {self.entries[name].file.name}: "
                    f"name its file in {_INDEX_FILE} or remove one of the two files"
                )
            tensor = handle.get_slice(name)
            self.entries[name] = TensorEntry(
                name, file, str(tensor.get_dtype()), tuple(tensor.get_shape())
            )

    @classmethod
    def open(cls, directory: Path) -> Self:
        """Open model.safetensors, or the shards of its index, or the one *.safetensors file.

        Raises TensorjoinError if there is no such folder, no safetensors file in it, a file that
        cannot be read, or an index that is malformed or names anything but a file lying directly
        in the folder. (That file may be a symbolic link: download caches are made of them.)
        """
        require_directory(directory)
        try:
            return cls(directory, *_find_files(directory))
        except OSError as error:
            raise TensorjoinError(
                f"{directory}: cannot be read ({error.strerror}): check the folder and its rights"
            ) from error

    def read_rows(self, name: str, start: int, stop: int) -> npt.NDArray[np.float32]:
        """Rows `start` to `stop` (exclusive) along axis 0: float32 [stop - start, ...].

        Only these rows are read. F16 and BF16 are widened, which is exact. Raises TensorjoinError
        if there is no such tensor or its dtype is not F32, F16 or BF16, and ValueError if the
        rows are not all in the tensor or the checkpoint is closed.
        """
        if not self._handles:
            raise ValueError(f"the checkpoint {self.directory} is closed")
        entry = self.entries.get(name)
        if entry is None:
            raise self._missing(name)
        _require_readable_dtype(entry)
        if not entry.shape or not 0 <= start <= stop <= entry.shape[0]:
            raise ValueError(f"{name} {list(entry.shape)} has no rows {start}:{stop}")
        if start == stop:  # safetensors refuses an empty slice at the end of a tensor
            return np.empty((0, *entry.shape[1:]), np.float32)
        try:
            rows = self._handles[entry.file].get_slice(name)[start:stop]
        except (SafetensorError, OSError) as error:
            raise _unreadable(entry.file, error) from error
        self._mapped += rows.nbytes
        if self._mapped > MAPPED_BYTES:
            self._map_anew()
        return rows.astype(np.float32, copy=False)

    def check(self, expected: Mapping[str, tuple[int, ...]]) -> None:
        """Check that the tensors are those of `expected` (name to shape), in a readable dtype.

        Tensors that carry nothing of their own may come on top: saved rotary frequencies, and
        an lm_head.weight that `expected` does not have because it is tied to the embedding.

        Raises TensorjoinError for the first tensor that is missing, has another shape, has a
        dtype other than F32, F16 and BF16, or is not known.
        """
        for name, shape in expected.items():
            entry = self.entries.get(name)
            if entry is None:
                raise self._missing(name, f" with shape {list(shape)}")
            if entry.shape != tuple(shape):
                raise TensorjoinError(
                    f"{entry.file}: tensor {shown(name)} has shape {list(entry.shape)} but "
                    f"config.json asks for {list(shape)}: use the config.json of this checkpoint"
                )
            _require_readable_dtype(entry)
        for name, entry in self.entries.items():
            if name not in expected and not _is_redundant(name):
                raise TensorjoinError(
                    f"{entry.file}: tensor {shown(name)} is not part of the model config.json "
                    "describes: export the plain model, with adapters merged and without "
                    "quantization"
                )

    def digest(self) -> str:
        """SHA-256, in hexadecimal, over tensor names, dtypes and shapes, and the file sizes.

        It is cheap because it reads no weights, so it tells models of different layout apart but
        not two sets of weights of the same layout, such as a model and its fine-tuned version.
        """
        tensors = [
            [entry.name, entry.dtype, list(entry.shape)]
            for entry in sorted(self.entries.values(), key=lambda entry: entry.name)
        ]
        return hashlib.sha256(json.dumps([tensors, self._sizes]).encode()).hexdigest()

    def close(self) -> None:
        """Close every file. `entries`, `check` and `digest` stay usable, `read_rows` does not."""
        self._handles.clear()
        self._open_files.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _map_anew(self) -> None:
        # What was read of a mapped file stays in the process's memory until the file is unmapped.
        with ExitStack() as opened:
            handles = {file: opened.enter_context(_open(file)) for file in self._handles}
            self._open_files.close()
            self._handles = handles
            self._open_files = opened.pop_all()
        self._mapped = 0

    def _missing(self, name: str, detail: str = "") -> TensorjoinError:
        return TensorjoinError(
            f"{self.directory}: the checkpoint has no tensor {shown(name)}{detail}: a file is "
            "missing or config.json belongs to another model, download the model again"
        )


def shown(value: object) -> str:
    """`value` for an error message: its repr on one line, shortened if it is long."""
    shortener = reprlib.Repr()
    shortener.maxstring = shortener.maxother = shortener.maxlong = 100
    return " ".join(shortener.repr(value).split())


def require_directory(directory: Path) -> None:
    """Raise TensorjoinError unless `directory` is a folder."""
    if not directory.is_dir():
        problem = "is not a folder" if directory.exists() else "does not exist"
        raise TensorjoinError(
            f"{directory}: {problem}: give the folder a Hugging Face model was downloaded to"
        )
    if not os.access(directory, os.R_OK | os.X_OK):
        raise TensorjoinError(f"{directory}: may not be read: ask for the right to read the folder")


def read_text(file: Path) -> str:
    """The text of a UTF-8 file; TensorjoinError if it cannot be read."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise TensorjoinError(
            f"{file}: cannot be read ({reason}): download the file again"
        ) from error


def read_json_object(file: Path) -> dict[str, object]:
    """The object in a JSON file; TensorjoinError if there is no file or it holds anything else."""
    try:
        value: object = json.loads(read_text(file))
    except (ValueError, RecursionError) as error:
        raise TensorjoinError(
            f"{file}: is not valid JSON ({_one_line(error)}): download the file again"
        ) from error
    if not isinstance(value, dict):
        raise TensorjoinError(
            f"{file}: holds {shown(value)} where a JSON object belongs: download the file again"
        )
    return cast("dict[str, object]", value)


def _open(file: Path) -> _Handle:
    try:
        return cast(_Handle, safe_open(file, framework="numpy"))
    except (SafetensorError, OSError) as error:
        raise _unreadable(file, error) from error


def _unreadable(file: Path, error: Exception) -> TensorjoinError:
    return TensorjoinError(
        f"{file}: is not a readable safetensors file ({_one_line(error)}): it is cut short, "
        "damaged or only a Git LFS pointer, download it again"
    )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _find_files(directory: Path) -> tuple[list[Path], dict[str, Path]]:
    """The files to read, and which of them the index file, if used, names for each tensor."""
    if (directory / _SINGLE_FILE).is_file():
        return [directory / _SINGLE_FILE], {}
    if (directory / _INDEX_FILE).is_file():
        index = _read_index(directory)
        return sorted(set(index.values())), index
    return [_only_safetensors_file(directory)], {}


def _read_index(directory: Path) -> dict[str, Path]:
    """Tensor name to shard, from the index file; every shard is a file directly in the folder."""
    file = directory / _INDEX_FILE
    value = read_json_object(file).get("weight_map")
    weight_map = cast("dict[str, object]", value) if isinstance(value, dict) else {}
    if not weight_map:
        raise TensorjoinError(
            f"{file}: weight_map is {shown(cast(object, value))} but must be an object from tensor "
            "names to file names: download the file again"
        )
    shards: dict[str, Path] = {}
    for name, shard in weight_map.items():
        if not isinstance(shard, str) or not _is_plain_name(shard):
            raise TensorjoinError(
                f"{file}: weight_map[{shown(name)}] is {shown(shard)}: only the name of a "
                ".safetensors file in the same folder is accepted"
            )
        shards[name] = directory / shard
    for shard in sorted(set(shards.values())):
        if not shard.is_file():
            raise TensorjoinError(
                f"{file}: names {shown(shard.name)}, which is not in the folder: download that "
                "file too"
            )
    return shards


def _is_plain_name(name: str) -> bool:
    """Whether `name` is a .safetensors file name with no directory part on any system."""
    return (
        PurePosixPath(name).name == name
        and PureWindowsPath(name).name == name
        and ".." not in name
        and name.isprintable()
        and name.endswith(".safetensors")
    )


def _only_safetensors_file(directory: Path) -> Path:
    names = sorted(file.name for file in directory.iterdir() if not file.name.startswith("."))
    found = [name for name in names if name.endswith(".safetensors")]
    if len(found) == 1:
        return directory / found[0]
    if found:
        raise TensorjoinError(
            f"{directory}: has {len(found)} .safetensors files ({found[0]}, ...) but neither "
            f"{_SINGLE_FILE} nor {_INDEX_FILE} to say which to read: download {_INDEX_FILE}"
        )
    pickled = next((name for name in names if name.endswith(_PICKLE_SUFFIXES)), None)
    if pickled is not None:
        raise TensorjoinError(
            f"{directory / pickled}: is a pickle file, which can run code when it is opened and "
            "is never read: download or save the model as safetensors"
        )
    raise TensorjoinError(
        f"{directory}: has no {_SINGLE_FILE} and no {_INDEX_FILE}: give the folder a Hugging "
        "Face model was downloaded to"
    )


def _require_readable_dtype(entry: TensorEntry) -> None:
    if entry.dtype not in READABLE_DTYPES:
        raise TensorjoinError(
            f"{entry.file}: tensor {shown(entry.name)} has dtype {entry.dtype} but only "
            f"{', '.join(READABLE_DTYPES)} are read: use an unquantized version of the model"
        )


def _is_redundant(name: str) -> bool:
    return name == "lm_head.weight" or name.endswith("rotary_emb.inv_freq")
