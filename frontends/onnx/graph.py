"""A graph of ONNX -> a module of `onnx`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from onnx import (
    AttributeProto,
    GraphProto,
    ModelProto,
    NodeProto,
    TypeProto,
    ValueInfoProto,
    numpy_helper,
)
from xdsl.builder import Builder
from xdsl.dialects import func
from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    ArrayAttr,
    FloatAttr,
    IntegerAttr,
    ModuleOp,
    NoneType,
    StringAttr,
    TensorType,
    f64,
    i64,
)
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.rewriter import InsertPoint

from tensorjoin.dialects import onnx
from tensorjoin.dialects.onnx.elements import dense, element_type
from tensorjoin.errors import TensorjoinError, UnsupportedError
from tensorjoin.frontends.onnx.matrices import matrix_shape
from tensorjoin.frontends.onnx.tensors import TensorFile
from tensorjoin.frontends.onnx.tree_tables import ENSEMBLES, flattened
from tensorjoin.frontends.onnx.types import maps_classes
from tensorjoin.interface import Procedure

LARGEST_CONSTANT = 512
"""Elements above which a tensor is a weight: a table, where a constant stands in the statement."""

LARGEST_ATTRIBUTE = 256
"""Numbers above which an attribute is an operand, which is a weight."""


@dataclass
class Importer:
    """Builds the ops of a graph; `values` gives those inputs that are known when compiling."""

    tensors: TensorFile
    values: Mapping[str, npt.NDArray[Any]]
    versions: Mapping[str, int]
    types: dict[str, Attribute] = field(default_factory=dict[str, Attribute])
    scope: dict[str, SSAValue] = field(default_factory=dict[str, SSAValue])
    weights: int = 0

    def module(self, graph: GraphProto) -> ModuleOp:
        block = Block()
        build = Builder(InsertPoint.at_end(block))
        self.declare(graph)
        self.initializers(graph, build)
        known = set(self.scope)
        for value in graph.input:
            if value.name in known:
                continue
            if value.name in self.values:
                element = element_type(value.type.tensor_type.elem_type)
                array = self.values[value.name]
                self.scope[value.name] = self.constant(array, element, build)
            else:
                self.scope[value.name] = build.insert(
                    onnx.InputOp(value.name, ranked_type(value))
                ).result
        self.nodes(graph, build)
        for value in graph.output:
            build.insert(onnx.OutputOp(self.lookup(value.name), value.name))
        build.insert(func.ReturnOp())
        return ModuleOp([func.FuncOp(Procedure.FORWARD, ((), ()), Region(block))])

    def declare(self, graph: GraphProto) -> None:
        for value in (*graph.value_info, *graph.input, *graph.output):
            self.types[value.name] = value_type(value.type)

    def initializers(self, graph: GraphProto, build: Builder) -> None:
        if graph.sparse_initializer:
            raise UnsupportedError("sparse initializers are not read")
        for tensor in graph.initializer:
            name = tensor.name
            element = element_type(tensor.data_type)
            self.tensors.add(name, tensor)
            if int(np.prod(tensor.dims)) <= LARGEST_CONSTANT:
                self.scope[name] = self.constant(self.tensors.read(name), element, build)
            else:
                self.scope[name] = self.weight(name, TensorType(element, list(tensor.dims)), build)

    def constant(self, array: npt.NDArray[Any], element: Attribute, build: Builder) -> SSAValue:
        type = TensorType(element, list(array.shape))
        return build.insert(onnx.ConstantOp(dense(array), type)).result

    def weight(self, tensor: str, type: TensorType[Attribute], build: Builder) -> SSAValue:
        symbol = f"weight{self.weights}"
        self.weights += 1
        self.tensors.add(symbol, self.tensors.protos[tensor])
        return build.insert(onnx.InitializerOp(symbol, type)).result

    def table(self, node: NodeProto, attribute: AttributeProto, build: Builder) -> SSAValue:
        """An attribute of many numbers as a weight."""
        name = f"attribute {attribute.name}"
        tensor = attribute.t
        if attribute.type != AttributeProto.TENSOR:
            is_float = attribute.type == AttributeProto.FLOATS
            array = np.array(
                attribute.floats if is_float else attribute.ints, "f4" if is_float else "i8"
            )
            shape = matrix_shape(node, attribute.name, array.size)
            tensor = numpy_helper.from_array(array.reshape(shape))
        self.tensors.add(name, tensor)
        type = TensorType(element_type(tensor.data_type), list(tensor.dims))
        return self.weight(name, type, build)

    def lookup(self, name: str) -> SSAValue:
        if name not in self.scope:
            raise TensorjoinError(f"the graph has no tensor {name!r}")
        return self.scope[name]

    def nodes(self, graph: GraphProto, build: Builder) -> None:
        for node in graph.node:
            self.node(node, build)

    def node(self, node: NodeProto, build: Builder) -> None:
        if node.op_type == "Constant" and own_domain(node.domain) == "":
            self.scope[node.output[0]] = self.constant_node(node, build)
            return
        if node.op_type in ENSEMBLES and node.domain == "ai.onnx.ml":
            node = flattened(node)
        inputs: list[SSAValue | Operation] = [
            self.lookup(name) if name else build.insert(onnx.AbsentOp()) for name in node.input
        ]
        attributes: dict[str, Attribute] = {}
        bodies: list[Region] = []
        graphs: list[Attribute] = []
        tables: list[Attribute] = []
        for attribute in node.attribute:
            if attribute.type == AttributeProto.GRAPH:
                graphs.append(StringAttr(attribute.name))
                bodies.append(self.body(attribute.g))
            elif is_table(attribute):
                tables.append(StringAttr(attribute.name))
                inputs.append(self.table(node, attribute, build))
            elif attribute.type == AttributeProto.TENSOR:
                self.tensors.add(attribute.name, attribute.t)
                array = self.tensors.read(attribute.name)
                attributes[attribute.name] = dense(array)
                attributes[f"{attribute.name}_type"] = element_type(attribute.t.data_type)
            else:
                attributes[attribute.name] = attribute_value(node, attribute)
        if graphs:
            attributes["graphs"] = ArrayAttr(graphs)
        if tables:
            attributes["tables"] = ArrayAttr(tables)
        domain = own_domain(node.domain)
        op = build.insert(
            onnx.NodeOp(
                node.op_type,
                inputs,
                [self.types.get(name, NoneType()) for name in node.output],
                attributes,
                domain,
                self.versions.get(domain, 1),
                bodies,
            )
        )
        for name, result in zip(node.output, op.outputs, strict=True):
            if name:
                self.scope[name] = result

    def constant_node(self, node: NodeProto, build: Builder) -> SSAValue:
        (attribute,) = node.attribute
        match attribute.name:
            case "value":
                name = f"constant {node.output[0]}"
                self.tensors.add(name, attribute.t)
                element = element_type(attribute.t.data_type)
                if int(np.prod(attribute.t.dims)) > LARGEST_CONSTANT:
                    return self.weight(name, TensorType(element, list(attribute.t.dims)), build)
                return self.constant(self.tensors.read(name), element, build)
            case "value_int" | "value_ints":
                values = attribute.ints if attribute.name == "value_ints" else attribute.i
                return self.constant(np.array(values, np.int64), i64, build)
            case "value_float" | "value_floats":
                values = attribute.floats if attribute.name == "value_floats" else attribute.f
                return self.constant(np.array(values, np.float32), element_type(1), build)
            case _:
                raise UnsupportedError(f"Constant with {attribute.name} is no tensor of numbers")

    def body(self, graph: GraphProto) -> Region:
        """A graph within a node, which also sees the names around it."""
        outer, types = dict(self.scope), dict(self.types)
        self.declare(graph)
        region, block = onnx.region([value_type(value.type) for value in graph.input])
        build = Builder(InsertPoint.at_end(block))
        for value, argument in zip(graph.input, block.args, strict=True):
            self.scope[value.name] = argument
        self.initializers(graph, build)
        self.nodes(graph, build)
        build.insert(onnx.YieldOp([self.lookup(value.name) for value in graph.output]))
        self.scope, self.types = outer, types
        return region


def import_graph(
    model: ModelProto, tensors: TensorFile, values: Mapping[str, npt.NDArray[Any]]
) -> ModuleOp:
    """
    The module of a model; `tensors` gets those that fill its weights, by symbol.

    Raises UnsupportedError where a tensor holds no numbers.
    """
    versions = {own_domain(entry.domain): entry.version for entry in model.opset_import}
    return Importer(tensors, values, versions).module(model.graph)


def own_domain(domain: str) -> str:
    """ONNX's own operators have two names for their domain."""
    return "" if domain == "ai.onnx" else domain


