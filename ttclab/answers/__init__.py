"""Answers: found in what a model wrote, and compared by value. Model output is never evaluated.

`answer_key` gives the canonical text of an answer, and `answers_equal` compares two. Their rules:

- Looks do not count: TeX and Markdown around an answer (`$73$.`, `**73**`, ``\\boxed{73}``, ``\\mathbf{5}``), spaces, a
  final full stop or comma, "Answer:" before it, the case of words, and other Unicode forms of the same characters.
- Numbers are exact: 0.5 is 1/2 and ``\\frac{1}{2}``, `2^{10}` is 1024, and 0.33 is not 1/3. Digits are grouped in
  threes by a comma, a space or an apostrophe (1,234,567; in India 12,34,567), so that 1,234 is one number; between
  brackets a comma always separates. `5!` and `1e3` are no numbers.
- Units may be left out, but two units must agree: 15 cm is 15, and 15 cm is not 15 kg. Currencies, %, degrees and up
  to four words after a number are units; 15% is 15 and not 0.15, and nothing is converted. A word that makes another
  number of it (dozen, million, squared, and, or) is no unit, and neither is a single letter outside ``\\text{}``.
- Names may be left out, but two names must agree: the x of x=5, the f(x) of f(x)=5, the x of ``x \\in [0,1]``. A name
  is a letter, a function or a pair of letters, not a word. An equation also equals its multiples and rearrangements:
  2x+4y=3 is y=-x/2+3/4, and 2x=8 is x=4.
- Expressions are compared by exact algebra: 2(x+1) is 2x+2, xy is yx, ``\\sqrt{8}`` is ``2\\sqrt{2}``. Letters side by
  side are a product unless they may be a word. What the algebra leaves open, such as identities of sines, is asked of
  math-verify where that is installed (`pip install "ttclab[math]"`), in another process and with a time limit.
- Lists, pairs and intervals are ordered, and equal part by part: 1,2 is not 2,1, and (1,2) is neither [1,2] nor the
  list 1,2. Sets in braces, and unions, have no order. Alternatives, "x=1 or x=2" and ``\\pm 3``, have none either, and
  equal a list of the same parts in any order. "1 and 2" is a text.
- Ratios are not reduced: 3:4 is not 6:8. A number with a base equals only the same digits in the same base: `1011_2`
  is neither `1011_3` nor 11. Matrices are equal entry by entry, in round or square brackets.
- A choice is its letter: (A), ``\\text{(A)}``, A. With words or numbers after it, it is a text.
- All else is text, and so is an answer of more than 1,000 characters or 50 nested brackets, and one whose value has
  more than about 1,200 digits, 200 terms or 3,000 products of terms. A text equals the same text.
"""

import re
from dataclasses import replace
from functools import lru_cache

from . import math_worker
from .reader import REMEMBERED, Reading, read

_MARKS = 20  # marks at the end of a solution that are looked at
_MARK = re.compile(r"(?<!#)####(?!#)|\\(?:boxed|fbox)(?![A-Za-z])")
_BARE = re.compile(r"[-+]?[0-9][0-9,]*(?:\.[0-9]+)?|[A-Za-z](?![A-Za-z])")  # of \boxed5
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_UNORDERED = {"{}", "or", "\\cup", "\\cap"}
_PAIRED = 8  # parts of a set that are compared each with each


def answer_in(text: str) -> str | None:
    """The last answer that is marked as one: after "####", or in ``\\boxed{}`` or ``\\fbox{}``. None if there is none.

    Reasoning in <think> tags is left out, and so is all of it where the tag is not closed: the answer is still open. A
    line "#### Check" of words is taken for a heading if there is another mark, or text after it. Takes time in
    proportion to the text; of more than 20 marks the last 20 are looked at.
    """
    text = _without_reasoning(text)
    starts = [match.start() for match in _MARK.finditer(text)]
    closings = _closing_braces(text) if starts else {}
    last = len(text.rstrip())
    words = None
    for start in reversed(starts[-_MARKS:]):
        if text[start] == "\\":
            if found := _boxed(text, start, closings):
                return found
            continue
        end = text.find("\n", start)
        line = text[start + 4 : end if end >= 0 else len(text)].strip()
        if line and read(line).kind != "text":
            return line
        if end < 0 or end >= last:
            words = line
    return words or None


