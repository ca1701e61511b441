"""Words, units and signs that answers are made of."""

import re

from .tokens import words

# Words that make another number of the one before them.
NO_UNITS = words(
    "and or to of by is are was if than plus minus times over divided point mod base remainder squared cubed factorial "
    "pi sqrt sin cos tan log ln dozen hundred thousand million billion trillion half halves third thirds quarter "
    "quarters fourth fourths fifth fifths sixth sixths eighth eighths tenth tenths hundredth hundredths"
)
UNITS = {
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
SHORT_UNITS = {*UNITS, *words("mph kph rpm hz kw kwh mb gb kb tb ms am pm mol kj mw hp hrs mins secs yds")}
CURRENCY = {"$", "€", "£", "¥", "¢", "US", "USD", "EUR", "GBP", "JPY", "INR", "Rs"}
COMPOUND = re.compile(r"(?:m|g|l|L|J|N|W|C)/(?:s|h|l|L|m|C)(?:\^[23])?")
PAIRS = {"(": ")]", "[": ")]", "{": "}"}
RELATIONS = {"=": "=", "<": "<", ">": ">", "le": "<=", "ge": ">=", "ne": "!=", "≈": "~"}
TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
FUNCTIONS = words("sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh log ln exp abs floor ceil gcd lcm")
SYMBOLS = words(
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi rho sigma tau "
    "upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega pi infty ell hbar emptyset"
)
MATRICES = {"pmatrix", "bmatrix", "matrix", "smallmatrix", "array"}
# Letters side by side are a product if they are all consonants, or all of abcxyz, or two that are not one of these.
CONSONANTS = {*"bcdfghkmnpqrstvwxyz"}
TWO_LETTERS = words("no on if is it am pm an at as by my me we he up us do go so to of in be ok hi oo")
