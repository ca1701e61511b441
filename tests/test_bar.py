import io
from functools import partial
from types import SimpleNamespace

import pytest
from test_engine import GREEDY, rows, written
from tiny import random_model

import ttclab
from ttclab import bar


class Watched(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def screen(monkeypatch):
    """A terminal, on which a bar shows at once, with all its changes."""
    monkeypatch.setattr(bar, "tqdm", partial(bar.tqdm, mininterval=0, disable=False))  # whatever TQDM_DISABLE says
    monkeypatch.setattr(bar, "DELAY", 1e-9)
    terminal = Watched()
    monkeypatch.setattr(bar, "sys", SimpleNamespace(stderr=terminal, modules={}))
    return terminal


def test_writing_shows_how_many_solutions_are_done(screen):
    written(random_model("llama"), rows(), GREEDY)
    assert f"/{len(rows())} [" in screen.getvalue() and "solutions" in screen.getvalue()


def test_reading_shows_how_many_solutions_are_read(screen):
    problems = ttclab.load_problems("validation", limit=20)
    solutions = [group[0] for group in ttclab.load("small", device="cpu").generate(problems, n=1, seed=0)]
    screen.seek(0)
    screen.truncate()
    ttclab.load_verifier("prm", device="cpu").score(solutions)
    assert "solutions read" in screen.getvalue()


def test_what_is_done_at_once_shows_nothing(screen, monkeypatch):
    monkeypatch.setattr(bar, "DELAY", 1000.0)
    written(random_model("llama"), rows(), GREEDY)
    assert not screen.getvalue().strip()


def test_nothing_is_written_to_a_file(screen, monkeypatch):
    monkeypatch.setattr(Watched, "isatty", lambda self: False)
    written(random_model("llama"), rows(), GREEDY)
    assert not screen.getvalue()


def test_a_notebook_is_watched(screen, monkeypatch):
    monkeypatch.setattr(Watched, "isatty", lambda self: False)
    bar.sys.modules["ipykernel.kernelapp"] = None
    written(random_model("llama"), rows(), GREEDY)
    assert "solutions" in screen.getvalue()
