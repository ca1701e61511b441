"""The tokens of an answer: what is left of a text in TeX, Markdown or plain Unicode without its looks."""

import re
import unicodedata
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ALIKE = str.maketrans(
    {
        **dict.fromkeys("−–—‒﹣－", "-"), **dict.fromkeys("\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad", ""),
        **dict.fromkeys("\u00a0\u202f\u2009\u2007", "\\,"), **dict.fromkeys("×✕⋅·∙∗", "*"), **dict.fromkeys("÷∕", "/"),
        **{character: f" {over}/{under}" for character, over, under in (
            ("½", 1, 2), ("⅓", 1, 3), ("⅔", 2, 3), ("¼", 1, 4), ("¾", 3, 4), ("⅕", 1, 5), ("⅖", 2, 5), ("⅗", 3, 5),
            ("⅘", 4, 5), ("⅙", 1, 6), ("⅚", 5, 6), ("⅐", 1, 7), ("⅛", 1, 8), ("⅜", 3, 8), ("⅝", 5, 8), ("⅞", 7, 8),
            ("⅑", 1, 9), ("⅒", 1, 10))},
        **{character: f"_{digit}" for digit, character in enumerate("₀₁₂₃₄₅₆₇₈₉")},
        "∞": "\\infty ", "π": "\\pi ", "θ": "\\theta ", "α": "\\alpha ", "β": "\\beta ", "√": "\\sqrt ", "≤": "\\le ",
        "≥": "\\ge ", "≠": "\\ne ", "±": "\\pm ", "∪": "\\cup ", "∩": "\\cap ", "∈": "\\in ", "∅": "\\emptyset ",
        "°": "^\\circ ", "º": "^\\circ ", "⁄": "/", "’": "'", "“": '"', "”": '"', "∶": ":", "，": ",", "₹": " INR ",
    }
)  # fmt: skip
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ", "0123456789+-n")
_SPECIAL = re.compile(r"(?:<\|[^<>|]{1,40}\|>|</?s>|<eos>|<end_of_turn>)\Z")
_PREFIX = re.compile(
    r"\s*(?:\*\*)?(?:the +)?(?:final +)?answer(?: +is)? *(?P<colon>[:=])? *(?:\*\*)?(?::(?=.))? *", re.IGNORECASE
)
_LETTERED = re.compile(r"[A-Z]\)")  # a choice, A)
_AROUND = (("$$", "$$"), ("\\[", "\\]"), ("\\(", "\\)"), *((mark, mark) for mark in ("$", "**", "__", "*", "`", '"')))
_BEFORE = ("\\ ", "\\,", "\\;", "\\:", "\\!", "~", "\\quad ", "\\qquad ", "**", "__", "=")
_AFTER = ("\\ ", "\\,", "\\;", "\\:", "\\!", "~", "\\quad", "\\qquad", "**", "__", ".", ",", ";", "\\")


def undressed(answer: str) -> str:
    """An answer without what stands around it: delimiters, emphasis, full stops, special tokens, "Answer:"."""
    if not answer.isascii():
        answer = re.sub("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ]+", lambda match: f"^{{{match[0].translate(_RAISED)}}}", answer)
        answer = unicodedata.normalize("NFKC", answer.translate(_ALIKE)).translate(_ALIKE)
    before = None
    while answer != before:
        before = answer
        answer = answer.strip()
        prefix = _PREFIX.match(answer)
        if prefix and (prefix["colon"] or not answer[prefix.end() : prefix.end() + 1].isalpha()):
            answer = answer[prefix.end() :]
        if _LETTERED.fullmatch(answer):
            answer = answer[0]
        for mark in _BEFORE:
            answer = answer.removeprefix(mark)
        for mark in _AFTER:
            answer = answer.removesuffix(mark) if answer != mark else ""
        answer = _SPECIAL.sub("", answer)
        for opening, closing in _AROUND:
            inner = answer[len(opening) : -len(closing)]
            if answer.startswith(opening) and answer.endswith(closing) and inner.strip() and closing not in inner:
                answer = inner
                break
    return answer


class Token(NamedTuple):
    """One token of an answer.

    kind: "number", "letter", "word", "command" or "sign"; spaced: whether a space is before it; is_text: from \\text.
    """

    kind: str
    value: str
    spaced: bool = False
    is_text: bool = False


# A number with its digits in groups: by commas, in threes or as in India, and by other separators, always the same one.
_COMMAS = r"[0-9]{1,3}(?:,[0-9]{3})+(?![0-9,])|[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}(?![0-9,])|"
_OTHERS = (
    r"[0-9]{1,3}(?:(?P<group>\{,\}|,\\!|\\,|\\ |'| )[0-9]{3})(?:(?P=group)[0-9]{3})*(?![0-9])(?!(?P=group)[0-9])(?! ?/)"
)


def _lexemes(groups: str) -> re.Pattern[str]:
    return re.compile(
        r"(?P<repeating>[0-9]*\.[0-9]*\\(?:overline|bar|dot)\s*(?:\{[0-9]+\}|[0-9]))"
        rf"|(?P<number>(?:{groups})(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?|\.[0-9]+)"
        r"|(?P<command>\\(?:[A-Za-z]+|.))|(?P<letters>[A-Za-z]+)|(?P<space>[\s~]+)|(?P<sign>\*\*|.)",
        re.DOTALL,
    )


