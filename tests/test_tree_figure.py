"""The figure of the live search."""

import re

import pytest

from ttclab import figures
from ttclab.explorables import shipped_data
from ttclab.figures.live_search import sample_tree
from ttclab.figures.style import COLOURS
from ttclab.problems import ArithmeticProblem, Solution

PROBLEM = ArithmeticProblem.from_expression("015+74*06")
RIGHT, SLIP, LOST = "+74=089\n*06=534\n", "+74=089\n*06=544\n", "+74=099\n*06=594\n"


def test_a_shared_beginning_is_drawn_once_and_lines_are_as_thick_as_scores():
    solutions = [Solution(PROBLEM, text) for text in (RIGHT, RIGHT, SLIP, LOST)]
    axes = sample_tree(PROBLEM, solutions, [[0.9, 0.8], [0.9, 0.8], [0.9, 0.1], [0.2, 0.0]]).axes[0]
    green, red = COLOURS["oracle"], COLOURS["wrong"]
    lines = [(line.get_color(), round(float(line.get_linewidth()), 2)) for line in axes.lines]
    assert lines == [(green, 5.3), (green, 4.8), (red, 1.3), (red, 1.8), (red, 0.8)]
    said = [text.get_text() for text in axes.texts]
    assert said[:6] == ["start", "+74", "×6", "samples", "sum of\nscores", "15"]
    assert said[6:] == ["89", "534", "2 ✓", "1.60", "544", "1 ✗", "0.10", "99", "594", "1 ✗", "0.00"]


def test_what_the_rules_choose_is_marked_at_every_end_with_the_answer():
    solutions = [Solution(PROBLEM, text) for text in (RIGHT, SLIP, LOST)]
    scores = [[0.9, 0.8]] * 3
    plain = sample_tree(PROBLEM, solutions, scores).axes[0]
    marked = sample_tree(PROBLEM, solutions, scores, {"majority": "594", "prm": "534"}).axes[0]
    added = [line.get_color() for line in marked.lines[len(plain.lines) :]]
    assert added == [COLOURS["majority"]] * 2 + [COLOURS["prm"]] * 2  # a tick for the one end, and the bracket
    assert [text.get_text() for text in marked.texts[len(plain.texts) :]] == ["vote:\n594", "verifier:\n534"]


def test_solutions_without_scores_for_each_are_refused():
    with pytest.raises(ValueError, match="not 1 and 0"):
        sample_tree(PROBLEM, [Solution(PROBLEM, RIGHT)], [])
    with pytest.raises(ValueError, match="not 0 and 0"):
        sample_tree(PROBLEM, [], [])


def test_the_figure_shows_the_first_problem_of_the_live_search_and_what_the_rules_choose():
    first = ArithmeticProblem.from_expression(shipped_data("watch_search")["problems"][0]["id"])
    drawing = figures.draw("samples_as_a_tree")
    assert f"The answer is {first.answer}: a vote chooses" in drawing.shown_by
    assert re.search(rf"weighted by the verifier's scores chooses {first.answer}\.", drawing.shown_by)
