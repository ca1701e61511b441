from itertools import combinations, permutations
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ttclab.allocator import difficulty_by_score
from ttclab.estimators import (
    Estimate,
    auc,
    best_of_n,
    bootstrap,
    bootstrap_share,
    brier,
    fifths,
    majority,
    mcnemar,
    pass_at_k,
    percents,
    rank_correlation,
    reliability,
    sampled_until_clear,
    weighted_best_of_n,
    within_problem_auc,
)
from ttclab.problems import ArithmeticProblem, Solution
from ttclab.sampling import majority_vote, weighted_vote
from ttclab.stopping import ClearLead

PROBLEM = ArithmeticProblem.from_expression("007+01")


SHARE, GAIN = Estimate(0.7432, 0.7021, 0.7809), Estimate(-0.0004, -0.0312, 0.0296)


@pytest.mark.parametrize(
    ("estimate", "spec", "text"),
    [
        (SHARE, ".3f", "0.743 (0.702 to 0.781)"),
        (SHARE, ".0%", "74% (70 to 78)"),
        (SHARE, ".1%", "74.3% (70.2 to 78.1)"),
        (SHARE, "%", "74% (70 to 78)"),
        (Estimate(0.99, 0.98, 0.9969), "%", "99.00% (98.00 to 99.69)"),
        (SHARE, "+.3f", "+0.743 (+0.702 to +0.781)"),
        (GAIN, "+.3f", "0.000 (−0.031 to +0.030)"),
        (GAIN, ".1p", "0.0 (−3.1 to +3.0)"),
        (GAIN, ".0 points", "0 points (−3 to +3)"),
        (GAIN, "points", "0 points (−3 to +3)"),
    ],
)
def test_an_estimate_formats_itself(estimate, spec, text):
    assert format(estimate, spec) == text


@pytest.mark.parametrize("spec", ["d", ".3", "%.1", "-.3f", "points please"])
def test_an_unknown_format_of_an_estimate_is_refused(spec):
    with pytest.raises(ValueError, match=r"\.3f.*not"):
        format(SHARE, spec)


def test_estimates_are_stacked_and_unstacked():
    both = Estimate.stack([SHARE, GAIN])
    assert both.mean.tolist() == [SHARE.mean, GAIN.mean] and both.high.tolist() == [SHARE.high, GAIN.high]
    assert both.unstack() == [SHARE, GAIN]


def test_the_sign_of_an_estimate_is_zero_where_its_interval_holds_zero():
    ends = [(0.1, 0.2), (-0.2, -0.1), (-0.1, 0.1), (0.0, 0.1)]
    assert [Estimate(0.0, low, high).sign for low, high in ends] == [1, -1, 0, 0]


@pytest.mark.parametrize(
    ("fractions", "said"),
    [
        ((0.854, 0.82, 0.88), ["85", "82", "88"]),
        ((0, 0, 1), ["0", "0", "100"]),
        ((0.9969, 0.99, 1), ["99.69", "99.00", "100.00"]),
        ((0.0123, 0.0101, 0.0149), ["1.2", "1.0", "1.5"]),
        ((0.9999,), ["99.99"]),
        ((0.0001,), ["0.01"]),
    ],
)
def test_what_is_neither_none_nor_all_is_never_said_to_be(fractions, said):
    assert percents(*fractions) == said


@given(st.integers(1, 9).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n))))
def test_pass_at_k_is_the_share_of_subsets_with_a_right_sample(case):
    n, c, k = case
    subsets = list(combinations([True] * c + [False] * (n - c), k))
    assert pass_at_k(n, c, k) == pytest.approx(np.mean([any(subset) for subset in subsets]))


@given(st.integers(1, 2000).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n))))
def test_pass_at_k_agrees_with_exact_binomials_where_floats_overflow(case):
    n, c, k = case
    exact = 1 - comb(n - c, k) / comb(n, k)
    assert pass_at_k(n, c, k) == pytest.approx(exact, abs=1e-12)


def test_pass_at_k_takes_arrays_that_broadcast():
    table = pass_at_k(10, np.array([[0], [3], [10]]), np.array([1, 10]))
    assert table.tolist() == [[0, 0], [pytest.approx(0.3), 1], [1, 1]]


