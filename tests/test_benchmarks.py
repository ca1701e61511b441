"""Every benchmark runs in its quick mode: what nobody runs for months ends in an error otherwise."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import peers

ROOT = Path(__file__).parent.parent


def run(module: str) -> str:
    command = [sys.executable, "-m", module, "--quick"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_ratio_is_measured():
    first, *lines = run("benchmarks").splitlines()
    assert "median of 1 turn" in first and len(lines) == 8
    for line in lines:
        assert re.search(r" \d+\.\d\d$", line) or (peers.PEER in line and "cannot be installed" in line), line


def test_a_killed_grader_grades_the_other_notebooks():
    lines = run("benchmarks.grading").splitlines()
    assert lines[-2].startswith("4 submissions") and lines[-1].endswith("none of them twice")


def test_a_peer_that_cannot_be_installed_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(peers, "ENVIRONMENT", tmp_path / "its-hub")
    monkeypatch.setattr(peers, "PEER", "no-such-package-of-anybody 1.2.0")
    monkeypatch.setenv("UV_OFFLINE", "1")
    with pytest.raises(peers.Unavailable, match=r"no-such-package-of-anybody 1.2.0 cannot be installed \(.+\)$"):
        peers.environment()
    assert not (tmp_path / "its-hub" / "installed").exists()


def test_every_benchmark_has_a_quick_mode():
    sources = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "benchmarks").glob("*.py")}
    commands = {name for name, source in sources.items() if 'prog="python -m benchmarks' in source}
    assert commands == {"__main__", "explorables", "grading", "gpu"}  # the last has a test file of its own
    assert all("--quick" in sources[name] for name in commands)
