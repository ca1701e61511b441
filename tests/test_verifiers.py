import gc
import math
import random
from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import ScriptedPolicy
from test_reward_model import TOKENIZER, random_reward_model
from torch.utils.flop_counter import FlopCounterMode

import ttclab
from ttclab import verifiers
from ttclab.beam_search import beam_search
from ttclab.engine import Prefix
from ttclab.estimators import auc
from ttclab.ledger import Cost, billed
from ttclab.problems import ArithmeticProblem, Solution, load_problems
from ttclab.sampling import Result
from ttclab.verifiers import ORM, PRM, ForgetfulOracle, NoisyOracle, Oracle, SelfEvaluation, reader
from ttclab.verifiers.reward_model import Reading, reward_flops

PROBLEM = ArithmeticProblem.from_expression("015+74+46*06")
RIGHT = Solution(PROBLEM, PROBLEM.solution_text)
WRONG = Solution(PROBLEM, "+74=089\n+46=136\n*06=816\n")
SHORT = Solution(PROBLEM, "+74=089\n+46=135\n")
LUCKY = Solution(PROBLEM, "+74=088\n+46=135\n*06=810\n")
MODEL = random_reward_model()
PRM_, ORM_ = PRM("prm", MODEL, TOKENIZER), ORM("orm", MODEL, TOKENIZER)


@cache
def recorded(problems=500):
    """Every text the small policy wrote for a problem, once, for problems that have right and wrong ones."""
    bank = ttclab.bank.load("small", "test")
    groups = [list({s.text: s for s in bank.solutions(i)}.values()) for i in range(problems)]
    return [group for group in groups if 0 < sum(s.correct for s in group) < len(group)]


def scores_at(text, places):
    """What the network says at these tokens of a solution, by a pass of its own."""
    ids = torch.tensor([TOKENIZER.encode(PROBLEM.prompt + text)])
    with torch.no_grad():
        scores = MODEL(ids).right[0, len(PROBLEM.prompt) :].sigmoid()
    return [pytest.approx(scores[place].item(), abs=1e-5) for place in places]


# The oracle


def test_the_oracle_knows_the_answer_and_each_step():
    oracle = ttclab.load_verifier("oracle")
    assert oracle.score([RIGHT, WRONG]) == [1.0, 0.0]
    assert oracle.score_steps([RIGHT, WRONG]) == [[1.0, 1.0, 1.0], [1.0, 0.0, 0.0]]


@pytest.mark.parametrize("oracle", [Oracle(), NoisyOracle(1)], ids=lambda oracle: oracle.name)
def test_right_steps_that_end_too_early_end_wrong_and_a_right_answer_by_wrong_steps_has_none_right(oracle):
    begun = replace(SHORT, finished=False)
    assert oracle.score([SHORT, begun, LUCKY]) == [0.0, 0.0, 1.0]
    assert oracle.score_steps([SHORT, begun, LUCKY]) == [[1.0, 0.0], [1.0, 1.0], [0.0, 0.0, 0.0]]
    assert oracle.score_steps([Solution(PROBLEM, ""), replace(RIGHT, text="+74=089")]) == [[], [0.0]]


def test_asking_the_oracle_is_counted_and_costs_no_flops():
    with billed() as bill:
        ttclab.load_verifier("oracle").score([RIGHT, WRONG])
    assert bill[PROBLEM].verifier_calls == 2
    assert bill.total.total_flops == 0


# The oracle through noise


@pytest.mark.parametrize("quality", [0.6, 0.75, 0.9])
def test_the_dial_of_a_noisy_oracle_is_its_auc(quality):
    solutions = [solution for group in recorded() for solution in group]
    right = [solution.correct for solution in solutions]
    noisy = [NoisyOracle(quality, seed=seed) for seed in range(3)]
    # About 450 right texts a seed: the standard error of the mean is below 0.01.
    assert np.mean([auc(each.score(solutions), right) for each in noisy]) == pytest.approx(quality, abs=0.03)


def test_the_dial_is_the_auc_within_a_problem_too():
    groups = recorded()
    right = [[solution.correct for solution in group] for group in groups]
    scores = [NoisyOracle(0.8).score(group) for group in groups]
    assert np.mean([auc(s, c) for s, c in zip(scores, right)]) == pytest.approx(0.8, abs=0.05)


