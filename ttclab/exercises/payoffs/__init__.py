"""What a solved exercise is good for: the learner's function at work on the recorded runs, drawn as a figure.

Every function here takes a learner's function and returns a `Drawing` whose marked curve or points are what that
function returned. An exercise names its own, as "sampling.coverage"; `draw` finds it. The modules need the figures and
the recorded runs, so they are imported only when an exercise is solved.
"""

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ttclab.figures import Drawing


def load(payoff: str) -> None:
    """Import what a payoff needs, which takes seconds the first time."""
    import_module(f"{__name__}.{payoff.split('.')[0]}")


def draw(payoff: str, function: Callable[..., Any]) -> "Drawing":
    """Draw a payoff, "module.name", with a learner's function."""
    module, name = payoff.split(".")
    drawn: Drawing = getattr(import_module(f"{__name__}.{module}"), name)(function)
    return drawn


def watched(payoff: str) -> dict[str, object] | None:
    """The state of the live search that shows what a payoff has drawn; None for a payoff that is only a figure."""
    module, name = payoff.split(".")
    found: dict[str, dict[str, object]] = getattr(import_module(f"{__name__}.{module}"), "WATCH", {})
    return found.get(name)
