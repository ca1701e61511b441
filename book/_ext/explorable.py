"""The directive `{explorable} name`: a simulator, or a table of its data where scripts are off.

Where a notebook shows the widget of a simulator, the page has the simulator.

The bundle of all simulators, their data and the script that mounts them are copied to `_static/explorables/`. A page
loads the bundle once, and only the data and model weights of its own simulators.
"""

import hashlib
import json
import re
import shutil
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from ttclab.explorables import BUNDLE, FOLDER, LIVE, weight_files

LATER = ("arena",)  # simulators that load their models only once the reader asks for them
SHOWN = re.compile(r"Explorable\('(\w+)'\)")  # the text of a widget
MOUNT = Path(__file__).with_name("explorable.js")
logger = logging.getLogger(__name__)


class Explorable(SphinxDirective):
    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        return _simulator(self.arguments[0], self.env, self.get_location())


def _simulator(name: str, env: BuildEnvironment, location: str) -> list[nodes.Node]:
    bundle, data = (Path(env.config.explorable_folder) / file for file in (BUNDLE.name, f"{name}.json"))
    for path in (bundle, data):
        env.note_dependency(str(path))
        if not path.is_file():
            logger.warning("explorable %r: no file %s", name, path, location=location)
            return []
    weights = weight_files() if name in LIVE else {}
    for path in weights.values():
        env.note_dependency(str(path))
    files = {key: _address(path, _file_name(key)) for key, path in weights.items()}
    html = _html(name, _address(bundle), _address(data), files, json.loads(data.read_bytes()))
    return [nodes.raw("", html, format="html", explorable=name)]


def _show_in_labs(app: Sphinx, doctree: nodes.document) -> None:
    """Put the simulator in the place of a widget's text, where a notebook shows one."""
    for text in list(doctree.findall(nodes.literal_block)):
        if shown := SHOWN.fullmatch(text.astext().strip()):
            text.replace_self(_simulator(shown[1], app.env, app.env.docname))


def _address(path: Path, name: str = "") -> str:
    """The file's name with a version, so that browsers fetch a changed file again."""
    return f"{name or path.name}?v={hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"


def _file_name(key: str) -> str:
    """The name of a model's weights beside the bundle."""
    return f"{key}.safetensors"


def _html(name: str, module: str, source: str, weights: dict[str, str], data: dict[str, Any]) -> str:
    live = f' data-weights="{escape(json.dumps(weights))}"' if weights else ""
    live += " data-later" if name in LATER else ""
    tables = "".join(_table(**table) for table in data["tables"])
    return (
        f'<div class="explorable" id="explorable-{name}" data-explorable="{name}" data-module="{module}"'
        f' data-source="{source}"{live}>'
        "<p>A simulator stands here once the page is served and its scripts have run.</p>"
        f"<noscript>{tables}<p>Data: {escape(data['source'])}.</p></noscript></div>"
    )


def _table(caption: str, columns: list[str], rows: list[list[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in columns)
    body = "".join(
        f'<tr><th scope="row">{escape(first)}</th>' + "".join(f"<td>{escape(text)}</td>" for text in rest) + "</tr>"
        for first, *rest in rows
    )
    caption = f"<caption>{escape(caption)}</caption>"
    return f'<table class="table">{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _copy(app: Sphinx) -> None:
    if app.builder.format == "html":
        target = Path(app.outdir, "_static", "explorables")
        target.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(MOUNT, target / "mount.js")
        for path in Path(app.config.explorable_folder).glob("*.js*"):
            shutil.copyfile(path, target / path.name)
        for key, path in weight_files().items():
            shutil.copyfile(path, target / _file_name(key))


def _load_mount(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    if doctree and any("explorable" in raw for raw in doctree.findall(nodes.raw)):
        app.add_js_file("explorables/mount.js", type="module")


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_config_value("explorable_folder", str(FOLDER), "env")
    app.add_directive("explorable", Explorable)
    app.connect("builder-inited", _copy)
    app.connect("doctree-read", _show_in_labs)
    app.connect("html-page-context", _load_mount)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
