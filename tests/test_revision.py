import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import ScriptedPolicy, ScriptedVerifier
from tiny import TOKENIZER, random_policy

import ttclab
from ttclab.ledger import billed
from ttclab.problems import load_problems
from ttclab.revision import hybrid_search, sequential_revise
from ttclab.sampling import CHOICES, parallel_search
from ttclab.verifiers import Feedback

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
    policy, oracle = random_policy(seed=3), ttclab.load_verifier("oracle")
    chain = policy.generate(PROBLEMS[0], n=2)
    [told] = policy.revise(PROBLEMS[0], chain, Feedback("Step 2 has an error.", "!2"))
    assert told.shown == f"{chain[0].text}#!2{chain[1].text}#"
    with pytest.raises(ValueError, match="one for each of 1 problems, not 2"):
        policy.revise(PROBLEMS[0], chain, [None, None])
    result = hybrid_search(policy, ScriptedVerifier(), PROBLEMS[0], 2, 2, feedback=oracle)
    assert [s.shown.count("!-") for s in result.solutions] == [0, 1, 1] * 2  # none of a random policy's is right
    assert result.cost.verifier_calls == 4  # the critiques: the scripted verifier charges nothing


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
