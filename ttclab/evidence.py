"""What the recorded runs say: every way to spend a budget as an arm, with its accuracy and FLOPs problem by problem.

An arm is charged for all that it computes: reading the problem, writing, and the verifier. What several solutions stand
after is read once, by the policy in one round of revisions, by the verifier in all of them, and equal texts are read
once; of a revision a verifier reads the attempts before it too, if it sees them.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from transformers import AutoConfig

from . import bank
from .allocator import Allocation, Arm, ComputeOptimalPolicy, Rule, difficulty_by_score
from .estimators import (
    Estimate,
    best_of_n,
    bootstrap,
    fifths,
    majority,
    pass_at_k,
    sampled_until_clear,
    weighted_best_of_n,
)
from .flops import decode_flops, forward_flops
from .models import ZOO, folder_of
from .reward_model import reward_flops
from .verifiers import SEE_ATTEMPTS
from .working import WorkingVerifier

BUDGETS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
FINE_BUDGETS = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128)
HYBRIDS = tuple((n // t, t - 1) for n in (1, 2, 4, 8, 16, 32, 64) for t in (1, 2, 4, 8, 16, 32, 64) if t <= n)
CUTS = 16  # random choices of chains that a hybrid's accuracy is averaged over


@cache
def last_scores(verifier: str, run: str) -> NDArray[np.float64]:
    """A verifier's score of each recorded solution, by its last step, (problems, solutions)."""
    scores = bank.load_scores(verifier, run)
    return np.array([[steps[-1] if steps else 0.0 for steps in group] for group in scores])


def find(arms: Sequence[Arm], N: int, T: int = 0, M: int = 0) -> Arm:
    """The arm with this allocation."""
    return next(arm for arm in arms if arm.allocation == Allocation(N, T, M))


@cache
def sampling_arms(
    split: str = "test", verifier: str = "prm", choose: str = "weighted", budgets: tuple[int, ...] = BUDGETS
) -> tuple[Arm, ...]:
    """Best-of-N of the small model for each of `budgets`, the mean over groups of its recorded samples.

    choose: "weighted", "best", "majority" (which asks no verifier) or "oracle" (coverage, which is charged for none).
    """
    samples, sizes = bank.load("small", split), np.array(budgets)
    each = samples.decode_flops.mean(axis=1)
    cost = samples.prefill_flops[:, None] + each[:, None] * sizes
    scores = np.zeros(samples.correct.shape)
    if choose in ("weighted", "best"):
        scores = last_scores(verifier, f"small-{split}")
        cost = cost + judge_flops(samples, verifier, sizes)
    right = _chosen(samples, scores, choose, sizes)
    return tuple(Arm(Allocation(n), right[:, i], cost[:, i]) for i, n in enumerate(budgets))


def judge_flops(samples: bank.Samples, verifier: str, budgets: NDArray[np.int64]) -> NDArray[np.float64]:
    """What a verifier computes to score so many samples, (problems, budgets), on average over the recorded ones.

    It reads the problem once, and a text that was sampled more than once is read once.
    """
    config = AutoConfig.from_pretrained(ZOO / verifier, local_files_only=True)
    total = np.zeros((len(samples.problems), len(budgets)))
    for row, problem, texts, tokens in zip(total, samples.problems, samples.texts, samples.tokens, strict=True):
        _, first, count = np.unique(texts, return_index=True, return_counts=True)
        begun = len(problem.prompt)  # one token a character
        reading = np.array([reward_flops(config, int(n), begun) for n in tokens[first]])
        row[:] = reward_flops(config, begun) + reading @ pass_at_k(len(texts), count[:, None], budgets)
    return total


WORD_BUDGETS = (1, 2, 4, 8, 16)


def word_samples(split: str = "test") -> bank.Samples:
    """What SmolLM2 wrote to the word problems."""
    return bank.load("smollm2", f"words-{split}")


@cache
def word_scores(judge: str) -> NDArray[np.float64]:
    """Scores of those solutions, (problems, samples): "likelihood", or "working", trained on the validation problems."""
    samples = word_samples()
    if judge == "likelihood":
        return np.exp(samples.logprob.astype(np.float64))
    others = word_samples("validation")
    trained = WorkingVerifier([s for i in range(len(others.problems)) for s in others.solutions(i)])
    return np.array([trained.score(samples.solutions(i)) for i in range(len(samples.problems))])


