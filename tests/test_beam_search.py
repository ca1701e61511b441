from inspect import signature

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import ScriptedPolicy, ScriptedVerifier
from tiny import random_policy

from ttclab.beam_search import beam_search, beam_search_prm, dvts
from ttclab.problems import load_problems
from ttclab.sampling import CHOICES, parallel_search
from ttclab.verifiers import AGGREGATES

PROBLEMS = load_problems("test", limit=4)
ENDINGS = st.sampled_from(["at once", "soon", "never", "mixed"])
SEARCHES = st.sampled_from([beam_search, dvts])
budgets = st.sampled_from([(n, m) for n in range(1, 65) for m in range(1, n + 1) if n % m == 0])


@settings(deadline=None, max_examples=60)
@given(
    budgets,
    ENDINGS,
    st.sampled_from([beam_search, dvts]),
    st.sampled_from(sorted(AGGREGATES)),
    st.sampled_from(CHOICES),
)
def test_a_budget_of_n_is_n_generations_and_n_solutions(budget, ending, search, aggregate, choose):
    N, M = budget
    policy = ScriptedPolicy(ending)
    for result in search(policy, ScriptedVerifier(), PROBLEMS, N, M, max_steps=6, aggregate=aggregate, choose=choose):
        assert result.cost.generations == len(result.solutions) == len(result.scores) == N
        assert result.solution in result.solutions


@settings(deadline=None, max_examples=40)
@given(budgets, ENDINGS)
def test_a_finished_solution_is_never_continued_or_copied(budget, ending):
    N, M = budget
    policy = ScriptedPolicy(ending)
    beam_search(policy, ScriptedVerifier(), PROBLEMS[0], N, M, max_steps=6)
    result = beam_search(policy, ScriptedVerifier(), PROBLEMS[0], N, M, max_steps=6)
    assert not any(solution.finished for solution in policy.continued)
    finished = [id(solution) for solution in result.solutions if solution.finished]
    assert len(set(finished)) == len(finished)