def value_type(type: TypeProto) -> Attribute:
    """The type of a value as far as it is known; `none` where it is not."""
    kind = type.WhichOneof("value")
    if kind is None or maps_classes(type):
        return NoneType()
    if kind != "tensor_type":
        raise UnsupportedError(f"no relation holds a {kind.removesuffix('_type')}")
    if type.tensor_type.elem_type == 0 or not type.tensor_type.HasField("shape"):
        return NoneType()
    dims = type.tensor_type.shape.dim
    shape = [d.dim_value if d.HasField("dim_value") else DYNAMIC_INDEX for d in dims]
    if any(extent < 0 and extent != DYNAMIC_INDEX for extent in shape):
        return NoneType()
    return TensorType(element_type(type.tensor_type.elem_type), shape)


def ranked_type(value: ValueInfoProto) -> TensorType[Attribute]:
    type = value_type(value.type)
    if not isinstance(type, TensorType):
        raise TensorjoinError(f"the shape of the input {value.name!r} is not known")
    ranked = cast(TensorType[Attribute], type)
    if not ranked.has_static_shape():
        raise TensorjoinError(f"the shape of the input {value.name!r} is not known")
    return ranked


def is_table(attribute: AttributeProto) -> bool:
    """Whether an attribute has so many numbers that it becomes a weight."""
    dims = attribute.t.dims
    size = int(np.prod(dims)) if attribute.type == AttributeProto.TENSOR else 0
    return max(size, len(attribute.floats), len(attribute.ints)) > LARGEST_ATTRIBUTE


def attribute_value(node: NodeProto, attribute: AttributeProto) -> Attribute:
    match attribute.type:
        case AttributeProto.INT:
            return IntegerAttr(attribute.i, i64)
        case AttributeProto.FLOAT:
            return FloatAttr(attribute.f, f64)
        case AttributeProto.STRING:
            return StringAttr(attribute.s.decode("utf-8", "replace"))
        case AttributeProto.INTS:
            return ArrayAttr([IntegerAttr(n, i64) for n in attribute.ints])
        case AttributeProto.FLOATS:
            return ArrayAttr([FloatAttr(x, f64) for x in attribute.floats])
        case AttributeProto.STRINGS:
            return ArrayAttr([StringAttr(s.decode("utf-8", "replace")) for s in attribute.strings])
        case _:
            kind = AttributeProto.AttributeType.Name(attribute.type).lower()
            raise UnsupportedError(f"{node.op_type} has an attribute {attribute.name}: a {kind}")
