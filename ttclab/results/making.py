"""Numbers of how the results are made: problems, draws, and what the models weigh."""

from inspect import signature

from ..estimators import bootstrap, majority
from .sampling import small_samples


def problems() -> int:
    """The number of test problems."""
    return len(small_samples().problems)


def bootstrap_draws() -> int:
    """The draws of an interval."""
    return int(signature(bootstrap).parameters["draws"].default)


def vote_draws() -> int:
    """The random subsets that the accuracy of a vote is averaged over."""
    return int(signature(majority).parameters["draws"].default)
