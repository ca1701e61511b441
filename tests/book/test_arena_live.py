"""The arena on live problems as a reader meets it: the models run in the page."""

import re

import numpy as np
import pytest
import test_explorables_in_pages as pages
from looks import assert_accessible, faint_words, overlapping_labels
from test_explorables_in_pages import Reader, draw, phone

import ttclab
from ttclab.explorables import shipped_data
from ttclab.problems import LENGTHS, SIZES, ArithmeticProblem, split_of

site = pages.site
DATA = shipped_data("arena")
LIVE = DATA["live"]
SIZE = len(DATA["rounds"][0]["problems"])
SEED = 17
MOVES = ["4x0", "0x0", "8x0", "2x1", "1x3", "2x0"]
QUESTION = re.compile(r"Start at (\d+)((?:, (?:add|take away|times) \d+)+)\.")
SIGNS = {"add": "+", "take away": "-", "times": "*"}


@pytest.fixture
def reader(browser, site, request):
    context = browser.new_context(**getattr(request, "param", {"viewport": {"width": 1100, "height": 900}}))
    context.set_default_timeout(30_000)
    reader = Reader(context.new_page(), site)
    yield reader
    context.close()
    assert reader.errors == []
    assert [url for url in reader.requests if not url.startswith((site, "data:", "blob:"))] == []


@pytest.fixture(scope="module")
def model():
    return ttclab.load("small", device="cpu")


@pytest.fixture(scope="module")
def prm():
    return ttclab.load_verifier("prm", device="cpu")


def play(reader: Reader, moves=(), seed=SEED) -> Reader:
    reader.open(f"arena.html?arena.live={seed}&arena.moves={'.'.join(moves)}")
    return wait(reader)


def wait(reader: Reader) -> Reader:
    reader.page.locator(".ttc[aria-busy=false]").wait_for()
    return reader


def asked(reader: Reader) -> ArithmeticProblem:
    """The problem on the card."""
    question = reader.page.locator(".ttc-asked").inner_text()
    start, clauses = QUESTION.fullmatch(question).groups()
    steps = re.findall(r"(add|take away|times) (\d+)", clauses)
    expression = f"{int(start):03d}" + "".join(f"{SIGNS[verb]}{int(operand):02d}" for verb, operand in steps)
    problem = ArithmeticProblem.from_expression(expression)
    assert problem.question == question
    return problem


def keep_all(reader: Reader) -> list[ArithmeticProblem]:
    """Plays a round without spending anything; the problems that came."""
    play(reader)
    seen = []
    for _ in range(SIZE):
        seen.append(asked(wait(reader)))
        reader.page.get_by_role("slider", name="New samples").press("Home")
        reader.page.get_by_role("button", name="Keep").click()
    wait(reader)
    return seen


def kind_of(problem):
    """The length of a problem, and the names of the sizes that its operands may have."""
    steps = re.findall(r"([-+*])(\d\d)", problem.id)
    fits = [
        name
        for name, (start, terms, factors) in SIZES.items()
        if 1 <= int(problem.id[:3]) <= start and all(int(x) in (factors if s == "*" else terms) for s, x in steps)
    ]
    return len(steps), fits


def shares(model, prm, problem, N, T, draws=LIVE["draws"]):
    """What comes of a move in Python: the first answer, the draws that are right, and FLOPs without a look."""
    results = [
        ttclab.hybrid_search(model, prm, problem, N, T, choose="weighted", seed=1 + draw) for draw in range(draws)
    ]
    costs = [result.cost.total_flops for result in results]
    return results[0].answer, sum(result.correct for result in results), float(np.mean(costs))


def test_the_models_are_loaded_only_once_live_problems_are_chosen(reader):
    reader.open("arena.html")
    reader.page.wait_for_load_state("networkidle")
    assert not [url for url in reader.requests if "safetensors" in url]
    reader.page.get_by_text("Live problems", exact=True).click()
    wait(reader)
    assert sorted(url.split("/")[-1].split("?")[0] for url in reader.requests if "safetensors" in url) == [
        "policy.safetensors",
        "prm.safetensors",
    ]
    assert re.search(r"arena\.live=\d+", reader.page.url)
    assert "problem 1 of 12 is here" in reader.sentence.inner_text()


def test_live_problems_are_drawn_as_the_test_problems_were(reader):
    seen = keep_all(reader)
    assert {split_of(problem.id) for problem in seen} == {"test"}
    kinds = [kind_of(problem) for problem in seen]
    assert all(length in LENGTHS and fits for length, fits in kinds)
    assert len({length for length, _ in kinds}) >= len(LENGTHS) / 2
    said = reader.sentence.inner_text()
    assert f"Live round {SEED} is over" in said and "of 3" in said
    assert [problem.id for problem in keep_all(reader)] == [problem.id for problem in seen]


