"""What the recorded runs say: every way to spend a budget as an arm, with its accuracy and FLOPs problem by problem.

An arm is charged for all that it computes: reading the problem, writing, and the verifier. What several solutions stand
after is read once, by the policy in one round of revisions, by the verifier in all of them, and equal texts are read
once; of a revision a verifier reads the attempts before it too, if it sees them.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from statistics import fmean

import numpy as np
from numpy.typing import NDArray
from transformers import AutoConfig

from . import bank
from .allocator import (
    POLICIES,
    Allocation,
    Arm,
    ComputeOptimalPolicy,
    Rule,
    difficulty_by_disagreement,
    difficulty_by_score,
    fitted_policy,
    spread_budget,
)
from .estimators import (
    Estimate,
    best_of_n,
    bootstrap,
    fifths,
    majority,
    pass_at_k,
    sampled_until_clear,
    weighted_best_of_n,
    within_problem_auc,
)
from .flops import decode_flops, forward_flops
from .models import ZOO, folder_of
from .reward_model import reward_flops
from .training.policy import RECIPES
from .verifiers import SEE_ATTEMPTS
from .working import WorkingVerifier

BUDGETS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
FINE_BUDGETS = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128)
BEAMS = tuple(sorted((*bank.BEAMS, *bank.MORE_BEAMS)))  # all that are recorded with the PRM
HYBRIDS = tuple((n // t, t - 1) for n in (1, 2, 4, 8, 16, 32, 64) for t in (1, 2, 4, 8, 16, 32, 64) if t <= n)
LIKELIHOOD_WEIGHTS = (0.0, *(2.0**-k for k in range(14, 3, -1)))
CUTS = 16  # random choices of chains that a hybrid's accuracy is averaged over


@cache
def small_samples(split: str = "test") -> bank.Samples:
    """What the small model wrote to the problems of a split, read once."""
    return bank.load("small", split)


@cache
def last_scores(verifier: str, run: str) -> NDArray[np.float64]:
    """A verifier's score of each recorded solution, by its last step, (problems, solutions)."""
    scores = bank.load_scores(verifier, run)
    return np.array([[steps[-1] if steps else 0.0 for steps in group] for group in scores])


@cache
def mean_and_likelihood(verifier: str, split: str, weight: float) -> NDArray[np.float64]:
    """The mean of a verifier's step scores minus `weight` times the policy's log-likelihood, (problems, samples).

    Of two solutions with an error in the same step, the one that the policy found less likely is more often right in
    the end: it may have a second error that makes up for the first.
    """
    samples = small_samples(split)
    scores = bank.load_scores(verifier, f"small-{split}")
    mean = np.array([[fmean(steps) if steps else 0.0 for steps in group] for group in scores])
    return mean - weight * samples.logprob


@cache
def likelihood_weight(verifier: str) -> float:
    """Of LIKELIHOOD_WEIGHTS the one with the highest AUC within a problem on the validation problems."""
    right = small_samples("validation").correct

    def within(weight: float) -> float:
        return within_problem_auc(mean_and_likelihood(verifier, "validation", weight), right)

    return max(LIKELIHOOD_WEIGHTS, key=within)


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
    samples, sizes = small_samples(split), np.array(budgets)
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
    if verifier == bank.ASKED:
        score = cache(partial(forward_flops, samples.config, logits=1))
        begun, more = samples.prompt_tokens, ASKING_TOKENS
    else:
        score = cache(partial(reward_flops, AutoConfig.from_pretrained(ZOO / verifier, local_files_only=True)))
        begun, more = [len(problem.prompt) for problem in samples.problems], 0  # one token a character
    n = samples.correct.shape[1]
    drawn = pass_at_k(n, np.arange(n + 1)[:, None], budgets)  # whether a text is, by how often it was recorded
    total = np.zeros((len(samples.problems), len(budgets)))
    for row, after, texts, tokens in zip(total, begun, samples.texts, samples.tokens, strict=True):
        _, first, count = np.unique(texts, return_index=True, return_counts=True)
        reading = np.array([score(int(n) + more, after) for n in tokens[first]])
        row[:] = score(after, 0) + reading @ drawn[count]
    return total


