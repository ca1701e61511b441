"""Docstrings in the API reference: napoleon reads NumPy style, this module docstrings with inline arguments.

In the latter, names of arguments are set in bold, and `words` and "strings" as code.
"""

import inspect
import re
from typing import Any

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata


def _as_rst(app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """ "n, k: samples" becomes "**n**, **k**: samples", for the parameters of a function or dataclass."""
    if any(re.fullmatch(r"-{3,}", line.strip()) for line in lines):  # NumPy style, which napoleon reads next
        return
    try:
        names = list(inspect.signature(thing).parameters)
    except (TypeError, ValueError):  # a property
        names = []
    one = rf"(?:{'|'.join(map(re.escape, names))})" if names else "(?!)"
    listed = re.compile(rf"(?<![\w.]){one}(?:, {one})*(?=:\s|:$)")
    for i, line in enumerate(lines):
        parts = re.sub(r'(?<!`)("[^"\s]*"|\w+Error\b)(?!`)', r"`\1`", line).split("`")
        for j, words in list(enumerate(parts))[::2]:  # outside of code
            plain = re.sub(r"[*|]", r"\\\g<0>", words)
            parts[j] = listed.sub(lambda found: re.sub(r"\w+", r"**\g<0>**", found[0]), plain)
        lines[i] = "`".join(parts)


def setup(app: Sphinx) -> ExtensionMetadata:
    app.setup_extension("sphinx.ext.autodoc")
    app.setup_extension("sphinx.ext.napoleon")
    app.config.napoleon_google_docstring = False
    app.config.napoleon_use_param = False  # types are words, not references
    app.config.napoleon_use_rtype = False
    app.connect("autodoc-process-docstring", _as_rst, priority=400)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
