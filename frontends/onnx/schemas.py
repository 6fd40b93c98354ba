"""An operator of onnxruntime in the standard's domain, which onnx's checker is to let pass."""

from onnx import defs

Parameter = defs.OpSchema.FormalParameter
FLOATS = ["tensor(float)", "tensor(double)", "tensor(float16)", "tensor(bfloat16)"]


def declare() -> None:
    """SimplifiedLayerNormalization: the transformers' exporters write it without a domain."""
    if defs.has("SimplifiedLayerNormalization", ""):
        return
    types = defs.OpSchema.AttrType
    attributes = {"axis": types.INT, "epsilon": types.FLOAT, "stash_type": types.INT}
    optional = defs.OpSchema.FormalParameterOption.Optional
    defs.register_schema(
        defs.OpSchema(
            "SimplifiedLayerNormalization",
            "",
            1,
            inputs=[Parameter("X", "T"), Parameter("scale", "V")],
            outputs=[
                Parameter("Y", "V"),
                Parameter("inv_std_var", "U", param_option=optional),
            ],
            type_constraints=[(name, FLOATS, "") for name in ("T", "U", "V")],
            attributes=[
                defs.OpSchema.Attribute(name, type, "", required=False)
                for name, type in attributes.items()
            ],
        )
    )
