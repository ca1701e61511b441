"""Stopping rules: closed forms, brute force, and the budget they keep."""

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted import ScriptedPolicy, ScriptedVerifier

from ttclab.adaptive import adaptive_search
from ttclab.estimators import elected
from ttclab.problems import Solution, load_problems
from ttclab.sampling import weighted_vote
from ttclab.stopping import Agreement, ClearLead, Posterior, probability_ahead

PROBLEMS = load_problems("test", limit=40)
RULES = [ClearLead(0.8, batch=2), Agreement(0.75), Posterior(0.9, batch=3)]
every_rule = pytest.mark.parametrize("rule", RULES, ids=["lead", "agreement", "posterior"])


@pytest.mark.parametrize(("first", "second"), [(0, 0), (1, 0), (3, 0), (4, 1), (7, 7), (20, 11), (64, 3)])
def test_the_probability_of_being_ahead_is_the_integral_of_the_posterior(first, second):
    shares = (np.arange(200_000) + 0.5) / 200_000
    logs = first * np.log(shares) + second * np.log(1 - shares)
    density = np.exp(logs - logs.max())
    assert probability_ahead(first, second) == pytest.approx(density[100_000:].sum() / density.sum(), abs=1e-5)


def test_the_probability_of_being_ahead_has_its_closed_forms():
    assert probability_ahead(5, 5) == 0.5
    for votes in range(10):
        assert probability_ahead(votes, 0) == 1 - 0.5 ** (votes + 1)
    # The incomplete Beta integral with whole numbers is a sum: I_1/2(6, 3), of 5 votes against 2.
    behind = sum(Fraction(comb(8, heads), 2**8) for heads in range(6, 9))
    assert probability_ahead(5, 2) == 1 - behind


def test_four_votes_to_none_are_enough_for_a_posterior_of_95_percent_and_three_are_not():
    rule = Posterior(0.95)
    clear = [bool(rule.is_clear(np.array([votes, 0.0]), votes)) for votes in range(6)]
    assert clear == [False, False, False, False, True, True]


def test_agreement_counts_samples_without_an_answer_too():
    rule = Agreement(0.75)
    assert rule.is_clear(np.array([3.0, 1.0]), 4) and not rule.is_clear(np.array([3.0, 1.0]), 5)


def test_the_looks_of_a_rule_end_with_the_budget():
    assert Agreement(first=2).looks(64) == [2, 4, 8, 16, 32, 64]
    assert Agreement(first=2).looks(20) == [2, 4, 8, 16, 20]
    assert Agreement(first=3).looks(3) == [3]
    assert Posterior(batch=4).looks(10) == ClearLead(batch=4).looks(10) == [4, 8, 10]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (Agreement(share=0.0), "0 < share <= 1, not 2, 8 and 0.0"),
        (Agreement(first=9), "1 <= first <= N"),
        (Posterior(probability=1.0), "0 < probability < 1, not 4, 8 and 1.0"),
        (Posterior(batch=0), "1 <= batch <= N"),
        (ClearLead(lead=0.0), "lead > 0, not 4, 8 and 0.0"),
        (ClearLead(lead=float("nan")), "lead > 0"),
    ],
)
def test_a_rule_states_what_it_needs_before_anything_is_sampled(rule, said):
    policy = ScriptedPolicy("soon")
    with pytest.raises(ValueError, match=said):
        adaptive_search(policy, ScriptedVerifier(), PROBLEMS, 8, rule=rule)


def by_hand(rule, votes, drawn):
    first, second = [*sorted(votes, reverse=True), 0, 0][:2]
    if isinstance(rule, ClearLead):
        return first - second >= rule.lead
    if isinstance(rule, Agreement):
        return first / drawn >= rule.share
    draws = np.random.default_rng(0).beta(first + 1, second + 1, size=200_000)
    return (draws > 0.5).mean() >= rule.probability


@every_rule
@given(votes=st.lists(st.integers(0, 9), max_size=5), order=st.randoms())
def test_a_rule_is_what_its_definition_says_whatever_the_order_of_the_answers(rule, votes, order):
    drawn = max(1, sum(votes))
    shuffled = order.sample(votes, len(votes))
    clear = bool(rule.is_clear(np.array(votes, dtype=float), drawn))
    assert clear == bool(rule.is_clear(np.array(shuffled, dtype=float), drawn))
    first, second = [*sorted(votes, reverse=True), 0, 0][:2]
    near = isinstance(rule, Posterior) and abs(probability_ahead(first, second) - rule.probability) < 0.005
    assert near or clear == by_hand(rule, votes, drawn)


@every_rule
def test_a_rule_says_the_same_of_many_problems_as_of_each(rule):
    votes = np.random.default_rng(0).integers(0, 12, size=(50, 4)).astype(float)
    assert rule.is_clear(votes, 16).tolist() == [bool(rule.is_clear(row, 16)) for row in votes]


class Answering(ScriptedPolicy):
    """Solutions whose answers follow the script, and are drawn from `start` on."""

    def generate(self, problem, n=1, temperature=None, seed=None, max_new_tokens=None, *, start=0):
        groups = super().generate(problem, n=start + n, temperature=temperature, seed=seed)
        return [[self._answer(s) for s in group[start:]] for group in groups]

    def _answer(self, solution):
        hard = int(solution.problem.id[:3]) % 3 + 1
        luck = int.from_bytes(solution.key.encode()[-3:]) * 7919 % 101
        return Solution(solution.problem, f"+01={1 + luck % hard:03d}\n", key=solution.key)


@every_rule
def test_sampling_stops_at_the_first_look_at_which_the_votes_are_clear(rule):
    policy, verifier = Answering("soon"), ScriptedVerifier()
    whole = policy.generate(PROBLEMS, n=16)
    results = adaptive_search(policy, verifier, PROBLEMS, 16, rule=rule)
    looks = rule.looks(16)
    for result, group in zip(results, whole, strict=True):
        scores = verifier.score(group) if rule.weighted else [1.0] * 16
        expected = 16
        for look in looks:
            votes = {}
            for solution, score in zip(group[:look], scores):
                votes[solution.answer] = votes.get(solution.answer, 0) + score
            if rule.is_clear(np.array(list(votes.values())), look):
                expected = look
                break
        assert [s.key for s in result.solutions] == [s.key for s in group[:expected]]
        assert result.answer == weighted_vote(group[:expected], scores[:expected])
    assert len({len(result.solutions) for result in results}) > 1


class Refusing:
    name = "refusing"

    def score(self, solutions):
        raise AssertionError("a rule that counts votes asks no verifier")


@pytest.mark.parametrize("rule", [Agreement(), Posterior()])
def test_a_rule_that_counts_votes_asks_no_verifier(rule):
    results = adaptive_search(Answering("soon"), Refusing(), PROBLEMS, 16, rule=rule)
    assert all(result.cost.verifier_calls == 0 for result in results)


@given(st.data())
def test_the_vote_of_recorded_samples_is_the_weighted_vote(data):
    answers = data.draw(st.lists(st.sampled_from(["7", "8", "10", None]), min_size=1, max_size=8))
    scores = data.draw(st.lists(st.sampled_from([0.0, 0.25, 1.0]), min_size=len(answers), max_size=len(answers)))
    solutions = [Solution(PROBLEMS[0], f"+01={int(a):03d}\n" if a else "garbage", finished=True) for a in answers]
    winner = weighted_vote(solutions, scores)
    found = elected([answers], [scores], [[a == "8" for a in answers]])
    assert found.tolist() == [winner == "8"]
