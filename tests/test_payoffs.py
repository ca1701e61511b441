"""Payoffs: after a pass the learner's function draws a figure of recorded runs, and no failure there costs points."""

import re
import sys
import time
from collections import Counter
from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest
from exercise_attempts import MISTAKES

from ttclab import exercises, results
from ttclab.exercises import EXERCISES, check, progress
from ttclab.exercises.payoffs import draw, watched
from ttclab.figures import Drawing
from ttclab.results import game
from ttclab.results.revision import turned_wrong

WITH_PAYOFF = [name for name, exercise in EXERCISES.items() if exercise.payoff]


@pytest.fixture
def shown(monkeypatch):
    """What a kernel that has just started is asked to show."""
    pytest.importorskip("IPython.display")
    drawings = []
    monkeypatch.setattr(exercises, "_checked", {})
    monkeypatch.setattr(exercises, "_failures", Counter())
    monkeypatch.setattr(exercises, "_in_notebook", lambda: True)
    monkeypatch.setattr("IPython.display.display", drawings.append)
    return drawings


def drawn(name, function):
    return draw(EXERCISES[name].payoff, function)


def marked(drawing):
    """The learner's points: (x, y) of the diamonds."""
    (points,) = (line for axes in drawing.figure.axes for line in axes.lines if line.get_zorder() == 5)
    return np.array(points.get_xydata())


def test_every_chapter_has_at_least_two_payoffs():
    chapters = Counter(name.split(".")[0] for name in WITH_PAYOFF)
    assert {name.split(".")[0] for name in EXERCISES} == {*chapters} and min(chapters.values()) >= 2


@pytest.mark.parametrize("name", WITH_PAYOFF)
def test_the_reference_draws_its_figure_the_same_each_time_and_soon(name):
    function = EXERCISES[name].reference
    first, began = drawn(name, function), time.process_time()
    again = drawn(name, function)  # the recorded runs are read by now
    assert time.process_time() - began < 2
    assert isinstance(first, Drawing) and first.finding[0].isupper() and first.table().size
    assert not first.finding.endswith(".") and first.shown_by.endswith(".")
    assert first.html() == again.html()


@pytest.mark.parametrize("name", WITH_PAYOFF)
def test_a_wrong_function_would_draw_another_figure(name):
    """The curve is the learner's: nothing in the figure stands in for it."""

    def picture(function):
        try:
            drawing = drawn(name, function)
        except Exception as error:
            return type(error)
        return re.sub('aria-label="[^"]*"', "", drawing.svg)  # without the words

    own = picture(EXERCISES[name].reference)
    others = (picture(mistake.function) for mistake in MISTAKES[name])
    assert any(isinstance(other, str) and other != own for other in others)


def test_the_values_of_right_functions_are_those_of_the_book():
    def reference(name):
        return EXERCISES[name].reference

    coverage = marked(drawn("2.1", reference("2.1")))
    assert np.allclose(coverage[:, 1], [results.coverage(N).correct.mean() for N in results.BUDGETS])
    assert np.allclose(marked(drawn("4.3", reference("4.3")))[:, 0], float(turned_wrong().mean))
    scores = marked(drawn("7.1", reference("7.1")))[:, 0]
    names = ("worked", "adaptive", "spread", "lesson", "fitted", "drawn again")
    assert np.allclose(sorted(scores), sorted(float(game.above_uniform(name).mean) for name in names))


def test_a_pass_in_a_notebook_is_followed_by_its_figure(shown, capsys):
    check("2.1", EXERCISES["2.1"].reference)
    (drawing,) = shown
    assert drawing.finding.startswith("Your pass@k") and "10 of 10 points" in capsys.readouterr().out


@pytest.mark.parametrize("function", [lambda *_: None, lambda *_: 0.5])
def test_nothing_is_drawn_unless_the_checks_pass(function, shown):
    check("2.1", function)
    assert not shown


def test_a_capstone_of_some_levels_has_its_figure(shown):
    check("7.3", EXERCISES["7.3"].reference)
    assert len(shown) == 1


def test_an_exercise_without_a_payoff_draws_nothing(shown):
    check("8.2", EXERCISES["8.2"].reference)
    assert not shown


def test_a_step_of_beam_search_is_followed_by_the_live_search_where_it_was_run(shown, capsys):
    check("3.4", EXERCISES["3.4"].reference)
    drawing, live = shown
    assert "keeps the same beginnings as the live search" in drawing.finding
    assert (live.name, live.state) == ("watch_search", watched("search.beam")) and live.weights
    problem = live.state["problem"].replace("*", "%2A").replace("+", "%2B")
    assert f"03-verifiers.html?watch_search.problem={problem}&watch_search.N=16" in capsys.readouterr().out


def test_a_step_that_keeps_others_is_told_so():
    assert "keeps other beginnings than the live search" in draw("search.beam", keeps_the_worst).finding


def keeps_the_worst(texts, scores, finished, M):
    return EXERCISES["3.4"].reference(texts, [-score for score in scores], finished, M)


def test_a_figure_that_fails_takes_no_points_and_says_why(shown, monkeypatch, capsys):
    reference = EXERCISES["2.1"].reference
    monkeypatch.setattr(exercises, "draw", lambda payoff, function: function(*[1 / 0] * 3))
    check("2.1", reference)
    said = capsys.readouterr().out
    assert not shown and progress().points == 10
    assert "could not be drawn: ZeroDivisionError: division by zero." in said and "10 of 10 points" in said


def test_a_figure_that_takes_too_long_is_given_up(shown, monkeypatch, capsys):
    monkeypatch.setattr(exercises, "draw", lambda payoff, function: time.sleep(60))
    monkeypatch.setattr(exercises, "DRAWING_SECONDS", 1.0)
    check("8.2", EXERCISES["8.2"].reference)
    check("2.1", EXERCISES["2.1"].reference)
    assert not shown and progress().points == 10 + 20
    assert "could not be drawn: TooLong: no answer in 1 s" in capsys.readouterr().out


def test_an_import_that_takes_long_is_not_cut_short(shown, monkeypatch):
    monkeypatch.setattr(exercises, "DRAWING_SECONDS", 0.2)
    monkeypatch.setattr(exercises, "load", lambda payoff: time.sleep(0.5))
    monkeypatch.setattr(exercises, "draw", lambda payoff, function: "a figure")
    check("2.1", EXERCISES["2.1"].reference)
    assert shown == ["a figure"]


def test_an_import_that_fails_takes_no_points(shown, monkeypatch, capsys):
    monkeypatch.setattr(exercises, "load", lambda payoff: import_module("no_such_module"))
    check("2.1", EXERCISES["2.1"].reference)
    assert not shown and progress().points == 10 and "ModuleNotFoundError" in capsys.readouterr().out


def test_a_terminal_is_shown_no_figure(monkeypatch, capsys):
    monkeypatch.setattr(exercises, "_checked", {})
    monkeypatch.setattr(exercises, "draw", lambda *_: pytest.fail("no kernel could show it"))
    check("2.1", EXERCISES["2.1"].reference)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    check("2.1", EXERCISES["2.1"].reference)
    assert capsys.readouterr().out.count("10 of 10 points") == 2