def _without_reasoning(text: str) -> str:
    """What was written after the reasoning in <think> tags; the opening tag may have been part of the prompt."""
    return text.rpartition("</think>")[2].partition("<think>")[0]


def _closing_braces(text: str) -> dict[int, int]:
    """Where the brace that is opened at each place is closed."""
    opened: list[int] = []
    closed = {}
    for match in _BRACE.finditer(text):
        if match[0] == "{":
            opened.append(match.start())
        elif match[0] == "}" and opened:
            closed[opened.pop()] = match.start()
    return closed


def _boxed(text: str, start: int, closings: dict[int, int]) -> str:
    """What is in the box that starts here; nothing for an empty box and one that is not closed."""
    place = start + (6 if text.startswith("\\boxed", start) else 5)
    while text[place : place + 1].isspace():
        place += 1
    if text.startswith("{", place):
        return text[place + 1 : closings[place]].strip() if place in closings else ""
    bare = _BARE.match(text, place)
    return bare[0].rstrip(",") if bare else ""


def answers_equal(said: str | None, truth: str | None) -> bool:
    """Whether two answers are the same, by the rules of `ttclab.answers`. None equals nothing.

    Symmetric, never by rounding, and never raises. Two answers with one `answer_key` are equal, unless they have two
    units or two names that differ (15 cm and 15 kg; x=5 and n=5). Equal answers have one key, but for three kinds: a
    name that the key keeps and the other answer leaves out (y=5 and 5), alternatives and a list in another order, and
    expressions that only math-verify can tell are equal.

    Takes time in proportion to the texts, some milliseconds at most. Where math-verify is asked, it has half a second
    of processor time; the first such question also starts its process.
    """
    if said is None or truth is None:
        return False
    return said == truth or _same(read(said), read(truth))


def answer_key(answer: str | None) -> str | None:
    """The canonical text of an answer, which a vote counts by; None for None.

    `x+1`, `1+x` and `(x+1)` have one key. So have `15 rolls` and `15`: units are left out. So is the name of a value,
    `x=5`, but for y and z, for x=5 and y=5 may be two lines. The key is an answer itself, with itself as its key. It
    does not depend on math-verify. Never raises.
    """
    if answer is None:
        return None
    return _key(answer) if len(answer) <= REMEMBERED else read(answer).key


@lru_cache(maxsize=1 << 15)
def _key(answer: str) -> str:
    return read(answer).key


def _same(a: Reading, b: Reading) -> bool:
    if a.equation and a.equation == b.equation:
        return True
    if (a.unit and b.unit and a.unit != b.unit) or (a.name and b.name and a.name != b.name):
        return False
    if a.name or b.name:
        a, b = (replace(each, key=each.bare or each.key) for each in (a, b))
    if a.parts and b.parts:
        return _same_parts(a, b)
    if a.key == b.key or a.kind == b.kind == "number":
        return a.key == b.key
    if a.value is None or b.value is None or (a.value.is_exact and b.value.is_exact):
        return False
    if any(number is not None and number.denominator > 10**6 for number in (a.value.number, b.value.number)):
        return False  # a logarithm is no decimal, however many of its digits are given
    return a.value.may_equal(b.value) and math_worker.equal(str(a.value), str(b.value))


def _same_parts(a: Reading, b: Reading) -> bool:
    """Part by part; without an order, each part of one with a part of the other that is not taken yet."""
    if len(a.parts) != len(b.parts) or (a.brackets != b.brackets and {a.brackets, b.brackets} != {"", "or"}):
        return False
    if not {a.brackets, b.brackets} & _UNORDERED:
        return all(_same(mine, yours) for mine, yours in zip(a.parts, b.parts, strict=True))
    places: dict[str, list[Reading]] = {}
    for yours in b.parts:
        places.setdefault(yours.key, []).append(yours)
    left = []
    for mine in a.parts:
        if mine.key in places and _same(mine, places[mine.key][-1]):
            places[mine.key].pop()
            if not places[mine.key]:
                del places[mine.key]
        else:
            left.append(mine)
    others = [yours for group in places.values() for yours in group]
    if len(left) > _PAIRED:
        return False
    for mine in left:
        found = next((yours for yours in others if _same(mine, yours)), None)
        if found is None:
            return False
        others.remove(found)
    return True
