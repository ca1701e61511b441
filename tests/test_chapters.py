"""The chapters: their rhythm, and the answers of their self-checks, held to the recorded runs and to the code."""

import re
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from ttclab import bank, estimators, results
from ttclab.flops import exchange_rate
from ttclab.problems import answers_equal, load_problems
from ttclab.results import seeds
from ttclab.results.exchange import bill, greedy, matched_samples, spendable
from ttclab.results.families import each_family
from ttclab.results.sampling import one_rate
from ttclab.results.training import block_parameters
from ttclab.sampling import majority_vote
from ttclab.verifiers import load_verifier

BOOK = Path(__file__).parent.parent / "book"
NUMBER = re.compile(r"\d+(?:\.\d+)?")
PAGES = sorted(BOOK.glob("[0-9]*.md"))
RHYTHM = ["First, ", "What surprised us", "Self-check", "Run it", "Recap", "References"]  # beginnings of headings
HARDEST, EASIEST = 4, 0
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


@every_page
def test_a_chapter_asks_has_the_reader_guess_and_is_surprised_before_it_is_done(page):
    text = page.read_text(encoding="utf-8")
    opening, _, _ = text.partition("\n## ")
    assert ":::{admonition} The question\n:class: tip\n" in opening
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert [begins for heading in headings for begins in RHYTHM if heading.startswith(begins)] == RHYTHM


