from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import ScriptedPolicy, ScriptedVerifier
from tiny import TOKENIZER, random_policy

import ttclab
from ttclab.engine import Engine, prefixes_kept
from ttclab.flops import decode_flops, forward_flops
from ttclab.ledger import billed
from ttclab.policy import Prompt
from ttclab.problems import load_problems
from ttclab.revision import hybrid_search, sequential_revise
from ttclab.sampling import CHOICES, parallel_search
from ttclab.verifiers import Feedback, NoisyOracle

PROBLEMS = load_problems("test", limit=4)
ENDINGS = st.sampled_from(["at once", "soon", "never", "mixed"])


@settings(deadline=None, max_examples=60)
@given(
    st.integers(1, 8),
    st.integers(0, 7),
    st.sampled_from(["at once", "soon", "never", "mixed"]),
    st.sampled_from(CHOICES),
)
def test_m_chains_of_t_revisions_are_m_times_one_plus_t_generations(M, T, ending, choose):
    for result in hybrid_search(ScriptedPolicy(ending), ScriptedVerifier(), PROBLEMS, M, T, choose=choose):
        assert result.cost.generations == len(result.solutions) == len(result.scores) == M * (1 + T)
        assert result.cost.revisions == M * T


@pytest.mark.parametrize("policy", [ScriptedPolicy("soon"), random_policy(seed=3)], ids=["scripted", "engine"])
def test_no_revisions_is_best_of_n(policy):
    hybrid = hybrid_search(policy, ScriptedVerifier(), PROBLEMS, 6, 0)
    best = parallel_search(policy, ScriptedVerifier(), PROBLEMS, 6)
    assert [[s.text for s in r.solutions] for r in hybrid] == [[s.text for s in r.solutions] for r in best]
    assert [r.solution.text for r in hybrid] == [r.solution.text for r in best]
    assert [r.cost for r in hybrid] == [r.cost for r in best]


def test_one_chain_is_sequential_revision():
    policy = random_policy(seed=3)
    chain = sequential_revise(policy, ScriptedVerifier(), PROBLEMS[0], 3)
    hybrid = hybrid_search(policy, ScriptedVerifier(), PROBLEMS[0], 1, 3)
    assert [s.tokens for s in chain.solutions] == [s.tokens for s in hybrid.solutions]
    assert len(chain.solutions) == 4


def test_a_revision_reads_the_last_four_attempts_of_its_own_chain():
    policy = random_policy(seed=3)
    contexts, write = [], policy.engine.write

    def listening(rows, *args, **options):
        contexts.append([TOKENIZER.decode(row.context) for row in rows])
        return write(rows, *args, **options)

    policy.engine.write = listening
    result = hybrid_search(policy, ScriptedVerifier(), PROBLEMS[0], 2, 6, choose="majority")
    chains = [result.solutions[:7], result.solutions[7:]]
    for t, round_ in enumerate(contexts):
        shown = ["".join(a.text + "#" for a in chain[max(0, t - 4) : t]) + PROBLEMS[0].prompt for chain in chains]
        assert round_ == [TOKENIZER.decode(TOKENIZER.encode(text)) for text in shown]


def test_a_revision_reads_what_was_said_of_the_newest_attempt():
    policy = random_policy(seed=3)
    chain = policy.generate(PROBLEMS[0], n=2)
    [told] = policy.revise(PROBLEMS[0], chain, Feedback("Step 2 has an error.", "!2"))
    assert told.shown == f"{chain[0].text}#!2{chain[1].text}#"
    with pytest.raises(ValueError, match="one for each of 1 problems, not 2"):
        policy.revise(PROBLEMS[0], chain, [None, None])


def test_chains_differ_and_do_not_depend_on_their_company():
    policy = random_policy(seed=3)
    four, two = (hybrid_search(policy, ScriptedVerifier(), PROBLEMS[1], M, 2) for M in (4, 2))
    assert [s.tokens for s in four.solutions[:6]] == [s.tokens for s in two.solutions]
    assert len({s.tokens for s in four.solutions}) > 6
    together = hybrid_search(policy, ScriptedVerifier(), PROBLEMS, 4, 2)
    assert [s.tokens for s in together[1].solutions] == [s.tokens for s in four.solutions]


def test_what_a_revision_reads_and_writes_is_billed_as_revision():
    policy = random_policy(seed=3)
    with billed() as first:
        chain = policy.generate(PROBLEMS[0], n=1)
    with billed() as bill:
        policy.revise(PROBLEMS[0], chain)
    assert set(first.total.flops) == {"prefill", "decode"}
    assert bill.total.flops["revision"] > 0 and not bill.total.flops["prefill"] and not bill.total.flops["decode"]
    assert (bill.total.generations, bill.total.revisions) == (1, 1)


