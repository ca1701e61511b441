"""What an answer was read as, and sequences of readings."""

from dataclasses import dataclass, field, replace
from fractions import Fraction

from .expression import Expression, Unreadable
from .tokens import Token


@dataclass(frozen=True)
class Reading:
    """What an answer was read as.

    kind: "text", "number", "expression", "sequence" or another; unit, name: "" without one; bare: the key without the
    name; equation: the canonical equation, where there is one; parts: of a sequence, with the brackets around them (""
    of a list, "or" of alternatives); value: of an expression.
    """

    key: str
    kind: str
    unit: str = ""
    name: str = ""
    bare: str = ""
    equation: str = ""
    parts: tuple["Reading", ...] = ()
    brackets: str = ""
    value: Expression | None = field(default=None, repr=False)


def number_with_base(tokens: list[Token]) -> Reading:
    digits, base = tokens[0].value, tokens[2:]
    if base and base[0].value == "{":
        base = base[1:-1]
    if not digits.isdigit() or len(base) != 1 or base[0].kind not in ("number", "word"):
        raise Unreadable("a subscript of a number")
    return Reading(f"{digits.lstrip('0') or '0'}_{{{base[0].value}}}", "based")


def sequence_of(brackets: str, parts: list[Reading]) -> Reading:
    """A list, pair, interval, set, union or alternatives, with the name of the first part where it is that of all."""
    if brackets in ("", "or", "{}"):
        parts = [inner for part in parts for inner in (part.parts if part.brackets == "or" else [part])]
    elif any(part.brackets in ("", "or") and part.kind == "sequence" for part in parts):
        raise Unreadable("alternatives in brackets")
    if "\\" in brackets and any(part.name or part.kind not in ("sequence", "expression", "number") for part in parts):
        raise Unreadable("a union of what are no sets")
    names = [part.name for part in parts]
    is_shared = len({*names}) == 1 or (brackets == "" and not any(names[1:]))  # n=2,3,4
    name = names[0] if is_shared else ""
    if brackets == "or" and any(names) and not is_shared:
        raise Unreadable("alternatives for more than one name")
    if is_shared:
        parts = [replace(part, name="", key=part.bare or part.key, bare="", equation="") for part in parts]
    else:
        parts = [replace(part, key=f"{part.name}={part.bare or part.key}") if part.name else part for part in parts]
    if brackets in ("{}", "or", "\\cup", "\\cap"):
        parts = sorted({part.key: part for part in parts}.values(), key=_place)
    if brackets in ("\\cup", "\\cap"):
        key = f" {brackets} ".join(part.key for part in parts)
    else:
        around = {"{}": ("\\{", "\\}"), "or": ("", ""), "": ("", "")}.get(brackets) or tuple(brackets)
        key = around[0] + ", ".join(part.key for part in parts) + around[1]
    return Reading(key, "sequence", name=name, bare=key if name else "", parts=tuple(parts), brackets=brackets)


def _place(part: Reading) -> tuple[bool, Fraction, str, bool]:
    """Numbers before others, by their size, and 3 before -3."""
    number = part.value.number if part.value is not None else None
    return number is None, abs(number or Fraction(0)), part.key.removeprefix("-"), part.key.startswith("-")
