"""Answers: found in what a model wrote, and compared by value.

Numbers are compared exactly, however they are written (1,234 or 1234, 0.5 or 1/2 or \\frac{1}{2}, $15 or 15 dollars),
pairs and intervals part by part, other mathematics (\\sqrt{8}) by math-verify where that is installed, by
`pip install "ttclab[math]"`, and all else by its text. What models write is never evaluated: it is matched against
patterns, and math-verify gets only what is short, made of known commands, and without powers that could grow.
"""

import logging
import re
import warnings
from collections.abc import Callable
from fractions import Fraction
from functools import cache, lru_cache

_MARKED = re.compile(r"####[ \t]*(?P<line>[^\n]+)|\\(?:boxed|fbox)\s*\{")
_FRACTION = re.compile(r"\\[dt]?frac\s*(?:\{([0-9]+)\}\s*\{([0-9]+)\}|([0-9])([0-9]))")
_LOOKS: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (  # what only says how an answer looks
    (r"^\$([^$]*)\$$|^\\\((.*)\\\)$|^\\\[(.*)\\\]$", lambda match: match[1] or match[2] or match[3] or ""),
    (r"\\(?:left|right|displaystyle|[!,;:])(?![a-z])", ""),
    (r"\\[dt]frac(?![a-z])", r"\\frac"),
    (r"\\(?:text|textbf|mathrm|mbox)\s*\{([^{}]*)\}", r" \1 "),
    (r"\^\s*(?:\{\s*\\circ\s*\}|\\circ)|°", " degrees"),
    (r"\\([$%{}])", r"\1"),
    (r"\{,\}", ","),
    (r"[−–]", "-"),
    (r"(?:\s|~|\\ )+", " "),
)
_GROUPS = re.compile(r"(?<![0-9.])[0-9]{1,3}(?:,[0-9]{3})+(?![0-9,])")  # 1,234,567
_NUMBER = re.compile(r"([-+]?) ?(?:([0-9]*\.?[0-9]+)|(?:([0-9]+) )?([0-9]+) ?/ ?([0-9]+))")  # the last two: 1 1/2
_MEASURED = re.compile(r"([-+]?)([$€£]?) ?([^A-Za-z%]*[0-9]) ?(%|[A-Za-z]{2,}(?:[ /.]*[A-Za-z]+)*(?:\^\{?[23]\}?)?)?")
_UNITS = {"$": "dollar", "€": "euro", "£": "pound", "%": "percent"}
_NO_UNIT = re.compile(  # words that make another number of the one before them
    r"\b(?:and|or|to|of|plus|minus|times|over|divided|point|mod|base|remainder|squared|cubed|factorial|pi|sqrt|sin|cos|"
    r"tan|log|ln|dozen|hundred|thousand|(?:m|b|tr)illion|half|halves|(?:third|quarter|fourth|fifth|sixth|eighth|tenth|"
    r"hundredth)s?)\b"
)
_CLOSED_BY = {"[": "])", "(": ")]", "{": "}"}
_COMMAND = re.compile("frac|sqrt|pi|cdot|times|div|infty|pm|cup|cap|le|ge|leq|geq|sin|cos|tan|log|ln|alpha|beta|theta")
_GROWS = re.compile(r"\^[^+*/=,()]*\^|\^ ?\{?[-+]?[0-9]{3}|\^ ?\{?\(|[0-9]{16}|!")  # towers, large powers
_LONGEST = 120  # characters of mathematics that are looked at


def answer_in(text: str) -> str | None:
    """The last answer that is marked as one, after "####" or in \\boxed{}; None if there is none."""
    found = None
    for match in _MARKED.finditer(text):
        found = (match["line"] or _braced(text, match.end())).strip() or found
    return found


def _braced(text: str, start: int) -> str:
    """What stands from `start` to the brace that closes it; nothing if none does."""
    depth = 1
    for i in range(start, len(text)):
        depth += (text[i] == "{") - (text[i] == "}")
        if not depth:
            return text[start:i]
    return ""


def answers_equal(said: str | None, truth: str | None) -> bool:
    """Whether two answers are the same: by value where they have one, else by their text. None equals nothing.

    Never by rounding: 0.33 is not 1/3. A unit may be left out, but two units must agree; "%" is a unit, so that 15% is
    15 and not 0.15. Never raises.
    """
    if said is None or truth is None:
        return False
    (ours, our_unit), (theirs, their_unit) = _read(said), _read(truth)
    if ours == theirs:
        return our_unit == their_unit or not (our_unit and their_unit)
    said, truth = _plain(said), _plain(truth)
    if (mine := _bracketed(said)) and (yours := _bracketed(truth)) and "{" not in said[0] + truth[0]:
        # Part by part: to math-verify, an interval that ends at infinity is the same open or closed.
        alike = said[0] + said[-1] == truth[0] + truth[-1] and len(mine) == len(yours)
        return alike and all(map(answers_equal, mine, yours))
    return not (our_unit or their_unit) and _same_mathematics(said, truth)


