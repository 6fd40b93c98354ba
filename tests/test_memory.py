"""Memory budgets: what they mean, and that they are kept by loading and generating."""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from tensorjoin.backends.connect import connect
from tensorjoin.errors import TensorjoinError
from tensorjoin.frontends.model import read_model
from tensorjoin.tools.sizes import memory_size

BUDGET = 400_000_000
CONFIGURATION = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_act": "silu",
    "hidden_size": 1024,
    "intermediate_size": 2816,
    "max_position_embeddings": 64,
    "num_attention_heads": 8,
    "num_hidden_layers": 3,
    "num_key_value_heads": 8,
    "rms_norm_eps": 1e-5,
    "tie_word_embeddings": True,
    "vocab_size": 70_000,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
"""110 million parameters: 441 MB of float32."""


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("2GB", 2_000_000_000),
        ("512MB", 512_000_000),
        ("1.5GiB", 3 << 29),
        ("300 mb", 300_000_000),
        ("768MiB", 768 << 20),
        ("1048576B", 1 << 20),
    ],
)
def test_size(text: str, size: int) -> None:
    assert memory_size(text) == size


@pytest.mark.parametrize("text", ["", "2", "GB", "two GB", "-1GB", "1e9B", "2GBs", "1,5GB", "٢GB"])
def test_no_size(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is not a size of memory, such as 512MB"):
        memory_size(text)


@pytest.mark.parametrize("scheme", ["sqlite", "duckdb"])
def test_budget_too_small(scheme: str, tmp_path: Path) -> None:
    with pytest.raises(TensorjoinError, match=r"100 MB is too small: .* allow at least 400MB$"):
        connect(f"{scheme}:///{tmp_path}/test.db", create=True, memory=100_000_000)
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint larger than the budget."""
    directory = tmp_path_factory.mktemp("large")
    (directory / "config.json").write_text(json.dumps(CONFIGURATION))
    shapes = read_model(directory).weights
    random = np.random.default_rng(0)
    tensors = {
        name: random.standard_normal(shape, np.float32) * np.float32(shape[-1] ** -0.5)
        for name, shape in shapes.items()
    }
    save_file(tensors, directory / "model.safetensors")
    assert (directory / "model.safetensors").stat().st_size > BUDGET
    return directory


STATUS = Path("/proc/self/status")
PROGRAM = f"""
import re, sys
from tensorjoin.tools.sql_llm import main
status = main()
print(re.search("VmHWM:\\s+(\\d+) kB", open("{STATUS}").read())[1], file=sys.stderr)
sys.exit(status)
"""


def run(*arguments: str) -> tuple[str, int]:
    """What `sql-llm` prints in a process of its own, and the most memory that it had, in bytes."""
    command = [sys.executable, "-c", PROGRAM, *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout, int(done.stderr.split()[-1]) * 1024


# Not by `getrusage`: there, a process begins with the memory of the one that started it.
@pytest.mark.skipif(not STATUS.exists(), reason="the system does not tell")
@pytest.mark.timeout(300)  # 53 s
def test_model_larger_than_the_budget(large: Path, database_url: str) -> None:
    budget = ("--memory", f"{BUDGET}B")
    _, peak = run("load", str(large), "--db", database_url, *budget)
    assert peak < BUDGET
    generate = ("generate", "--db", database_url, "--token-ids", "5", "--max-tokens", "2")
    tokens, peak = run(*generate, *budget)
    assert peak < BUDGET
    assert tokens == run(*generate)[0]
