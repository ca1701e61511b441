"""Answers that are equal in other forms, and ones that only look so: over 500 pairs, generated and picked by hand."""

import random
import threading
import time
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttclab.answers import answer_in, answer_key, answers_equal

EQUAL = [
    ("1,234", "1234"), ("1{,}234", "1234"), ("1,234,567.50", "1234567.5"), ("$15", "15"), ("\\$15", "15"),
    ("15 dollars", "$15"), ("15 rolls", "15"), ("1 roll", "1"), ("15\\%", "15"), ("15%", "15"), ("15 percent", "15%"),
    ("90^\\circ", "90"), ("90^{\\circ}", "90 degrees"), ("15\\text{ cm}", "15"), ("15 \\mathrm{cm}", "15"),
    ("15 cm^2", "15"), ("15 miles per hour", "15"), ("15 km/h", "15"), ("+7", "7"), ("-0", "0"), ("007", "7"),
    (".5", "0.5"), ("0.50", "1/2"), ("2/4", "1/2"), ("-1/2", "-0.5"), ("1 1/2", "3/2"), ("1\\frac{1}{2}", "1.5"),
    ("\\frac{3}{4}", "3/4"), ("\\dfrac{3}{4}", "0.75"), ("\\tfrac34", "3/4"), ("-\\frac{3}{4}", "-3/4"), ("−3", "-3"),
    ("15.", "15"), ("$15$", "15"), ("\\(15\\)", "15"), ("$\\frac{1}{2}$", "0.5"), ("\\text{Evelyn}", "Evelyn"),
    ("(1, 2)", "(1,2)"), ("\\left(1,\\frac{1}{2}\\right)", "(1, 0.5)"), ("[0,1)", "[0, 1)"), ("(3)", "3"),
    ("[0,\\infty)", "[0, \\infty)"), ("\\{2,1\\}", "\\{1,2\\}"),
    ("(-\\infty,0]\\cup[1,2)", "(-\\infty, 0] \\cup [1, 2)"),
    ("x+1", "1+x"), ("x=5", "5"), ("\\sqrt{8}", "2\\sqrt{2}"), ("\\frac{\\sqrt{2}}{2}", "\\frac{1}{\\sqrt{2}}"),
    ("(x-1)(x+1)", "x^2-1"), ("2^{10}", "1024"), ("3 \\times 10^5", "300000"), ("2\\pi", "2 \\pi"), ("x<5", "5>x"),
    ("\\frac{2\\pi}{2}", "\\pi"), ("3\\cdot\\sqrt{2}", "\\sqrt{18}"), ("5-2i", "-2i+5"), ("x/2", "\\frac{x}{2}"),
]  # fmt: skip
DIFFERENT = [
    ("12,34", "1234"), ("1,23", "123"), ("15%", "0.15"), ("15 rolls", "15 apples"), ("15 cents", "15 dollars"),
    ("15 cents", "$15"), ("15 thousand", "15"), ("5 dozen", "5"), ("5 and a half", "5"), ("5 squared", "5"),
    ("5 halves", "5"), ("5 to 7", "5"), ("5 or 6", "5"), ("2x", "2"), ("2 x", "2"), ("2\\pi", "2"), ("2 pi", "2"),
    ("3.14", "\\pi"), ("3.14159265", "\\pi"), ("3.141592653589793", "\\pi"), ("0.33", "1/3"), ("0.333333333333", "1/3"),
    ("0.3333333333333333", "\\frac{1}{3}"), ("1.414213562373095", "\\sqrt{2}"), ("1e3", "1000"), ("\\pm 2", "2"),
    ("\\pm 2", "-2"), ("[0,1]", "(0,1)"), ("[0,1)", "[0,1]"), ("(1,2)", "(2,1)"), ("(1,2)", "1,2"), ("(1,2)", "12"),
    ("(1,2,3)", "(1,2)"), ("\\{1,2\\}", "\\{1,3\\}"), ("\\{1,2\\}", "(1,2)"), ("[1,2]", "\\{1,2\\}"), ("1,2", "1"),
    ("(-\\infty,0]\\cup[1,2)", "(-\\infty,0)\\cup[1,2)"), ("[0,\\infty)", "[0,\\infty]"),
    ("[0,\\infty)", "(0,\\infty)"),
    ("x=5", "y=5"), ("x=5", "x=6"), ("x<5", "x>5"), ("x<5", "x\\le 5"), ("x+1", "x-1"), ("x", "y"), ("-x", "x"),
    ("a+b", "a-b"), ("x^2-1", "(x-1)^2"), ("2^{10}", "20"), ("2^{10}", "210"), ("\\sqrt{8}", "8"),
    ("\\sqrt{2}", "-\\sqrt{2}"),
    ("2\\sqrt{3}", "3\\sqrt{2}"), ("3 \\times 10^5", "3"), ("3 \\times 10^5", "35"), ("2 3", "23"), ("2 3", "6"),
    ("1/0", "2/0"), ("1/0", "0"), ("\\frac{1}{2}", "12"), ("\\frac12", "\\frac21"), ("1 1/2", "11/2"), ("1 1/2", "1/2"),
    ("2i", "2"), ("5-2i", "5+2i"), ("Monday", "Tuesday"), ("yes", "no"), ("A", "B"), ("", "0"), ("?", "0"), ("1+", "1"),
    ("--5", "-5"), ("5-", "5"), ("1.2.3", "1.23"), ("1..2", "1.2"), ("٣", "3"), ("x_1", "x"), ("x_1", "x_2"),
    ("5!", "5"),
    ("5!", "120"), ("\\log 2", "2"), ("\\text{5 and 6}", "5"), ("nan", "nan!"), ("inf", "\\infty"), ("0x10", "16"),
    ("1_000", "1000"),
]  # fmt: skip


