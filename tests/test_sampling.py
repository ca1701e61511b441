from collections.abc import Sequence
from inspect import signature
from itertools import permutations
from typing import get_type_hints

import pytest
from tiny import random_policy

import ttclab
from ttclab.problems import ArithmeticProblem, Problem, Solution, load_problems
from ttclab.sampling import CHOICES, Result, majority_vote, parallel_search, weighted_vote
from ttclab.verifiers import Oracle

PROBLEM = ArithmeticProblem.from_expression("015+74")
PROBLEMS = load_problems("test", limit=6)


def answering(*answers):
    """One solution an answer; None is an unfinished one."""
    return [Solution(PROBLEM, f"+74={a:03d}\n" if a is not None else "+74", finished=a is not None) for a in answers]


class FixedVerifier:
    """Scores what it is told to."""

    name = "verifier"

    def __init__(self, score):
        self.score_one = score

    def score(self, solutions):
        return [self.score_one(solution) for solution in solutions]


def test_the_commonest_answer_wins_and_unfinished_solutions_do_not_vote():
    assert majority_vote(answering(89, 12, 89, None, None, None)) == "89"
    assert majority_vote(answering(None, None)) is None


def test_weights_can_outvote_numbers():
    assert weighted_vote(answering(12, 12, 89), [0.2, 0.3, 0.6]) == "89"


@pytest.mark.parametrize(
    "vote", [majority_vote, lambda s: weighted_vote(s, [0.1 + 0.2 * (x.answer != "7") for x in s])]
)
def test_a_vote_does_not_depend_on_the_order_of_the_solutions(vote):
    assert len({vote(list(order)) for order in permutations(answering(89, 7, 12, 12, 89))}) == 1


def test_ties_go_to_the_shorter_answer_then_to_the_first_in_text_order():
    assert majority_vote(answering(100, 89)) == "89"
    assert majority_vote(answering(98, 89)) == "89"


@pytest.mark.parametrize(("solutions", "scores"), [([], []), (answering(1, 2), [0.5])])
def test_a_vote_of_nobody_or_with_a_score_missing_is_refused(solutions, scores):
    with pytest.raises(ValueError, match=r"at least one|not 1 for 2"):
        weighted_vote(solutions, scores)


@pytest.mark.parametrize("choose", CHOICES)
def test_one_problem_gives_what_it_gives_in_a_list_and_is_charged_alone(choose):
    policy = random_policy()
    together = parallel_search(policy, Oracle(), [*PROBLEMS, PROBLEMS[0]], 5, choose=choose)
    alone = [parallel_search(policy, Oracle(), problem, 5, choose=choose) for problem in [*PROBLEMS, PROBLEMS[0]]]
    assert [r.solution.tokens for r in together] == [r.solution.tokens for r in alone]
    assert [r.cost for r in together] == [r.cost for r in alone]


@pytest.mark.parametrize("N", [1, 2, 7, 64])
def test_n_samples_are_n_generations_and_n_verifier_calls(N):
    result = parallel_search(random_policy(), Oracle(), PROBLEMS[0], N)
    assert len(result.solutions) == len(result.scores) == N
    assert (result.cost.generations, result.cost.verifier_calls) == (N, N)


def test_a_majority_vote_asks_no_verifier():
    assert parallel_search(random_policy(), Oracle(), PROBLEMS[0], 4, choose="majority").cost.verifier_calls == 0


def test_one_sample_is_one_generation_whatever_the_choice():
    policy = random_policy()
    (only,) = policy.generate(PROBLEMS[0], n=1)
    for choose in CHOICES:
        assert parallel_search(policy, Oracle(), PROBLEMS[0], 1, choose=choose).solution.tokens == only.tokens


def test_the_highest_score_is_chosen_and_equal_scores_by_the_text():
    policy = random_policy()
    longest = parallel_search(policy, FixedVerifier(lambda s: len(s.text) / 100), PROBLEMS[0], 16)
    assert len(longest.solution.text) == max(len(s.text) for s in longest.solutions)
    even = parallel_search(policy, FixedVerifier(lambda s: 0.5), PROBLEMS[0], 16)
    assert even.solution.text == min(s.text for s in even.solutions)


@pytest.mark.parametrize(
    ("scores", "rule"),
    [(lambda s: [0.5], "4 scores, not 1"), (lambda s: [float("nan")] * 4, "scores from 0 to 1, not nan"),
     (lambda s: [2.0] * 4, "scores from 0 to 1, not 2.0")],
)  # fmt: skip
def test_scores_that_are_missing_or_out_of_range_are_errors_that_name_the_verifier(scores, rule):
    verifier = FixedVerifier(None)
    verifier.score = scores
    with pytest.raises(ValueError, match=f"'verifier' must return {rule}"):
        parallel_search(random_policy(), verifier, PROBLEMS[0], 4)


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [((PROBLEMS[0], 0), "N >= 1, not 0"), (([], 2), "at least one problem"), ((PROBLEMS[0], 2), "not 'worst'")],
)
def test_wrong_calls_state_the_rule_and_the_value(arguments, rule):
    options = {"choose": "worst"} if "worst" in rule else {}
    with pytest.raises(ValueError, match=rule):
        parallel_search(random_policy(), Oracle(), *arguments, **options)


@pytest.mark.parametrize("name", ["parallel_search", "sequential_revise", "hybrid_search", "dvts", "adaptive_search"])
def test_help_says_that_a_strategy_takes_one_problem_or_several(name):
    strategy = getattr(ttclab, name)
    shown, hints = signature(strategy), get_type_hints(strategy)
    assert shown.parameters["problem"].annotation == hints["problem"] == Problem | Sequence[Problem]
    assert shown.return_annotation == hints["return"] == Result | list[Result]
    assert not any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in shown.parameters.values())