def test_the_first_attempt_is_that_of_the_python_package(reader, model, prm):
    play(reader)
    for move in MOVES[:3]:
        problem = asked(reader)
        result = ttclab.parallel_search(model, prm, problem, 1, seed=0)
        shown = reader.page.locator(".ttc-first").inner_text().strip()
        answer = result.answer or "no answer"
        assert shown == f"First attempt: {answer}. The verifier's score: {result.scores[0]:.2f}"
        reader.page.get_by_role("slider", name="New samples").press("Home")
        reader.page.get_by_role("button", name="Keep").click()
        wait(reader)
        truth = "right" if result.correct else f"wrong: the answer is {problem.answer}"
        assert f"you kept the first attempt, {answer}, which is {truth}." in reader.sentence.inner_text(), move


@pytest.mark.parametrize("move", ["1x0", "4x0", "8x0", "2x1", "1x3", "2x3", "1x7"])
def test_a_move_is_run_and_charged_as_in_the_python_package(reader, model, prm, move):
    N, T = map(int, move.split("x"))
    problem = asked(play(reader, MOVES[:1]))
    play(reader, [MOVES[0], move])
    answer, wins, flops = shares(model, prm, problem, N, T)
    said = reader.sentence.inner_text()
    bought = f"{N} × {1 + T} attempts" if T else "1 sample" if N == 1 else f"{N} samples"
    assert f"Problem 2: you drew {bought}, and the verifier chose {answer or 'no answer'}, which is " in said
    assert f"In {wins} of {LIVE['draws']} draws this move is right." in said
    spent = [table_of(play(reader, moves))["You"]["FLOPs"] for moves in ([MOVES[0]], [MOVES[0], move])]
    look = ttclab.parallel_search(model, prm, problem, 1, seed=0)
    # The verifier has read the problem at the look, and the text if a draw has it again.
    prompt = len(problem.prompt)
    reads = prm.model.pass_flops(prompt)
    again = np.mean(
        [
            any(solution.text == look.solutions[0].text for solution in drawn.solutions)
            for drawn in (
                ttclab.hybrid_search(model, prm, problem, N, T, choose="weighted", seed=1 + draw)
                for draw in range(LIVE["draws"])
            )
        ]
    )
    text = prm.model.pass_flops(len(look.solutions[0].text) + 1, prompt)
    charged = look.cost.total_flops + flops - reads - again * text
    assert spent[1] - spent[0] == pytest.approx(charged / 1e6, abs=1.01)


def table_of(reader):
    """The numbers of each player."""
    if not reader.page.locator("details[open]").count():
        reader.page.get_by_text("The numbers", exact=True).click()
    rows = [row.split("\t") for row in reader.page.locator("details tbody tr").all_inner_texts()]
    return {
        name: {"score": score, "solved": solved, "generations": int(generations), "FLOPs": float(flops.split()[0])}
        for name, score, solved, generations, flops, _ in rows
    }


def test_uniform_samples_for_every_problem_solve_what_uniform_sampling_does_and_pay_for_the_look(reader):
    found = table_of(play(reader, ["4x0"] * SIZE))
    assert found["You"]["solved"] == found["Uniform"]["solved"]
    assert found["You"]["generations"] == found["Uniform"]["generations"] == 48
    assert found["You"]["FLOPs"] > found["Uniform"]["FLOPs"]
    assert found["Uniform"]["score"] == "0.00" and not found["You"]["score"].startswith("+")


def test_keep_or_8_plays_by_its_rule_and_within_the_budget(reader):
    play(reader)
    left, expected = DATA["budget"], []
    for _ in range(SIZE):
        score = float(wait(reader).page.locator(".ttc-first").inner_text().split()[-1])
        draws = 1 - score > LIVE["keep"]["above"] and left >= LIVE["keep"]["N"]
        left -= LIVE["keep"]["N"] * draws
        expected.append(LIVE["keep"]["N"] * draws)
        reader.page.get_by_role("slider", name="New samples").press("Home")
        reader.page.get_by_role("button", name="Keep").click()
    tiles = wait(reader).page.locator(".ttc-board tr.ttc-keep .ttc-tile").all_inner_texts()
    assert [int(tile.split()[-1]) for tile in tiles] == expected


def test_the_score_is_what_uniform_sampling_solves_for_the_same_flops(reader, model, prm):
    problems, moves = [], MOVES[:3]
    for count in range(len(moves)):
        problems.append(asked(play(reader, moves[:count])))
    found = table_of(play(reader, moves))
    curve = [(0.0, 0.0)]
    for N in LIVE["budgets"]:
        told = [shares(model, prm, problem, N, 0) for problem in problems]
        curve.append((sum(flops for *_, flops in told) / 1e6, sum(wins for _, wins, _ in told) / LIVE["draws"]))
    beyond = float(found["You"]["solved"].split()[0]) - np.interp(found["You"]["FLOPs"], *zip(*curve, strict=True))
    assert float(found["You"]["score"].replace("−", "-")) == pytest.approx(beyond, abs=0.1)
    share = curve[1 + LIVE["budgets"].index(LIVE["share"])]
    assert found["Uniform"]["FLOPs"] == pytest.approx(share[0], abs=0.51)
    assert float(found["Uniform"]["solved"].split()[0]) == pytest.approx(share[1], abs=0.051)


