"""`tensorjoin.frontends.llama_config` on config.json files as they are published."""

import json
import math

import numpy as np
import pytest
from safetensors.numpy import save_file

from tensorjoin.errors import TensorjoinError
from tensorjoin.frontends.llama_config import (
    LlamaConfig,
    RopeScaling,
    inverse_frequencies,
    read_llama_config,
)
from tensorjoin.frontends.model import read_model

# Only what has no default.
MINIMAL = {
    "architectures": ["LlamaForCausalLM"],
    "vocab_size": 64,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}

# The configuration of Llama 3.2 1B, as transformers 4 writes it.
LLAMA_3_2_1B = {
    "architectures": ["LlamaForCausalLM"],
    "attention_bias": False,
    "attention_dropout": 0.0,
    "bos_token_id": 128000,
    "eos_token_id": [128001, 128008, 128009],
    "head_dim": 64,
    "hidden_act": "silu",
    "hidden_size": 2048,
    "initializer_range": 0.02,
    "intermediate_size": 8192,
    "max_position_embeddings": 131072,
    "mlp_bias": False,
    "model_type": "llama",
    "num_attention_heads": 32,
    "num_hidden_layers": 16,
    "num_key_value_heads": 8,
    "pretraining_tp": 1,
    "rms_norm_eps": 1e-05,
    "rope_scaling": {
        "factor": 32.0,
        "high_freq_factor": 4.0,
        "low_freq_factor": 1.0,
        "original_max_position_embeddings": 8192,
        "rope_type": "llama3",
    },
    "rope_theta": 500000.0,
    "tie_word_embeddings": True,
    "torch_dtype": "bfloat16",
    "use_cache": True,
    "vocab_size": 128256,
}

LLAMA3_ROPE = LLAMA_3_2_1B["rope_scaling"]


def read(directory, config, generation=None):
    (directory / "config.json").write_text(json.dumps(config))
    if generation is not None:
        (directory / "generation_config.json").write_text(json.dumps(generation))
    return read_llama_config(directory)


def refusal(directory, config=None, generation=None):
    """The message of the TensorjoinError on reading, which must be one line."""
    with pytest.raises(TensorjoinError) as raised:
        read_llama_config(directory) if config is None else read(directory, config, generation)
    message = str(raised.value)
    assert len(message.splitlines()) == 1
    return message


def test_a_published_config(tmp_path):
    assert read(tmp_path, LLAMA_3_2_1B) == LlamaConfig(
        vocab_size=128256,
        hidden_size=2048,
        intermediate_size=8192,
        layers=16,
        heads=32,
        kv_heads=8,
        head_dim=64,
        norm_eps=1e-5,
        rope_theta=500000.0,
        rope_scaling=RopeScaling("llama3", 32.0, 1.0, 4.0, 8192),
        max_positions=131072,
        tied_embeddings=True,
        bos_token_id=128000,
        eos_token_ids=(128001, 128008, 128009),
    )


@pytest.mark.parametrize(
    "nulls", [{}, {"head_dim": None, "num_key_value_heads": None, "rope_scaling": None}]
)
def test_defaults_are_those_of_transformers(tmp_path, nulls):
    assert read(tmp_path, MINIMAL | nulls) == LlamaConfig(
        vocab_size=64,
        hidden_size=32,
        intermediate_size=48,
        layers=2,
        heads=4,
        kv_heads=4,
        head_dim=8,
        norm_eps=1e-6,
        rope_theta=10000.0,
        rope_scaling=None,
        max_positions=2048,
        tied_embeddings=False,
        bos_token_id=1,
        eos_token_ids=(2,),
    )


def test_the_architecture_may_follow_from_the_model_type(tmp_path):
    config = {key: value for key, value in MINIMAL.items() if key != "architectures"}
    assert read(tmp_path, config | {"model_type": "llama"}).layers == 2
    assert "unknown architecture None" in refusal(tmp_path, config)


def test_head_dim_need_not_follow_from_the_hidden_size(tmp_path):
    assert read(tmp_path, MINIMAL | {"head_dim": 16}).head_dim == 16
    assert read(tmp_path, MINIMAL | {"head_dim": 16, "hidden_size": 33}).hidden_size == 33


