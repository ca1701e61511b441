"""Valid arguments for each exercise, drawn without its checks: what two functions must agree on to be the same one.

Small numbers, few names and eighths, so that ties, boundaries and refusals come often and sums are exact.
"""

from collections.abc import Callable
from itertools import accumulate
from typing import Any

import numpy as np

Rng = np.random.Generator


def whole(rng: Rng, low: int, high: int) -> int:
    """Both ends can come."""
    return int(rng.integers(low, high + 1))


def several(rng: Rng, low: int, high: int, one: Callable[[], Any]) -> list[Any]:
    return [one() for _ in range(whole(rng, low, high))]


def eighth(rng: Rng) -> float:
    return whole(rng, 0, 8) / 8


def pick(rng: Rng, *values: Any) -> Any:
    return values[int(rng.integers(len(values)))]


def answers(rng: Rng, low: int, high: int, *pool: Any) -> list[Any]:
    return several(rng, low, high, lambda: pick(rng, "7", "9", "12", "31", "104", *pool))


def coin(rng: Rng, p: float = 0.5) -> bool:
    return bool(rng.random() < p)


def price(rng: Rng) -> tuple[Any, ...]:
    return whole(rng, 1, 60), whole(rng, 1, 9), several(rng, 1, 5, lambda: whole(rng, 1, 6)), coin(rng)


def sizes(rng: Rng) -> tuple[Any, ...]:
    return whole(rng, 1, 9), whole(rng, 1, pick(rng, 9, 99)), whole(rng, 1, 9), whole(rng, 2, 9)


def exchange(rng: Rng) -> tuple[Any, ...]:
    M, R = pick(rng, 0.5, 0.99, 1, 1.5, 2, 14, 70), pick(rng, -1, 0, 0.01, 0.16, 0.79, 1, 2, 22)
    return M, R, pick(rng, "arxiv", "iclr", "arxiv", "iclr", "icml", "")


def lives(rng: Rng) -> tuple[Any, ...]:
    return tuple(whole(rng, 0, pick(rng, 3, 9, 60)) for _ in range(4))


def draws(rng: Rng) -> tuple[Any, ...]:
    n = whole(rng, 1, 1000 if coin(rng, 0.01) else pick(rng, 4, 12, 30))
    return n, whole(rng, 0, n), whole(rng, 1, n)


def shares(rng: Rng) -> tuple[Any, ...]:
    """Eighths that make 1, of four answers at most."""
    cuts = sorted(several(rng, 0, 3, lambda: whole(rng, 0, 8)))
    return [(high - low) / 8 for low, high in zip([0, *cuts], [*cuts, 8])], whole(rng, 1, 4)


def drawn(rng: Rng) -> tuple[Any, ...]:
    return (several(rng, 0, 9, lambda: pick(rng, "7", "7", "7", "9", "12", None)),)


def target(rng: Rng) -> tuple[Any, ...]:
    chances = [pick(rng, 0.0, 1.0, whole(rng, 1, 15) / 16) for _ in range(pick(rng, 1, 2, 4))]
    return chances, pick(rng, 0.25, 0.5, 0.75, 1.0, whole(rng, 0, 100) / 100, whole(rng, 1, 15) / 16)


def weighted(rng: Rng) -> tuple[Any, ...]:
    said = answers(rng, 0, 7, None)
    return said, [eighth(rng) for _ in range(len(said) + pick(rng, 0, 0, 0, 0, 0, 0, 1, -1 if said else 0))]


def names(rng: Rng, size: int) -> list[str]:
    return [f"+{n}" for n in rng.choice(np.arange(2, 130), size=size, replace=False)]


def stepwise(rng: Rng) -> tuple[Any, ...]:
    size = whole(rng, 1, 5)
    steps = [several(rng, 0, 4, lambda: eighth(rng)) for _ in range(size)]
    return names(rng, size), steps, pick(rng, "last", "min", "prod", "mean", "last", "min", "prod", "mean", "max")


def beams(rng: Rng) -> tuple[Any, ...]:
    size = whole(rng, 1, 9)
    return names(rng, size), [eighth(rng) for _ in range(size)], [coin(rng, 0.3) for _ in range(size)], whole(rng, 1, 4)


def ranked(rng: Rng) -> tuple[Any, ...]:
    rows = several(rng, 1, 4, lambda: several(rng, 1, 6, lambda: eighth(rng)))
    return rows, [[coin(rng) for _ in row] for row in rows]


def chain(rng: Rng) -> tuple[Any, ...]:
    size = whole(rng, 1, 6)
    revisions = [whole(rng, 0, size - 1) for _ in range(size)]
    return whole(rng, 0, size - 1), revisions, [eighth(rng) for _ in range(size)], whole(rng, 0, 8)


def reading(rng: Rng) -> tuple[Any, ...]:
    return [f"={n}" for n in rng.integers(10, 99, size=whole(rng, 1, 7))], whole(rng, -2, 7)


def chains(rng: Rng) -> tuple[Any, ...]:
    return (several(rng, 0, 4, lambda: several(rng, 1, 5, lambda: coin(rng))),)


def elected(rng: Rng) -> tuple[Any, ...]:
    said = several(rng, 1, 4, lambda: answers(rng, 1, 4))
    return said, [[eighth(rng) for _ in row] for row in said]


def binned(rng: Rng) -> tuple[Any, ...]:
    length = pick(rng, 1, 2, 4)
    return several(rng, 1, 11, lambda: [eighth(rng) for _ in range(length)]), whole(rng, 1, 6)