@pytest.mark.parametrize(
    ("n", "c", "k", "rule"),
    [
        (5, 6, 1, "0 <= c <= n"),
        (5, -1, 1, "0 <= c <= n"),
        (5, 2, 0, "1 <= k <= n"),
        (5, 2, 6, "k=6"),
        (5, 2.5, 1, r"c is 2\.5"),
    ],
)
def test_pass_at_k_states_the_rule_and_the_value(n, c, k, rule):
    with pytest.raises(ValueError, match=rule):
        pass_at_k(n, c, k)


@pytest.mark.parametrize("answers", [["7", "7", "12", "12", "3"], ["10", "9", None, "9", "10"], [None] * 3 + ["5"] * 2])
def test_a_majority_over_subsets_agrees_with_enumerating_them(answers):
    truth = answers[-1]
    solutions = [Solution(PROBLEM, f"+01={int(a or 0):03d}\n", finished=a is not None) for a in answers]
    exact = [np.mean([majority_vote(s) == truth for s in combinations(solutions, k)]) for k in range(1, 6)]
    row, right = np.array([answers], dtype=object), np.array([[a == truth for a in answers]])
    assert majority(row, right, np.arange(1, 6), draws=4000)[0] == pytest.approx(exact, abs=0.03)
    assert majority(row, right, [1, 5], draws=1)[0] == pytest.approx([exact[0], exact[-1]])


def test_a_majority_of_nobody_is_wrong():
    assert majority([[None, None]], [[False, False]], 2).tolist() == [0.0]


@pytest.mark.parametrize(("k", "rule"), [(0, "from 1 to 2, not 0"), (3, "not 3"), (1.5, "not 1.5")])
def test_a_majority_states_the_rule_and_the_value(k, rule):
    with pytest.raises(ValueError, match=rule):
        majority([["1", "2"]], [[True, False]], k)


scored = st.lists(st.tuples(st.sampled_from([-np.inf, 0.0, 0.1, 0.5, 0.9, 1.0]) | st.floats(0, 1), st.booleans()))


@given(scored)
def test_an_auc_is_the_share_of_pairs_in_which_the_right_one_scores_higher_a_tie_counting_half(drawn):
    right, wrong = ([score for score, correct in drawn if correct == which] for which in (True, False))
    pairs = [(r > w) + (r == w) / 2 for r in right for w in wrong]
    found = auc([score for score, _ in drawn], [correct for _, correct in drawn])
    assert found == pytest.approx(np.mean(pairs) if pairs else np.nan, nan_ok=True)


def test_within_problems_the_auc_is_a_mean_over_those_with_right_solutions_and_wrong_ones():
    scores = [[0.9, 0.1, 0.5], [0.2, 0.3, 0.1], [0.5, 0.5, 0.5], [0.0, 0.9, 0.5]]
    correct = [[True, False, False], [False] * 3, [True] * 3, [True, False, True]]
    assert within_problem_auc(scores, correct) == np.mean([1, 0])
    assert np.isnan(within_problem_auc(scores[1:3], correct[1:3]))


def test_knowing_easy_problems_from_hard_ones_does_not_help_within_a_problem():
    correct = np.array([[True, True, True, False], [True, False, False, False]])
    ease = np.array([[0.9] * 4, [0.1] * 4])
    assert auc(ease, correct) == 0.75
    assert within_problem_auc(ease, correct) == 0.5


ANSWERS, CORRECT = [["1", "2", "1"]] * 2, [[True, False, True]] * 2
FROM_SCORES = {
    "best_of_n": lambda scores: best_of_n(scores, CORRECT, 2),
    "weighted_best_of_n": lambda scores: weighted_best_of_n(ANSWERS, scores, CORRECT, 2),
    "sampled_until_clear": lambda scores: sampled_until_clear(
        ANSWERS, scores, CORRECT, ClearLead(0.5).is_clear, [1, 3]
    ),
    "brier": lambda scores: brier(scores, CORRECT),
    "reliability": lambda scores: reliability(scores, CORRECT),
    "auc": lambda scores: auc(scores, CORRECT),
    "within_problem_auc": lambda scores: within_problem_auc(scores, CORRECT),
    "bootstrap": bootstrap,
    "bootstrap_share": lambda scores: bootstrap_share(scores[0], [1, 1, 1]),
    "rank_correlation": lambda scores: rank_correlation(scores[0], [1, 2, 3]),
    "fifths": lambda scores: fifths(scores[0]),
    "difficulty_by_score": difficulty_by_score,
}
ANY_SIGN = ("auc", "within_problem_auc", "bootstrap", "rank_correlation", "fifths")  # orders and means of any values


