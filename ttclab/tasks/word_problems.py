"""Word problems of one to three steps, generated from recipes, for real language models.

A recipe is a story and a chain of operations on a running total::

    recipe      rolls: 4*6-5*3
    question    A baker makes 4 trays of 6 rolls. 5 rolls burn. She sells all the rolls that are left for 3 dollars
                each. How many dollars does she get?
    worked      4 * 6 = 24
                24 - 5 = 19
                19 * 3 = 57
                #### 57

The recipe is the id of the problem, so a recorded run need not store the questions.
"""

import random
import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from .task import Task, split_of
from .text_problems import TextProblem, with_examples

STEPS = (1, 2, 1, 2, 1, 3)  # of the problems of a set, in turn; most are short, because the models are small
EXAMPLES = ("books: 9+8", "rolls: 12-4", "fish: 3*5", "apples: 7+6-3")  # few-shot examples before each problem
_RECIPE = re.compile(r"([a-z]+): ([0-9]{1,3})((?:[-+*/][0-9]{1,3}){1,3})")


class Story(NamedTuple):
    """Sentences of a setting; {n} and {k} are numbers. `more` and `less` have one for the first and the second use."""

    start: str
    groups: str  # instead of `start`, if the first operation is a multiplication
    more: tuple[str, str]
    less: tuple[str, str]
    ask: tuple[str, str]  # after an addition, after a subtraction
    price: str  # a last multiplication
    share: str  # a last division


STORIES = {
    "rolls": Story(
        "A baker makes {n} rolls.",
        "A baker makes {k} trays of {n} rolls.",
        ("Then she makes {n} more rolls.", "Her helper brings {n} more rolls."),
        ("{n} rolls burn.", "She gives {n} rolls to a friend."),
        ("How many rolls does she have in all?", "How many rolls does she have left?"),
        "She sells all the rolls she has for {n} dollars each. How many dollars does she get?",
        "She puts all the rolls she has into {n} bags, as many in each. How many rolls are in a bag?",
    ),
    "apples": Story(
        "A farmer picks {n} apples.",
        "A farmer picks {k} baskets of {n} apples.",
        ("He picks {n} more apples.", "A neighbour gives him {n} more apples."),
        ("{n} apples are rotten and thrown away.", "He eats {n} apples."),
        ("How many apples does he have in all?", "How many apples does he have left?"),
        "He sells all the apples he has for {n} cents each. How many cents does he get?",
        "He packs all the apples he has into {n} boxes, as many in each. How many apples are in a box?",
    ),
    "books": Story(
        "A library has {n} books.",
        "A library has {k} shelves with {n} books on each.",
        ("It buys {n} more books.", "Readers bring back {n} more books."),
        ("Readers borrow {n} books.", "It gives {n} old books away."),
        ("How many books does it have in all?", "How many books does it have left?"),
        "Each book in the library is stamped {n} times. How many stamps is that?",
        "All the books in the library are moved to {n} rooms, as many to each. How many books are in a room?",
    ),
    "marbles": Story(
        "A boy has {n} marbles.",
        "A boy has {k} bags of {n} marbles.",
        ("He finds {n} more marbles.", "His sister gives him {n} more marbles."),
        ("He loses {n} marbles.", "He gives {n} marbles to a friend."),
        ("How many marbles does he have in all?", "How many marbles does he have left?"),
        "Each of his marbles weighs {n} grams. How many grams do all his marbles weigh?",
        "He shares his marbles among {n} children, as many to each. How many marbles does a child get?",
    ),
    "seats": Story(
        "A bus leaves with {n} people.",
        "A train has {k} coaches with {n} people in each.",
        ("At the first stop {n} more people get on.", "Later {n} more people get on."),
        ("At a stop {n} people get off.", "At the next stop another {n} people get off."),
        ("How many people are on board in all?", "How many people are left on board?"),
        "Everyone on board pays {n} dollars. How many dollars is that in all?",
        "Everyone gets off and they form {n} groups of the same size. How many people are in a group?",
    ),
    "stamps": Story(
        "A girl collects {n} stamps.",
        "A girl fills {k} pages with {n} stamps each.",
        ("She buys {n} more stamps.", "Her aunt sends her {n} more stamps."),
        ("She sells {n} stamps.", "She swaps {n} stamps for a toy."),
        ("How many stamps does she have in all?", "How many stamps does she have left?"),
        "Each of her stamps is worth {n} cents. How many cents are her stamps worth?",
        "She puts her stamps into {n} albums, as many in each. How many stamps are in an album?",
    ),
    "chairs": Story(
        "A hall has {n} chairs.",
        "A hall has {k} rows of {n} chairs.",
        ("Helpers bring {n} more chairs.", "Then {n} more chairs come from another room."),
        ("{n} chairs are broken and taken away.", "A school borrows {n} chairs."),
        ("How many chairs does the hall have in all?", "How many chairs are left in the hall?"),
        "Each chair is rented for {n} dollars. How many dollars is that in all?",
        "The chairs are put into {n} rows, as many in each. How many chairs are in a row?",
    ),
    "fish": Story(
        "A fisherman catches {n} fish.",
        "A fisherman catches {n} fish a day for {k} days.",
        ("He catches {n} more fish.", "His brother gives him {n} more fish."),
        ("He throws {n} small fish back.", "A cat eats {n} of the fish."),
        ("How many fish does he have in all?", "How many fish does he have left?"),
        "He sells all the fish he has for {n} dollars each. How many dollars does he get?",
        "He lays all the fish he has into {n} crates, as many in each. How many fish are in a crate?",
    ),
}


