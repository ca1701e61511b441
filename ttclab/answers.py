"""Answers: found in what a model wrote, and compared."""

import re

_MARKED = re.compile(r"####\s*(?P<line>[^\n]+)|\\boxed\s*\{", re.ASCII)


def answer_in(text: str) -> str | None:
    """The last answer marked as one: after "####" or in \\boxed{}; None if there is none."""
    found = None
    for match in _MARKED.finditer(text):
        said = match["line"].strip() if match["line"] else _braced(text, match.end())
        found = said or found
    return found


def _braced(text: str, start: int) -> str | None:
    depth = 1
    for i in range(start, len(text)):
        depth += (text[i] == "{") - (text[i] == "}")
        if not depth:
            return text[start:i].strip()
    return None