@pytest.mark.parametrize("name", FROM_SCORES)
@pytest.mark.parametrize("where", [(0, 1), (0, 0), (0, 2)])
def test_every_estimator_refuses_nan_and_negative_scores(name, where):
    scores = np.array([[0.1, 0.5, 0.9]] * 2)
    FROM_SCORES[name](scores)
    scores[where] = np.nan
    with pytest.raises(ValueError, match="nan"):
        FROM_SCORES[name](scores)
    scores[where] = -0.25
    if name in ANY_SIGN:
        FROM_SCORES[name](scores)
    else:
        with pytest.raises(ValueError, match=r"not -0\.25|0 <= part"):
            FROM_SCORES[name](scores)


def test_the_bootstrap_interval_covers_the_true_mean_about_95_times_in_100():
    rng = np.random.default_rng(0)
    covered = 0
    for draw in range(400):
        estimate = bootstrap(rng.random(100) < 0.3, draws=300, seed=draw)
        covered += estimate.low <= 0.3 <= estimate.high
    assert 0.90 <= covered / 400 <= 0.98


def test_the_bootstrap_redraws_whole_problems_so_that_a_constant_difference_has_no_width():
    values = np.random.default_rng(0).random((50, 3))
    difference = bootstrap(values - (values - 0.1))
    assert np.allclose([difference.low, difference.high], 0.1)


def test_a_bootstrap_of_no_problems_is_refused():
    with pytest.raises(ValueError, match="at least one problem"):
        bootstrap([])


def test_fifths_go_from_easiest_to_hardest_and_are_as_equal_as_can_be():
    assert fifths([0.9, 0.1, 0.5, 0.3, 0.7]).tolist() == [0, 4, 2, 3, 1]
    assert np.bincount(fifths(np.zeros(500))).tolist() == [100] * 5


@settings(deadline=None, max_examples=20)
@given(
    st.lists(
        st.tuples(st.sampled_from([None, "1", "2", "12"]), st.sampled_from([0.0, 0.25, 0.5, 1.0])),
        min_size=4,
        max_size=6,
    ),
    st.integers(1, 4),
)
def test_a_weighted_vote_over_subsets_agrees_with_voting_on_each_of_them(drawn, k):
    wins = []
    for subset in combinations(drawn, k):
        solutions = [Solution(PROBLEM, f"+00={int(a):03d}\n" if a else "") for a, _ in subset]
        wins.append(weighted_vote(solutions, [score for _, score in subset]) == "12")
    answers, scores = ([[each[i] for each in drawn]] for i in (0, 1))
    right = [[answer == "12" for answer, _ in drawn]]
    estimate = weighted_best_of_n(answers, scores, right, k, draws=3000)[0]
    assert estimate == pytest.approx(sum(wins) / len(wins), abs=0.04)


def test_best_of_n_over_subsets_agrees_with_enumerating_them():
    rng = np.random.default_rng(0)
    scores, right = rng.integers(0, 3, (4, 7)) / 2, rng.random((4, 7)) < 0.5
    for k in (1, 2, 5, 7):
        for score, ok, estimate in zip(scores, right, best_of_n(scores, right, k), strict=True):
            wins = []
            for subset in combinations(range(7), k):
                top = [i for i in subset if score[i] == max(score[list(subset)])]
                wins.append(ok[top].mean())
            assert estimate == pytest.approx(np.mean(wins))


