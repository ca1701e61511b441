"""Maths as MathML, made while the book is built: it needs no script, weighs nothing, and a screen reader can read it.

TeX that the converter does not know comes out of it as letters. Here that fails the strict build.
"""

import re
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number
from sphinx.writers.html5 import HTML5Translator

logger = logging.getLogger(__name__)
# A command or a column mark left as it was, an operator lost, a style of letters that browsers lack (MathML Core).
UNKNOWN = re.compile(r'\\|<mi>&</mi>|<mo />|mathvariant="(?!normal")')


def mathml(tex: str, display: str) -> str:
    """TeX as a `<math>` element; display: "inline" or "block". Raises ValueError for TeX that it does not know."""
    if r"\\" in tex and r"\begin" not in tex:
        tex = rf"\begin{{split}}{tex}\end{{split}}"
    made: str = convert(tex, display=display)
    if UNKNOWN.search(made):
        raise ValueError(f"no MathML for the TeX {tex!r}")
    return made


def _visit(translator: HTML5Translator, node: nodes.math | nodes.math_block, before: str, display: str) -> None:
    try:
        made = mathml(node.astext(), display)
    except Exception as error:  # the converter has a dozen of its own
        logger.warning("maths: %r", error, location=node)
        made = translator.encode(node.astext())
    translator.body.append(before + made)
    raise nodes.SkipChildren  # the TeX itself


def visit_math(translator: HTML5Translator, node: nodes.math) -> None:
    _visit(translator, node, '<span class="math notranslate nohighlight">', "inline")


def depart_math(translator: HTML5Translator, node: nodes.math) -> None:
    after = node.parent[node.parent.index(node) + 1 :]
    joined = "&#8288;" if after and after[0].astext()[:1] in set(".,;:!?)") else ""  # no line begins with a full stop
    translator.body.append(joined + "</span>")


def visit_displaymath(translator: HTML5Translator, node: nodes.math_block) -> None:
    translator.body.append(translator.starttag(node, "div", CLASS="math notranslate nohighlight"))
    number = ""
    if node["number"]:
        translator.body.append(f'<span class="eqno">({get_node_equation_number(translator, node)})')
        translator.add_permalink_ref(node, "Link to this equation")
        number = "</span>"
    _visit(translator, node, number, "block")


def depart_displaymath(translator: HTML5Translator, node: nodes.math_block) -> None:
    translator.body.append("</div>\n")


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_html_math_renderer("mathml", (visit_math, depart_math), (visit_displaymath, depart_displaymath))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
