"""Types of the values of a graph, as ONNX infers them."""

from onnx import GraphProto, ModelProto, TensorProto, TypeProto, helper, shape_inference

from tensorjoin.errors import TensorjoinError, one_line


def inferred(model: ModelProto) -> ModelProto:
    """A copy of a model with the types that follow from its inputs."""
    try:
        return shape_inference.infer_shapes(model, data_prop=True)
    except Exception as error:  # The C++ library's errors have no type of their own.
        raise TensorjoinError(f"the model is not valid: {one_line(error)}") from error


def types_of(graph: GraphProto) -> dict[str, TypeProto]:
    """The type of each value of which it is known."""
    types = {v.name: v.type for v in (*graph.input, *graph.output, *graph.value_info)}
    for tensor in graph.initializer:
        types[tensor.name] = helper.make_tensor_type_proto(tensor.data_type, tensor.dims)
    return types


def maps_classes(type: TypeProto) -> bool:
    """Whether a value is a map for each example from integers to floats, as ZipMap makes them."""
    element = type.sequence_type.elem_type
    map_type = element.map_type
    return (
        type.WhichOneof("value") == "sequence_type"
        and element.WhichOneof("value") == "map_type"
        and map_type.key_type == TensorProto.INT64
        and map_type.value_type.tensor_type.elem_type == TensorProto.FLOAT
    )
