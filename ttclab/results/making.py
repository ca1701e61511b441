"""Numbers behind the results: test problems and random draws."""

from inspect import signature

from ..estimators import bootstrap, majority
from .sampling import small_samples


def problems() -> int:
    """The number of test problems."""
    return len(small_samples().problems)


def bootstrap_draws() -> int:
    """Bootstrap draws of an interval."""
    return int(signature(bootstrap).parameters["draws"].default)


def vote_draws() -> int:
    """Random subsets over which the accuracy of a vote is averaged."""
    return int(signature(majority).parameters["draws"].default)
