"""One wrong argument at a time, for every call that takes it: the error states the rule and the value."""

import re
from functools import partial

import numpy as np
import pytest
from scripted import ScriptedVerifier
from tiny import random_policy

import ttclab
from ttclab.beam_search import beam_search, beam_search_prm, dvts
from ttclab.problems import Solution, load_problems
from ttclab.revision import hybrid_search, sequential_revise
from ttclab.sampling import parallel_search

PROBLEM = load_problems("test", limit=1)[0]
BEGUN, ENDED = Solution(PROBLEM, "", finished=False), Solution(PROBLEM, "+74=089\n")
POLICY = random_policy()
STRATEGIES = {
    "parallel": lambda *given, **options: parallel_search(*given, 2, **options),
    "sequential": lambda *given, **options: sequential_revise(*given, 1, **options),
    "hybrid": lambda *given, **options: hybrid_search(*given, 2, 1, **options),
    "beam": lambda *given, **options: beam_search(*given, 4, **options),
    "dvts": lambda *given, **options: dvts(*given, 4, **options),
}
METHODS = {
    "generate": POLICY.generate,
    "generate_step": POLICY.generate_step,
    "rollout": lambda problem, **options: POLICY.rollout(problem, [BEGUN], **options),
    "revise": lambda problem, **options: POLICY.revise(problem, [ENDED], **options),
}
EVERY = METHODS | {name: partial(strategy, POLICY, ScriptedVerifier()) for name, strategy in STRATEGIES.items()}


class FixedVerifier(ScriptedVerifier):
    """Gives what it is told to."""

    name = "odd verifier"

    def __init__(self, give):
        self.give = give

    def score(self, solutions):
        return self.give(len(solutions))

    def score_steps(self, solutions):
        return [self.give(len(solution.steps)) for solution in solutions]


def refused(call, rule):
    with pytest.raises(ValueError, match=rule):
        call()


@pytest.mark.parametrize("name", [*EVERY, "lesson"])
def test_an_empty_list_of_problems(name):
    calls = EVERY | {"lesson": partial(beam_search_prm, POLICY, ScriptedVerifier())}
    refused(lambda: calls[name]([]), "at least one problem, but the list is empty")


@pytest.mark.parametrize("temperature", [-1, float("nan"), float("inf")])
@pytest.mark.parametrize("name", EVERY)
def test_a_temperature_that_is_no_number_from_zero_up(name, temperature):
    refused(lambda: EVERY[name](PROBLEM, temperature=temperature), f"number >= 0, not {temperature}")


@pytest.mark.parametrize("name", METHODS)
def test_room_for_no_token(name):
    refused(lambda: METHODS[name](PROBLEM, max_new_tokens=0), "max_new_tokens must be at least 1, not 0")


def test_a_solution_of_another_problem():
    other = load_problems("test", limit=2)[1]
    [begun] = POLICY.generate_step(other)
    for call in (POLICY.generate_step, POLICY.rollout, POLICY.revise):
        refused(lambda call=call: call(PROBLEM, [begun]), f"of the problem '{re.escape(PROBLEM.id)}', not of")


@pytest.mark.parametrize("score", [np.nan, np.inf, -0.1])
@pytest.mark.parametrize("name", ["sequential", "hybrid", "dvts"])
def test_a_score_that_is_no_probability(name, score):
    verifier = FixedVerifier(lambda count: [score] * count)
    refused(
        lambda: STRATEGIES[name](POLICY, verifier, PROBLEM),
        f"'odd verifier' must return scores from 0 to 1, not {score}",
    )


@pytest.mark.parametrize("name", ["sequential", "hybrid", "dvts"])
def test_a_score_too_many(name):
    verifier = FixedVerifier(lambda count: [0.5] * (count + 1))
    refused(lambda: STRATEGIES[name](POLICY, verifier, PROBLEM), r"'odd verifier' must return \d+ .*scores.*, not \d+")


@pytest.mark.parametrize(
    ("call", "rule"),
    [
        (lambda: POLICY.generate(PROBLEM, n=0), "n must be at least 1, not 0"),
        (lambda: POLICY.generate_step(PROBLEM, n=0), "n must be at least 1, not 0"),
        (lambda: POLICY.generate_step(PROBLEM, [BEGUN], n=0), "n must be at least 1 .*, not 0"),
        (lambda: POLICY.rollout(PROBLEM, [BEGUN], n=0), "n must be at least 1 .*, not 0"),
        (lambda: POLICY.generate_step([PROBLEM] * 3, [[BEGUN]]), "one list a problem, not 1 and 1 lists"),
        (lambda: POLICY.generate_step(PROBLEM, [ENDED]), r"finished .* cannot be continued: '\+74=089"),
        (lambda: random_policy(batch_size=0), "batch_size must be at least 1, not 0"),
        (lambda: dvts(POLICY, ScriptedVerifier(), PROBLEM, 6, 4), "divides, not N=6 and M=4"),
        (lambda: beam_search_prm(POLICY, ScriptedVerifier(), PROBLEM, 0), "beam_width >= 1 .*, not 0 and 3"),
        (lambda: beam_search_prm(POLICY, ScriptedVerifier(), PROBLEM, expansions=-1), "expansions >= 1, not 5 and -1"),
        (lambda: sequential_revise(POLICY, ScriptedVerifier(), PROBLEM, -1), "T >= 0 .*T=-1"),
        (
            lambda: ttclab.load("prm"),
            "one of large, small, small-plain, small-rl, a directory .*, not 'prm'",
        ),
        (lambda: ttclab.load("large", at=3), r"'large' is shipped at the steps \[750.*\], not at 3"),
    ],
)
def test_a_number_or_a_name_that_can_not_be(call, rule):
    refused(call, rule)
