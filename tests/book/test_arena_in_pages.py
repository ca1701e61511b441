"""The game "The arena" as a reader meets it."""

import json

import numpy as np
import pytest
import test_explorables_in_pages as pages
from looks import overlapping_labels
from test_explorables_in_pages import Reader, draw, faint_words, phone

from ttclab.explorables import shipped_data
from ttclab.results import arena

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


def signed(score):
    return f"{score:+.2f}".replace("-", "−") if score else "0.00"


def played(number, moves):
    """The player's game, played in Python on the first problems of a round."""
    ids = [DATA["problems"][i]["id"] for i in DATA["rounds"][number - 1]["problems"][: len(moves)]]
    known = arena.load_arena()
    on = known.of([known.problems.index(each) for each in ids])
    return arena.spent(on, [option_of(move) for move in moves]), on


def standings(number, moves):
    """Solved, and in words score, generations and FLOPs, of the player and the rivals."""
    count, rows = len(moves), []
    for rival in DATA["rounds"][number - 1]["rivals"]:
        rows.append([rival[each][count - 1] for each in ("score", "solved", "generations", "flops")])
    mine, on = played(number, moves)
    score = round(float(arena.beyond_uniform(mine, on).sum()), 2)
    rows.insert(0, [score, 16 * mine.correct.sum(), mine.generations, mine.flops.sum() / 1000])
    return [(wins / DATA["draws"], [signed(score), str(spent), in_flops(flops)]) for score, wins, spent, flops in rows]


def in_flops(thousands):
    digits = 1 if thousands < 1e4 else 0
    return f"{thousands / 1e6:.2f} G FLOPs" if thousands >= 1e6 else f"{thousands / 1e3:.{digits}f} M FLOPs"


def megaflops(expected):
    count, unit, _ = expected[1][2].split()
    return float(count) * (1000 if unit == "G" else 1)


@pytest.mark.parametrize(("number", "count"), SELECTIONS)
def test_the_board_and_the_numbers_are_those_of_the_arena_in_python(reader, number, count):
    look_at(reader, number, MOVES[:count])
    expected = standings(number, MOVES[:count])
    solved = [pytest.approx(each, abs=0.00501) for each, _ in expected]
    board = [row.locator(".ttc-sum").all_inner_texts() for row in reader.page.locator(".ttc-board tbody tr").all()]
    assert [float(row[1]) for row in board] == solved
    assert [row[3] for row in board] == [words[0] for _, words in expected]
    assert [float(row[0]) for row in board] == [
        pytest.approx(mega / count, abs=1.3) for mega in map(megaflops, expected)
    ]
    for _, won, same, score in board:
        assert float(won) - float(same) == pytest.approx(float(score.replace("−", "-"))), "the score can be seen"
    mine, on = played(number, MOVES[:count])
    same = float(arena.uniform_at(on, float(mine.flops.mean())).sum())
    assert float(board[0][2]) == pytest.approx(same, abs=0.0101)
    assert f"Uniform sampling for the same FLOPs solves {board[0][2]}" in reader.sentence.inner_text()
    reader.page.get_by_text("The numbers").click()
    rows = [row.split("\t") for row in reader.page.locator("details tbody tr").all_inner_texts()]
    assert [row[0] for row in rows] == ["You", *(policy["name"] for policy in DATA["policies"])]
    assert [float(row[2].removesuffix(f" of {count}")) for row in rows] == solved
    assert [[row[1], *row[3:5]] for row in rows] == [words for _, words in expected]


@pytest.mark.parametrize("number", [2, 3, 7, 10])
def test_a_finished_round_ranks_by_the_score_that_charges_flops(reader, number):
    look_at(reader, number, MOVES)
    scores = [float(words[0].replace("−", "-")) for _, words in standings(number, MOVES)]
    place = ["first", "second", "third", "fourth", "last"][sum(score > scores[0] for score in scores)]
    said = reader.sentence.inner_text()
    assert f"With a score of {signed(scores[0])} you come {place} of 5" in said
    names = [policy["name"] for policy in DATA["policies"]]
    for name, score in zip(names, scores[1:], strict=True):
        assert (f'"{name}" ({signed(score)})' in said) == (score > scores[0])
    assert "You tie" not in said
    left = DATA["budget"] - played(number, MOVES)[0].generations
    assert (f"You left {left} generation{'s' * (left != 1)} unused." in said) == (left > 0)


