"""The address of the repository, from one place, and all that names it: buttons, and the notebooks' setup cells.

It is that of the workflow that deploys the book or, at home, that of the checkout's remote. Where there is none on
GitHub the buttons are left out, and the setup cells stay as they are. The notebooks that a page offers for download
(`_sources/notebooks/` of the html) have the address in their setup cell; the workflow puts the same files on the branch
`colab`, which the Colab buttons open.
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

GITHUB = re.compile(r"(?:https?://|ssh://|git://)?(?:[^@/]*@)?github\.com[:/]([\w.-]+)/([\w.-]+?)(?:\.git)?/?")
SOURCES = "main"
STAMPED = "colab"  # the branch of the notebooks with the address in them
SETUP = """\
# On Colab this installs the course. Anywhere else it does nothing.
import subprocess
import sys

COURSE = ""  # its address, which the copies that the book offers have
if "google.colab" in sys.modules:
    assert COURSE, "open this notebook by the Colab button of its page in the book"
    subprocess.run(["pip", "install", "--quiet", COURSE], check=True)"""


def repository(folder: Path) -> str:
    """The "owner/name" on GitHub of the checkout in `folder`, "" if it has none."""
    if named := os.environ.get("GITHUB_REPOSITORY"):
        return named
    asked = subprocess.run(["git", "remote", "get-url", "origin"], cwd=folder, capture_output=True, text=True)
    found = GITHUB.fullmatch(asked.stdout.strip())
    return f"{found[1]}/{found[2]}" if found else ""


def stamped(notebook: dict[str, Any], name: str, commit: str = "") -> dict[str, Any]:
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
            button["icon"] = "fas fa-code-branch"  # a mark of GitHub's would cost every page a font of 118 kB
    if app.config.repository and page.startswith("notebooks/"):
        address = f"https://colab.research.google.com/github/{app.config.repository}/blob/{STAMPED}/{page}.ipynb"
        words = {"text": "Colab", "tooltip": "Open in Colab"}
        buttons.append({"type": "link", "url": address, "label": "colab-button", **words})


def _stamp(app: Sphinx, exception: Exception | None) -> None:
    if exception or app.builder.format != "html" or not app.config.repository:
        return
    for path in Path(app.outdir, "_sources").rglob("*.ipynb"):
        source = Path(app.srcdir, path.relative_to(Path(app.outdir, "_sources")))
        made = stamped(json.loads(source.read_text("utf-8")), app.config.repository, os.environ.get("GITHUB_SHA", ""))
        path.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", "utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_config_value("repository", "", "html")
    app.connect("config-inited", _find, priority=100)
    app.connect("html-page-context", _set_buttons, priority=502)  # after the theme has made its list of buttons
    app.connect("build-finished", _stamp)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