def test_a_noisy_oracle_at_the_ends_of_its_dial_says_nothing_or_the_truth():
    solutions = [solution for group in recorded(40) for solution in group]
    assert set(NoisyOracle(0.5).score(solutions)) == {0.5}
    assert NoisyOracle(1).score(solutions) == Oracle().score(solutions)
    assert NoisyOracle(1).score_steps(solutions) == Oracle().score_steps(solutions)
    almost = NoisyOracle(1 - 2**-53).score(solutions)
    assert np.round(almost).tolist() == Oracle().score(solutions)


def test_where_half_are_right_the_score_of_a_noisy_oracle_is_the_chance_of_being_right():
    rng = random.Random(0)
    pairs = [rng.choice([s for s in group if s.correct == right]) for group in recorded() for right in (True, False)]
    scores = np.concatenate([NoisyOracle(0.8, seed=seed).score(pairs) for seed in range(5)])
    right = np.tile([solution.correct for solution in pairs], 5)
    for low in np.arange(0, 1, 0.2):
        inside = (scores >= low) & (scores < low + 0.2)
        assert inside.sum() > 300
        assert right[inside].mean() == pytest.approx(scores[inside].mean(), abs=4 * 0.5 / math.sqrt(inside.sum()))


def test_the_noise_belongs_to_what_is_written_and_to_the_seed():
    noisy, longer = NoisyOracle(0.8), replace(RIGHT, text=RIGHT.text + "+01=811\n", logprob=-3.0, key="other")
    assert noisy.score([WRONG, replace(WRONG, tokens=(3,), key="other"), RIGHT])[:2] == noisy.score([WRONG]) * 2
    [one], [other] = noisy.score_steps([replace(RIGHT, finished=False)]), noisy.score_steps([longer])
    assert one == other[:3] and len(set(other)) == 4
    assert NoisyOracle(0.8, seed=1).score([WRONG]) != noisy.score([WRONG])
    assert NoisyOracle(0.8, seed=1).score_steps([WRONG]) != noisy.score_steps([WRONG])
    twin = replace(WRONG, problem=ArithmeticProblem.from_expression("015+74+46*07"))
    assert noisy.score([twin]) != noisy.score([WRONG])


def test_the_steps_of_a_noisy_oracle_are_blurred_by_the_same_dial():
    unfinished = [replace(s, finished=False) for group in recorded(150) for s in group]
    steps = [score for scores in NoisyOracle(0.75).score_steps(unfinished) for score in scores]
    right = [check for s in unfinished for check in s.problem.check_steps(s.steps)]
    distinct = {(s.problem.id, s.steps[: i + 1]) for s in unfinished for i in range(len(s.steps))}
    assert len(set(steps)) == pytest.approx(len(distinct), rel=0.01)
    assert auc(steps, right) == pytest.approx(0.75, abs=0.06)


@pytest.mark.parametrize("quality", [0.49, 1.01, -0.7, float("nan")])
def test_a_quality_below_chance_or_above_the_oracle_is_refused(quality):
    with pytest.raises(ValueError, match=f"from 0.5 .* to 1 .*, not {quality}"):
        NoisyOracle(quality)


# The policy's own opinion


def test_self_evaluation_is_the_probability_that_the_policy_gave_its_writing():
    sure = [replace(RIGHT, logprob=x) for x in (math.log(0.25), 0.0, 1e-7, -math.inf)]
    with billed() as bill:
        assert ttclab.load_verifier("self").score(sure) == [pytest.approx(0.25), 1.0, 1.0, 0.0]
    assert bill.total == Cost(verifier_calls=4)


@given(st.lists(st.floats(-20_000, 0), min_size=2))
def test_self_evaluation_of_long_solutions_keeps_the_order_of_their_log_probabilities(logprobs):
    logprobs = sorted({float(np.float32(x)) for x in logprobs})  # as they are recorded
    scores = SelfEvaluation().score([replace(RIGHT, logprob=x) for x in logprobs])
    assert all(0 <= score <= 1 for score in scores)
    assert all(lower <= higher for lower, higher in pairwise(scores))
    apart = [(a, b) for a, b in pairwise(zip(logprobs, scores)) if b[0] - a[0] > 1e-3]
    assert all(a[1] < b[1] for a, b in apart)


@pytest.mark.parametrize("pair", [(RIGHT, WRONG), (WRONG, RIGHT)], ids=["right", "wrong"])
def test_the_likelier_of_two_long_solutions_is_chosen_and_outvotes_the_other_two_times(pair):
    likely, unlikely = (replace(s, logprob=x) for s, x in zip(pair, (-1000.0, -2000.0)))
    solutions = [unlikely, likely, unlikely]
    scores = SelfEvaluation().score(solutions)
    assert Result.best(solutions, scores).solution is likely
    assert ttclab.weighted_vote(solutions, scores) == likely.answer