def test_who_plays_as_a_rival_does_ties_with_it(reader):
    spread = DATA["rounds"][0]["rivals"][-1]
    look_at(reader, 1, ["x".join(map(str, DATA["options"][option])) for option in spread["moves"]])
    said = reader.sentence.inner_text()
    assert f"With a score of {signed(spread['score'][-1])} you come" in said
    assert said.endswith('You tie with "Spread".')


@pytest.mark.parametrize("number", [1, 2, 3])
def test_the_same_answers_for_more_flops_rank_lower(reader, number):
    """Four samples and the look: every problem as uniform sampling has it, and the look to pay."""
    look_at(reader, number, ["4x0"] * SIZE)
    solved = reader.page.locator(".ttc-board tbody .ttc-solved.ttc-sum").all_inner_texts()
    assert solved[0] == solved[1], "as many as uniform sampling"
    assert "Uniform sampling for the same FLOPs solves " in reader.sentence.inner_text()
    assert "With a score of −" in reader.sentence.inner_text()
    assert '"Uniform" (0.00)' in reader.sentence.inner_text().partition(", after ")[2]


@pytest.mark.parametrize(("number", "count"), SELECTIONS)
def test_the_sentence_says_what_came_of_the_last_move(reader, number, count):
    look_at(reader, number, MOVES[:count])
    problem = DATA["problems"][DATA["rounds"][number - 1]["problems"][count - 1]]
    option = option_of(MOVES[count - 1])
    came, said = problem["came"][option], reader.sentence.inner_text()
    right, began_right = came == problem["answer"], problem["first"] == problem["answer"]
    assert f"Problem {count}: " in said
    truth = "right" if right else f"wrong: the answer is {problem['answer']}"
    assert f"{came}, which is {truth}." in said
    assert f"; the look cost {in_flops(problem['look'])}." in said
    if PRICES[option]:
        assert f"In {problem['wins'][option]} of {DATA['draws']} draws" in said
        assert f"generation{'s' if PRICES[option] > 1 else ''}, {in_flops(problem['flops'][option])}; the look" in said
        assert ("changed nothing" in said) == (came == problem["first"])
        assert ("a wrong answer into a right one" in said) == (right and not began_right)
        assert ("a right answer into a wrong one" in said) == (began_right and not right)
    else:
        assert "The move cost nothing" in said
    assert ("is over" in said) == (count == SIZE)


def test_the_board_waits_for_the_first_move(reader):
    look_at(reader, 1, [])
    assert not reader.page.locator(".ttc-board").is_visible()
    look_at(reader, 1, MOVES[:1])
    assert reader.page.locator(".ttc-board").is_visible()


def test_before_the_first_move_the_board_has_what_each_player_does(reader):
    look_at(reader, 1, [])
    roles = reader.page.locator(".ttc-board .ttc-role").all_inner_texts()
    assert [role.lower() for role in roles[1:]] == [policy["does"].lower() for policy in DATA["policies"]]
    look_at(reader, 1, MOVES[:1])
    assert not reader.page.locator(".ttc-board .ttc-role").count()


@pytest.mark.parametrize(("number", "count"), SELECTIONS)
def test_the_race_shows_everybodys_score_over_the_problems_played(reader, number, count):
    look_at(reader, number, MOVES[:count])
    reader.page.locator(".ttc-race svg .ttc-axis").first.wait_for()
    zero, *ends = reader.page.locator(".ttc-race").evaluate(
        """(race, keys) => ["par", "you", ...keys].map(key => {
            const places = race.querySelector(`.ttc-line.ttc-${key}`).getAttribute("d").slice(1).split("L");
            return [places.length - 1, ...places.at(-1).split(",").map(Number)];
        })""",
        [policy["key"] for policy in DATA["policies"]],
    )
    assert {moves for moves, *_ in ends} == {count}, "the axis ends at the last problem played"
    assert {x for _, x, _ in ends} == {zero[1]}
    scores = [float(words[0].replace("−", "-")) for _, words in standings(number, MOVES[:count])]
    heights = np.array([y - zero[2] for *_, y in ends])
    slope = heights @ scores / np.dot(scores, scores)
    assert slope < 0, "higher is better"
    assert heights == pytest.approx(slope * np.array(scores), abs=0.01)


