"""Mutants of a program: every copy of its syntax tree with one small mistake in it.

The mistakes are those that learners make: another constant, off by one, another denominator, a condition dropped, a
comparison swapped, a baseline copied, a constant returned, nothing written. `mutants` yields a program's, `compiled`
makes a function of one in which no loop is endless.
"""

import ast
import math
import operator
import statistics
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import reduce
from typing import Any, NamedTuple

MOST_ROUNDS = 20_000  # of all loops together, in one call
SIBLINGS = {
    "min": ["max"], "max": ["min", "sum"], "sum": ["max", "len", "_mean"], "len": ["_distinct"],
    "fmean": ["sum", "_median", "max"], "mean": ["sum", "_median"], "prod": ["sum", "min"], "any": ["all"],
    "all": ["any"], "sorted": ["list", "_descending"], "ceil": ["_floor", "round"], "floor": ["_ceil", "round"],
    "isqrt": ["_ceiled_root", "_rounded_root"], "comb": ["_perm"], "stdev": ["_pstdev", "_variance"],
    "sqrt": ["float"], "int": ["round"], "round": ["int"], "fullmatch": ["match", "search"], "pairwise": ["_halves"],
    "maximum": ["minimum"], "minimum": ["maximum"],
}  # fmt: skip
HELPERS = {
    "_mean": statistics.fmean, "_median": statistics.median, "_distinct": lambda x: len(set(x)),
    "_descending": lambda x, **keys: sorted(x, **keys)[::-1], "_floor": math.floor, "_ceil": math.ceil,
    "_ceiled_root": lambda x: math.ceil(math.sqrt(x)), "_rounded_root": lambda x: round(math.sqrt(x)),
    "_perm": math.perm, "_pstdev": statistics.pstdev, "_variance": statistics.variance,
    "_halves": lambda x: zip(x[::2], x[1::2]),
}  # fmt: skip
OPPOSITES: dict[type, tuple[type, ...]] = {
    ast.Lt: (ast.LtE, ast.Gt, ast.GtE), ast.LtE: (ast.Lt, ast.Gt, ast.GtE), ast.Gt: (ast.GtE, ast.Lt, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt, ast.LtE), ast.Eq: (ast.NotEq, ast.GtE, ast.LtE), ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,), ast.NotIn: (ast.In,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
    ast.Add: (ast.Sub, ast.Mult), ast.Sub: (ast.Add, ast.Mult), ast.Mult: (ast.Add, ast.Div),
    ast.Div: (ast.Mult, ast.FloorDiv), ast.FloorDiv: (ast.Div, ast.Mult, ast.Mod), ast.Mod: (ast.FloorDiv,),
    ast.Pow: (ast.Mult, ast.Add), ast.And: (ast.Or,), ast.Or: (ast.And,), ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,),
}  # fmt: skip


class Mutant(NamedTuple):
    """A program with one mistake: what and where, and its tree."""

    name: str
    tree: ast.Module


def mutants(tree: ast.Module) -> Iterator[Mutant]:
    """Every mutant of a program, in an order that depends on nothing else."""
    for path, node, function in _places(tree, (), None):
        for name, new in [*_variants(node), *_other_names(node, function)]:
            copy = deepcopy(tree)
            _put(copy, path, new)
            shown = ast.unparse(node).splitlines()[0][:50]
            yield Mutant(f"line {node.lineno}: {shown}: {name}", ast.fix_missing_locations(copy))


def compiled(tree: ast.Module, function: str, names: dict[str, Any]) -> Callable[..., Any]:
    """The function of that name, run in a copy of these names. Raises what the program raises as it is read."""
    rounds = [0]

    def tick() -> bool:
        rounds[0] += 1
        if rounds[0] > MOST_ROUNDS:
            raise RuntimeError("an endless loop")
        return True

    space = names | HELPERS | {"_tick": tick}
    exec(compile(_with_ticks(tree), "<mutant>", "exec"), space)

    def call(*arguments: Any) -> Any:
        rounds[0] = 0
        return space[function](*arguments)

    return call