def test_self_evaluation_of_what_the_policy_has_not_written_is_refused():
    with pytest.raises(ValueError, match=r"needs a log-probability.*: '\+74=089"):
        SelfEvaluation().score([replace(RIGHT, logprob=-1.0), WRONG])


# Reward models


ENDS = [  # a text, whether it is finished, and the tokens at which its steps are scored
    ("+74=089\n+46=135\n*06=810\n", True, [7, 15, 24]),
    ("+74=089\n+46=135\n*06=810\n", False, [7, 15, 23]),
    ("+74=089\n+46=135", True, [7, 15]),
    ("+74=089\n+46=135", False, [7, 14]),
    ("+74=089\n\n+46=135\n", True, [7, 8, 17]),
    ("+74=089\n\n+46=135\n", False, [7, 8, 16]),
    ("\n", True, [1]),
    ("\n", False, [0]),
    ("\n\n", True, [0, 2]),
    ("+7", True, [2]),
    ("+7", False, [1]),
    ("+7<pad><pad>=089\n<pad>", True, [8, 10]),
    ("", True, []),
    ("", False, []),
]


@pytest.mark.parametrize(("text", "finished", "places"), ENDS)
def test_a_step_is_scored_at_its_newline_and_the_last_at_the_end_of_the_text(text, finished, places):
    ended = text + "$" * finished
    solution = Solution(PROBLEM, text, tuple(TOKENIZER.encode(ended)), finished)
    assert PRM_.score_steps([solution]) == [scores_at(ended, places)]
    assert PRM_.score([solution]) == (scores_at(ended, places[-1:]) or [0.0])


@pytest.mark.parametrize(("text", "finished", "_"), ENDS)
def test_an_outcome_is_scored_at_the_last_token(text, finished, _):
    ended = text + "$" * finished
    solution = Solution(PROBLEM, text, tuple(TOKENIZER.encode(ended)), finished)
    assert ORM_.score([solution]) == (scores_at(ended, [-1]) if ended else [0.0])


written = st.lists(st.integers(0, len(TOKENIZER) - 1).filter(lambda i: i != TOKENIZER.eos_token_id), max_size=30)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(written, st.booleans()), max_size=4))
def test_every_step_has_one_score_and_the_text_alone_is_enough_to_find_it(drawn):
    solutions = []
    for ids, finished in drawn:
        tokens = tuple(ids) + (TOKENIZER.eos_token_id,) * finished
        solutions.append(Solution(PROBLEM, TOKENIZER.decode(ids), tokens, finished))
    from_tokens = PRM_.score_steps(solutions)
    from_text = PRM_.score_steps([replace(solution, tokens=()) for solution in solutions])
    assert [len(scores) for scores in from_tokens] == [len(solution.steps) for solution in solutions]
    assert from_text == [pytest.approx(scores, abs=1e-5) for scores in from_tokens]
    assert all(0 <= score <= 1 for scores in from_tokens for score in scores)


def test_the_tokens_of_a_policy_are_read_as_they_are():
    policy = ttclab.load("small", device="cpu")
    solutions = [s for limit in (20, 40) for s in policy.generate(PROBLEM, n=4, temperature=1.5, max_new_tokens=limit)]
    assert len({solution.finished for solution in solutions}) == 2
    from_text = PRM_.score_steps([replace(solution, tokens=()) for solution in solutions])
    assert from_text == [pytest.approx(scores, abs=1e-5) for scores in PRM_.score_steps(solutions)]


@pytest.mark.parametrize("rows_at_once", [1024, 7, 1])
def test_neither_the_batch_nor_the_order_of_solutions_changes_a_score(monkeypatch, rows_at_once):
    solutions = [solution for group in recorded(60)[:20] for solution in group[:3]]
    alone = [PRM_.score_steps([solution])[0] for solution in solutions]
    assert len({len(solution.text) for solution in solutions}) > 3
    monkeypatch.setattr(reader, "ROWS_AT_ONCE", rows_at_once)
    order = random.Random(0).sample(range(len(solutions)), len(solutions))
    together = PRM_.score_steps([solutions[i] for i in order])
    assert together == [pytest.approx(alone[i], abs=1e-5) for i in order]
    assert ORM_.score([]) == PRM_.score([]) == []


