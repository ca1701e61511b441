"""Diagrams: what they show is what was run, and all of it is inside the picture."""

import json
import re
from pathlib import Path
from time import process_time

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from ttclab import bank, figures, results
from ttclab.allocator import Allocation, Arm
from ttclab.beam_search import beam_search
from ttclab.data import ZOO
from ttclab.estimators import Estimate
from ttclab.figures import diagrams_family
from ttclab.figures.diagrams_search import Watched, searched
from ttclab.figures.diagrams_spending import LEAD
from ttclab.figures.paper import cheapest
from ttclab.figures.shapes import INCHES, canvas
from ttclab.models import load
from ttclab.problems import load_problems
from ttclab.results import training
from ttclab.verifiers import load_verifier

ROOT = Path(__file__).parent.parent
SECONDS = 30  # of a CPU for one diagram, models loaded and runs read: a map of winners reads every run
PAPER = ("paper", "paper_maps")
MODULE = {name: draw.__module__.split(".")[-1] for name, draw in figures.FIGURES.items()}
DIAGRAMS = sorted(name for name, module in MODULE.items() if module.startswith("diagrams_") or module in PAPER)

every_diagram = pytest.mark.parametrize("name", DIAGRAMS)


def test_the_figures_of_the_paper_that_show_results_are_remade():
    remade = {name for name in DIAGRAMS if MODULE[name] in PAPER}
    assert remade == {f"paper_figure_{k}" for k in (1, *range(3, 10))}


@every_diagram
def test_a_diagram_is_drawn_in_seconds_and_is_narrow_enough_for_a_phone(name):
    start = process_time()
    shown = figures.draw(name)
    assert process_time() - start < SECONDS
    assert shown.figure.get_figwidth() <= INCHES, "text of a wider figure is too small on a phone"


@every_diagram
def test_no_word_of_a_diagram_is_cut_off(name):
    """Measured in matplotlib's own font, which is wider than that of a page."""
    figure = figures.draw(name).figure
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    right, top = figure.get_size_inches() * figure.dpi
    for text in (text for axes in figure.axes for text in axes.texts if text.get_text()):
        box = text.get_window_extent(renderer)
        inside = box.x0 > -2 and box.y0 > -2 and box.x1 < right + 2 and box.y1 < top + 2
        assert inside, f"{text.get_text()!r} is cut off"


def test_a_watched_search_writes_and_scores_what_an_unwatched_one_does():
    [problem] = [p for p in load_problems("test") if len(p.solution_steps) == 4][:1]
    policy, verifier = load("small"), load_verifier("prm")
    watched = Watched(policy, verifier)
    alone, seen = (beam_search(*pair, problem, 8, 4, seed=0) for pair in ((policy, verifier), (watched, watched)))
    assert [s.text for s in seen.solutions] == [s.text for s in alone.solutions]
    np.testing.assert_allclose(seen.scores, alone.scores, atol=1e-6)