def without_words(tree: ast.Module) -> ast.Module:
    """A program without what no call depends on: docstrings, annotations, the words of its errors."""

    class Strip(ast.NodeTransformer):
        def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
            if ast.get_docstring(node) is not None:
                node.body = node.body[1:] or [ast.Pass()]
            node.returns = None
            for argument in node.args.posonlyargs + node.args.args + node.args.kwonlyargs:
                argument.annotation = None
            return self.generic_visit(node)

        def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
            self.generic_visit(node)
            return ast.Assign([node.target], node.value) if node.value else None

        def visit_Raise(self, node: ast.Raise) -> Any:
            return ast.Raise(node.exc.func if isinstance(node.exc, ast.Call) else node.exc, None)

    return ast.parse(ast.unparse(ast.fix_missing_locations(Strip().visit(deepcopy(tree)))))


Path = tuple[tuple[str, int | None], ...]


def _places(node: ast.AST, path: Path, function: ast.AST | None) -> Iterator[tuple[Path, Any, ast.AST | None]]:
    """Every expression and statement, with the way to it and the function around it."""
    if isinstance(node, ast.expr | ast.stmt) and not isinstance(getattr(node, "ctx", None), ast.Store | ast.Del):
        yield path, node, function
    if isinstance(node, ast.Raise | ast.Import | ast.ImportFrom):
        return
    inside = node if isinstance(node, ast.FunctionDef) else function
    for field, value in ast.iter_fields(node):
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(child, ast.AST):
                yield from _places(child, (*path, (field, index)), inside)


def _put(tree: ast.AST, path: Path, new: ast.AST) -> None:
    *before, (field, index) = path
    parent = reduce(lambda node, step: _child(node, *step), before, tree)
    if index is None:
        setattr(parent, field, new)
    else:
        getattr(parent, field)[index] = new


def _child(node: Any, field: str, index: int | None) -> Any:
    return getattr(node, field) if index is None else getattr(node, field)[index]