def test_a_verifier_reads_a_revision_without_the_attempts_before_it():
    revised = replace(RIGHT, shown="+74=098\n+46=135\n*06=810\n#")
    assert PRM_.score_steps([revised]) == PRM_.score_steps([RIGHT])


@pytest.mark.parametrize("verifier", [PRM_, ORM_], ids=lambda verifier: verifier.name)
def test_a_verifier_is_charged_for_every_token_that_it_reads_and_for_a_prompt_once(verifier):
    other = ArithmeticProblem.from_expression("007+01")
    with billed() as bill:
        verifier.score([RIGHT, replace(WRONG, finished=False), Solution(other, "+01=008\n")])
    lengths = [24 + 1, 24]  # and the prompt, once
    assert bill[PROBLEM].tokens == {"verifier": 13 + sum(lengths), "cached": 13}
    assert bill[PROBLEM].flops["verifier"] == sum(
        reward_flops(MODEL.config, new, cached) for new, cached in ((13, 0), (25, 13), (24, 13))
    )
    assert (bill[PROBLEM].verifier_calls, bill[other].verifier_calls) == (2, 1)
    assert bill[other].tokens == {"verifier": 7 + 8 + 1}


def test_what_is_charged_for_a_solution_is_what_torch_counts_when_it_is_scored():
    eager = random_reward_model()
    eager.set_attn_implementation("eager")  # the counter does not see the fused attention of CPUs
    with billed() as bill, FlopCounterMode(display=False) as counter:
        PRM("eager", eager, TOKENIZER).score([RIGHT])
    assert bill.total.total_flops == counter.get_total_flops()


@pytest.mark.parametrize("verifier", [ORM_, SelfEvaluation()], ids=lambda verifier: verifier.name)
def test_a_search_over_steps_is_refused_by_a_verifier_of_whole_solutions(verifier):
    with pytest.raises(ValueError, match=f"needs a verifier that scores steps, which '{verifier.name}' does not"):
        beam_search(ScriptedPolicy("soon"), verifier, PROBLEM, 4, 2)


def test_a_process_reward_model_guides_a_search_over_whatever_is_written():
    policy = ttclab.load("small", device="cpu")
    result = beam_search(policy, PRM_, PROBLEM, 8, 2, temperature=2.0, max_steps=6)
    assert result.scores == [pytest.approx(score, abs=1e-5) for score in PRM_.score(result.solutions)]
    assert result.cost.flops["verifier"] > 0 and result.cost.verifier_calls >= 8


@pytest.mark.parametrize("lookahead", [0, 1])
def test_a_search_finds_the_same_whether_its_verifier_remembers_what_it_read_or_not(monkeypatch, lookahead):
    policy, prm = ttclab.load("small", device="cpu"), ttclab.load_verifier("prm", device="cpu")
    problems = ttclab.load_problems("test", limit=20)
    remembering = beam_search(policy, prm, problems, 16, 4, lookahead=lookahead)
    monkeypatch.setattr(reader, "KEPT_TOKENS", 0)
    forgetting = beam_search(policy, prm, problems, 16, 4, lookahead=lookahead)
    for one, other in zip(remembering, forgetting, strict=True):
        assert [s.tokens for s in one.solutions] == [s.tokens for s in other.solutions]
        assert one.cost.flops["verifier"] <= other.cost.flops["verifier"]
    assert sum(r.cost.flops["verifier"] for r in remembering) < 0.6 * sum(r.cost.flops["verifier"] for r in forgetting)


def test_what_a_verifier_has_read_goes_when_the_bill_of_a_search_does():
    policy, prm = ttclab.load("small", device="cpu"), ttclab.load_verifier("prm", device="cpu")
    with billed():
        prm.score(policy.generate_step(PROBLEM, n=2))
        assert len(prm._reader._kept) == 1
    beam_search(policy, prm, PROBLEM, 4, 2)
    gc.collect()
    assert len(prm._reader._kept) == 0


# Critiques


class DoubtsAfterAMark(torch.nn.Module):
    """Thinks that everything is right until it reads a "!"."""

    step_end, device, pass_flops = MODEL.step_end, torch.device("cpu"), MODEL.pass_flops

    def forward(self, input_ids, before=None, keep=False):
        doubts = (input_ids == TOKENIZER.convert_tokens_to_ids("!")).cumsum(1) > 0
        empty = torch.zeros(*input_ids.shape, 4)
        lengths = torch.full((len(input_ids),), input_ids.shape[1])
        return Reading(
            torch.where(doubts, -2.0, 2.0), empty, empty, Prefix([empty[:, None]], [empty[:, None]], lengths)
        )


