"""The figures of the book, one function each: a page shows it with the directive `{drawn} NAME`, a lab calls it.

Every function returns a `Drawing`: the figure, the finding as its title, a description and its numbers. All numbers
come from `ttclab.results`, and the words of a finding are chosen by them.
"""

from .drawing import FIGURES as FIGURES
from .drawing import Drawing as Drawing
from .verifiers import weighted_against_vote as weighted_against_vote


def draw(name: str) -> Drawing:
    """Draw the figure of a name.

    Raises
    ------
    ValueError
        If no figure has the name; the message names the ones there are.
    """
    if name not in FIGURES:
        raise ValueError(f"no figure is {name!r}; there are: {', '.join(sorted(FIGURES))}")
    return FIGURES[name]()
