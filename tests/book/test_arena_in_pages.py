"""The game "The arena" as a reader meets it."""

import json

import pytest
import test_explorables_in_pages as pages
from looks import overlapping_labels
from test_explorables_in_pages import Reader, draw, faint_words, phone

from ttclab.explorables import shipped_data

site, reader = pages.site, pages.reader

DATA = shipped_data("arena")
SIZE = len(DATA["rounds"][0]["problems"])
MOVES = ["4x0", "0x0", "8x0", "2x1", "0x0", "1x0", "1x3", "12x0", "0x0", "4x1", "0x0", "2x0"]
SELECTIONS = [(1, 1), (2, 12), (3, 3), (4, 7), (5, 12), (6, 2), (8, 8), (9, 5), (11, 11), (12, 12)]
PRICES = [N * (1 + T) for N, T in DATA["options"]]


def option_of(move):
    return DATA["options"].index([int(part) for part in move.split("x")])


def look_at(reader: Reader, number, moves) -> Reader:
    return reader.open(f"arena.html?arena.round={number}&arena.moves={'.'.join(moves)}")


def totals(number, moves):
    """Solved, generations and FLOPs (in words) of the player and the rivals, summed from the data."""
    asked = DATA["rounds"][number - 1]
    rows = []
    problems = [DATA["problems"][i] for i in asked["problems"]]
    own = [option_of(move) for move in moves]
    mine = {
        "moves": own,
        "wins": [problem["wins"][option] for problem, option in zip(problems, own)],
        "flops": [problem["look"] + problem["flops"][option] for problem, option in zip(problems, own)],
    }
    for played in (mine, *asked["rivals"]):
        wins, flops = (sum(played[what][: len(moves)]) for what in ("wins", "flops"))
        spent = sum(PRICES[option] for option in played["moves"][: len(moves)])
        words = f"{flops / 1e6:.2f} GFLOPs" if flops >= 1e6 else f"{flops / 1e3:.0f} MFLOPs"
        rows.append([wins / DATA["draws"], spent, words])
    return rows


@pytest.mark.parametrize(("number", "count"), SELECTIONS)
def test_the_board_and_the_numbers_add_up_what_the_data_have(reader, number, count):
    look_at(reader, number, MOVES[:count])
    expected = totals(number, MOVES[:count])
    solved = reader.page.locator(".ttc-board .ttc-sum").all_inner_texts()
    assert [float(x) for x in solved] == pytest.approx([row[0] for row in expected], abs=0.0501)
    reader.page.get_by_text("The numbers").click()
    rows = [row.split("\t") for row in reader.page.locator("details tbody tr").all_inner_texts()]
    names = ["You", *(policy["name"] for policy in DATA["policies"])]
    assert [row[0] for row in rows] == names
    assert [int(row[2]) for row in rows] == [row[1] for row in expected]
    assert [row[3] for row in rows] == [row[2] for row in expected]


@pytest.mark.parametrize(("number", "count"), SELECTIONS)
def test_the_sentence_says_what_came_of_the_last_move(reader, number, count):
    look_at(reader, number, MOVES[:count])
    problem = DATA["problems"][DATA["rounds"][number - 1]["problems"][count - 1]]
    option = option_of(MOVES[count - 1])
    came, said = problem["came"][option], reader.sentence.inner_text()
    assert f"Problem {count}: " in said and came in said
    assert ("right." in said) if came == problem["answer"] else (f"wrong, the answer is {problem['answer']}" in said)
    if PRICES[option]:
        assert f"In {problem['wins'][option]} of {DATA['draws']} draws" in said
    assert ("is over" in said) == (count == SIZE)


def test_a_round_is_played_with_the_keyboard_alone(reader):
    reader.open("arena.html")
    keyboard = reader.page.keyboard
    reader.page.get_by_role("slider", name="New samples").focus()
    keyboard.press("Home")
    assert "Keep " in reader.page.locator(".ttc-cost").inner_text()
    keyboard.press("ArrowRight")
    keyboard.press("ArrowRight")
    keyboard.press("Tab")
    keyboard.press("ArrowRight")
    assert reader.page.locator(".ttc-cost").inner_text().startswith("2 × 2 = 4 generations; leaves 44 for 11 more")
    keyboard.press("Tab")
    for left in range(SIZE, 0, -1):
        assert reader.page.evaluate("document.activeElement.innerText") == "Spend"
        assert f"Problem {SIZE - left + 1} of {SIZE}" in reader.page.locator(".ttc-where").inner_text()
        keyboard.press("Enter")
    assert "is over" in reader.sentence.inner_text()
    assert reader.page.evaluate("document.activeElement.innerText") == "Next round"
    keyboard.press("Enter")
    assert "Round 2: problem 1" in reader.sentence.inner_text()


