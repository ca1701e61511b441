import json
from dataclasses import replace
from itertools import pairwise, product
from math import prod
from types import SimpleNamespace

import pytest
import torch

import ttclab
from ttclab import flops, results
from ttclab.estimators import pass_at_k
from ttclab.models import LanguageModel
from ttclab.problems import ArithmeticProblem, Problem, Solution, split_of
from ttclab.results.reinforcement import rl_coverage, rl_samples, rl_stepwise, rl_vote, rl_weighted
from ttclab.results.sampling import coverage, small_samples
from ttclab.tasks.arithmetic import ARITHMETIC
from ttclab.training import loop, reinforcement
from ttclab.training.reinforcement import Reinforcement, advantages, weighted_logprob, weighted_rows
from ttclab.training.tokens import alphabet_of, build_tokenizer

TOKENIZER = build_tokenizer()
PAD = TOKENIZER.pad_token_id


class Copied(Problem):
    """A problem whose solution is right if its text is the answer."""

    def read(self, text):
        return (text,), text


class Bigram(torch.nn.Module):
    """A policy that draws each token by the token before alone."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.table = torch.nn.Parameter(
            torch.randn(len(alphabet_of(ARITHMETIC)), len(alphabet_of(ARITHMETIC)), dtype=torch.float64)
        )
        self.device = torch.device("cpu")

    def forward(self, input_ids, use_cache):
        return SimpleNamespace(logits=self.table[input_ids])


def solutions_of(problem, length):
    """Every text of so many characters among three, as a Solution."""
    texts = ["".join(characters) for characters in product("123", repeat=length)]
    return [Solution(problem, text, tuple(TOKENIZER.encode(text))) for text in texts]


@pytest.mark.parametrize("n", [2, 3])
def test_the_expected_gradient_of_a_group_is_the_gradient_of_the_expected_reward(n, monkeypatch):
    monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)  # the model computes in float64 here
    policy, problem = Bigram(), Copied("toy", "?", "=", "12")
    only = [alphabet_of(ARITHMETIC).index(character) for character in "123"]
    with torch.no_grad():
        mask = torch.full_like(policy.table, -50.0)  # the policy writes these three characters and no other
        mask[:, only] = 0
        policy.table += mask
    every = solutions_of(problem, length=2)
    chance = []
    for solution in every:
        ids = [*TOKENIZER.encode("="), *solution.tokens]
        chance.append(prod(policy.table.log_softmax(-1)[a, b].exp() for a, b in pairwise(ids)))
    assert float(sum(chance).detach()) == pytest.approx(1)
    expected = sum(p * solution.correct for p, solution in zip(chance, every))
    [truth] = torch.autograd.grad(expected, policy.table, retain_graph=True)

    estimate = torch.zeros_like(truth)
    for group in product(range(len(every)), repeat=n):
        if rows := weighted_rows([[every[i] for i in group]], TOKENIZER):
            [gradient] = torch.autograd.grad(weighted_logprob(policy, rows, PAD), policy.table)
            estimate += prod(float(chance[i].detach()) for i in group) * gradient
    assert truth.abs().max() > 0.01
    torch.testing.assert_close(estimate, truth, atol=1e-7, rtol=1e-5)


def test_an_advantage_is_the_reward_minus_the_mean_of_the_others():
    assert advantages([1, 0, 0, 0]) == pytest.approx([1, -1 / 3, -1 / 3, -1 / 3])
    assert sum(advantages([1, 1, 0])) == pytest.approx(0)
    with pytest.raises(ValueError, match="at least 2 solutions to compare, not 1"):
        advantages([1])


RIGHT, WRONG, LATE = "+74=089\n+46=135\n*06=810\n$", "+74=089\n+46=136\n*06=816\n$", "+74=088\n+46=136\n*06=810\n$"


def written(*texts):
    problem = ArithmeticProblem.from_expression("015+74+46*06")
    return [Solution(problem, text[:-1], tuple(TOKENIZER.encode(text))) for text in texts]


def test_the_reward_is_the_exact_checker_s_and_asks_for_the_answer_alone():
    rows = weighted_rows([written(RIGHT, WRONG, LATE)], TOKENIZER)
    weights = {TOKENIZER.decode(list(row.ids[row.begin :])): row.weight for row in rows}
    assert weights == pytest.approx({RIGHT: 1 / 6, LATE: 1 / 6, WRONG: -1 / 3})
    assert {TOKENIZER.decode(list(row.ids[: row.begin])) for row in rows} == {"015+74+46*06\n"}


def test_a_solution_drawn_twice_is_one_row_and_a_group_of_equal_rewards_is_none():
    rows = weighted_rows([written(RIGHT, RIGHT, WRONG), written(WRONG, WRONG, WRONG)], TOKENIZER)
    assert sorted(row.weight for row in rows) == pytest.approx([-1 / 6, 1 / 6])
    assert weighted_rows([written(RIGHT, LATE), written(WRONG, WRONG)], TOKENIZER) == []


def test_padding_and_prompt_add_nothing_to_the_log_probability():
    model = ttclab.load("small", device="cpu").engine.model
    rows = weighted_rows([written(RIGHT, WRONG, "+74=089\n$")], TOKENIZER)
    together = weighted_logprob(model, rows, PAD)
    alone = sum(weighted_logprob(model, [row], PAD) for row in rows)
    assert together.item() == pytest.approx(alone.item(), rel=1e-5)
    ids = torch.tensor([rows[0].ids])
    logprob = model(input_ids=ids).logits[0, rows[0].begin - 1 : -1].log_softmax(-1)
    expected = logprob.gather(1, ids[0, rows[0].begin :, None]).sum() * rows[0].weight
    assert weighted_logprob(model, rows[:1], PAD).item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.fixture
def quick(monkeypatch):
    """A recipe of six steps, looked at after each second one."""
    recipe = replace(reinforcement.RECIPES["small-rl"], steps=6, batch=3, samples=8)
    monkeypatch.setitem(loop.RECIPES, "quick", recipe)
    for name, value in {"CHECK_EVERY": 2, "PROBLEMS": 2, "SAMPLES": 2}.items():
        monkeypatch.setattr(reinforcement, name, value)
    return recipe


def train(out, **options):
    messages = []
    loop.train("quick", out=out, device="cpu", say=messages.append, **options)
    return {path.name: path.read_bytes() for path in out.iterdir()}, messages


def test_a_killed_training_resumes_and_gives_the_same_files(quick, tmp_path, monkeypatch):
    whole, messages = train(tmp_path / "whole")
    assert [line.split(":")[0] for line in messages] == [f"quick step {step}" for step in (0, 2, 4, 6)]
    assert train(tmp_path / "other", seed=1)[0]["model.safetensors"] != whole["model.safetensors"]
    advance, steps = Reinforcement.advance, []

    def dying(self):
        if len(steps) == 5:
            raise KeyboardInterrupt
        steps.append(self.step)
        return advance(self)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Reinforcement, "advance", dying)
        train(tmp_path / "killed")
    assert not (tmp_path / "killed").exists()
    resumed, messages = train(tmp_path / "killed")
    assert messages[0] == "resuming quick at step 4 of 6"
    assert resumed == whole
    assert sorted(path.name for path in tmp_path.iterdir()) == ["killed", "other", "whole"]


def test_a_checkpoint_of_another_seed_is_refused(quick, tmp_path, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(reinforcement, "_ship", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        train(tmp_path / "model")
    with pytest.raises(ValueError, match="another recipe or seed"):
        train(tmp_path / "model", seed=1)


def test_only_the_gains_of_the_norms_change(quick, tmp_path):
    train(tmp_path / "model")
    before, after = (
        ttclab.load(name, device="cpu").engine.model.state_dict() for name in ("small", tmp_path / "model")
    )
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {name for name in before if before[name].ndim == 1}


def test_samples_and_passes_are_charged(quick, tmp_path, monkeypatch):
    generate, drawn = LanguageModel.generate, []

    def watched(self, problems, n=1, **options):
        groups = generate(self, problems, n, **options)
        if n == quick.samples:
            drawn.append(groups)
        return groups

    monkeypatch.setattr(LanguageModel, "generate", watched)
    metadata = json.loads(train(tmp_path / "model")[0]["training.json"])
    config = ttclab.load("small", device="cpu").config
    groups = [group for step in drawn for group in step]
    assert len(groups) == 6 * 3 and {split_of(group[0].problem.id) for group in groups} == {"train"}
    prompts = [len(group[0].problem.prompt) for group in groups]
    reading = sum(flops.forward_flops(config, n, logits=1) for n in prompts)
    writing = sum(flops.decode_flops(config, len(s.tokens) - 1, n) for n, group in zip(prompts, groups) for s in group)
    assert metadata["data_flops"] == reading + writing
    rows = [row for step in drawn for row in weighted_rows(step, TOKENIZER)]
    unpadded = 3 * sum(flops.forward_flops(config, len(row.ids)) for row in rows)
    assert unpadded <= metadata["training_flops"] < 1.5 * unpadded
    assert (metadata["base"], metadata["steps"]) == ("small", 6)


# ---- what the recorded runs say


def mean_coverage(samples, k):
    return pass_at_k(samples.correct.shape[1], samples.correct.sum(axis=1), k).mean()


def test_after_reinforcement_one_sample_is_better_and_many_cover_less():
    once, many = rl_coverage(1).minus(coverage(1)), rl_coverage(64).minus(coverage(64))
    assert once.mean >= 0.10 and once.low > 0
    assert many.mean < 0


def test_the_crossing_is_the_budget_from_which_the_model_before_covers_more():
    before, after, crossing = small_samples(), rl_samples(), results.crossing()
    assert 1 < crossing <= 64
    budgets = sorted({*results.FINE_BUDGETS, *results.BUDGETS})
    ahead = {k: mean_coverage(before, k) > mean_coverage(after, k) for k in budgets}
    assert all(ahead[k] for k in budgets if k >= crossing)
    assert not ahead[max(k for k in budgets if k < crossing)]


def test_before_and_after_are_charged_alike_for_the_same_budget():
    for n in (1, 16):
        assert rl_coverage(n).cost == pytest.approx(coverage(n).cost, rel=0.05)
        assert rl_weighted(n).cost > rl_vote(n).cost == rl_coverage(n).cost


def test_of_equal_budgets_a_step_level_revision_without_revisions_is_one_sample():
    assert rl_stepwise(0).solved.mean == pytest.approx(rl_coverage(1).solved.mean, abs=0.06)
    assert rl_stepwise(7).minus(rl_stepwise(0)).low > 0