@pytest.mark.parametrize(("M", "T", "rule"), [(0, 1, "M=0"), (1, -1, "T=-1")])
def test_wrong_calls_state_the_rule_and_the_value(M, T, rule):
    with pytest.raises(ValueError, match=rule):
        hybrid_search(ScriptedPolicy(), ScriptedVerifier(), PROBLEMS[0], M, T)


def test_a_revision_of_nothing_is_refused():
    with pytest.raises(ValueError, match=r"chain of one solution or more .* not chains of \[0\]"):
        random_policy().revise(PROBLEMS[0], [])


class NamedStep:
    """Doubts the step that it is told to, of every solution."""

    def __init__(self, step):
        self.step = step

    def critique(self, solutions):
        return [Feedback(f"Step {self.step} has an error.", "", self.step) for _ in solutions]


def chains_of(result):
    """The solutions of each chain, told apart by the names of their random streams."""
    chains = {}
    for solution in result.solutions:
        chains.setdefault(solution.key.split("/rewritten")[0], []).append(solution)
    return list(chains.values())


def step_revise(policy, verifier, problems, T, *, M=1, threshold=0.5, critic=None, **options):
    """Step-level revision with the verifier's own critique, or with a critic's."""
    if critic is None:
        verifier.threshold, critic = threshold, verifier
    return hybrid_search(policy, verifier, problems, M, T, feedback=critic, **options)


def first_doubted(verifier, solution, threshold):
    [scores] = verifier.score_steps([solution])
    return next((i for i, score in enumerate(scores) if score < threshold), None if scores else 0)


STEPWISE = (st.integers(1, 5), st.integers(0, 7), ENDINGS, st.floats(0, 1), st.sampled_from(CHOICES))


@settings(deadline=None, max_examples=60)
@given(*STEPWISE)
def test_step_revision_runs_at_most_m_times_one_plus_t_generations_and_charges_what_it_ran(M, T, ending, bar, choose):
    for result in step_revise(
        ScriptedPolicy(ending), ScriptedVerifier(), PROBLEMS, T, M=M, threshold=bar, choose=choose
    ):
        assert result.cost.generations == len(result.solutions) == len(result.scores) <= M * (1 + T)
        assert result.cost.revisions == len(result.solutions) - M
        assert len(chains_of(result)) == M


@settings(deadline=None, max_examples=60)
@given(*STEPWISE)
def test_a_rewrite_keeps_the_steps_before_the_doubtful_one_and_a_chain_ends_without_doubt(M, T, ending, bar, choose):
    verifier = ScriptedVerifier()
    for result in step_revise(ScriptedPolicy(ending), verifier, PROBLEMS, T, M=M, threshold=bar, choose=choose):
        for chain in chains_of(result):
            for before, after in pairwise(chain):
                doubted = first_doubted(verifier, before, bar)
                assert after.steps[:doubted] == before.steps[:doubted]
                assert after.key == f"{before.key}/rewritten"
            assert len(chain) == 1 + T or first_doubted(verifier, chain[-1], bar) is None


@settings(deadline=None, max_examples=30)
@given(*STEPWISE)
def test_step_revision_of_a_problem_does_not_depend_on_the_others(M, T, ending, bar, choose):
    options = {"M": M, "threshold": bar, "choose": choose}
    together = step_revise(ScriptedPolicy(ending), ScriptedVerifier(), PROBLEMS, T, **options)
    for result, problem in zip(together, PROBLEMS, strict=True):
        alone = step_revise(ScriptedPolicy(ending), ScriptedVerifier(), problem, T, **options)
        assert [(s.text, s.key) for s in alone.solutions] == [(s.text, s.key) for s in result.solutions]
        assert (alone.solution.key, alone.scores, alone.cost) == (result.solution.key, result.scores, result.cost)


@pytest.mark.parametrize("batch_size", [1, 3, 512])
def test_step_revision_by_the_engine_does_not_depend_on_the_batch(batch_size):
    def run(policy, problems):
        return step_revise(policy, ScriptedVerifier(), problems, 5, M=3, threshold=0.3)

    whole = run(random_policy(seed=3), PROBLEMS)
    parts = [run(random_policy(seed=3, batch_size=batch_size), each) for each in PROBLEMS]
    assert [[s.tokens for s in r.solutions] for r in whole] == [[s.tokens for s in r.solutions] for r in parts]
    assert [r.cost for r in whole] == [r.cost for r in parts]


def test_step_revision_without_revisions_is_best_of_n():
    policy = random_policy(seed=3)
    revised = step_revise(policy, ScriptedVerifier(), PROBLEMS, 0, M=4)
    drawn = policy.generate(PROBLEMS, n=4)
    assert [[s.tokens for s in r.solutions] for r in revised] == [[s.tokens for s in group] for group in drawn]
    scores = [[x[-1] if x else 0 for x in ScriptedVerifier().score_steps(group)] for group in drawn]
    assert [r.scores for r in revised] == scores


