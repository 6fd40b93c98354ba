"""Load the demo model into DuckDB and SQLite, and let both tell the same story."""

import sys
import time
from pathlib import Path

from rich.console import Console

import tensorjoin

HERE = Path(__file__).parent
DEMO = HERE / "demo"
MAX_TOKENS = 250


def main(prompt: str) -> None:
    console = Console(highlight=False)
    texts: list[str] = []
    for target in ("duckdb", "sqlite"):
        file = Path(f"demo.{'duckdb' if target == 'duckdb' else 'db'}")
        url = f"{target}:///{file}"
        console.print(f"\n[bold]{target}[/bold]: loading examples/demo into {file}")
        with tensorjoin.LanguageModel.load(DEMO, url, replace=True) as model:
            console.print(prompt, end="", style="dim", markup=False)
            pieces: list[str] = []
            start = time.perf_counter()
            tokens = 0
            for piece in model.stream(prompt, MAX_TOKENS):
                console.print(piece, end="", markup=False, soft_wrap=True)
                pieces.append(piece)
                tokens += 1
            seconds = time.perf_counter() - start
        texts.append("".join(pieces))
        sql = Path(f"demo.{target}.sql")
        sql.write_text(tensorjoin.compile(DEMO, target).sql)
        console.print(f"\n{tokens / seconds:.1f} tokens/s; the database: {file}; its SQL: {sql}")
    if texts[0] != texts[1]:
        sys.exit("the two databases tell different stories: that is a bug")
    console.print("\nBoth databases tell the same story, word for word.")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "Once upon a time")