@pytest.mark.parametrize(
    "rope",
    [
        {"rope_theta": 500000.0, "rope_scaling": LLAMA3_ROPE},
        {"rope_theta": 500000, "rope_scaling": {**LLAMA3_ROPE, "type": "llama3"}},
        {"rope_parameters": {**LLAMA3_ROPE, "rope_theta": 500000.0}},
        {"rope_theta": 1.0, "rope_parameters": {**LLAMA3_ROPE, "rope_theta": 500000.0}},
        {"rope_theta": 500000.0, "rope_parameters": LLAMA3_ROPE, "rope_scaling": LLAMA3_ROPE},
    ],
)
def test_spellings_of_llama3_rope(tmp_path, rope):
    config = read(tmp_path, MINIMAL | rope)
    assert config.rope_theta == 500000.0
    assert config.rope_scaling == RopeScaling("llama3", 32.0, 1.0, 4.0, 8192)


@pytest.mark.parametrize(
    ("rope", "theta", "scaling"),
    [
        ({"rope_scaling": {"type": "linear", "factor": 4}}, 1e4, RopeScaling("linear", 4.0)),
        ({"rope_scaling": {"rope_type": "linear", "factor": 2.5}}, 1e4, RopeScaling("linear", 2.5)),
        ({"rope_scaling": {"rope_type": "default"}}, 1e4, None),
        ({"rope_scaling": {}}, 1e4, None),
        ({"rope_theta": 7, "rope_parameters": None}, 7.0, None),
        ({"rope_parameters": {"rope_theta": 5e5, "rope_type": "default"}}, 5e5, None),
        ({"rope_parameters": {"rope_theta": 5e5}}, 5e5, None),
        ({"rope_parameters": {"rope_theta": 5.0, "partial_rotary_factor": 1.0}}, 5.0, None),
    ],
)
def test_other_ropes(tmp_path, rope, theta, scaling):
    config = read(tmp_path, MINIMAL | rope)
    assert (config.rope_theta, config.rope_scaling) == (theta, scaling)


