"""Figures: what every one of them has, and what turns a drawing into a part of a page."""

import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from time import process_time

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from ttclab import figures
from ttclab.estimators import Estimate
from ttclab.figures import charts, style
from ttclab.figures.drawing import FIGURES, Drawing, drawn
from ttclab.figures.words import listed, times
from ttclab.results.wording import by_sign

ROOT = Path(__file__).parent.parent
SECONDS = 60  # of a CPU for one figure, when nothing is cached

PAGES = sorted((ROOT / "book").glob("[0-9]*.md"))
FIGURES_A_CHAPTER = 5

every_figure = pytest.mark.parametrize("name", sorted(FIGURES))


def estimate(*means, width=0.05):
    mean = np.array(means)
    return Estimate(mean, mean - width, mean + width)


def drawing(**changes):
    line = charts.Series("prm", estimate(0.2, 0.4, 0.5), [1, 2, 4])
    figure = charts.curves({'a "name" & more': line}, xlabel="samples")
    return Drawing(**{"figure": figure, "finding": "It rises", "shown_by": "From 20% to 50%.", **changes})


@every_figure
def test_a_figure_has_a_finding_a_description_with_two_numbers_and_its_data(name):
    start = process_time()
    shown = figures.draw(name)
    assert shown.name == name
    assert shown.finding and not shown.finding.endswith("."), "a finding is a title"
    assert len(shown.finding) < 130, "a finding is one sentence"
    if shown.numbers is not None:
        assert len(re.findall(r"\d[\d.,]*", shown.shown_by)) >= 2, "a description has the two numbers that show it"
        assert len(shown.table()) and not shown.table().isna().any(axis=None)
    svg = ElementTree.fromstring(shown.svg)
    assert svg.get("role") == "img" and svg.get("aria-label") == shown.alt
    assert not re.search(r"\bnan\b|\binf\b|\bNone\b", shown.alt + shown.html())
    assert_no_overlap(shown.figure)
    assert process_time() - start < SECONDS


def test_a_finding_has_words_for_whatever_the_data_say(monkeypatch):
    """Models are trained anew: every difference may become clear, unclear or the reverse."""
    figures.verifier_given_or_charged(), figures.winners_by_training()  # maps are kept: not with another sign
    for sign in (-1, 0, 1):
        monkeypatch.setattr(Estimate, "sign", property(lambda estimate, sign=sign: sign))
        for name in sorted(set(FIGURES) - {"claims_and_evidence"}):  # which counts verdicts, and takes long
            finding = figures.draw(name).finding
            assert 10 < len(finding) < 170 and not re.search(r"  |\band$|^ |[,:; ]$", finding), name