def test_a_round_is_played_with_the_keyboard_alone(reader):
    reader.open("arena.html")
    keyboard = reader.page.keyboard
    reader.page.get_by_role("slider", name="New samples").focus()
    keyboard.press("Home")
    assert "Nothing spent" in reader.page.locator(".ttc-cost").inner_text()
    keyboard.press("ArrowRight")
    keyboard.press("ArrowRight")
    keyboard.press("Tab")
    keyboard.press("ArrowRight")
    assert reader.page.locator(".ttc-cost").inner_text().startswith("2 × 2 = 4 generations; leaves 44 for 11 more")
    keyboard.press("Tab")
    for left in range(SIZE, 0, -1):
        does = "Draw 4 samples" if left < SIZE else "Draw 2 × 2 attempts"
        assert reader.page.evaluate("document.activeElement.innerText") == does
        assert f"Problem {SIZE - left + 1} of {SIZE}" in reader.page.locator(".ttc-where").inner_text()
        keyboard.press("Enter")
    assert "is over" in reader.sentence.inner_text()
    assert reader.page.evaluate("document.activeElement.innerText") == "Next round"
    keyboard.press("Enter")
    assert "Round 2: problem 1" in reader.sentence.inner_text()


def test_the_button_says_what_it_does(reader):
    look_at(reader, 1, [])
    samples, revisions = (reader.page.get_by_role("slider", name=name) for name in ("New samples", "Revisions"))
    button = reader.page.locator(".ttc-buttons button:visible").first
    first = DATA["problems"][DATA["rounds"][0]["problems"][0]]["first"]
    assert button.inner_text() == "Draw 4 samples"
    revisions.press("ArrowRight")
    assert button.inner_text() == "Draw 4 × 2 attempts"
    revisions.press("Home")
    samples.press("Home")
    assert button.inner_text() == f"Keep {first}"
    samples.press("ArrowRight")
    assert button.inner_text() == "Draw 1 sample"


def test_an_attempt_is_kept_with_one_button(reader):
    look_at(reader, 1, ["4x0"])
    keep = reader.page.get_by_role("button", name="Keep the attempt")
    first = DATA["problems"][DATA["rounds"][0]["problems"][1]]["first"]
    keep.click()
    assert f"Problem 2: you kept the first attempt, {first}" in reader.sentence.inner_text()
    assert reader.page.get_by_role("slider", name="New samples").get_attribute("aria-valuetext") == "4"
    reader.page.get_by_role("slider", name="New samples").press("Home")
    assert not keep.is_visible(), "the other button keeps it"
    look_at(reader, 1, MOVES[:-1])
    keep.click()
    assert "is over" in reader.sentence.inner_text() and not keep.is_visible()


def test_one_slider_never_changes_the_other_and_the_button_refuses_what_cannot_be(reader):
    look_at(reader, 1, ["32x0"])
    samples, revisions = (reader.page.get_by_role("slider", name=name) for name in ("New samples", "Revisions"))
    button = reader.page.locator(".ttc-buttons button:visible").first
    said = reader.sentence.inner_text()

    def refused(words):
        assert words in button.inner_text() and button.get_attribute("aria-disabled") == "true"
        button.evaluate("node => node.click()")
        button.press("Enter")
        assert reader.sentence.inner_text() == said

    samples.press("End")
    refused("Too many: only 16 generations left")
    revisions.press("End")
    assert samples.get_attribute("aria-valuetext") == "32" and revisions.get_attribute("aria-valuetext") == "7"
    refused("Too many")
    samples.press("Home")
    assert revisions.get_attribute("aria-valuetext") == "7" and revisions.is_disabled()
    assert button.inner_text().startswith("Keep ")
    samples.press("ArrowRight")
    assert revisions.is_enabled()
    button.click()
    assert "8 generations left" in reader.page.locator(".ttc-where").inner_text()


def test_a_pair_that_was_not_recorded_is_refused_with_the_reason(reader):
    look_at(reader, 1, [])
    samples, revisions = (reader.page.get_by_role("slider", name=name) for name in ("New samples", "Revisions"))
    revisions.press("End")
    samples.press("ArrowRight")
    assert reader.page.get_by_role("button", name="Draw").count() == 0
    assert "48 generations; leaves 0" in reader.page.locator(".ttc-cost").inner_text()
    assert reader.page.get_by_role("button", name="Not recorded: with 7 revisions of each, at most 4").is_visible()


def test_nothing_can_be_drawn_once_the_budget_is_spent(reader):
    look_at(reader, 1, ["32x0", "16x0"])
    assert reader.page.get_by_role("slider", name="New samples").get_attribute("aria-valuetext") == "0"
    assert reader.page.get_by_role("button", name="Keep").is_enabled()


def ask_by_button(reader):
    reader.page.get_by_role("button", name="Start again").click()
    return reader.page.get_by_role("button", name="Start again")


def ask_by_menu(reader):
    reader.page.get_by_label("Round", exact=True).select_option(label="Round 7")
    return reader.page.get_by_label("Round", exact=True)


