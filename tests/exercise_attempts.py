"""Attempts at the exercises: plausible wrong ones, each with its mistake, and right ones in other styles."""

import math
import re
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from functools import partial, reduce
from itertools import pairwise, product
from typing import Any, NamedTuple

import numpy as np

from ttclab.exercises.chapters.arena import LEVELS


class Mistake(NamedTuple):
    """A plausible wrong attempt and words that its message must contain.

    fails: the checks it must fail; left out, those it fails on the visible seed.
    """

    name: str
    function: Callable[..., Any]
    words: str
    fails: frozenset[str] = frozenset()


with np.errstate(over="ignore"):
    FACTORIALS = np.cumprod([1.0, *range(1, 1001)])  # inf from 171! on


# Chapter 01


def tokens_fed(prompt, lengths, readings):
    return readings * prompt + sum(length - 1 for length in lengths)


def flops_by_pass(parameters, prompt, lengths, shared):
    """One forward pass after the other."""
    flops = 0
    for number, length in enumerate(lengths):
        if number == 0 or not shared:
            flops += 2 * parameters * prompt
        for _ in range(length - 1):
            flops += 2 * parameters
    return flops


def matched_by_trying(small, large, prompt, length):
    N = 0
    while tokens_fed(prompt, [length] * (N + 1), 1) * small <= large * (prompt + length - 1):
        N += 1
    return N


def matched_unclipped(small, large, prompt, length):
    return (large * (prompt + length - 1) - small * prompt) // (small * (length - 1))


def exchange(M, R, convention, *, training=6, checked=True):
    if checked and (convention not in ("arxiv", "iclr") or M < 1 or R <= 0):
        raise ValueError("no such exchange")
    inference = 2 if convention == "arxiv" else 4
    return (M * training + M * inference * R - training) / (inference * R)


def refuses_nothing(M, R, convention):
    return exchange(M, R, convention, checked=False)


def crossing(small_training, small_answer, large_training, large_answer):
    return (large_training - small_training) / (small_answer - large_answer)


def break_even_by_cases(small_training, small_answer, large_training, large_answer, beyond=lambda q: math.floor(q) + 1):
    if large_training < small_training:
        return 0
    if small_answer <= large_answer:
        return None
    return beyond(crossing(small_training, small_answer, large_training, large_answer))


def price_for_gain(small_training, small_answer, large_training, large_answer):
    questions = break_even_by_cases(small_training, small_answer, large_training, large_answer)
    return questions if not questions else (large_training - small_training) // large_answer + 1


# Chapter 02


def by_product(n, c, k, factors):
    return 1 - math.prod((n - c - i) / (n - i) for i in range(factors))


def float_binomials(n, c, k):
    def choose(a, b):
        return FACTORIALS[a] / (FACTORIALS[b] * FACTORIALS[a - b]) if b <= a else 0.0

    return 1 - choose(n - c, k) / choose(n, k)


def integer_binomials(n, c, k):
    def choose(a, b):
        return np.prod(np.arange(a - b + 1, a + 1)) // np.prod(np.arange(1, b + 1)) if b <= a else 0

    return 1 - choose(n - c, k) / choose(n, k)


def factorials_without_the_edge(n, c, k):
    f = math.factorial
    return 1 - Fraction(f(n - c) * f(n - k), f(n - c - k) * f(n))


def no_return_at_the_edge(n, c, k):
    if n - c >= k:
        return 1 - math.comb(n - c, k) / math.comb(n, k)


ALL = frozenset({"edges", "small cases, counted by hand", "no bias", "n = 1000"})


def exact(n, c, k):
    return 1 - math.comb(n - c, k) / math.comb(n, k)


def part_of_a_tie(votes):
    return votes[0] == max(votes) and 1 / votes.count(votes[0])


def chance_of_a_vote(shares, k, part=part_of_a_tie, weigh=math.prod):
    total = 0
    for drawn in product(range(len(shares)), repeat=k):
        total += weigh([shares[i] for i in drawn]) * part([drawn.count(i) for i in range(len(shares))])
    return total


def chance_by_counts(shares, k):
    """Goes from sample to sample, and keeps the chance of each count of votes."""
    states = {(0,) * len(shares): 1.0}
    for _ in range(k):
        more = {}
        for votes, chance in states.items():
            for i, share in enumerate(shares):
                after = (*votes[:i], votes[i] + 1, *votes[i + 1 :])
                more[after] = more.get(after, 0.0) + chance * share
        states = more
    return sum(chance * part_of_a_tie(votes) for votes, chance in states.items())


def decided(answers, is_decided=lambda lead, left, first, n: lead > left, silent=None, start=1):
    if not answers:
        raise ValueError("no vote")
    n = len(answers)
    for t in range(start, n):
        counts = sorted(Counter(a for a in answers[:t] if a != silent).values())
        first, second = ([0, 0, *counts])[-1:-3:-1]
        if is_decided(first - second, n - t, first, n):
            return t
    return n


def decided_by_rivals(answers):
    """Gives all that is to come to each rival in turn."""
    if len(answers) == 0:
        raise ValueError
    for t, left in zip(range(1, len(answers)), range(len(answers) - 1, 0, -1)):
        votes = votes_of(answers[:t])
        for leader, most in votes.items():
            if all(most > votes.get(rival, 0) + left for rival in [*votes, "another"] if rival != leader):
                return t
    return len(answers)


def decided_between_two(answers):
    """Forgets the answers that nobody has given yet."""
    if not answers:
        raise ValueError
    for t in range(1, len(answers)):
        counts = sorted(votes_of(answers[:t]).values())
        if len(counts) == 1 or (counts and counts[-1] - counts[-2] > len(answers) - t):
            return t
    return len(answers)


def last_change_of_leader(answers):
    """Looks at the samples that are to come."""
    if not answers:
        raise ValueError
    leaders = [max(votes, key=votes.get) if (votes := votes_of(answers[:t])) else None for t in range(len(answers) + 1)]
    return next(t for t in range(1, len(answers) + 1) if len({*leaders[t:]}) == 1)


def mean(values):
    return sum(values) / len(values)


def covered(rates, N):
    return mean([1 - (1 - p) ** N for p in rates])


def first_n(rates, target, coverage=covered, reachable=True, start=1):
    if reachable and target > mean([p > 0 for p in rates]):
        return None
    if reachable and target == mean([p > 0 for p in rates]) and min(p for p in rates if p) < 1:
        return None
    return next((N for N in range(start, 5000) if coverage(rates, N) >= target), None)


def first_n_by_misses(rates, target):
    """Keeps each problem's chance that all samples so far are wrong."""
    if (target >= 1 and min(rates) < 1) or sum(p > 0 for p in rates) < target * len(rates):
        return None
    misses = np.ones(len(rates))
    for N in range(1, 5000):
        misses *= 1 - np.array(rates)
        if 1 - misses.mean() >= target:
            return N


# Chapter 03


def votes_of(answers, scores=None):
    votes = {}
    for i, answer in enumerate(answers):
        if answer is not None:
            votes[answer] = votes.get(answer, 0) + (1 if scores is None else scores[i])
    return votes


def vote_by_sorting(answers, scores=None):
    if len(answers) == 0 or (scores is not None and len(scores) != len(answers)):
        raise ValueError("no vote")
    votes = votes_of(answers, scores)
    best = max(votes.values(), default=None)
    return sorted(sorted(a for a in votes if votes[a] == best), key=len)[0] if votes else None


def vote_by(key, answers, scores=None):
    """A vote with another rule for ties: key of (votes, answer, answers)."""
    if not answers or (scores is not None and len(scores) != len(answers)):
        raise ValueError
    votes = votes_of(answers, scores)
    return min(votes, key=lambda a: key(votes[a], a, answers), default=None)


def first_seen(votes, answer, answers):
    return -votes, answers.index(answer)


def by_text(votes, answer, answers):
    return -votes, answer


def longest(votes, answer, answers):
    return -votes, -len(answer), answer


def by_value(votes, answer, answers):
    return -votes, len(answer), answers.index(answer)


def vote_with_none(answers):
    if not answers:
        raise ValueError
    return min(set(answers), key=lambda a: (-answers.count(a), len(a or ""), a or ""))


def vote_that_fails_on_silence(answers):
    if not any(answers):
        raise ValueError
    return vote_by_sorting(answers)


def mean_weights(answers, scores):
    if not answers or len(answers) != len(scores):
        raise ValueError
    sums, counts = votes_of(answers, scores), votes_of(answers)
    return min(sums, key=lambda a: (-sums[a] / counts[a], len(a), a), default=None)


def best_single(answers, scores):
    if not answers or len(answers) != len(scores):
        raise ValueError
    pairs = [(-s, len(a), a) for a, s in zip(answers, scores) if a is not None]
    return min(pairs)[2] if pairs else None


def as_none_text(answers, scores):
    """Takes a missing answer for an answer."""
    if not answers or len(answers) != len(scores):
        raise ValueError
    sums = {}
    for answer, score in zip(answers, scores):
        sums[answer] = sums.get(answer, 0) + score
    return min(sums, key=lambda a: (-sums[a], len(a or ""), a or ""))


def unequal_lists(answers, scores):
    if not answers:
        raise ValueError
    sums = {}
    for answer, score in zip(answers, scores):
        if answer is not None:
            sums[answer] = sums.get(answer, 0) + score
    return min(sums, key=lambda a: (-sums[a], len(a), a), default=None)


def aggregate_of(scores, how, empty=0.0):
    if how not in ("last", "min", "prod", "mean"):
        raise ValueError(how)
    if not scores:
        return empty
    if how == "last":
        return scores[-1]
    if how == "min":
        return sorted(scores)[0]
    if how == "prod":
        return reduce(lambda x, y: x * y, scores)
    return sum(scores) / len(scores)


