"""The site of `make docs`: Sphinx over the Markdown of docs/. Nothing is fetched, now or later."""

import sys
from pathlib import Path

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parent))
from reference import write_reference

project = "tensorjoin"
html_title = "tensorjoin"
html_theme = "furo"
html_show_copyright = False
html_copy_source = False
html_show_sourcelink = False
extensions = ["myst_parser"]
exclude_patterns = ["site"]
highlight_language = "text"
myst_heading_anchors = 4
"""Headings have the anchors that GitHub gives them."""
nitpicky = True
"""A link to a page or a heading that is not there is a warning, and `-W` makes it an error."""


def setup(app: Sphinx) -> None:
    app.add_lexer("mlir", TextLexer)
    app.connect("builder-inited", lambda app: write_reference(Path(app.srcdir) / "reference"))
