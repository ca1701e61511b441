"""The graded exercises: `check` and `progress` for learners, and the grader for teachers (`ttclab grade`)."""

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from ttclab.exercises.chapters import allocation, arena, connections, question, results, revision, sampling, verifiers
from ttclab.exercises.exercise import VISIBLE_SEED, Exercise, Report
from ttclab.exercises.payoffs import draw, load, watched
from ttclab.exercises.progress import Progress
from ttclab.exercises.reply import Timed, reply

CHAPTERS = (question, sampling, verifiers, revision, allocation, results, arena, connections)
EXERCISES: dict[str, Exercise] = {exercise.id: exercise for chapter in CHAPTERS for exercise in chapter.EXERCISES}

HINT_AFTER = 2  # failed checks of an exercise
SECONDS = 10.0  # time limit of one call of a learner's function
WATCH_PAGE = "03-verifiers.html"  # the page of the book with the live search
DRAWING_SECONDS = 30.0  # time limit of a figure, which calls it often

_checked: dict[str, Report] = {}  # best report of each exercise in this kernel, ties go to the last
_failures: Counter[str] = Counter()  # failed checks of each exercise in this kernel


def check(exercise: str, function: Callable[..., Any]) -> None:
    """Run the checks of an exercise on your function, and print the results and the next step.

    Nothing is raised except on an interrupt, so that an unsolved notebook runs to its end. A call that takes longer
    than SECONDS is stopped if the system supports it. The hint is shown from the second failure on.
    In a notebook, a figure that the function draws from the recorded runs follows a pass.

    Parameters
    ----------
    exercise : str
        Number of the exercise, such as "2.1".
    function : callable
        Your function itself, not its result.
    """
    known = EXERCISES.get(str(exercise))
    if known is None:
        print(f"There is no exercise {exercise}. There are: {', '.join(EXERCISES)}.")
    elif not callable(function):
        print(f'Give check the function itself, no brackets after its name: check("{known.id}", {known.function}).')
    else:
        report, before = known.assess(Timed(function, SECONDS), VISIBLE_SEED), _checked.get(known.id)
        _failures[known.id] += bool(report.findings) and not report.solved
        _say(str(replace(report, hinted=_failures[known.id] >= HINT_AFTER)))
        if before and before.points > report.points:
            print(f"  An earlier try earned {before.points} points, and they stay. A teacher grades what you hand in.")
        else:
            _checked[known.id] = report
        if report.points and known.payoff and _in_notebook():
            _show_payoff(known, function)


def _say(text: str) -> None:
    """Print a text that may contain characters that the terminal cannot show."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding))


def _in_notebook() -> bool:
    """Whether there is a kernel that can show a figure."""
    ipython = sys.modules.get("IPython")
    return bool(ipython and getattr(ipython.get_ipython(), "kernel", None))


def _show_payoff(exercise: Exercise, function: Callable[..., Any]) -> None:
    """Put a function that has passed to work on the recorded runs. What goes wrong here costs no points."""
    drawings: list[Any] = []
    answer = reply(load, [exercise.payoff])  # without a limit: an import that is cut short would fail for good
    if "raised" not in answer:
        answer = Timed(lambda: drawings.append(draw(exercise.payoff, function)), DRAWING_SECONDS)([])
    if drawings:
        from IPython.display import display

        display(drawings[0])
        if state := watched(exercise.payoff):
            _show_live(state)
    else:
        _say(f"  The figure on the recorded runs could not be drawn: {answer.get('raised', 'nothing was returned')}.")


def _show_live(state: dict[str, Any]) -> None:
    """Show the search that a learner's function has just run in the live search, which runs it in the browser."""
    from IPython.display import display

    from ttclab.explorables import Explorable

    query = urlencode({f"watch_search.{key}": value for key, value in state.items()})
    _say(
        "  Below, the same search runs in your browser. Press Next, and at every step compare what Beam search keeps\n"
        "  with the diamonds above. Then change the problem, N or M. The book shows the same search in chapter 3, at\n"
        f"  {WATCH_PAGE}?{query}#explorable-watch_search"
    )
    display(Explorable("watch_search", state=state))


def progress() -> Progress:
    """Progress in the chapters whose checks have run since the kernel started: exercises done, points, next exercise.

    The last cell of a notebook shows it. The best check of each exercise counts; nothing is written to a file.
    """
    chapters = {name.split(".")[0] for name in _checked}
    exercises = [exercise for name, exercise in EXERCISES.items() if name.split(".")[0] in chapters]
    return Progress(exercises, dict(_checked))