def word_problem(recipe: str) -> TextProblem:
    """Build the problem of a recipe, with EXAMPLES before it.

    Raises ValueError for another format, and for totals that are not positive integers.
    """
    (problem,) = with_examples([_tell(recipe)], _examples())
    return problem


@cache
def _examples() -> list[TextProblem]:
    return [_tell(recipe) for recipe in EXAMPLES]


def _tell(recipe: str) -> TextProblem:
    if not (match := _RECIPE.fullmatch(recipe)) or match[1] not in STORIES:
        raise ValueError(f"a word problem is made from a recipe like 'rolls: 4*6-5*3', not {recipe!r}")
    story, total = STORIES[match[1]], int(match[2])
    operations = [(sign, int(number)) for sign, number in re.findall(r"([-+*/])([0-9]+)", match[3])]
    sentences, worked, ask = [story.start.format(n=total)], [], story.ask[operations[-1][0] == "-"]
    unused = {"+": iter(story.more), "-": iter(story.less)}
    for place, (sign, n) in enumerate(operations):
        if sign == "*" and place == 0:
            sentences = [story.groups.format(k=total, n=n)]
        elif sign in "*/" and place == len(operations) - 1:
            ask = (story.price if sign == "*" else story.share).format(n=n)
        elif sentence := next(unused.get(sign, iter(())), ""):
            sentences.append(sentence.format(n=n))
        else:
            raise ValueError(
                f"no story fits {recipe!r}: * must be first or last, / last, and + and - at most twice each"
            )
        before, total = total, _apply(total, sign, n)
        worked.append(f"{before} {sign} {n} = {total}")
    return TextProblem.of(recipe, " ".join([*sentences, ask]), str(total), "\n".join([*worked, f"#### {total}"]))


def generate_word_problems(split: str, rng: random.Random) -> Iterator[TextProblem]:
    """Yield problems of a split without end, cycling through lengths."""
    while True:
        for steps in STEPS:
            while split_of(recipe := _draw_recipe(rng, steps)) != split:
                pass
            yield word_problem(recipe)


def _draw_recipe(rng: random.Random, steps: int) -> str:
    while True:
        total, recipe = rng.randint(2, 12), f"{rng.choice(list(STORIES))}: "
        signs = [rng.choice("+-*/" if place in (0, steps - 1) else "+-") for place in range(steps)]
        numbers = [rng.randint(2, 5 if sign in "*/" else 9) for sign in signs]
        recipe += str(total) + "".join(f"{sign}{number}" for sign, number in zip(signs, numbers))
        try:
            _tell(recipe)
        except ValueError:  # a total is not a positive integer, or no story fits
            continue
        return recipe


def _apply(total: int, sign: str, n: int) -> int:
    """Apply one operation. Raises ValueError if the total is not a positive integer."""
    if sign == "/" and (n == 0 or total % n):
        raise ValueError(f"{total} is not divisible by {n}")
    total = {"+": total + n, "-": total - n, "*": total * n, "/": total // max(n, 1)}[sign]
    if total < 1:
        raise ValueError(f"totals must be above 0, not {total}")
    return total


WORDS = Task(name="words", problem=TextProblem, parse=word_problem, draw=generate_word_problems)
