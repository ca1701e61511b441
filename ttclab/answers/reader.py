"""What an answer is: its tokens, read as a number, an expression, a sequence, an equation or a text."""

from dataclasses import replace
from fractions import Fraction
from functools import lru_cache

from .expression import WHOLE, Expression, Unreadable, primitive
from .expression_parser import ExpressionParser
from .reading import Reading, number_with_base, sequence_of
from .tokens import TEXT_FORMS, Token, text_of, tokenize, undressed
from .vocabulary import COMPOUND, CURRENCY, MATRICES, NO_UNITS, RELATIONS, SHORT_UNITS, SYMBOLS, TURNED, UNITS

LONGEST = 1000  # characters of an answer that is read; a longer one is a text


REMEMBERED = 200  # characters of the longest answer that is remembered


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


class _Parser(ExpressionParser):
    """Reads one answer. Every method raises Unreadable for what is not of its kind."""

    def answer(self) -> Reading:
        tokens = self.tokens
        if self._is("(", 0) and self.partner[0] == 2 and self._is("_", 3):  # (1011)_2
            tokens = [tokens[1], *tokens[3:]]
        if len(tokens) > 1 and tokens[0].kind == "number" and tokens[1].value == "_":
            return number_with_base(tokens)
        return self._read(0, len(self.tokens))

    # -- which kind of answer --

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
        return sequence_of(brackets, [self._read(*place) for place in places])

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
        if name not in MATRICES:
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
        return sequence_of("or", readings)

    # -- equations --

    def _relation(self, i: int) -> str:
        token = self.tokens[i]
        return RELATIONS.get(token.value, "") if token.kind in ("sign", "command") else ""

    def _name(self, start: int, end: int) -> str:
        """A letter, a function of letters, or a pair of them, that names a value."""
        tokens = self.tokens[start:end]
        if not tokens or len(tokens) > 9:
            raise Unreadable("no name")
        first, rest = tokens[0], tokens[1:]
        is_letter = first.kind == "letter" or (first.kind == "command" and first.value in SYMBOLS)
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
            signs, values = [TURNED[sign] for sign in reversed(signs)], values[::-1]
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
        while after < end and self.tokens[after].kind in ("sign", "word") and self.tokens[after].value in CURRENCY:
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
            return token.spaced and end - i <= 8 and bool(COMPOUND.fullmatch(text_of(self.tokens[i:end])))
        if token.kind != "word":
            return token.kind == "command" and token.value == "circ"
        word = token.value.lower()
        if token.is_text or word in SHORT_UNITS:
            return True
        return len(word) >= 3 and not set(word) <= set("abcxyz") and (token.spaced or len(word) > 3)

    def _unit(self, start: int, end: int) -> str:
        """The canonical name of a unit."""
        names: list[str] = []
        for token in self.tokens[start:end]:
            value = token.value
            if token.kind in ("word", "letter") or value in ("%", "$", "€", "£", "¥", "¢", "circ"):
                name = value if len(value) == 1 and value.isupper() else value.lower()
                if name in NO_UNITS:
                    raise Unreadable("a word that makes another number")
                one = name.removesuffix("s")
                names.append(UNITS.get(name, UNITS.get(one, one)))
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
