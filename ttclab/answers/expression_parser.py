"""Expressions in the tokens of an answer, by recursive descent."""

from fractions import Fraction

from .algebra import Algebra
from .expression import Expression, Unreadable
from .tokens import Token, text_of
from .vocabulary import CONSONANTS, FUNCTIONS, PAIRS, SHORT_UNITS, SYMBOLS, TWO_LETTERS

_DEEPEST = 50  # nested brackets


class ExpressionParser:
    """Reads the expressions in an answer. Every method raises Unreadable for what is not of its kind."""

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
        return closing.value in PAIRS[opening.value] and opening.kind == closing.kind

    def _is(self, value: str, i: int) -> bool:
        return (
            0 <= i < len(self.tokens) and self.tokens[i].value == value and self.tokens[i].kind in ("sign", "command")
        )

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
            return token.value in SYMBOLS | FUNCTIONS | {"frac", "sqrt", "binom", "lfloor", "lceil", "lvert"}
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
            {*letters} <= CONSONANTS or {*letters} <= {*"abcxyz"} or (len(letters) == 2 and letters not in TWO_LETTERS)
        )
        if token.is_text or len(letters) > 6 or not letters.islower() or not is_product or letters in SHORT_UNITS:
            raise Unreadable("a word")
        value = self.algebra.number(1)
        for letter in letters[:-1]:
            value = self.algebra.multiply(value, self.algebra.symbol(letter))
        last = self.algebra.symbol(letters[-1] + self._subscript())
        if self._take("^"):
            last = self.algebra.power(last, self._exponent())
        return self.algebra.multiply(value, last)

    def _command(self, name: str) -> Expression:
        if name == "infty" or (name in SYMBOLS and name != "emptyset"):
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
        if name in FUNCTIONS:
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
            and self.tokens[self.place].value not in FUNCTIONS | {"(", "{"}
        ):
            value = self.algebra.multiply(value, self._factor())
        return self.algebra.negative(value) if minus else value
