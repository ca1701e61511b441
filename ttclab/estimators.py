"""Estimates from recorded runs: exact expectations over subsets, and intervals over problems."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from math import comb

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ttclab.ballots import elected as elected
from ttclab.ballots import leaders, numbered
from ttclab.estimate import Estimate as Estimate
from ttclab.estimate import Floats, checked_scores, finite
from ttclab.estimate import percents as percents


def pass_at_k(n: ArrayLike, c: ArrayLike, k: ArrayLike) -> Floats:
    """Probability that at least one of k samples is right, unbiased (Chen et al. 2021, eq. 1).

    Parameters
    ----------
    n, c, k : int or array
        Samples drawn, right ones among them (0 <= c <= n), samples allowed (1 <= k <= n). Arrays are broadcast.

    Returns
    -------
    float or array in [0, 1]

    Raises
    ------
    ValueError
        If a bound above is violated; the message names the rule and the values.
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

    Parameters
    ----------
    answers : array of shape (problems, samples)
        Answers in the form of `problems.answer_key`; None for no answer.
    correct : array of bool, shape (problems, samples)
    k : int or array of int
        Samples that vote, 1 <= k <= samples.
    draws, seed : int
        Random subsets that the mean is taken over, and their seed. With 64 draws of 500 problems, the error of the
        overall mean is below 0.003; at k = 1 and k = samples the result is exact.

    Returns
    -------
    array of shape (problems, *k.shape)

    Raises
    ------
    ValueError
        If a bound above is violated or the shapes differ; the message names the rule and the value.
    """
    return weighted_best_of_n(answers, np.ones(np.shape(correct)), correct, k, draws=draws, seed=seed)


def weighted_best_of_n(
    answers: ArrayLike, scores: ArrayLike, correct: ArrayLike, k: ArrayLike, *, draws: int = 64, seed: int = 0
) -> Floats:
    """Accuracy of the answer whose scores sum highest among k of the recorded samples (Li et al. 2023).

    Parameters
    ----------
    scores : array of shape (problems, samples)
        Finite and at least 0.
    answers, correct, k, draws, seed
        As in `majority`, with the same return value and errors.
    """
    answers, correct, k = np.asarray(answers, dtype=object), np.asarray(correct, dtype=bool), np.asarray(k)
    scores = checked_scores(scores)
    shapes = answers.shape, scores.shape, correct.shape
    if answers.ndim != 2 or len({*shapes}) > 1:
        raise ValueError(f"answers, scores and correct must be one (problems, samples) each, not {shapes}")
    samples = answers.shape[1]
    _check_budgets(k, samples)
    names, wins = numbered(answers, correct)
    rng, most = np.random.default_rng(seed), int(k.max(initial=1))
    means = np.zeros((most, len(answers)))
    at_once = max(1, VOTES_AT_ONCE // max(1, wins.size))  # draws whose sums fit in memory together
    for start in range(0, draws, at_once):
        runs = min(at_once, draws - start)
        order = rng.permuted(np.broadcast_to(np.arange(samples), (runs, *answers.shape)), axis=2)[..., :most]
        said = np.take_along_axis(names[None], order, axis=2).reshape(-1, most)
        given = np.take_along_axis(scores[None], order, axis=2).reshape(-1, most)
        for n, winner in enumerate(leaders(said, given, wins.shape[1])):
            right = wins[np.arange(len(wins)), winner.reshape(runs, -1)]
            means[n] += right.sum(axis=0) / draws
    means[0] = np.take_along_axis(wins, names, axis=1).mean(axis=1)  # of one sample, exact
    return means[k.ravel() - 1].T.reshape(len(answers), *k.shape)


def sampled_until_clear(
    answers: ArrayLike,
    scores: ArrayLike,
    correct: ArrayLike,
    is_clear: Callable[[Floats, int], NDArray[np.bool_]],
    looks: ArrayLike,
    *,
    draws: int = 16,
    seed: int = 0,
) -> tuple[Floats, Floats]:
    """Accuracy of weighted voting that stops at the first look at which the vote is clear (`adaptive_search`).

    Parameters
    ----------
    answers, scores, correct : array of shape (problems, samples)
        As for `weighted_best_of_n`; scores of 1 count votes.
    is_clear : callable
        Of a `StoppingRule`: from the votes of each answer, (problems, answers), and the number of samples drawn.
    looks : array of int
        Numbers of samples, ascending, after which the votes are checked; sampling stops at the last one in any case.
    draws, seed : int
        Random orders of the recorded samples that the means are taken over, and their seed.

    Returns
    -------
    accuracy : array of shape (problems,)
    stops : array of shape (problems, looks)
        How often sampling stops at each look.

    Raises
    ------
    ValueError
        As `weighted_best_of_n`.
    """
    answers, correct, looks = np.asarray(answers, dtype=object), np.asarray(correct, dtype=bool), np.asarray(looks)
    scores = checked_scores(scores)
    _check_budgets(looks, answers.shape[1])
    names, wins = numbered(answers, correct)
    rng, problems = np.random.default_rng(seed), np.arange(len(answers))
    accuracy, stops = np.zeros(len(answers)), np.zeros((len(answers), len(looks)))
    for _ in range(draws):
        order = rng.permuted(np.broadcast_to(np.arange(answers.shape[1]), answers.shape), axis=1)
        said, given = np.take_along_axis(names, order, axis=1), np.take_along_axis(scores, order, axis=1)
        sums, unclear, seen = np.zeros(wins.shape), np.full(len(answers), True), 0
        for i, look in enumerate(looks):
            np.add.at(sums, (problems[:, None], said[:, seen:look]), given[:, seen:look])
            sums[:, -1] = 0.0  # no answer has no vote
            clear = unclear & (is_clear(sums[:, :-1], int(look)) | (i == len(looks) - 1))
            accuracy += clear * wins[problems, sums.argmax(axis=1)] / draws
            stops[:, i] += clear / draws
            unclear, seen = unclear & ~clear, look
    return accuracy, stops


VOTES_AT_ONCE = 1 << 22  # sums of votes that are kept together


def best_of_n(scores: ArrayLike, correct: ArrayLike, k: ArrayLike) -> Floats:
    """Accuracy of the highest-scoring of k samples: the exact mean over all subsets of the recorded ones.

    Parameters
    ----------
    scores : array of shape (problems, samples)
        Finite and at least 0. Samples with equal scores are equally likely to be chosen.
    correct : array of bool, shape (problems, samples)
    k : int or array of int
        Samples to choose from, 1 <= k <= samples.

    Returns
    -------
    array of shape (problems, *k.shape)

    Raises
    ------
    ValueError
        If a bound above is violated or the shapes differ; the message names the rule and the value.
    """
    scores, correct, k = checked_scores(scores), np.asarray(correct, dtype=bool), np.asarray(k)
    if scores.ndim != 2 or scores.shape != correct.shape:
        shapes = scores.shape, correct.shape
        raise ValueError(f"scores and correct must be one (problems, samples) each, not {shapes}")
    samples = scores.shape[1]
    _check_budgets(k, samples)
    # The sample of rank i (0 the best) is the best of a subset in C(n-1-i, k-1) of the C(n, k) subsets.
    chance = np.zeros((k.size, samples))
    chance[:, 0] = k.ravel() / samples
    for i in range(1, samples):
        left = np.maximum(samples - i - (k.ravel() - 1), 0)
        chance[:, i] = chance[:, i - 1] * left / (samples - i)
    shares = np.empty(scores.shape)
    for share, score, right in zip(shares, scores, correct, strict=True):
        order = np.argsort(-score, kind="stable")
        _, group, size = np.unique(-score[order], return_inverse=True, return_counts=True)
        share[:] = (np.bincount(group, weights=right[order]) / size)[group]
    return (shares @ chance.T).reshape(len(scores), *k.shape)


def brier(scores: ArrayLike, correct: ArrayLike) -> float:
    """Mean squared error of a probability (Brier 1950): 0 is perfect, and always saying one half gives 0.25.

    Raises ValueError for scores that are not finite or below 0.
    """
    return float(((checked_scores(scores) - np.asarray(correct, dtype=bool)) ** 2).mean())


def reliability(scores: ArrayLike, correct: ArrayLike, bins: int = 10) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Reliability curve: mean score, share of right solutions, and count, in each of `bins` equal ranges of the score.

    Means and shares of empty ranges are NaN.
    """
    scores, correct = checked_scores(scores).ravel(), np.asarray(correct, dtype=bool).ravel()
    which = np.minimum((scores * bins).astype(int), bins - 1)
    count = np.bincount(which, minlength=bins)
    with np.errstate(invalid="ignore"):
        said, was = (np.bincount(which, weights=x, minlength=bins) / count for x in (scores, correct))
    return said, was, count