WORD_BUDGETS = (1, 2, 4, 8, 16)
ASKING_TOKENS = 20  # that the question to SmolLM2, whether a solution is right, adds to it


@cache
def word_samples(split: str = "test") -> bank.Samples:
    """What SmolLM2 wrote to the word problems."""
    return bank.load("smollm2", f"words-{split}")


@cache
def word_scores(judge: str) -> NDArray[np.float64]:
    """Scores of them, (problems, samples).

    judge: "likelihood"; "working", which the validation problems train; or "asked", SmolLM2's own Yes against No.
    """
    samples = word_samples()
    if judge == bank.ASKED:
        return last_scores(judge, "smollm2-words-test")
    if judge == "likelihood":
        return np.exp(samples.logprob.astype(np.float64))
    others = word_samples("validation")
    trained = WorkingVerifier([s for i in range(len(others.problems)) for s in others.solutions(i)])
    return np.array([trained.score(samples.solutions(i)) for i in range(len(samples.problems))])


@cache
def word_arms(choose: str, judge: str = "working") -> tuple[Arm, ...]:
    """Best-of-N of SmolLM2 on the word problems for each of WORD_BUDGETS. choose: as in `sampling_arms`.

    Charged are reading the problem and writing, and for "asked" reading all of it again: the others run no model.
    """
    samples, sizes = word_samples(), np.array(WORD_BUDGETS)
    each = samples.decode_flops.mean(axis=1)
    cost = samples.prefill_flops[:, None] + each[:, None] * sizes
    if judge == bank.ASKED:
        cost = cost + judge_flops(samples, judge, sizes)
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
def beam_arms(
    split: str = "test", verifier: str = "prm", beams: tuple[tuple[int, int], ...] = bank.BEAMS
) -> tuple[Arm, ...]:
    """The recorded beam searches of the small model, one for each budget and width of `beams`."""
    arms = []
    for N, M in beams:
        run = bank.load_searches("small", verifier, split, N, M)
        arms.append(Arm(Allocation(N, 0, M), run.correct().astype(float), run.total_flops))
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
    return fifths(1 - revision_difficulty(split))


@cache
def revision_difficulty(split: str = "test") -> NDArray[np.float64]:
    """1 - the share of right ones among the revision model's recorded attempts that were never revised, (problems,)."""
    chains = _chains(split)
    alone = np.isin(chains.chain[0], [i for i, length in enumerate(chains.made["lengths"]) if length == 1])
    return np.asarray(1 - chains.correct[:, alone].mean(axis=1))


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
def hybrid_arms(
    split: str = "test", verifier: str = "prm-revision", hybrids: tuple[tuple[int, int], ...] = HYBRIDS
) -> tuple[Arm, ...]:
    """The revision model's M chains of T revisions, for each (M, T), cut out of its recorded chains."""
    chains = _chains(split)
    scores, answers = last_scores(verifier, f"revision-{split}-chains"), chains.answers
    lengths = chains.made["lengths"]
    chain, attempt = chains.chain[0], chains.attempt[0]  # laid out alike for every problem
    rng = np.random.default_rng(0)
    arms = []
    for M, T in hybrids:
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
def adaptive_arm(
    lead: float, N: int = 64, batch: int = 2, split: str = "test", verifier: str = "prm", model: str = "small"
) -> Arm:
    """`adaptive_search` on recorded samples: until the weighted vote leads by `lead`, N samples at most.

    model: "small", or "revision", whose first attempts are its samples.
    """
    looks = np.arange(batch, N + 1, batch)
    if model == "small":
        samples, scores = small_samples(split), last_scores(verifier, f"small-{split}")
    else:
        samples = _chains(split).firsts
        scores = last_scores(verifier, f"revision-{split}-chains")[:, _chains(split).attempt[0] == 0]
    right, stops = sampled_until_clear(samples.answers, scores, samples.correct, lead, looks)
    asked = np.arange(1, len(looks) + 1)  # the policy reads the problem anew for each batch
    each = samples.prefill_flops[:, None] * asked + samples.decode_flops.mean(axis=1)[:, None] * looks
    return Arm(Allocation(N), right, (stops * (each + judge_flops(samples, verifier, looks))).sum(axis=1))


