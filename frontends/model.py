"""
A language model on disk, as whoever loads it sees it, and the architectures that can read one.

An architecture is an entry point of the group `tensorjoin.architectures`; ours are found the same
way as anyone's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.metadata import entry_points
from pathlib import Path

from xdsl.dialects.builtin import ModuleOp

from tensorjoin.dialects import nn, ten
from tensorjoin.errors import TensorjoinError
from tensorjoin.frontends.checkpoint import Checkpoint, shown
from tensorjoin.frontends.config import CONFIG, read_config
from tensorjoin.frontends.tokenizer import read_tokenizer

ARCHITECTURES = "tensorjoin.architectures"


@dataclass(frozen=True)
class ModelOnDisk:
    """A Hugging Face folder whose config.json was read; weights and tokenizer are still there."""

    directory: Path
    architecture: str
    build: Callable[[], ModuleOp] = field(repr=False)
    """Builds the forward pass in `nn`."""
    vocab_size: int
    max_positions: int
    layers: int
    bos_token_id: int | None
    eos_token_ids: tuple[int, ...]

    @cached_property
    def module(self) -> ModuleOp:
        """The forward pass in `nn`; its weights are symbols, the names of the tensors."""
        return self.build()

    @cached_property
    def weights(self) -> Mapping[str, tuple[int, ...]]:
        """
        The shape of each tensor that the forward pass reads, by its name.

        Raises TensorjoinError where two weights are made of one tensor, of different shapes.
        """
        shapes: dict[str, tuple[int, ...]] = {}
        for op in self.module.walk():
            if isinstance(op, nn.WeightOp):
                name, shape = op.symbol.string_value(), tuple(ten.tensor(op.result).get_shape())
                if op.transform is not None:
                    transform = op.transform.transform
                    name, shape = transform.tensor, transform.stored_shape(shape)
                if shapes.setdefault(name, shape) != shape:
                    raise TensorjoinError(
                        f"{self.architecture}: the tensor {shown(name)} is read as if it had the"
                        f" shapes {list(shapes[name])} and {list(shape)}: correct the architecture"
                    )
        return shapes

    @cached_property
    def tokenizer(self) -> str | None:
        """The text of tokenizer.json, if there is one; raises TensorjoinError if it is broken."""
        return read_tokenizer(self.directory, self.vocab_size)

    def open_tensors(self) -> Checkpoint:
        """
        The folder's tensors, to be closed.

        Raises TensorjoinError where one is missing, or is none of the model.
        """
        checkpoint = Checkpoint.open(self.directory)
        try:
            # A made-up config.json may ask for layers without end.
            if len(checkpoint.entries) < self.layers:
                raise TensorjoinError(
                    f"{self.directory}: has {len(checkpoint.entries)} tensors for a model of"
                    f" {self.layers} layers: use the {CONFIG} of this checkpoint"
                )
            checkpoint.check(self.weights)
        except BaseException:
            checkpoint.close()
            raise
        return checkpoint


@dataclass(frozen=True)
class Architecture:
    """How a family of models is read."""

    name: str
    """What config.json calls it, in `architectures`."""
    model_type: str
    """Its `model_type` there, which is enough where `architectures` is missing."""
    read: Callable[[Path], ModelOnDisk]
    """Reads a folder; raises TensorjoinError for a feature that is not compiled, by its name."""


@cache
def architectures() -> tuple[Architecture, ...]:
    """The installed architectures, in the order of their names."""
    loaded: list[Architecture] = [each.load() for each in entry_points(group=ARCHITECTURES)]
    return tuple(sorted(loaded, key=lambda each: each.name))


def read_model(directory: Path) -> ModelOnDisk:
    """
    The model in a Hugging Face folder, of which config.json is enough.

    Raises TensorjoinError where the folder, or config.json, is missing or broken, or no installed
    architecture reads such a model.
    """
    config = read_config(directory)
    names, kind = config.get("architectures"), config.get("model_type")
    for each in architectures():
        if names == [each.name] or (names is None and kind == each.model_type):
            return each.read(directory)
    known = ", ".join(f"{a.name} (model_type {a.model_type!r})" for a in architectures())
    raise TensorjoinError(
        f"{config.file}: unknown architecture {shown(names)} (model_type {shown(kind)}): known are"
        f" {known}, give a model of these"
    )
