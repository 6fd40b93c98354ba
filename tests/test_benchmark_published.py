"""The published forms of matrix products that `make bench` times, against numpy."""

from pathlib import Path

import numpy as np
import pytest
from llm.checkpoints import Shape, write
from llm.published import PublishedContender
from safetensors.numpy import load_file

SHAPE = Shape("tiny", hidden=80, intermediate=96, layers=2, heads=5, kv_heads=1, vocabulary=50)
TOLERANCE = 1e-5


@pytest.mark.parametrize("is_pivoted", [False, True])
@pytest.mark.parametrize("chunk", [8, 12, 64])
def test_products_are_those_of_numpy(tmp_path: Path, is_pivoted: bool, chunk: int) -> None:
    checkpoint = tmp_path / SHAPE.name
    write(SHAPE, checkpoint)
    contender = PublishedContender("tiny", is_pivoted, chunk)
    contender.load(checkpoint, tmp_path)
    with contender.open(checkpoint, tmp_path) as runner:
        runner.forward([1])
        found = runner.logits()
        token = runner.token()
    expected = contender.reference(checkpoint)
    expected.forward([1])
    np.testing.assert_allclose(found, expected.logits(), rtol=0, atol=TOLERANCE)
    assert token == expected.token()
    weights = load_file(checkpoint / "model.safetensors")
    matrices = [tensor for tensor in weights.values() if tensor.ndim == 2]
    assert len(found) == sum(len(matrix) for matrix in matrices)
