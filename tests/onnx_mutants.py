"""
Valid models of ONNX's own tests, broken in one place: `python onnx_mutants.py START COUNT` compiles
them, and prints a line for each that does worse than a TensorjoinError.
"""

import random
import resource
import signal
import sys
import time
import warnings
from collections.abc import Callable
from types import FrameType

from onnx import ModelProto, TensorProto, helper
from onnx.backend.test.loader import load_model_tests

from tensorjoin.backends.sqlite.database import SqliteDatabase
from tensorjoin.errors import TensorjoinError
from tensorjoin.frontends.onnx.model import parse_onnx
from tensorjoin.runtime.onnx_model import OnnxModel

SECONDS = 10
MEMORY = 2 << 30

Mutation = Callable[[random.Random, ModelProto], bytes]


def flipped_bytes(chance: random.Random, model: ModelProto) -> bytes:
    data = bytearray(model.SerializeToString())
    for _ in range(chance.randint(1, 8)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data)


def cut_off(chance: random.Random, model: ModelProto) -> bytes:
    data = model.SerializeToString()
    return data[: chance.randrange(len(data))]


def other_shape(chance: random.Random, model: ModelProto) -> bytes:
    values = [
        v for v in (*model.graph.input, *model.graph.output) if v.type.HasField("tensor_type")
    ]
    if values:
        dims = chance.choice(values).type.tensor_type.shape.dim
        if dims and chance.random() < 0.7:
            chance.choice(dims).dim_value = chance.choice([-1, 0, 1, 3, 7, 1 << 20, 1 << 40])
        else:
            dims.add().dim_value = chance.choice([0, 1, 2, 1 << 33])
    return model.SerializeToString()


def other_type(chance: random.Random, model: ModelProto) -> bytes:
    value = chance.choice([*model.graph.input, *model.graph.output])
    value.type.tensor_type.elem_type = chance.choice(TensorProto.DataType.values() + [0, 77])
    return model.SerializeToString()


def cycle(chance: random.Random, model: ModelProto) -> bytes:
    node = chance.choice(model.graph.node)
    last = model.graph.node[-1]
    if node.input and last.output:
        node.input[chance.randrange(len(node.input))] = last.output[0]
    return model.SerializeToString()


def missing_input(chance: random.Random, model: ModelProto) -> bytes:
    node = chance.choice(model.graph.node)
    if node.input and chance.random() < 0.5:
        del node.input[chance.randrange(len(node.input))]
    elif node.input:
        node.input[chance.randrange(len(node.input))] = chance.choice(["", "nowhere"])
    elif model.graph.input:
        del model.graph.input[chance.randrange(len(model.graph.input))]
    return model.SerializeToString()


def other_operator(chance: random.Random, model: ModelProto) -> bytes:
    node = chance.choice(model.graph.node)
    node.op_type = chance.choice(
        [
            "Conv",
            "MatMul",
            "Reshape",
            "Softmax",
            "Gather",
            "Nonsense",
            "Loop",
            "TopK",
            "Cast",
            "LSTM",
        ]
    )
    return model.SerializeToString()


def other_attribute(chance: random.Random, model: ModelProto) -> bytes:
    node = chance.choice(model.graph.node)
    names = [a.name for a in node.attribute] or ["axis", "alpha", "perm", "to"]
    name = chance.choice(names)
    kept = [a for a in node.attribute if a.name != name]
    del node.attribute[:]
    node.attribute.extend(kept)
    value = chance.choice([-7, 0, 1 << 40, [0, 0], [-1, 9, 2], 0.5, "odd", [1e30], None])
    if value is not None:
        node.attribute.append(helper.make_attribute(name, value))
    return model.SerializeToString()


def other_opset(chance: random.Random, model: ModelProto) -> bytes:
    model.opset_import[0].version = chance.choice([0, 1, 6, 9, 13, 1000, -1])
    return model.SerializeToString()


def other_operand(chance: random.Random, model: ModelProto) -> bytes:
    """One initializer of another shape, type or length; an operand that is another's."""
    graph = model.graph
    if graph.initializer:
        tensor = chance.choice(graph.initializer)
        if tensor.dims and chance.random() < 0.5:
            tensor.dims[0] = chance.choice([-1, 0, 5, 1 << 40])
        else:
            tensor.data_type = chance.choice(TensorProto.DataType.values())
    else:
        node = chance.choice(graph.node)
        names = [name for n in graph.node for name in n.input]
        if node.input:
            node.input[chance.randrange(len(node.input))] = chance.choice(names)
    return model.SerializeToString()


MUTATIONS: tuple[Mutation, ...] = (
    flipped_bytes,
    cut_off,
    other_shape,
    other_type,
    cycle,
    missing_input,
    other_operator,
    other_attribute,
    other_opset,
    other_operand,
)


def mutant(number: int, models: list[ModelProto]) -> tuple[str, bytes]:
    """The name of the mutation, and the file."""
    chance = random.Random(number)
    copy = ModelProto()
    copy.CopyFrom(chance.choice(models))
    mutation = MUTATIONS[number % len(MUTATIONS)]
    return mutation.__name__, mutation(chance, copy)


def stop(signum: int, frame: FrameType | None) -> None:
    raise TimeoutError


def main() -> None:
    start, count = map(int, sys.argv[1:3])
    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGALRM, stop)
    cases = load_model_tests(kind="node") if start >= 0 else []
    models = [case.model for case in cases if case.model is not None and case.model.graph.node]
    for number in range(start, start + count):
        # If the process dies, this is the last line.
        print(f"? {number}", flush=True)
        name, data = mutant(number, models)
        begin = time.monotonic()
        signal.alarm(SECONDS)
        try:
            database = SqliteDatabase(None)
            try:
                OnnxModel(parse_onnx(data, "the mutant"), database).compile_known_shapes()
                outcome = "compiled"
            finally:
                database.close()
        except TensorjoinError as error:
            outcome = "refused" if str(error) and "\n" not in str(error) else f"lines: {error!r}"
        except TimeoutError:
            outcome = "hangs"
        except Exception as error:
            where = error.__traceback__
            while where is not None and where.tb_next is not None:
                where = where.tb_next
            file = "" if where is None else f"{where.tb_frame.f_code.co_filename}:{where.tb_lineno}"
            outcome = f"{type(error).__name__}: {error} at {file}"
        signal.alarm(0)
        print(f"{number} {name} {outcome} {time.monotonic() - begin:.2f}", flush=True)


if __name__ == "__main__":
    main()
