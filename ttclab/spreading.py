"""A budget divided over a batch of problems, by what one more generation adds to each."""

from heapq import heapify, heappop, heappush

import numpy as np
from numpy.typing import ArrayLike, NDArray


def spread_budget(accuracy: ArrayLike, costs: ArrayLike, total: float) -> NDArray[np.intp]:
    """Divide a budget over a batch of problems by marginal gains (after Damani et al. 2024).

    Every problem starts with the first option. Then the problem with the largest gain for the cost moves to its next
    option on the upper convex hull, until no move is affordable.

    Parameters
    ----------
    accuracy : array of shape (problems, options)
        Expected accuracy of each option.
    costs : array of shape (options,)
        Cost of each option, ascending.
    total : float
        Budget of the batch.

    Returns
    -------
    array of int of shape (problems,)
        Index of the option for each problem.

    Raises
    ------
    ValueError
        If the shapes differ, the costs do not ascend, or the first option for all problems costs more than the total.
    """
    expected, prices = np.asarray(accuracy, dtype=float), np.asarray(costs, dtype=float)
    if expected.ndim != 2 or prices.shape != expected.shape[1:] or (np.diff(prices) <= 0).any():
        raise ValueError(f"accuracy must be (problems, options) with ascending costs, not {expected.shape}, {prices}")
    remaining = total - len(expected) * prices[0]
    if remaining < 0:
        raise ValueError(f"{len(expected)} problems cost at least {len(expected) * prices[0]:g}, more than {total:g}")
    chosen = np.zeros(len(expected), dtype=np.intp)
    moves = [_next_move(row, prices, 0) + (i,) for i, row in enumerate(expected)]
    heapify(moves)
    while moves:
        rate, option, i = heappop(moves)
        price = prices[option] - prices[chosen[i]] if rate < 0 else np.inf
        if price > remaining:
            continue  # too expensive, or no gain: this problem keeps its option
        remaining -= price
        chosen[i] = option
        heappush(moves, (*_next_move(expected[i], prices, option), i))
    return chosen


def _next_move(accuracy: NDArray[np.float64], costs: NDArray[np.float64], now: int) -> tuple[float, int]:
    """The more expensive option with the largest gain per cost, as (-gain, option); (0, now) without a gain."""
    rates = [(-(accuracy[o] - accuracy[now]) / (costs[o] - costs[now]), o) for o in range(now + 1, len(costs))]
    rate, option = min(rates, default=(0.0, now))
    return (float(rate), option) if rate < 0 else (0.0, now)