def auc(scores: ArrayLike, correct: ArrayLike) -> float:
    """Probability that a right solution scores above a wrong one, a tie counting half; NaN without one of each.

    Only the order of the scores counts, so log-probabilities can be passed as well as probabilities. Raises ValueError
    for NaN.
    """
    scores, correct = _ordered(scores).ravel(), np.asarray(correct, dtype=bool).ravel()
    right, wrong = int(correct.sum()), int((~correct).sum())
    if not right or not wrong:
        return float("nan")
    return float((_ranks(scores)[correct].sum() - right * (right + 1) / 2) / (right * wrong))


def within_problem_auc(scores: ArrayLike, correct: ArrayLike) -> float:
    """Mean of `auc` over the problems that have both right and wrong solutions; NaN if there are none.

    An AUC over all solutions flatters a verifier that only tells easy problems from hard ones, although it chooses no
    better than chance among the solutions of one problem. Both arrays have the shape (problems, samples).
    """
    each = [auc(s, c) for s, c in zip(_ordered(scores), np.asarray(correct, dtype=bool), strict=True)]
    return float("nan") if np.isnan(each).all() else float(np.nanmean(each))


def bootstrap(values: ArrayLike, *, draws: int = 1000, level: float = 0.95, seed: int = 0) -> Estimate:
    """Mean over problems with a percentile bootstrap interval (Efron 1979).

    Parameters
    ----------
    values : array of shape (problems, ...)
        One row per problem. Whole rows are drawn with replacement, so columns stay paired: the interval of a
        difference is `bootstrap(a - b)`.
    draws, level, seed
        Number of resamples, coverage of the interval, and seed.

    Raises
    ------
    ValueError
        For no problems, and for values that are not finite.
    """
    values = finite("a bootstrap", values)
    if values.ndim == 0 or len(values) == 0:
        raise ValueError("a bootstrap needs at least one problem")
    means = np.tensordot(_redrawn(len(values), draws, seed) / len(values), values, axes=1)  # (draws, ...)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return _same_everywhere(values.mean(axis=0), low, high)


