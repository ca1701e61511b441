"""Expressions of this layer, as the pages of the book write them: `beam(16).minus(weighted(16)):.0 points`.

An expression calls public functions of the layer, reads public attributes of what they return, and may calculate with
numbers. It can do nothing else, and an unknown name is an error. A specification after the last colon says how the
value is written.
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
from .seeds import headline, verdict

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
    """Everything that an expression may name: public functions and constants of the layer, and the fifths."""
    found: dict[str, object] = {
        "exchange_rate": exchange_rate, "find_gpu": find_gpu, "headline": headline, "verdict": verdict,
    }  # fmt: skip
    for name in MODULES:
        module = import_module(f".{name}", __package__)
        for key, value in vars(module).items():
            own = getattr(value, "__module__", None) == module.__name__ or key.isupper()
            if own and not key.startswith("_"):
                found[key] = value
    return {**found, **{name: fifth for fifth, name in enumerate(FIFTHS)}, "infinite": float("inf")}


def evaluate(expression: str, variables: Mapping[str, object] | None = None) -> object:
    """The value of an expression.

    Parameters
    ----------
    expression : str
        Such as "vote(16).fifth(hardest).solved".
    variables : mapping, optional
        Names that stand for values, beside those of `names`.

    Raises
    ------
    ValueError
        If the expression is not one, names something unknown or private, or does what an expression may not.
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
        case ast.Attribute(value=of, attr=name):
            return _attribute(_value(of, known), name)
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
    """Write the value of "expression:specification".

    A specification is that of an `Estimate`, Python's of a number, "flops" (21.3 million, 1.2 billion), or Python's
    followed by "million" or "trillion".
    """
    expression, spec = split(text)
    return _written(evaluate(expression, variables), spec)


def split(text: str) -> tuple[str, str]:
    """The expression and the specification of "expression:specification"; the latter may be empty."""
    parts = _SPEC.fullmatch(text)
    assert parts  # both parts may be anything
    return parts["expression"], (parts["spec"] or "").strip()


def _written(value: object, spec: str) -> str:
    if isinstance(value, Estimate):
        if not spec:
            raise ValueError("an estimate needs a specification, such as :.0%")
        return format(value, spec)
    if spec == "flops":
        return written_flops(float(str(value)))
    if asked := _COUNT.fullmatch(spec):
        scale, unit = COUNTS[asked["unit"]]
        return format(float(str(value)) / scale, asked["number"]) + unit
    if isinstance(value, str):
        return value
    return format(value, spec).replace("-", "−")


def table(lines: Sequence[str]) -> pd.DataFrame:
    """A table from its description, with the values written out.

    Lines that begin with "|" are rows, with "{expression:specification}" wherever a value belongs. `for NAME in VALUES`
    before rows repeats them; several in a row are nested, and an empty line ends them. The first row is the head.

    Raises
    ------
    ValueError
        If a line is neither, a row has another number of cells than the head, or an expression is not one.
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
    """The variables of every turn of nested loops."""
    variables = dict(outer or {})
    if not loops:
        yield variables
        return
    targets, _, values = loops[0].removeprefix("for ").partition(" in ")
    keys = [target.strip() for target in targets.split(",")]
    turns = evaluate(values, variables)
    for turn in turns if isinstance(turns, tuple) else (turns,):
        each = turn if len(keys) > 1 and isinstance(turn, tuple) else (turn,)
        if len(each) != len(keys):
            raise ValueError(f"a loop needs {len(keys)} values a turn, {targets.strip()}, not {each}")
        yield from _repeated(loops[1:], {**variables, **dict(zip(keys, each, strict=True))})