@every_page
def test_the_idea_takes_at_most_15_lines_of_code(page):
    blocks = re.findall(r"^```python\n(.+?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert [block for block in blocks if block.count("\n") > 15] == []


MOST_WORDS, MOST_NUMBERS, FEWEST_FIGURES = 1800, 60, 5


def told(text: str) -> tuple[int, int, int]:
    """Words, measured numbers and figures of a page before its self-check. Only the words of sentences count."""
    text = text.partition("\n## Self-check\n")[0]
    figures = len(re.findall(r"^```\{drawn\}", text, re.MULTILINE))
    prose = re.sub(r"^(`{3,}).*?^\1$", "", text, flags=re.MULTILINE | re.DOTALL)
    prose, numbers = re.subn(r"\{measured\}`[^`]+`", "0", prose)
    return len(prose.split()), numbers, figures


@every_page
def test_a_chapter_is_told_by_figures_in_few_words_and_numbers(page):
    words, numbers, figures = told(page.read_text(encoding="utf-8"))
    assert words <= MOST_WORDS and numbers <= MOST_NUMBERS and figures >= FEWEST_FIGURES


def test_the_counter_counts_sentences_and_not_code_or_what_comes_after():
    page = "Two {measured}`vote(16).solved:.0%` words.\n\n```python\nx = 1\n```\n\n```{drawn} curve\nA note.\n```\n"
    assert told(page + "\n## Self-check\nMore words and {measured}`vote(4)`.\n") == (3, 1, 1)


def self_checks(page: Path) -> dict[str, str]:
    """The questions of a page's self-check, with their answers."""
    _, _, section = page.read_text(encoding="utf-8").partition("\n## Self-check\n")
    section = section.partition("\n## ")[0]
    return dict(re.findall(r"^:::+\{dropdown\} (.+?)\n(.+?)\n:::", section, re.MULTILINE | re.DOTALL))


def typed_numbers(question: str, answer: str) -> set[str]:
    """Numbers in an answer that are neither measured nor said before: in the question, in a measured number's name."""
    measured = re.findall(r"\{measured\}`(.+?)`", answer)
    prose = re.sub(r"\{measured\}`.+?`|\$.+?\$|`.+?`|pass@1|95% interval|\]\(.+?\)", "", answer)
    return set(NUMBER.findall(prose)) - set(NUMBER.findall(" ".join([question, *measured])))


@every_page
def test_every_chapter_asks_and_no_answer_has_a_number_that_was_typed(page):
    checks = self_checks(page)
    assert len(checks) >= 2
    typed = {question: typed_numbers(question, answer) for question, answer in checks.items()}
    assert {question: numbers for question, numbers in typed.items() if numbers} == {}


@pytest.mark.parametrize(
    ("question", "answer", "typed"),
    [
        ("Why?", "It is {measured}`vote(16).solved:.0%` of them.", set()),
        ("Why?", "It is 60% of them.", {"60"}),
        ("What do 16 samples cost?", "Less than 16 times one.", set()),
        ("Why?", "A chain of 8 has {measured}`held_by_chain(8):.0%`, ours 85.5%.", {"85.5"}),
    ],
)
def test_the_guard_sees_what_was_typed(question, answer, typed):
    assert typed_numbers(question, answer) == typed


@every_page
def test_a_chapter_tells_a_practitioner_what_to_do_what_it_costs_and_when_not_to(page):
    _, _, lines = page.read_text(encoding="utf-8").partition("\n## Three lines for a practitioner\n")
    lines = lines.partition("\n## ")[0]
    assert re.findall(r"^- \*\*(.+?)\*\*", lines, re.MULTILINE) == ["On Monday", "The cost", "When not to"]


@every_page
def test_a_chapter_has_one_word_for_a_verifier(page):
    text = re.sub(r"^```\{explorable\}.*$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert re.findall(r"\bjudges?\b", re.sub(r"\[.+?\]\(.+?\)", "", text), re.IGNORECASE) == []


@cache
def small():
    return bank.load("small", "test")


@cache
def fifth():
    return estimators.fifths(small().correct.mean(axis=1))


def covered(k, of):
    right = small().correct[fifth() == of]
    return estimators.pass_at_k(right.shape[1], right.sum(axis=1), k).mean()


# ---- The question


def test_three_equal_right_answers_among_17_are_elected_and_found():
    problem = load_problems("test", limit=1)[0]
    right = problem.solution_text
    texts = [right] * 3 + [f"{right[:-4]}{(int(right[-4:]) + i) % 1000:03d}\n" for i in range(1, 15)]
    solutions = small().solutions(0)[:17]
    solutions = [type(solutions[0])(problem, text) for text in texts]
    assert len({solution.answer for solution in solutions[3:]}) == 14
    assert answers_equal(majority_vote(solutions), problem.answer)
    scores = load_verifier("oracle").score(solutions)
    assert solutions[int(np.argmax(scores))].correct


def samples_for_a_pass(choose, at=None):
    """The small model's samples for the FLOPs of one pass of the large model, and that pass."""
    large = results.one_pass("test", at=at)
    arms = results.sampling_arms(choose=choose, budgets=tuple(range(1, 33)))
    return [*arms.within(large.cost).values()][-1], large


def test_at_equal_flops_a_vote_loses_to_the_large_model_and_a_perfect_verifier_beats_it():
    vote, large = samples_for_a_pass("majority")
    covered, _ = samples_for_a_pass("oracle")
    assert vote.minus(large).high < -0.1 and covered.minus(large).low > 0
    assert vote.minus(large, HARDEST).high < 0 < covered.minus(large, HARDEST).low


def test_at_equal_flops_the_easiest_fifths_are_solved_and_the_vote_falls_behind_on_the_fourth():
    vote, large = samples_for_a_pass("majority")
    covered, _ = samples_for_a_pass("oracle")
    assert min(arm.fifth(k).solved.mean for arm in (vote, covered, large) for k in (0, 1)) > 0.98
    assert vote.minus(large, 3).high < -0.4
    assert results.coverage(1).fifth(3).solved.high < 0.3 and covered.fifth(3).solved.low > 0.8


def test_the_large_model_reaches_the_coverage_of_its_flops_late_in_its_training():
    gaps = []
    for at in (750, 1500, 2000, 2500):
        covered, large = samples_for_a_pass("oracle", at)
        gaps.append(covered.minus(large))
    assert gaps[0].low > 0.1 and gaps[1].low > 0 and abs(gaps[2].mean) < 0.03 and gaps[3].high < 0


def test_a_vote_is_about_as_far_above_one_sample_as_a_greedy_pass_is():
    vote, _ = samples_for_a_pass("majority")
    greedy = results.one_pass("test", model="small")
    one = results.coverage(1)
    assert greedy.minus(one).low > 0.05 and vote.minus(one).low > 0.05
    assert abs(vote.minus(greedy).mean) < 0.03


def test_the_prm_s_reading_costs_more_than_the_writing_of_the_small_model():
    for samples in (1, matched_samples()):
        parts = bill("small", samples, "prm")
        assert parts["verifier"] > parts["writing"]
    assert block_parameters("prm") > block_parameters("small")


def signs(name):
    """Signs of a headline difference in the three trainings, that of the course first."""
    return [seeds.headline(name, family).sign for family in ("shipped", "1", "2")]


@pytest.mark.parametrize(
    ("difference", "verdict"),
    [
        ("one sample of small minus its greedy pass", "below 0"),
        ("a vote of 17, minus large", "below 0"),
        ("a vote of 17, minus large, hardest fifth", "below 0"),
        ("a vote of 17, minus large at step 750", "above 0"),
        ("a right one among 17, minus large", "above 0"),
        ("a right one among 17, minus large, hardest fifth", "above 0"),
        ("a vote of 2 minus one sample", "no clear difference"),
        ("a vote of 256 minus a vote of 64", "no clear difference"),
        ("a vote of 256 minus small's greedy pass", "no clear difference"),
        ("a right one among 256 minus among 16", "above 0"),
    ],
)
def test_in_all_three_seeds_samples_and_votes_compare_as_the_pages_say(difference, verdict):
    assert seeds.verdict(difference) == verdict


def test_in_no_seed_a_vote_beats_greedy_or_the_oracle_the_large_model_at_its_end():
    assert max(signs("a vote of 17, minus small's greedy pass")) <= 0
    assert signs("a right one among 17, minus large at step 2500") == [-1, 0, 0]
    assert signs("a vote of 256 minus one sample, hardest fifth") == [0, -1, -1]


def test_the_price_of_reading_costs_the_small_model_a_tie_or_a_win_in_every_seed():
    assert signs("PRM, weighted best-of-17, minus large") == [0, 1, 1]
    assert signs("PRM, weighted best-of-7, minus large") == [-1, 0, 0]


def test_one_large_pass_pays_for_about_17_samples_or_7_with_their_scores_in_every_seed():
    large = [*each_family(lambda: greedy("large").cost).values()]
    for arm, low, high in ((lambda: results.vote(17), 0.9, 1.05), (lambda: results.weighted(7), 0.9, 1.05)):
        costs = [*each_family(lambda: arm().cost).values()]  # noqa: B023
        assert all(low < cost / price < high for cost, price in zip(costs, large, strict=True))


def test_a_vote_ties_on_the_three_easiest_fifths_and_loses_on_the_two_hardest_where_right_answers_are_outvoted():
    votes, large, many = results.vote(matched_samples()), greedy("large"), results.coverage(matched_samples())
    assert [votes.minus(large, fifth).sign for fifth in range(5)] == [0, 0, 0, -1, -1]
    assert many.fifth(3, 4).correct.mean() > 0.6 and votes.fifth(3, 4).correct.mean() < 0.2
    assert many.minus(large, 4).sign == 1  # with the oracle, the lesson is right on the hardest fifth


def test_17_samples_cost_far_more_than_a_greedy_pass_and_the_prm_spends_more_on_reading_than_small_on_writing():
    assert results.vote(17).cost > 10 * greedy("small").cost
    assert bill("small", 7, "prm")["verifier"] > bill("small", 7)["writing"]


def test_the_formula_of_the_paper_allows_the_small_model_more_than_our_count():
    for R in (0.16, 0.79):
        assert spendable(R) < 0.9 * exchange_rate(14, R, "arxiv")


# ---- Two ways to spend it


def test_one_pass_rate_for_all_problems_promises_far_too_much():
    measured = results.coverage(4).solved
    assert one_rate(4) > measured.high + 0.1


def test_four_samples_do_as_well_as_16_on_the_easiest_fifth_and_not_on_the_hardest():
    assert covered(4, EASIEST) > 0.995
    assert covered(16, HARDEST) - covered(4, HARDEST) > 0.15


def test_a_vote_stops_where_a_greedy_pass_is_and_coverage_goes_on():
    greedy = results.one_pass("test", model="small")
    assert results.vote(256).minus(results.vote(64)).high < 0.03
    assert abs(results.vote(64).minus(greedy).mean) < 0.03
    assert results.coverage(256).minus(results.coverage(64)).low > 0.02


def test_on_the_hardest_fifth_a_vote_of_256_misses_nearly_all_and_coverage_nearly_none():
    assert results.vote(256).fifth(HARDEST).solved.mean < 0.05 and covered(256, HARDEST) > 0.9


def test_a_vote_of_two_is_like_one_sample():
    assert abs(results.vote(2).minus(results.vote(1)).mean) < 0.015
    assert results.vote(4).minus(results.vote(1)).low > 0.02


def test_more_samples_make_a_vote_worse_where_a_wrong_answer_is_the_likeliest():
    half = small().correct.shape[1] // 2  # one half of the samples finds the likeliest answer, the other half votes
    misled = []
    for answers, right in zip(small().answers[:, half:], small().correct[:, half:], strict=True):
        wrong = Counter(answer for answer in answers[~right] if answer is not None)
        misled.append(max(wrong.values(), default=0) - right.sum() > 0.1 * half)
    votes = estimators.majority(small().answers[misled, :half], small().correct[misled, :half], np.array([1, half]))
    assert sum(misled) > 20
    assert estimators.bootstrap(votes[:, 1] - votes[:, 0]).high < 0


# ---- Verifiers and search


def test_two_verifiers_of_the_same_auc_over_all_solutions_choose_differently():
    large, usual = (results.last_scores(name, "small-test") for name in ("prm-large", "prm"))
    assert estimators.auc(large, small().correct) == pytest.approx(estimators.auc(usual, small().correct), abs=0.001)
    by_large, by_usual = (
        estimators.weighted_best_of_n(small().answers, scores, small().correct, 64) for scores in (large, usual)
    )
    assert estimators.bootstrap(by_large - by_usual).low > 0.01


def test_a_verifier_that_scores_all_alike_gives_a_random_sample_or_a_vote():
    same = np.full(small().correct.shape, 0.5)
    best = estimators.best_of_n(same, small().correct, 16)
    assert best == pytest.approx(small().correct.mean(axis=1))
    weighted = estimators.weighted_best_of_n(small().answers, same, small().correct, 16)
    assert np.array_equal(weighted, estimators.majority(small().answers, small().correct, 16))


# ---- Sequential revision


def test_an_oracle_that_stops_a_chain_of_8_solves_more_than_the_verifier_that_chooses_from_it():
    chains = bank.load_chains(bank.SMALL, "test")
    held = np.mean([chains.correct[:, chain].any(axis=1) for chain in chains.first(None, 7)], axis=0)
    scored = results.hybrid_arms().at(1, 7).correct
    assert estimators.bootstrap(held - scored).low > 0


def test_a_chain_of_16_is_much_dearer_than_16_samples_of_the_same_model():
    arms = results.hybrid_arms()
    assert arms.at(1, 15).flops.mean() > 3 * arms.at(16).flops.mean()