def bootstrap_families(
    values: Sequence[ArrayLike], *, draws: int = 1000, level: float = 0.95, seed: int = 0
) -> Estimate:
    """Mean over families of models and problems, with an interval from resampling both.

    All families have the same problems, so a draw takes the same problems of each (Owen 2007). With few families, the
    interval is about as wide as their spread. For one family it is that of `bootstrap`.

    Parameters
    ----------
    values : sequence of array of shape (problems,)
        One array for each family.
    draws, level, seed
        As in `bootstrap`.

    Raises
    ------
    ValueError
        For no family, a family without problems, and values that are not finite.
    """
    families = [finite("a bootstrap", each) for each in values]
    if not families or any(each.ndim != 1 or not len(each) for each in families):
        raise ValueError("a bootstrap over families needs one family or more, of one problem or more each")
    if len(families) == 1:
        return bootstrap(families[0], draws=draws, level=level, seed=seed)
    means = np.array([_redrawn(len(each), draws, seed) @ each / len(each) for each in families])  # (families, draws)
    picked = _redrawn(len(families), draws, seed + 1) / len(families)  # (draws, families)
    low, high = np.quantile((picked * means.T).sum(axis=1), [(1 - level) / 2, (1 + level) / 2])
    return _same_everywhere(np.mean([each.mean() for each in families]), low, high)