def answer_key(answer: str | None) -> str | None:
    """The form in which equal answers are equal strings: a number's value in lowest terms, or the text itself.

    A number's unit is left out, so that a vote counts "15 rolls" with "15".
    """
    return None if answer is None else _read(answer)[0]


@lru_cache(maxsize=1 << 16)
def _read(answer: str) -> tuple[str, str]:
    """Key and unit of an answer; "" where it has no unit."""
    text = _plain(answer)
    if (value := _value(text)) is not None:
        return str(value), ""
    if match := _MEASURED.fullmatch(text):
        sign, currency, number, unit = match.groups()
        words = re.findall("[A-Za-z]+", unit or "")
        value = _value(sign + number)
        if value is not None and not (currency and unit) and not _NO_UNIT.search(unit or ""):
            return str(value), _UNITS.get(currency or unit) or unit.replace(words[0], words[0].removesuffix("s"), 1)
    if parts := _bracketed(text):
        keys = [_read(part)[0] for part in parts]
        return text[0] + ", ".join(sorted({*keys}) if text[0] == "{" else keys) + text[-1], ""
    return (text.replace(" ", "") if _is_mathematics(text) else text), ""


def _plain(answer: str) -> str:
    """An answer without what only says how it looks."""
    text = answer.strip()
    for pattern, by in _LOOKS:
        text = re.sub(pattern, by, text)
    text = text.strip().removesuffix(".").rstrip()
    fraction = _FRACTION.search(text)
    if fraction and fraction.end() == len(text) and re.fullmatch(r"[-+]? ?(?:[0-9]+ ?)?", text[: fraction.start()]):
        over, under = fraction[1] or fraction[3], fraction[2] or fraction[4]
        return f"{text[: fraction.start()].rstrip()} {over}/{under}".strip()
    return text


def _value(text: str) -> Fraction | None:
    """The number that a text is, if it is one."""
    match = _NUMBER.fullmatch(_GROUPS.sub(lambda match: match[0].replace(",", ""), text))
    if not match or (match[5] and not int(match[5])):
        return None
    sign, decimal, whole, over, under = match.groups()
    value = Fraction(decimal) if decimal else int(whole or 0) + Fraction(int(over), int(under))
    return -value if sign == "-" else value


def _bracketed(text: str) -> list[str]:
    """The parts of a pair, an interval or a set: what stands between its commas. Nothing for any other text."""
    if len(text) < 2 or text[-1] not in _CLOSED_BY.get(text[0], ""):
        return []
    parts, depth = [""], 0
    for character in text[1:-1]:
        depth += (character in "([{") - (character in ")]}")
        if depth < 0:
            return []
        if character == "," and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return [] if depth else parts


def _is_mathematics(text: str) -> bool:
    """Whether it is short, has a sign of mathematics, and words only in known commands."""
    words = re.findall(r"(\\?)([^\W\d_]+)", text)
    known = all(_COMMAND.fullmatch(word) if command else len(word) == 1 and word.isascii() for command, word in words)
    return known and len(text) <= _LONGEST and bool(re.search(r"[\\^_+*/=<>(-]", text))


def _same_mathematics(said: str, truth: str) -> bool:
    """Whether math-verify says so, of two texts that it can be given."""
    numbers = [text for text in (said, truth) if _value(text) is not None]
    others = [text for text in (said, truth) if _value(text) is None]
    if not others or not all(map(_is_mathematics, others)) or _GROWS.search(said) or _GROWS.search(truth):
        return False
    # A root or a pi is no decimal, however many of its digits are given.
    if any("." in text for text in numbers) and re.search(r"sqrt|pi|[a-z]\b", others[0]):
        return False
    return _checker()(said, truth)


@cache
def _checker() -> Callable[[str, str], bool]:
    """math-verify's comparison, exact and without its timer, which works in the main thread alone."""
    try:
        from math_verify import LatexExtractionConfig, parse, verify
    except ImportError:
        warnings.warn(
            "some answers are expressions, and without math-verify those are compared by their text: "
            'pip install "ttclab[math]"',
            stacklevel=2,
        )
        return lambda said, truth: False
    logging.getLogger("math_verify").setLevel(logging.CRITICAL)

    def same(said: str, truth: str) -> bool:
        read = [
            parse(f"${text}$", [LatexExtractionConfig()], "no_fallback", parsing_timeout=None) for text in (truth, said)
        ]
        return all(read) and bool(
            verify(*read, float_rounding=15, numeric_precision=30, strict=True, timeout_seconds=None)
        )

    return same
