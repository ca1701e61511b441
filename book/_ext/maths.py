"""Maths as MathML, converted while the book is built: no script, no fonts, and readable by screen readers.

The converter writes unknown TeX as letters. Here unknown TeX fails the strict build.
"""

import re

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number
from sphinx.util.typing import ExtensionMetadata
from sphinx.writers.html5 import HTML5Translator

logger = logging.getLogger(__name__)
# An unconverted command or column mark, a lost operator, or a letter style outside MathML Core.
UNKNOWN = re.compile(r'\\|<mi>&</mi>|<mo />|mathvariant="(?!normal")')


def mathml(tex: str, display: str) -> str:
    """TeX as a `<math>` element; display: "inline" or "block". Raises ValueError for unknown TeX."""
    if r"\\" in tex and r"\begin" not in tex:
        tex = rf"\begin{{split}}{tex}\end{{split}}"
    element: str = convert(tex, display=display)
    if UNKNOWN.search(element):
        raise ValueError(f"no MathML for the TeX {tex!r}")
    return element


def _visit(translator: HTML5Translator, node: nodes.math | nodes.math_block, before: str, display: str) -> None:
    try:
        element = mathml(node.astext(), display)
    except Exception as error:  # the converter raises its own classes
        logger.warning("maths: %r", error, location=node)
        element = translator.encode(node.astext())
    translator.body.append(before + element)
    raise nodes.SkipChildren  # do not write the TeX


def visit_math(translator: HTML5Translator, node: nodes.math) -> None:
    _visit(translator, node, '<span class="math notranslate nohighlight">', "inline")


def depart_math(translator: HTML5Translator, node: nodes.math) -> None:
    after = node.parent[node.parent.index(node) + 1 :]
    joined = "&#8288;" if after and after[0].astext()[:1] in set(".,;:!?)") else ""  # no line break before it
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


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_html_math_renderer("mathml", (visit_math, depart_math), (visit_displaymath, depart_displaymath))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
