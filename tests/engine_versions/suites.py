"""The tests that versions of engines are asked to pass, and how an environment runs them."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOKENS = "tests/test_llama_conformance.py::test_demo_model"
GUARD = "tests/test_weights_read_once.py"
LANGUAGE_MODELS = (
    "tests/test_llama_conformance.py",
    GUARD,
    "tests/test_backends.py",
    "tests/test_duckdb_versions.py",
    "tests/test_session.py",
    "tests/test_sql_llm.py",
    "tests/test_sql_llm_errors.py",
)
POSTGRES = "TENSORJOIN_POSTGRES_URL"


def passes(python: Path, *tests: str, engine: str, url: str | None = None) -> bool:
    """Whether tests pass on an engine, PostgreSQL being that at `url`; if not, prints why."""
    done = subprocess.run(
        [python, "-m", "pytest", "-q", "--tb=short", "--numprocesses=2", *tests, "-k", engine],
        cwd=ROOT,
        env=dict(os.environ) | ({} if url is None else {POSTGRES: url}),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        print(done.stdout, done.stderr, file=sys.stderr)
    return done.returncode == 0