def generated(seed: int = 0) -> list[tuple[str, str, bool]]:
    """Numbers in two forms each, of one value and of values that are easily taken for it."""
    rng = random.Random(seed)
    pairs = []
    for _ in range(60):
        value = Fraction(rng.randint(-99999, 99999), rng.choice([1, 1, 1, 2, 4, 5, 8, 10, 3, 7]))
        backwards = Fraction(str(abs(value.numerator))[::-1])
        others = {value + 1, -value, value * 10, value / 10, value + Fraction(1, 1000), backwards} - {value}
        pairs += [(rng.choice(forms(value, rng)), rng.choice(forms(value, rng)), True) for _ in range(3)]
        pairs += [(rng.choice(forms(other, rng)), rng.choice(forms(value, rng)), False) for other in sorted(others)]
    for _ in range(30):
        a, b, c = rng.sample(range(2, 30), 3)
        pairs += [
            (f"{a}x+{b}", f"{b} + {a}x", True), (f"{a}x+{b}", f"{b}x+{a}", False), (f"{a}x+{b}", f"{a}x-{b}", False),
            (f"({a},{b}]", f"( {a}, {b} ]", True), (f"({a},{b}]", f"[{a},{b}]", False),
            (f"({a},{b})", f"({b},{a})", False),
            (f"\\sqrt{{{a * a * b}}}", f"{a}\\sqrt{{{b}}}", True),
            (f"\\sqrt{{{a * a * b}}}", f"{b}\\sqrt{{{a}}}", False),
            (f"\\frac{{{a}}}{{{b}}}\\pi", f"\\frac{{{a}\\pi}}{{{b}}}", True), (f"{a}^{{{2}}}", f"{a}{2}", False),
            (f"\\frac{{x}}{{{c}}}", f"{c}x", False), (f"(x-{a})(x-{b})", f"x^2-{a + b}x+{a * b}", True),
        ]  # fmt: skip
    return pairs


