"""The graded exercises: `check` and `progress` for learners, and the grader for teachers (`python -m ttclab grade`)."""

from collections.abc import Callable
from functools import partial
from typing import Any

from ttclab.exercises import allocation, arena, connections, question, results, revision, sampling, verifiers
from ttclab.exercises.exercise import Exercise, Report
from ttclab.exercises.progress import Progress
from ttclab.exercises.reply import reply

CHAPTERS = (question, sampling, verifiers, revision, allocation, results, arena, connections)
EXERCISES: dict[str, Exercise] = {exercise.id: exercise for chapter in CHAPTERS for exercise in chapter.EXERCISES}
VISIBLE_SEED = 0  # the one learners see; the grader draws other cases with the same code

_checked: dict[str, Report] = {}  # each exercise's last check in this kernel


def check(exercise: str, function: Callable[..., Any]) -> None:
    """Run an exercise's checks on your function and print what is right, what is wrong, and what to do next.

    exercise: its number, as "2.1"; function: yours, itself, not what it returns. Prints, and raises nothing: a notebook
    that is not solved yet runs through. (Only your own interrupt stops it.)
    """
    known = EXERCISES.get(str(exercise))
    if known is None:
        print(f"There is no exercise {exercise}. There are: {', '.join(EXERCISES)}.")
    elif not callable(function):
        print(f'Give check the function itself, no brackets after its name: check("{known.id}", {known.function}).')
    else:
        _checked[known.id] = known.judge(partial(reply, function), VISIBLE_SEED)
        print(_checked[known.id])


def progress() -> Progress:
    """What is done, the points and what is next, in the chapters whose checks have run since the kernel started.

    The last cell of a notebook shows it. What counts is each exercise's last check; nothing is written to a file.
    """
    chapters = {name.split(".")[0] for name in _checked}
    shown = [exercise for name, exercise in EXERCISES.items() if name.split(".")[0] in chapters]
    return Progress(shown, dict(_checked))
