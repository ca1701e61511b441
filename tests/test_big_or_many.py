"""The data of "Big once or small many": who solves more for the same FLOPs."""

from functools import cache

import numpy as np
import pytest

from ttclab import bank, estimators, results
from ttclab.allocator import Allocation, Arm
from ttclab.explorables import as_json, big_or_many_data, shipped_data
from ttclab.explorables.words import GROUPS

PROBLEMS = 20
EASE = np.linspace(1, 0, PROBLEMS)


def arm(N, right, flops):
    return Arm(Allocation(N), np.broadcast_to(float(right), PROBLEMS), np.broadcast_to(float(flops), PROBLEMS))


def arms(right, each=1.0, most=40):
    """1 to `most` samples, all of them right on a share of each problem."""
    return [arm(N, right, N * each) for N in range(1, most + 1)]


def curve_of(data, steps, verifier):
    (found,) = [each for each in data["curves"] if (each["large"], each["verifier"]) == (steps, verifier)]
    return found


# ---- what is compared


def test_the_small_model_draws_as_many_samples_as_the_passes_pay_for_and_no_more():
    data = big_or_many_data({9: arm(1, 0.5, 4.9)}, {"vote": arms(0.4), "PRM": arms(0.6, each=2)}, EASE)
    assert data["passes"] == [0.5, 1, 2, 4, 8]
    assert curve_of(data, 9, "vote")["samples"] == [2, 4, 9, 19, 39]
    assert curve_of(data, 9, "prm")["samples"] == [1, 2, 4, 9, 19]


def test_passes_that_pay_for_no_sample_or_for_more_than_there_are_are_left_out():
    few = {"vote": arms(0.4, most=8), "PRM": arms(0.6, each=2, most=8)}
    assert big_or_many_data({9: arm(1, 0.5, 4)}, few, EASE)["passes"] == [0.5, 1]
    with pytest.raises(ValueError, match="passes of the large model costs as much as recorded samples"):
        big_or_many_data({9: arm(1, 0.5, 4)}, {"vote": arms(0.4, each=99)}, EASE)


@pytest.mark.parametrize(
    ("small", "large", "wins", "said"),
    [
        (0.75, 0.5, "small", "+25.0 (+25.0 to +25.0)"),
        (0.25, 0.5, "large", "−25.0 (−25.0 to −25.0)"),
        (0.5, 0.5, "neither", "0.0 (0.0 to 0.0)"),
        (0.4999, 0.5, "neither", "0.0 (0.0 to 0.0)"),
    ],
)
def test_the_winner_is_ahead_by_more_than_the_interval_and_by_what_can_be_said(small, large, wins, said):
    data = big_or_many_data({9: arm(1, large, 4)}, {"vote": arms(small)}, EASE)
    for group in curve_of(data, 9, "vote")["groups"]:
        assert set(group["wins"]) == {wins}
        assert {words[3] for words in group["said"]} == {said}


