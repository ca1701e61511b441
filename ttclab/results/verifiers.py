"""How well verifiers separate right from wrong samples of the small model, and where more samples fool them."""

from collections import Counter
from functools import cache, partial
from itertools import accumulate, pairwise
from statistics import fmean

import numpy as np
from numpy.typing import NDArray
from transformers import AutoConfig

from .. import bank
from ..data import ZOO
from ..estimators import Estimate, auc, pass_at_k, within_problem_auc
from ..verifiers.reward_model import reward_flops
from .sampling import BUDGETS, best, sampling_arms, small_fifths, small_samples, small_scores

SOUND = ("orm", "prm", "prm-large", "prm-rollouts", "prm-exact")  # all but the weak PRM
LIKELIHOOD_WEIGHTS = (0.0, *(2.0**-k for k in range(14, 3, -1)))


def auc_everywhere(verifier: str) -> float:
    """AUC over the solutions of all problems, by answers."""
    return auc(small_scores(verifier), small_samples().correct)


def auc_by_answer(verifier: str, by: str = "last") -> float:
    """AUC within a problem, by answers; `by` is the aggregate of step scores."""
    return within_problem_auc(small_scores(verifier, "test", by), small_samples().correct)


def auc_by_working(verifier: str) -> float:
    """AUC within a problem, where a solution is right if every step is right."""
    return within_problem_auc(small_scores(verifier), small_samples().worked)


def auc_of_pass_rates() -> float:
    """AUC over the solutions of all problems, of a verifier whose score is the pass rate of the problem."""
    right = small_samples().correct
    return auc(np.repeat(right.mean(axis=1), right.shape[1]), right)


def lucky_share() -> float:
    """Share of right answers that come from wrong working."""
    samples = small_samples()
    return float((samples.correct & ~samples.worked).sum() / samples.correct.sum())


def peak(verifier: str, choose: str = "best", *fifth: int) -> int:
    """Budget at which a verifier's choice has the highest accuracy."""
    arms = sampling_arms(verifier=verifier, choose=choose)
    return (arms.fifth(*fifth) if fifth else arms).best.allocation.N


def fall(verifier: str, choose: str = "best", *fifth: int) -> Estimate:
    """Accuracy of a verifier's choice at the largest budget minus its accuracy at the best budget."""
    arms = sampling_arms(verifier=verifier, choose=choose)
    return arms.at(BUDGETS[-1]).minus(arms.at(peak(verifier, choose, *fifth)), *fifth)


def worst_fall(choose: str = "best") -> Estimate:
    """Largest fall after the best budget over all verifiers but the weak one."""
    return min((fall(verifier, choose) for verifier in SOUND), key=lambda gap: float(gap.mean))


def settled(verifier: str, N: int = 16) -> float:
    """Share of problems on which best-of-N is right in over 95% or under 5% of the groups of samples."""
    right = best(N, verifier).correct
    return float(((right > 0.95) | (right < 0.05)).mean())


def texts(right: bool, fifth: int = 0) -> float:
    """Mean number of distinct right (or wrong) texts among the samples of a problem, over one fifth of difficulty."""
    samples, members = small_samples(), small_fifths() == fifth
    pairs = zip(samples.texts[members], samples.correct[members] == right, strict=True)
    return float(np.mean([len(set(row[wanted])) for row, wanted in pairs]))


@cache
def mean_and_likelihood(verifier: str, split: str, weight: float) -> NDArray[np.float64]:
    """The mean of a verifier's step scores minus `weight` times the policy's log-likelihood, (problems, samples).

    Of two solutions with an error in the same step, the less likely one more often has the right answer, because it
    may contain a second error that cancels the first.
    """
    samples = small_samples(split)
    scores = bank.load_scores(verifier, f"small-{split}")
    mean = np.array([[fmean(steps) if steps else 0.0 for steps in group] for group in scores])
    return mean - weight * samples.logprob


@cache
def likelihood_weight(verifier: str) -> float:
    """The member of LIKELIHOOD_WEIGHTS with the highest AUC within a problem on the validation problems."""
    right = small_samples("validation").correct

    def within(weight: float) -> float:
        return within_problem_auc(mean_and_likelihood(verifier, "validation", weight), right)

    return max(LIKELIHOOD_WEIGHTS, key=within)


def with_likelihood(verifier: str = "prm-large") -> NDArray[np.float64]:
    """`mean_and_likelihood` of the test problems, with the weight chosen on the validation problems."""
    return mean_and_likelihood(verifier, "test", likelihood_weight(verifier))


def beginnings_flops(verifier: str, budgets: NDArray[np.int64]) -> NDArray[np.float64]:
    """FLOPs of a verifier that reads each beginning of the small model's samples once, (problems, budgets).

    `verifier_flops` charges the samples for each different solution in full, as the verifier reads solutions that it
    gets in one call. This is what a cache would save: solutions of a problem that begin with the same steps pay for
    these steps once, as in a beam search.
    """
    samples = small_samples()
    score = cache(partial(reward_flops, AutoConfig.from_pretrained(ZOO / verifier, local_files_only=True)))
    n = samples.correct.shape[1]
    drawn = pass_at_k(n, np.arange(n + 1)[:, None], budgets)  # P(a beginning is drawn), by its count
    total = np.zeros((len(samples.problems), len(budgets)))
    for row, after, texts, tokens in zip(total, samples.prompt_tokens, samples.texts, samples.tokens, strict=True):
        read: Counter[tuple[str, int, int]] = Counter()
        for (text, length), count in Counter(zip(texts.tolist(), tokens.tolist(), strict=True)).items():
            ends = [*accumulate(map(len, text.splitlines(keepends=True)))][:-1]  # a token is a character
            for start, end in pairwise((0, *ends, length)):
                read[text[:end], start, end] += count
        row[:] = score(int(after), 0)
        for (_, start, end), count in read.items():
            row += score(end - start, int(after) + start) * drawn[count]
    return total
