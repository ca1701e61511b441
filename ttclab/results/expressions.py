"""Expressions on the pages of the book, such as `beam(16).minus(weighted(16)):.0 points`.

An expression calls public functions of `ttclab.results`, reads public attributes of their results, and does arithmetic.
Everything else is an error, including unknown names. A format specification follows the last colon.
"""

import ast
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module

import pandas as pd

from ..estimators import Estimate
from ..flops import exchange_rate
from ..hardware import find_gpu
from ..tables import written_flops
from .seeds import by_seed, headline, shares_by_seed, spread, steps_by_seed, validation_by_seed, verdict

MODULES = (
    *("allocation", "confidence", "exchange", "game", "making", "reinforcement", "revision"),
    *("sampling", "searching", "stepwise", "tables", "training", "verifiers", "wording", "words"),
)
FIFTHS = ("easiest", "second", "middle", "fourth", "hardest")
OPERATIONS: Mapping[type[ast.AST], Callable[..., object]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.USub: operator.neg,
}
COUNTS = {"million": (1e6, " million"), "trillion": (1e12, " × 10¹²")}
_SPEC = re.compile(r"(?P<expression>.*?)(?::(?P<spec>[^:'\"()]*))?", re.DOTALL)
_COUNT = re.compile(r"(?P<number>\.\d[fg]) (?P<unit>million|trillion)")
PLACE = re.compile(r"\{([^{}`]+)\}(?!`)")  # in a cell; {name}`text` is a role of the page


def names() -> dict[str, object]:
    """All names for expressions: public functions and constants of `ttclab.results`, and the fifths of difficulty."""
    public: dict[str, object] = {
        "exchange_rate": exchange_rate, "find_gpu": find_gpu, "headline": headline, "verdict": verdict,
        "by_seed": by_seed, "shares_by_seed": shares_by_seed, "spread_by_seed": spread,
        "steps_by_seed": steps_by_seed, "validation_by_seed": validation_by_seed,
    }  # fmt: skip
    for name in MODULES:
        module = import_module(f".{name}", __package__)
        for key, value in vars(module).items():
            own = getattr(value, "__module__", None) == module.__name__ or key.isupper()
            if own and not key.startswith("_"):
                public[key] = value
    return {**public, **{name: fifth for fifth, name in enumerate(FIFTHS)}, "infinite": float("inf")}


def evaluate(expression: str, variables: Mapping[str, object] | None = None) -> object:
    """The value of an expression.

    Parameters
    ----------
    expression : str
        Such as "vote(16).fifth(hardest).solved".
    variables : mapping, optional
        Values of further names, in addition to `names`.

    Raises
    ------
    ValueError
        If the syntax is invalid, a name is unknown or private, or an operation is not allowed.
    """
    try:
        tree = ast.parse(" ".join(expression.split()), mode="eval")
    except SyntaxError as error:
        raise ValueError(f"not an expression: {expression!r} ({error.msg})") from None
    return _value(tree.body, {**names(), **(variables or {})})


def _value(node: ast.expr, known: Mapping[str, object]) -> object:
    match node:
        case ast.Constant(value=int() | float() | str() | None as constant):
            return constant
        case ast.Name(id=name):
            if name not in known:
                raise ValueError(f"unknown name: {name!r}")
            return known[name]
        case ast.Tuple(elts=parts):
            return tuple(_value(part, known) for part in parts)
        case ast.UnaryOp(op=op, operand=operand) if type(op) in OPERATIONS:
            return OPERATIONS[type(op)](_value(operand, known))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATIONS:
            return OPERATIONS[type(op)](_value(left, known), _value(right, known))
        case ast.Attribute(value=owner, attr=name):
            return _attribute(_value(owner, known), name)
        case ast.Call(func=function, args=args, keywords=keywords):
            called = _value(function, known)
            if not callable(called) or not getattr(called, "__module__", "").startswith("ttclab."):
                raise ValueError(f"not a function of the results: {ast.unparse(function)!r}")
            options = {str(keyword.arg): _value(keyword.value, known) for keyword in keywords}
            return called(*(_value(arg, known) for arg in args), **options)
    raise ValueError(f"an expression calls functions, reads attributes and calculates, not {ast.unparse(node)!r}")