STEP = "+01=016\n"
CRITIQUES = [
    (Oracle(), RIGHT, "The answer is right.", "!+"),
    (Oracle(), WRONG, "The answer is wrong.", "!-"),
    (Oracle(), LUCKY, "The answer is right.", "!+"),
    (ORM("orm", DoubtsAfterAMark(), TOKENIZER), RIGHT, "The answer is right.", "!+"),
    (ORM("orm", DoubtsAfterAMark(), TOKENIZER), Solution(PROBLEM, "+74=0!9\n"), "The answer is wrong.", "!-"),
    (PRM("prm", DoubtsAfterAMark(), TOKENIZER), RIGHT, "No step has an error.", "!0"),
    (PRM("prm", DoubtsAfterAMark(), TOKENIZER), Solution(PROBLEM, "!\n+46=135\n"), "Step 1 has an error.", "!1"),
    (PRM("prm", DoubtsAfterAMark(), TOKENIZER), Solution(PROBLEM, STEP + "!"), "Step 2 has an error.", "!2"),
    (PRM("prm", DoubtsAfterAMark(), TOKENIZER), Solution(PROBLEM, STEP * 8 + "!"), "Step 9 has an error.", "!9"),
    (PRM("prm", DoubtsAfterAMark(), TOKENIZER), Solution(PROBLEM, STEP * 11 + "!"), "Step 12 has an error.", "!9"),
    (SelfEvaluation(), replace(RIGHT, logprob=math.log(0.872)), "I am 87% sure.", "?8"),
    (SelfEvaluation(), replace(RIGHT, logprob=math.log(0.004)), "I am 0% sure.", "?0"),
    (SelfEvaluation(), replace(RIGHT, logprob=0.0), "I am 100% sure.", "?9"),
]


@pytest.mark.parametrize(("verifier", "solution", "text", "code"), CRITIQUES)
def test_a_critique_is_a_sentence_for_people_and_a_code_for_the_revision_model(verifier, solution, text, code):
    said = verifier.critique(solution)
    assert (said.text, said.code, str(said)) == (text, code, text)
    assert set(code) <= set(TOKENIZER.get_vocab())


@pytest.mark.parametrize("name", ["oracle", "orm", "prm", "self"])
def test_a_list_of_solutions_has_a_list_of_critiques_and_each_is_a_call(name):
    cases = [case for case in CRITIQUES if case[0].name == name]
    with billed() as bill:
        said = cases[0][0].critique([solution for _, solution, _, _ in cases])
    assert [each.text for each in said] == [text for _, _, text, _ in cases]
    assert bill.total.verifier_calls == len(cases)
    assert cases[0][0].critique([]) == []


# Loading


@pytest.mark.parametrize(("name", "kind"), [("prm", PRM), ("orm", ORM)])
def test_a_shipped_verifier_loads_as_it_was_saved_and_without_a_word(name, kind, tmp_path, monkeypatch, capfd):
    MODEL.save_pretrained(tmp_path / name)
    TOKENIZER.save_pretrained(tmp_path / name)
    monkeypatch.setattr(verifiers.loading, "ZOO", tmp_path)
    capfd.readouterr()
    loaded = ttclab.load_verifier(name, device="cpu")
    assert capfd.readouterr() == ("", "")
    assert type(loaded) is kind and loaded.name == name
    assert loaded.score([RIGHT, SHORT]) == kind("saved", MODEL, TOKENIZER).score([RIGHT, SHORT])


def test_an_unknown_verifier_is_refused_with_the_names_there_are():
    with pytest.raises(ValueError, match=r"oracle.*not 'oracel'"):
        ttclab.load_verifier("oracel")


def test_a_forgetful_oracle_scores_the_same_text_anew_and_keeps_what_it_accepted():
    oracle, problems = ForgetfulOracle(0.8), load_problems("validation", limit=60)
    first = [Solution(p, p.solution_text, key=f"{p.id}/0") for p in problems]
    again = [Solution(p, p.solution_text, key=f"{p.id}/0/rewritten") for p in problems]
    differs = 0
    for before, after in zip(oracle.score_steps(first), oracle.score_steps(again), strict=True):
        kept = next((i for i, score in enumerate(before) if score < 0.5), 0)
        assert after[:kept] == [1.0] * kept
        differs += before[kept:] != after[kept:]
    assert differs == len(problems)
