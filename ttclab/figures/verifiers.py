"""Figures of chapter 3: what verifiers tell apart, and what searches do with them."""

import pandas as pd

from ..results import BUDGETS, coverage, vote, weighted
from . import charts
from .drawing import Drawing, drawn, verdict


@drawn
def weighted_against_vote() -> Drawing:
    """A vote weighted by the PRM, a plain vote and a perfect verifier, from 1 to 256 samples."""
    arms = {
        "perfect\nverifier": ("oracle", {N: coverage(N) for N in BUDGETS}),
        "weighted\nby the PRM": ("prm", {N: weighted(N) for N in BUDGETS}),
        "vote": ("majority", {N: vote(N) for N in BUDGETS}),
    }
    gain = weighted(16).minus(vote(16))
    later = vote(256).minus(vote(64))
    return Drawing(
        charts.curves({name: charts.series(*each) for name, each in arms.items()}, xlabel="samples"),
        f"A vote weighted by the PRM {verdict(gain)} a plain vote"
        + (", which has stopped rising" if later.sign <= 0 else ""),
        f"With 16 samples the weighted vote solves {weighted(16).solved:.0%}, the plain vote {vote(16).solved:.0%}.",
        pd.DataFrame(
            {
                "vote": [vote(N).solved for N in BUDGETS],
                "weighted by the PRM": [weighted(N).solved for N in BUDGETS],
                "perfect verifier": [coverage(N).solved for N in BUDGETS],
            },
            index=pd.Index(BUDGETS, name="samples"),
        ),
    )