def test_the_tree_of_a_search_keeps_as_many_as_the_width_says():
    for _, nodes, _ in searched(4, 8, 4):
        for depth in range(max(node.depth for node in nodes) + 1):
            level = [node for node in nodes if node.depth == depth]
            going = [node for node in level if not node.solution.finished]
            assert sum(node.kept for node in going) == -(-len(going) // 4)
            assert all(nodes[node.parent].kept for node in level if node.parent is not None)


def test_the_search_that_is_shown_drops_a_wrong_beginning_that_it_first_kept_beside_a_right_one():
    shown = figures.draw("how_a_beam_prunes")
    kept = shown.numbers[shown.numbers["kept"] == "yes"].groupby("step")["right so far"].agg(set)
    assert {"yes", "no"} in kept[["1", "2", "3", "4"]].tolist() and kept["end of text"] == {"yes"}
    first = shown.numbers[shown.numbers["step"] == "1"].set_index("right so far")["places"]
    assert ("the only right first step" in shown.finding) == (first["yes"].sum() == 1)


def test_the_winners_of_the_two_votes_shown_lead_by_far_among_all_samples():
    table = figures.draw("votes_as_histograms").numbers
    for _, answers in table.groupby("problem"):
        (won,) = answers.loc[answers["chosen"] == "yes", "of all 256"]
        assert won >= LEAD * answers.loc[answers["chosen"] == "no", "of all 256"].max()


def test_what_a_revision_reads_is_all_that_it_read():
    shown = figures.draw("what_a_revision_reads")
    *parts, written = zip(shown.numbers["part"], shown.numbers["text"].str.replace("↵", "\n"), strict=True)
    read = "".join(text for _, text in parts)
    run = results.chains()
    recorded = {run.shown(i, int(run.at(2)[0])) + problem.prompt for i, problem in enumerate(run.problems)}
    assert read in recorded and written[0] == "written"
    assert len(read) + len(written[1]) == shown.numbers["tokens"].sum()


def test_the_rewrite_that_is_shown_repeats_the_first_wrong_step_that_it_read():
    shown = figures.draw("what_a_revision_reads")
    text = dict(zip(shown.numbers["part"], shown.numbers["text"]))
    newest, written = (text[part].removesuffix("#").strip("↵").split("↵") for part in ("newest attempt", "written"))
    [problem] = [each for each in results.chains().problems if each.prompt == text["problem"].replace("↵", "\n")]
    wrong = list(problem.check_steps(tuple(newest))).index(False)
    assert wrong and written[: wrong + 1] == newest[: wrong + 1]
    assert shown.finding.endswith(f"wrong result, {newest[wrong].split('=')[1]}")


def test_the_scores_shown_of_a_solution_are_the_recorded_ones():
    shown = figures.draw("what_prm_and_orm_see").numbers
    recorded = [steps for group in bank.load_scores("prm", "small-test") for steps in group]
    assert list(shown["PRM"]) in recorded
    assert list(shown["right"]) == ["yes", "yes", "no", "no", "no"]


def test_a_spread_budget_draws_as_many_samples_as_a_uniform_one_and_covers_no_fewer():
    table = figures.draw("next_sample_where_it_gains").numbers
    assert table["samples if spread"].sum() == table["samples if all get the same"].sum()
    assert table["solved then"].mean() >= table["solved"].mean()


def test_the_parts_of_a_bill_are_what_the_strategies_are_charged():
    bills = figures.draw("where_flops_go").numbers
    assert (bills.loc["vote of 16", "FLOPs, verifier"], bills.loc["large, one pass", "FLOPs, verifier"]) == (0, 0)
    assert (bills.drop(columns="FLOPs, verifier") > 0).all(axis=None)
    arms = {
        "large, one pass": results.greedy("large"),
        "vote of 16": results.vote(16),
        "best of 16": results.weighted(16),
        "beam, N = 16": results.beam(16),
        "step-level revision": results.stepwise(15),
    }
    assert bills.sum(axis=1).to_dict() == pytest.approx({name: arm.cost for name, arm in arms.items()}, rel=1e-3)


def test_a_canvas_is_as_many_inches_as_its_units_say():
    figure, axes = canvas(2.7)
    assert figure.get_figheight() == pytest.approx(INCHES / 2)
    assert axes.get_ylim() == (0, 2.7)


def test_a_map_colours_a_cell_of_ours_by_its_interval_and_leaves_out_what_the_paper_does_not_say():
    shown, spec = figures.draw("paper_figure_3"), ".1p"
    texts = [line for text in shown.figure.axes[0].texts for line in text.get_text().split("\n")]
    assert texts.count("not said") == 2
    gains = [value for column in shown.numbers for value in shown.numbers[column] if isinstance(value, Estimate)]
    written = {format(gain, spec).split(" ")[0] for gain in gains}
    assert written - {format(gain, spec).split(" ")[0] for gain in (gains[-1], gains[3])} <= set(texts)


def test_verdicts_of_the_paper_stand_beside_ours_with_their_points():
    shown = figures.draw("paper_figure_9")
    texts = [text.get_text() for text in shown.figure.axes[0].texts]
    assert [texts.count(name) for name in ("small", "large")] == [3, 2]
    early, late = ([*shown.numbers[f"small minus large, {at} steps"]] for at in (1250, 2500))
    for winner, told in [("small", early[1]), ("small", early[4]), *(("large", late[i]) for i in (2, 3, 4))]:
        points = float(told.split(" ")[0].replace("−", "-"))
        found = [float(text.split("(")[1][:-1].replace("−", "-")) for text in texts if f"{winner} (" in text]
        assert any(abs(number - points) <= 0.5 for number in found), (winner, told)
    assert sum(text.startswith("✓ ") for text in texts) == 3
    assert early[3] == "a seed cannot pay" and "nobody" in texts
    assert sum(text.startswith("nobody") for text in texts) == 5


def test_a_saving_compares_the_cheapest_of_each_that_are_not_clearly_behind():
    def arm(right, flops):
        return Arm(Allocation(1), np.repeat([0.0, 1.0], [100 - right, right]), np.full(100, float(flops)))

    reference = arm(90, 64)
    assert cheapest([arm(20, 1), arm(89, 8), arm(90, 4), reference], reference).cost == 4
    assert cheapest([arm(20, 1), arm(30, 2)], reference).cost == 2


def test_the_papers_side_has_no_numbers_on_an_axis_of_accuracy():
    theirs = figures.draw("paper_figure_6").figure.axes[0]
    assert not list(theirs.get_yticks()) and "not given" in theirs.get_ylabel()


@pytest.mark.parametrize("number", [4, 8])
def test_the_papers_saving_stands_at_a_quarter_of_the_flops_of_best_of_n_and_at_its_accuracy(number):
    [axes] = figures.draw(f"paper_figure_{number}").figure.axes
    ours, _, paper = (line.get_xydata()[0] for line in axes.lines if len(line.get_xdata()) == 1)
    assert paper == pytest.approx([ours[0] / 4, ours[1]])


def test_every_diagram_stands_on_one_page_of_the_book():
    pages = "".join(page.read_text(encoding="utf-8") for page in sorted((ROOT / "book").glob("*.md")))
    shown = re.findall(r"^```\{drawn\} (\w+)$", pages, re.MULTILINE)
    assert {name: shown.count(name) for name in DIAGRAMS} == dict.fromkeys(DIAGRAMS, 1)
    assert set(shown) <= set(figures.FIGURES)


def test_the_family_tree_has_every_shipped_model_and_its_costs_are_those_of_all_training():
    names = {json.loads(file.read_text(encoding="utf-8"))["name"] for file in ZOO.glob("*/training.json")}
    assert set(diagrams_family.MODELS) == names
    own = [training.own_training_flops(name, 2500 if name == "large" else None) for name in names]
    assert sum(own) == training.zoo_training_flops()
    for name in names:
        assert set(filter(None, (diagrams_family.relations(name)[0], *diagrams_family.relations(name)[1]))) <= names
