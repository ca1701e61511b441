"""What an answer is: its tokens, read as a number, an expression, a sequence, an equation or a text."""

import re
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache

from .algebra import WHOLE, Algebra, Expression, Unreadable, primitive
from .answer_tokens import TEXT_FORMS, Token, text_of, tokenize, undressed, words

LONGEST = 1000  # characters of an answer that is read; a longer one is a text
REMEMBERED = 200  # characters of the longest answer that is remembered
_DEEPEST = 50  # nested brackets

# Words that make another number of the one before them.
_NO_UNITS = words(
    "and or to of by is are was if than plus minus times over divided point mod base remainder squared cubed factorial "
    "pi sqrt sin cos tan log ln dozen hundred thousand million billion trillion half halves third thirds quarter "
    "quarters fourth fourths fifth fifths sixth sixths eighth eighths tenth tenths hundredth hundredths"
)
_UNITS = {
    word: unit
    for unit, spellings in {
        "dollar": "$ usd us us$ dollars buck", "euro": "€ eur", "pound": "£ gbp", "yen": "¥ jpy", "rupee": "inr rs",
        "cent": "¢", "percent": "% percentage pct", "degree": "circ deg", "mm": "millimeter millimetre",
        "cm": "centimeter centimetre", "km": "kilometer kilometre", "m": "meter metre", "mg": "milligram",
        "g": "gram gm", "kg": "kilogram", "ml": "milliliter millilitre", "l": "liter litre", "foot": "ft feet",
        "inch": "in inches", "yard": "yd", "mile": "mi", "ounce": "oz", "lb": "lbs", "hour": "h hr", "minute": "min",
        "second": "s sec", "square": "sq", "cubic": "cu",
    }.items()
    for word in [unit, *spellings.split()]
}  # fmt: skip
_SHORT_UNITS = {*_UNITS, *words("mph kph rpm hz kw kwh mb gb kb tb ms am pm mol kj mw hp hrs mins secs yds")}
_CURRENCY = {"$", "€", "£", "¥", "¢", "US", "USD", "EUR", "GBP", "JPY", "INR", "Rs"}
_COMPOUND = re.compile(r"(?:m|g|l|L|J|N|W|C)/(?:s|h|l|L|m|C)(?:\^[23])?")
_PAIRS = {"(": ")]", "[": ")]", "{": "}"}
_RELATIONS = {"=": "=", "<": "<", ">": ">", "le": "<=", "ge": ">=", "ne": "!=", "≈": "~"}
_TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
_FUNCTIONS = words("sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh log ln exp abs floor ceil gcd lcm")
_SYMBOLS = words(
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi rho sigma tau "
    "upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega pi infty ell hbar emptyset"
)
_MATRICES = {"pmatrix", "bmatrix", "matrix", "smallmatrix", "array"}
# Letters side by side are a product if they are all consonants, or all of abcxyz, or two that are not one of these.
_CONSONANTS = {*"bcdfghkmnpqrstvwxyz"}
_TWO_LETTERS = words("no on if is it am pm an at as by my me we he up us do go so to of in be ok hi oo")


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


def read(answer: str) -> Reading:
    """What an answer is read as. Never raises."""
    return _remembered(answer) if len(answer) <= REMEMBERED else _reading(answer)


def _reading(answer: str) -> Reading:
    if len(answer) > LONGEST:
        digits = answer.lstrip("0") if answer.isascii() and answer.isdigit() else ""
        return Reading(digits or " ".join(answer.split()), "text")
    if answer.isascii() and answer.isdigit():  # most answers: not worth a parser
        number = int(answer)
        return Reading(str(number), "number", value=Expression({(): Fraction(number)} if number else {}, WHOLE))
    tokens = tokenize(undressed(answer))
    if (reading := _parsed(tokens)) is not None:
        return reading
    for form in TEXT_FORMS:
        key = form(tokens)
        again = tokenize(undressed(key))
        if form(again) == key and _parsed(again) is None:  # the key must have itself as its key
            return Reading(key, "text")
    return Reading(answer, "text")


@lru_cache(maxsize=1 << 14)
def _remembered(answer: str) -> Reading:
    return _reading(answer)


