"""Accessible HTML in place of what docutils and the theme write; axe tests every page."""

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata
from sphinx.writers.html5 import HTML5Translator


def visit_citation(translator: HTML5Translator, node: nodes.citation) -> None:
    """Write a citation without docutils' deprecated role doc-biblioentry."""
    translator.body.append(translator.starttag(node, "div", CLASS="citation"))


def depart_citation(translator: HTML5Translator, node: nodes.citation) -> None:
    translator.body.append("</div>\n")


def visit_entry(translator: HTML5Translator, node: nodes.entry) -> None:
    """Write an empty corner cell of a table as a data cell, not as a header."""
    HTML5Translator.visit_entry(translator, node)
    if translator.context[-1] == "</th>\n" and not node.astext().strip():
        translator.body[-1] = translator.body[-1].replace("<th", "<td", 1)
        translator.context[-1] = "</td>\n"


def depart_entry(translator: HTML5Translator, node: nodes.entry) -> None:
    HTML5Translator.depart_entry(translator, node)


def _name_toggles(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Label the toggles in the side bar that open the pages of a chapter."""
    generate = context.get("generate_toctree_html")
    if generate:
        name = '<summary aria-label="The pages below">'
        context["generate_toctree_html"] = lambda *a, **k: str(generate(*a, **k)).replace("<summary>", name)
    # A DataFrame has empty header cells in its corner, which head nothing.
    context["body"] = context.get("body", "").replace("<th></th>", "<td></td>")


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_node(nodes.citation, override=True, html=(visit_citation, depart_citation))
    app.add_node(nodes.entry, override=True, html=(visit_entry, depart_entry))
    app.connect("html-page-context", _name_toggles, priority=900)  # after the theme's handler
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