def test_the_interval_is_of_the_difference_problem_by_problem():
    """What is hard for both moves neither: two wide intervals, one narrow difference."""
    luck = np.tile([1.0, 0.0], PROBLEMS // 2)
    once = Arm(Allocation(1), luck, np.full(PROBLEMS, 4.0))
    many = [Arm(Allocation(N), 0.9 * luck + 0.09, np.full(PROBLEMS, float(N))) for N in range(1, 41)]
    data = big_or_many_data({9: once}, {"vote": many}, EASE)
    _, interval, _, difference = curve_of(data, 9, "vote")["groups"][0]["said"][1]
    low, high = map(float, interval.split(" to "))
    assert high - low > 30
    gap = estimators.bootstrap(many[0].correct - luck)
    assert difference == f"{gap:.1p}" and gap.high - gap.low < 0.05


def test_the_model_met_first_is_the_one_trained_most_unless_another_is_named():
    large = {steps: arm(1, 0.5, 4) for steps in (5, 9)}
    assert big_or_many_data(large, {"vote": arms(0.4)}, EASE)["met"] == 9
    met = big_or_many_data(large, {"vote": arms(0.4)}, EASE, met=5)
    assert met["met"] == 5 and "trained for 5 steps" in met["tables"][0]["caption"]


def test_the_tables_without_scripts_say_every_verifier_at_every_budget():
    data = big_or_many_data({9: arm(1, 0.5, 4.9)}, {"vote": arms(0.4), "PRM": arms(0.6, each=2)}, EASE)
    assert [table["caption"].partition(":")[0].lower() for table in data["tables"]] == list(GROUPS.values())
    for table in data["tables"]:
        assert {len(row) for row in table["rows"]} == {len(table["columns"])}
        assert [row[:3] for row in table["rows"]][:2] == [["0.5", "vote", "2"], ["1", "vote", "4"]]
        assert len(table["rows"]) == 2 * len(data["passes"])


@pytest.mark.parametrize("ease", [np.linspace(1, 0, 4), np.linspace(1, 0, PROBLEMS + 1)])
def test_arms_of_other_problems_are_refused_by_name(ease):
    with pytest.raises(ValueError, match="ease and all arms must have the same problems, at least 5"):
        big_or_many_data({9: arm(1, 0.5, 4)}, {"vote": arms(0.4)}, ease)


# ---- as shipped

SELECTIONS = [
    (1500, "vote", 1, "all"),
    (1500, "prm", 1, "all"),
    (1500, "oracle", 1, "5"),
    (750, "vote", 2, "3"),
    (1000, "prm", 0.5, "1"),
    (1250, "oracle", 4, "4"),
    (2000, "prm", 8, "5"),
    (2500, "oracle", 8, "all"),
    (2500, "vote", 0.5, "2"),
    (1500, "prm", 2, "4"),
]


@cache
def small():
    return bank.load("small", "test")


@cache
def solved(verifier):
    """By the estimators, problem by problem and for 1 to 160 samples."""
    N = np.arange(1, 161)
    if verifier == "vote":
        return estimators.majority(small().answers, small().correct, N)
    if verifier == "prm":
        return estimators.weighted_best_of_n(
            small().answers, results.last_scores("prm", "small-test"), small().correct, N
        )
    return estimators.pass_at_k(small().correct.shape[1], small().correct.sum(axis=1, keepdims=True), N)


def cost(verifier, *samples):
    """FLOPs per problem, (problems, samples)."""
    N = np.array(samples)
    writing = small().prefill_flops[:, None] + small().decode_flops.mean(axis=1)[:, None] * N
    return writing + (results.verifier_flops(small(), "prm", N) if verifier == "prm" else 0)


@pytest.mark.parametrize(("steps", "verifier", "passes", "problems"), SELECTIONS)
def test_ten_selections_of_the_shipped_data_are_what_the_estimators_say(steps, verifier, passes, problems):
    data = shipped_data("big_or_many")
    place, group = data["passes"].index(passes), list(GROUPS).index(problems)
    curve = curve_of(data, steps, verifier)
    drawn, shown = curve["samples"][place], curve["groups"][group]
    run = bank.load("large", "test", at=steps, greedy=True)
    once, price = run.correct[:, 0].astype(float), (run.prefill_flops + run.decode_flops[:, 0]).mean()
    paid, one_more = cost(verifier, drawn, drawn + 1).mean(axis=0)
    assert paid <= passes * price < one_more

    fifth = estimators.fifths(small().correct.mean(axis=1))
    rows = np.full(len(once), True) if problems == "all" else fifth == int(problems) - 1
    right = solved(verifier)[rows, drawn - 1]
    found, gap = estimators.bootstrap(right), estimators.bootstrap(right - once[rows])
    assert [shown[part][place] for part in ("mean", "low", "high")] == pytest.approx(found, abs=5e-5)
    assert shown["said"][place][3] == f"{gap:.1p}"
    (large,) = [each for each in data["larges"] if each["steps"] == steps]
    expected = estimators.bootstrap(once[rows])
    assert [large["groups"][group][part] for part in ("mean", "low", "high")] == pytest.approx(expected, abs=5e-5)


def test_shipped_data_are_light_and_compare_at_equal_flops():
    data = shipped_data("big_or_many")
    assert len(as_json(data)) <= 80_000
    assert 1 in data["passes"] and data["met"] == 1500
    assert [verifier["key"] for verifier in data["verifiers"]] == ["vote", "prm", "oracle"]
