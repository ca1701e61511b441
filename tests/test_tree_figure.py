"""The figure of a search."""

import re

import pytest

from ttclab.explorables import shipped_data
from ttclab.plots import COLOURS
from ttclab.problems import ArithmeticProblem, Solution
from ttclab.tree_figure import sample_tree, search_picture

PROBLEM = ArithmeticProblem.from_expression("015+74*06")
RIGHT, SLIP, LOST = "+74=089\n*06=534\n", "+74=089\n*06=544\n", "+74=099\n*06=594\n"


def drawn(texts, scores):
    axes = sample_tree([Solution(PROBLEM, text) for text in texts], scores, title="A finding").axes[0]
    lines = [(line.get_color(), round(float(line.get_linewidth()), 2)) for line in axes.lines[1:]]
    return lines, [text.get_text() for text in axes.texts]


def test_a_shared_beginning_is_drawn_once_and_lines_are_as_thick_as_scores():
    lines, words = drawn([RIGHT, RIGHT, SLIP, LOST], [[0.9, 0.8], [0.9, 0.8], [0.9, 0.1], [0.2, 0.0]])
    green, orange = COLOURS["oracle"], COLOURS["revision"]
    assert lines == [(green, 5.2), (green, 4.7), (orange, 1.2), (orange, 1.7), (orange, 0.7)]
    assert words == ["+74", "×6", "89", "534", "×2", "544", "×1", "99", "594", "×1"]


def test_solutions_without_a_score_each_are_refused():
    with pytest.raises(ValueError, match="not 1 and 0"):
        sample_tree([Solution(PROBLEM, RIGHT)], [], title="")
    with pytest.raises(ValueError, match="not 0 and 0"):
        sample_tree([], [], title="")


def test_the_picture_shows_the_first_problem_of_the_live_search_and_tells_what_the_rules_choose():
    picture = search_picture()
    first = shipped_data("watch_search")["problems"][0]["id"]
    answer = ArithmeticProblem.from_expression(first).answer
    assert f"The answer is {answer}" in picture.alt
    assert re.search(rf"best score of the PRM gives {answer}, right", picture.alt)
    assert picture.svg.startswith("<svg") and f'aria-label="{picture.alt[:20]}' in picture.svg
