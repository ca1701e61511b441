"""The arena: what is recorded of each option, the rules, the policies, the score, the game's data, the scoreboard."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttclab import bank, explorables, results
from ttclab.cli import main
from ttclab.exercises import EXERCISES, check
from ttclab.exercises.chapters.arena import LEAD, LEVELS, standing
from ttclab.exercises.chapters.standings import _chapters_player, absent, as_text, best_baseline, scoreboard
from ttclab.explorables.arena import PROBLEMS, ROUNDS, SHARE, drawn_rounds
from ttclab.problems import ArithmeticProblem
from ttclab.results import arena
from ttclab.results.arena import FIRST, OPTIONS, Arena, Foul, load_arena
from ttclab.results.game import HARD
from ttclab.sampling import weighted_vote

GAME = explorables.shipped_data("arena")
TEN = [(0, 0), (1, 0), (4, 0), (12, 0), (32, 0), (1, 1), (8, 1), (2, 3), (6, 3), (4, 7)]


def made_up(difficulty, *, right=0.5, flops=1.0):
    """An arena where every option solves a share of each problem, and costs its generations."""
    prices = np.array([arena.price(option) for option in range(len(OPTIONS))], dtype=float)
    shape = len(difficulty), len(OPTIONS)
    each = np.broadcast_to(flops * prices, shape)
    names = tuple(map(str, range(len(difficulty))))
    values = np.asarray(difficulty, dtype=float)
    return Arena(names, values, np.full(len(values), 5.0), np.full(shape, right), each, np.zeros(shape))


# ---- the table


@pytest.fixture(scope="module")
def anew():
    """Made anew from the recorded runs."""
    return arena.recorded("test")


def test_the_table_is_what_the_recorded_runs_give_now(anew):
    shipped = load_arena("test")
    assert shipped.problems == anew.problems
    assert shipped.difficulty == pytest.approx(anew.difficulty, abs=1e-6)
    assert shipped.correct == pytest.approx(anew.correct)
    for name in ("look", "flops", "saved"):
        assert getattr(shipped, name) == pytest.approx(getattr(anew, name), abs=0.5)


def test_keeping_the_first_attempt_costs_nothing_and_is_right_where_it_is(anew):
    chains = bank.load_chains(bank.SMALL, "test")
    assert (anew.flops[:, 0] == 0).all() and (anew.saved[:, 0] == 0).all()
    assert (anew.correct[:, 0] == chains.correct[:, FIRST]).all()
    assert chains.place[0, FIRST] == 0 and chains.lengths[chains.chain_index[0, FIRST]] == 1


def test_the_verifier_is_not_charged_twice_for_what_it_read_at_the_look():
    for split in ("test", "validation"):
        known = load_arena(split)
        assert (known.saved[:, 1:] > 0).all()
        assert (known.saved <= known.look[:, None]).all() and (known.saved <= known.flops).all()


def test_a_split_without_an_arena_is_refused():
    with pytest.raises(ValueError, match="not 'train'"):
        load_arena("train")


# ---- the rules


@pytest.mark.parametrize(
    ("move", "left", "rule"),
    [
        ((5, 0), 99, "N=5 with T=0 is not recorded: N is one of 1, 2, 3, 4, 6, 8, 12, 16, 24, 32"),
        ((4, 2), 99, "T=2 is not recorded: T is one of 0, 1, 3, 7"),
        ((-1, 0), 99, "N=-1 with T=0 is not recorded"),
        ((4, 1), 7, r"N=4 and T=1 are 4 x 2 = 8 generations, and 7 are left"),
    ],
)
def test_a_move_against_the_rules_is_named_with_its_rule(move, left, rule):
    with pytest.raises(Foul, match=rule):
        arena.legal(move, left)


@given(st.lists(st.sampled_from(range(len(OPTIONS))), min_size=1, max_size=20), st.integers(0, 200))
def test_a_player_pays_for_all_it_gets_and_never_more_than_the_budget(wishes, budget):
    told = []

    def player(difficulty, left, problems):
        told.append((left, problems))
        wish = wishes[len(told) - 1]
        return OPTIONS[wish if arena.price(wish) <= left else 0]

    played = arena.play(player, made_up([0.5] * len(wishes)), budget)
    assert played.generations <= budget
    assert told[0] == (budget, len(wishes)) and told[-1][1] == 1
    paid = [arena.price(option) for option in played.chosen]
    assert [left for left, _ in told] == [budget - sum(paid[:i]) for i in range(len(paid))]
    assert played.flops == pytest.approx(np.array(paid) + 5.0)


def test_who_does_not_look_does_not_pay_for_it():
    on = made_up([0.1, 0.9])
    blind = arena.play(lambda *_: (2, 0), on, 4, looks=False)
    assert blind.flops.tolist() == [2, 2]


# ---- the policies


@pytest.mark.parametrize("share", [2, 4, 8])
def test_rivals_keep_the_budget_and_uniform_is_best_of_n_as_recorded(share):
    on = load_arena("test")
    rivals = arena.rivals(on, share)
    assert all(played.generations <= share * len(on) for played in rivals.values())
    assert rivals["uniform"].generations == share * len(on)
    index = OPTIONS.index((share, 0))
    assert (rivals["uniform"].correct == on.correct[:, index]).all()
    assert (rivals["uniform"].flops == on.flops[:, index]).all()


def test_the_lesson_plays_its_own_rule():
    played = arena.rivals(made_up([0.1, 0.5, 0.9]), 16)["lesson"]
    assert [OPTIONS[i] for i in played.chosen] == [(16, 0), (4, 3), (2, 7)]


def test_spread_moves_generations_to_where_the_validation_problems_gained():
    on = load_arena("test")
    played = arena.spread(on, 4 * len(on))
    paid = np.array([arena.price(option) for option in played.chosen])
    assert paid[on.difficulty > 0.7].mean() > 1.5 * paid[on.difficulty < 0.3].mean()


# ---- the score


def test_uniform_sampling_is_no_better_than_itself_at_any_budget_or_mix_of_two():
    on = load_arena("test")
    for N in (1, 4, 32):
        played = arena.play(lambda *_, N=N: (N, 0), on, N * len(on), looks=False)
        assert float(arena.advantage(played, on).mean) == pytest.approx(0, abs=1e-12)
    half = arena.play(lambda _, left, problems: (2 if problems % 2 else 4, 0), on, 3 * len(on), looks=False)
    assert abs(float(arena.advantage(half, on).mean)) < 0.02


def test_more_flops_for_the_same_answers_score_worse():
    on = load_arena("test")
    blind = arena.play(lambda *_: (4, 0), on, 4 * len(on), looks=False)
    looked = arena.play(lambda *_: (4, 0), on, 4 * len(on))
    assert (blind.correct == looked.correct).all()
    assert float(arena.advantage(looked, on).high) < 0


def test_beyond_its_largest_budget_uniform_sampling_stays_where_it_is():
    on = load_arena("test")
    top = on.correct[:, OPTIONS.index((32, 0))]
    assert (arena.uniform_at(on, 1e12) == top).all()
    assert (arena.uniform_at(on, 0) == 0).all()


# ---- the game


@pytest.mark.parametrize("option", TEN)
def test_a_chance_and_a_cost_in_the_game_are_those_of_the_evidence(anew, option):
    index = OPTIONS.index(option)
    for problem in GAME["problems"]:
        i = anew.problems.index(problem["id"])
        assert problem["wins"][index] == pytest.approx(16 * anew.correct[i, index])
        assert problem["flops"][index] == pytest.approx((anew.flops - anew.saved)[i, index] / 1000, abs=0.51)
        assert problem["look"] == pytest.approx(anew.look[i] / 1000, abs=0.51)


@pytest.mark.parametrize("option", TEN)
def test_what_comes_of_a_move_is_the_choice_of_the_verifier_among_recorded_attempts(option):
    chains, scores = (
        bank.load_chains(bank.SMALL, "test"),
        results.last_scores(arena.VERIFIER, f"{bank.SMALL}-test-chains"),
    )
    ids = [problem.id for problem in chains.problems]
    N, T = option
    long = [k for k, length in enumerate(chains.lengths) if length > T][:N]
    taken = np.flatnonzero(np.isin(chains.chain_index[0], long) & (chains.place[0] <= T)) if N else [FIRST]
    for problem in GAME["problems"][::10]:
        i = ids.index(problem["id"])
        written = chains.solutions(i)
        vote = weighted_vote([written[j] for j in taken], [float(scores[i, j]) for j in taken])
        assert problem["came"][OPTIONS.index(option)] == (vote or "no answer")


def test_a_round_is_always_drawn_alike_and_first_attempts_are_right_as_often_as_one_sample():
    known = load_arena("test")
    rounds = drawn_rounds(known)
    assert rounds == drawn_rounds(known) and len(rounds) == ROUNDS == len(GAME["rounds"])
    one = known.correct[:, OPTIONS.index((1, 0))]
    for row in rounds:
        assert len(set(row)) == PROBLEMS and abs(known.correct[row, 0].sum() - one[row].sum()) <= arena.LUCK
        assert abs(arena.beyond_uniform(arena.spent(known.of(row), [0] * PROBLEMS), known.of(row)).sum()) < 0.26
        assert np.sort(one)[99] <= one[row].min() and one[row].max() <= np.sort(one)[400]
    shown = [[GAME["problems"][i]["id"] for i in each["problems"]] for each in GAME["rounds"]]
    assert shown == [[known.problems[i] for i in row] for row in rounds]


def test_a_needless_look_costs_most_in_the_first_rounds_which_soon_show_an_attempt_worth_keeping():
    on, four = load_arena("test"), [OPTIONS.index((SHARE, 0))] * PROBLEMS
    rounds = [on.of(row) for row in drawn_rounds(on)]
    scores = [float(arena.beyond_uniform(arena.spent(each, four), each).sum()) for each in rounds]
    soon = [bool((each.difficulty[:3] <= HARD).any()) for each in rounds]
    assert soon == sorted(soon, reverse=True) and sum(soon) > ROUNDS / 2
    for part in (scores[: sum(soon)], scores[sum(soon) :]):
        assert part == sorted(part)
    assert max(scores[:4]) < -0.1
    first = [GAME["problems"][i]["score"] for i in GAME["rounds"][0]["problems"][:3]]
    assert "1.00" in first and "0.00" in first, "the first round shows both kinds at once"


def test_no_rule_of_thumb_has_the_best_score_in_most_rounds():
    """So that a round is a decision: never to spend, to spend alike, or one number of samples for what looks wrong."""

    def thumb(N, T):
        return lambda difficulty, left, _: (N, T) if difficulty > 0.7 and left >= N * (1 + T) else (0, 0)

    ways = [(0, 0), (1, 0), (2, 0), (4, 0), (8, 0), (16, 0), (4, 1), (2, 3)]
    best = []
    for row in drawn_rounds(load_arena("test")):
        on = load_arena("test").of(row)
        played = [arena.play(thumb(*way), on, SHARE * PROBLEMS) for way in ways] + list(
            arena.rivals(on, SHARE).values()
        )
        best.append(int(np.argmax([arena.beyond_uniform(each, on).sum() for each in played])))
    assert len(set(best)) >= 4 and max(best.count(way) for way in best) <= ROUNDS / 2


def test_to_keep_what_looks_right_pays_in_most_rounds_and_revisions_do_not():
    """As the page says."""

    def won(N, T=0):
        player = lambda difficulty, left, _: (N, T) if difficulty > 0.7 and left >= N * (1 + T) else (0, 0)  # noqa: E731
        rounds = [load_arena("test").of(row) for row in drawn_rounds(load_arena("test"))]
        return sum(arena.beyond_uniform(arena.play(player, on, SHARE * PROBLEMS), on).sum() > 0 for on in rounds)

    assert min(won(1), won(2), won(4)) > 0.7 * ROUNDS
    assert max(won(1, 1), won(4, 1), won(1, 3), won(2, 3)) < 0.3 * ROUNDS


def test_rivals_of_the_game_are_the_policies_on_the_same_problems_with_the_same_budget():
    on = load_arena("test")
    for row, shown in zip(drawn_rounds(on), GAME["rounds"], strict=True):
        for rival, played in zip(shown["rivals"], arena.rivals(on.of(row), SHARE).values(), strict=True):
            assert rival["moves"] == played.chosen.tolist()
            assert rival["solved"] == (16 * played.correct.cumsum()).round().tolist()
            assert np.cumsum(rival["wins"]).tolist() == rival["solved"]
            assert rival["generations"][-1] == played.generations <= GAME["budget"] == SHARE * PROBLEMS
            assert rival["flops"] == pytest.approx(played.flops.cumsum() / 1000, abs=0.51)


def test_a_rival_scores_what_it_solves_beyond_uniform_sampling_for_its_flops():
    on = load_arena("test")
    for row, shown in zip(drawn_rounds(on), GAME["rounds"], strict=True):
        for rival, played in zip(shown["rivals"], arena.rivals(on.of(row), SHARE).values(), strict=True):
            for until in (1, 7, PROBLEMS):
                first = on.of(row[:until])
                same = arena.uniform_at(first, float(played.flops[:until].mean()))
                assert rival["score"][until - 1] == pytest.approx((played.correct[:until] - same).sum(), abs=0.00501)


def test_the_curve_of_uniform_sampling_has_the_cost_and_the_wins_of_its_budgets():
    on = load_arena("test")
    for row, shown in zip(drawn_rounds(on), GAME["rounds"], strict=True):
        for until, curve in enumerate(shown["uniform"], start=1):
            first = on.of(row[:until])
            assert curve[0] == [0, 0] and [flops for flops, _ in curve] == sorted(flops for flops, _ in curve)
            dearest = 0
            for (flops, wins), N in zip(curve[1:], (1, 2, 3, 4, 6, 8, 12, 16, 24, 32), strict=True):
                option = OPTIONS.index((N, 0))
                dearest = max(dearest, first.flops[:, option].sum() / 1000)
                assert flops == pytest.approx(dearest, abs=0.51)
                assert wins == pytest.approx(16 * first.correct[:, option].sum(), abs=0.51)


def test_questions_and_answers_of_the_game_are_the_problems_own():
    for problem in GAME["problems"]:
        own = ArithmeticProblem.from_expression(problem["id"])
        assert (problem["question"], problem["answer"]) == (own.question, own.answer)
        assert all(came == own.answer for came, wins in zip(problem["came"][:1], problem["wins"]) if wins)


# ---- the scoreboard


def test_one_bad_submission_never_stops_the_others_and_the_courses_policies_are_ranked_too():
    good = standing("good", lambda move: {"value": [4, 0] if move[0] > 0.7 and move[1] >= 4 else [0, 0]}, 3)
    rows = scoreboard(
        [
            standing("greedy", lambda _: {"value": [32, 0]}, 3),
            absent("gone", "ended its own process"),
            standing("stub", lambda _: {"value": None}, 3),
            good,
        ],
        3,
    )
    assert rows[0] is good and good.points == 40
    assert [row.name for row in rows[-3:]] == ["greedy", "gone", "stub"]
    assert {row.name for row in rows} >= {"(uniform)", "(lesson)", "(fitted)", "(spread)"}
    assert {row.name for row in rows} >= {"(never spend)", "(the chapter's player)"}
    words = as_text(rows)
    assert "32 x 1 = 32 generations, and 16 are left" in words and "ended its own process" in words
    assert "not attempted" in words and words.splitlines()[1].startswith(" 1  good")


def test_a_policy_earns_ten_points_a_level():
    assert EXERCISES["7.3"].points == 10 * len(LEVELS)
    rows = [
        standing("six", lambda move: {"value": [6, 0] if move[0] > 0.7 and move[1] >= 6 else [0, 0]}, seed)
        for seed in range(1, 25)
    ]
    for seed, row in enumerate(rows, start=1):
        bars = [max(bar, best_baseline(seed) + LEAD) for bar in LEVELS.values()]
        assert row.points == 10 * sum(row.above > bar for bar in bars)
    assert {row.points for row in rows} > {0} and max(row.points for row in rows) < 40


@pytest.mark.parametrize("seed", range(0, 60, 4))
def test_the_bar_is_above_never_spending_and_the_chapters_player_whatever_the_seed_draws(seed):
    policies = {
        "never": lambda move: {"value": [0, 0]},
        "player": lambda move: {"value": [8, 0] if move[0] > 0.7 and move[1] >= 8 else [0, 0]},
        "lesson": lambda move: {"value": [0, 0] if move[1] < 2 else [1, 1] if 0.3 <= move[0] < 0.7 else [2, 0]},
        "one": lambda move: {"value": [min(1, move[1]), 0]},
    }
    rows = [standing(name, policy, seed) for name, policy in policies.items()]
    assert [row.points for row in rows] == [0] * 4 and max(row.above for row in rows) < 0.01
    assert all(row.above <= best_baseline(seed) for row in rows[:2])
    assert "above uniform sampling for the same FLOPs" in rows[0].reason


def test_the_chapters_page_prints_the_player_that_is_on_the_scoreboard():
    page = (Path(__file__).parents[1] / "book/07-arena.md").read_text(encoding="utf-8")
    (source,) = re.findall(r"```python\n(def player.*?)```", page, flags=re.S)
    names = {}
    exec(source, names)
    for move in ((d, left, 9) for d in (0.0, 0.69, 0.7, 0.71, 1.0) for left in (0, 7, 8, 800)):
        assert list(names["player"](*move)) == _chapters_player(*move)


def test_a_check_shows_the_score_and_where_it_stands(capsys):
    check("7.3", EXERCISES["7.3"].reference)
    said = capsys.readouterr().out
    assert "40 of 40 points" in said and re.search(
        r"Your policy solves .*% for .* M FLOPs .*, \+\d\.\d\d points above", said
    )
    assert re.search(r" 1  your policy .*\n.* 2  \(spread\)", said) and "(never spend)" in said
    assert "above uniform sampling" in EXERCISES["7.3"].assess(lambda _: {"value": [0, 0]}, 1).reason


def notebook(file, source):
    cell = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": source}
    file.write_text(json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))


def test_the_command_ranks_a_folder_and_writes_the_table(tmp_path, capsys):
    notebook(
        tmp_path / "ada.ipynb", "def arena_policy(d, left, n):\n    return [4, 0] if d > 0.7 and left >= 4 else [0, 0]"
    )
    notebook(tmp_path / "bob.ipynb", "import os\nos._exit(0)")
    (tmp_path / "=cyd.ipynb").write_text("no notebook")
    table = tmp_path / "board.csv"
    assert main(["scoreboard", str(tmp_path), "--csv", str(table), "--seed", "9"]) == 0
    shown = capsys.readouterr().out
    assert "ada" in shown.splitlines()[1] and "not JSON" in shown and "(spread)" in shown
    with table.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 9 and rows[0]["points"] == "40" and rows[0]["name"].endswith("ada.ipynb")
    assert main(["scoreboard", str(tmp_path / "nobody")]) == 2
