"""The tables of the simulator "Scaling curves"."""

import numpy as np
import pytest

from ttclab import bank, results
from ttclab.allocator import Allocation, Arm
from ttclab.estimators import bootstrap
from ttclab.explorables import as_json, scaling_curves_data, shipped_data
from ttclab.explorables.scaling_curves import OPPONENTS, SHARES
from ttclab.explorables.words import GROUPS, flops_in_words


def arm(accuracy, cost, problems=10):
    """Problems from easy to hard, of which so many are solved, for so many FLOPs each."""
    return Arm(Allocation(1), 1.0 * (np.arange(problems) < round(accuracy * problems)), np.full(problems, float(cost)))


EASE = np.linspace(1, 0, 10)


def example(**options):
    strategies = {
        "Vote": {"1 sample": arm(0.3, 100), "2 samples": arm(0.5, 200)},
        "Big Verifier": {"once": arm(0.6, 900)},
    }
    return scaling_curves_data(strategies, {"short": arm(0.4, 400), "long": arm(0.8, 400)}, EASE, **options)


def test_a_budget_pays_for_the_dearest_way_that_costs_no_more():
    data = example()
    assert data["groups"][0]["budgets"] == [400 * share for share in SHARES]  # 50 to 12,800
    vote, verifier = (curve["payable"] for curve in data["groups"][0]["curves"])
    assert vote == [-1, 0, 1, 1, 1, 1, 1, 1, 1]
    assert verifier == [-1, -1, -1, -1, -1, 0, 0, 0, 0]


def test_a_point_has_its_accuracy_its_cost_and_what_it_gains_over_each_large_model():
    vote = example()["groups"][0]["curves"][0]
    estimate = bootstrap(arm(0.5, 200).correct)
    assert vote["points"][1] == [0.5, *(round(float(x), 4) for x in estimate[1:]), 200, f"{estimate:%}", "200 FLOPs"]
    assert [said.split(" ")[0] for said in vote["minus"][1]] == ["+10", "−30"]


def test_a_group_is_measured_on_its_own_problems():
    easiest, hardest = (example()["groups"][i]["curves"][0]["points"][1][0] for i in (1, 5))
    assert (easiest, hardest) == (1.0, 0.0)


def test_strategies_have_keys_and_the_page_begins_with_the_opponent_asked_for():
    data = example(opponent="long")
    assert [each["key"] for each in data["strategies"]] == ["vote", "big-verifier"]
    assert (data["opponents"], data["opponent"]) == (["short", "long"], 1)
    assert data["shares"][data["asked"]] == SHARES[1]


def test_without_scripts_a_table_has_what_a_few_budgets_buy():
    table = example()["tables"][0]
    assert table["columns"] == ["Strategy", "100 FLOPs", "400 FLOPs", "1.6 k FLOPs", "6.4 k FLOPs"]
    assert [row[0] for row in table["rows"]] == ["Vote", "Big Verifier"]
    assert table["rows"][1][1:3] == ["costs too much", "costs too much"] and table["rows"][1][3].startswith("60%")


@pytest.mark.parametrize(
    ("strategies", "large", "ease", "words"),
    [
        ({}, {"a": arm(1, 1)}, EASE, "at least one strategy"),
        ({"Vote": {}}, {"a": arm(1, 1)}, EASE, "one arm of each strategy"),
        ({"Vote": {"1": arm(1, 1)}}, {}, EASE, "one large model"),
        ({"Vote": {"1": arm(1, 1)}}, {"a": arm(1, 1)}, EASE[:4], r"the shape \(4,\)"),
        ({"Vote": {"1": arm(1, 1, problems=9)}}, {"a": arm(1, 1)}, EASE, r"the shape \(10,\)"),
    ],
)
def test_what_cannot_be_drawn_is_refused_by_name(strategies, large, ease, words):
    with pytest.raises(ValueError, match=words):
        scaling_curves_data(strategies, large, ease)


# ---- the data as shipped

SELECTIONS = [
    ("vote", "16 samples", 1500, "all"),
    ("vote", "256 samples", 1000, "1"),
    ("prm", "1 sample", 2500, "5"),
    ("prm", "64 samples", 1250, "3"),
    ("prm", "256 samples", 1500, "4"),
    ("beam", "4 places", 1250, "5"),
    ("beam", "16 places", 1500, "all"),
    ("beam", "64 places", 2500, "2"),
    ("beam", "8 places", 1500, "all"),
    ("oracle", "32 samples", 2000, "5"),
    ("single", "1 greedy pass", 1000, "4"),
]


def recorded(strategy, way):
    n = int(way.split(" ")[0])
    if strategy == "single":
        return results.one_pass("test", model="small")
    if strategy == "beam":
        return results.beam(n)
    choose = {"vote": "majority", "prm": "weighted", "oracle": "oracle"}[strategy]
    return results.sampling_arms(choose=choose).at(n)


@pytest.mark.parametrize(("strategy", "way", "steps", "problems"), SELECTIONS)
def test_selections_of_the_shipped_curves_are_what_the_evidence_says(strategy, way, steps, problems):
    data, measured, large = shipped_data("scaling_curves"), recorded(strategy, way), results.one_pass("test", at=steps)
    pass_rate = bank.load("small", "test").correct.mean(axis=1)
    place = np.argsort(np.argsort(-pass_rate, kind="stable"), kind="stable")
    members = np.full(500, True) if problems == "all" else place // 100 == int(problems) - 1
    group = data["groups"][list(GROUPS).index(problems)]
    number = [each["key"] for each in data["strategies"]].index(strategy)
    i = data["strategies"][number]["ways"].index(way)
    curve = group["curves"][number]
    estimate, flops = bootstrap(measured.correct[members]), float(measured.flops[members].mean())
    assert curve["points"][i][:3] == pytest.approx([float(x) for x in estimate], abs=5.1e-5)
    assert curve["points"][i][3] == pytest.approx(flops, rel=5.1e-4)
    assert curve["points"][i][4:] == [f"{estimate:%}", flops_in_words(flops)]
    gain = bootstrap(measured.correct[members] - large.correct[members])
    said = curve["minus"][i][OPPONENTS.index(steps)].replace("−", "-").replace("(", "").replace(")", "")
    assert [float(x) for x in said.split(" ") if x != "to"] == pytest.approx([100 * float(x) for x in gain], abs=0.51)


def test_the_shipped_curves_have_every_strategy_and_fit_in_a_page():
    data = shipped_data("scaling_curves")
    names = [
        "Single",
        "Vote",
        "Weighted, ORM",
        "Weighted, PRM",
        "Weighted, PRM 14x",
        "Beam",
        "Revision",
        "Adaptive",
        "Oracle",
    ]
    assert [each["name"] for each in data["strategies"]] == names
    assert data["opponents"] == [f"{steps} steps" for steps in OPPONENTS]
    assert len(as_json(data).encode()) <= 80_000
