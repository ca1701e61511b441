"""A figure of chapter 5: what it costs to solve about as many problems as a large vote."""

import pandas as pd

from ..allocator import Arm
from ..results import allocated, beam, stepwise, weighted
from ..results.families import of_all
from . import style
from .drawing import ALL_SEEDS, Drawing, drawn

ABOUT = 0.015  # accuracy within which two ways solve about as many problems


@drawn(ALL_SEEDS)
def price_of_a_large_vote() -> Drawing:
    """FLOPs of a vote of 64, and of other ways to solve about as many problems."""
    vote: tuple[str, Arm] = ("prm", of_all(lambda: weighted(64)))
    others: dict[str, tuple[str, Arm]] = {
        "full policy,\npredicted": ("optimal", of_all(lambda: allocated("whole", "predicted", 64))),
        "beam of 32": ("beam", of_all(lambda: beam(32))),
        "full policy,\nknown": ("optimal", of_all(lambda: allocated("whole", "oracle", 64))),
        "chain of 32": ("revision", of_all(lambda: stepwise(31))),
    }
    arms = {"vote of 64": vote, **others}
    figure, axes = style.new_axes(height=3.1)
    for place, (colour, arm) in enumerate(arms.values()):
        axes.barh(place, arm.cost, 0.6, color=style.COLOURS[colour], alpha=0.85, lw=0)
        axes.annotate(
            f"{style.amount(arm.cost)}, solves {float(arm.correct.mean()):.1%}", (arm.cost, place), xytext=(4, 0),
            textcoords="offset points", va="center_baseline", annotation_clip=False,
        )  # fmt: skip
    style.row_names(axes, list(arms))
    axes.set(xlim=(0, 1.65 * vote[1].cost), ylim=(len(arms) - 0.5, -0.5), xticks=[], xlabel="FLOPs per problem")
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)
    rivals = [arm for _, arm in others.values()]
    shares = [arm.cost / vote[1].cost for arm in rivals]
    near = all(abs(float(arm.correct.mean() - vote[1].correct.mean())) < ABOUT for arm in rivals)
    return Drawing(
        figure,
        f"Four ways {'solve about as many problems as' if near else 'beside'} a vote of 64 "
        f"{'for' if near else 'cost'} {min(shares):.0%} to {max(shares):.0%} of its FLOPs",
        f"The vote costs {style.amount(vote[1].cost)} FLOPs per problem, one chain {style.amount(rivals[-1].cost)}.",
        pd.DataFrame(
            [
                {
                    "": name.replace("\n", " "),
                    "FLOPs per problem": arm.cost,
                    "of the vote's": f"{arm.cost / vote[1].cost:.0%}",
                    "solved": arm.solved,
                    "minus the vote (points)": arm.minus(vote[1]),
                }
                for name, (_, arm) in arms.items()
            ]
        ),
        {"solved": ".1%", "minus the vote (points)": ".1p"},
    )