def test_step_revision_on_buffers_of_fixed_size_is_the_same_and_costs_the_same():
    eager, static = random_policy(seed=3), random_policy(seed=3)
    static.engine = Engine(static.engine.model, TOKENIZER, decoder="static")
    results = [step_revise(policy, ScriptedVerifier(), PROBLEMS, 5, M=3, threshold=0.3) for policy in (eager, static)]
    one, other = ([[s.tokens for s in r.solutions] for r in found] for found in results)
    assert one == other
    assert [r.cost for r in results[0]] == [r.cost for r in results[1]]


@pytest.mark.parametrize("name", ["llama", "gemma3", "gpt2"])
def test_step_revision_writes_what_a_rollout_from_the_kept_steps_writes(name):
    policy, verifier = random_policy(name, seed=3), ScriptedVerifier()
    for problem in PROBLEMS:
        [solution], chain = policy.generate(problem), []
        for _ in range(6):
            chain.append(solution)
            doubted = first_doubted(verifier, solution, 0.6)
            if doubted is None:
                break
            text = "".join(f"{step}\n" for step in solution.steps[:doubted])
            tokens = tuple(TOKENIZER.encode(text, add_special_tokens=False))
            begun = replace(
                solution, text=text, tokens=tokens, length=len(tokens), finished=False, key=solution.key + "/rewritten"
            )
            [solution] = policy.rollout(problem, [begun])
        result = step_revise(policy, verifier, problem, 5, threshold=0.6)
        assert [s.tokens for s in result.solutions] == [s.tokens for s in chain]


def test_step_revision_is_charged_each_prefix_once_by_policy_and_verifier():
    policy, prm = ttclab.load("small", device="cpu"), ttclab.load_verifier("prm", device="cpu")
    for result in step_revise(policy, prm, load_problems("test", limit=30), 15):
        prompt = len(result.solution.problem.prompt)
        prefill, decode = forward_flops(policy.config, prompt, logits=1), 0
        verifier = prm.model.pass_flops(prompt)
        before, known = (), 0
        for solution in result.solutions:
            if before:
                prefill += forward_flops(policy.config, 1, prompt + known - 1, logits=1)
            decode += decode_flops(policy.config, len(solution.tokens) - known - 1, prompt + known)
            # What is drawn again may by chance begin alike, which the verifier need not read again.
            alike = range(shared(before, solution.tokens))
            read = max((i + 1 for i in alike if TOKENIZER.decode(before[i]) == "\n"), default=0)
            verifier += prm.model.pass_flops(len(solution.tokens) - read, prompt + read)
            [scores] = prm.score_steps([solution])
            doubted = next((i for i, score in enumerate(scores) if score < 0.5), len(scores))
            before, known = solution.tokens, len("".join(f"{step}\n" for step in solution.steps[:doubted]))
        spent = result.cost.flops
        assert (spent["prefill"], spent["decode"], spent["verifier"]) == (prefill, decode, verifier)
        assert result.cost.verifier_calls == len(result.solutions)


def shared(before, after):
    """How many tokens two solutions have in common at their start."""
    return next((i for i, (x, y) in enumerate(zip(before, after)) if x != y), min(len(before), len(after)))


def test_a_critic_other_than_the_verifier_names_the_step():
    policy = random_policy(seed=3)
    result = step_revise(policy, ScriptedVerifier(), PROBLEMS[0], 3, critic=NamedStep(1))
    assert len(result.solutions) == 4 and result.cost.revisions == 3
    content = step_revise(policy, ScriptedVerifier(), PROBLEMS[0], 3, critic=NamedStep(None))
    assert len(content.solutions) == 1
    with pytest.raises(ValueError, match="keeps fewer than all of them, not 98"):
        step_revise(policy, ScriptedVerifier(), PROBLEMS[0], 3, critic=NamedStep(99))


def test_a_prm_names_the_step_that_it_doubts():
    policy, prm = ttclab.load("small", device="cpu"), ttclab.load_verifier("prm", device="cpu")
    comments = prm.critique([s for group in policy.generate(load_problems("test", limit=40)) for s in group])
    assert {comment.text: comment.step for comment in comments if comment.step}
    for comment in comments:
        expected = "No step has an error." if comment.step is None else f"Step {comment.step} has an error."
        assert comment.text == expected


