"""The numpy model that language models are measured against, against transformers."""

from pathlib import Path

import numpy as np
import pytest
from llm.reference import NumpyLlama
from models.llama import write_checkpoint
from models.references import reference

TOLERANCE = 1e-4


@pytest.mark.parametrize("split", [1, 4, 100])
def test_logits_and_tokens_are_those_of_transformers(tmp_path: Path, split: int) -> None:
    expected = reference("small")
    model = NumpyLlama(write_checkpoint(tmp_path / "small", "small"))
    prompt = expected.prompt.tolist()
    for start in range(0, len(prompt), split):
        model.forward(prompt[start : start + split])
        position = min(start + split, len(prompt)) - 1
        np.testing.assert_allclose(
            model.logits(), expected.logits[position], rtol=0, atol=TOLERANCE
        )
    greedy = [model.token()]
    while len(greedy) < len(expected.greedy):
        model.forward(greedy[-1:])
        greedy.append(model.token())
    assert greedy == expected.greedy.tolist()
