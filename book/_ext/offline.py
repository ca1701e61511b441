"""Pages that ask the net for nothing: takes out thebe, which points every page at a CDN to make its code cells live.

Jupyter Book brings thebe along, wanted or not. Maths and widgets are kept offline in `_config.yml`; the browser tests
hold every page to it. The state of widgets goes too: it is what a page would need to fetch their code and draw them.
"""

from typing import Any

from docutils import nodes
from myst_nb.sphinx_ import NbMetadataCollector
from sphinx.application import Sphinx


def _drop_widgets(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    NbMetadataCollector.get_js_files(app.env, page).pop("ipywidgets_state", None)


def setup(app: Sphinx) -> dict[str, Any]:
    app.setup_extension("sphinx_thebe")  # now, so that there is something to take out
    for listener in [each for event in app.events.listeners.values() for each in event]:
        if listener.handler.__module__ == "sphinx_thebe":
            app.disconnect(listener.id)
    app.connect("html-page-context", _drop_widgets, priority=100)  # before myst_nb puts it into the page
    app.registry.css_files[:] = [each for each in app.registry.css_files if "thebe" not in each[0]]
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
