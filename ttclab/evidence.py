"""What the recorded runs say: every way to spend a budget as an arm, with its accuracy and FLOPs problem by problem.

An arm is charged for all that it computes: reading the problem, writing, and the verifier. Of samples the verifier
reads the problem once and equal texts once; of a revision it reads the attempts before it too, if it sees them.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from transformers import AutoConfig

from . import bank
from .allocator import Allocation, Arm, Rule
from .estimators import Estimate, best_of_n, bootstrap, majority, pass_at_k, weighted_best_of_n
from .models import ZOO, folder_of
from .problems import answer_key
from .reward_model import reward_flops
from .verifiers import SEE_ATTEMPTS

BUDGETS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
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
def sampling_arms(split: str = "test", verifier: str = "prm", choose: str = "weighted") -> tuple[Arm, ...]:
    """Best-of-N of the small model for each of BUDGETS, the mean over groups of its recorded samples.

    choose: "weighted", "best", "majority" (which asks no verifier) or "oracle" (coverage, which is charged for none).
    """
    samples, budgets = bank.load("small", split), np.array(BUDGETS)
    each = samples.decode_flops.mean(axis=1)
    cost = samples.prefill_flops[:, None] + each[:, None] * budgets
    if choose in ("weighted", "best"):
        scores = last_scores(verifier, f"small-{split}")
        cost = cost + judge_flops(samples, verifier, budgets)
    if choose == "weighted":
        right = weighted_best_of_n(samples.answers, scores, samples.correct, budgets)
    elif choose == "best":
        right = best_of_n(scores, samples.correct, budgets)
    elif choose == "majority":
        right = majority(samples.answers, samples.correct, budgets)
    else:
        right = pass_at_k(samples.correct.shape[1], samples.correct.sum(axis=1, keepdims=True), budgets)
    return tuple(Arm(Allocation(n), right[:, i], cost[:, i]) for i, n in enumerate(BUDGETS))


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
def hybrid_arms(split: str = "test", verifier: str = "prm-revision") -> tuple[Arm, ...]:
    """The revision model's M chains of T revisions, for each of HYBRIDS, cut out of its recorded chains."""
    chains = bank.load_chains("revision", split)
    scores = last_scores(verifier, f"revision-{split}-chains")
    answers = np.array(
        [[answer_key(s.answer) for s in chains.solutions(i)] for i in range(len(chains.problems))], dtype=object
    )
    config = AutoConfig.from_pretrained(ZOO / verifier, local_files_only=True)
    prompts = np.array([[len(problem.prompt)] for problem in chains.problems])
    read = (chains.read_tokens if verifier in SEE_ATTEMPTS else prompts) + chains.tokens
    sizes = {int(n): reward_flops(config, int(n)) for n in np.unique(read)}
    spent = chains.flops + np.vectorize(sizes.get)(read)
    lengths = chains.made["lengths"]
    chain, attempt = chains.chain[0], chains.attempt[0]  # laid out alike for every problem
    rng = np.random.default_rng(0)
    arms = []
    for M, T in HYBRIDS:
        long_enough = [i for i, length in enumerate(lengths) if length > T]
        right, cost = np.zeros(len(prompts)), np.zeros(len(prompts))
        for _ in range(CUTS):
            taken = np.isin(chain, rng.choice(long_enough, M, replace=False)) & (attempt <= T)
            n = int(taken.sum())
            right += (
                weighted_best_of_n(answers[:, taken], scores[:, taken], chains.correct[:, taken], n, draws=1) / CUTS
            )
            cost += spent[:, taken].sum(axis=1) / CUTS
        arms.append(Arm(Allocation(M, T), right, cost))
    return tuple(arms)


def spend(policy: Rule, arms: Sequence[Arm], difficulty: NDArray[np.float64], budget: int) -> Arm:
    """What a policy gets, and spends, with a budget a problem: each problem as the arm that it is allocated."""
    of = {arm.allocation: arm for arm in arms}
    chosen = [of[policy(float(hard), budget)] for hard in difficulty]
    right = np.array([arm.correct[i] for i, arm in enumerate(chosen)])
    cost = np.array([arm.flops[i] for i, arm in enumerate(chosen)])
    return Arm(Allocation(budget), right, cost)


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
