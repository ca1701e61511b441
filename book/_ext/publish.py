"""The address of the repository, and the buttons and setup cells of notebooks that contain it.

The address comes from the deploying workflow or from the remote of the checkout. Without an address on GitHub there are
no buttons, and the setup cells are unchanged. Notebooks offered for download (`_sources/notebooks/`) have the address
in their setup cell; the workflow also puts them on the branch `colab`, which the Colab buttons open.
"""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util.typing import ExtensionMetadata

GITHUB = re.compile(r"(?:https?://|ssh://|git://)?(?:[^@/]*@)?github\.com[:/]([\w.-]+)/([\w.-]+?)(?:\.git)?/?")
SOURCES = "main"
STAMPED = "colab"  # branch of the notebooks that contain the address
SETUP = """\
# On Colab this installs the course. Anywhere else it does nothing.
import subprocess
import sys

COURSE = ""  # its address, which the copies that the book offers have
if "google.colab" in sys.modules:
    assert COURSE, "open this notebook by the Colab button of its page"
    subprocess.run(["pip", "install", "--quiet", COURSE], check=True)"""


def repository(folder: Path) -> str:
    """The "owner/name" on GitHub of the checkout in `folder`, "" if it has none."""
    if named := os.environ.get("GITHUB_REPOSITORY"):
        return named
    remote = subprocess.run(["git", "remote", "get-url", "origin"], cwd=folder, capture_output=True, text=True)
    match = GITHUB.fullmatch(remote.stdout.strip())
    return f"{match[1]}/{match[2]}" if match else ""


def stamped(notebook: dict[str, Any], name: str, commit: str = "") -> dict[str, object]:
    """The notebook with the repository `name` in its setup cell, at `commit` if one is given."""
    course = f"git+https://github.com/{name}" + (f"@{commit}" if commit else "")
    cells = [
        {**cell, "source": "".join(cell["source"]).replace('COURSE = ""', f'COURSE = "{course}"').splitlines(True)}
        if "".join(cell["source"]) == SETUP
        else cell
        for cell in notebook["cells"]
    ]
    return {**notebook, "cells": cells}


def _find(app: Sphinx, config: Config) -> None:
    config.repository = repository(Path(app.srcdir))
    if config.repository:
        config.html_theme_options |= {
            "repository_url": f"https://github.com/{config.repository}",
            "repository_branch": SOURCES,
            "use_repository_button": True,
            "use_source_button": True,
        }


def _set_buttons(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    buttons = context["header_buttons"]
    for button in buttons:
        if button.get("icon") == "fab fa-github":
            button["icon"] = "fas fa-code-branch"  # the GitHub icon needs a font of 118 kB
    if app.config.repository and page.startswith("notebooks/"):
        address = f"https://colab.research.google.com/github/{app.config.repository}/blob/{STAMPED}/{page}.ipynb"
        words = {"text": "Colab", "tooltip": "Open in Colab"}
        buttons.append({"type": "link", "url": address, "label": "colab-button", **words})


def _stamp(app: Sphinx, exception: Exception | None) -> None:
    if exception or app.builder.format != "html" or not app.config.repository:
        return
    for path in Path(app.outdir, "_sources").rglob("*.ipynb"):
        source = Path(app.srcdir, path.relative_to(Path(app.outdir, "_sources")))
        notebook = stamped(
            json.loads(source.read_text("utf-8")), app.config.repository, os.environ.get("GITHUB_SHA", "")
        )
        path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", "utf-8")


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_config_value("repository", "", "html")
    app.connect("config-inited", _find, priority=100)
    app.connect("html-page-context", _set_buttons, priority=502)  # after the theme has set its buttons
    app.connect("build-finished", _stamp)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
