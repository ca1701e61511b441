import random
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttclab.problems import (
    LENGTHS,
    SIZES,
    SPLITS,
    ArithmeticProblem,
    Solution,
    answers_equal,
    generate_problems,
    load_problems,
    split_of,
)

EXAMPLE = ArithmeticProblem.from_expression("015+74+46*06")


def test_a_problem_is_worked_from_left_to_right_whatever_the_sign():
    assert EXAMPLE.answer == "810"
    assert EXAMPLE.solution_steps == ("+74=089", "+46=135", "*06=810")


def test_a_person_reads_words_and_the_model_reads_digits():
    assert EXAMPLE.question == "Start at 15, add 74, add 46, times 6."
    assert EXAMPLE.prompt == "015+74+46*06\n"


@given(st.sampled_from(SPLITS), st.integers(0, 2**32))
def test_drawn_problems_keep_to_the_range_and_agree_with_plain_arithmetic(split, seed):
    for problem in islice(generate_problems(split, random.Random(seed)), 18):
        total = int(problem.id[:3])
        for i in range(3, len(problem.id), 3):
            sign, operand = problem.id[i], int(problem.id[i + 1 : i + 3])
            total = {"+": total + operand, "-": total - operand, "*": total * operand}[sign]
            assert 1 <= total <= 999
        assert problem.answer == str(total)


def test_every_length_and_operand_size_has_its_equal_share():
    lengths = [(len(p.id) - 3) // 3 for p in islice(generate_problems("train", random.Random(0)), 180)]
    assert all(lengths.count(length) == 180 // len(LENGTHS) for length in LENGTHS)
    assert len(SIZES) == 3


def test_the_three_sets_share_no_problem():
    drawn = {split: {p.id for p in load_problems(split, limit=500)} for split in SPLITS}
    assert all(split_of(expression) == split for split, ids in drawn.items() for expression in ids)
    assert all(len(ids) == 500 for ids in drawn.values())
    assert not drawn["test"] & drawn["train"] and not drawn["test"] & drawn["validation"]


def test_a_short_list_is_the_start_of_a_longer_one_and_another_seed_draws_others():
    assert load_problems("test", limit=7) == load_problems("test", limit=40)[:7]
    assert load_problems("test", limit=7) != load_problems("test", limit=7, seed=1)


@pytest.mark.parametrize(("name", "limit", "rule"), [("tests", 5, "not 'tests'"), ("test", 0, "at least 1, not 0")])
def test_an_unknown_set_or_an_empty_one_is_refused(name, limit, rule):
    with pytest.raises(ValueError, match=rule):
        load_problems(name, limit=limit)


@pytest.mark.parametrize("text", ["15+74", "015+74+", "015/03", "015+1", "", "015+74\n", "٠١٥+74", "001-01", "999+01"])
def test_an_expression_of_another_form_or_range_is_refused(text):
    with pytest.raises(ValueError, match=r"arithmetic problem|between 1 and 999"):
        ArithmeticProblem.from_expression(text)


def test_a_step_is_right_only_if_all_before_it_are():
    steps = ("+74=089", "+46=136", "*06=810")
    assert EXAMPLE.check_steps(steps) == [True, False, False]
    assert EXAMPLE.check_steps((*EXAMPLE.solution_steps, "+01=811")) == [True, True, True, False]
    assert EXAMPLE.check_steps(()) == []


def test_the_right_solution_is_right_and_reads_as_arithmetic():
    solution = Solution(EXAMPLE, EXAMPLE.solution_text)
    assert solution.correct and solution.answer == "810"
    assert str(solution) == "15 + 74 = 89\n89 + 46 = 135\n135 × 6 = 810"


def test_an_unfinished_solution_has_steps_but_no_answer():
    solution = Solution(EXAMPLE, EXAMPLE.solution_text, finished=False)
    assert solution.steps == EXAMPLE.solution_steps
    assert solution.answer is None and not solution.correct


@pytest.mark.parametrize(
    "text", ["+74=089\n+46=135\n*06=810", "+74=089\n\n*06=810\n", "__import__('os')\n", "+74=89\n", "\n", "+7٤=089\n"]
)
def test_a_line_that_is_no_step_leaves_no_answer(text):
    assert Solution(EXAMPLE, text).answer is None


@given(st.text(alphabet="0123456789+-*=\n$#!? é", max_size=60))
def test_garbage_is_a_wrong_solution_and_never_an_exception(text):
    solution = Solution(EXAMPLE, text)
    assert not solution.correct or text.endswith("=810\n")
    assert len(EXAMPLE.check_steps(solution.steps)) == len(solution.steps)
    str(solution)


@pytest.mark.parametrize(
    ("said", "truth", "equal"),
    [
        ("089", "89", True), (" 89 ", "89", True), ("1,234", "1234", True), ("0.50", "1/2", True), ("2/4", "1/2", True),
        ("-0", "0", True), ("+7", "7", True), ("12,34", "1234", False), ("1/0", "1/0", True), ("89", "98", False),
        ("x+1", "x+1", True), ("x+1", "y+1", False), (None, "89", False), ("", "89", False), ("1e3", "1000", False),
    ],
)  # fmt: skip
def test_answers_are_compared_by_value_and_else_by_text(said, truth, equal):
    assert answers_equal(said, truth) is equal


def test_no_answer_equals_nothing_not_even_another_missing_one():
    assert not answers_equal(None, None)
