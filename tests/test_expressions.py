"""Expressions of the results, as the pages write them: what they may do, and how tables are written."""

import ast
import re
from inspect import signature
from pathlib import Path

import numpy as np
import pytest

from ttclab import bank, results
from ttclab.allocator import Allocation
from ttclab.estimators import Estimate
from ttclab.models import ZOO
from ttclab.results import seeds
from ttclab.results.expressions import PLACE, evaluate, names, say, split, table
from ttclab.results.headline_words import CHAPTERS, in_chapter
from ttclab.results.tables import markdown, models_table, runs_table, seeds_table
from ttclab.results.wording import against, by_sign, lead, size


def test_an_expression_is_a_value_of_the_layer():
    assert evaluate("vote(16).fifth(hardest).solved") == results.vote(16).fifth(4).solved
    assert evaluate('beam(16, "prm-large").minus(weighted(16, "prm-large"), hardest)') == results.beam(
        16, "prm-large"
    ).minus(results.weighted(16, "prm-large"), 4)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("1 - 3:.1f", "−2.0"),
        ("2 * (3 + 1) / 4", "2.0"),
        ("12345:,", "12,345"),
        ("31100000:flops", "31.1 million"),
        ("1234000000:flops", "1.23 billion"),
        ("2300000:.1f million", "2.3 million"),
        ("3230000000000:.3g trillion", "3.23 × 10¹²"),
        ('"text"', "text"),
    ],
)
def test_a_specification_says_how_a_value_is_written(text, written):
    assert say(text) == written


def test_an_estimate_is_written_by_its_own_specification_and_not_without_one():
    assert say("vote(16).solved:.0%") == f"{results.vote(16).solved:.0%}"
    with pytest.raises(ValueError, match="needs a specification"):
        say("vote(16).solved")


@pytest.mark.parametrize(
    ("gain", "led", "sized"),
    [
        (Estimate(0.029, 0.012, 0.045), "2.9 points ahead (1.2 to 4.5)", "2.9 points (1.2 to 4.5)"),
        (Estimate(-0.066, -0.076, -0.055), "6.6 points behind (5.5 to 7.6)", "6.6 points (5.5 to 7.6)"),
        (Estimate(0.001, -0.008, 0.009), "level (−0.8 to +0.9 points)", "0.1 points (−0.8 to 0.9)"),
    ],
)
def test_a_difference_has_its_sign_in_words_and_is_level_if_its_interval_holds_zero(gain, led, sized):
    assert (lead(gain), size(gain)) == (led, sized)
    word = by_sign(gain, "helps", "makes no difference", "harms")
    assert word == {"ahead": "helps", "level": "makes no difference", "behind": "harms"}[led.split(" (")[0].split()[-1]]


@pytest.mark.parametrize(
    ("gain", "said"),
    [
        (Estimate(0.031, 0.012, 0.05), "beats best-of-64 by 3.1 points (1.2 to 5.0)"),
        (Estimate(-0.031, -0.05, -0.012), "loses to best-of-64 by 3.1 points (1.2 to 5.0)"),
        (Estimate(0.012, -0.006, 0.031), "ties with best-of-64 (−0.6 to +3.1 points)"),
        (Estimate(-0.02, -0.04, 0.0004), "ties with best-of-64 (−4.0 to 0.0 points)"),
        (Estimate(0.02, -0.0004, 0.04), "ties with best-of-64 (0.0 to +4.0 points)"),
    ],
)
def test_a_difference_names_the_other_side_inside_the_words_and_zero_has_no_sign(gain, said):
    assert against(gain, "best-of-64") == said


def test_a_page_says_a_difference_against_the_other_side():
    gain = "weighted(64).minus(vote(64))"
    assert say(f'against({gain}, "the vote")') == against(evaluate(gain), "the vote")


@pytest.mark.parametrize(
    "bad",
    [
        "votes(16)",
        "__import__('os')",
        "open('x')",
        "vote(16).__class__",
        "vote(16).correct.tofile('x')",
        "vote(16).accuracy",
        "vote(16) if 1 else 2",
        "[n for n in 1, 2]",
        "vote(16",
        "'text'.upper()",
        "fit_all()",
    ],
)
def test_what_is_unknown_or_no_expression_is_refused(bad):
    with pytest.raises(ValueError, match=r"unknown name|no public attribute|not an expression|an expression calls"):
        evaluate(bad)