def test_the_address_holds_the_live_round_and_another_reader_sees_the_same_game(reader):
    play(reader, MOVES[:2])
    reader.page.get_by_role("slider", name="New samples").press("ArrowLeft")
    reader.page.get_by_role("button", name="Draw 3 samples").click()
    said, shared = wait(reader).sentence.inner_text(), reader.page.url
    assert "Problem 3: " in said and f"arena.live={SEED}&arena.moves=4x0.0x0.3x0" in shared
    reader.page.goto("about:blank")
    reader.page.goto(shared)
    reader.page.locator(".ttc").wait_for()
    assert wait(reader).sentence.inner_text() == said


@pytest.mark.parametrize("seed", ["x", "-1", "12345678", "1e3"])
def test_an_address_with_a_live_round_that_cannot_be_shows_recorded_problems(reader, seed):
    reader.open(f"arena.html?arena.live={seed}")
    assert reader.page.get_by_role("radio", name="Recorded problems").is_checked()
    assert "Round 1: problem 1" in reader.sentence.inner_text()


def test_a_game_is_given_up_for_the_other_kind_only_after_the_player_says_so(reader):
    play(reader, MOVES[:2])
    said = reader.sentence.inner_text()
    reader.page.get_by_text("Recorded problems", exact=True).click()
    assert "Give up the live round after 2 of 12 problems?" in reader.page.locator(".ttc-ask").inner_text()
    assert reader.page.get_by_role("radio", name="Live problems").is_checked()
    reader.page.get_by_role("button", name="Play on").click()
    assert reader.sentence.inner_text() == said
    reader.page.get_by_role("button", name="New problems").click()
    reader.page.get_by_role("button", name="Give up").click()
    wait(reader)
    assert "problem 1 of 12 is here" in reader.sentence.inner_text() and f"arena.live={SEED}&" not in reader.page.url
    reader.page.get_by_text("Recorded problems", exact=True).click()
    assert "Round 1: problem 1 of 12" in reader.sentence.inner_text()
    assert "arena.live" not in reader.page.url


def test_a_live_round_is_played_with_the_keyboard_alone(reader):
    reader.open("arena.html")
    reader.page.get_by_role("radio", name="Recorded problems").focus()
    reader.page.keyboard.press("ArrowRight")
    wait(reader)
    reader.page.get_by_role("slider", name="New samples").focus()
    reader.page.keyboard.press("Home")
    reader.page.keyboard.press("ArrowRight")
    for key in ("Tab", "Tab"):
        reader.page.keyboard.press(key)
    assert reader.page.evaluate("document.activeElement.innerText") == "Draw 1 sample"
    for count in range(1, SIZE + 1):
        reader.page.keyboard.press("Enter")
        wait(reader)
        assert f"Problem {count}: you drew 1 sample, and the verifier chose" in reader.sentence.inner_text()
        if count < SIZE:
            reader.page.keyboard.press("Shift+Tab")
            reader.page.keyboard.press("Shift+Tab")
            reader.page.keyboard.press("Home")
            reader.page.keyboard.press("ArrowRight")
            reader.page.keyboard.press("Tab")
            reader.page.keyboard.press("Tab")
    assert reader.page.evaluate("document.activeElement.innerText") == "New problems"


def test_results_that_arrive_do_not_move_the_sliders_under_the_players_hand(reader):
    reader.open(f"arena.html?arena.live={SEED}&arena.moves=")
    samples = reader.page.get_by_role("slider", name="New samples")
    samples.press("End")
    reader.page.wait_for_timeout(1500)
    assert samples.get_attribute("aria-valuetext") == "32"


@phone
def test_on_a_phone_a_finger_plays_live_and_nothing_scrolls_sideways(reader):
    play(reader, MOVES[:2])
    reader.page.get_by_role("button", name="Draw").tap()
    assert "Problem 3" in wait(reader).sentence.inner_text()
    assert reader.page.evaluate("document.documentElement.scrollWidth") == 360
    assert overlapping_labels(reader.page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_of_the_live_game_stand_out_and_axe_finds_nothing_wrong(reader, scheme):
    reader.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    table_of(play(reader, MOVES))
    assert faint_words(reader.page) == []
    assert overlapping_labels(reader.page) == []
    assert_accessible(reader.page, "arena")


def test_without_weights_the_live_round_says_so_and_recorded_problems_go_on(reader):
    page = draw(reader, DATA, {"live": SEED})
    page.get_by_text("the models could not be loaded", exact=False).wait_for()
    page.get_by_text("Recorded problems", exact=True).click()
    assert "Round 1: problem 1" in reader.sentence.inner_text()
    assert page.get_by_role("button", name="Draw 4 samples").get_attribute("aria-disabled") == "false"
