"""Exact algebra: the canonical text of an expression, against plain arithmetic at points and against itself."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ttclab.answers.algebra import Algebra
from ttclab.answers.expression import Expression, Unreadable, _value

NAMES = st.sampled_from(["x", "y", "n", "\\pi", "e", "i"])
NUMBERS = st.fractions(-9, 9, max_denominator=6)


def trees(*powers: str):
    """Trees of operations, which are built into an expression and into numbers."""
    return st.recursive(
        NAMES | NUMBERS,
        lambda tree: (
            st.tuples(st.sampled_from(["+", "-", "*", "/"]), tree, tree)
            | st.tuples(st.sampled_from(powers), tree, st.integers(-3, 3))
        ),
        max_leaves=8,
    )


TREES = trees("^", "root")


def build(algebra: Algebra, tree) -> Expression:
    if isinstance(tree, str):
        return algebra.symbol(tree)
    if isinstance(tree, Fraction):
        return algebra.number(tree)
    sign, left, right = tree
    a = build(algebra, left)
    if sign in ("^", "root"):
        return algebra.power(a, algebra.number(Fraction(right, 2) if sign == "root" else right))
    b = build(algebra, right)
    if sign == "-":
        b = algebra.negative(b)
    return {"+": algebra.add, "-": algebra.add, "*": algebra.multiply, "/": algebra.divide}[sign](a, b)


def value(tree, point: int) -> complex:
    if isinstance(tree, str | Fraction):
        return _value(build(Algebra(), tree), point)
    sign, left, right = tree
    a = value(left, point)
    if sign == "^":
        return a**right
    b = value(right, point)
    return a + b if sign == "+" else a - b if sign == "-" else a * b if sign == "*" else a / b


@settings(max_examples=300, deadline=None)
@given(trees("^"))
def test_the_canonical_form_has_the_value_of_what_was_written(tree):
    try:
        expression = build(Algebra(), tree)
        expected, found = value(tree, 0), _value(expression, 0)
    except (Unreadable, ArithmeticError):
        return
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-6)


@settings(max_examples=300, deadline=None)
@given(TREES, TREES, TREES)
def test_the_laws_of_arithmetic_do_not_change_the_text(a, b, c):
    try:
        algebra = Algebra()
        x, y, z = (build(Algebra(), tree) for tree in (a, b, c))
        assert str(algebra.add(x, y)) == str(algebra.add(y, x))
        assert str(algebra.multiply(x, y)) == str(algebra.multiply(y, x))
        if "(" not in f"{x}{y}{z}":  # quotients of polynomials are in lowest terms only where a divisor is found
            left = algebra.multiply(x, algebra.add(y, z))
            assert str(left) == str(algebra.add(algebra.multiply(x, y), algebra.multiply(x, z)))
            assert str(algebra.add(x, algebra.negative(x))) == "0"
    except Unreadable:
        pass


@pytest.mark.parametrize("n", [2, 8, 12, 72, 360, 10**9 + 7, 4 * (10**9 + 7), 2**61 - 1])
def test_a_root_of_a_number_squared_is_the_number(n):
    algebra = Algebra()
    root = algebra.power(algebra.number(n), algebra.number(Fraction(1, 2)))
    assert algebra.multiply(root, root).number == n
    third = algebra.power(algebra.number(n), algebra.number(Fraction(1, 3)))
    assert algebra.power(third, algebra.number(3)).number == n


def test_a_value_that_would_be_large_or_take_long_is_unreadable():
    algebra = Algebra()
    total = algebra.number(0)
    for name in "abcdef":
        total = algebra.add(total, algebra.symbol(name))
    for power in (12, 31, 10**9):
        with pytest.raises(Unreadable):
            Algebra().power(total, algebra.number(power))
    for base, exponent in ((9, 10**9), (2, 5000), (2, -5000)):
        with pytest.raises(Unreadable):
            algebra.power(algebra.number(base), algebra.number(exponent))
    for zero in (
        lambda: algebra.divide(total, algebra.number(0)),
        lambda: algebra.power(algebra.number(0), algebra.number(0)),
    ):
        with pytest.raises(Unreadable):
            zero()


def test_expressions_that_differ_at_a_point_are_told_apart_and_equal_ones_never():
    algebra = Algebra()
    x, one = algebra.symbol("x"), algebra.number(1)
    sine, cosine = algebra.function("\\sin", x), algebra.function("\\cos", x)
    squares = algebra.add(algebra.multiply(sine, sine), algebra.multiply(cosine, cosine))
    assert squares.may_equal(one) and not sine.may_equal(cosine)
    assert algebra.function("\\gcd", x).may_equal(one)  # without a value it is left open