def test_no_name_writes_files():
    assert not {name for name in names() if name.startswith(("write", "record", "fit", "make", "train"))} - {
        "trained_steps",
        "training_flops",
        "training_record",
        "training_tokens",
    }


def cells(lines):
    return table(lines).to_numpy().tolist()


def test_a_loop_repeats_the_rows_under_it_and_loops_nest():
    lines = ["| n | N |", "for n in 1, 2", "for name, N in ('a', 3), ('b', 4)", "| {name} {n} | {n * N:.1f} |"]
    assert list(table(lines).columns) == ["n", "N"]
    assert cells(lines) == [[f"{name} {n}", f"{n * N:.1f}"] for n in (1, 2) for name, N in (("a", 3), ("b", 4))]


def test_an_empty_line_ends_a_loop_and_roles_of_the_page_are_left_alone():
    assert cells(["| a |", "for n in 1, 2", "| {n} |", "", "| {term}`oracle` {1 + 1} |"]) == [
        ["1"],
        ["2"],
        ["{term}`oracle` 2"],
    ]


def test_a_loop_over_one_value_names_it():
    assert cells(["| a |", "for text in 'one'", "| {text} |"]) == [["one"]]


def test_a_table_is_written_in_markdown_with_columns_of_one_name_kept_apart():
    lines = ["| | FLOPs | FLOPs |", "| a | {1 + 1} | |"]
    assert markdown(table(lines)) == ["|  | FLOPs | FLOPs |", "| --- | --- | --- |", "| a | 2 |  |"]


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("a row", "begins with"),
        ("for a, b in 1, 2", "2 values per iteration"),
        ("for n in many", "unknown name"),
        ("| {a} | b |", "1 cells, as the head has"),
    ],
)
def test_a_table_that_is_none_is_refused(line, rule):
    with pytest.raises(ValueError, match=rule):
        table(["| a |", line, "| {1} |"] if line.startswith("for") else ["| a |", line.replace("{a}", "{1}")])


# ---- what ships and what is recorded


def test_every_shipped_model_and_every_recorded_run_has_its_row():
    models, steps = models_table().set_index("Model"), [folder.name for folder in ZOO.glob("large-*")]
    first, last = models.loc["`large`", "Steps"].replace(",", "").split(" to ")
    assert {f"large-{first}", f"large-{last}"} <= set(steps)
    assert {name.strip("`") for name in models.index} == {folder.name for folder in ZOO.iterdir()} - set(steps) | {
        "large"
    }
    kinds = ("samples", "chains", "scores", "searches")
    assert sum(len(runs_table(kind)) for kind in kinds) == len(list(bank.RUNS.glob("*.parquet")))


def test_every_headline_has_plain_words_in_the_table_of_one_chapter():
    placed = [name for words in CHAPTERS.values() for name in words]
    assert sorted(placed) == sorted(seeds.HEADLINES)
    assert all(len({*words.values()}) == len(words) for words in CHAPTERS.values())


def test_a_table_of_seeds_has_a_row_for_each_headline_of_the_chapter_and_a_number_for_each_seed():
    found = seeds_table(2)
    assert list(found["What was measured"]) == list(CHAPTERS[2].values())
    assert list(found)[1:] == ["Seeds 0, 1, 2", "Together", "Verdict"]
    assert found["Seeds 0, 1, 2"][0].split(", ")[0] == f"{seeds.headline('small, one sample').mean:.0%}"
    assert in_chapter(8, ["new"]) == {"new": "new"} and in_chapter(7, ["new"]) == {}


# ---- the pages

PAGES = sorted((Path(__file__).parent.parent / "book").glob("*.md"))
ROLE, TABLE = re.compile(r"\{measured\}`([^`]+)`"), re.compile(r"^```\{results\}([^\n]*)\n(.*?)^```", re.M | re.S)


def calls(expression):
    """The functions that an expression calls by their names, each with how it calls them."""
    tree = ast.parse(" ".join(expression.split()), mode="eval")
    return [n for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)]


