"""The graded exercises: `check` for learners, and the grader for teachers (`python -m ttclab grade`)."""

from collections.abc import Callable
from functools import partial
from typing import Any

from ttclab.exercises import allocation, arena, question, revision, sampling, verifiers
from ttclab.exercises.exercise import Exercise, reply

CHAPTERS = (question, sampling, verifiers, revision, allocation, arena)
EXERCISES: dict[str, Exercise] = {exercise.id: exercise for chapter in CHAPTERS for exercise in chapter.EXERCISES}
VISIBLE_SEED = 0  # the one learners see; the grader draws other cases with the same code


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
        print(known.judge(partial(reply, function), VISIBLE_SEED))