_OUTSIDE, _INSIDE = _lexemes(_COMMAS + _OTHERS), _lexemes(_OTHERS)  # of brackets, between which a comma parts
_SPACING = {*" ,;:!>\n\t", "quad", "qquad", "enspace", "thinspace"}
_DROPPED = words(
    "left right middle big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr displaystyle textstyle limits "
    "mathbf boldsymbol bm mathit bold boxed fbox /"
)
_TEXTS = words("text textbf textit textrm textnormal mathrm mbox mathsf texttt operatorname emph hbox")
_RENAMED = {
    "dfrac": "frac", "tfrac": "frac", "cfrac": "frac", "leq": "le", "geq": "ge", "leqslant": "le", "geqslant": "ge",
    "neq": "ne", "varnothing": "emptyset", "lbrace": "{", "rbrace": "}", "to": "rightarrow", "degree": "circ",
    "dbinom": "binom", "tbinom": "binom", "Vert": "|", "land": "wedge",
}  # fmt: skip
_SIGNS = {
    "times": "*", "cdot": "*", "ast": "*", "div": "/", "colon": ":", "lt": "<", "gt": ">", "lbrack": "[", "rbrack": "]",
    "vert": "|", "mid": "|", "%": "%", "$": "$", "_": "_", "&": "&", "#": "#", "**": "^",
}  # fmt: skip
_WORD_COMMANDS = {"sqrt", "pi", "sin", "cos", "tan", "log", "ln", "theta"}


def tokenize(text: str) -> list[Token]:
    """The tokens of an answer, without what only says how it looks."""
    tokens: list[Token] = []
    groups: list[str] = []  # of each open brace: "math", "text" for that of \text, "nested" for one in a text
    place, depth, spaced, starts_text = 0, 0, False, False
    while place < len(text):
        match = (_INSIDE if depth else _OUTSIDE).match(text, place)
        assert match and match.lastgroup  # the last alternative takes any character
        kind, value = match.lastgroup, match[0]
        place = match.end()
        is_text = bool(groups) and groups[-1] != "math"
        if kind == "group":
            kind = "number"
        if kind == "space" or (kind == "command" and value[1:] in _SPACING):
            spaced = True
            continue
        if value == "{":
            groups.append("text" if starts_text else "nested" if is_text else "math")
            if groups[-1] == "math":
                tokens.append(Token("sign", "{", spaced))
            spaced, starts_text = starts_text or (spaced and groups[-1] != "math"), False
            continue
        if value == "}":
            closed = groups.pop() if groups else "math"
            if closed == "math":
                tokens.append(Token("sign", "}", spaced))
            spaced = closed == "text"
            continue
        starts_text = False
        if kind == "command":
            value = value[1:]
            if value in _TEXTS:
                starts_text = True
                continue
            if value in _DROPPED:
                continue
            value = _RENAMED.get(value, value)
            depth += (value == "{") - (value == "}")
            token = Token("sign", _SIGNS[value], spaced) if value in _SIGNS else Token("command", value, spaced)
        elif kind == "letters":
            if value in _WORD_COMMANDS and not is_text:
                token = Token("command", value, spaced)
            else:
                token = Token("letter" if len(value) == 1 and not is_text else "word", value, spaced, is_text)
        elif kind == "repeating":
            token = Token("number", _repeating(value), spaced)
        elif kind == "number":
            token = Token("number", re.sub(r"[^0-9.]", "", value), spaced, is_text)
        else:
            depth += (value in "([") - (value in ")]")
            token = Token("sign", _SIGNS.get(value, value), spaced, is_text)
        depth = max(depth, 0)
        tokens.append(token)
        spaced = False
    while tokens and tokens[-1][:2] in (("sign", "."), ("sign", ","), ("sign", ";")):
        tokens.pop()
    return tokens


def _repeating(text: str) -> str:
    """The fraction that 0.1\\overline{6} is."""
    whole, start, period = re.fullmatch(r"([0-9]*)\.([0-9]*)\\[a-z]+\s*\{?([0-9]+)\}?", text).groups()  # type: ignore
    value = Fraction(
        int(whole + start + period or 0) - int(whole + start or 0), (10 ** len(period) - 1) * 10 ** len(start)
    )
    return str(value)


def text_of(tokens: Sequence[Token], is_lower: bool = False, is_marked: bool = False) -> str:
    """The tokens as a text, with spaces only where they part words or numbers."""
    text = ""
    for token in tokens:
        shown = "\\" + token.value if token.kind == "command" else token.value
        if token.kind == "word" and is_lower:
            shown = shown.lower()
        after_command = re.search(r"\\[A-Za-z]+\Z", text[-30:]) and shown[:1].isalpha()
        if after_command or (token.spaced and text[-1:].isalnum() and (shown[:1].isalnum() or shown[:1] == "\\")):
            text += " "
        text += f"\\text{{{shown}}}" if token.is_text and is_marked else shown
    return text


# Forms of a text's key, the plainest first: one that would be read as a value (`xy` for XY) is no key of a text.
TEXT_FORMS = (lambda tokens: text_of(tokens, is_lower=True), text_of, lambda tokens: text_of(tokens, is_marked=True))
