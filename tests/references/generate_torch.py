"""
Writes transformers of PyTorch as ONNX, and what onnxruntime computes with them, to onnx/.

Run it in an environment of its own (requirements-torch.txt, beside this file). `--check` runs the
stored models instead, and compares with the stored results.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from onnx import ModelProto, load
from torch import Tensor, nn

FOLDER = Path(__file__).resolve().parent / "onnx"
ROWS = 20
TOLERANCE = 1e-5
POSITIONS, FEATURES, TOKENS, CLASSES = 8, 16, 50, 3
STEPS, BATCH = 150, 64


class Encoder(nn.Module):
    """A classifier of short sequences: embedding, two layers of an encoder, mean, softmax."""

    def __init__(self, embedding: nn.Module) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(
            d_model=32, nhead=4, dim_feedforward=64, dropout=0.0, batch_first=True
        )
        self.embedding = embedding
        self.positions = nn.Parameter(torch.randn(POSITIONS, 32) / 4)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(32, CLASSES)

    def logits(self, x: Tensor) -> Tensor:
        return self.head(self.encoder(self.embedding(x) + self.positions).mean(1))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        probabilities = torch.softmax(self.logits(x), -1)
        return probabilities.argmax(-1), probabilities


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with the stored files")
    arguments = parser.parse_args()
    return check() if arguments.check else generate()


def generate() -> int:
    torch.manual_seed(0)
    vectors = torch.randn(STEPS * BATCH + ROWS, POSITIONS, FEATURES)
    write("encoder", Encoder(nn.Linear(FEATURES, 32)), vectors, vectors.diff(dim=1)[..., 0])
    tokens = torch.randint(TOKENS, (STEPS * BATCH + ROWS, POSITIONS))
    write("encoder-tokens", Encoder(nn.Embedding(TOKENS, 32)), tokens, tokens.float() - TOKENS / 2)
    return 0


def write(name: str, model: Encoder, x: Tensor, scores: Tensor) -> None:
    """Train to tell where in a sequence its largest score is, and store what comes of it."""
    classes = scores.argmax(1) * CLASSES // scores.shape[1]
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    for start in range(0, STEPS * BATCH, BATCH):
        part = slice(start, start + BATCH)
        loss = nn.functional.cross_entropy(model.logits(x[part]), classes[part])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    rows = x[-ROWS:]
    path = FOLDER / f"{name}.onnx"
    torch.onnx.export(
        model.eval(),
        (rows,),
        path,
        input_names=["x"],
        output_names=["label", "probabilities"],
        dynamic_shapes=({0: torch.export.Dim("batch")},),
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    stripped(path)
    arrays = {"input.x": rows.numpy()}
    arrays |= {f"output.{key}": array for key, array in run(load(path), rows.numpy()).items()}
    np.savez_compressed(path.with_suffix(".npz"), **arrays)
    sizes = path.stat().st_size, path.with_suffix(".npz").stat().st_size
    print(f"{name}: {sizes[0]} + {sizes[1]} bytes, loss {loss.item():.3f}")


def stripped(path: Path) -> None:
    """Leave out where in the source each node came from: most of the file, and paths."""
    model = load(path)
    for part in (model, model.graph, *model.graph.node, *model.graph.value_info):
        del part.metadata_props[:]
    for value in (*model.graph.input, *model.graph.output, *model.graph.initializer):
        del value.metadata_props[:]
    path.write_bytes(model.SerializeToString())


def check() -> int:
    failures = 0
    for path in sorted(FOLDER.glob("encoder*.onnx")):
        with np.load(path.with_suffix(".npz")) as stored:
            arrays = dict(stored)
        same = all(
            np.allclose(array, arrays[f"output.{key}"], TOLERANCE, TOLERANCE)
            for key, array in run(load(path), arrays["input.x"]).items()
        )
        failures += not same
        print(f"{path.stem}: {'ok' if same else 'differs'}")
    return 1 if failures else 0


def run(model: ModelProto, x: np.ndarray) -> dict[str, np.ndarray]:
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, {"x": x}), strict=True))


if __name__ == "__main__":
    sys.exit(main())
