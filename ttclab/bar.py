"""A progress bar over what takes more than two seconds, where somebody is watching: in a terminal or a notebook."""

import sys

from tqdm import tqdm

DELAY = 2.0  # seconds in which nothing is shown


def bar(total: int, unit: str) -> "tqdm[None]":
    """A bar that is gone when it is done. The environment's TQDM_DISABLE=1 keeps it away."""
    watched = sys.stderr.isatty() or "ipykernel.kernelapp" in sys.modules
    shown = {} if watched else {"disable": True}
    return tqdm(total=total, unit=unit, delay=DELAY, leave=False, file=sys.stderr, **shown)