def test_mcnemar_counts_only_the_problems_that_tell_the_strategies_apart():
    a, b = [1, 1, 1, 1, 1, 1, 0, 1], [0, 0, 0, 0, 0, 0, 0, 1]
    assert mcnemar(a, b) == mcnemar(b, a) == pytest.approx(2 / 2**6)
    assert mcnemar(a, a) == 1.0
    assert mcnemar([1, 0], [0, 1]) == 1.0
    with pytest.raises(ValueError, match=r"same problems, not \(2,\) and \(3,\)"):
        mcnemar([1, 0], [1, 0, 1])


def test_rank_correlation_sees_order_alone_and_shares_the_ranks_of_equals():
    assert rank_correlation([1, 2, 3, 4], [1, 10, 11, 1000]) == pytest.approx(1)
    assert rank_correlation([1, 2, 3], [3, 2, 1]) == pytest.approx(-1)
    assert rank_correlation([1, 1, 2, 2], [5, 6, 5, 6]) == pytest.approx(0)


def stop_when_clear(answers, scores, correct, lead, looks):
    """One order of the samples, by hand: (right, the look it stopped at)."""
    for i, look in enumerate(looks):
        votes = {}
        for answer, score in zip(answers[:look], scores[:look]):
            if answer is not None:
                votes[answer] = votes.get(answer, 0) + score
        ranked = sorted(votes, key=votes.get, reverse=True)
        ahead = (votes[ranked[0]] if ranked else 0) - (votes[ranked[1]] if len(ranked) > 1 else 0)
        if ahead >= lead or i == len(looks) - 1:
            return bool(ranked) and correct[answers.index(ranked[0])], i


@pytest.mark.parametrize("lead", [0.3, 0.8, 5.0])
def test_stopping_when_the_vote_is_clear_is_the_mean_over_all_orders(lead):
    answers, scores = ["7", "8", None, "7", "9"], [0.9, 0.81, 0.95, 0.4, 0.72]
    correct, looks = [True, False, False, True, False], [1, 2, 4]
    by_hand = [
        stop_when_clear(
            [answers[i] for i in order], [scores[i] for i in order], [correct[i] for i in order], lead, looks
        )
        for order in permutations(range(5))
    ]
    accuracy, stops = sampled_until_clear([answers], [scores], [correct], ClearLead(lead).is_clear, looks, draws=4000)
    assert accuracy[0] == pytest.approx(np.mean([right for right, _ in by_hand]), abs=0.03)
    assert stops[0] == pytest.approx(np.bincount([look for _, look in by_hand], minlength=3) / 120, abs=0.03)
    assert stops.sum() == pytest.approx(1)


def test_a_share_counts_all_that_is_counted_alike_and_not_all_problems():
    part, whole = np.array([1, 0, 9]), np.array([1, 4, 15])
    share = bootstrap_share(part, whole)
    assert share.mean == pytest.approx(10 / 20)
    rng = np.random.default_rng(1)
    redrawn = rng.integers(3, size=(4000, 3))
    expected = np.quantile(part[redrawn].sum(axis=1) / whole[redrawn].sum(axis=1), [0.025, 0.975])
    assert [share.low, share.high] == pytest.approx(expected, abs=0.05)


def test_a_share_of_one_count_a_problem_is_a_mean():
    right = np.random.default_rng(0).random(50) < 0.4
    assert bootstrap_share(right, np.ones(50)) == pytest.approx(bootstrap(right))


def test_a_share_of_nothing_is_not_a_number_and_wrong_counts_are_refused():
    assert all(np.isnan(bootstrap_share(np.zeros(3), np.zeros(3))))
    rare = bootstrap_share([1, 0, 0], [2, 0, 0])  # most draws have nothing to count
    assert rare.low == rare.mean == rare.high == 0.5
    with pytest.raises(ValueError, match="0 <= part <= whole"):
        bootstrap_share([2], [1])
    with pytest.raises(ValueError, match=r"not \(2,\) and \(3,\)"):
        bootstrap_share([1, 1], [1, 1, 1])


def test_an_interval_of_a_higher_level_is_wider():
    values = np.arange(100.0)
    ninety, ninety_nine = (bootstrap(values, level=level) for level in (0.9, 0.99))
    assert ninety_nine.low < ninety.low < ninety.high < ninety_nine.high
    assert bootstrap(values, level=0.95) == bootstrap(values)