def best_text(texts, step_scores, how, aggregate=aggregate_of):
    best = max(aggregate(scores, how) for scores in step_scores)
    return sorted(t for t, scores in zip(texts, step_scores) if aggregate(scores, how) == best)[0]


def first_best(texts, step_scores, how):
    together = [aggregate_of(scores, how) for scores in step_scores]
    return texts[together.index(max(together))]


def last_best(texts, step_scores, how):
    return max(zip([aggregate_of(scores, how) for scores in step_scores], texts))[1]


def mean_for_all(scores, how):
    return aggregate_of(scores, "mean")


def sum_for_mean(scores, how):
    return sum(scores) if how == "mean" else aggregate_of(scores, how)


def product_of_none(scores, how):
    return aggregate_of(scores, how, empty=1.0 if how == "prod" else 0.0)


def no_empty(scores, how):
    return {"last": lambda: scores[-1], "min": lambda: min(scores), "prod": lambda: math.prod(scores)}.get(
        how, lambda: mean(scores)
    )()


def first_step(scores, how):
    return scores[0] if how == "last" and scores else aggregate_of(scores, how)


def beams(texts, scores, finished, M, *, ceil=True, cut=True, key=lambda p: (-p[0], p[1]), ended=False, wide=False):
    """One step of a beam search, with its parts to get wrong."""
    rest = sorted([(s, t) for s, t, end in zip(scores, texts, finished) if ended or not end], key=key)
    places = len(texts) if wide else len(rest)
    kept = rest[: math.ceil(places / M) if ceil else places // M]
    live = [text for _, text in kept for _ in range(M)]
    return live[:places] if cut else live


def beams_by_places(texts, scores, finished, M):
    """Place by place: the p-th place belongs to the (p // M)-th best."""
    order = sorted((i for i, end in enumerate(finished) if not end), key=lambda i: texts[i])
    order.sort(key=lambda i: scores[i], reverse=True)
    return [texts[order[place // M]] for place in range(len(order))]


def beams_in_rounds(texts, scores, finished, M):
    rest = sorted((-s, t) for s, t, end in zip(scores, texts, finished) if not end)
    kept = [t for _, t in rest[: math.ceil(len(rest) / M)]]
    return (kept * M)[: len(rest)]


def pairs_won(scores, correct, tie=0.5):
    right = [s for s, c in zip(scores, correct) if c]
    wrong = [s for s, c in zip(scores, correct) if not c]
    return sum((r > w) + tie * (r == w) for r in right for w in wrong), len(right) * len(wrong)


def auc_by_pairs(scores, correct, tie=0.5):
    each = [pairs_won(s, c, tie) for s, c in zip(scores, correct)]
    if not any(pairs for _, pairs in each):
        raise ValueError("no pair")
    return mean([won / pairs for won, pairs in each if pairs])


def auc_over_all_pairs(scores, correct):
    each = [pairs_won(s, c) for s, c in zip(scores, correct)]
    if not any(pairs for _, pairs in each):
        raise ValueError
    return sum(won for won, _ in each) / sum(pairs for _, pairs in each)


def auc_of_the_pool(scores, correct):
    if not any(len(set(row)) == 2 for row in correct):
        raise ValueError
    won, pairs = pairs_won(sum(scores, []), sum(correct, []))
    return won / pairs


def auc_with_half_for_none(scores, correct):
    each = [pairs_won(s, c) for s, c in zip(scores, correct)]
    if not any(pairs for _, pairs in each):
        raise ValueError
    return mean([won / pairs if pairs else 0.5 for won, pairs in each])


def share_on_top(scores, correct):
    """Best-of-N by another name: whether the best-scoring solution is right."""
    if not any(len(set(row)) == 2 for row in correct):
        raise ValueError
    return mean([float(c[s.index(max(s))]) for s, c in zip(scores, correct) if len(set(c)) == 2])


def auc_by_ranks(scores, correct):
    shares = []
    for s, c in zip(map(np.array, scores), map(np.array, correct)):
        right, wrong = s[c], s[~c]
        if right.size and wrong.size:
            difference = right[:, None] - wrong[None, :]
            shares.append(((np.sign(difference) + 1) / 2).mean())
    if not shares:
        raise ValueError("no problem has both")
    return np.mean(shares)


# Chapter 04


def walk(first, revisions, T):
    chain = [first]
    while len(chain) < T + 1:
        chain.append(revisions[chain[-1]])
    return chain


def kept_on_the_way(first, revisions, scores, T, better=lambda new, old: new > old):
    newest = best = first
    for _ in range(T):
        newest = revisions[newest]
        if better(scores[newest], scores[best]):
            best = newest
    return best


def revises_the_best(first, revisions, scores, T):
    best = first
    for _ in range(T):
        if scores[revisions[best]] > scores[best]:
            best = revisions[best]
    return best


def forgets_the_first(first, revisions, scores, T):
    return max(walk(first, revisions, T)[1:] or [first], key=lambda i: scores[i])


def lowest_number(first, revisions, scores, T):
    return min(set(walk(first, revisions, T)), key=lambda i: (-scores[i], i))


def context_by_appending(attempts, limit):
    if limit < 0:
        raise ValueError
    read, seen = [], []
    for attempt in attempts[:-1]:
        seen = [*seen, attempt]
        while len(seen) > limit:
            seen = seen[1:]
        read.append(seen)
    return read


def context_by(slice_of, attempts, limit, revisions=lambda n: range(1, n)):
    if limit < 0:
        raise ValueError
    return [slice_of(attempts, t, limit) for t in revisions(len(attempts))]


def flips(chains):
    return [now and not then for chain in chains for now, then in pairwise(chain)]


def right_and_revised(chains):
    return sum(now for chain in chains for now, _ in pairwise(chain))


def flip_share(chains, of=right_and_revised, turned=flips):
    if not right_and_revised(chains):
        raise ValueError("nothing to turn")
    return sum(turned(chains)) / of(chains)


def zero_for_none(chains):
    return sum(flips(chains)) / right_and_revised(chains) if right_and_revised(chains) else 0.0


def share_chain_by_chain(chains):
    if not right_and_revised(chains):
        raise ValueError
    return mean([flip_share([chain]) for chain in chains if right_and_revised([chain])])


def flips_by_index(chains):
    kept = lost = 0
    for chain in chains:
        for i in range(len(chain) - 1):
            if chain[i]:
                kept, lost = kept + chain[i + 1], lost + (not chain[i + 1])
    if kept + lost == 0:
        raise ValueError("nobody was right")
    return lost / (kept + lost)


def chain_winner(said, given, better=lambda new, old: new > old):
    best = 0
    for i in range(len(said)):
        if better(given[i], given[best]):
            best = i
    return said[best], given[best]


def hierarchical(answers, scores, nominate=chain_winner, weight=lambda s: s, key=lambda s, a: (-s, len(a), a)):
    sums = {}
    for said, given in zip(answers, scores):
        answer, score = nominate(said, given)
        sums[answer] = sums.get(answer, 0) + weight(score)
    return min(sums, key=lambda a: key(sums[a], a))


def all_at_once(answers, scores):
    return vote_by_sorting(sum(answers, []), sum(scores, []))


def best_overall(answers, scores):
    return min((-s, len(a), a) for said, given in zip(answers, scores) for a, s in zip(said, given))[2]


def hierarchical_by_arrays(answers, scores):
    places = [int(np.argmax(given)) for given in scores]
    winners = [said[i] for said, i in zip(answers, places)]
    weights = np.array([given[i] for given, i in zip(scores, places)])
    sums = {w: weights[[other == w for other in winners]].sum() for w in winners}
    return sorted(sums, key=lambda w: (-sums[w], len(w), w))[0]


# Chapter 05


def bins_by_rank(scores, bins, ease=mean, ties=lambda i: i, group=lambda rank, bins, n: rank * bins // n):
    order = sorted(range(len(scores)), key=lambda i: (-ease(scores[i]), ties(i)))
    return [group(order.index(i), bins, len(scores)) for i in range(len(scores))]


def bins_by_arrays(scores, bins):
    ease = np.array([np.mean(row) for row in scores])
    ranks = np.argsort(np.argsort(-ease, kind="stable"), kind="stable")
    return ranks * bins // len(ease)


def equal_ranges(scores, bins):
    return [min(int((1 - mean(row)) * bins), bins - 1) for row in scores]


def in_order_of_rank(scores, bins):
    return [rank * bins // len(scores) for rank in range(len(scores))]


def lesson(difficulty, budget, *, easy=0.3, hard=0.7, inclusive=False, least=2):
    if budget < least or not 0 <= difficulty <= 1:
        raise ValueError("refused")
    if difficulty < easy or (inclusive and difficulty == easy):
        return budget, 0
    N = int(math.sqrt(budget)) if difficulty < hard or (inclusive and difficulty == hard) else 2
    return N, budget // N - 1


def rounded_root(difficulty, budget):
    N, _ = lesson(difficulty, budget)
    N = round(math.sqrt(budget)) if 0.3 <= difficulty < 0.7 else N
    return N, budget // N - 1


def never_refuses(difficulty, budget):
    return lesson(min(max(difficulty, 0), 1), max(budget, 2))


def true_division(difficulty, budget):
    N, _ = lesson(difficulty, budget)
    return N, budget / N - 1


def fitted_by_loop(
    accuracy, costs, budget, better=lambda new, old: new[0] > old[0] or (new[0] == old[0] and new[1] < old[1])
):
    if min(costs) > budget:
        raise ValueError("too dear")
    chosen = []
    for row in accuracy:
        best = None
        for strategy, cost in enumerate(costs):
            if cost <= budget and (best is None or better((row[strategy], cost), (row[best], costs[best]))):
                best = strategy
        chosen.append(best)
    return chosen


def fitted_to_the_average(accuracy, costs, budget):
    payable = [s for s in range(len(costs)) if costs[s] <= budget]
    if not payable:
        raise ValueError
    best = min(payable, key=lambda s: (-mean([row[s] for row in accuracy]), costs[s], s))
    return [best] * len(accuracy)


def fitted_within(accuracy, costs, budget, fits):
    payable = [s for s in range(len(costs)) if fits(costs[s], budget)]
    if not payable:
        raise ValueError
    return [min(payable, key=lambda s: (-row[s], costs[s], s)) for row in accuracy]


def renumbered(accuracy, costs, budget):
    """Numbers the strategies anew after leaving out those that are too dear."""
    payable = [s for s in range(len(costs)) if costs[s] <= budget]
    if not payable:
        raise ValueError
    return [payable.index(s) for s in fitted_by_loop(accuracy, costs, budget)]


def value_for_money(accuracy, costs, budget):
    payable = [s for s in range(len(costs)) if costs[s] <= budget]
    if not payable:
        raise ValueError
    return [max(payable, key=lambda s: row[s] / costs[s]) for row in accuracy]


def interval(a, b, resamples, *, cut=lambda R: (R - 1) // 40, of_a=None, of_b=None, centre=None):
    """Means of the resampled a minus means of the resampled b."""
    of_a, of_b = of_a or mean, of_b or mean
    means = sorted(of_a([a[i] for i in drawn]) - of_b([b[i] for i in drawn]) for drawn in resamples)
    edge = cut(len(means))
    return [mean(a) - mean(b) if centre is None else centre(means), means[edge], means[len(means) - 1 - edge]]


def interval_by_arrays(a, b, resamples):
    difference = np.array(a) - np.array(b)
    low, high = np.quantile(difference[np.array(resamples)].mean(axis=1), [0.025, 0.975])
    return difference.mean(), low, high


def interval_by_the_normal(a, b, resamples):
    difference = np.array(a) - np.array(b)
    half = 1.96 * difference.std(ddof=1) / len(a) ** 0.5
    return [difference.mean(), difference.mean() - half, difference.mean() + half]


def interval_unpaired(a, b, resamples):
    """Draws the problems of b independently of those of a."""
    others = resamples[1:] + resamples[:1]
    means = sorted(mean([a[i] for i in x]) - mean([b[i] for i in y]) for x, y in zip(resamples, others))
    edge = (len(means) - 1) // 40
    return [mean(a) - mean(b), means[edge], means[-1 - edge]]


def handed_out(accuracy, budget, merit=lambda row, n: row[n + 1] - row[n], *, stop=True, last=False, ends=True):
    """One generation at a time to the problem of most merit."""
    spent = [0] * len(accuracy)
    for _ in range(budget):
        open_ = [i for i, row in enumerate(accuracy) if not ends or spent[i] + 1 < len(row)]
        if stop:
            open_ = [i for i in open_ if accuracy[i][spent[i] + 1] > accuracy[i][spent[i]]]
        if not open_:
            break
        i = max(reversed(open_) if last else open_, key=lambda i: merit(accuracy[i], spent[i]))
        spent[i] += 1
    return spent


def handed_out_by_sorting(accuracy, budget):
    """All gains in one list: the curves bend downward, so the largest come in the order of each problem."""
    gains = [
        (row[n] - row[n + 1], i) for i, row in enumerate(accuracy) for n in range(len(row) - 1) if row[n + 1] > row[n]
    ]
    winners = [i for _, i in sorted(gains)[:budget]]
    return [winners.count(i) for i in range(len(accuracy))]


def one_after_the_other(accuracy, budget):
    spent = []
    for row in accuracy:
        useful = sum(b > a for a, b in pairwise(row))
        spent.append(min(useful, budget))
        budget -= spent[-1]
    return spent


def evenly(accuracy, budget):
    most = [sum(b > a for a, b in pairwise(row)) for row in accuracy]
    each, left = divmod(budget, len(accuracy))
    return [min(m, each + (i < left)) for i, m in enumerate(most)]


def accuracy_instead_of_generations(accuracy, budget):
    return [row[n] for row, n in zip(accuracy, handed_out(accuracy, budget))]


# Chapter 06


def mixed(costs, accuracy, flops, *, share=lambda x, low, high: (x - low) / (high - low), refuses=True):
    if refuses and not costs[0] <= flops <= costs[-1]:
        raise ValueError("no mix costs that")
    i = next((i for i in range(1, len(costs) - 1) if flops <= costs[i]), len(costs) - 1)
    dearer = share(flops, costs[i - 1], costs[i])
    return accuracy[i - 1] + dearer * (accuracy[i] - accuracy[i - 1])


def mixed_by_arrays(costs, accuracy, flops):
    mix = np.interp(flops, costs, accuracy, left=np.nan, right=np.nan)
    if np.isnan(mix):
        raise ValueError("no mix costs that")
    return mix


def beats(costs, accuracy, j, i):
    cheaper, better = costs[j] <= costs[i], accuracy[j] >= accuracy[i]
    return cheaper and better and ((costs[j], accuracy[j]) != (costs[i], accuracy[i]) or j < i)


def frontier_by_pairs(costs, accuracy):
    alive = [i for i in range(len(costs)) if not any(beats(costs, accuracy, j, i) for j in range(len(costs)) if j != i)]
    return sorted(alive, key=lambda i: costs[i])


def frontier_walk(costs, accuracy, *, keep=lambda new, last, best: new > best, key=None):
    order = sorted(range(len(costs)), key=key or (lambda i: (costs[i], -accuracy[i])))
    kept, last, best = [], -1.0, -1.0
    for i in order:
        if keep(accuracy[i], last, best):
            kept.append(i)
        last, best = accuracy[i], max(best, accuracy[i])
    return kept


def upper_hull(costs, accuracy):
    kept = []
    for i in frontier_walk(costs, accuracy):
        while len(kept) > 1 and (accuracy[i] - accuracy[kept[-2]]) * (costs[kept[-1]] - costs[kept[-2]]) >= (
            accuracy[kept[-1]] - accuracy[kept[-2]]
        ) * (costs[i] - costs[kept[-2]]):
            kept.pop()
        kept.append(i)
    return kept


def payable_best(
    queries,
    large,
    small,
    costs,
    accuracy,
    *,
    pays=lambda bill, total: bill <= total,
    bill=lambda q, training, cost: training + q * cost,
    key=lambda a, c: (-a, c),
):
    total = bill(queries, *large)
    payable = [i for i in range(len(costs)) if pays(bill(queries, small, costs[i]), total)]
    if not payable:
        raise ValueError("nothing can be paid")
    return min(payable, key=lambda i: key(accuracy[i], costs[i]))


def payable_by_loop(queries, large, small, costs, accuracy):
    best, left = None, large[0] + queries * large[1] - small
    for i, cost in enumerate(costs):
        if queries * cost > left:
            continue
        if best is None or accuracy[i] > accuracy[best] or (accuracy[i] == accuracy[best] and cost < costs[best]):
            best = i
    if best is None:
        raise ValueError("nothing can be paid")
    return best


def cells_of(small, large, cells, *, tails=2, corrected=True, everything=False, swapped=False):
    one, other = sum(a > b for a, b in zip(small, large)), sum(a < b for a, b in zip(small, large))
    if everything:
        one, other = sum(small), sum(large)
    n = one + other
    p = min(1.0, tails * sum(math.comb(n, i) for i in range(min(one, other) + 1)) / 2**n)
    if p > 0.05 / (cells if corrected else 1):
        return "no difference"
    return "small" if (one > other) != swapped else "large"


def cells_by_fractions(small, large, cells):
    tell = [a for a, b in zip(small, large) if a != b]
    fewer = min(sum(tell), len(tell) - sum(tell))
    chance = sum(Fraction(math.comb(len(tell), i), 2 ** len(tell)) for i in range(fewer + 1)) * 2
    if min(chance, 1) * 20 * cells > 1:
        return "no difference"
    return ("large", "small")[sum(tell) > fewer]


def more_is_better(small, large, cells):
    return "no difference" if sum(small) == sum(large) else "small" if sum(small) > sum(large) else "large"


# Chapter 07


def above_uniform(correct, flops, uniform, *, cost=np.mean, start=(0.0, 0.0), flat=True):
    """By numpy's own interpolation."""
    points = [start, *map(tuple, uniform)] if start else [tuple(point) for point in uniform]
    x, y = zip(*points)
    if not flat and cost(flops) > x[-1]:
        return np.mean(correct) - y[-1] * cost(flops) / x[-1]
    return np.mean(correct) - np.interp(cost(flops), x, y)


def above_by_hand(correct, flops, uniform):
    cost, below = mean(flops), [0.0, 0.0]
    for point in uniform:
        if cost < point[0]:
            share = (cost - below[0]) / (point[0] - below[0])
            return mean(correct) - (1 - share) * below[1] - share * point[1]
        below = point
    return mean(correct) - below[1]


def step_below(correct, flops, uniform):
    """The last point that is no dearer, instead of a mix of two."""
    paid = [height for x, height in uniform if x <= mean(flops)]
    return mean(correct) - (paid[-1] if paid else 0.0)


def paid(wanted, budget, *, reserve=True, least=1, rest=True, checked=True):
    if checked and budget < len(wanted):
        raise ValueError("less than a generation for each problem")
    shares, left = [], budget
    for i, wish in enumerate(wanted):
        after = len(wanted) - i - 1 if reserve else 0
        last = i == len(wanted) - 1
        shares.append(left if last and rest else max(least, min(wish, left - after)))
        left -= shares[-1]
    return shares


def proportional(wanted, budget):
    if budget < len(wanted):
        raise ValueError("less than a generation for each problem")
    return [max(1, wish * budget // max(sum(wanted), 1)) for wish in wanted]


def on_hard(N, T=0, *, from_=0.7):
    """N chains of T revisions for what looks hard, as long as they can be paid."""

    def policy(difficulty, budget_left, problems_left):
        return [N, T] if difficulty >= from_ and budget_left >= N * (1 + T) else [0, 0]

    return policy


def rolling(difficulty, budget_left, problems_left):
    """What is left, shared by the hard problems that are still to be expected."""
    share = budget_left / max(1, 0.4 * problems_left)
    if difficulty < 0.7:
        return 0, 0
    return max((N for N in (0, 1, 2, 3, 4, 6) if min(share, budget_left) >= N), default=0), 0


# Chapter 08


def elected(answers, *, silent=False, key=lambda votes, a: (-votes[a], len(a), a)):
    votes = Counter(a for a in answers if a or silent)
    return min(votes, key=lambda a: key(votes, a), default="")


def found(samples, truths, *, of=lambda answers, truth: truth in answers, vote=elected, none=None):
    kept = [(answers, truth) for answers, truth in zip(samples, truths) if of(answers, truth)]
    if not kept:
        if none is not None:
            return none
        raise ValueError("nothing is covered")
    return sum(vote(answers) == truth for answers, truth in kept) / len(kept)


def found_by_loop(samples, truths):
    there = hits = 0
    for i in range(len(truths)):
        if samples[i].count(truths[i]) == 0:
            continue
        there += 1
        said = sorted({a for a in samples[i] if a}, key=lambda a: (-samples[i].count(a), len(a), a))
        hits += said[0] == truths[i]
    if there == 0:
        raise ValueError("none is covered")
    return hits / there


def value_of(answer, *, pattern=r"(-?)\$?([0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(\.[0-9]+|/[0-9]*[1-9][0-9]*)?", signed=True):
    match = re.fullmatch(pattern, answer)
    if not match:
        raise ValueError(answer)
    number = Fraction((match[2] + (match[3] or "")).replace(",", ""))
    return [(-1 if match[1] and signed else 1) * number.numerator, number.denominator]


def value_by_parts(answer):
    body = answer.removeprefix("-").removeprefix("$")
    over, slash, under = body.partition("/")
    whole, point, decimals = over.partition(".")
    groups = whole.split(",")
    thousands = len(groups) == 1 or (1 <= len(groups[0]) <= 3 and all(len(g) == 3 for g in groups[1:]))
    digits = [*groups, *([decimals] if point else []), *([under] if slash else [])]
    if not thousands or not all(d.isascii() and d.isdigit() for d in digits) or (slash and (point or int(under) == 0)):
        raise ValueError(answer)
    numerator, denominator = int("".join(groups) + decimals), 10 ** len(decimals) * int(under or 1)
    common = math.gcd(numerator, denominator)
    return (-numerator if answer[0] == "-" else numerator) // common, denominator // common


def value_by_float(answer):
    value_of(answer)
    over, _, under = answer.replace("$", "").replace(",", "").partition("/")
    number = Fraction(float(over)) / int(under or 1)
    return [number.numerator, number.denominator]


def unreduced(answer):
    value_of(answer)
    over, slash, under = answer.replace("$", "").replace(",", "").partition("/")
    return [int(over), int(under)] if slash else value_of(answer)


def evidence_of(differences, *, z=1.96, ddof=1, root=True, checked=True, verdict=None):
    n = len(differences)
    if n < 2:
        if checked:
            raise ValueError("too few problems")
        return "not seen"
    middle = sum(differences) / n
    spread = math.sqrt(sum((d - middle) ** 2 for d in differences) / (n - ddof))
    half = z * spread / (math.sqrt(n) if root else 1)
    return "holds" if middle - half > 0 else "reversed" if middle + half < 0 else "not seen"


def evidence_by_arrays(differences):
    if len(differences) < 2:
        raise ValueError("too few problems")
    d = np.array(differences, dtype=float)
    low, high = d.mean() + 1.96 * d.std(ddof=1) / np.sqrt(len(d)) * np.array([-1, 1])
    return ("reversed" if high < 0 else "not seen") if low <= 0 else "holds"


RULES = frozenset(("the rules", *LEVELS))
BEHIND = RULES - {"the rules"}


MISTAKES = {
    "1.1": [
        Mistake(
            "reads the prompt for each sample, shared or not",
            lambda p, t, ls, s: flops_by_pass(p, t, ls, False),
            "are read once for all",
        ),
        Mistake("shares the prompt always", lambda p, t, ls, s: flops_by_pass(p, t, ls, True), "times, "),
        Mistake(
            "feeds the last token too",
            lambda p, t, ls, s: 2 * p * ((1 if s else len(ls)) * t + sum(ls)),
            "written tokens are fed back",
        ),
        Mistake(
            "forgets the prompt", lambda p, t, ls, s: 2 * p * tokens_fed(0, ls, 1), "tokens of the prompt are read"
        ),
        Mistake("one FLOP a parameter", lambda p, t, ls, s: flops_by_pass(p, t, ls, s) / 2, "each costs 2 x"),
        Mistake("training's six FLOPs", lambda p, t, ls, s: 3 * flops_by_pass(p, t, ls, s), "each costs 2 x"),
        Mistake(
            "counts samples instead of their tokens",
            lambda p, t, ls, s: 2 * p * ((1 if s else len(ls)) * t + len(ls)),
            "are fed back",
        ),
    ],
    "1.2": [
        Mistake("the quotient of the sizes", lambda s, la, p, n: la // s, "writes each sample for"),
        Mistake(
            "reads the prompt for each sample",
            lambda s, la, p, n: la * (p + n - 1) // (s * (p + n - 1)),
            "reads the prompt for",
        ),
        Mistake("forgets the prompt", lambda s, la, p, n: la * (n - 1) // (s * (n - 1)), "one large pass costs"),
        Mistake(
            "rounds to the nearest",
            lambda s, la, p, n: max(0, round((la * (p + n - 1) - s * p) / (s * (n - 1)))),
            "one large pass costs",
        ),
        Mistake(
            "keeps the fraction",
            lambda s, la, p, n: max(0, (la * (p + n - 1) - s * p) / (s * (n - 1))),
            "not a whole number",
        ),
        Mistake("less than no sample", matched_unclipped, "does not even pay for reading the prompt"),
        Mistake("at least one sample", lambda s, la, p, n: max(1, matched_unclipped(s, la, p, n)), "0 is right"),
        Mistake(
            "feeds the last token too",
            lambda s, la, p, n: max(0, (la * (p + n) - s * p) // (s * n)),
            "one large pass costs",
        ),
        Mistake(
            "less than the price, not equal",
            lambda s, la, p, n: max(0, (la * (p + n - 1) - s * p - 1) // (s * (n - 1))),
            "pays for itself once",
        ),
    ],
    "1.3": [
        Mistake(
            "the ratio of sizes alone",
            lambda M, R, c: exchange(M, R, c) * 0 + M,
            "and k is 14 + 13 times that",
        ),
        Mistake(
            "one convention for both",
            lambda M, R, c: exchange(M, R, "arxiv" if c == "iclr" else c),
            "inference 4 N D_inf",
        ),
        Mistake("M for M - 1", lambda M, R, c: exchange(M, R, c) + 6 / ((2 if c == "arxiv" else 4) * R), "times that"),
        Mistake("multiplies by R", lambda M, R, c: exchange(M, 1 / R, c), "X / Y is"),
        Mistake("forgets the large model's inference", lambda M, R, c: exchange(M, R, c) - M, "times that"),
        Mistake("training at 2 N D", lambda M, R, c: exchange(M, R, c, training=2), "training costs 6 N D_pre"),
        Mistake("refuses nothing", refuses_nothing, "Raising ValueError is right"),
        Mistake(
            "refuses with None",
            lambda M, R, c: exchange(M, R, c) if c in ("arxiv", "iclr") and M >= 1 and R > 0 else None,
            "returned None. Raising ValueError is right",
        ),
    ],
    "1.4": [
        Mistake("the crossing itself", lambda *a: break_even_by_cases(*a, beyond=lambda q: q), "not a whole number"),
        Mistake("rounds down", lambda *a: break_even_by_cases(*a, beyond=math.floor), "each answer costs"),
        Mistake(
            "rounds up, so that a tie counts",
            lambda *a: break_even_by_cases(*a, beyond=math.ceil),
            "the bills are equal",
        ),
        Mistake("never said as 0", lambda *a: break_even_by_cases(*a) or 0, "None is right"),
        Mistake("divides before it looks", lambda *a: math.floor(crossing(*a)) + 1, "raised ZeroDivisionError"),
        Mistake("divides by the answer, not by the gain", price_for_gain, "each answer costs"),
        Mistake(
            "ignores the small model's training", lambda a, b, c, d: break_even_by_cases(0, b, c, d), "training costs"
        ),
        Mistake(
            "not below one question",
            lambda *a: None if break_even_by_cases(*a) is None else max(1, break_even_by_cases(*a)),
            "before the first question",
        ),
    ],
    "2.1": [
        Mistake("puts samples back", lambda n, c, k: 1 - (1 - c / n) ** k, "too low by", ALL),
        Mistake(
            "off by one: a factor too few", lambda n, c, k: by_product(n, c, k, k - 1), "every sample is right", ALL
        ),
        Mistake(
            "off by one: a factor too many", lambda n, c, k: by_product(n, c, k, k + 1), "raised ZeroDivision", ALL
        ),
        Mistake("off by one: k - 1 allowed", lambda n, c, k: exact(n, c, k - 1), "too low by", ALL),
        Mistake("overflow: float factorials", float_binomials, "overflows", {"n = 1000"}),
        Mistake("overflow: 64-bit binomials", integer_binomials, "overflows", {"n = 1000"}),
        Mistake(
            "ignores n - c < k",
            factorials_without_the_edge,
            "raised ValueError",
            ALL - {"small cases, counted by hand"},
        ),
        Mistake(
            "no return if n - c < k", no_return_at_the_edge, "returned nothing", ALL - {"small cases, counted by hand"}
        ),
        Mistake("k times pass@1", lambda n, c, k: c / n * k, "not a number from 0 to 1", ALL),
        Mistake("k times pass@1, at most 1", lambda n, c, k: min(1.0, c / n * k), "hold a right one", ALL - {"edges"}),
        Mistake("all k wrong", lambda n, c, k: math.comb(n - c, k) / math.comb(n, k), "no sample is right", ALL),
        Mistake("all k right", lambda n, c, k: math.comb(c, k) / math.comb(n, k), "always hold a right one", ALL),
        Mistake("pass@1 for every k", lambda n, c, k: c / n, "too low by", ALL),
        Mistake("any right one is enough", lambda n, c, k: float(c > 0), "too high by", ALL),
        Mistake("in percent", lambda n, c, k: 100 * exact(n, c, k), "returned 100, not a number from 0 to 1", ALL),
        Mistake("rounded", lambda n, c, k: round(exact(n, c, k), 3), "returned 0.333. 0.3333 is right", ALL),
        Mistake(
            "single precision",
            lambda n, c, k: np.float32(exact(n, c, k)),
            "returned 0.333333343. 0.333333333 is right",
            ALL,
        ),
        Mistake("as text", lambda n, c, k: f"{exact(n, c, k)}", "not a number", ALL),
        Mistake("as a truth value", lambda n, c, k: n - c < k, "returned False, not a number", ALL),
        Mistake("always nan", lambda n, c, k: math.nan, "returned nan, not a number from 0 to 1", ALL),
    ],
    "2.2": [
        Mistake("a tie is right", lambda s, k: chance_of_a_vote(s, k, lambda v: v[0] == max(v)), "wins ties by lot"),
        Mistake(
            "a tie is wrong",
            lambda s, k: chance_of_a_vote(s, k, lambda v: v[0] == max(v) and v.count(v[0]) == 1),
            "wins ties by lot",
        ),
        Mistake(
            "every tie is a toss of a coin",
            lambda s, k: chance_of_a_vote(s, k, lambda v: (v[0] == max(v)) / min(2, v.count(v[0]))),
            "wins ties by lot",
            frozenset({"several wrong answers"}),
        ),
        Mistake(
            "more than half of the votes",
            lambda s, k: chance_of_a_vote(s, k, lambda v: 2 * v[0] > sum(v)),
            "alone in front with a chance of",
        ),
        Mistake(
            "the wrong answers are one",
            lambda s, k: chance_of_a_vote([s[0], 1 - s[0]], k),
            "alone in front with a chance of",
            frozenset({"several wrong answers"}),
        ),
        Mistake(
            "the commonest wrong answer alone",
            lambda s, k: chance_of_a_vote([s[0] / (pair := s[0] + max(s[1:], default=0)), 1 - s[0] / pair], k),
            "alone in front with a chance of",
        ),
        Mistake("one sample", lambda s, k: s[0], "alone in front with a chance of"),
        Mistake("coverage", lambda s, k: 1 - (1 - s[0]) ** k, "alone in front with a chance of"),
        Mistake(
            "all ways alike",
            lambda s, k: chance_of_a_vote(s, k, weigh=lambda drawn: len(s) ** -k),
            "a vote of one sample is right when the sample is",
        ),
        Mistake("the votes must be unanimous", lambda s, k: s[0] ** k, "alone in front with a chance of"),
    ],
    "2.3": [
        Mistake(
            "a lead that can be caught up",
            lambda a: decided(a, lambda lead, left, first, n: lead >= left),
            "can come",
        ),
        Mistake(
            "more than half of all", lambda a: decided(a, lambda lead, left, first, n: 2 * first > n), "the lead is"
        ),
        Mistake("one fewer to come", lambda a: decided(a, lambda lead, left, first, n: lead > left - 1), "can come"),
        Mistake("one more to come", lambda a: decided(a, lambda lead, left, first, n: lead > left + 1), "can come"),
        Mistake(
            "votes instead of the lead", lambda a: decided(a, lambda lead, left, first, n: first > left), "the lead is"
        ),
        Mistake("a missing answer votes", lambda a: decided(a, silent="nobody"), "can come"),
        Mistake(
            "a missing answer is no sample",
            lambda a: decided([x for x in a if x is not None] or a),
            "can come",
            frozenset({"samples without an answer"}),
        ),
        Mistake("forgets answers that nobody gave yet", decided_between_two, "the lead is 1 and 1 can come"),
        Mistake("looks at what is to come", last_change_of_leader, "can come"),
        Mistake("counts from 0", lambda a: decided(a) - 1, "can come"),
        Mistake(
            "decides nothing of nothing",
            lambda a: decided(a) if a else 0,
            "a vote needs at least one sample",
            frozenset({"open to the end"}),
        ),
    ],
    "2.4": [
        Mistake(
            "the average rate for all", lambda r, t: first_n(r, t, lambda r, N: 1 - (1 - mean(r)) ** N), "mean coverage"
        ),
        Mistake(
            "above the target, not at it", lambda r, t: first_n(r, t, lambda r, N: covered(r, N) - 1e-12), "exactly"
        ),
        Mistake("one too many", lambda r, t: first_n(r, t) and first_n(r, t) + 1, "gives a mean coverage of"),
        Mistake("starts at 2", lambda r, t: first_n(r, t, start=2), "1 is right"),
        Mistake("starts at 0", lambda r, t: first_n(r, t) and first_n(r, t) - 1, "gives a mean coverage of"),
        Mistake("gives up after 20", lambda r, t: n if (n := first_n(r, t)) and n <= 20 else None, "returned nothing"),
        Mistake("stops at a limit instead of saying None", lambda r, t: first_n(r, t) or 5000, "None is right"),
        Mistake(
            "believes what a float rounds to 1",
            lambda r, t: first_n(r, t, reachable=False),
            "makes a coverage of 1 certain",
        ),
        Mistake(
            "the hardest problem decides",
            lambda r, t: first_n(r, t) and first_n([min(p for p in r if p)], t),
            "mean coverage",
        ),
    ],
    "3.1": [
        Mistake("ties go to the first seen", partial(vote_by, first_seen), "the shortest answer wins"),
        Mistake("ties go to the first text", partial(vote_by, by_text), "the shortest answer wins"),
        Mistake("ties go to the longest", partial(vote_by, longest), "the shortest answer wins"),
        Mistake("equal lengths go to the first seen", partial(vote_by, by_value), "first in the order of texts wins"),
        Mistake("a missing answer has a vote", vote_with_none, "has no vote"),
        Mistake("refuses when nobody votes", vote_that_fails_on_silence, "None is right: nobody votes"),
        Mistake(
            "an empty list has a winner, None",
            lambda a: vote_by_sorting(a) if a else None,
            "Raising ValueError is right",
        ),
        Mistake(
            "the number of votes",
            lambda a: max(votes_of(a).values()) if votes_of(a) else vote_by_sorting(a),
            "not a string",
        ),
        Mistake("the least common", lambda a: vote_by(lambda v, x, _: (v, len(x), x), a), "the votes are"),
    ],
    "3.2": [
        Mistake("the mean of the scores", mean_weights, "the votes are"),
        Mistake("the single best score", best_single, "the votes are"),
        Mistake(
            "ignores the scores",
            lambda a, s: vote_by_sorting(a) if len(a) == len(s) else vote_by_sorting(a, s),
            "the votes are",
        ),
        Mistake("a missing answer has a weight", as_none_text, "is right"),
        Mistake("ties go to the first seen", partial(vote_by, first_seen), "wins"),
        Mistake("ties go to the first text", partial(vote_by, by_text), "the shortest answer wins"),
        Mistake("leaves over what does not fit", unequal_lists, "one score for each solution"),
        Mistake(
            "a weight of 0 is no vote",
            lambda a, s: vote_by_sorting([x if y else None for x, y in zip(a, s)] if len(a) == len(s) else a, s),
            "all weights are 0",
        ),
    ],
    "3.3": [
        Mistake("the mean, whatever is asked", lambda *a: best_text(*a, mean_for_all), "by 'last' the scores are"),
        Mistake("the sum for the mean", lambda *a: best_text(*a, sum_for_mean), "by 'mean' the scores are"),
        Mistake("the first step for the last", lambda *a: best_text(*a, first_step), "by 'last' the scores are"),
        Mistake("the product of nothing is 1", lambda *a: best_text(*a, product_of_none), "by 'prod' the scores are"),
        Mistake("fails without steps, takes any aggregate", lambda *a: best_text(*a, no_empty), "raised IndexError"),
        Mistake("ties go to the first drawn", first_best, "the first text in alphabetical order is taken"),
        Mistake("ties go to the last text", last_best, "the first text in alphabetical order is taken"),
        Mistake("the place of the best", lambda t, s, a: t.index(best_text(t, s, a)), "not a string"),
        Mistake("the worst", lambda t, s, a: best_text(t, s, a, lambda x, h: -aggregate_of(x, h)), "the scores are"),
    ],
    "3.4": [
        Mistake("continues what is finished", lambda *a: beams(*a, ended=True), "are unfinished"),
        Mistake("gives the places of the finished away", lambda *a: beams(*a, wide=True), "are unfinished"),
        Mistake("rounds the beams down", lambda *a: beams(*a, ceil=False), "as long as there are places"),
        Mistake("more than there are places", lambda *a: beams(*a, cut=False), "as long as there are places"),
        Mistake("the worst first", lambda *a: beams(*a, key=lambda p: (p[0], p[1])), "the best"),
        Mistake("equal scores in the order given", lambda *a: beams(*a, key=lambda p: -p[0]), "in alphabetical order"),
        Mistake(
            "equal scores in the other order",
            lambda *a: (
                beams(*a, key=lambda p: (p[0], p[1]), ended=False)[::-1]
                if False
                else beams(*a, key=lambda p: (-p[0], [-ord(c) for c in p[1]]))
            ),
            "in alphabetical order",
        ),
        Mistake("goes round instead of staying", beams_in_rounds, "times each"),
        Mistake(
            "keeps M beams instead of U/M",
            lambda t, s, f, M: beams(t, s, f, max(1, -(-f.count(False) // M)))[: f.count(False)],
            "go on",
        ),
        Mistake("keeps the best once each", lambda t, s, f, M: beams(t, s, f, M)[::M], "times each"),
    ],
    "3.5": [
        Mistake("all solutions in one pool", auc_of_the_pool, "pairs in problem 2"),
        Mistake("all pairs weigh the same", auc_over_all_pairs, "pairs in problem 2"),
        Mistake("a tie counts nothing", lambda s, c: auc_by_pairs(s, c, 0), "a tie"),
        Mistake("a tie counts in full", lambda s, c: auc_by_pairs(s, c, 1), "a tie"),
        Mistake("problems without a pair count one half", auc_with_half_for_none, "are left out"),
        Mistake("right and wrong exchanged", lambda s, c: 1 - auc_by_pairs(s, c), "is ahead of the one wrong one"),
        Mistake("whether the best is right", share_on_top, "is ahead in"),
        Mistake(
            "nan for no pair",
            lambda s, c: auc_by_pairs(s, c) if any(len(set(r)) == 2 for r in c) else math.nan,
            "Raising ValueError is right",
        ),
    ],
    "4.1": [
        Mistake("the last one", lambda f, r, s, T: walk(f, r, T)[-1], "the chain is"),
        Mistake("revises the best, not the newest", revises_the_best, "the chain is"),
        Mistake("forgets the first", forgets_the_first, "the chain is"),
        Mistake("one revision too few", lambda f, r, s, T: kept_on_the_way(f, r, s, max(T - 1, 0)), "the chain is"),
        Mistake("one revision too many", lambda f, r, s, T: kept_on_the_way(f, r, s, T + 1), "no revision is made"),
        Mistake(
            "of equal scores the latest",
            lambda *a: kept_on_the_way(*a, better=lambda new, old: new >= old),
            "the earliest is kept",
        ),
        Mistake("of equal scores the lowest number", lowest_number, "the earliest is kept"),
        Mistake("the score, not the attempt", lambda f, r, s, T: s[kept_on_the_way(f, r, s, T)], "not a whole number"),
        Mistake("the best of all, reached or not", lambda f, r, s, T: s.index(max(s)), "there is only the first"),
        Mistake(
            "the place in the chain", lambda f, r, s, T: walk(f, r, T).index(kept_on_the_way(f, r, s, T)), "is right"
        ),
    ],
    "4.2": [
        Mistake("all attempts", lambda a, n: context_by(lambda a, t, n: a[:t], a, n), "reads the 4 attempts before it"),
        Mistake("the first ones", lambda a, n: context_by(lambda a, t, n: a[:t][:n], a, n), "the last reads"),
        Mistake(
            "a limit of 0 reads all", lambda a, n: context_by(lambda a, t, n: a[:t][-n:], a, n), "with a limit of 0"
        ),
        Mistake("a start below 0", lambda a, n: context_by(lambda a, t, n: a[t - n : t], a, n), "oldest first"),
        Mistake(
            "newest first", lambda a, n: context_by(lambda a, t, n: a[max(0, t - n) : t][::-1], a, n), "oldest first"
        ),
        Mistake(
            "reads itself", lambda a, n: context_by(lambda a, t, n: a[max(0, t + 1 - n) : t + 1], a, n), "before it"
        ),
        Mistake(
            "one for the first attempt too",
            lambda a, n: context_by(lambda a, t, n: a[max(0, t - n) : t], a, n, lambda m: range(m)),
            "has no revision",
        ),
        Mistake(
            "the last revision's only",
            lambda a, n: context_by(lambda a, t, n: a[max(0, t - n) : t], a, n)[-1:],
            "each revision reads",
        ),
        Mistake("any limit", lambda a, n: [a[max(0, t - n) : t] for t in range(1, len(a))], "a limit is 0 or more"),
    ],
    "4.3": [
        Mistake("of all revisions", lambda c: flip_share(c, of=lambda c: len(flips(c))), "right attempts were revised"),
        Mistake(
            "of all right attempts",
            lambda c: flip_share(c, of=lambda c: sum(map(sum, c))),
            "right attempts were revised",
        ),
        Mistake("of all chains", lambda c: flip_share(c, of=len), "right attempts were revised"),
        Mistake(
            "wrong ones turned right",
            lambda c: flip_share(c, turned=lambda c: [b and not a for x in c for a, b in pairwise(x)]),
            "turned wrong",
        ),
        Mistake("the share that stays right", lambda c: 1 - flip_share(c), "turned wrong"),
        Mistake("the mean of the chains' shares", share_chain_by_chain, "of the revisions are wrong"),
        Mistake(
            "the first against the last",
            lambda c: flip_share([[x[0], x[-1]] for x in c if len(x) > 1]),
            "of the revisions are wrong",
        ),
        Mistake("0 where nothing could be turned", zero_for_none, "Raising ValueError is right"),
    ],
    "4.4": [
        Mistake("one vote over all attempts", all_at_once, "the chains give"),
        Mistake("the best attempt of all", best_overall, "the chains give"),
        Mistake(
            "the last attempt of each chain",
            lambda a, s: hierarchical(a, s, lambda said, given: (said[-1], given[-1])),
            "the chains give",
        ),
        Mistake("each chain one vote", lambda a, s: hierarchical(a, s, weight=lambda _: 1), "the sums are"),
        Mistake(
            "within a chain the latest of equals",
            lambda a, s: hierarchical(a, s, lambda x, y: chain_winner(x, y, lambda new, old: new >= old)),
            "the earlier is taken",
        ),
        Mistake(
            "within a chain the lower text of equals",
            lambda a, s: hierarchical(a, s, lambda x, y: min(zip(x, y), key=lambda p: (-p[1], p[0]))),
            "the earlier is taken",
        ),
        Mistake(
            "of equal sums the first chain",
            lambda a, s: hierarchical(a, s, key=lambda total, _: -total),
            "of equal sums",
        ),
        Mistake(
            "of equal sums the first text",
            lambda a, s: hierarchical(a, s, key=lambda total, x: (-total, x)),
            "the shorter answer wins",
        ),
        Mistake(
            "a chain's sum behind its best answer",
            lambda a, s: hierarchical(a, s, lambda x, y: (chain_winner(x, y)[0], sum(y))),
            "the chains give",
        ),
    ],
    "5.1": [
        Mistake("hardest first", lambda s, b: bins_by_rank(s, b, lambda row: -mean(row)), "ranks counted from 0"),
        Mistake("the first score alone", lambda s, b: bins_by_rank(s, b, lambda row: row[0]), "the difficulties are"),
        Mistake("the best score", lambda s, b: bins_by_rank(s, b, max), "the difficulties are"),
        Mistake("equal ranges of difficulty", equal_ranges, "rank r of"),
        Mistake("in the order of rank, not of the problems", in_order_of_rank, "the difficulties are"),
        Mistake("groups from 1", lambda s, b: [1 + g for g in bins_by_rank(s, b)], "is in the first group"),
        Mistake(
            "equal difficulties from behind", lambda s, b: bins_by_rank(s, b, ties=lambda i: -i), "keep their order"
        ),
        Mistake(
            "the last group takes the rest",
            lambda s, b: bins_by_rank(s, b, group=lambda r, b, n: min(r // max(1, n // b), b - 1)),
            "is in group r x",
        ),
    ],
    "5.2": [
        Mistake("0.3 is easy, 0.7 is middle", lambda d, b: lesson(d, b, inclusive=True), "from 0.3 to below 0.7"),
        Mistake("easy and hard exchanged", lambda d, b: lesson(1 - d, b), "N = budget and T = 0"),
        Mistake("rounds the root", rounded_root, "int(sqrt("),
        Mistake("counts T from 1", lambda d, b: [lesson(d, b)[0], lesson(d, b)[1] + 1], "is right"),
        Mistake("T in fractions", true_division, "not two whole numbers, [N, T]"),
        Mistake("refuses nothing", never_refuses, "Raising ValueError is right"),
        Mistake("accepts a budget of 1", lambda d, b: lesson(d, b, least=1), "no answer for a budget below 2"),
        Mistake(
            "all revision when hard",
            lambda d, b: lesson(d, b) if d < 0.7 or b < 2 else [1, b - 1],
            "from 0.7 on N is 2",
        ),
        Mistake("T first", lambda d, b: lesson(d, b)[::-1], "is right"),
    ],
    "5.3": [
        Mistake(
            "ignores the budget",
            lambda a, c, b: fitted_within(a, c, b, lambda cost, b: min(c) <= b),
            "pays for strategies",
        ),
        Mistake(
            "less than the budget, not equal",
            lambda a, c, b: fitted_within(a, c, b, lambda cost, b: cost < b),
            "is right",
        ),
        Mistake(
            "of equally good ones the first",
            lambda *a: fitted_by_loop(*a, better=lambda new, old: new[0] > old[0]),
            "the cheapest is taken",
        ),
        Mistake(
            "of equally good ones the last",
            lambda *a: fitted_by_loop(*a, better=lambda new, old: new[0] >= old[0]),
            "the cheapest is taken",
        ),
        Mistake("one strategy for all groups", fitted_to_the_average, "whose best accuracies are"),
        Mistake("renumbers the strategies", renumbered, "pays for strategies"),
        Mistake("most accuracy for the price", value_for_money, "whose best accuracies are"),
        Mistake(
            "the dearest that can be paid",
            lambda a, c, b: fitted_within([[0.5 + x / 1000 for x in c] for _ in a], c, b, lambda x, b: x <= b),
            "whose best accuracies are",
        ),
        Mistake(
            "the accuracies themselves",
            lambda a, c, b: [row[s] for row, s in zip(a, fitted_by_loop(a, c, b))],
            "not a list of whole numbers",
        ),
        Mistake(
            "0 where nothing can be paid",
            lambda a, c, b: fitted_by_loop(a, c, b) if min(c) <= b else [0] * len(a),
            "pays for no strategy",
        ),
    ],
    "5.4": [
        Mistake("b - a", lambda a, b, r: interval(b, a, r), "every difference is 1"),
        Mistake("draws a and b apart", interval_unpaired, "every difference is 0"),
        Mistake(
            "resamples a alone", lambda a, b, r: interval(a, b, r, of_b=lambda _: mean(b)), "every difference is 0"
        ),
        Mistake(
            "the interval of a",
            lambda a, b, r: [mean(a) - mean(b), *interval(a, [0] * len(a), r)[1:]],
            "every difference is 0",
        ),
        Mistake("the normal's interval", interval_by_the_normal, "the differences are"),
        Mistake("a 90% interval", lambda a, b, r: interval(a, b, r, cut=lambda R: (R - 1) // 20), "are the ends"),
        Mistake("the smallest and the largest", lambda a, b, r: interval(a, b, r, cut=lambda R: 0), "are the ends"),
        Mistake("the mean of the resamples", lambda a, b, r: interval(a, b, r, centre=mean), "the differences are"),
        Mistake(
            "does not sort",
            lambda a, b, r: (
                [mean(a) - mean(b)]
                + [mean([a[i] - b[i] for i in r[k]]) for k in ((len(r) - 1) // 40, -1 - (len(r) - 1) // 40)]
            ),
            "sorted means",
        ),
        Mistake("the mean alone", lambda a, b, r: mean(a) - mean(b), "not three numbers"),
    ],
    "5.5": [
        Mistake(
            "to the lowest accuracy",
            lambda a, b: handed_out(a, b, lambda row, n: -row[n], stop=False),
            "handed out from the largest down",
        ),
        Mistake(
            "to the highest accuracy next",
            lambda a, b: handed_out(a, b, lambda row, n: row[n + 1]),
            "handed out from the largest down",
        ),
        Mistake("evenly", evenly, "handed out from the largest down"),
        Mistake("one problem after the other", one_after_the_other, "handed out from the largest down"),
        Mistake("spends where nobody gains", lambda a, b: handed_out(a, b, stop=False), "which nobody gains from"),
        Mistake(
            "looks past the end of a list", lambda a, b: handed_out(a, b, stop=False, ends=False), "raised IndexError"
        ),
        Mistake(
            "of equal gains the last problem",
            lambda a, b: handed_out(a, b, last=True),
            "the first problem gets the generation",
        ),
        Mistake("the accuracies themselves", accuracy_instead_of_generations, "not a list of whole numbers"),
        Mistake(
            "gains measured from the start",
            lambda a, b: handed_out(a, b, lambda row, n: row[n + 1] - row[0]),
            "handed out from the largest down",
        ),
    ],
    "6.1": [
        Mistake("the next cheaper budget", lambda c, a, x: mixed(c, a, x, share=lambda *_: 0), "lies between"),
        Mistake("the next dearer budget", lambda c, a, x: mixed(c, a, x, share=lambda *_: 1), "lies between"),
        Mistake("half of each", lambda c, a, x: mixed(c, a, x, share=lambda *_: 0.5), "lies between"),
        Mistake(
            "shares swapped",
            lambda c, a, x: mixed(c, a, x, share=lambda x, low, high: (high - x) / (high - low)),
            "lies between",
        ),
        Mistake(
            "along the logarithm of the cost",
            lambda c, a, x: mixed(c, a, x, share=lambda x, low, high: math.log(x / low) / math.log(high / low)),
            "lies between",
        ),
        Mistake("goes on outside the budgets", lambda *case: mixed(*case, refuses=False), "no mix is as"),
        Mistake("the end outside the budgets", lambda c, a, x: np.interp(x, c, a), "no mix is as"),
    ],
    "6.2": [
        Mistake(
            "keeps what is as good and dearer",
            lambda c, a: frontier_walk(c, a, keep=lambda new, last, best: new >= best),
            "each is kept that solves more",
        ),
        Mistake(
            "compares with the one before alone",
            lambda c, a: frontier_walk(c, a, keep=lambda new, last, best: new > last),
            "each is kept that solves more",
        ),
        Mistake("in the order given", lambda c, a: sorted(frontier_walk(c, a)), "from the cheapest up"),
        Mistake("their costs", lambda c, a: [c[i] for i in frontier_walk(c, a)], "from the cheapest up"),
        Mistake("only what no mix beats", upper_hull, "each is kept that solves more"),
        Mistake("everything by cost", lambda c, a: sorted(range(len(c)), key=lambda i: c[i]), "each is kept that"),
        Mistake(
            "of equal costs the worse one too",
            lambda c, a: frontier_walk(c, a, key=lambda i: (c[i], a[i])),
            "each is kept that solves more",
        ),
    ],
    "6.3": [
        Mistake(
            "no training",
            lambda *case: payable_best(*case, bill=lambda q, training, cost: q * cost),
            "in all the large",
        ),
        Mistake(
            "training with every query",
            lambda *case: payable_best(*case, bill=lambda q, training, cost: q * (training + cost)),
            "in all the large",
        ),
        Mistake(
            "the small model's training is free",
            lambda q, large, small, c, a: payable_best(q, large, 0, c, a),
            "in all the large",
        ),
        Mistake("less, not no more", lambda *case: payable_best(*case, pays=lambda b, t: b < t), "in all the large"),
        Mistake("the dearest it can pay", lambda *case: payable_best(*case, key=lambda a, c: -c), "in all the large"),
        Mistake(
            "of equally accurate ones the first", lambda *case: payable_best(*case, key=lambda a, c: -a), "cheapest"
        ),
        Mistake(
            "the best of all where none can be paid",
            lambda q, large, small, c, a: (
                payable_by_loop(q, large, small, c, a)
                if small + q * min(c) <= large[0] + q * large[1]
                else a.index(max(a))
            ),
            "costs more than the large one does in all",
        ),
        Mistake("the accuracy itself", lambda *case: case[-1][payable_by_loop(*case)], "not a whole number"),
    ],
    "6.4": [
        Mistake("no correction", lambda *case: cells_of(*case, corrected=False), "to be compared with 0.05"),
        Mistake("one direction", lambda *case: cells_of(*case, tails=1), "split as uneven would have"),
        Mistake(
            "all problems count", lambda *case: cells_of(*case, everything=True), "are solved by the small model alone"
        ),
        Mistake(
            "the winners swapped", lambda *case: cells_of(*case, swapped=True), "are solved by the small model alone"
        ),
        Mistake("whoever has more", more_is_better, "split as uneven would have"),
        Mistake(
            "a tenth more is better",
            lambda a, b, n: more_is_better(a, b, n) if abs(sum(a) - sum(b)) > 0.1 * len(a) else "no difference",
            "split as uneven would have",
        ),
        Mistake("a probability", lambda small, large, cells: sum(small) / len(small), "not a string"),
    ],
    "7.1": [
        Mistake("accuracy alone", lambda c, f, u: mean(c), "and uniform sampling solves"),
        Mistake("accuracy for each FLOP", lambda c, f, u: mean(c) / mean(f), "and uniform sampling solves"),
        Mistake("the other way round", lambda c, f, u: -above_uniform(c, f, u), "and uniform sampling solves"),
        Mistake(
            "all the FLOPs, not their mean", lambda c, f, u: above_uniform(c, f, u, cost=np.sum), "FLOPs per problem"
        ),
        Mistake("a step in place of a line", step_below, "and uniform sampling solves"),
        Mistake(
            "level below the first point",
            lambda c, f, u: above_uniform(c, f, u, start=None),
            "solves 0",
            frozenset({"cheaper than all, dearer than all"}),
        ),
        Mistake(
            "goes on rising beyond the last point",
            lambda c, f, u: above_uniform(c, f, u, flat=False),
            "for as many",
            frozenset({"cheaper than all, dearer than all"}),
        ),
    ],
    "7.2": [
        Mistake("what is wanted", lambda w, b: list(w), "the last gets the rest"),
        Mistake(
            "leaves nothing for those to come", lambda w, b: paid(w, b, reserve=False), "is left for every problem"
        ),
        Mistake("nothing where nothing is wanted", lambda w, b: paid(w, b, least=0), "at least 1"),
        Mistake("keeps what is left over", lambda w, b: paid(w, b, rest=False), "the last gets the rest"),
        Mistake("a share of the budget", proportional, "the last gets the rest"),
        Mistake("any budget will do", lambda w, b: paid(w, b, checked=False), "need a generation each"),
    ],
    "7.3": [
        Mistake("asks for more than is left", lambda d, left, n: [32, 0], "generations, and", RULES),
        Mistake("looks at no budget", lambda d, left, n: [4, 0] if d > 0.7 else [0, 0], "0 are left", RULES),
        Mistake("a split that is not recorded", lambda d, left, n: [5, 0], "N is one of", RULES),
        Mistake(
            "revisions before samples",
            lambda d, left, n: on_hard(16, 0, from_=0)(d, left, n)[::-1],
            "T is one of",
            RULES,
        ),
        Mistake("one number", lambda d, left, n: 4, "not two whole numbers", RULES),
        Mistake("a negative number of samples", lambda d, left, n: [-1, 0], "N=-1 with T=0 is not recorded", RULES),
        *[
            Mistake(name, policy, "above uniform sampling for the same FLOPs", BEHIND)
            for name, policy in {
                "never spends": lambda d, left, n: [0, 0],
                "the chapter's player": on_hard(8),
                "16 for what looks hard, as long as they last": on_hard(16),
                "12 for what looks hard": on_hard(12, from_=0.5),
                "4 chains of 2": on_hard(4, 1),
                "spends on what looks easy": lambda d, left, n: on_hard(4, from_=0.95)(1 - d, left, n),
                "gives up what looks hard": lambda d, left, n: on_hard(16, from_=0.05)(d if d < 0.9 else 0.0, left, n),
                "first come, first served": on_hard(32, from_=0.0),
                "the lesson's rule": lambda d, left, n: [0, 0] if left < 2 else [1, 1] if 0.3 <= d < 0.7 else [2, 0],
                "one for each": on_hard(1, from_=0.0),
                "2 for each": on_hard(2, from_=0.0),
                "what is left, shared by all": lambda d, left, n: (
                    [left // n, 0] if left // n in (1, 2, 3, 4) else [0, 0]
                ),
                "everything at once": lambda d, left, n: [32, 0] if left >= 32 else [0, 0],
            }.items()
        ],
    ],
    "8.1": [
        Mistake(
            "of all problems", lambda s, t: found(s, t, of=lambda a, x: any(x in y for y in s)), "have a right answer"
        ),
        Mistake(
            "the share that is covered",
            lambda s, t: float(np.mean([x in a for a, x in zip(s, t)])),
            "have a right answer",
        ),
        Mistake("lets the silent vote", partial(found, vote=partial(elected, silent=True)), "the votes there are"),
        Mistake(
            "of equal votes the first drawn",
            partial(found, vote=lambda a: Counter(x for x in a if x).most_common(1)[0][0]),
            "the votes there are",
        ),
        Mistake(
            "of equal votes the first text",
            partial(found, vote=partial(elected, key=lambda v, a: (-v[a], a))),
            "the votes there are",
        ),
        Mistake("0 where nothing is covered", partial(found, none=0.0), "ValueError"),
    ],
    "8.2": [
        Mistake("through a float", value_by_float, "in lowest terms"),
        Mistake("takes every comma out", lambda a: value_of(re.sub(r"(?<=\d),(?=\d)", "", a)), "is no number"),
        Mistake("knows no dollars", partial(value_of, pattern=r"(-?)([\d,]+)(\.\d+|/0*[1-9]\d*)?"), "currency"),
        Mistake("loses the sign", partial(value_of, signed=False), "in lowest terms"),
        Mistake("does not reduce", unreduced, "in lowest terms"),
        Mistake("finds a number anywhere", lambda a: value_of(re.search(r"-?\$?[\d,./]*\d|$", a)[0]), "is no number"),
    ],
    "8.3": [
        Mistake("by the mean alone", partial(evidence_of, z=0), "have the interval"),
        Mistake("the spread of problems, not of the mean", partial(evidence_of, root=False), "have the interval"),
        Mistake("the standard deviation over n", partial(evidence_of, ddof=0), "have the interval"),
        Mistake("2 for 1.96", partial(evidence_of, z=2.0), "have the interval"),
        Mistake("no interval of two problems", lambda d: evidence_of(d if len(d) > 2 else [1]), "two are enough"),
        Mistake("one side of the interval", partial(evidence_of, z=1.645), "have the interval"),
        Mistake("three standard errors", partial(evidence_of, z=3), "have the interval"),
        Mistake(
            "no claim is ever reversed", lambda d: evidence_of(d).replace("reversed", "not seen"), "have the interval"
        ),
        Mistake("not seen where there is nothing", partial(evidence_of, checked=False), "ValueError"),
    ],
}

RIGHT: dict[str, dict[str, Callable[..., Any]]] = {
    "1.1": {
        "pass by pass": flops_by_pass,
        "a float": lambda p, t, ls, s: 2.0 * p * tokens_fed(t, ls, 1 if s else len(ls)),
        "numpy": lambda p, t, ls, s: 2 * p * (t * (1 if s else len(ls)) + (np.array(ls) - 1).sum()),
    },
    "1.2": {
        "one more as long as it can be paid": matched_by_trying,
        "at least 0": lambda *a: max(matched_unclipped(*a), 0),
    },
    "1.3": {
        "both bills set equal": exchange,
        "a table of conventions": lambda M, R, c: exchange(M, R, c) and M + (M - 1) * {"arxiv": 3, "iclr": 1.5}[c] / R,
    },
    "1.4": {
        "by cases": break_even_by_cases,
        "ceiling of a little more": lambda *a: break_even_by_cases(*a, beyond=lambda q: math.ceil(q + 1e-9)),
    },
    "2.1": {
        "whole numbers": exact,
        "product": lambda n, c, k: 1.0 if n - c < k else 1.0 - np.prod(1.0 - k / np.arange(n - c + 1, n + 1)),
        "product the other way": lambda n, c, k: by_product(n, c, k, k),
        "log-gamma": lambda n, c, k: (
            1.0
            if n - c < k
            else 1
            - math.exp(sum(s * math.lgamma(x + 1) for s, x in ((1, n - c), (1, n - k), (-1, n - c - k), (-1, n))))
        ),
        "fractions": lambda n, c, k: (
            1 - reduce(lambda m, i: m * Fraction(max(n - c - i, 0), n - i), range(k), Fraction(1))
        ),
        "numpy scalar": lambda n, c, k: np.float64(exact(n, c, k)),
        "numpy array of no dimensions": lambda n, c, k: np.array(exact(n, c, k)),
    },
    "2.2": {"all ways": chance_of_a_vote, "sample by sample": chance_by_counts},
    "2.3": {"the lead": decided, "rival by rival": decided_by_rivals},
    "2.4": {"a loop": first_n, "the chances of missing": first_n_by_misses},
    "3.1": {
        "sorting": vote_by_sorting,
        "a key": partial(vote_by, lambda votes, answer, _: (-votes, len(answer), answer)),
    },
    "3.2": {
        "sorting": vote_by_sorting,
        "a key": partial(vote_by, lambda votes, answer, _: (-votes, len(answer), answer)),
    },
    "3.3": {
        "the best score first": best_text,
        "sorts the texts first": lambda t, s, a: first_best(*map(list, zip(*sorted(zip(t, s)))), a),
    },
    "3.4": {"slices": beams, "place by place": beams_by_places},
    "3.5": {"pairs": auc_by_pairs, "numpy": auc_by_ranks},
    "4.1": {
        "on the way": kept_on_the_way,
        "the chain first": lambda f, r, s, T: max(walk(f, r, T), key=lambda i: s[i]),
    },
    "4.2": {
        "appending": context_by_appending,
        "slices": lambda a, n: context_by(lambda a, t, n: a[max(0, t - n) : t], a, n),
        "counted from the end": lambda a, n: context_by(lambda a, t, n: a[:t][-n:] if n else [], a, n),
    },
    "4.3": {"by index": flips_by_index, "two counts": flip_share},
    "4.4": {"a dictionary": hierarchical, "numpy": hierarchical_by_arrays},
    "5.1": {"ranks": bins_by_rank, "numpy": bins_by_arrays},
    "5.2": {
        "branches, a tuple": lesson,
        "numpy's root": lambda d, b: (
            [int(np.sqrt(b)), b // int(np.sqrt(b)) - 1] if 0.3 <= d < 0.7 and b > 1 else lesson(d, b)
        ),
    },
    "5.3": {
        "a loop": fitted_by_loop,
        "a key": lambda a, c, b: fitted_within(a, c, b, lambda cost, budget: cost <= budget),
    },
    "5.4": {"means of each": interval, "numpy's quantiles": interval_by_arrays},
    "5.5": {"one at a time": handed_out, "all gains sorted": handed_out_by_sorting},
    "6.1": {"shares": mixed, "numpy": mixed_by_arrays},
    "6.2": {"a walk": frontier_walk, "every pair": frontier_by_pairs},
    "6.3": {"bills": payable_best, "what is left": payable_by_loop},
    "6.4": {"floats": cells_of, "fractions": cells_by_fractions},
    "7.1": {"numpy": above_uniform, "by hand": above_by_hand},
    "7.2": {
        "a loop": paid,
        "from the end": lambda w, b: [*paid(w, b)[:-1], b - sum(paid(w, b)[:-1])],
    },
    "7.3": {
        "4 for what looks hard": on_hard(4),
        "4, as a tuple": lambda d, left, n: tuple(on_hard(4)(d, left, n)),
        "what is left, shared": rolling,
        "numpy": lambda d, left, n: np.array(on_hard(4)(d, left, n)),
    },
    "8.1": {"kept, then voted on": found, "a loop": found_by_loop},
    "8.2": {"a pattern": value_of, "piece by piece, a tuple": value_by_parts},
    "8.3": {"by hand": evidence_of, "numpy": evidence_by_arrays},
}