@settings(deadline=None, max_examples=30)
@given(budgets)
def test_each_round_keeps_n_over_m_and_continues_each_m_times(budget):
    N, M = budget
    policy = ScriptedPolicy("never")
    beam_search(policy, ScriptedVerifier(), PROBLEMS[0], N, M, max_steps=3)
    for round_ in policy.rounds[1:]:
        assert sorted(round_.values()) == [M] * (N // M)


def test_the_beams_kept_are_those_the_verifier_likes_best():
    policy = ScriptedPolicy("never")
    result = beam_search(policy, ScriptedVerifier(), PROBLEMS[0], 16, 4, max_steps=2)
    first = policy.generate_step(PROBLEMS[0], n=16)
    best = sorted(ScriptedVerifier().score_steps(first), reverse=True)[:4]
    assert sorted({scores[0] for scores in ScriptedVerifier().score_steps(result.solutions)}, reverse=True) == [
        scores[0] for scores in best
    ]


def test_a_beam_of_width_one_is_best_of_n_token_by_token():
    policy, verifier = random_policy(seed=3), ScriptedVerifier()
    beam = beam_search(policy, verifier, PROBLEMS, 6, 1, max_steps=40)
    whole = parallel_search(policy, verifier, PROBLEMS, 6)
    for one, other in zip(beam, whole, strict=True):
        assert sorted(s.tokens for s in one.solutions) == sorted(s.tokens for s in other.solutions)


def test_lookahead_of_nothing_is_beam_search_and_is_charged_alike():
    policy = random_policy(seed=3)
    plain, looking = (beam_search(policy, ScriptedVerifier(), PROBLEMS, 8, 2, lookahead=k) for k in (0, 1))
    assert [r.cost.flops["lookahead"] for r in plain] == [0] * 4
    again = beam_search(policy, ScriptedVerifier(), PROBLEMS, 8, 2)
    assert [r.cost for r in again] == [r.cost for r in plain]
    assert any(r.cost.flops["lookahead"] > 0 for r in looking)


@pytest.mark.parametrize("k", [1, 2, 5])
def test_lookahead_is_charged_as_n_times_k_plus_one_generations(k):
    assert beam_search(
        ScriptedPolicy("soon"), ScriptedVerifier(), PROBLEMS[0], 8, 4, lookahead=k
    ).cost.generations == 8 * (k + 1)


def test_lookahead_scores_a_step_by_where_it_leads():
    policy = ScriptedPolicy("never")
    verifier = ScriptedVerifier()
    beam_search(policy, verifier, PROBLEMS[0], 8, 4, max_steps=2, lookahead=2)
    ranked, final = verifier.seen[0], verifier.seen[-1]
    assert {len(solution.steps) for solution in ranked} == {3}
    assert {len(solution.steps) for solution in final} == {2}


def test_the_trees_of_dvts_share_no_beam():
    policy = ScriptedPolicy("never")
    result = dvts(policy, ScriptedVerifier(), PROBLEMS[0], 12, 4, max_steps=4)
    roots = [solution.steps[0] for solution in result.solutions]
    assert len(set(roots)) == 3 and all(roots.count(root) == 4 for root in roots)


@pytest.mark.parametrize("search", [beam_search, dvts])
def test_problems_in_a_list_get_what_each_gets_alone(search):
    policy = random_policy(seed=3)
    together = search(policy, ScriptedVerifier(), PROBLEMS, 8, 4)
    alone = [search(policy, ScriptedVerifier(), problem, 8, 4) for problem in PROBLEMS]
    assert [r.solution.tokens for r in together] == [r.solution.tokens for r in alone]
    assert [r.cost for r in together] == [r.cost for r in alone]


def test_a_shared_prefix_is_computed_once_and_the_tokens_are_those_of_an_uncached_search():
    policy = random_policy(seed=3)
    cached = beam_search(policy, ScriptedVerifier(), PROBLEMS, 8, 4)
    forgetful = random_policy(seed=3)
    write = forgetful.engine.write

    def forgetting(*args, **options):
        forgetful.engine.prefix_cache = {}
        return write(*args, **options)

    forgetful.engine.write = forgetting
    uncached = beam_search(forgetful, ScriptedVerifier(), PROBLEMS, 8, 4)
    assert [[s.tokens for s in r.solutions] for r in cached] == [[s.tokens for s in r.solutions] for r in uncached]
    assert sum(r.cost.tokens["prefill"] for r in cached) < 0.5 * sum(r.cost.tokens["prefill"] for r in uncached)


def test_equal_scores_are_broken_by_text_whatever_the_order():
    class Even(ScriptedVerifier):
        def score_steps(self, solutions):
            return [[0.5] * len(solution.steps) for solution in solutions]

    result = beam_search(ScriptedPolicy("soon"), Even(), PROBLEMS[0], 8, 2)
    assert result.solution.text == min(solution.text for solution in result.solutions)


def test_the_lessons_search_is_fifteen_places_three_wide_by_the_product():
    policy = ScriptedPolicy("mixed")
    lesson = beam_search_prm(policy, ScriptedVerifier(), PROBLEMS[0])
    paper = beam_search(policy, ScriptedVerifier(), PROBLEMS[0], 15, 3, max_steps=10, aggregate="prod")
    assert lesson.cost.generations == 15
    assert lesson.solution.text == paper.solution.text


@pytest.mark.parametrize(
    ("arguments", "options", "rule"),
    [
        ((0,), {}, "N=0"),
        ((6, 4), {}, "divides, not N=6 and M=4"),
        ((4, 0), {}, "M=0"),
        ((4,), {"max_steps": 0}, "max_steps >= 1"),
        ((4,), {"lookahead": -1}, "lookahead >= 0"),
        ((4,), {"aggregate": "max"}, "not 'max'"),
        ((4,), {"choose": "worst"}, "not 'worst'"),
    ],
)
def test_wrong_calls_state_the_rule_and_the_value(arguments, options, rule):
    with pytest.raises(ValueError, match=rule):
        beam_search(ScriptedPolicy("soon"), ScriptedVerifier(), PROBLEMS[0], *arguments, **options)


def test_a_verifier_without_step_scores_is_refused_by_name():
    class Outcome:
        name = "outcome only"

    with pytest.raises(ValueError, match="'outcome only' does not"):
        beam_search(ScriptedPolicy("soon"), Outcome(), PROBLEMS[0], 4)


@pytest.mark.parametrize("bad", [[], [0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5], [np.nan], [1.5]])
def test_step_scores_that_are_missing_or_out_of_range_are_errors_that_name_the_verifier(bad):
    class Bad(ScriptedVerifier):
        def score_steps(self, solutions):
            return [bad for _ in solutions]

    with pytest.raises(ValueError, match="'step verifier' must return"):
        beam_search(ScriptedPolicy("never"), Bad(), PROBLEMS[0], 4, max_steps=2)


@pytest.mark.parametrize(("search", "has_lookahead"), [(beam_search, True), (dvts, False)])
def test_help_names_every_option_with_its_default(search, has_lookahead):
    parameters = signature(search).parameters
    assert not any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters.values())
    assert (parameters["M"].default, parameters["max_steps"].default, parameters["choose"].default) == (4, 40, "best")
    assert ("lookahead" in parameters) == has_lookahead


def test_an_option_that_a_search_does_not_have_is_refused_by_name():
    with pytest.raises(TypeError, match="width"):
        beam_search(ScriptedPolicy("soon"), ScriptedVerifier(), PROBLEMS[0], 4, width=3)
    with pytest.raises(TypeError, match="lookahead"):
        dvts(ScriptedPolicy("soon"), ScriptedVerifier(), PROBLEMS[0], 4, lookahead=3)