def assert_no_overlap(figure):
    """No two names in a figure lie on each other, in matplotlib's own font, which is wider than that of a page."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    for axes in figure.axes:
        boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in axes.texts if text.get_text()]
        for i, (one, box) in enumerate(boxes):
            for other, beside in boxes[i + 1 :]:
                wide = min(box.x1, beside.x1) - max(box.x0, beside.x0)
                tall = min(box.y1, beside.y1) - max(box.y0, beside.y0)
                assert wide < 2 or tall < 3, f"{one!r} lies on {other!r}"


@every_figure
def test_a_figure_with_numbers_says_where_they_come_from(name):
    shown = figures.draw(name)
    assert bool(shown.source) == (shown.numbers is not None)
    assert shown.legend.startswith(shown.source)
    assert f'<p class="figure-source">{shown.legend}</p>' in shown.html() or not shown.source


def test_a_figure_of_seed_0_reads_no_other_seed(monkeypatch):
    """With the stored values of the other seeds out of reach, exactly the figures that name no other seed are drawn."""

    sources = {name: figures.draw(name).source for name in sorted(FIGURES)}

    class Read(BaseException):
        """Not caught by whoever handles errors."""

    def out_of_reach():
        raise Read

    for module in list(sys.modules.values()):
        if module.__name__.startswith("ttclab"):
            for name in ("families", "pool", "each_family", "of_all"):
                if getattr(getattr(module, name, None), "__module__", "") == "ttclab.results.families":
                    monkeypatch.setattr(module, name, lambda *_: out_of_reach())
            for value in list(vars(module).values()):  # what was pooled before is not a value at hand
                if hasattr(value, "cache_clear") and value.__module__.startswith("ttclab.results"):
                    value.cache_clear()

    def reads_other_seeds(name):
        try:
            figures.draw(name)
        except Read:
            return True
        return False

    read = {name for name in sources if reads_other_seeds(name)}
    assert read == {name for name, source in sources.items() if "seeds" in source.lower()}


@pytest.mark.parametrize(
    ("figure", "legend"),
    [
        (
            charts.curves({"a": charts.Series("prm", estimate(0.2, 0.4), [1, 2])}, xlabel="samples"),
            "Shaded: 95% intervals",
        ),
        (
            charts.dots({"a": charts.Row("prm", Estimate(0.2, 0.1, 0.3))}, xlabel="solved"),
            "Horizontal lines: 95% intervals",
        ),
        (charts.by_fifth({"a": charts.Series("prm", estimate(*[0.2] * 5), range(5))}), "Vertical lines: 95% intervals"),
        (charts.stacked({"a": {"b": 1.0}}, {"b": "grey"}, xlabel="FLOPs"), ""),
    ],
)
def test_a_figure_says_what_its_bands_and_error_bars_are(figure, legend):
    assert drawing(figure=figure).legend == legend
    assert drawing(figure=figure, source="Seed 0").legend == ". ".join(filter(None, ("Seed 0", legend)))


def drawn_in(text):
    return re.findall(r"^```\{drawn\} (\w+)$", text, re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_chapter_is_told_by_five_figures_at_least(page):
    names = drawn_in(page.read_text(encoding="utf-8"))
    assert len(names) >= FIGURES_A_CHAPTER and len(set(names)) == len(names)


def test_every_figure_is_shown_and_every_figure_that_is_shown_is_drawn():
    shown = {name for page in (ROOT / "book").glob("*.md") for name in drawn_in(page.read_text(encoding="utf-8"))}
    labs = "".join(lab.read_text(encoding="utf-8") for lab in (ROOT / "notebooks").glob("*.ipynb"))
    called = set(re.findall(r"figures\.([a-z_]+)\(", labs))
    assert shown <= set(FIGURES) and called <= set(FIGURES)
    assert set(FIGURES) <= shown | called


def test_an_unknown_name_is_an_error_that_names_the_figures():
    with pytest.raises(ValueError, match=r"no figure is 'none'.*weighted_against_vote"):
        figures.draw("none")


def test_two_figures_cannot_have_one_name():
    def weighted_against_vote():
        return drawing()

    with pytest.raises(ValueError, match="two figures"):
        drawn(weighted_against_vote)


@pytest.mark.parametrize(("gain", "words"), [(0.2, "beats"), (0.01, "ties with"), (-0.2, "loses to")])
def test_the_words_of_a_finding_follow_the_interval(gain, words):
    assert by_sign(Estimate(gain, gain - 0.05, gain + 0.05)) == words


def test_names_and_ratios_are_put_into_words():
    assert [listed(names) for names in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a and b", "a, b and c"]
    assert [times(ratio) for ratio in (1.44, 12.4)] == ["1.4 times", "12 times"]


def test_text_takes_the_colour_and_the_font_of_the_page():
    svg = drawing().svg
    assert style.INK not in svg and "#000000" not in svg
    assert "font-family" not in svg and "DejaVu" not in svg
    [named] = re.findall(r"<text[^>]*>[^<]*name", svg)
    assert f"fill:currentColor;fill:color-mix(in srgb, {style.COLOURS['prm']} 62%, currentColor)" in named


def test_places_are_rounded_to_a_tenth_and_the_description_is_not():
    svg = drawing(shown_by="The AUC is 0.963.").svg
    assert "AUC is 0.963" in svg and re.search(r' (?:x|y|d)="[^"]*\d\.\d\d', svg) is None


def test_a_description_may_hold_quotes_and_signs():
    svg = ElementTree.fromstring(drawing(shown_by='From "20%" to <50%> & more.').svg)
    assert svg.get("aria-label") == 'It rises. From "20%" to <50%> & more.'


def test_two_figures_in_one_page_share_no_names():
    one, other = (set(re.findall(r' id="([^"]+)"', drawing(name=name).html())) for name in ("one", "other"))
    assert one and not one & other


def test_the_same_figure_is_the_same_text():
    assert drawing().svg == drawing().svg


def test_numbers_are_folded_under_the_figure_as_they_are_written():
    numbers = pd.DataFrame(
        {"solved": [Estimate(0.5, 0.4, 0.6)], "gain": [Estimate(-0.1, -0.2, 0.0)], "FLOPs": [21.3e6], "N": [1024]}
    )
    shown = drawing(numbers=numbers, spec={"solved": ".0%", "gain": ".1p"})
    assert shown.table().iloc[0].tolist() == ["50% (40 to 60)", "−10.0 (−20.0 to 0.0)", "21.3 million", "1,024"]
    assert "<summary>The numbers</summary>" in shown.html()
    with pytest.raises(ValueError, match="diagram"):
        drawing().table()


def test_a_saved_figure_is_legible_on_its_own(tmp_path):
    drawing().save(tmp_path / "figure.svg")
    text = (tmp_path / "figure.svg").read_text()
    assert "prefers-color-scheme:dark" in text
    ElementTree.fromstring(text)


def test_the_picture_of_the_readme_is_what_the_recorded_runs_draw(tmp_path):
    picture = figures.samples_as_a_tree()
    picture.save(tmp_path / "picture.svg")
    shown = "book/_static/samples_as_a_tree.svg"
    drawn_now = (tmp_path / "picture.svg").read_text(encoding="utf-8")
    assert (ROOT / shown).read_text(encoding="utf-8") == drawn_now, "the runs have changed: make picture"
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert f"![{picture.alt}]({shown})" in readme


def test_names_beside_curves_stand_apart_and_near_their_ends():
    lines = {name: charts.Series("prm", estimate(0.1, height), [1, 2]) for name, height in zip("abc", (1, 0.99, 0.4))}
    [axes] = charts.curves(lines, xlabel="x").axes
    heights = {text.get_text(): text.xy[1] for text in axes.texts}
    assert heights["c"] == pytest.approx(0.4) and heights["a"] - heights["b"] >= 0.05


def test_strategies_have_the_same_colours_in_figures_pages_and_simulators():
    pages = (ROOT / "book/_static/house.css").read_text()
    simulators = (ROOT / "ttclab/explorables/src/common.css").read_text()
    for name, colour in style.STRATEGIES.items():
        if name != "optimal":  # the text's own
            assert f"--strategy-{name}: {colour};" in pages
    for name in ("oracle", "majority", "orm", "prm", "revision", "beam", "writing", "wrong", "noise"):
        assert f"--ttc-{name}: {style.COLOURS[name]};" in simulators


def test_strategies_and_what_is_no_strategy_have_colours_of_their_own():
    colours = [colour for name, colour in style.COLOURS.items() if name != "large"]  # the 14x line is dashed grey
    assert len(set(colours)) == len(colours)
