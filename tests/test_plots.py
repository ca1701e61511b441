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


def test_only_labels_that_would_meet_leave_the_ends_of_their_curves():
    series = {name: ("prm", estimate(height)) for name, height in (("a", 1.0), ("b", 0.99), ("c", 0.4))}
    [axes] = plots.curves(BUDGETS, series, title="t", xlabel="x", ylabel="y").axes
    heights = {text.get_text(): text.xy[1] for text in axes.texts}
    assert heights["c"] == 0.4 and heights["a"] - heights["b"] >= 0.06


def test_curves_that_share_a_colour_are_told_apart_by_dashes():
    series = {name: ("optimal", [1, 10, 100, 1000], estimate(0.5)) for name in ("oracle", "predicted")}
    [axes] = plots.against_flops(series, BUDGETS, title="t", dashed={"predicted"}).axes
    assert [line.get_linestyle() for line in axes.lines] == ["-", "--"]


def test_a_saved_figure_is_legible_on_its_own(figure, tmp_path):
    plots.save(figure, tmp_path / "figure.svg", "alt")
    text = (tmp_path / "figure.svg").read_text()
    assert "prefers-color-scheme:dark" in text
    ElementTree.fromstring(text)


def test_strategies_have_colours_of_their_own():
    colours = [colour for name, colour in plots.COLOURS.items() if name != "large"]  # the 14x line is dashed grey
    assert len(set(colours)) == len(colours)


def test_labels_of_a_cut_scale_are_as_far_apart_as_on_the_whole_one():
    near = Estimate(np.full(2, 0.86), np.full(2, 0.85), np.full(2, 0.87))
    series = {"one": ("prm", near), "other": ("revision", near)}
    figure = plots.curves([1, 2], series, title="t", xlabel="x", ylabel="y", ylim=(0.8, 0.9))
    heights = sorted(text.xy[1] for text in figure.axes[0].texts)
    assert 0.006 <= heights[1] - heights[0] <= 0.007
    assert heights[1] <= 0.9


def test_a_chain_is_drawn_by_blocks_of_attempts_with_its_levels():
    chain = Estimate(np.array([0.83, 0.86]), np.array([0.80, 0.83]), np.array([0.86, 0.89]))
    figure = plots.revision_chain([(1, 1), (2, 4)], chain, {"control": ("single", 0.86)}, title="t")
    [axes] = figure.axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "2 to 4"]
    assert {text.get_text() for text in axes.texts} == {"chain", "control"}


def test_points_against_flops_are_named_and_stand_where_they_cost():
    estimate_ = Estimate(np.array([0.5, 0.6]), np.array([0.4, 0.5]), np.array([0.6, 0.7]))
    series = {"chain": ("revision", [1e6, 5e6], estimate_), "samples": ("prm", [1e6, 2e6], estimate_)}
    [axes] = plots.against_flops(series, [1, 2], title="t").axes
    assert [line.get_xdata().tolist() for line in axes.lines] == [[1e6, 5e6], [1e6, 2e6]]
    assert sorted(text.get_text() for text in axes.texts) == ["1", "1", "2", "2", "chain", "samples"]


def test_a_ratio_sweep_has_a_curve_for_each_group():
    estimate_ = Estimate(np.array([0.5, 0.6]), np.array([0.4, 0.5]), np.array([0.6, 0.7]))
    [axes] = plots.ratio_sweep(["2 × 1", "1 × 2"], {"easy": estimate_, "hard": estimate_}, title="t").axes
    assert len(axes.lines) == 2
    assert {text.get_text() for text in axes.texts} == {"easy", "hard"}


def test_the_large_model_is_dashed_against_flops_and_points_need_no_marks():
    estimate_ = Estimate(np.array([0.5, 0.6]), np.array([0.4, 0.5]), np.array([0.6, 0.7]))
    series = {"large": ("large", [1e6, 5e6], estimate_), "samples": ("prm", [1e6, 2e6], estimate_)}
    [axes] = plots.against_flops(series, title="t", xlabel="FLOPs in all").axes
    assert [line.get_linestyle() for line in axes.lines] == ["--", "-"]
    assert axes.get_xlabel() == "FLOPs in all"
    assert {text.get_text() for text in axes.texts} == {"large", "samples"}


def test_a_winner_map_says_in_each_cell_who_wins_and_by_how_much():
    cells = [[(Estimate(0.082, 0.0, 0.12), "small"), (Estimate(-0.07, -0.1, -0.004), "no difference")]]
    [axes] = plots.winner_map(["0.16", "22"], ["all"], cells, title="t", xlabel="R").axes
    assert [text.get_text() for text in axes.texts] == [
        "small wins", "+8 (0 to +12)", "no difference", "−7 (−10 to 0)",
    ]  # fmt: skip
    assert {text.get_color() for text in axes.texts} == {plots.INK}
    small, none = axes.collections
    assert small.get_facecolor().size and not none.get_facecolor().size


def test_gains_are_bars_on_either_side_of_zero_with_their_intervals():
    gain = Estimate(np.linspace(0.2, -0.2, 5), np.linspace(0.1, -0.3, 5), np.linspace(0.3, -0.1, 5))
    [axes] = plots.matched_gains({"0.16": gain, "22": gain}, title="t", legend="R").axes
    assert sorted(bar.get_height() for bar in axes.patches) == pytest.approx(sorted([*gain.mean, *gain.mean]))
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["0.16", "22"]
    assert axes.get_legend().get_title().get_color() == plots.INK
