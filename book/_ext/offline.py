"""Offline pages: remove thebe, for which every page would load scripts from a CDN.

Jupyter Book always installs thebe. `_config.yml` keeps maths and widgets offline, and the browser tests check every
page. The stored state of widgets is removed too, because a page with it would fetch the code of the widgets.
"""

from typing import Any

from docutils import nodes
from myst_nb.sphinx_ import NbMetadataCollector
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata


def _drop_widgets(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    NbMetadataCollector.get_js_files(app.env, page).pop("ipywidgets_state", None)


def setup(app: Sphinx) -> ExtensionMetadata:
    app.setup_extension("sphinx_thebe")  # now, so that it can be removed
    for listener in [each for event in app.events.listeners.values() for each in event]:
        if listener.handler.__module__ == "sphinx_thebe":
            app.disconnect(listener.id)
    app.connect("html-page-context", _drop_widgets, priority=100)  # before myst_nb adds it to the page
    app.registry.css_files[:] = [each for each in app.registry.css_files if "thebe" not in each[0]]
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
