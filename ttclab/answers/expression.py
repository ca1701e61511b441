"""Expressions of the algebra: quotients of polynomials in atoms, with their text and their value."""

import cmath
import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import total_ordering
from typing import Union

LARGEST = 4096  # bits of a coefficient
MAX_TERMS = 200  # of a polynomial
MAX_DEGREE = 30  # largest power of a sum that is multiplied out, and largest degree of a greatest common divisor


class Unreadable(Exception):
    """The text is not an expression of the kinds that are read, or its value would be too large."""


@dataclass(frozen=True, order=True)
class Atom:
    """A factor that is not a rational number: `name`, or `name` to the power of the monomial `power`.

    What a name is made of is kept beside it: the base of a root or power, the exponent of a symbolic power, the
    arguments of a function.
    """

    name: str
    power: str = ""
    base: Union["Expression", None] = field(default=None, compare=False, repr=False)
    exponent: "Monomial" = field(default=(), compare=False, repr=False)
    function: str = field(default="", compare=False, repr=False)
    arguments: tuple["Expression", ...] = field(default=(), compare=False, repr=False)


Monomial = tuple[tuple[Atom, Fraction], ...]
Polynomial = dict[Monomial, Fraction]
WHOLE: Polynomial = {(): Fraction(1)}
I = Atom("i")  # noqa: E741


@dataclass(frozen=True)
class Expression:
    """A quotient of two polynomials in lowest terms, as far as `quotient` finds them."""

    over: Polynomial
    under: Polynomial

    @property
    def number(self) -> Fraction | None:
        """Its value, if it is a rational number."""
        if self.under != WHOLE or set(self.over) - {()}:
            return None
        return self.over.get((), Fraction(0))

    @property
    def is_exact(self) -> bool:
        """Whether another text means another value: a polynomial in variables and square roots of numbers."""
        atoms = [(atom, exponent) for term in self.over for atom, exponent in term]
        return self.under == WHOLE and all(
            not atom.power and atom.base is None and not atom.function and (exponent.denominator == 1 or is_prime(atom))
            for atom, exponent in atoms
        )

    def may_equal(self, other: "Expression") -> bool:
        """Whether their values agree at a few points, always the same ones, as far as values can be computed."""
        for point in range(3):
            try:
                a, b = _value(self, point), _value(other, point)
                if abs(a - b) > 1e-6 * (1 + abs(a) + abs(b)):
                    return False
            except (ArithmeticError, ValueError, KeyError, RecursionError):
                pass  # no value there, or none that is computed here
        return True

    def __str__(self) -> str:
        if self.under == WHOLE:
            return polynomial_text(self.over)
        return f"({polynomial_text(self.over)})/({polynomial_text(self.under)})"


_CONSTANTS = {"i": 1j, "e": math.e, "\\pi": math.pi}


def _value(expression: Expression, point: int) -> complex:
    """The value where each variable has a number of its own; raises an error where it has none."""
    over, under = (
        sum(complex(factor) * _monomial_value(term, point) for term, factor in polynomial.items())
        for polynomial in (expression.over, expression.under)
    )
    return over / under


def _monomial_value(term: Monomial, point: int) -> complex:
    return math.prod((_atom_value(atom, point) ** complex(n) for atom, n in term), start=1 + 0j)


def _atom_value(atom: Atom, point: int) -> complex:
    if atom.function:
        return _FUNCTIONS[atom.function](*(_value(argument, point) for argument in atom.arguments))
    if atom.base is not None:
        base = _value(atom.base, point)
    elif is_prime(atom):
        base = complex(int(atom.name))
    elif atom.name == "\\infty":
        raise ValueError("infinity has no value")
    else:
        base = _CONSTANTS.get(atom.name, complex(0.3 + zlib.crc32(f"{point}{atom.name!r}".encode()) / 2**32))
    return base ** _monomial_value(atom.exponent, point) if atom.power else base


# What is not here is left to math-verify.
_FUNCTIONS: dict[str, Callable[..., complex]] = {
    "\\sin": cmath.sin,
    "\\cos": cmath.cos,
    "\\tan": cmath.tan,
    "\\cot": lambda x: 1 / cmath.tan(x),
    "\\sec": lambda x: 1 / cmath.cos(x),
    "\\csc": lambda x: 1 / cmath.sin(x),
    "\\arctan": cmath.atan,
    "\\sinh": cmath.sinh,
    "\\cosh": cmath.cosh,
    "\\tanh": cmath.tanh,
    "\\ln": cmath.log,
    "\\log": cmath.log10,
    "\\log_": cmath.log,
    "\\abs": abs,
    "\\floor": lambda x: math.floor(x.real + 1e-9),
    "\\ceil": lambda x: math.ceil(x.real - 1e-9),
}