def _parsed(tokens: list[Token]) -> Reading | None:
    """What the tokens are read as; None for a text."""
    try:
        return _Parser([*tokens]).answer() if len(tokens) <= LONGEST else None
    except (Unreadable, RecursionError):
        return None
    except Exception:  # an oversight in the parser must not end a run of hours; tests call the parser itself
        return None


class _Parser:
    """Reads one answer. Every method raises Unreadable for what is not of its kind."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens, self.algebra = tokens, Algebra()
        self.partner: dict[int, int] = {}
        opened: list[int] = []
        for i, token in enumerate(tokens):
            if token.kind in ("sign", "command") and token.value in ("(", "[", "{", "begin"):
                opened.append(i)
                if len(opened) > _DEEPEST:
                    raise Unreadable("nested too deeply")
            elif token.kind in ("sign", "command") and token.value in (")", "]", "}", "end"):
                if not opened or not self._closes(tokens[opened[-1]], token):
                    raise Unreadable("a bracket that nothing opens")
                self.partner[opened.pop()] = i
        if opened or not tokens:
            raise Unreadable("a bracket that nothing closes")
        self.ends = {i: end for i, end in self.partner.items() if tokens[i].value == "begin"}
        for i, end in self.ends.items():
            self.partner[i] = self.partner.get(end + 1, end)  # with the name in braces

    @staticmethod
    def _closes(opening: Token, closing: Token) -> bool:
        if opening.value == "begin" or closing.value == "end":
            return opening.value == "begin" and closing.value == "end"
        return closing.value in _PAIRS[opening.value] and opening.kind == closing.kind

    def answer(self) -> Reading:
        tokens = self.tokens
        if self._is("(", 0) and self.partner[0] == 2 and self._is("_", 3):  # (1011)_2
            tokens = [tokens[1], *tokens[3:]]
        if len(tokens) > 1 and tokens[0].kind == "number" and tokens[1].value == "_":
            return _number_with_base(tokens)
        return self._read(0, len(self.tokens))

    # -- which kind of answer --

    def _is(self, value: str, i: int) -> bool:
        return (
            0 <= i < len(self.tokens) and self.tokens[i].value == value and self.tokens[i].kind in ("sign", "command")
        )

    def _read(self, start: int, end: int) -> Reading:
        """The answer from one token to another."""
        if start >= end:
            raise Unreadable("nothing")
        while self._wraps(start, end) and self._is("{", start) and self.tokens[start].kind == "sign":
            if self._splits(start + 1, end - 1):
                return self._sequence("{}", self._splits(start + 1, end - 1))
            start, end = start + 1, end - 1
            if start >= end:
                raise Unreadable("nothing")
        if parts := self._splits(start, end):
            return self._sequence("or" if self._has_alternatives(start, end) else "", parts)
        top = self._top(start, end)
        for command in ("cup", "cap"):
            if places := [i for i in top if self._is(command, i)]:
                return self._sequence("\\" + command, self._between(start, end, places))
        if len(places := [i for i in top if self._is(":", i)]):
            readings = [self._read(*part) for part in self._between(start, end, places)]
            if any(each.name or each.kind not in ("number", "expression") for each in readings):
                raise Unreadable("a ratio of what are no numbers")
            return Reading(":".join(each.key for each in readings), "ratio")
        if places := [i for i in top if self._relation(i)]:
            return self._relations(start, end, places)
        if end - start == len(self.tokens) and len(places := [i for i in top if self._is("in", i)]) == 1:
            return replace(self._read(places[0] + 1, end), name=self._name(start, places[0]))
        if self._wraps(start, end):
            if (wrapped := self._bracketed(start, end)) is not None:
                return wrapped
            if self._is("(", start) and self._is(")", end - 1):
                return self._read(start + 1, end - 1)
        if end - start == 1 and self._is("emptyset", start):
            return Reading("\\emptyset", "sequence", brackets="{}")
        if any(self._is("pm", i) for i in range(start, end)):
            return self._plus_or_minus(start, end)
        return self._measured(start, end)

    def _wraps(self, start: int, end: int) -> bool:
        return self.partner.get(start) == end - 1

    def _top(self, start: int, end: int) -> list[int]:
        """The tokens that are in no bracket; of a bracket, the one that opens it."""
        places, i = [], start
        while i < end:
            places.append(i)
            i = self.partner.get(i, i) + 1
        return places

    def _between(self, start: int, end: int, places: list[int]) -> list[tuple[int, int]]:
        return list(zip([start, *(i + 1 for i in places)], [*places, end], strict=True))

    def _splits(self, start: int, end: int) -> list[tuple[int, int]]:
        """Parts of a list: between commas, semicolons, "or", and the "and" after a comma. None for a single one."""
        parts: list[tuple[int, int]] = []
        begin = start
        for i in self._top(start, end):
            token = self.tokens[i]
            is_word = token.kind == "word" and (token.value == "or" or (token.value == "and" and i == begin and parts))
            if is_word or (token.kind == "sign" and token.value in ",;"):
                if i > begin:
                    parts.append((begin, i))
                elif not is_word:
                    raise Unreadable("an empty part")
                begin = i + 1
        return [*parts, (begin, end)] if parts and begin < end else []

    def _has_alternatives(self, start: int, end: int) -> bool:
        return any(self.tokens[i][:2] == ("word", "or") for i in self._top(start, end))

    def _sequence(self, brackets: str, places: list[tuple[int, int]]) -> Reading:
        return _sequence(brackets, [self._read(*place) for place in places])

    def _bracketed(self, start: int, end: int) -> Reading | None:
        """A set, a pair or an interval; None for an expression in round brackets."""
        opening, closing = self.tokens[start], self.tokens[end - 1]
        if opening.value == "begin":
            return self._matrix(start, end)
        if (
            self._is("begin", start + 1)
            and self._wraps(start + 1, end - 1)
            and opening.value + closing.value in ("()", "[]")
        ):
            return self._matrix(start + 1, end - 1)
        parts = self._splits(start + 1, end - 1)
        if opening.kind == "command":
            if start + 1 == end - 1:
                return Reading("\\emptyset", "sequence", brackets="{}")
            return self._sequence("{}", parts or [(start + 1, end - 1)])
        if self._has_alternatives(start + 1, end - 1):
            raise Unreadable("alternatives in brackets")
        if not parts and opening.value + closing.value == "()":
            return None
        return self._sequence(opening.value + closing.value, parts or [(start + 1, end - 1)])

    def _matrix(self, start: int, end: int) -> Reading:
        """A matrix, by its rows."""
        inner, last = self.partner.get(start + 1, start) + 1, self.ends[start]
        name = self.tokens[start + 2].value if self._is("{", start + 1) else ""
        if name not in _MATRICES:
            raise Unreadable("an environment that is no matrix")
        if name == "array" and self._is("{", inner):
            inner = self.partner[inner] + 1
        top = self._top(inner, last)
        rows = self._between(inner, last, [i for i in top if self._is("\\", i)])
        rows = rows[:-1] if len(rows) > 1 and rows[-1][0] == rows[-1][1] else rows
        cells = [self._between(*row, [i for i in self._top(*row) if self._is("&", i)]) for row in rows]
        text = "\\\\".join("&".join(self._read(*cell).key for cell in row) for row in cells)
        return Reading(f"\\begin{{pmatrix}}{text}\\end{{pmatrix}}", "matrix")

    def _plus_or_minus(self, start: int, end: int) -> Reading:
        """Both values of what has one \\pm in it."""
        [place, *more] = [i for i in range(start, end) if self._is("pm", i)]
        if more:
            raise Unreadable("more than one \\pm")
        readings = []
        for sign in "+-":
            self.tokens[place] = Token("sign", sign, self.tokens[place].spaced)
            readings.append(self._measured(start, end))
        return _sequence("or", readings)

    # -- equations --

    def _relation(self, i: int) -> str:
        token = self.tokens[i]
        return _RELATIONS.get(token.value, "") if token.kind in ("sign", "command") else ""

    def _name(self, start: int, end: int) -> str:
        """A letter, a function of letters, or a pair of them, that names a value."""
        tokens = self.tokens[start:end]
        if not tokens or len(tokens) > 9:
            raise Unreadable("no name")
        first, rest = tokens[0], tokens[1:]
        is_letter = first.kind == "letter" or (first.kind == "command" and first.value in _SYMBOLS)
        is_segment = first.kind == "word" and len(first.value) == 2 and first.value.isupper()
        is_pair = first.value == "(" and self._wraps(start, end) and any(token.value == "," for token in rest)
        if not (is_letter or is_segment or is_pair) or (
            rest and not is_pair and rest[0].value != "_" and not (rest[0].value == "(" and self._wraps(start + 1, end))
        ):
            raise Unreadable("no name")
        if any(token.value not in "_(){}," if token.kind == "sign" else token.kind == "command" for token in rest):
            raise Unreadable("no name")
        return text_of(tokens).replace("{", "").replace("}", "")

    def _relations(self, start: int, end: int, places: list[int]) -> Reading:
        signs = [self._relation(i) for i in places]
        sides = self._between(start, end, places)
        if signs == ["="]:
            return self._equation(*sides)
        if "=" in signs or "~" in signs:
            raise Unreadable("a chain of equations")
        values = [self._expression(*side) for side in sides]
        if all(sign in (">", ">=") for sign in signs):
            signs, values = [_TURNED[sign] for sign in reversed(signs)], values[::-1]
        if len(values) == 2 and signs[0] in ("<", "<=", "!=") and not any("\\infty" in str(value) for value in values):
            difference = self.algebra.add(values[0], self.algebra.negative(values[1]))
            if difference.number is None and len(difference.under) == 1:
                left = primitive(difference.over, signed=signs[0] != "!=")
                return Reading(f"{Expression(left, difference.under)}{_LATEX[signs[0]]}0", "inequality")
        text = str(values[0])
        for sign, value in zip(signs, values[1:], strict=True):
            text += f"{_LATEX[sign]}{value}"
        return Reading(text, "inequality")

    def _equation(self, left: tuple[int, int], right: tuple[int, int]) -> Reading:
        """A value with a name, or an equation in its canonical form; one for a single letter is solved."""
        named = self._named(left, right) or self._named(right, left)
        name, value = named or ("", None)
        try:
            difference = self._difference(left, right)
        except Unreadable:
            if value is None:
                raise
            difference = None
        equation = f"{difference}=0" if difference and difference.number is None else ""
        if value is None or value.kind == "expression":
            if equation and difference and (solution := _solution(difference)):
                name, value = solution
            elif not equation:
                raise Unreadable("an equation of numbers, or an identity")
        if value is None:
            return Reading(equation, "equation", equation=equation)
        if "(" in name:  # a function, or a pair
            return replace(value, name=name, bare=value.key)
        key = equation if value.kind == "expression" else value.key
        if value.kind == "number" and name in ("y", "z"):
            key = f"{name}={value.key}"
        return replace(value, key=key, name=name, bare=value.key, equation=equation)

    def _named(self, side: tuple[int, int], other: tuple[int, int]) -> tuple[str, Reading] | None:
        try:
            name, value = self._name(*side), self._read(*other)
        except Unreadable:
            return None
        return None if value.name else (name, value)

    def _difference(self, left: tuple[int, int], right: tuple[int, int]) -> Expression:
        """What is 0 by an equation, without what it is divided by and without a common divisor."""
        if any(self._is("infty", i) for i in range(left[0], right[1])):
            raise Unreadable("infinity in an equation")
        difference = self.algebra.add(self._expression(*left), self.algebra.negative(self._expression(*right)))
        return Expression(primitive(difference.over), WHOLE) if difference.over else difference

    # -- numbers with units --

    def _measured(self, start: int, end: int) -> Reading:
        """An expression, with a currency before it or a unit after it if there is one."""
        sign = start if self._is("-", start) and start + 1 < end else None
        first = start if sign is None else start + 1
        after = first
        while after < end and self.tokens[after].kind in ("sign", "word") and self.tokens[after].value in _CURRENCY:
            after += 1
        if after < end and after > first and self._is(".", after):  # Rs. 500
            after += 1
        units = [self._unit(first, after)] if after > first else []
        until = next((i for i in self._top(after, end) if i > after and self._starts_unit(i, end)), end)
        if until < end:
            units.append(self._unit(until, end))
        if len(units) == 2 and units[1].startswith("per "):
            units = [" ".join(units)]
        if len({*units}) > 1:
            raise Unreadable("two units")
        value = self._expression(after if units and sign != after - 1 else start, until)
        if units and ("\\infty" in str(value) or (value.number is None and "degree" in units)):
            raise Unreadable("infinity with a unit, or a function of degrees")
        if sign is not None and after > first:
            value = self.algebra.negative(value)
        kind = "number" if value.number is not None or "\\infty" in str(value) else "expression"
        return Reading(str(value), kind, unit=units[0] if units else "", value=value)

    def _starts_unit(self, i: int, end: int) -> bool:
        token = self.tokens[i]
        if token.kind == "sign":
            if token.value == "^":
                return self._is("circ", i + 1) or (self._is("{", i + 1) and self._is("circ", i + 2))
            return token.value in ("%", "$", "€", "£", "¥", "¢")
        if token.kind == "letter":
            return token.spaced and end - i <= 8 and bool(_COMPOUND.fullmatch(text_of(self.tokens[i:end])))
        if token.kind != "word":
            return token.kind == "command" and token.value == "circ"
        word = token.value.lower()
        if token.is_text or word in _SHORT_UNITS:
            return True
        return len(word) >= 3 and not set(word) <= set("abcxyz") and (token.spaced or len(word) > 3)

    def _unit(self, start: int, end: int) -> str:
        """The canonical name of a unit."""
        names: list[str] = []
        for token in self.tokens[start:end]:
            value = token.value
            if token.kind in ("word", "letter") or value in ("%", "$", "€", "£", "¥", "¢", "circ"):
                name = value if len(value) == 1 and value.isupper() else value.lower()
                if name in _NO_UNITS:
                    raise Unreadable("a word that makes another number")
                one = name.removesuffix("s")
                names.append(_UNITS.get(name, _UNITS.get(one, one)))
            elif token.kind == "number" and value in ("2", "3") and names and not token.spaced:
                names.append("^" + value)
            elif value == "/":
                names.append("per")
            elif value not in ("^", "{", "}", ".", "-", "*"):
                raise Unreadable("no unit")
        if len([name for name in names if name[0] != "^"]) > 4:
            raise Unreadable("a sentence")
        names = [name for i, name in enumerate(names) if name not in [*names[:i], "point"]]  # percentage points
        for word, power in (("square", "^2"), ("cubic", "^3")):
            if word in names and len(names) > 1:
                names.remove(word)
                names.insert(1, power)
        return " ".join({"mph": "mile per hour", "kph": "km per hour"}.get(name, name) for name in names)

    # -- expressions --

    def _expression(self, start: int, end: int) -> Expression:
        if start >= end:
            raise Unreadable("nothing")
        tokens = self.tokens
        self.place, self.end, self.depth, self.tokens = start, end, 0, [*tokens]  # \\frac12 is taken apart in place
        try:
            value = self._sum()
        finally:
            self.tokens = tokens
        if self.place != end:
            raise Unreadable("something after an expression")
        if any(self._is("infty", i) for i in range(start, end)) and str(value) not in ("\\infty", "-\\infty"):
            raise Unreadable("infinity in an expression")
        return value

    def _next(self, *values: str) -> bool:
        """Whether the next token is one of these signs or commands."""
        if self.place >= self.end:
            return False
        token = self.tokens[self.place]
        return token.kind in ("sign", "command") and token.value in values

    def _take(self, *values: str) -> bool:
        found = self._next(*values)
        self.place += found
        return found

    def _expect(self, value: str) -> None:
        if not self._take(value):
            raise Unreadable(f"no {value}")

    def _sum(self) -> Expression:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise Unreadable("nested too deeply")
        total = self._product(signed=True)
        while self._next("+", "-"):
            minus = self._take("-") or not self._take("+")
            term = self._product(signed=True)
            total = self.algebra.add(total, self.algebra.negative(term) if minus else term)
        if self._take("over"):
            total = self.algebra.divide(total, self._sum())
        self.depth -= 1
        return total

    def _product(self, signed: bool = False) -> Expression:
        minus = False
        if signed and self._next("+", "-"):
            minus = self._take("-") or not self._take("+")
        value = self._mixed()
        while self.place < self.end:
            if self._take("*"):
                negative = self._take("-")
                factor = self._factor()
                value = self.algebra.multiply(value, self.algebra.negative(factor) if negative else factor)
            elif self._take("/"):
                negative = self._take("-")
                factor = self._factor()
                value = self.algebra.divide(value, self.algebra.negative(factor) if negative else factor)
            elif self._is_ten_times():
                self.place += 1
                value = self.algebra.multiply(value, self._factor())
            elif self._starts_factor():
                value = self.algebra.multiply(value, self._factor())
            else:
                break
        return self.algebra.negative(value) if minus else value

    def _is_ten_times(self) -> bool:
        """Whether the next token is the x of 3 x 10^8."""
        tokens, i = self.tokens, self.place
        return (
            tokens[i][:2] == ("letter", "x") and i + 2 < self.end and tokens[i - 1].kind == "number"
            and tokens[i + 1][:2] == ("number", "10") and tokens[i + 2].value == "^"
        )  # fmt: skip

    def _mixed(self) -> Expression:
        """A factor; a whole number before a fraction of numbers is added to it."""
        tokens, i = self.tokens, self.place
        if i < self.end and tokens[i].kind == "number" and tokens[i].value.isdigit() and i + 1 < self.end:
            whole = self.algebra.number(int(tokens[i].value))
            if tokens[i + 1][:2] == ("command", "frac"):
                self.place += 1
                fraction = self._factor()
                integral = all(token.kind == "number" or token.value in "{}" for token in tokens[i + 2 : self.place])
                if integral and fraction.number is not None:
                    return self.algebra.add(whole, fraction)
                return self.algebra.multiply(whole, fraction)
            kinds = [token.kind for token in tokens[i + 1 : min(i + 4, self.end)]]
            if kinds == ["number", "sign", "number"] and tokens[i + 2].value == "/" and tokens[i + 1].spaced:
                over, under = tokens[i + 1].value, tokens[i + 3].value
                if over.isdigit() and under.isdigit() and int(under):
                    self.place += 4
                    return self.algebra.add(whole, self.algebra.number(Fraction(int(over), int(under))))
        return self._factor()

    def _starts_factor(self) -> bool:
        token = self.tokens[self.place]
        if token.kind in ("letter", "word"):
            return True
        if token.kind == "command":
            return token.value in _SYMBOLS | _FUNCTIONS | {"frac", "sqrt", "binom", "lfloor", "lceil", "lvert"}
        return token.kind == "sign" and token.value in ("(", "{")

    def _factor(self) -> Expression:
        value = self._primary()
        while self._take("^"):
            value = self.algebra.power(value, self._exponent())
        return value

    def _exponent(self) -> Expression:
        if self._take("-"):
            return self.algebra.negative(self._exponent())
        value = self._primary()
        return self.algebra.power(value, self._exponent()) if self._take("^") else value

    def _argument(self) -> Expression:
        """An argument of a TeX command: a group, or one token, of a number its first digit."""
        token = self.tokens[self.place] if self.place < self.end else None
        if token and token.kind == "number" and token.value.isdigit() and len(token.value) > 1:
            self.tokens[self.place] = token._replace(value=token.value[1:])
            return self.algebra.number(int(token.value[0]))
        return self._primary()

    def _group(self, closing: str) -> Expression:
        value = self._sum()
        self._expect(closing)
        return value

    def _primary(self) -> Expression:
        if self.place >= self.end:
            raise Unreadable("an expression that ends too soon")
        token = self.tokens[self.place]
        self.place += 1
        if token.kind == "number":
            if self._next("_"):
                raise Unreadable("a subscript of a number")
            return self.algebra.number(Fraction(token.value))
        if token.kind == "letter" or (token.kind == "word" and len(token.value) == 1):
            return self.algebra.symbol(token.value + self._subscript())
        if token.kind == "word":
            return self._run(token)
        if token.kind == "sign" and token.value in ("(", "{", "|"):
            value = self._group({"(": ")", "{": "}", "|": "|"}[token.value])
            return self.algebra.function("\\abs", value) if token.value == "|" else value
        if token.kind == "command":
            return self._command(token.value)
        raise Unreadable("no expression")

    def _subscript(self) -> str:
        if not self._take("_"):
            return ""
        start = self.place
        if self._next("{"):
            self.place = self.partner[start] + 1
            return f"_{{{text_of(self.tokens[start + 1 : self.place - 1])}}}"
        token = self.tokens[start] if start < self.end else Token("sign", "")
        if token.kind not in ("number", "letter"):
            raise Unreadable("a subscript")
        self.place += 1
        return f"_{{{token.value}}}"

    def _run(self, token: Token) -> Expression:
        """Letters side by side: a product, if they are no word."""
        letters = token.value
        is_product = (
            {*letters} <= _CONSONANTS
            or {*letters} <= {*"abcxyz"}
            or (len(letters) == 2 and letters not in _TWO_LETTERS)
        )
        if token.is_text or len(letters) > 6 or not letters.islower() or not is_product or letters in _SHORT_UNITS:
            raise Unreadable("a word")
        value = self.algebra.number(1)
        for letter in letters[:-1]:
            value = self.algebra.multiply(value, self.algebra.symbol(letter))
        last = self.algebra.symbol(letters[-1] + self._subscript())
        if self._take("^"):
            last = self.algebra.power(last, self._exponent())
        return self.algebra.multiply(value, last)

    def _command(self, name: str) -> Expression:
        if name == "infty" or (name in _SYMBOLS and name != "emptyset"):
            return self.algebra.symbol(f"\\{name}" + self._subscript())
        if name == "frac":
            over = self._argument()
            return self.algebra.divide(over, self._argument())
        if name == "binom":
            top = self._argument()
            return self.algebra.function("\\binom", top, self._argument())
        if name == "sqrt":
            degree = self._group("]") if self._take("[") else self.algebra.number(2)
            return self.algebra.power(self._primary(), self.algebra.divide(self.algebra.number(1), degree))
        if name in ("lfloor", "lceil"):
            return self.algebra.function(f"\\{name[1:]}", self._group("r" + name[1:]))
        if name == "lvert":
            return self.algebra.function("\\abs", self._group("rvert"))
        if name in ("mathbb", "mathcal") and self.place < self.end:
            is_group = self._next("{") and self.partner[self.place] == self.place + 2
            letter = self.tokens[self.place + is_group]
            if letter.kind in ("letter", "word"):
                self.place += 3 if is_group else 1
                return self.algebra.symbol(f"\\{name}{{{letter.value}}}")
        if name in _FUNCTIONS:
            return self._function(name)
        raise Unreadable("an unknown command")

    def _function(self, name: str) -> Expression:
        power, bases = None, []
        if name == "log" and self._take("_"):
            bases = [self._argument()]
        if self._take("^"):
            power = self._exponent()
            if power.number is None or power.number < 0:
                raise Unreadable("an inverse function")
        if self._next("(", "{"):
            arguments = (
                [self._group({"(": ")", "{": "}"}[self.tokens[self.place - 1].value])] if self._take("(", "{") else []
            )
        else:
            arguments = [self._function_argument()]
        if name == "exp":
            value = self.algebra.power(self.algebra.symbol("e"), arguments[0])
        else:
            value = self.algebra.function("\\" + name, *arguments, *bases)
        return self.algebra.power(value, power) if power is not None else value

    def _function_argument(self) -> Expression:
        """What a function without brackets is of: the factors up to a sign or another function."""
        minus = self._take("-")
        value = self._mixed()
        while (
            self.place < self.end
            and self._starts_factor()
            and self.tokens[self.place].value not in _FUNCTIONS | {"(", "{"}
        ):
            value = self.algebra.multiply(value, self._factor())
        return self.algebra.negative(value) if minus else value


_LATEX = {"<": "<", ">": ">", "<=": "\\le ", ">=": "\\ge ", "!=": "\\ne "}


def _solution(difference: Expression) -> tuple[str, Reading] | None:
    """The letter and its value, where a polynomial of degree 1 in one letter is 0."""
    letters = [term for term in difference.over if term]
    if len(letters) != 1 or len(letters[0]) != 1:
        return None
    [(atom, power)] = letters[0]
    if power != 1 or atom.power or atom.base or atom.function:
        return None
    number = -difference.over.get((), Fraction(0)) / difference.over[letters[0]]
    value = Expression({(): number} if number else {}, WHOLE)
    return atom.name.replace("{", "").replace("}", ""), Reading(str(value), "number", value=value)


def _number_with_base(tokens: list[Token]) -> Reading:
    digits, base = tokens[0].value, tokens[2:]
    if base and base[0].value == "{":
        base = base[1:-1]
    if not digits.isdigit() or len(base) != 1 or base[0].kind not in ("number", "word"):
        raise Unreadable("a subscript of a number")
    return Reading(f"{digits.lstrip('0') or '0'}_{{{base[0].value}}}", "based")


def _sequence(brackets: str, parts: list[Reading]) -> Reading:
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