@cache
def word_arms(choose: str, judge: str = "working") -> tuple[Arm, ...]:
    """Best-of-N of SmolLM2 on the word problems for each of WORD_BUDGETS. choose: as in `sampling_arms`.

    Neither judge runs a model of its own, so that reading the problem and writing are all that is charged.
    """
    samples, sizes = word_samples(), np.array(WORD_BUDGETS)
    each = samples.decode_flops.mean(axis=1)
    cost = samples.prefill_flops[:, None] + each[:, None] * sizes
    right = _chosen(samples, word_scores(judge), choose, sizes)
    return tuple(Arm(Allocation(n), right[:, i], cost[:, i]) for i, n in enumerate(WORD_BUDGETS))


def _chosen(
    samples: bank.Samples, scores: NDArray[np.float64], choose: str, sizes: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The chance that the answer chosen from so many samples is right, (problems, sizes)."""
    if choose == "weighted":
        return weighted_best_of_n(samples.answers, scores, samples.correct, sizes)
    if choose == "best":
        return best_of_n(scores, samples.correct, sizes)
    if choose == "majority":
        return majority(samples.answers, samples.correct, sizes)
    return pass_at_k(samples.correct.shape[1], samples.correct.sum(axis=1, keepdims=True), sizes)


@cache
def beam_arms(split: str = "test", verifier: str = "prm") -> tuple[Arm, ...]:
    """The recorded beam searches of the small model, one a budget."""
    arms = []
    for N, M in bank.BEAMS:
        run = bank.load_searches("small", verifier, split, N, M)
        spent = np.sum([spent for kind, spent in run.flops.items() if kind != "cached"], axis=0, dtype=float)
        arms.append(Arm(Allocation(N, 0, M), run.correct().astype(float), spent))
    return tuple(arms)


@cache
def _chains(split: str) -> bank.Chains:
    return bank.load_chains("revision", split)


@cache
def revision_fifths(split: str = "test") -> NDArray[np.intp]:
    """Each problem's fifth of difficulty for the revision model, by its recorded attempts that were never revised.

    No revision is measured on the attempts that made the fifths: a fifth picked for its failures would do better on
    others by chance alone.
    """
    chains = _chains(split)
    alone = np.isin(chains.chain[0], [i for i, length in enumerate(chains.made["lengths"]) if length == 1])
    return fifths(chains.correct[:, alone].mean(axis=1))


def revised(chains: bank.Chains, attempt: int = 1) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """What is right before a revision and what is right after it, (problems, chains) each.

    attempt: the revision's place in its chain, 1 for the first revision; chains that end before it are left out.
    """
    chain, place = chains.chain[0], chains.attempt[0]  # laid out alike for every problem
    after = place == attempt
    before = (place == attempt - 1) & np.isin(chain, chain[after])
    return chains.correct[:, before], chains.correct[:, after]


def chain_flops(split: str, verifier: str, taken: NDArray[np.bool_]) -> NDArray[np.float64]:
    """What `hybrid_search` is charged for some of the recorded attempts of the revision model, (problems,).

    taken: (attempts,), chains from their beginnings.
    """
    writing, readings = _chain_costs(split, verifier)
    total = writing[:, taken].sum(axis=1)
    for what, cost in readings:
        order = np.argsort(what[:, taken], axis=1)
        what, cost = (np.take_along_axis(x[:, taken], order, axis=1) for x in (what, cost))
        first = np.diff(what, axis=1, prepend=-1) > 0
        total += (first * cost).sum(axis=1)
    return total


@cache
def _chain_costs(split: str, verifier: str) -> tuple[NDArray[np.int64], list[tuple[NDArray[np.int64], ...]]]:
    """FLOPs of writing each recorded attempt, and of what is read: (which text it is, FLOPs); a text is read once.

    The policy reads what stands before an attempt, anew in each round; the verifier that, and the attempt.
    """
    chains = _chains(split)
    judge = AutoConfig.from_pretrained(ZOO / verifier, local_files_only=True)
    write = cache(lambda tokens, after: decode_flops(chains.config, tokens - 1, after))
    read = cache(lambda tokens: forward_flops(chains.config, tokens, logits=1))
    score = cache(lambda tokens, after: reward_flops(judge, tokens, after))
    writing, *readings = np.zeros((7, *chains.texts.shape), dtype=np.int64)
    for i, problem in enumerate(chains.problems):
        known: dict[object, int] = {}
        for j, solution in enumerate(chains.solutions(i)):
            seen = solution.shown if verifier in SEE_ATTEMPTS else ""
            before, context = (len(text + problem.prompt) for text in (solution.shown, seen))  # one token a character
            tokens = int(chains.tokens[i, j])
            writing[i, j] = write(tokens, before)
            texts = (chains.attempt[i, j], solution.shown), seen, (seen, solution.text, tokens)
            costs = read(before), score(context, 0), score(tokens, context)
            for k, (text, cost) in enumerate(zip(texts, costs)):
                readings[2 * k][i, j], readings[2 * k + 1][i, j] = known.setdefault(text, len(known)), cost
    return writing, [(readings[k], readings[k + 1]) for k in (0, 2, 4)]


@cache
def hybrid_arms(split: str = "test", verifier: str = "prm-revision") -> tuple[Arm, ...]:
    """The revision model's M chains of T revisions, for each of HYBRIDS, cut out of its recorded chains."""
    chains = _chains(split)
    scores, answers = last_scores(verifier, f"revision-{split}-chains"), chains.answers
    lengths = chains.made["lengths"]
    chain, attempt = chains.chain[0], chains.attempt[0]  # laid out alike for every problem
    rng = np.random.default_rng(0)
    arms = []
    for M, T in HYBRIDS:
        long_enough = [i for i, length in enumerate(lengths) if length > T]
        right, cost = np.zeros(len(answers)), np.zeros(len(answers))
        for _ in range(CUTS):
            taken = np.isin(chain, rng.choice(long_enough, M, replace=False)) & (attempt <= T)
            n = int(taken.sum())
            right += (
                weighted_best_of_n(answers[:, taken], scores[:, taken], chains.correct[:, taken], n, draws=1) / CUTS
            )
            cost += chain_flops(split, verifier, taken) / CUTS
        arms.append(Arm(Allocation(M, T), right, cost))
    return tuple(arms)


@cache
def adaptive_arm(lead: float, N: int = 64, batch: int = 2, split: str = "test", verifier: str = "prm") -> Arm:
    """`adaptive_search` on recorded samples: until the weighted vote leads by `lead`, N samples at most."""
    samples, looks = bank.load("small", split), np.arange(batch, N + 1, batch)
    scores = last_scores(verifier, f"small-{split}")
    right, stops = sampled_until_clear(samples.answers, scores, samples.correct, lead, looks)
    asked = np.arange(1, len(looks) + 1)  # the policy reads the problem anew for each batch
    each = samples.prefill_flops[:, None] * asked + samples.decode_flops.mean(axis=1)[:, None] * looks
    return Arm(Allocation(N), right, (stops * (each + judge_flops(samples, verifier, looks))).sum(axis=1))


@cache
def estimated_difficulty(
    n: int, split: str = "test", verifier: str = "prm"
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """1 - the mean score of the first n recorded solutions, and the FLOPs of asking for it, (problems,) each."""
    samples = bank.load("small", split)
    cost = samples.prefill_flops + n * samples.decode_flops.mean(axis=1)
    cost = cost + judge_flops(samples, verifier, np.array([n]))[:, 0]
    return difficulty_by_score(last_scores(verifier, f"small-{split}")[:, :n]), cost


def spend(policy: Rule, arms: Sequence[Arm], difficulty: NDArray[np.float64], budget: int) -> Arm:
    """What a policy gets, and spends, with a budget a problem: each problem as the arm that it is allocated."""
    of = {arm.allocation: arm for arm in arms}
    chosen = [of[policy(float(hard), budget)] for hard in difficulty]
    right = np.array([arm.correct[i] for i, arm in enumerate(chosen)])
    cost = np.array([arm.flops[i] for i, arm in enumerate(chosen)])
    return Arm(Allocation(budget), right, cost)


def cross_validated(
    arms: Sequence[Arm], difficulty: NDArray[np.float64], budget: int, *, bins: int = 5, slack: float = 0.0
) -> Arm:
    """What a fitted policy gets on problems it has not seen: each half as the policy fitted to the other allocates."""
    halves = [np.arange(len(difficulty)) % 2 == half for half in (0, 1)]
    right, cost = np.zeros(len(difficulty)), np.zeros(len(difficulty))
    for fitted, unseen in (halves, halves[::-1]):
        of = [[Arm(a.allocation, a.correct[half], a.flops[half]) for a in arms] for half in (fitted, unseen)]
        policy = ComputeOptimalPolicy.fit(of[0], difficulty[fitted], [budget], bins=bins, slack=slack)
        got = spend(policy, of[1], difficulty[unseen], budget)
        right[unseen], cost[unseen] = got.correct, got.flops
    return Arm(Allocation(budget), right, cost)


def at_equal_flops(arms: Sequence[Arm], flops: float) -> Arm:
    """A strategy at a mean cost between two of its budgets: the mix of both that costs as much, e.g. by a coin.

    arms: of one strategy, by ascending cost. Raises ValueError for a cost that none of them, or mix, has.
    """
    costs = [float(arm.flops.mean()) for arm in arms]
    if not costs[0] <= flops <= costs[-1]:
        raise ValueError(f"the arms cost from {costs[0]:g} to {costs[-1]:g} FLOPs a problem, none {flops:g}")
    i = min(int(np.searchsorted(costs, flops, side="right")), len(costs) - 1)
    share = (flops - costs[i - 1]) / (costs[i] - costs[i - 1])
    low, high = arms[i - 1], arms[i]
    return Arm(
        high.allocation,
        (1 - share) * low.correct + share * high.correct,
        (1 - share) * low.flops + share * high.flops,
    )


def one_pass(split: str, at: int | None = None, model: str = "large") -> Arm:
    """One greedy pass of a model over each problem."""
    run = bank.load(model, split, at=at, greedy=True)
    return Arm(
        Allocation(1), run.correct[:, 0].astype(float), (run.prefill_flops + run.decode_flops[:, 0]).astype(float)
    )


def training_flops(name: str, at: int | None = None) -> int:
    """Everything spent to make a shipped model: its passes, its data, and the model that it was grown from."""
    made = json.loads((folder_of(name, at) / "training.json").read_text(encoding="utf-8"))
    spent = int(made["training_flops"]) + int(made.get("data_flops", 0))
    return spent + (training_flops(made["base"]) if made.get("base") else 0)


@dataclass(frozen=True)
class Exchange:
    """The small model with its judge against one pass of the large one, for the same FLOPs in all, training included.

    queries: problems that the two are asked in their life; large, small: their arms, (problems,) each; small is the
    best that the large one's total pays for, None where training the small one and its judge costs more than that.
    """

    queries: float
    large: Arm
    small: Arm | None

    def gain(self, members: NDArray[np.bool_] | None = None) -> Estimate | None:
        """Accuracy of the small one minus that of the large one, over some of the problems."""
        if self.small is None:
            return None
        difference = self.small.correct - self.large.correct
        return bootstrap(difference if members is None else difference[members])


def exchange(
    queries: float, at: int | None = None, *, verifier: str = "prm", judge_trained: bool = False, split: str = "test"
) -> Exchange:
    """Who wins if both may spend what the large model costs, trained and asked so many times (Snell et al. 2024, 7).

    at: where the large model's training stopped; judge_trained: the verifier is there already, and its training is
    charged to neither, as in the paper. Otherwise it is charged to the small model, which it was grown from. The small
    one's arm is chosen by the validation problems, and its accuracy is of `split`. Raises ValueError for queries <= 0.
    """
    if not queries > 0:
        raise ValueError(f"an exchange needs a number of queries above 0, not {queries}")
    large = one_pass(split, at=at)
    total = training_flops("large", at) + queries * float(large.flops.mean())
    left = (total - training_flops("small" if judge_trained else verifier)) / queries
    arms, fitting = ([*sampling_arms(s, verifier), *beam_arms(s, verifier)] for s in (split, "validation"))
    payable = [i for i, arm in enumerate(fitting) if arm.flops.mean() <= left]
    best = max(payable, key=lambda i: fitting[i].correct.mean(), default=None)
    return Exchange(queries, large, None if best is None else arms[best])