def test_no_move_costs_more_than_is_left(reader):
    look_at(reader, 1, ["32x0", "12x0"])
    samples, revisions = (reader.page.get_by_role("slider", name=name) for name in ("New samples", "Revisions"))
    samples.press("End")
    assert samples.get_attribute("aria-valuetext") == "4"
    revisions.press("End")
    assert revisions.get_attribute("aria-valuetext") == "3" and samples.get_attribute("aria-valuetext") == "1"
    reader.page.get_by_role("button", name="Spend").click()
    assert "0 generations left" in reader.page.locator(".ttc-where").inner_text()
    samples.press("End")
    assert samples.get_attribute("aria-valuetext") == "0"


def test_the_address_holds_the_moves_and_another_reader_sees_the_same_game(reader):
    look_at(reader, 5, MOVES[:3])
    reader.page.get_by_role("button", name="Spend").click()
    said, shared = reader.sentence.inner_text(), reader.page.url
    reader.page.goto("about:blank")
    reader.page.goto(shared)
    reader.page.locator(".ttc").wait_for()
    assert reader.sentence.inner_text() == said and "Problem 4" in said
    reader.page.get_by_role("button", name="Start again").click()
    assert "problem 1 of" in reader.sentence.inner_text()


@pytest.mark.parametrize("moves", ["5x0", "32x0.32x0", "<b>", ".", "0x0." * 40])
def test_an_address_with_moves_that_break_the_rules_plays_those_before(reader, moves):
    look_at(reader, 1, moves.split("."))
    assert reader.sentence.inner_text()


def test_an_address_with_an_unknown_round_starts_the_first(reader):
    look_at(reader, 99, ["4x0"])
    assert "Round 1: problem 1" in reader.sentence.inner_text()


@phone
def test_a_finger_plays_on_a_phone_and_nothing_scrolls_sideways(reader):
    look_at(reader, 3, MOVES[:9])
    reader.page.get_by_role("button", name="Spend").tap()
    assert "Problem 10" in reader.sentence.inner_text()
    assert reader.page.evaluate("document.documentElement.scrollWidth") == 360
    assert overlapping_labels(reader.page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_of_the_game_stand_out_from_the_page(reader, scheme):
    reader.page.emulate_media(color_scheme=scheme)
    look_at(reader, 2, MOVES).page.get_by_text("The numbers").click()
    assert faint_words(reader.page) == []
    assert overlapping_labels(reader.page) == []


def test_answers_of_models_are_text_and_never_markup(reader):
    bad = "<img src=x onerror='window.struck = true'>"
    data = json.loads(json.dumps(DATA))
    for problem in data["problems"]:
        problem["question"] = problem["first"] = problem["answer"] = bad
        problem["came"] = [bad] * len(problem["came"])
    page = draw(reader, data, {"round": 1, "moves": "4x0"}, "arena")
    page.locator(".ttc-board").wait_for()
    assert bad in page.locator(".ttc").inner_text()
    assert page.locator(".ttc img").count() == 0
    assert page.evaluate("window.struck") is None


def test_a_widget_of_the_game_follows_its_state_and_tells_python(reader):
    page = draw(reader, DATA, {}, "arena")
    page.evaluate("model.set('state', {round: 4, moves: '0x0.8x0'}); model.save_changes()")
    assert "Problem 2" in reader.sentence.inner_text()
    page.get_by_role("slider", name="New samples").press("Home")
    page.get_by_role("button", name="Spend").click()
    assert page.evaluate("model.get('state')") == {"round": 4, "moves": "0x0.8x0.0x0"}
    assert page.evaluate("(leave(), model.heard.size)") == 0
