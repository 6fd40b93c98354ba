"""Run the tests of language models with the oldest DuckDB that pyproject.toml admits."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests")]

from engine_versions.environments import ENVIRONMENTS, make  # noqa: E402
from engine_versions.suites import LANGUAGE_MODELS, passes  # noqa: E402

NAME = "duckdb-oldest"


def main() -> int:
    (environment,) = (e for e in ENVIRONMENTS if e.name == NAME)
    python = make(environment)
    is_right = passes(python, *LANGUAGE_MODELS, engine=environment.engine)
    print(f"{environment.package}: {'passed' if is_right else 'failed'}")
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
