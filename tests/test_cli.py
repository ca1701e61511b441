"""The console script. What single commands do is tested with their modules."""

import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from ttclab.cli import app, main

ROOT = Path(__file__).parent.parent
PROMISED = {
    "models", "sample", "record", "plan", "merge", "train", "fit", "grade", "scoreboard", "serve-check", "fetch"
}  # fmt: skip


def test_the_promised_commands_are_there():
    assert set(app.commands) >= PROMISED


def test_the_console_script_is_the_module():
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    module, function = scripts["ttclab"].split(":")
    assert callable(getattr(import_module(module), function))
    assert "commands" in run("-m", "ttclab", "--help").lower()


@pytest.mark.parametrize("name", app.commands)
def test_the_help_of_a_command_is_one_whole_line_in_the_list(name, capsys):
    assert main([name, "--help"]) == 0 and f"Usage: ttclab {name}" in capsys.readouterr().out
    assert not app.commands[name].get_short_help_str().endswith("...")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (["train"], "one model's name, or --family"),
        (["train", "small", "--seed", "-1"], "--seed"),
        (["sample", "small", "--problem", "1+1"], "written like '015+74+46*06'"),
        (["plan", "small", "--files", "small"], "--files is for the address of a server"),
        (["fetch", "gpt-5"], "smollm2"),
        (["merge", "--out", "a"], "FILE"),
    ],
)
def test_a_mistake_is_one_line(call, words, capsys):
    assert main(call) == 2
    said = capsys.readouterr()
    assert not said.out and said.err.startswith("ttclab") and said.err.count("\n") == 1 and words in said.err


MEASURE = """
import resource, subprocess, sys
subprocess.run([sys.executable, *sys.argv[1:]], capture_output=True, check=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime)
"""


def run(*arguments: str) -> str:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("call", [["-m", "ttclab", "--help"], ["-c", "import ttclab"]], ids=["help", "import"])
def test_help_and_import_wait_for_nothing_heavy(call):
    """In CPU time, of the child alone: the wall clock would measure the machine's other work."""
    taken = min(float(run("-c", MEASURE, *call)) for _ in range(3))
    assert taken < 0.3