def lesson(rng: Rng) -> tuple[Any, ...]:
    return pick(rng, 0.3, 0.7, 0.0, 1.0, whole(rng, -10, 110) / 100, whole(rng, 0, 100) / 100), whole(rng, -1, 70)


def table(rng: Rng) -> tuple[Any, ...]:
    strategies = whole(rng, 1, 5)
    rows = several(rng, 1, 4, lambda: [eighth(rng) for _ in range(strategies)])
    return rows, [whole(rng, 1, 9) for _ in range(strategies)], whole(rng, 0, 10)


def paired(rng: Rng) -> tuple[Any, ...]:
    size, number = whole(rng, 1, 6), pick(rng, 1, 41, 81, 121, 161)
    return *rng.integers(0, 2, size=(2, size)).tolist(), rng.integers(0, size, size=(number, size)).tolist()


def curves(rng: Rng) -> tuple[Any, ...]:
    def curve() -> list[float]:
        gains = sorted((whole(rng, 0, 4) / 32 for _ in range(whole(rng, 0, 5))), reverse=True)
        return list(accumulate([whole(rng, 0, 10) / 32, *gains]))

    return several(rng, 1, 4, curve), whole(rng, 0, 12)


def budgets(rng: Rng) -> tuple[Any, ...]:
    costs = sorted(rng.choice(np.arange(1, 30), size=whole(rng, 2, 5), replace=False).tolist())
    return costs, [eighth(rng) for _ in costs], pick(rng, *costs, whole(rng, 0, 31))


def strategies(rng: Rng) -> tuple[Any, ...]:
    size = whole(rng, 1, 6)
    return [whole(rng, 1, 6) for _ in range(size)], [eighth(rng) for _ in range(size)]


def totals(rng: Rng) -> tuple[Any, ...]:
    size, most = whole(rng, 1, 5), pick(rng, 9, 60)
    costs = [whole(rng, 1, 12) for _ in range(size)]
    return whole(rng, 1, 9), [whole(rng, 0, most), whole(rng, 1, 9)], whole(rng, 0, most), costs, [
        eighth(rng) for _ in range(size)
    ]  # fmt: skip


def outcomes(rng: Rng) -> tuple[Any, ...]:
    size, p, q = whole(rng, 1, 40), rng.random(), rng.random()
    return [int(coin(rng, p)) for _ in range(size)], [int(coin(rng, q)) for _ in range(size)], whole(rng, 1, 40)


def scored(rng: Rng) -> tuple[Any, ...]:
    size = whole(rng, 1, 5)
    points = [
        [float(x), eighth(rng)] for x in sorted(rng.choice(np.arange(1, 20), size=whole(rng, 1, 4), replace=False))
    ]
    return rng.integers(0, 2, size=size).tolist(), rng.integers(0, 25, size=size).tolist(), points


def wishes(rng: Rng) -> tuple[Any, ...]:
    return several(rng, 1, 6, lambda: whole(rng, 0, 8)), whole(rng, 0, 30)


def covered(rng: Rng) -> tuple[Any, ...]:
    samples = several(rng, 1, 4, lambda: answers(rng, 1, 6, "", ""))
    return samples, [pick(rng, *row, "7") or "12" for row in samples]


def written(rng: Rng) -> tuple[Any, ...]:
    """A number, or one with a sign too many, too few or in another place."""
    digits = str(whole(rng, 0, pick(rng, 9, 99, 9999)))
    text = pick(rng, digits, f"0{digits}", f"{int(digits):,}", f"{int(digits) * 1000:,}")
    text = pick(rng, "", "", "-") + pick(rng, "", "$") + text
    text += pick(rng, "", "", f".{whole(rng, 0, 120)}", f"/{whole(rng, 0, 30)}", f".{whole(rng, 0, 9)}0")
    for _ in range(pick(rng, 0, 0, 1, 2)):
        place, sign = whole(rng, 0, len(text)), pick(rng, *"-$,./0123 +e_a", "")
        text = text[:place] + sign + text[place + (not sign) :]
    return (text,)


def differences(rng: Rng) -> tuple[Any, ...]:
    """Often close to the edge: each size with few differences of one sign and fewer of the other."""
    size = whole(rng, 0, pick(rng, 3, 12, 60, 300))
    up = whole(rng, 0, min(size, 14))
    down = whole(rng, 0, min(size - up, 4))
    values = [1] * up + [-1] * down + [0] * (size - up - down)
    return (
        [pick(rng, 1, -1) * x for x in values] if coin(rng, 0.1) else [-x for x in values] if coin(rng) else values,
    )


INPUTS: dict[str, Callable[[Rng], tuple[Any, ...]]] = {
    "1.1": price, "1.2": sizes, "1.3": exchange, "1.4": lives,
    "2.1": draws, "2.2": shares, "2.3": drawn, "2.4": target,
    "3.1": lambda rng: (answers(rng, 0, 7, None),), "3.2": weighted, "3.3": stepwise, "3.4": beams, "3.5": ranked,
    "4.1": chain, "4.2": reading, "4.3": chains, "4.4": elected,
    "5.1": binned, "5.2": lesson, "5.3": table, "5.4": paired, "5.5": curves,
    "6.1": budgets, "6.2": strategies, "6.3": totals, "6.4": outcomes,
    "7.1": scored, "7.2": wishes,
    "8.1": covered, "8.2": written, "8.3": differences,
}  # fmt: skip
