"""Exact algebra on short expressions: what gives `x+1`, `1+x` and `(x+1)` one canonical text.

An expression is a quotient of two polynomials with rational coefficients. Its atoms are variables, the imaginary unit,
roots of primes, symbolic powers such as e^{x}, and functions of another expression. Nothing is evaluated in floating
point, nothing is ever rounded, and every operation counts against a budget, so that no expression takes long.
"""

import math
from fractions import Fraction

from .expression import (
    MAX_DEGREE,
    MAX_TERMS,
    WHOLE,
    Atom,
    Expression,
    I,
    Monomial,
    Polynomial,
    Unreadable,
    checked,
    content_of,
    dense_coefficients,
    has_atom,
    is_prime,
    leading_term,
    number_power,
    polynomial_text,
    remainder_of,
    term_order,
)

_BUDGET = 3000  # products of two terms in one expression
_FACTORS = 10_000  # largest prime that a number under a root is divided by


class Budget:
    """The work that one expression may still cost; `spend` raises Unreadable when it is used up."""

    def __init__(self) -> None:
        self.left = _BUDGET

    def spend(self, work: int) -> None:
        self.left -= work
        if self.left < 0:
            raise Unreadable("too much work")


class Algebra:
    """The operations on expressions, with one budget for all of them. Each raises Unreadable for what has no value."""

    def __init__(self) -> None:
        self.budget = Budget()

    def number(self, value: Fraction | int) -> Expression:
        return Expression({(): Fraction(value)} if value else {}, WHOLE)

    def symbol(self, name: str) -> Expression:
        return Expression({((Atom(name), Fraction(1)),): Fraction(1)}, WHOLE)

    def function(self, name: str, *arguments: Expression) -> Expression:
        """`name` of the arguments, left as it is but for the few values that are exact."""
        argument, value = arguments[0], arguments[0].number
        if name in ("\\log", "\\ln"):
            base = self.symbol("e") if name == "\\ln" else arguments[1] if len(arguments) > 1 else None
            if (power := self._logarithm(argument, base)) is not None:
                return power
            shown = f"\\log_{{{base}}}({argument})" if len(arguments) > 1 else f"{name}({argument})"
            return self._opaque(shown, "\\log_" if len(arguments) > 1 else name, *arguments)
        if name == "\\binom":
            return self._opaque(f"\\binom{{{argument}}}{{{arguments[1]}}}", name)
        if name in ("\\floor", "\\ceil"):
            if value is not None:
                return self.number(math.floor(value) if name == "\\floor" else math.ceil(value))
            return self._opaque(f"\\l{name[1:]} {argument}\\r{name[1:]} ", name, argument)
        if name == "\\abs":
            if value is not None:
                return self.number(abs(value))
            if argument.over[leading_term(argument.over)] < 0:
                argument = self.negative(argument)
            return self._opaque(f"\\lvert {argument}\\rvert ", name, argument)
        return self._opaque(f"{name}({argument})", name, argument)

    def _opaque(self, text: str, name: str, *arguments: Expression) -> Expression:
        atom = Atom(text, function=name, arguments=arguments)
        return Expression({((atom, Fraction(1)),): Fraction(1)}, WHOLE)

    def _logarithm(self, argument: Expression, base: Expression | None) -> Expression | None:
        """A logarithm that is a whole number. Without a base it is left as it is, but for the logarithm of 1."""
        value = argument.number
        if value is not None and value <= 0:
            raise Unreadable("logarithm of what is not positive")
        if value == 1:
            return self.number(0)
        if base is None:
            return None
        if argument == base:
            return self.number(1)
        step = base.number
        if value is None or step is None or step <= 1 or step.denominator != 1:
            return None
        power, rest = 0, value if value > 1 else 1 / value
        while rest > 1 and rest.denominator == 1 and rest % step == 0:
            rest, power = rest / step, power + 1
        return self.number(power if value > 1 else -power) if rest == 1 else None

    def negative(self, a: Expression) -> Expression:
        return Expression({term: -factor for term, factor in a.over.items()}, a.under)

    def add(self, a: Expression, b: Expression) -> Expression:
        if a.under == b.under:
            return self.quotient(self._sum(a.over, b.over), a.under)
        over = self._sum(self._product(a.over, b.under), self._product(b.over, a.under))
        return self.quotient(over, self._product(a.under, b.under))

    def multiply(self, a: Expression, b: Expression) -> Expression:
        return self.quotient(self._product(a.over, b.over), self._product(a.under, b.under))

    def divide(self, a: Expression, b: Expression) -> Expression:
        return self.quotient(self._product(a.over, b.under), self._product(a.under, b.over))

    def power(self, base: Expression, exponent: Expression) -> Expression:
        value = exponent.number
        if value is None:
            return self._symbolic_power(base, exponent)
        if value.denominator == 1:
            return self._whole_power(base, value.numerator)
        return self._root_power(base, value)

    def _whole_power(self, base: Expression, n: int) -> Expression:
        if n == 0 and not base.over:
            raise Unreadable("0 to the power of 0")
        if n < 0:
            base, n = self.divide(self.number(1), base), -n
        if len(base.over) <= 1 and base.under == WHOLE:
            factors = [number_power(factor, n) for factor in base.over.values()]
            terms = [tuple((atom, exponent * n) for atom, exponent in term) for term in base.over]
            return self.quotient(self._reduced([*zip(terms, factors)]), WHOLE)
        if n > MAX_DEGREE:
            raise Unreadable("a large power of a sum")
        result = self.number(1)
        for digit in f"{n:b}":
            result = self.multiply(result, result)
            if digit == "1":
                result = self.multiply(result, base)
        return result

    def _root_power(self, base: Expression, power: Fraction) -> Expression:
        """A base to a power that is no whole number: the positive root, or the real one of an odd root."""
        if not base.over:
            if power < 0:
                raise Unreadable("division by 0")
            return base
        if len(base.over) > 1 or base.under != WHOLE:
            content = content_of(base.over) if base.under == WHOLE else Fraction(1)
            inner = Expression({term: factor / content for term, factor in base.over.items()}, base.under)
            atom = Atom(f"({inner})", base=inner)
            root = Expression({((atom, Fraction(1)),): Fraction(1)}, WHOLE)
            return self.multiply(self._root_power(self.number(content), power), self._scaled(root, power))
        [(term, factor)] = base.over.items()
        result = self.number(1)
        if factor < 0:
            if power.denominator == 2:
                result = self._whole_power(self.symbol("i"), power.numerator)
            elif power.denominator % 2:
                result = self.number((-1) ** (power.numerator % 2))
            else:
                raise Unreadable("an even root of a negative number")
        pairs: list[tuple[Atom, Fraction]] = []
        for sign, number in ((1, abs(factor.numerator)), (-1, factor.denominator)):
            pairs += [(Atom(str(prime)), sign * times * power) for prime, times in self._factors(number)]
        for atom, exponent in term:
            if atom == I:
                raise Unreadable("a root of a complex number")
            if exponent.numerator % 2 == 0 and power.denominator % 2 == 0 and not is_prime(atom):
                inner = Expression({((atom, exponent),): Fraction(1)}, WHOLE)  # the root of x^2 is not x
                pairs.append((Atom(f"({inner})", base=inner), power))
            else:
                pairs.append((atom, exponent * power))
        return self.multiply(result, self.quotient(self._reduced([(tuple(pairs), Fraction(1))]), WHOLE))

    def _scaled(self, a: Expression, power: Fraction) -> Expression:
        [term] = a.over
        return Expression(self._reduced([(tuple((atom, n * power) for atom, n in term), Fraction(1))]), WHOLE)

    def _symbolic_power(self, base: Expression, exponent: Expression) -> Expression:
        """A base to a power with letters in it: the product of its powers to each term."""
        if not base.over or base.number == 1:
            raise Unreadable("a symbolic power of 0 or 1")
        bases: list[tuple[Atom, int]]
        value = base.number
        if value is not None and value > 0:
            bases = [(Atom(str(prime)), n) for prime, n in self._factors(value.numerator)]
            bases += [(Atom(str(prime)), -n) for prime, n in self._factors(value.denominator)]
        else:
            text = str(base)
            bases = [(Atom(text if text.isalpha() and len(text) == 1 else f"({text})", base=base), 1)]
        result = self.number(1)
        terms = exponent.over
        if exponent.under != WHOLE:
            content = content_of(exponent.over) * (1 if exponent.over[leading_term(exponent.over)] > 0 else -1)
            inner = Expression({term: n / content for term, n in exponent.over.items()}, exponent.under)
            terms = {((Atom(f"({inner})", base=inner), Fraction(1)),): content}
        for term, factor in terms.items():
            if not term:
                result = self.multiply(result, self.power(base, self.number(factor)))
                continue
            power = polynomial_text({term: Fraction(1)})
            pairs = tuple(
                (Atom(each.name, power, base=each.base, exponent=term), factor * times) for each, times in bases
            )
            result = self.multiply(result, Expression(self._reduced([(pairs, Fraction(1))]), WHOLE))
        return result

    def _factors(self, number: int) -> list[tuple[int, int]]:
        """The primes of a number with their powers; what has only large ones is taken for a prime."""
        found, prime = [], 2
        while prime * prime <= number and prime < _FACTORS:
            times = 0
            while number % prime == 0:
                number, times = number // prime, times + 1
            if times:
                found.append((prime, times))
            prime += 1 + (prime > 2)
        if number > 1:
            root = math.isqrt(number)
            found.append((root, 2) if root * root == number else (number, 1))
        self.budget.spend(50)
        return found

    def _sum(self, a: Polynomial, b: Polynomial) -> Polynomial:
        self.budget.spend(len(b))
        total = dict(a)
        for term, factor in b.items():
            total[term] = total.get(term, Fraction(0)) + factor
        return checked({term: factor for term, factor in total.items() if factor})

    def _product(self, a: Polynomial, b: Polynomial) -> Polynomial:
        if a is WHOLE or b is WHOLE:
            return b if a is WHOLE else a
        self.budget.spend(len(a) * len(b))
        return self._reduced([(p + q, x * y) for p, x in a.items() for q, y in b.items()])

    def _reduced(self, terms: list[tuple[Monomial, Fraction]]) -> Polynomial:
        """The sum of the terms, each with its atoms in order and powers of i, of primes and of roots worked out."""
        total: Polynomial = {}
        whole: list[Expression] = []
        for pairs, factor in terms:
            exponents: dict[Atom, Fraction] = {}
            for atom, exponent in pairs:
                exponents[atom] = exponents.get(atom, Fraction(0)) + exponent
            bases = []
            for atom, exponent in [*exponents.items()]:
                self.budget.spend(1)
                if atom == I:
                    if exponent.denominator != 1:
                        raise Unreadable("a root of i")
                    exponents[atom] = Fraction(exponent.numerator % 2)
                    factor = -factor if exponent.numerator % 4 in (2, 3) else factor
                elif is_prime(atom) and not atom.power:
                    times = math.floor(exponent)
                    factor *= number_power(Fraction(int(atom.name)), times)
                    exponents[atom] = exponent - times
                elif atom.base is not None and not atom.power and exponent.denominator == 1:
                    del exponents[atom]
                    bases.append((atom.base, exponent.numerator))
            term = tuple(sorted((atom, exponent) for atom, exponent in exponents.items() if exponent))
            if bases:
                product = Expression({term: factor}, WHOLE)
                for base, n in bases:
                    product = self.multiply(product, self._whole_power(base, n))
                whole.append(product)
            else:
                total[term] = total.get(term, Fraction(0)) + factor
        total = checked({term: factor for term, factor in total.items() if factor})
        for product in whole:
            if product.under != WHOLE:
                raise Unreadable("a root of a quotient multiplied out")
            total = self._sum(total, product.over)
        return total

    def quotient(self, over: Polynomial, under: Polynomial) -> Expression:
        """One polynomial over another: without roots or i below, and without what divides both where that is found."""
        if not under:
            raise Unreadable("division by 0")
        if not over:
            return self.number(0)
        if under == WHOLE:
            return Expression(over, WHOLE)
        for _ in range(6):
            roots = [atom for term in under for atom, n in term if atom == I or (n.denominator == 2 and is_prime(atom))]
            if len(under) == 1 or not roots:
                break
            conjugate = {term: -factor if has_atom(term, roots[0]) else factor for term, factor in under.items()}
            over, under = self._product(over, conjugate), self._product(under, conjugate)
            if not under:
                raise Unreadable("division by 0")
        least: dict[Atom, Fraction] = {}
        for atom in {atom for term in under for atom, _ in term}:
            least[atom] = min(dict(term).get(atom, Fraction(0)) for term in under)
        inverse = tuple((atom, -n) for atom, n in least.items() if n)
        if inverse:
            scale = {inverse: Fraction(1)}
            over, under = self._product(over, scale), self._product(under, scale)
        if len(under) > 1:
            over, under = self._lowest_terms(over, under)
        lead = under[leading_term(under)]
        over = {term: factor / lead for term, factor in over.items()}
        under = {term: factor / lead for term, factor in under.items()}
        return Expression(checked(over), WHOLE if under == WHOLE else checked(under))

    def _lowest_terms(self, over: Polynomial, under: Polynomial) -> tuple[Polynomial, Polynomial]:
        if (whole := self._divided(over, under)) is not None:
            return whole, WHOLE
        if len(over) > 1 and (whole := self._divided(under, over)) is not None:
            return WHOLE, whole
        atoms = {atom for polynomial in (over, under) for term in polynomial for atom, _ in term}
        if len(atoms) == 1:
            [atom] = atoms
            a, b = dense_coefficients(over, atom), dense_coefficients(under, atom)
            if a and b:
                while b:
                    self.budget.spend(len(a) * len(b))
                    a, b = b, remainder_of(a, b)
                if len(a) > 1:
                    common: Polynomial = {
                        ((atom, Fraction(n)),) if n else (): factor for n, factor in enumerate(a) if factor
                    }
                    return self._divided(over, common) or over, self._divided(under, common) or under
        return over, under

    def _divided(self, a: Polynomial, b: Polynomial) -> Polynomial | None:
        """`a` over `b` if it is a polynomial: division term by term."""
        lead = leading_term(b)
        rest = dict(a)
        result: Polynomial = {}
        for _ in range(MAX_TERMS):
            if not rest:
                return result
            top = leading_term(rest)
            exponents = dict(top)
            for atom, n in lead:
                exponents[atom] = exponents.get(atom, Fraction(0)) - n
            if any(n < 0 for n in exponents.values()):
                return None
            term = tuple(sorted((atom, n) for atom, n in exponents.items() if n))
            factor = rest[top] / b[lead]
            result[term] = factor
            before = len(rest)
            rest = self._sum(rest, self._product(b, {term: -factor}))
            if rest and term_order(leading_term(rest)) >= term_order(top):
                return None
            self.budget.spend(before)
        return None