def checked(polynomial: Polynomial) -> Polynomial:
    if len(polynomial) > MAX_TERMS:
        raise Unreadable("too many terms")
    for factor in polynomial.values():
        if factor.numerator.bit_length() > LARGEST or factor.denominator.bit_length() > LARGEST:
            raise Unreadable("too large a number")
    return polynomial


def number_power(number: Fraction, n: int) -> Fraction:
    if abs(n) * max(abs(number.numerator).bit_length() - 1, number.denominator.bit_length() - 1) > LARGEST:
        raise Unreadable("too large a power")
    return Fraction(number**n) if n >= 0 or number else Fraction(0)


def is_prime(atom: Atom) -> bool:
    return atom.name.isdigit()


def is_number(atom: Atom) -> bool:
    return (is_prime(atom) and not atom.power) or atom == I


def has_atom(term: Monomial, atom: Atom) -> bool:
    return any(each == atom for each, _ in term)


def term_order(term: Monomial) -> tuple[object, ...]:
    """Where a term stands in a sum, the last first: high powers, then letters in their order."""
    degree = sum((n for atom, n in term if not is_number(atom)), Fraction(0))
    return degree, len(term) > 0, [(_Backwards(atom), n) for atom, n in term]


@total_ordering
@dataclass(frozen=True)
class _Backwards:
    atom: Atom

    def __lt__(self, other: "_Backwards") -> bool:
        return other.atom < self.atom


def leading_term(polynomial: Polynomial) -> Monomial:
    return max(polynomial, key=term_order)


def content_of(polynomial: Polynomial) -> Fraction:
    """The positive number that all coefficients are whole multiples of."""
    over = math.gcd(*(factor.numerator for factor in polynomial.values()))
    under = math.lcm(*(factor.denominator for factor in polynomial.values()))
    return Fraction(over, under)


def primitive(polynomial: Polynomial, signed: bool = False) -> Polynomial:
    """The polynomial with whole coefficients that have no common divisor; the first is positive unless `signed`."""
    scale = content_of(polynomial)
    if not signed and polynomial[leading_term(polynomial)] < 0:
        scale = -scale
    return {term: factor / scale for term, factor in polynomial.items()}


def dense_coefficients(polynomial: Polynomial, atom: Atom) -> list[Fraction]:
    """Coefficients of the powers 0, 1, 2 ... of the one atom; nothing if there are others, or large powers."""
    powers = [(dict(term).get(atom, Fraction(0)), factor) for term, factor in polynomial.items()]
    if any(n.denominator != 1 or not 0 <= n <= MAX_DEGREE for n, _ in powers):
        return []
    factors = [Fraction(0)] * (int(max(n for n, _ in powers)) + 1)
    for n, factor in powers:
        factors[int(n)] = factor
    return factors


def remainder_of(a: list[Fraction], b: list[Fraction]) -> list[Fraction]:
    """Of a polynomial division, with 1 as its first coefficient."""
    rest = list(a)
    while len(rest) >= len(b):
        factor, shift = rest[-1] / b[-1], len(rest) - len(b)
        for i, each in enumerate(b):
            rest[shift + i] -= factor * each
        while rest and not rest[-1]:
            rest.pop()
    if any(each.numerator.bit_length() > LARGEST for each in rest):
        raise Unreadable("too large a number")
    return [each / rest[-1] for each in rest]


def polynomial_text(polynomial: Polynomial) -> str:
    if not polynomial:
        return "0"
    text = ""
    for term in sorted(polynomial, key=term_order, reverse=True):
        factor = polynomial[term]
        sign = "-" if factor < 0 else "+" if text else ""
        shown = [_factor_text(atom, n) for atom, n in term]
        size = abs(factor)
        text += sign + "*".join(([str(size)] if size != 1 or not shown else []) + shown)
    return text


def _factor_text(atom: Atom, n: Fraction) -> str:
    if atom.power:
        return f"{atom.name}^{{{atom.power if n == 1 else f'{n}*{atom.power}'}}}"
    if n == 1:
        return atom.name
    return f"\\sqrt{{{atom.name}}}" if n == Fraction(1, 2) else f"{atom.name}^{{{n}}}"
