"""Operators that the standard defines by others, replaced by their definitions."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import count
from typing import Any

from onnx import AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, TypeProto, defs
from onnx.defs import OpSchema

from tensorjoin.errors import UnsupportedError
from tensorjoin.frontends.onnx.types import inferred, types_of

DEEPEST = 16
"""Rounds of expansion: a function is defined by others, which are defined by others."""


def expanded(model: ModelProto, operators: Collection[tuple[str, str]]) -> ModelProto:
    """A copy of a model whose nodes are in `operators`, or have no definition."""
    names = count()
    for _ in range(DEEPEST):
        model = inferred(model)
        versions = {entry.domain or "": entry.version for entry in model.opset_import}
        if not expand_graph(model.graph, types_of(model.graph), versions, operators, names):
            return model
    raise UnsupportedError("functions are nested too deep")


def expand_graph(
    graph: GraphProto,
    types: Mapping[str, TypeProto],
    versions: Mapping[str, int],
    operators: Collection[tuple[str, str]],
    names: Iterable[int],
) -> bool:
    """Replace, in place, each node that is to be expanded by one level; says if there was one."""
    changed = False
    nodes: list[NodeProto] = []
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == AttributeProto.GRAPH:
                known = {**types, **types_of(attribute.g)}
                changed |= expand_graph(attribute.g, known, versions, operators, names)
        domain = "" if node.domain == "ai.onnx" else node.domain
        body = None
        if (domain, node.op_type) not in operators:
            body = definition(node, domain, types, versions.get(domain, 1))
        if body is None:
            nodes.append(node)
        else:
            nodes += spliced(node, *body, f"{node.op_type} {next(iter(names))} ")
            changed = True
    del graph.node[:]
    graph.node.extend(nodes)
    return changed


def definition(
    node: NodeProto, domain: str, types: Mapping[str, TypeProto], version: int
) -> tuple[FunctionProto, OpSchema] | None:
    """What the standard says that a node stands for, if it does."""
    # The stubs of onnx lack what says how an operator is defined.
    try:
        schema: Any = defs.get_schema(node.op_type, version, domain)
    except defs.SchemaError:
        return None
    function = FunctionProto()
    since: list[int] = [v for v in schema.function_opset_versions if v <= version]
    if since:
        function.ParseFromString(schema.get_function_with_opset_version(max(since)))
        return function, schema
    since = [v for v in schema.context_dependent_function_opset_versions if v <= version]
    if not since:
        return None
    operands = [types.get(name, TypeProto()).SerializeToString() for name in node.input]
    body: bytes = schema.get_context_dependent_function_with_opset_version(
        max(since), node.SerializeToString(), operands
    )
    function.ParseFromString(body)
    return (function, schema) if function.node else None


def spliced(
    node: NodeProto, function: FunctionProto, schema: OpSchema, prefix: str
) -> list[NodeProto]:
    """The nodes of a definition, with a node's operands and attributes, their other names new."""
    renamed = {formal: "" for formal in function.input}
    renamed |= dict(zip(function.input, node.input, strict=False))
    renamed |= {f: a for f, a in zip(function.output, node.output, strict=False) if a}
    given = {attribute.name: attribute for attribute in node.attribute}
    for attribute in function.attribute_proto:
        given.setdefault(attribute.name, attribute)
    for name, attribute in schema.attributes.items():
        if attribute.default_value.name:
            given.setdefault(name, attribute.default_value)
    return [rewritten(inner, renamed, given, prefix) for inner in function.node]


def rewritten(
    node: NodeProto,
    renamed: Mapping[str, str],
    given: Mapping[str, AttributeProto],
    prefix: str,
) -> NodeProto:
    """A copy of a node of a definition in the graph that it becomes part of."""

    def rename(names: Sequence[str]) -> list[str]:
        return [renamed.get(name, f"{prefix}{name}") if name else "" for name in names]

    copy = NodeProto()
    copy.CopyFrom(node)
    copy.input[:], copy.output[:] = rename(node.input), rename(node.output)
    del copy.attribute[:]
    for attribute in node.attribute:
        if attribute.ref_attr_name:
            if (value := given.get(attribute.ref_attr_name)) is not None:
                copy.attribute.add().CopyFrom(value)
                copy.attribute[-1].name = attribute.name
        else:
            copy.attribute.add().CopyFrom(attribute)
    for attribute in copy.attribute:
        if attribute.type == AttributeProto.GRAPH:
            rename_graph(attribute.g, renamed, given, prefix)
    return copy


def rename_graph(
    graph: GraphProto,
    renamed: Mapping[str, str],
    given: Mapping[str, AttributeProto],
    prefix: str,
) -> None:
    """Rename, in place, what a graph within a definition reads and computes."""
    for value in (*graph.input, *graph.output, *graph.value_info, *graph.initializer):
        value.name = renamed.get(value.name, f"{prefix}{value.name}")
    nodes = [rewritten(node, renamed, given, prefix) for node in graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