def test_the_log_probability_of_a_revision_is_that_of_its_kept_steps_and_its_new_tokens():
    policy = ttclab.load("small", device="cpu")
    result = step_revise(policy, ScriptedVerifier(), load_problems("test", limit=1)[0], 7, M=3, threshold=0.6)
    assert len(result.solutions) > 6
    model = policy.engine.model
    for solution in result.solutions:
        context = policy.encode(Prompt(solution.problem))
        with torch.no_grad():
            logits = model(torch.tensor([context + solution.tokens])).logits[0].log_softmax(-1)
        places = range(len(context) - 1, len(context) + len(solution.tokens) - 1)
        expected = sum(float(logits[i, token]) for i, token in zip(places, solution.tokens))
        assert solution.logprob == pytest.approx(expected, abs=1e-3)


def test_a_critic_beside_the_verifier_is_charged_its_own_calls():
    policy, prm, oracle = random_policy(seed=3), ttclab.load_verifier("prm", device="cpu"), NoisyOracle(0.9)
    alone = hybrid_search(policy, prm, PROBLEMS[0], 2, 3, feedback=prm)
    beside = hybrid_search(policy, prm, PROBLEMS[0], 2, 3, feedback=oracle)
    assert alone.cost.verifier_calls == len(alone.solutions)
    assert beside.cost.verifier_calls == 2 * len(beside.solutions)


def test_sequential_revision_takes_feedback_as_a_hybrid_does():
    policy, oracle = ttclab.load("small", device="cpu"), ttclab.load_verifier("oracle")
    problems = load_problems("test", limit=12)
    chains = sequential_revise(policy, oracle, problems, 4, feedback=oracle)
    hybrids = hybrid_search(policy, oracle, problems, 1, 4, feedback=oracle)
    assert [[s.tokens for s in r.solutions] for r in chains] == [[s.tokens for s in r.solutions] for r in hybrids]
    assert {len(result.solutions) for result in chains} >= {1, 5}  # easy problems stop, hard ones go on
    assert all(result.correct == result.solutions[-1].correct for result in chains)


def test_feedback_that_names_no_step_ends_the_chain():
    policy = ttclab.load("small", device="cpu")
    for name in ("orm", "self"):
        critic = ttclab.load_verifier(name, device="cpu")
        result = hybrid_search(policy, ScriptedVerifier(), PROBLEMS[0], 2, 3, feedback=critic)
        assert len(result.solutions) == 2 and result.cost.revisions == 0


def test_an_oracle_names_the_first_wrong_step_of_a_wrong_answer_and_none_of_a_right_one():
    policy, oracle = ttclab.load("small", device="cpu"), ttclab.load_verifier("oracle")
    solutions = [s for group in policy.generate(load_problems("test", limit=40)) for s in group]
    steps = {solution.correct: set() for solution in solutions}
    for solution, said in zip(solutions, oracle.critique(solutions), strict=True):
        steps[solution.correct].add(said.step)
        if not solution.correct:
            checks = solution.problem.check_steps(solution.steps)
            assert said.step == (checks.index(False) + 1 if False in checks else len(checks))
    assert steps[True] == {None} and len(steps[False]) > 2


def test_an_oracle_that_doubts_steps_solves_more_than_a_sample_and_never_unlearns():
    policy, oracle = ttclab.load("small", device="cpu"), ttclab.load_verifier("oracle")
    problems = load_problems("validation", limit=40)
    solved = [[r.correct for r in step_revise(policy, oracle, problems, T)] for T in (0, 3, 15)]
    assert sum(solved[0]) + 10 <= sum(solved[1]) + 5 <= sum(solved[2])
    assert all(x <= y for x, y in zip(solved[0], solved[2]))


def test_a_restart_from_steps_that_are_not_there_is_refused():
    policy = random_policy(seed=3)
    chain = policy.generate(PROBLEMS[0])
    steps = len(chain[0].steps)
    with pytest.raises(ValueError, match=f"of {steps} steps keeps fewer than all of them, not {steps}"):
        policy.restart(PROBLEMS[0], chain, [steps])
    with pytest.raises(ValueError, match="a number of kept steps for each solution"):
        policy.restart(PROBLEMS[0], chain, [])


def test_rows_are_kept_inside_the_block_alone():
    policy = random_policy(seed=3)
    [solution] = policy.generate(PROBLEMS[0])
    for kept in (False, True):
        with prefixes_kept("\n"):
            if kept:
                policy.generate(PROBLEMS[0])
            with billed() as bill:
                policy.restart(PROBLEMS[0], [solution], [0])
            assert (bill.total.tokens["prefill"] == 1) == kept


@pytest.mark.parametrize("threshold", [-0.1, 1.5, float("nan")])
def test_a_threshold_outside_0_to_1_is_refused(threshold):
    with pytest.raises(ValueError, match=f"from 0 to 1, not {threshold}"):
        NoisyOracle(0.8).threshold = threshold


def test_feedback_that_cannot_criticize_is_refused():
    with pytest.raises(TypeError, match="a verifier with a method critique"):
        hybrid_search(ScriptedPolicy(), ScriptedVerifier(), PROBLEMS[0], 1, 1, feedback="prm")
