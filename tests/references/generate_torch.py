"""
Writes transformers of PyTorch as ONNX, and what onnxruntime computes with them, to onnx/.

Run it in an environment of its own (requirements-torch.txt, beside this file).
"""

import torch
from onnx import ModelProto, load
from stored import FOLDER, write
from torch import Tensor, nn

ROWS = 20
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


def generate() -> None:
    torch.manual_seed(0)
    vectors = torch.randn(STEPS * BATCH + ROWS, POSITIONS, FEATURES)
    train("encoder", Encoder(nn.Linear(FEATURES, 32)), vectors, vectors.diff(dim=1)[..., 0])
    tokens = torch.randint(TOKENS, (STEPS * BATCH + ROWS, POSITIONS))
    train("encoder-tokens", Encoder(nn.Embedding(TOKENS, 32)), tokens, tokens.float() - TOKENS / 2)


def train(name: str, model: Encoder, x: Tensor, scores: Tensor) -> None:
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
    print(f"{name}: loss {loss.item():.3f}")
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
    write(name, stripped(load(path)), {"x": rows.numpy()})


def stripped(model: ModelProto) -> ModelProto:
    """Without where in the source each node came from: most of the file, and paths."""
    for part in (model, model.graph, *model.graph.node, *model.graph.value_info):
        del part.metadata_props[:]
    for value in (*model.graph.input, *model.graph.output, *model.graph.initializer):
        del value.metadata_props[:]
    return model


if __name__ == "__main__":
    generate()