def _attribute(value: object, name: str) -> object:
    if name.startswith("_") or not type(value).__module__.startswith("ttclab.") or not hasattr(value, name):
        raise ValueError(f"{type(value).__name__} has no public attribute {name!r} here")
    return getattr(value, name)


def say(text: str, variables: Mapping[str, object] | None = None) -> str:
    """Evaluate "expression:specification" and format the value.

    The specification is one of `Estimate`, one of Python for numbers, "flops" (21.3 million, 1.2 billion), or one of
    Python followed by "million" or "trillion".
    """
    expression, spec = split(text)
    return _written(evaluate(expression, variables), spec)


def split(text: str) -> tuple[str, str]:
    """The expression and the specification of "expression:specification"; the specification may be empty."""
    parts = _SPEC.fullmatch(text)
    assert parts  # the pattern matches any text
    return parts["expression"], (parts["spec"] or "").strip()


def _written(value: object, spec: str) -> str:
    if isinstance(value, Estimate):
        if not spec:
            raise ValueError("an estimate needs a specification, such as :.0%")
        return format(value, spec)
    if spec == "flops":
        return written_flops(float(str(value)))
    if count := _COUNT.fullmatch(spec):
        scale, unit = COUNTS[count["unit"]]
        return format(float(str(value)) / scale, count["number"]) + unit
    if isinstance(value, str):
        return value
    return format(value, spec).replace("-", "−")


def table(lines: Sequence[str]) -> pd.DataFrame:
    """Build a table from its description, with formatted values.

    Lines that begin with "|" are rows, with "{expression:specification}" in place of each value. The first row is the
    header. A line `for NAME in VALUES` repeats the rows after it, up to the next empty line. Consecutive `for` lines
    are nested loops.

    Raises
    ------
    ValueError
        If a line is neither a row nor a loop, if a row and the header differ in their number of cells, or if an
        expression is invalid.
    """
    head, *body = lines
    written: list[list[str]] = []
    loops: list[str] = []
    block: list[str] = []
    for line in (*body, ""):
        if line.startswith("|"):
            block.append(line)
            continue
        if block:
            written += [_cells(_filled(row, variables)) for variables in _repeated(loops) for row in block]
            loops, block = [], []
        if line.startswith("for "):
            loops.append(line)
        elif line.strip():
            raise ValueError(f"a line of a table begins with '|' or 'for', not {line!r}")
    columns = _cells(head)
    for cells in written:
        if len(cells) != len(columns):
            raise ValueError(f"a row needs {len(columns)} cells, as the head has, not {cells}")
    return pd.DataFrame(written, columns=columns)


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip().removeprefix("|").removesuffix("|").split("|")]


def _filled(row: str, variables: Mapping[str, object]) -> str:
    return PLACE.sub(lambda place: say(place[1], variables), row)


def _repeated(loops: Sequence[str], outer: Mapping[str, object] | None = None) -> Iterator[dict[str, object]]:
    """The variables of every iteration of nested loops."""
    variables = dict(outer or {})
    if not loops:
        yield variables
        return
    targets, _, values = loops[0].removeprefix("for ").partition(" in ")
    keys = [target.strip() for target in targets.split(",")]
    items = evaluate(values, variables)
    for item in items if isinstance(items, tuple) else (items,):
        unpacked = item if len(keys) > 1 and isinstance(item, tuple) else (item,)
        if len(unpacked) != len(keys):
            raise ValueError(f"a loop over {targets.strip()} needs {len(keys)} values per iteration, not {unpacked}")
        yield from _repeated(loops[1:], {**variables, **dict(zip(keys, unpacked, strict=True))})
