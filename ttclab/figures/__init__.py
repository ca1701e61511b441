"""The figures of the book, one function each: a page shows it with the directive `{drawn} NAME`, a lab calls it.

Every function returns a `Drawing`: the figure, the finding as its title, a description and its numbers. All numbers
come from `ttclab.results`, and the words of a finding are chosen by them.
"""

from . import (  # each registers its figures
    diagrams_allocation as diagrams_allocation,
)
from . import (
    diagrams_course as diagrams_course,
)
from . import (
    diagrams_revision as diagrams_revision,
)
from . import (
    diagrams_search as diagrams_search,
)
from . import (
    diagrams_spending as diagrams_spending,
)
from . import (
    diagrams_verifiers as diagrams_verifiers,
)
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
