"""Estimates from recorded runs: exact expectations over subsets, and intervals over problems."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


class Estimate(NamedTuple):
    """A mean over problems with its 95% interval; floats, or arrays of one shape."""

    mean: Floats
    low: Floats
    high: Floats


def pass_at_k(n: ArrayLike, c: ArrayLike, k: ArrayLike) -> Floats:
    """Probability that at least one of k samples is right, unbiased (Chen et al. 2021, eq. 1).

    n: samples drawn; c: right ones among them (0 <= c <= n); k: samples allowed (1 <= k <= n); ints or arrays that
    broadcast together. Returns a float (or array) in [0, 1]. Raises ValueError naming the rule and the value.
    """
    n, c, k = np.broadcast_arrays(*(_whole(name, x) for name, x in (("n", n), ("c", c), ("k", k))))
    for rule, broken in (("0 <= c <= n", (c < 0) | (c > n)), ("1 <= k <= n", (k < 1) | (k > n))):
        if broken.any():
            first = tuple(int(x[broken].flat[0]) for x in (n, c, k))
            raise ValueError(f"pass@k needs {rule}, not n={first[0]}, c={first[1]}, k={first[2]}")
    # 1 - C(n-c, k) / C(n, k) as a product of n-c-i over n-i: the binomials themselves overflow a float.
    miss = np.ones(n.shape)
    for i in range(int(k.max(initial=0))):
        active = i < k
        miss = np.where(active, miss * np.maximum(n - c - i, 0) / np.where(active, n - i, 1), miss)
    return 1.0 - miss if miss.ndim else float(1.0 - miss)  # type: ignore[return-value]


def majority(answers: ArrayLike, correct: ArrayLike, k: ArrayLike, *, draws: int = 64, seed: int = 0) -> Floats:
    """Accuracy of a majority vote over k of the recorded samples (Wang et al. 2022), ties as in `majority_vote`.

    answers: (problems, samples) in the form of `problems.answer_key`, None for no answer; correct: the same shape; k: a
    budget or an array of them (1 <= k <= samples). Returns (problems, *k.shape), each the mean over `draws` random
    subsets: with 500 problems and 64 draws the error of the overall mean is below 0.003, and no random error is left
    at k = samples. Raises ValueError naming the rule and the value.
    """
    return weighted_best_of_n(answers, np.ones(np.shape(correct)), correct, k, draws=draws, seed=seed)


def weighted_best_of_n(
    answers: ArrayLike, scores: ArrayLike, correct: ArrayLike, k: ArrayLike, *, draws: int = 64, seed: int = 0
) -> Floats:
    """Accuracy of the answer whose scores sum highest among k of the recorded samples (Li et al. 2023).

    scores: (problems, samples), 0 or more; the rest, the error and the exceptions as for `majority`.
    """
    answers, correct, k = np.asarray(answers, dtype=object), np.asarray(correct, dtype=bool), np.asarray(k)
    scores = np.asarray(scores, dtype=float)
    if answers.ndim != 2 or answers.shape != correct.shape or answers.shape != scores.shape:
        raise ValueError(
            "answers, scores and correct must be one (problems, samples) each, "
            f"not {answers.shape}, {scores.shape}, {correct.shape}"
        )
    samples = answers.shape[1]
    _check_budgets(k, samples)
    rng = np.random.default_rng(seed)
    means = np.zeros((len(answers), k.size))
    for row, score, right, mean in zip(answers, scores, correct, means, strict=True):
        names = sorted({name for name in row if name is not None}, key=lambda name: (len(name), name))
        said = np.array([[name == answer for name in names] for answer in row])  # (samples, answers)
        votes = said * score[:, None]
        wins = np.array([bool(right[row == name].any()) for name in names] + [False])
        for _ in range(draws if names else 0):
            order = rng.permutation(samples)
            sums = votes[order].cumsum(axis=0)[k.ravel() - 1]  # (budgets, answers)
            voted = said[order].cumsum(axis=0)[k.ravel() - 1] > 0
            winner = np.where(voted, sums, -1.0).argmax(axis=1)
            mean += wins[np.where(voted.any(axis=1), winner, len(names))] / draws  # nobody may have voted
    return means.reshape(len(answers), *k.shape)


def best_of_n(scores: ArrayLike, correct: ArrayLike, k: ArrayLike) -> Floats:
    """Accuracy of the highest-scoring of k samples: the exact mean over all subsets of the recorded ones.

    scores, correct: (problems, samples); k: a budget or an array of them (1 <= k <= samples). Of equal scores each is
    as likely to be taken. Returns (problems, *k.shape). Raises ValueError naming the rule and the value.
    """
    scores, correct, k = np.asarray(scores, dtype=float), np.asarray(correct, dtype=bool), np.asarray(k)
    if scores.ndim != 2 or scores.shape != correct.shape:
        raise ValueError(
            f"scores and correct must be one (problems, samples) each, not {scores.shape}, {correct.shape}"
        )
    samples = scores.shape[1]
    _check_budgets(k, samples)
    # The sample of rank i (0 the best) is the best of a subset in C(n-1-i, k-1) of the C(n, k) subsets.
    chance = np.zeros((k.size, samples))
    chance[:, 0] = k.ravel() / samples
    for i in range(1, samples):
        left = np.maximum(samples - i - (k.ravel() - 1), 0)
        chance[:, i] = chance[:, i - 1] * left / (samples - i)
    means = np.empty((len(scores), k.size))
    for score, right, mean in zip(scores, correct, means, strict=True):
        order = np.argsort(-score, kind="stable")
        _, group, size = np.unique(-score[order], return_inverse=True, return_counts=True)
        share = np.bincount(group, weights=right[order])[group] / size[group]
        mean[:] = chance @ share
    return means.reshape(len(scores), *k.shape)


def brier(scores: ArrayLike, correct: ArrayLike) -> float:
    """Mean squared distance of a probability from what happened (Brier 1950): 0 is perfect, always one half is 0.25."""
    return float(((np.asarray(scores, dtype=float) - np.asarray(correct, dtype=bool)) ** 2).mean())


def reliability(scores: ArrayLike, correct: ArrayLike, bins: int = 10) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """The reliability curve: mean score, share that is right and count, in each of `bins` equal ranges of the score.

    Ranges in which no score falls are NaN.
    """
    scores, correct = np.asarray(scores, dtype=float).ravel(), np.asarray(correct, dtype=bool).ravel()
    which = np.minimum((scores * bins).astype(int), bins - 1)
    count = np.bincount(which, minlength=bins)
    with np.errstate(invalid="ignore"):
        said, was = (np.bincount(which, weights=x, minlength=bins) / count for x in (scores, correct))
    return said, was, count


def auc(scores: ArrayLike, correct: ArrayLike) -> float:
    """Probability that a right solution scores above a wrong one, a tie counting half; NaN without one of each."""
    scores, correct = np.asarray(scores, dtype=float).ravel(), np.asarray(correct, dtype=bool).ravel()
    right, wrong = int(correct.sum()), int((~correct).sum())
    if not right or not wrong:
        return float("nan")
    _, place, count = np.unique(scores, return_inverse=True, return_counts=True)
    rank = (count.cumsum() - (count - 1) / 2)[place]  # equal scores share the mean of their ranks
    return float((rank[correct].sum() - right * (right + 1) / 2) / (right * wrong))


def within_problem_auc(scores: ArrayLike, correct: ArrayLike) -> float:
    """The mean of `auc` over the problems that have right solutions and wrong ones: choosing is done within a problem.

    scores, correct: (problems, samples). An AUC over all solutions flatters: a verifier that only tells easy problems
    from hard ones does well on it, and chooses no better than chance. NaN if no problem has both.
    """
    each = [auc(s, c) for s, c in zip(np.asarray(scores, dtype=float), np.asarray(correct, dtype=bool), strict=True)]
    return float(np.nanmean(each)) if not np.isnan(each).all() else float("nan")


def bootstrap(values: ArrayLike, *, draws: int = 1000, seed: int = 0) -> Estimate:
    """Mean over problems with a 95% percentile bootstrap interval (Efron 1979).

    values: (problems, ...), one row a problem; problems are redrawn with replacement, whole rows at a time, so that
    columns stay paired: the interval of a difference is `bootstrap(a - b)`. Raises ValueError for no problems.
    """
    values = np.asarray(values, dtype=float)
    if values.ndim == 0 or len(values) == 0:
        raise ValueError("a bootstrap needs at least one problem")
    rng = np.random.default_rng(seed)
    problems = len(values)
    weights = rng.multinomial(problems, np.full(problems, 1 / problems), size=draws) / problems
    means = np.tensordot(weights, values, axes=1)  # (draws, ...)
    low, high = np.quantile(means, [0.025, 0.975], axis=0)
    return Estimate(values.mean(axis=0), low, high)


def fifths(ease: ArrayLike) -> NDArray[np.intp]:
    """The fifth each problem falls in, 0 (easiest) to 4, as equal as can be (Snell et al. 2024, section 3.2).

    ease: (problems,), pass@1 or another score that is higher for easier problems; equal
    values are told apart by their order.
    """
    values = np.asarray(ease, dtype=float)
    ranks = np.empty(len(values), dtype=np.intp)
    ranks[np.argsort(-values, kind="stable")] = np.arange(len(values))
    return ranks * 5 // len(values)


def _check_budgets(k: NDArray[np.int64], samples: int) -> None:
    if k.dtype.kind not in "iu" or (k < 1).any() or (k > samples).any():
        raise ValueError(f"a choice among recorded samples needs whole budgets from 1 to {samples}, not {k}")


def _whole(name: str, value: ArrayLike) -> NDArray[np.int64]:
    array = np.asarray(value)
    if array.dtype.kind not in "iu":
        raise ValueError(f"pass@k needs whole numbers, but {name} is {value!r}")
    return array.astype(np.int64)