def bootstrap_share(part: ArrayLike, whole: ArrayLike, *, draws: int = 1000, seed: int = 0) -> Estimate:
    """Sum of `part` over the sum of `whole`, with an interval as in `bootstrap`; NaN if `whole` is zero everywhere.

    Parameters
    ----------
    part, whole : array of shape (problems,)
        Counts per problem, 0 <= part <= whole: right attempts that a revision turned wrong, of right attempts. Counts
        weigh the same, not problems; draws in which `whole` is zero are left out.

    Raises
    ------
    ValueError
        If the bound is violated or the shapes differ.
    """
    part, whole = finite("a share", part), finite("a share", whole)
    if part.ndim != 1 or part.shape != whole.shape or not len(part):
        raise ValueError(f"a share needs two counts of each of the same problems, not {part.shape} and {whole.shape}")
    if (part < 0).any() or (part > whole).any():
        raise ValueError("a share needs 0 <= part <= whole for every problem")
    if not whole.any():
        return Estimate(*np.full(3, np.nan))
    weights = _redrawn(len(part), draws, seed)
    counted, of = weights @ part, weights @ whole
    low, high = np.quantile(counted[of > 0] / of[of > 0], [0.025, 0.975])
    return _same_everywhere(part.sum() / whole.sum(), low, high)


@lru_cache(maxsize=16)
def _redrawn(problems: int, draws: int, seed: int) -> NDArray[np.int64]:
    """How often each problem is drawn, (draws, problems), the same for all estimates of as many problems."""
    times = np.random.default_rng(seed).multinomial(problems, np.full(problems, 1 / problems), size=draws)
    times.flags.writeable = False
    return times


def _same_everywhere(*of: ArrayLike) -> Estimate:
    """An estimate to 12 decimals: processors add in different orders, and what is said of it must not tell which."""
    return Estimate(*(np.asarray(each).round(12) for each in of))


def mcnemar(a: ArrayLike, b: ArrayLike) -> float:
    """Two-sided exact p-value of the hypothesis that two strategies solve equally many problems (McNemar 1947).

    Only problems that exactly one strategy solves count: under the hypothesis, each is a toss of a fair coin. Both
    arrays have the shape (problems,). Raises ValueError for other shapes.
    """
    one, other = np.asarray(a, dtype=bool), np.asarray(b, dtype=bool)
    if one.shape != other.shape or one.ndim != 1:
        raise ValueError(f"McNemar's test needs two strategies on the same problems, not {one.shape} and {other.shape}")
    only_one, only_other = int((one & ~other).sum()), int((~one & other).sum())
    tosses, fewer = only_one + only_other, min(only_one, only_other)
    return min(1.0, 2 * sum(comb(tosses, i) for i in range(fewer + 1)) / 2**tosses)


def rank_correlation(a: ArrayLike, b: ArrayLike) -> float:
    """Spearman's rank correlation; equal values share the mean of their ranks."""
    one, other = (_ranks(finite("a rank correlation", values)) for values in (a, b))
    return float(np.corrcoef(one, other)[0, 1])


def _ranks(values: Floats) -> Floats:
    """Ranks from 1; equal values share the mean of theirs."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    return (count.cumsum() - (count - 1) / 2)[place]


def fifths(ease: ArrayLike) -> NDArray[np.intp]:
    """Fifth of difficulty of each problem, 0 (easiest) to 4, of sizes as equal as possible (Snell et al. 2024, 3.2).

    ease, of shape (problems,), is pass@1 or another score, higher for easier problems; ties are broken by position.
    """
    values = finite("a division into fifths", ease)
    ranks = np.empty(len(values), dtype=np.intp)
    ranks[np.argsort(-values, kind="stable")] = np.arange(len(values))
    return ranks * 5 // len(values)


def _ordered(values: ArrayLike) -> Floats:
    """The values as floats. Raises ValueError for NaN."""
    array = np.asarray(values, dtype=float)
    if np.isnan(array).any():
        raise ValueError("an estimate from scores needs scores that can be compared, not nan")
    return array


def _check_budgets(k: NDArray[np.int64], samples: int) -> None:
    if k.dtype.kind not in "iu" or (k < 1).any() or (k > samples).any():
        raise ValueError(f"a choice among recorded samples needs whole budgets from 1 to {samples}, not {k}")


def _whole(name: str, value: ArrayLike) -> NDArray[np.int64]:
    array = np.asarray(value)
    if array.dtype.kind not in "iu":
        raise ValueError(f"pass@k needs whole numbers, but {name} is {value!r}")
    return array.astype(np.int64)