@pytest.mark.parametrize(
    ("config", "generation", "bos", "eos"),
    [
        ({}, {}, 1, (2,)),
        ({"bos_token_id": 0, "eos_token_id": 63}, None, 0, (63,)),
        ({"bos_token_id": None, "eos_token_id": None}, None, None, ()),
        ({"eos_token_id": [5, 4, 5]}, None, 1, (5, 4)),
        ({"bos_token_id": 3, "eos_token_id": 3}, {"bos_token_id": 4}, 4, (3,)),
        ({"eos_token_id": 3}, {"eos_token_id": [6, 7]}, 1, (6, 7)),
        ({"eos_token_id": 3}, {"eos_token_id": None}, 1, (3,)),
        ({"eos_token_id": 999}, {"eos_token_id": 9}, 1, (9,)),
        ({"vocab_size": 2}, None, 1, ()),
    ],
)
def test_special_tokens(tmp_path, config, generation, bos, eos):
    read_config = read(tmp_path, MINIMAL | config, generation)
    assert (read_config.bos_token_id, read_config.eos_token_ids) == (bos, eos)


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ({"architectures": ["MistralForCausalLM"]}, ["MistralForCausalLM", "LlamaForCausalLM"]),
        ({"architectures": []}, ["unknown architecture []", "LlamaForCausalLM"]),
        ({"architectures": "LlamaForCausalLM"}, ["unknown architecture"]),
        ({"model_type": "mistral"}, ["'mistral'", "LlamaForCausalLM"]),
        ({"hidden_act": "gelu"}, ["hidden_act is 'gelu'", "silu"]),
        ({"hidden_act": 3}, ["hidden_act is 3"]),
        ({"attention_bias": True}, ["attention_bias is True"]),
        ({"attention_bias": "no"}, ["attention_bias is 'no'", "true or false"]),
        ({"mlp_bias": True}, ["mlp_bias is True"]),
        ({"quantization_config": {"quant_method": "gptq"}}, ["quantization_config", "gptq"]),
        ({"tie_word_embeddings": 1}, ["tie_word_embeddings is 1", "true or false"]),
        ({"rms_norm_eps": 0}, ["rms_norm_eps is 0", "positive number"]),
        ({"rms_norm_eps": -1e-6}, ["rms_norm_eps is -1e-06"]),
        ({"rms_norm_eps": True}, ["rms_norm_eps is True"]),
        ({"rms_norm_eps": math.nan}, ["rms_norm_eps is nan"]),
        ({"rms_norm_eps": math.inf}, ["rms_norm_eps is inf"]),
        ({"rms_norm_eps": 10**400}, ["rms_norm_eps is 1000"]),
        ({"rope_theta": "10000"}, ["rope_theta is '10000'"]),
        ({"num_key_value_heads": 3}, ["num_key_value_heads is 3", "num_attention_heads", "4"]),
        ({"num_key_value_heads": 8}, ["num_key_value_heads is 8"]),
        ({"hidden_size": 30}, ["hidden_size is 30", "num_attention_heads", "4"]),
        ({"hidden_size": 36}, ["head_dim is 9", "even"]),
        ({"head_dim": 7}, ["head_dim is 7", "even"]),
        ({"bos_token_id": 64}, ["bos_token_id is 64", "63"]),
        ({"bos_token_id": [1]}, ["bos_token_id is [1]"]),
        ({"bos_token_id": True}, ["bos_token_id is True"]),
        ({"eos_token_id": -1}, ["eos_token_id is -1"]),
        ({"eos_token_id": "</s>"}, ["eos_token_id is '</s>'"]),
        ({"eos_token_id": [1, 2.0]}, ["eos_token_id is [1, 2.0]"]),
        ({"rope_scaling": "linear"}, ["rope_scaling is 'linear'", "object"]),
        ({"rope_scaling": {"type": "dynamic", "factor": 2.0}}, ["rope_scaling.type is 'dynamic'"]),
        ({"rope_scaling": {"rope_type": "yarn"}}, ["rope_scaling.rope_type is 'yarn'", "llama3"]),
        ({"rope_parameters": {"rope_type": "yarn"}}, ["rope_parameters.rope_type is 'yarn'"]),
        ({"rope_scaling": {"factor": 2.0}}, ["rope_scaling.rope_type is missing"]),
        ({"rope_scaling": {"type": "linear"}}, ["rope_scaling.factor is missing"]),
        ({"rope_scaling": {"type": "linear", "factor": 0}}, ["rope_scaling.factor is 0"]),
        ({"rope_scaling": {"type": "linear", "rope_type": "llama3"}}, ["'linear'", "'llama3'"]),
        (
            {"rope_scaling": {**LLAMA3_ROPE, "original_max_position_embeddings": None}},
            ["rope_scaling.original_max_position_embeddings is missing"],
        ),
        (
            {"rope_scaling": {**LLAMA3_ROPE, "low_freq_factor": 4.0}},
            ["rope_scaling.high_freq_factor is 4.0", "low_freq_factor"],
        ),
        (
            {"rope_scaling": {"type": "linear", "factor": 2}, "rope_parameters": LLAMA3_ROPE},
            ["contradict"],
        ),
        ({"rope_parameters": {"full_attention": {"rope_type": "yarn"}}}, ["kinds of layers"]),
        ({"partial_rotary_factor": 0.5}, ["partial_rotary_factor is 0.5"]),
        (
            {"rope_parameters": {"partial_rotary_factor": 0.25}},
            ["rope_parameters.partial_rotary_factor is 0.25"],
        ),
    ],
)
def test_what_is_not_supported_or_wrong_is_refused(tmp_path, change, parts):
    message = refusal(tmp_path, MINIMAL | change)
    assert message.startswith(f"{tmp_path / 'config.json'}: ")
    for part in parts:
        assert part in message


SIZES = ["vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers"]


@pytest.mark.parametrize("key", [*SIZES, "num_attention_heads"])
def test_required_sizes(tmp_path, key):
    config = {name: value for name, value in MINIMAL.items() if name != key}
    assert f"{key} is missing" in refusal(tmp_path, config)


@pytest.mark.parametrize(
    "key",
    [
        *SIZES,
        "num_attention_heads",
        "num_key_value_heads",
        "head_dim",
        "max_position_embeddings",
    ],
)
@pytest.mark.parametrize("value", [0, -8, 2.0, "8", True, [8], 10**12])
def test_sizes_are_positive_integers(tmp_path, key, value):
    assert f"{key} is {value!r} but" in refusal(tmp_path, MINIMAL | {key: value})