def forms(value: Fraction, rng: random.Random) -> list[str]:
    sign, over, under = "-" * (value < 0), abs(value.numerator), value.denominator
    whole = over // under
    if under == 1:
        said = [str(value), f"{int(value):,}", f"{value}.0", f"{value} rolls", f"\\text{{{value}}}", f"${value}$"]
    else:
        said = [f"{sign}{over}/{under}", f"{sign}\\frac{{{over}}}{{{under}}}", f"{sign}\\dfrac{{{over}}}{{{under}}}"]
        said += [f"{sign}{whole} {over - whole * under}/{under}"] if whole else []
        said += [f"{float(value):.4f}".rstrip("0")] if under in (2, 4, 5, 8, 10) else []
    return said


PAIRS = [(*pair, True) for pair in EQUAL] + [(*pair, False) for pair in DIFFERENT] + generated()


def test_over_500_pairs_are_told_apart_or_not_without_one_false_positive():
    pytest.importorskip("math_verify", reason='expressions need math-verify: pip install "ttclab[math]"')
    assert len({pair[:2] for pair in PAIRS}) >= 500
    judged = [(said, truth, equal) for said, truth, equal in PAIRS if answers_equal(said, truth) is not equal]
    judged += [(truth, said, equal) for said, truth, equal in PAIRS if answers_equal(truth, said) is not equal]
    assert not judged


@pytest.mark.parametrize(("said", "truth"), DIFFERENT)
def test_answers_with_one_key_are_those_that_a_vote_may_count_together(said, truth):
    units = {"rolls", "apples", "cents", "dollars", "$15"}
    if not any(unit in said + truth for unit in units):
        assert answer_key(said) != answer_key(truth)


def test_no_answer_equals_nothing_not_even_another_missing_one():
    assert not answers_equal(None, None) and not answers_equal(None, "5") and not answers_equal("5", None)


def test_expressions_are_compared_in_any_thread():
    pytest.importorskip("math_verify")
    found = []
    thread = threading.Thread(target=lambda: found.append(answers_equal("\\sqrt{50}", "5\\sqrt{2}")))
    thread.start()
    thread.join()
    assert found == [True]


@pytest.mark.parametrize(
    "said", ["9^{9^{9^9}}", "2^{99999999}", "9^9^9", "9" * 50 + "^2", "(9^9)^9^9", "10!!!!", "x^{(9^9)}", "9**9**9"]
)
def test_what_would_grow_without_end_is_never_computed(said):
    start = time.process_time()
    assert not answers_equal(said, "7")
    assert not answers_equal(said, "\\sqrt{7}")
    assert time.process_time() - start < 5


def test_without_math_verify_expressions_are_compared_by_their_text_and_that_is_said_once(monkeypatch):
    import sys

    from ttclab import answers

    monkeypatch.setitem(sys.modules, "math_verify", None)
    answers._checker.cache_clear()
    with pytest.warns(UserWarning, match="math-verify"):
        assert not answers_equal("\\sqrt{8}", "2\\sqrt{2}")
    assert answers_equal("x + 1", "x+1") and answers_equal("\\frac{1}{2}", "0.5")
    answers._checker.cache_clear()


@given(st.text(alphabet="0123456789.,/-+$%\\{}()[]^ xfracsqrt", max_size=30), st.text(max_size=20))
def test_any_text_equals_itself_and_nothing_raises(said, truth):
    assert answers_equal(said, said)
    answers_equal(said, truth)
    answers_equal(truth, said)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("3 + 4 = 7\n#### 7", "7"), ("#### 7\nno, again\n#### 8\n", "8"), ("so \\boxed{\\frac{1}{2}}.", "\\frac{1}{2}"),
        ("\\boxed{5} or \\boxed{6}", "6"), ("\\boxed{5", None), ("the answer is 7", None), ("####", None), ("", None),
        ("\\boxed{}", None), ("####  1,234 rolls ", "1,234 rolls"), ("\\boxed {x^{2}}", "x^{2}"),
    ],
)  # fmt: skip
def test_the_last_marked_answer_is_found_in_what_was_written(text, answer):
    assert answer_in(text) == answer