def _source(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def _variants(node: Any) -> Iterator[tuple[str, ast.AST]]:
    match node:
        case ast.Constant(value=value):
            yield from ((f"constant {new!r}", ast.Constant(new)) for new in _constants(value))
        case ast.Compare(ops=[op, *_]):
            for other in OPPOSITES[type(op)]:
                yield f"compared by {other.__name__}", _changed(node, ops=[other(), *node.ops[1:]])
            if len(node.ops) == 2:  # a <= b <= c
                left, right = node.comparators
                yield "the first half", ast.Compare(node.left, [node.ops[0]], [left])
                yield "the second half", ast.Compare(left, [node.ops[1]], [right])
                for other in OPPOSITES[type(node.ops[1])]:
                    yield f"compared by {other.__name__}", _changed(node, ops=[node.ops[0], other()])
        case ast.BinOp(left=left, op=op, right=right):
            for other in OPPOSITES[type(op)]:
                yield f"by {other.__name__}", _changed(node, op=other())
            yield "the left alone", left
            yield "the right alone", right
            if isinstance(op, ast.Sub | ast.Div | ast.FloorDiv | ast.Pow):
                yield "swapped", ast.BinOp(right, op, left)
            if isinstance(op, ast.Div | ast.FloorDiv):
                for change in (ast.Add(), ast.Sub()):
                    denominator = ast.BinOp(right, change, ast.Constant(1))
                    yield f"denominator {type(change).__name__} 1", _changed(node, right=denominator)
        case ast.BoolOp(op=op, values=values):
            yield "and for or", _changed(node, op=OPPOSITES[type(op)][0]())
            for i in range(len(values)):
                rest = values[:i] + values[i + 1 :]
                yield f"condition {i} dropped", rest[0] if len(rest) == 1 else _changed(node, values=rest)
        case ast.UnaryOp(operand=operand):
            yield "the sign dropped", operand
        case ast.IfExp(body=body, orelse=orelse):
            yield "always the first", body
            yield "always the second", orelse
        case ast.Call(func=func, args=args):
            name = func.id if isinstance(func, ast.Name) else getattr(func, "attr", "")
            for sibling in SIBLINGS.get(name, []):
                new = ast.Name(sibling, ast.Load()) if not isinstance(func, ast.Attribute) or sibling in HELPERS else (
                    _changed(func, attr=sibling))  # fmt: skip
                yield f"{sibling} for {name}", _changed(node, func=new)
            if len(args) == 1 and not isinstance(args[0], ast.GeneratorExp | ast.Starred):
                yield "not called", args[0]
            for i in range(len(node.keywords)):
                yield "without a keyword", _changed(node, keywords=node.keywords[:i] + node.keywords[i + 1 :])
            if name in ("len", "sum", "min", "max", "range", "isqrt", "ceil", "floor", "int"):
                yield "one more", ast.BinOp(node, ast.Add(), ast.Constant(1))
                yield "one less", ast.BinOp(node, ast.Sub(), ast.Constant(1))
            if name == "range":
                for i, change in [(i, c) for i in range(len(args)) for c in (ast.Add(), ast.Sub())]:
                    new = [*args[:i], ast.BinOp(args[i], change, ast.Constant(1)), *args[i + 1 :]]
                    yield f"ends {type(change).__name__} 1", _changed(node, args=new)
        case ast.Subscript(slice=ast.Slice() as cut):
            yield "not cut", node.value
            for field in ("lower", "upper"):
                if end := getattr(cut, field):
                    for change in (ast.Add(), ast.Sub()):
                        new = ast.BinOp(end, change, ast.Constant(1))
                        yield f"{field} {type(change).__name__} 1", _changed(node, slice=_changed(cut, **{field: new}))
                    yield f"no {field}", _changed(node, slice=_changed(cut, **{field: None}))
        case ast.Subscript(slice=place, ctx=ast.Load()):
            for change in (ast.Add(), ast.Sub()):
                new = ast.BinOp(place, change, ast.Constant(1))
                yield f"place {type(change).__name__} 1", _changed(node, slice=new)
        case ast.Tuple(elts=parts) | ast.List(elts=parts) if len(parts) > 1:
            for i, part in enumerate(parts):
                yield f"without part {i}", _changed(node, elts=parts[:i] + parts[i + 1 :])
                yield (
                    f"part {i} negated",
                    _changed(node, elts=[*parts[:i], ast.UnaryOp(ast.USub(), part), *parts[i + 1 :]]),
                )
            yield "backwards", _changed(node, elts=parts[::-1])
        case ast.ListComp() | ast.GeneratorExp() | ast.DictComp() | ast.SetComp():
            for g, generator in enumerate(node.generators):
                for i in range(len(generator.ifs)):
                    new = _changed(generator, ifs=generator.ifs[:i] + generator.ifs[i + 1 :])
                    rest = [*node.generators[:g], new, *node.generators[g + 1 :]]
                    yield "its condition dropped", _changed(node, generators=rest)
                if isinstance(node, ast.ListComp):
                    yield "the first dropped", _source(f"({ast.unparse(node)})[1:]")
                    yield "the last dropped", _source(f"({ast.unparse(node)})[:-1]")
                    yield "backwards", _source(f"({ast.unparse(node)})[::-1]")
        case ast.If(test=test):
            yield "always", _changed(node, test=ast.Constant(True))
            yield "never", _changed(node, test=ast.Constant(False))
            yield "the other way", _changed(node, test=ast.UnaryOp(ast.Not(), test))
        case ast.While(test=test):
            yield "a last round more", _changed(node, test=ast.Constant(True))
            yield "no round", _changed(node, test=ast.Constant(False))
        case ast.Return(value=value) if value is not None:
            yield "one more", ast.Return(ast.BinOp(value, ast.Add(), ast.Constant(1)))
            yield "one less", ast.Return(ast.BinOp(value, ast.Sub(), ast.Constant(1)))
            yield "nothing", ast.Return(ast.Constant(None))
        case ast.AugAssign(op=op):
            yield "deleted", ast.Pass()
            yield "assigned", ast.Assign([node.target], node.value)
            for other in OPPOSITES[type(op)]:
                yield f"by {other.__name__}", _changed(node, op=other())
        case ast.Raise() | ast.Break() | ast.Continue() | ast.Expr() | ast.Assign():
            yield "deleted", ast.Pass()
            if isinstance(node, ast.Break):
                yield "goes on", ast.Continue()
            if isinstance(node, ast.Continue):
                yield "breaks", ast.Break()
            if isinstance(node, ast.Raise):
                yield "returns None", ast.Return(ast.Constant(None))


def _changed(node: Any, **fields: Any) -> Any:
    return type(node)(**{field: getattr(node, field, None) for field in node._fields} | fields)


def _constants(value: Any) -> list[Any]:
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [*{*(value + step for step in (-1, 1)), 0, 1, 2 * value, -value, value + 0.5} - {value}]
    if isinstance(value, float):
        near = [value * 1.02, value * 0.98, value + 0.05, value - 0.05, -value, 0, 1, 2 * value]
        return near + {1.96: [1.645, 2.576, 2.0], 0.05: [0.025, 0.1]}.get(value, [])
    return [value + "x", ""] if isinstance(value, str) and value else []


def _other_names(node: Any, function: Any) -> Iterator[tuple[str, ast.AST]]:
    """A variable read where another one should be."""
    if isinstance(node, ast.Name) and isinstance(function, ast.FunctionDef):
        inside = [each for each in ast.walk(function) if isinstance(each, ast.Name)]
        names = [a.arg for a in function.args.args] + [n.id for n in inside if isinstance(n.ctx, ast.Store)]
        if node.id in names:
            for other in dict.fromkeys(names):
                if other != node.id:
                    yield f"{other} for {node.id}", ast.Name(other, ast.Load())


def _with_ticks(tree: ast.Module) -> ast.Module:
    """A program whose loops count their rounds."""
    copy, tick = deepcopy(tree), _source("_tick()")
    for node in ast.walk(copy):
        if isinstance(node, ast.For | ast.While):
            node.body.insert(0, ast.Expr(tick))
        elif isinstance(node, ast.comprehension):
            node.ifs.insert(0, tick)
    return ast.fix_missing_locations(copy)


TRIVIAL: dict[str, Callable[..., Any]] = {
    "nothing": lambda *_: None,
    "ValueError": lambda *_: (_ for _ in ()).throw(ValueError("refused")),
    **{f"always {value!r}": lambda *_, value=value: deepcopy(value) for value in (
        0, 1, -1, 2, 0.0, 0.5, 1.0, True, False, "", "0", "1", "small", "large", "no difference", "holds", "reversed",
        "not seen", [], [0], [1], [0, 0], [1, 1], [0, 1], [1, 0], [0.0, 0.0, 0.0], [[]], [""],
    )},
    **{f"argument {i}": lambda *a, i=i: a[i] for i in range(5)},
    **{f"argument {i} at {j}": lambda *a, i=i, j=j: a[i][j] for i in range(3) for j in (0, -1)},
    **{f"{name} of argument {i}": lambda *a, i=i, f=f: f(a[i]) for i in range(3) for name, f in {
        "len": len, "sum": sum, "min": min, "max": max, "mean": statistics.fmean, "sorted": sorted,
        "reversed": lambda x: x[::-1], "commonest": lambda x: max(x, key=x.count),
    }.items()},
    **{f"{f.__name__} of two arguments": lambda *a, f=f: f(a[0], a[1]) for f in (
        operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv,
    )},
    "a place for each": lambda *a: list(range(len(a[0]))),
    "0 for each": lambda *a: [0] * len(a[0]),
    "1 for each": lambda *a: [1] * len(a[0]),
    "an empty list for each": lambda *a: [[] for _ in a[0]],
    "the best score": lambda *a: a[0][max(range(len(a[1])), key=a[1].__getitem__)],
}  # fmt: skip
