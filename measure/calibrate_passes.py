"""Measure what passes of a language model cost in each form of its program: small models, timed."""

import json
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from safetensors.numpy import save

from tensorjoin.backend import Backend, backend_of
from tensorjoin.backends.connect import connect
from tensorjoin.backends.database import Database
from tensorjoin.cost import Coefficients
from tensorjoin.fitting import least_deviations
from tensorjoin.forms import FORMS, PASS_TERMS, PassWork, pass_work
from tensorjoin.frontends.model import read_model
from tensorjoin.runtime.form_choice import timed_pass
from tensorjoin.runtime.load import load_model
from tensorjoin.runtime.session import Session

ROWS = (1, 8)
RUNS = 3


@dataclass(frozen=True)
class Shape:
    """The sizes of a Llama with hardly any vocabulary."""

    hidden: int
    layers: int


SHAPES = (Shape(64, 2), Shape(64, 16), Shape(512, 2), Shape(512, 12))
"""Few and many layers, small and large ones: a term of the costs is most of one of them."""

Timed = tuple[PassWork, float]


def calibrate_passes(
    database: Database, progress: Callable[[], None] = lambda: None
) -> dict[str, Coefficients]:
    """
    The costs of each form, or nothing where programs have one form only. The models are in files of
    their own, which are gone afterwards; `progress` is called for each of them.
    """
    if not database.target.profile.recurses:
        return {}
    timed: dict[str, list[Timed]] = {form: [] for form in FORMS}
    for shape in SHAPES:
        with loaded(backend_of(database.target), shape) as session:
            for form, found in passes(session):
                timed[form].append(found)
        progress()
    return {form: fitted(measured) for form, measured in timed.items()}


def passes(session: Session) -> Iterator[tuple[str, Timed]]:
    """What passes over some rows take in each form, in turns: the least of several runs."""
    manifest = session.model.manifest
    for rows in ROWS:
        work = pass_work(manifest.layers, manifest.layer_parameters, rows)
        # The first run of each form is not counted.
        runs = [{form: timed_pass(session, form, rows) for form in FORMS} for _ in range(1 + RUNS)]
        for form in FORMS:
            yield form, (work, min(run[form] for run in runs[1:]))


def fitted(measured: list[Timed]) -> dict[str, float]:
    """The costs by which the estimates are nearest to what was measured, relative to it."""
    amounts = np.array([list(asdict(work).values()) for work, _ in measured])
    seconds = np.array([seconds for _, seconds in measured])
    found = least_deviations(amounts / seconds[:, None])
    return {term: float(x) for term, x in zip(PASS_TERMS, found, strict=True)}


@contextmanager
def loaded(backend: Backend, shape: Shape) -> Generator[Session]:
    """A session over a model of random weights, in a file of its own."""
    with TemporaryDirectory() as folder:
        directory = Path(folder) / "model"
        directory.mkdir()
        write(shape, directory)
        url = f"{backend.schemes[0]}:///{folder}/calibration.db"
        with closing(connect(url, create=True)) as database:
            yield Session(database, load_model(database, directory))


def write(shape: Shape, directory: Path) -> None:
    """A checkpoint: any weights do, as no time depends on them."""
    config = {
        "architectures": ["LlamaForCausalLM"],
        "hidden_size": shape.hidden,
        "intermediate_size": 3 * shape.hidden,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": 8,
        "num_key_value_heads": 4,
        "vocab_size": 64,
        "max_position_embeddings": 64,
        "tie_word_embeddings": True,
    }
    (directory / "config.json").write_text(json.dumps(config))
    generator = np.random.default_rng(0)
    tensors = {
        name: generator.standard_normal(sizes, np.float32) / np.float32(sizes[-1] ** 0.5)
        for name, sizes in read_model(directory).weights.items()
    }
    (directory / "model.safetensors").write_bytes(save(tensors))