@pytest.mark.parametrize("ask", [ask_by_button, ask_by_menu])
def test_a_game_is_given_up_only_after_the_player_says_so(reader, ask):
    look_at(reader, 5, MOVES[:3])
    said, menu = reader.sentence.inner_text(), reader.page.get_by_label("Round", exact=True)
    for no in ("click", "Escape"):
        control = ask(reader)
        assert "Give up round 5 after 3 of 12 problems?" in reader.page.locator(".ttc-ask").inner_text()
        stay = reader.page.get_by_role("button", name="Play on")
        assert stay.evaluate("node => node === document.activeElement")
        stay.click() if no == "click" else stay.press(no)
        assert reader.sentence.inner_text() == said and menu.input_value() == "4"
        assert not reader.page.locator(".ttc-ask").is_visible()
        assert control.evaluate("node => node === document.activeElement")
    ask(reader)
    reader.page.get_by_role("button", name="Give up").click()
    number = 7 if ask is ask_by_menu else 5
    assert f"Round {number}: problem 1 of" in reader.sentence.inner_text()
    assert f"arena.round={number}&arena.moves=#" in reader.page.url


def test_nobody_is_asked_where_there_is_no_game_to_lose(reader):
    look_at(reader, 5, [])
    ask_by_menu(reader)
    assert "Round 7: problem 1 of" in reader.sentence.inner_text()
    look_at(reader, 5, MOVES)
    ask_by_button(reader)
    assert "Round 5: problem 1 of" in reader.sentence.inner_text()


def test_the_address_holds_the_moves_and_another_reader_sees_the_same_game(reader):
    look_at(reader, 5, MOVES[:3])
    reader.page.get_by_role("button", name="Draw 4 samples").click()
    said, shared = reader.sentence.inner_text(), reader.page.url
    reader.page.goto("about:blank")
    reader.page.goto(shared)
    reader.page.locator(".ttc").wait_for()
    assert reader.sentence.inner_text() == said and "Problem 4" in said
    reader.page.get_by_role("button", name="Start again").click()
    reader.page.get_by_role("button", name="Give up").click()
    assert "problem 1 of" in reader.sentence.inner_text()


@pytest.mark.parametrize("moves", ["5x0", "32x0.32x0", "<b>", ".", "0x0." * 40])
def test_an_address_with_moves_that_break_the_rules_plays_those_before(reader, moves):
    look_at(reader, 1, moves.split("."))
    assert reader.sentence.inner_text()


def test_an_address_with_an_unknown_round_starts_the_first(reader):
    look_at(reader, 99, ["4x0"])
    assert "Round 1: problem 1" in reader.sentence.inner_text()


@phone
def test_no_column_of_the_board_is_lost_or_covered_on_a_phone(reader):
    look_at(reader, 1, MOVES)
    for row in reader.page.locator(".ttc-board tr").all():
        cells = row.locator("th, td").evaluate_all(
            """cells => cells.map(cell => {
                const range = document.createRange();
                range.selectNode(cell.lastChild);
                const { left, right, top, bottom } = range.getBoundingClientRect();
                return [left, right, top, bottom];
            })"""
        )
        assert len(cells) == 5 + len(MOVES)
        assert all(0 < left < right <= 360 for left, right, *_ in cells)
        for i, (left, right, top, bottom) in enumerate(cells):
            for other in cells[:i]:
                apart = right <= other[0] or other[1] <= left or bottom <= other[2] or other[3] <= top
                assert apart, (i, row.inner_text())


@phone
def test_a_finger_plays_on_a_phone_and_nothing_scrolls_sideways(reader):
    look_at(reader, 3, MOVES[:9])
    reader.page.get_by_role("button", name="Draw").tap()
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
    page = draw(reader, data, {"round": 1, "moves": "4x0"})
    page.locator(".ttc-board").wait_for()
    assert bad in page.locator(".ttc").inner_text()
    assert page.locator(".ttc img").count() == 0
    assert page.evaluate("window.struck") is None


def test_a_widget_of_the_game_follows_its_state_and_tells_python(reader):
    page = draw(reader, DATA, {})
    page.evaluate("model.set('state', {round: 4, moves: '0x0.8x0'}); model.save_changes()")
    assert "Problem 2" in reader.sentence.inner_text()
    page.get_by_role("slider", name="New samples").press("Home")
    page.get_by_role("button", name="Keep").click()
    assert page.evaluate("model.get('state')") == {"round": 4, "moves": "0x0.8x0.0x0"}
    assert page.evaluate("(leave(), model.heard.size)") == 0
