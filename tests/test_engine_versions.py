"""docs/engines.md is what docs/engines.json says, and what is known of slow versions."""

import json
from pathlib import Path

from engine_versions.page import page

DOCS = Path(__file__).parents[1] / "docs"


def test_the_page_is_of_the_results():
    results = json.loads((DOCS / "engines.json").read_text())
    assert (DOCS / "engines.md").read_text() == page(results)
