"""Types of the values of a graph, as ONNX infers them."""

from onnx import GraphProto, ModelProto, TypeProto, helper, shape_inference

from tensorjoin.errors import TensorjoinError


def inferred(model: ModelProto) -> ModelProto:
    """A copy of a model with the types that follow from its inputs."""
    try:
        return shape_inference.infer_shapes(model, data_prop=True)
    except Exception as error:  # The C++ library's errors have no type of their own.
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise TensorjoinError(f"the model is not valid: {lines[0]}") from error


def types_of(graph: GraphProto) -> dict[str, TypeProto]:
    """The type of each value of which it is known."""
    types = {v.name: v.type for v in (*graph.input, *graph.output, *graph.value_info)}
    for tensor in graph.initializer:
        types[tensor.name] = helper.make_tensor_type_proto(tensor.data_type, tensor.dims)
    return types
