"""Reads the reference results which `make references` writes with transformers."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

REFERENCES = Path(__file__).resolve().parents[1] / "references"


@dataclass(frozen=True, eq=False)
class Reference:
    """
    What transformers computes for one model in float32.

    prompt: int64 [n]; logits: float32 [n, vocab], at every position of the prompt;
    greedy: int64 [64], the tokens after the prompt, through any end of sequence;
    margin: the smallest distance between the best two logits over those 64 tokens.
    """

    prompt: npt.NDArray[np.int64]
    logits: npt.NDArray[np.float32]
    greedy: npt.NDArray[np.int64]
    margin: float


def reference(name: str) -> Reference:
    """The stored reference of a model: a name of CONFIGURATIONS, or `demo`."""
    with np.load(reference_file(name)) as arrays:
        return Reference(
            prompt=arrays["prompt"],
            logits=arrays["logits"],
            greedy=arrays["greedy"],
            margin=float(arrays["margin"]),
        )


def reference_file(name: str) -> Path:
    """Where the reference of a model is stored."""
    return REFERENCES / f"{name}.npz"