def expressions_of(text):
    """Every expression of a page, without its specification."""
    for role in ROLE.findall(text):
        yield split(role)[0]
    for argument, lines in TABLE.findall(text):
        if argument.strip():
            yield argument.strip()
        for line in lines.splitlines():
            if line.startswith("for "):
                yield line.partition(" in ")[2]
            yield from (split(place)[0] for place in PLACE.findall(line))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_calls_functions_that_there_are_with_arguments_that_they_take(page):
    """The build computes the values; this finds wrong names and arguments without computing anything."""
    known = names()
    for expression in expressions_of(page.read_text(encoding="utf-8")):
        for call in calls(expression):
            function = known[call.func.id]
            signature(function).bind(*call.args, **{keyword.arg: keyword.value for keyword in call.keywords})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_table_of_numbers_is_computed_and_not_typed(page):
    """Cells with a role are for sentences that compare, two or three to a row; a row of numbers is a directive's."""
    rows = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    assert [row for row in rows if len(ROLE.findall(row)) > 3] == []


# ---- arms


def made_up(N, right, T=0, fifths=None):
    return results.Arm(Allocation(N, T), np.array(right, dtype=float), np.full(len(right), float(N)), fifths)


def test_arms_are_looked_up_by_their_allocation_and_joined():
    one, two, chain = made_up(1, [0, 1]), made_up(2, [1, 1]), made_up(1, [1, 0], T=1)
    arms = results.Arms([one, two]) | results.Arms([chain])
    assert arms.at(2) is two and arms.at(1, T=1) is chain and arms[Allocation(1)] is one
    assert list(arms.values()) == [one, two, chain] and arms.best is two
    assert list(arms.within(1.0).values()) == [one, chain]
    assert arms.table().loc["best of 2"].tolist() == [1, 1, 1, 2] and list(arms.table().index) == list(map(str, arms))
    with pytest.raises(ValueError, match=r"no arm is best of 4; there are: best of 1, best of 2, 1 x 2"):
        arms.at(4)


def test_an_arm_is_restricted_to_fifths_and_compared_on_them():
    groups = np.array([0, 0, 4, 4])
    one, other = made_up(1, [1, 1, 1, 0], fifths=groups), made_up(1, [1, 1, 0, 0], fifths=groups)
    assert one.fifth(4).correct.tolist() == [1, 0] and one.fifth(0, 4).correct.tolist() == [1, 1, 1, 0]
    assert one.minus(other).mean == 0.25 and one.minus(other, 4).mean == 0.5
    assert one.minus(other, 0) == Estimate(0, 0, 0) and one.solved.mean == 0.75 and one.cost == 1
    with pytest.raises(ValueError, match="needs the fifths"):
        made_up(1, [1, 0]).fifth(0)


def test_strategies_are_compared_where_they_have_the_same_allocation():
    groups = np.array([0, 4])
    one = results.Arms([made_up(1, [1, 1], fifths=groups), made_up(2, [1, 1], fifths=groups)])
    other = results.Arms([made_up(2, [0, 1], fifths=groups), made_up(4, [0, 1], fifths=groups)])
    assert {allocation.N: gain.mean for allocation, gain in one.minus(other).items()} == {2: 0.5}
    assert {allocation.N: gain.mean for allocation, gain in one.fifth(0).minus(other.fifth(0)).items()} == {2: 1.0}


@pytest.mark.parametrize(
    ("gain", "text"),
    [
        (Estimate(0.029, 0.012, 0.045), "2.9 points ahead of the ORM (1.2 to 4.5)"),
        (Estimate(-0.066, -0.076, -0.055), "6.6 points behind the ORM (5.5 to 7.6)"),
        (Estimate(0.001, -0.008, 0.009), "level with the ORM (−0.8 to +0.9 points)"),
    ],
)
def test_a_lead_may_name_the_other(gain, text):
    assert lead(gain, "the ORM") == text


@pytest.mark.parametrize("low", [-4e-4, 4e-4])
def test_a_lead_writes_zero_without_a_sign(low):
    assert lead(Estimate(0.003, low, 0.009)).endswith("(0.0 to +0.9 points)" if low < 0 else "(0.0 to 0.9)")
    assert size(Estimate(0.003, low, 0.009)) == "0.3 points (0.0 to 0.9)"
    assert size(Estimate(-0.003, -0.009, -low)) == "0.3 points (0.0 to 0.9)"
