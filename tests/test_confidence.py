"""Token confidence: the engine's statistics, the measures on them, and stopping inside a sample."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scripted import ScriptedPolicy, ScriptedVerifier
from tiny import CONFIGS, TOKENIZER, random_model, random_policy
from torch._subclasses.fake_tensor import FakeTensorMode

import ttclab
from ttclab.adaptive import confident_search
from ttclab.confidence import (
    MEASURES,
    MOST,
    TokenConfidence,
    group_confidences,
    lowest_group_confidence,
    mean_logprob,
    read_token_stats,
    self_certainty,
    tail_entropy,
)
from ttclab.engine import Engine, Row, Sampler
from ttclab.engine.rows import distribution_stats
from ttclab.engine.scheduler import GenerationJob
from ttclab.ledger import billed
from ttclab.problems import Problem, Solution, load_problems
from ttclab.sampling import parallel_search, weighted_vote
from ttclab.token_stats import TokenStats, token_stats_kept, token_watch

PROBLEMS = load_problems("test", limit=4)
PROMPTS = ["015+74+46*06\n", "007+01\n", "5"]
either_decoder = pytest.mark.parametrize("decoder", ["eager", "static"])


def rows(copies=1, **options):
    return [Row(tuple(TOKENIZER.encode(t)), f"{t}/{i}", **options) for t in PROMPTS for i in range(copies)]


def written(model, rows, window=0, decoder="eager", **limits):
    return Engine(model, TOKENIZER, decoder=decoder).write(
        rows, Sampler(), **{"max_new_tokens": 24, "window": window} | limits
    )


def reference(model, context, tokens):
    """The four statistics of each token from one uncached pass of transformers', by torch's own definitions."""
    logits = model(torch.tensor([[*context, *tokens]])).logits[0, len(context) - 1 : -1].detach().double()
    chosen = torch.distributions.Categorical(logits=logits)
    size = logits.shape[-1]
    uniform = torch.distributions.Categorical(probs=torch.full((size,), 1 / size, dtype=torch.double))
    likeliest = logits.log_softmax(-1).sort(-1, descending=True).values[:, :20]
    columns = (
        chosen.log_prob(torch.tensor(tokens)),
        chosen.entropy(),
        torch.distributions.kl_divergence(uniform, chosen),
        -likeliest.mean(-1),
    )
    return torch.stack(columns, -1).numpy()


def generated(policy, problems=PROBLEMS, n=4, window=0, floors=None, **options):
    with token_stats_kept(window, floors):
        return policy.generate(problems, n=n, **options)


# The engine


@either_decoder
@pytest.mark.parametrize("name", CONFIGS)
def test_statistics_are_those_of_transformers_logits(name, decoder):
    model, all_rows = random_model(name), rows(copies=2)
    for row, mine in zip(all_rows, written(model, all_rows, decoder=decoder), strict=True):
        assert mine.stats.values == pytest.approx(reference(model, row.context, mine.tokens), abs=2e-3)
        assert mine.stats.logprob.sum() == pytest.approx(mine.logprob, abs=1e-4)


def test_the_confidence_of_a_token_is_a_mean_over_the_twenty_likeliest():
    logits = torch.randn(3, 50, generator=torch.Generator().manual_seed(0))
    ordered = logits.log_softmax(-1).sort(-1, descending=True).values
    assert distribution_stats(logits)[:, 2].tolist() == pytest.approx((-ordered[:, :20].mean(-1)).tolist())


def test_a_uniform_distribution_has_no_certainty_and_the_most_entropy():
    entropy, certainty, confidence = distribution_stats(torch.zeros(1, 16))[0].tolist()
    assert certainty == pytest.approx(0, abs=1e-6)
    assert entropy == pytest.approx(math.log(16)) and confidence == pytest.approx(math.log(16))


def test_impossible_tokens_leave_every_statistic_finite():
    logits = torch.full((1, 8), -math.inf)
    logits[0, 3] = 0.0
    entropy, certainty, confidence = distribution_stats(logits)[0].tolist()
    assert entropy == pytest.approx(0, abs=1e-6)
    assert certainty == pytest.approx(7 / 8 * MOST - math.log(8)) and confidence == pytest.approx(7 / 8 * MOST)


@either_decoder
def test_nothing_is_kept_or_changed_for_those_who_do_not_ask(decoder):
    model, all_rows = random_model("llama"), rows(copies=4)
    engine = Engine(model, TOKENIZER, decoder=decoder)
    plain = engine.write(all_rows, Sampler(), max_new_tokens=24)
    assert all(each.stats is None for each in plain)
    job = GenerationJob(engine, all_rows, Sampler(), 24, None)
    with torch.inference_mode():
        batch = engine.new_batch(Sampler(), engine.endings(None))
        batch.add(job.prefill(list(range(len(all_rows))), batch))
    assert batch.states(np.arange(len(batch))).stats.numel() == 0
    asked = engine.write(all_rows, Sampler(), max_new_tokens=24, window=0)
    assert [each.tokens for each in asked] == [each.tokens for each in plain]
    assert [len(each.stats) for each in asked] == [len(each.tokens) for each in asked]
    again = engine.write(all_rows, Sampler(), max_new_tokens=24)
    assert [each.tokens for each in again] == [each.tokens for each in plain]
    assert all(each.stats is None for each in again)


@either_decoder
def test_keeping_statistics_and_watching_a_floor_make_no_step_wait_for_the_device(decoder):
    engine = Engine(random_model("llama").to("meta"), TOKENIZER, decoder=decoder)
    job = GenerationJob(engine, rows(copies=2, floor=2.0), Sampler(), 24, None, 4)
    with torch.inference_mode():
        batch = engine.new_batch(job.sampler, job.endings, job.window)
        batch.add(job.prefill(list(range(len(job.rows))), batch))
        with FakeTensorMode(allow_non_fake_inputs=True):
            for _ in range(engine.check_every):
                batch.step()


def first_low(confidence, window, floor):
    """Tokens up to the first `window` of them in a row whose mean confidence is below the floor, by hand."""
    for end in range(window, len(confidence) + 1):
        if sum(confidence[end - window : end]) / window < floor:
            return end
    return len(confidence)


@either_decoder
@pytest.mark.parametrize("window", [1, 3, 8])
@pytest.mark.parametrize("batch_size", [3, 512])
def test_a_row_stops_at_the_first_group_of_tokens_below_its_floor(window, decoder, batch_size):
    model, plain = random_model("llama", seed=1), rows(copies=6)
    whole = written(model, plain, decoder=decoder)
    lowest = sorted(lowest_group_confidence(each.stats, window) for each in whole)
    middle = len(lowest) // 2
    floor = (lowest[middle - 1] + lowest[middle]) / 2
    floors = [floor if i % 2 else -math.inf for i in range(len(plain))]
    watched = [Row(row.context, row.key, floor=its) for row, its in zip(plain, floors, strict=True)]
    engine = Engine(model, TOKENIZER, decoder=decoder, batch_size=batch_size)
    stopped = engine.write(watched, Sampler(), max_new_tokens=24, window=window)
    for one, other, its in zip(whole, stopped, floors, strict=True):
        end = first_low(one.stats.confidence.tolist(), window, its)
        assert other.tokens == one.tokens[:end]
        assert other.finished == (one.finished and end == len(one.tokens))
    assert 0 < sum(len(a.tokens) > len(b.tokens) for a, b in zip(whole, stopped, strict=True)) < len(whole)


# Solutions


def test_what_is_written_step_by_step_has_the_statistics_of_the_whole():
    policy = random_policy("llama", seed=1)
    whole = generated(policy, n=3)
    with token_stats_kept():
        groups = policy.generate_step(PROBLEMS, n=3)
        while any(not s.finished and s.length < 24 for group in groups for s in group):
            unfinished = [[s for s in group if not s.finished and s.length < 24] for group in groups]
            steps = [iter(group) for group in policy.generate_step(PROBLEMS, unfinished)]
            groups = [
                [s if s.finished or s.length >= 24 else next(more) for s in group]
                for group, more in zip(groups, steps, strict=True)
            ]
    for one, other in zip(sum(whole, []), sum(groups, []), strict=True):
        assert one.tokens == other.tokens
        assert one.stats.values == pytest.approx(other.stats.values, abs=2e-3)


def test_a_rewrite_keeps_the_statistics_of_the_steps_that_it_keeps():
    small = ttclab.load("small", device="cpu")
    [first] = generated(small, PROBLEMS[3], n=1)
    with token_stats_kept():
        [second] = small.restart(PROBLEMS[3], [first], [1])
    kept = len(first.steps[0]) + 1
    assert np.array_equal(second.stats.values[:kept], first.stats.values[:kept])
    assert len(second.stats) == len(second.tokens)


def test_what_goes_on_from_tokens_without_statistics_has_none():
    policy = random_policy("llama", seed=1)
    begun = policy.generate_step(PROBLEMS[0], n=8)
    unfinished = [s for s in begun if not s.finished]
    with token_stats_kept():
        assert all(s.stats is None for s in policy.rollout(PROBLEMS[0], unfinished))


def test_a_pass_over_a_solution_reads_the_statistics_that_writing_it_kept():
    small = ttclab.load("small", device="cpu")
    solutions = sum(generated(small, load_problems("test", limit=12), n=6), [])
    bare = [Solution(s.problem, s.text, finished=s.finished) for s in solutions]
    with billed() as bill:
        read = read_token_stats(small, bare)
    for one, other in zip(solutions, read, strict=True):
        assert one.stats.values == pytest.approx(other.values, abs=1e-3)
    distinct = {(s.problem.id, s.text): len(s.problem.prompt) + len(s.tokens) - 1 for s in solutions}
    assert bill.total.tokens["verifier"] == sum(distinct.values())
    assert bill.total.flops["verifier"] > 0


def test_solutions_that_saw_others_are_not_read():
    seen = Solution(PROBLEMS[0], "+74=089\n", shown="+74=088\n#")
    with pytest.raises(ValueError, match="saw no other"):
        read_token_stats(ttclab.load("small", device="cpu"), [seen])


# Measures


def stats_of(values):
    return TokenStats(np.array(values, dtype=np.float32))


def test_measures_are_means_of_the_statistics_they_are_named_after():
    stats = stats_of([[-1, 4, 7, 9], [-2, 5, 8, 3], [-6, 6, 3, 6]])
    assert self_certainty(stats) == 6 and mean_logprob(stats) == -3
    assert tail_entropy(stats, 2) == 5.5 and tail_entropy(stats, 9) == 5
    assert lowest_group_confidence(stats, 2) == 4.5 and lowest_group_confidence(stats, 9) == 6


@given(st.lists(st.floats(0, 30, width=32), max_size=20), st.integers(1, 12))
def test_groups_are_all_windows_in_their_order(confidence, window):
    found = group_confidences(np.array(confidence, dtype=np.float32), window)
    size = min(window, len(confidence))
    expected = [np.mean(confidence[i : i + size]) for i in range(len(confidence) - size + 1)] if confidence else []
    assert found.tolist() == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("measure", MEASURES)
@given(st.lists(st.tuples(st.floats(-100, 0), st.floats(0, 12), st.floats(0, 100), st.floats(0, 100)), min_size=1))
def test_scores_are_from_0_to_1_and_keep_the_order_of_the_measure(measure, values):
    def score(rows):
        return TokenConfidence(measure).score([Solution(PROBLEMS[0], "?", stats=stats_of(rows))])[0]

    signs = {"tail-entropy": (0, -1, 0, 0)}.get(measure, (1, 0, 1, 1))
    more = [[x + 0.5 * sign for x, sign in zip(row, signs)] for row in values]
    assert 0 <= score(values) <= score(more) <= 1


@pytest.mark.parametrize("measure", ["self-certainty", "lowest-group-confidence"])
def test_scores_in_nats_keep_their_ratios(measure):
    low, high = (Solution(PROBLEMS[0], "?", stats=stats_of([[-1, 1, x, x]] * 3)) for x in (4, 6))
    one, other = TokenConfidence(measure).score([low, high])
    assert other / one == pytest.approx(6 / 4)


@pytest.mark.parametrize("measure", MEASURES)
def test_a_solution_without_statistics_is_refused_and_an_empty_one_scores_0(measure):
    verifier = ttclab.load_verifier(measure)
    with pytest.raises(ValueError, match=f"{measure} is measured on statistics of tokens"):
        verifier.score([Solution(PROBLEMS[0], "+74=089\n")])
    assert verifier.score([Solution(PROBLEMS[0], "", finished=False)]) == [0.0]


def test_the_mean_log_probability_needs_no_more_than_a_server_tells():
    solution = Solution(PROBLEMS[0], "+74=089\n", logprob=-4.0, length=8)
    assert ttclab.load_verifier("mean-logprob").score([solution]) == [pytest.approx(math.exp(-0.5))]


@pytest.mark.parametrize("wrong", [{"measure": "certainty"}, {"measure": "tail-entropy", "window": 0}])
def test_a_measure_that_does_not_exist_and_an_empty_window_are_refused(wrong):
    with pytest.raises(ValueError, match=r"(not 'certainty'|at least 1 token, not 0)"):
        TokenConfidence(**wrong)


@pytest.mark.parametrize("wrong", [{"window": -1}, {"floors": {"a": 1.0}}])
def test_a_floor_without_a_window_is_refused(wrong):
    with pytest.raises(ValueError, match="a window of at least 1 token"), token_stats_kept(**wrong):
        pass


# Strategies


@pytest.mark.parametrize("measure", MEASURES)
def test_every_strategy_takes_a_measure_as_its_verifier(measure):
    small, verifier = ttclab.load("small", device="cpu"), ttclab.load_verifier(measure)
    results = parallel_search(small, verifier, PROBLEMS, 8, choose="weighted")
    for result in results:
        weights = [MEASURES[measure](solution.stats, 8) for solution in result.solutions]
        assert result.scores == pytest.approx(weights)
        assert result.answer == weighted_vote(result.solutions, weights)
        assert result.cost.verifier_calls == 8 and result.cost.flops["verifier"] == 0
    revised = ttclab.hybrid_search(small, verifier, PROBLEMS[0], 2, 2)
    assert len(revised.scores) == 6


class Seeing:
    """A verifier that sees whether statistics are kept while solutions are written."""

    name = "seeing"

    def score(self, solutions):
        assert token_watch() is None
        assert all(solution.stats is None for solution in solutions)
        return [0.5] * len(solutions)


def test_statistics_are_kept_for_a_verifier_that_reads_them_alone():
    parallel_search(random_policy(), Seeing(), PROBLEMS, 2)
    assert token_watch() is None


def test_stopping_inside_samples_runs_and_charges_no_more_than_was_written():
    small, verifier = ttclab.load("small", device="cpu"), ttclab.load_verifier("self-certainty")
    problems = load_problems("test", limit=20)
    whole = generated(small, problems, n=32)
    results = confident_search(small, verifier, problems, 32, warmup=8, keep=0.5)
    stopped = 0
    for result, group in zip(results, whole, strict=True):
        floor = np.quantile([lowest_group_confidence(s.stats, 8) for s in group[:8]], 0.5) - 1e-3
        ends = [len(s.tokens) if i < 8 else first_low(s.stats.confidence, 8, floor) for i, s in enumerate(group)]
        assert [s.tokens for s in result.solutions] == [s.tokens[:n] for s, n in zip(group, ends, strict=True)]
        assert result.cost.tokens["decode"] == sum(ends)
        assert result.cost.generations == 32
        finished = [s for s in result.solutions if s.finished]
        assert result.cost.verifier_calls == len(finished)
        assert result.answer == weighted_vote(finished, verifier.score(finished))
        assert all(score == 0 for s, score in zip(result.solutions, result.scores, strict=True) if not s.finished)
        stopped += 32 - len(finished)
    assert stopped > 20


def test_stopping_inside_samples_does_not_depend_on_the_problems_beside_it():
    small, verifier = ttclab.load("small", device="cpu"), ttclab.load_verifier("mean-logprob")
    together = confident_search(small, verifier, PROBLEMS, 12, warmup=4, keep=0.5, seed=3)
    for problem, result in zip(PROBLEMS, together, strict=True):
        alone = confident_search(small, verifier, problem, 12, warmup=4, keep=0.5, seed=3)
        assert [s.tokens for s in alone.solutions] == [s.tokens for s in result.solutions]
        assert alone.answer == result.answer


def test_a_warm_up_of_the_whole_budget_is_a_weighted_vote():
    small, verifier = ttclab.load("small", device="cpu"), ttclab.load_verifier("mean-logprob")
    for one, other in pairwise(
        [
            parallel_search(small, verifier, PROBLEMS, 8, choose="weighted"),
            confident_search(small, verifier, PROBLEMS, 8, warmup=8),
        ]
    ):
        assert [r.answer for r in one] == [r.answer for r in other]
        assert [r.cost for r in one] == [r.cost for r in other]


@pytest.mark.parametrize("wrong", [{"warmup": 0}, {"warmup": 9}, {"keep": 0.0}, {"keep": 1.5}])
def test_stopping_inside_samples_states_its_rule(wrong):
    with pytest.raises(ValueError, match="1 <= warmup <= N and 0 < keep <= 1"):
        confident_search(ScriptedPolicy("soon"), ScriptedVerifier(), PROBLEMS, 8, **{"warmup": 4} | wrong)


def test_a_model_that_keeps_no_statistics_cannot_be_stopped_inside_a_sample():
    with pytest.raises(ValueError, match="keeps statistics of tokens"):
        confident_search(ScriptedPolicy("soon"), ScriptedVerifier(), PROBLEMS, 8, warmup=4)


class Lines(Problem):
    """A problem whose lines decide whether they are a whole solution."""

    def read(self, text):
        return tuple(text.split("\n")), None

    def ended(self, text):
        return text.count("\n") >= 2


def test_a_model_that_cannot_end_its_solutions_cannot_be_stopped_inside_them():
    problem = Lines("1", "1+1", "015+74\n", "2")
    with pytest.raises(ValueError, match="only if the model ends solutions by itself"):
        generated(random_policy(), problem, n=2, window=2, floors={problem.id: 5.0})


def test_solutions_that_were_stopped_are_not_reported_as_cut_at_the_token_limit(recwarn):
    small = ttclab.load("small", device="cpu")
    found = generated(small, PROBLEMS, n=2, window=1, floors={p.id: MOST for p in PROBLEMS})
    assert all(s.length == 1 and not s.finished for group in found for s in group)
    assert not recwarn.list