@cache
def estimated_difficulty(
    n: int, split: str = "test", verifier: str = "prm", by: str = "score"
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How hard the first n recorded solutions make a problem look, and the FLOPs of asking for it, (problems,) each.

    by: "score", 1 - the verifier's mean score, or "disagreement" of their answers, which asks no verifier.
    """
    samples = small_samples(split)
    cost = samples.prefill_flops + n * samples.decode_flops.mean(axis=1)
    if by == "disagreement":
        return difficulty_by_disagreement(samples.answers[:, :n]), cost
    cost = cost + judge_flops(samples, verifier, np.array([n]))[:, 0]
    return difficulty_by_score(last_scores(verifier, f"small-{split}")[:, :n]), cost


SPACES = ("search", "revision", "whole")
ESTIMATES = ("oracle", "predicted")
FITTED_BUDGETS = (1, 2, 4, 8, 16, 32, 64)
SLACK = 0.01


@cache
def space(name: str, split: str = "test") -> tuple[Arm, ...]:
    """Every recorded way to spend that a policy may choose from.

    "search": the small model's samples and beams of all widths, with the PRM; "revision": the revision model's M chains
    of T revisions, with the PRM that sees attempts; "whole": the first, and of the second all that revise.
    """
    if name == "revision":
        return hybrid_arms(split)
    search = (*sampling_arms(split), *beam_arms(split, beams=BEAMS))
    return search if name == "search" else (*search, *(arm for arm in hybrid_arms(split) if arm.allocation.T))


@cache
def difficulty(
    name: str, estimate: str = "oracle", split: str = "test"
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How hard each problem is for the model of a space, and the FLOPs of asking for it, (problems,) each.

    estimate: "oracle", 1 - pass@1, which nobody can know and which is charged nothing, or "predicted", 1 - the
    verifier's score of one solution.
    """
    if name != "revision":
        if estimate == "predicted":
            return estimated_difficulty(1, split)
        right = small_samples(split).correct
        return 1 - right.mean(axis=1), np.zeros(len(right))
    hard = revision_difficulty(split)
    if estimate == "oracle":
        return hard, np.zeros(len(hard))
    alone = _chains(split).attempt[0] == 0
    scores = last_scores("prm-revision", f"revision-{split}-chains")[:, alone]
    return difficulty_by_score(scores[:, :1]), find(hybrid_arms(split), 1).flops


def fit(name: str, estimate: str = "oracle", *, budgets: Sequence[int] = FITTED_BUDGETS) -> ComputeOptimalPolicy:
    """The compute-optimal policy of a space, fitted to the validation problems (Snell et al. 2024, section 3.2)."""
    words = {"oracle": "1 - pass@1", "predicted": "1 - the verifier's score of one solution"}
    hard, _ = difficulty(name, estimate, "validation")
    return ComputeOptimalPolicy.fit(space(name, "validation"), hard, budgets, slack=SLACK, estimate=words[estimate])


def fit_all(folder: Path = POLICIES) -> list[Path]:
    """Fit every policy that ships, and write it (`ttclab fit`)."""
    paths = [(fit(name, each), folder / f"{name}-{each}.json") for name in SPACES for each in ESTIMATES]
    for policy, path in paths:
        policy.save(path)
    return [path for _, path in paths]


def allocated(name: str, estimate: str, budget: int) -> Arm:
    """What a shipped policy gets on the test problems, and spends, its estimate of difficulty included."""
    hard, asked = difficulty(name, estimate)
    got = spend(fitted_policy(f"{name}-{estimate}"), space(name), hard, budget)
    return Arm(got.allocation, got.correct, got.flops + asked)


def spread(estimate: str, flops: float, split: str = "test") -> Arm:
    """A budget of so many FLOPs a problem, spread over all problems of a split, the estimate of difficulty included.

    What a way to spend is expected to give a problem is what it gave its fifth of the validation problems.
    """
    arms = sorted(space("search", "validation"), key=lambda arm: float(arm.flops.mean()))
    hard, asked = difficulty("search", estimate, split)
    known, _ = difficulty("search", estimate, "validation")
    groups = fifths(-known)
    edges = [float(known[groups == of].max()) for of in range(4)]
    gains = np.array([[arm.correct[groups == of].mean() for arm in arms] for of in range(5)])
    costs = np.array([arm.flops.mean() for arm in arms])
    here = np.searchsorted(edges, hard)
    chosen = spread_budget(gains[here], costs, len(hard) * flops - float(asked.sum()))
    of = [find(space("search", split), a.N, a.T, a.M) for a in (arms[i].allocation for i in chosen)]
    right, spent = ([getattr(arm, what)[i] for i, arm in enumerate(of)] for what in ("correct", "flops"))
    return Arm(Allocation(1), np.array(right), np.array(spent) + asked)


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


@cache
def uniform(name: str) -> tuple[Arm, ...]:
    """One way to spend at all its budgets, whatever the difficulty, on the test problems; the cheapest first.

    "samples": best-of-N of the small model; "beam": its beam search of width 4, and one sample; "parallel": samples of
    the revision model.
    """
    if name == "samples":
        return sampling_arms(budgets=(*FINE_BUDGETS, 160, 192, 256))
    if name == "beam":
        return (find(sampling_arms(), 1), *(arm for arm in beam_arms(beams=BEAMS) if arm.allocation.M == 4))
    return tuple(arm for arm in hybrid_arms() if not arm.allocation.T)


def gain(arm: Arm, over: str = "samples") -> Estimate:
    """Accuracy of an arm minus that of a uniform way to spend, for the same FLOPs, of the test problems."""
    return bootstrap(arm.correct - at_equal_flops(uniform(over), float(arm.flops.mean())).correct)


@cache
def one_pass(split: str, at: int | None = None, model: str = "large") -> Arm:
    """One greedy pass of a model over each problem."""
    run = bank.load(model, split, at=at, greedy=True)
    return Arm(
        Allocation(1), run.correct[:, 0].astype(float), (run.prefill_flops + run.decode_flops[:, 0]).astype(float)
    )


def training_flops(*names: str, at: int | None = None) -> int:
    """Everything spent to make shipped models: their passes, their data, and the models that they were grown from.

    Of several models, what two were grown from is made once. at: where training stopped, of a single model.
    """
    spent: dict[str, int] = {}
    for name in names:
        base: str | None = name
        while base and base not in spent:
            made = json.loads((folder_of(base, at) / "training.json").read_text(encoding="utf-8"))
            spent[base] = int(made["training_flops"]) + int(made.get("data_flops", 0))
            base, at = made.get("base"), None
    return sum(spent.values())


def training_tokens(name: str, at: int | None = None) -> float:
    """Tokens that a policy was trained on, padding included: as many as its training FLOPs pay for.

    The card of a model keeps its FLOPs. A pass over texts of one length costs what `forward_flops` says, so the length
    that costs as much as the mean step did gives the tokens.
    """
    folder, batch = folder_of(name, at), RECIPES[name].batch
    made = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    config = AutoConfig.from_pretrained(folder, local_files_only=True)
    a_step = [3 * forward_flops(config, length, batch=batch) for length in range(1, config.max_position_embeddings)]
    length = float(np.interp(made["training_flops"] / made["steps"], a_step, np.arange(1, len(a_step) + 1)))
    return made["steps"] * batch * length


@cache
def queries_at(R: float, at: int | None = None) -> float:
    """Problems that make R, the tokens that the large model reads and writes for them over those it was trained on.

    at: where the large model's training stopped. R may be infinite: a life so long that training does not count.
    Raises ValueError unless R > 0.
    """
    if not R > 0:
        raise ValueError(f"R, inference tokens over training tokens, must be above 0, not {R}")
    run = bank.load("large", "test", at=at, greedy=True)
    a_problem = np.mean([len(problem.prompt) for problem in run.problems]) + run.tokens.mean()
    return R * training_tokens("large", at) / float(a_problem)


@cache
def small_fifths(split: str = "test") -> NDArray[np.intp]:
    """Each problem's fifth of difficulty for the small model, 0 the easiest, by its recorded pass rate."""
    return fifths(small_samples(split).correct.mean(axis=1))


@dataclass(frozen=True)
class Exchange:
    """The small model, thinking, against one pass of the large one, for the same FLOPs in all, training included.

    queries: problems that the two are asked in their life; large, small: their arms, (problems,) each; judge: the
    verifier that the small one asks, None where it votes; left: FLOPs a problem that it could have spent.
    """

    queries: float
    large: Arm
    small: Arm
    judge: str | None
    left: float

    def gain(self, members: NDArray[np.bool_] | None = None, *, cells: int = 1) -> Estimate:
        """Accuracy of the small one minus that of the large one, over some of the problems.

        cells: comparisons that are looked at together. With more than one the interval is wider, so that 95% is the
        chance that all of them hold their values (Bonferroni).
        """
        difference = self.small.correct - self.large.correct
        draws = 1000 if cells == 1 else 5000  # the ends of a wider interval are rarer
        return bootstrap(difference if members is None else difference[members], draws=draws, level=1 - 0.05 / cells)


def exchange(
    queries: float,
    at: int | None = None,
    *,
    verifier: str = "prm",
    judge_trained: bool = False,
    split: str = "test",
    fifth: int | None = None,
) -> Exchange:
    """Who wins if both may spend what the large model costs, trained and asked so many times (Snell et al. 2024, 7).

    at: where the large model's training stopped; judge_trained: the verifier is there already, and its training is
    charged to neither, as in the paper. Otherwise it is charged to the small model, with what it was grown from. The
    small model may vote instead, which needs no verifier. fifth: of difficulty, 0 the easiest; all the queries are of
    it (default: of all). Of what can be paid, the small one does what is best on the validation problems of that fifth;
    its accuracy is of `split`. Raises ValueError for queries <= 0.
    """
    if not queries > 0:
        raise ValueError(f"an exchange needs a number of queries above 0, not {queries}")
    large = _within(one_pass(split, at=at), fifth, split)
    ways: list[tuple[float, str | None, Arm, Arm]] = []  # what can be paid: accuracy on validation, judge, both arms
    left = {}
    for judge in (None, verifier):
        trained = training_flops(*["small"] if judge is None or judge_trained else ["small", judge])
        left[judge] = float(large.flops.mean()) + (training_flops("large", at=at) - trained) / queries
        found, fitting = ([_within(arm, fifth, s) for arm in small_arms(s, judge)] for s in (split, "validation"))
        payable = [i for i, arm in enumerate(fitting) if arm.flops.mean() <= left[judge]]
        ways += [(float(fitting[i].correct.mean()), judge, found[i], fitting[i]) for i in payable]
    # Of equally good ones the cheapest: where all is solved, more thinking is only dearer.
    _, judge, small, _ = max(ways, key=lambda way: (way[0], -float(way[3].flops.mean())))
    return Exchange(queries, large, small, judge, left[judge])


def small_arms(split: str, judge: str | None) -> tuple[Arm, ...]:
    """What the small model can do with a verifier, by samples or by beams, or without one."""
    if judge is None:
        return sampling_arms(split, choose="majority")
    return (*sampling_arms(split, judge), *beam_arms(split, judge))


def _within(arm: Arm, fifth: int | None, split: str) -> Arm:
    if fifth is None:
        return arm
    members = small_fifths(split) == fifth
    return Arm(arm.allocation, arm.correct[members], arm.flops[members])


@dataclass(frozen=True)
class Cell:
    """A place on the winner map. gain: with its own 95% interval; verdict: "small", "large" or "no difference"."""

    exchange: Exchange
    gain: Estimate
    verdict: str


def winner_map(
    ratios: Sequence[float], at: int | None = None, *, verifier: str = "prm", judge_trained: bool = False
) -> list[list[Cell]]:
    """Who wins for the same FLOPs in all: a row for each fifth of difficulty and one for all problems, by R.

    The arguments and the choice of the small one's arm are those of `exchange`. A verdict is for the map as a whole: it
    names a winner only where the interval widened for all cells (Bonferroni) leaves zero out.
    """
    rows = [
        [exchange(queries_at(R, at), at, verifier=verifier, judge_trained=judge_trained, fifth=fifth) for R in ratios]
        for fifth in (*range(5), None)
    ]
    return [[_cell(found, cells=6 * len(ratios)) for found in row] for row in rows]


def _cell(found: Exchange, cells: int) -> Cell:
    wide = found.gain(cells=cells)
    return Cell(found, found.gain(), "small" if wide.low > 0 else "large" if wide.high < 0 else "no difference")