def test_the_folder_and_its_config_must_be_there(tmp_path):
    assert "nowhere: does not exist" in refusal(tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    assert "file: is not a folder" in refusal(tmp_path / "file")
    assert f"{tmp_path}: has no config.json" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("data", "part"),
    [
        (b"", "not valid JSON"),
        (b"{'vocab_size': 1}", "not valid JSON"),
        (b"[]", "holds [] where a JSON object belongs"),
        (b'"text"', "holds 'text'"),
        (b"{" * 100_000, "not valid JSON"),
        (b'{"a":' * 100_000, "not valid JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not valid JSON"),
        (b"\x80", "not UTF-8"),
    ],
)
@pytest.mark.parametrize("name", ["config.json", "generation_config.json"])
def test_unreadable_files(tmp_path, name, data, part):
    read(tmp_path, MINIMAL)
    (tmp_path / name).write_bytes(data)
    message = refusal(tmp_path)
    assert str(tmp_path / name) in message
    assert part in message


def test_wrong_generation_config(tmp_path):
    message = refusal(tmp_path, MINIMAL, {"eos_token_id": 64})
    assert f"{tmp_path / 'generation_config.json'}: eos_token_id is 64" in message


def test_unscaled_frequencies(tmp_path):
    frequencies = inverse_frequencies(read(tmp_path, MINIMAL))
    assert frequencies.dtype == np.float64
    np.testing.assert_allclose(frequencies, [1.0, 0.1, 0.01, 0.001], rtol=1e-14)


def test_linear_frequencies(tmp_path):
    config = read(tmp_path, MINIMAL | {"rope_scaling": {"type": "linear", "factor": 4}})
    np.testing.assert_allclose(
        inverse_frequencies(config), [0.25, 0.025, 0.0025, 0.00025], rtol=1e-14
    )


def test_llama3_frequencies(tmp_path):
    frequencies = inverse_frequencies(read(tmp_path, LLAMA_3_2_1B))
    expected: list[float] = []
    kept = blended = divided = 0
    for pair in range(32):
        frequency = 500000.0 ** (-2 * pair / 64)
        wavelength = 2 * math.pi / frequency
        if wavelength < 8192 / 4.0:
            kept += 1
            expected.append(frequency)
        elif wavelength > 8192 / 1.0:
            divided += 1
            expected.append(frequency / 32.0)
        else:
            blended += 1
            smooth = (8192 / wavelength - 1.0) / (4.0 - 1.0)
            expected.append((1 - smooth) * frequency / 32.0 + smooth * frequency)
    assert kept
    assert blended
    assert divided
    np.testing.assert_allclose(frequencies, expected, rtol=1e-14)


@pytest.mark.parametrize("tied", [False, True])
def test_expected_tensors_are_those_of_a_checkpoint(tmp_path, tied):
    read(
        tmp_path,
        MINIMAL
        | {
            "num_hidden_layers": 1,
            "num_key_value_heads": 2,
            "head_dim": 6,
            "tie_word_embeddings": tied,
        },
    )
    shapes = {
        "model.embed_tokens.weight": (64, 32),
        "model.layers.0.input_layernorm.weight": (32,),
        "model.layers.0.self_attn.q_proj.weight": (24, 32),
        "model.layers.0.self_attn.k_proj.weight": (12, 32),
        "model.layers.0.self_attn.v_proj.weight": (12, 32),
        "model.layers.0.self_attn.o_proj.weight": (32, 24),
        "model.layers.0.post_attention_layernorm.weight": (32,),
        "model.layers.0.mlp.gate_proj.weight": (48, 32),
        "model.layers.0.mlp.up_proj.weight": (48, 32),
        "model.layers.0.mlp.down_proj.weight": (32, 48),
        "model.norm.weight": (32,),
    }
    if not tied:
        shapes["lm_head.weight"] = (64, 32)
    model = read_model(tmp_path)
    assert model.weights == shapes
    tensors = {name: np.zeros(shape, np.float16) for name, shape in shapes.items()}
    save_file(tensors, tmp_path / "model.safetensors")
    with model.open_tensors() as checkpoint:
        assert set(checkpoint.entries) == set(shapes)


def test_more_layers_than_tensors(tmp_path):
    """A module of so many layers would take seconds to build."""
    read(tmp_path, MINIMAL | {"num_hidden_layers": 10_000})
    save_file({"model.norm.weight": np.zeros(32, np.float16)}, tmp_path / "model.safetensors")
    with pytest.raises(TensorjoinError, match="has 1 tensors for a model of 10000 layers"):
        read_model(tmp_path).open_tensors()
