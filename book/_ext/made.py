"""Roles for the page on how the book was made: {commands}, a table of commands, and {version}`name` of a package."""

import platform
from importlib.metadata import version

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective, SphinxRole
from sphinx.util.typing import ExtensionMetadata

from ttclab.cli import app as command_line


class Commands(SphinxDirective):
    """A table of the commands of the package."""

    def run(self) -> list[nodes.Node]:
        commands = command_line.commands.items()
        rows = [f"| `ttclab {name}` | {command.get_short_help_str(limit=200)} |" for name, command in commands]
        parsed = self.parse_text_to_nodes("\n".join(["| Command | What it does |", "|---|---|", *rows]))
        for table in parsed:
            table["classes"].append("dense")
        return parsed


class Version(SphinxRole):
    """The version of Python or of an installed package."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        number = platform.python_version() if self.text == "python" else version(self.text)
        return [nodes.Text(number)], []


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_directive("commands", Commands)
    app.add_role("version", Version())
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
