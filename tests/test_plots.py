import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from ttclab import plots
from ttclab.estimators import Estimate

BUDGETS = [1, 2, 4, 8]


def estimate(height):
    mean = np.full(4, height)
    return Estimate(mean, mean - 0.05, mean + 0.05)


@pytest.fixture
def figure():
    return plots.coverage_by_difficulty(
        BUDGETS, [estimate(h) for h in (0.95, 0.94, 0.93, 0.4, 0.1)], np.full((5, 4), 0.5), title="Five & more"
    )


def test_a_figure_says_what_it_shows_to_those_who_cannot_see_it(figure):
    shown = plots.show(figure, 'Coverage rises from 0.1 to "0.9" & more')
    svg = ElementTree.fromstring(shown.svg)
    assert svg.get("role") == "img"
    assert svg.get("aria-label") == 'Coverage rises from 0.1 to "0.9" & more' == repr(shown)


def test_text_takes_the_colour_of_the_page(figure):
    svg = plots.to_svg(figure, "alt")
    assert plots.INK not in svg and "currentColor" in svg
    assert "#000000" not in svg


def test_the_same_figure_is_the_same_text(figure):
    assert plots.to_svg(figure, "alt") == plots.to_svg(figure, "alt")


def test_labels_that_would_overlap_are_pushed_apart(figure):
    axes = figure.axes[0]
    heights = sorted(text.xy[1] for text in axes.texts)
    assert {text.get_text() for text in axes.texts} == set(plots.FIFTHS)
    assert min(np.diff(heights)) >= 0.06
    assert heights[-1] <= 1.0


def test_a_saved_figure_is_legible_on_its_own(figure, tmp_path):
    plots.save(figure, tmp_path / "figure.svg", "alt")
    text = (tmp_path / "figure.svg").read_text()
    assert "prefers-color-scheme:dark" in text
    ElementTree.fromstring(text)


def test_strategies_have_colours_of_their_own():
    colours = [colour for name, colour in plots.COLOURS.items() if name != "large"]  # the 14x line is dashed grey
    assert len(set(colours)) == len(colours)
