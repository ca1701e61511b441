"""Sentences of chapter 5 that name a winner, held to the recorded runs of all seeds."""

import pytest

from ttclab import figures, results
from ttclab.allocator import Allocation, fitted_policy
from ttclab.results import seeds
from ttclab.results.allocation import in_attempts
from ttclab.results.families import each_family, families, of_all
from ttclab.results.sampling import estimate_hits

EASIEST, HARDEST = 0, 4


@pytest.mark.parametrize(
    ("difference", "verdict"),
    [
        ("policy, difficulty known, at most 64, minus weighted best-of-64", "no clear difference"),
        ("step-level revision, at most 31, minus weighted best-of-64", "undecided"),
        ("policy, difficulty known, at most 16, minus beam search, equal FLOPs", "above 0"),
        ("policy, difficulty known, at most 16, minus step-level revision, equal FLOPs", "undecided"),
        ("policy, difficulty predicted, at most 4, minus beam search, equal FLOPs", "below 0"),
        ("policy, difficulty predicted, at most 16, minus beam search, equal FLOPs", "no clear difference"),
        ("policy, difficulty predicted minus known, at most 16", "no clear difference"),
        ("policy, difficulty predicted minus known, at most 64", "no clear difference"),
        ("lesson's rule, at most 16, minus step-level revision, at most 15", "undecided"),
    ],
)
def test_policies_compare_over_all_seeds_as_the_page_says(difference, verdict):
    assert seeds.verdict(difference) == verdict


def test_the_policy_leads_one_chain_clearly_in_no_seed_but_by_a_hair():
    name = "policy, difficulty known, at most 16, minus step-level revision, equal FLOPs"
    assert seeds.headline(name, "shipped").mean > 0.01 and seeds.headline(name, "shipped").sign == 0
    assert all(seeds.headline(name, seed).mean < 0.001 for seed in ("1", "2"))


def test_the_lessons_split_of_the_hardest_fifth_is_the_best_one_in_seed_0_only():
    def best():
        splits = [split for split in results.space("steps") if split.generations <= 16]
        return max(splits, key=lambda split: results.space("steps")[split].fifth(HARDEST).correct.mean())

    found = each_family(best)
    assert [found[seed] == Allocation(2, 7, stepwise=True) for seed in ("shipped", "1", "2")] == [True, False, False]


def costs(arm):
    """FLOPs of an arm on each fifth, for each seed."""
    found = each_family(lambda: [arm().fifth(k).cost for k in range(5)])
    assert len(found) == len(families()) == 3
    return list(found.values())


@pytest.mark.parametrize("budget", [4, 16, 64])
def test_in_every_seed_the_full_policy_spends_most_on_the_hardest_fifth(budget):
    for spent in costs(lambda: results.allocated("whole", "oracle", budget)):
        assert max(spent) == spent[HARDEST]


def test_in_every_seed_a_chain_is_cheaper_than_a_beam_search_on_the_easiest_fifth_and_dearer_on_the_hardest():
    for chain, beam in zip(costs(lambda: results.stepwise(15)), costs(lambda: results.beam(16)), strict=True):
        assert chain[EASIEST] < beam[EASIEST] / 3 and chain[HARDEST] > beam[HARDEST]


def test_in_every_seed_the_lessons_rule_spends_twice_the_flops_of_a_chain_and_all_are_solved_on_the_easiest_fifth():
    for rule, chain in zip(costs(lambda: results.lesson(16)), costs(lambda: results.stepwise(15)), strict=True):
        assert sum(rule) > 2 * sum(chain) and rule[EASIEST] > 4 * chain[EASIEST]
    assert all(each_family(lambda: results.stepwise(15).fifth(EASIEST).correct.all()).values())


def test_in_every_seed_the_full_policy_and_one_chain_take_a_quarter_of_the_flops_of_64_samples():
    for arm in (lambda: results.allocated("whole", "oracle", 64), lambda: results.stepwise(31)):
        shares = each_family(lambda arm=arm: arm().cost / results.weighted(64).cost)
        assert all(share < 0.25 for share in shares.values())


def test_the_table_gives_short_chains_to_easy_problems_mostly_beams_to_hard_ones_and_never_rewrites():
    table = fitted_policy("whole-oracle").table
    rows = [table[budget] for budget in (4, 8, 16, 32, 64)]
    assert all(plan.stepwise and plan.generations == 2 for row in rows for plan in row[:2])
    hard = [plan for row in rows for plan in row[3:]]
    assert sum(bool(plan.M) for plan in hard) > 0.8 * len(hard)
    assert sum(bool(row[3].M) for row in rows) >= 4  # although a chain costs less there
    assert not any(plan.T and not plan.stepwise for row in rows for plan in row)
    assert in_attempts("whole", "oracle", 16, EASIEST) == "one chain of 2 attempts"


def test_a_sample_more_helps_the_fourth_fifth_most_and_the_hardest_gets_fewer_than_before():
    table = figures.draw("next_sample_where_it_gains").numbers
    before, after = table["samples if all get the same"], table["samples if spread"]
    assert after.idxmax() == 3 and after[HARDEST] < before[HARDEST] == 4
    adds = {n: results.coverage(n).correct - results.coverage(n - 1).correct for n in (3, 8)}
    fifths = results.coverage(1).fifths
    assert adds[3][fifths == EASIEST].mean() < 0.01 and adds[8][fifths == 3].mean() > 0.03


def test_counting_four_answers_costs_about_what_one_score_costs_and_tells_more():
    counted, scored = estimate_hits(4, "disagreement"), estimate_hits(1)
    assert counted.minus(scored).low > 0
    assert counted.cost == pytest.approx(scored.cost, rel=0.1)


def test_adapting_beats_samples_and_spreading_needs_more_than_four():
    assert results.gain(results.adaptive(16)).low > 0
    few, many = (results.gain(results.spread("predicted", results.weighted(n).cost)) for n in (4, 16))
    assert few.high < 0 < many.low


def test_spreading_ends_above_adapting_and_at_four_samples_most_of_it_goes_to_predicting_and_one_sample():
    adapt, spread = results.adaptive(64), results.spread("predicted", results.weighted(16).cost)
    assert spread.cost < adapt.cost and spread.minus(adapt).sign >= 0
    assert results.spread("predicted", results.weighted(32).cost).minus(adapt).low > 0
    _, flops = results.difficulty("predicted")
    assert 0.7 < (flops.mean() + results.weighted(1).cost) / results.weighted(4).cost < 0.9


def test_at_equal_flops_one_chain_is_never_clearly_behind_adapting_and_clearly_ahead_at_small_budgets():
    small, other = results.gain(results.adaptive(4), "steps"), results.gain(results.adaptive(8), "steps")
    assert max(small.high, other.high) < 0
    assert "nothing clearly beats it" in figures.draw("adaptive_stopping").finding


def share_rewritten():
    """Share of the problems that the predicting policy sends into 8 chains of 8 rewritten attempts, and their price."""
    spent, rewrites = results.allocated("whole", "predicted", 64), results.space("whole")[Allocation(8, 7)]
    price_of_a_score = spent.flops - rewrites.flops
    return ((price_of_a_score > 0) & (price_of_a_score < 1.2e7)).mean()


def test_only_the_table_of_seed_1_buys_rewrites_and_so_its_predictions_cost_most():
    shares = each_family(share_rewritten)
    assert shares["1"] == pytest.approx(0.2, abs=0.05) and shares["2"] == shares["shipped"] == 0
    ratio = "policy, difficulty predicted, at most 64, FLOPs over difficulty known"
    assert seeds.headline(ratio, "1").mean > 4 > 2 > max(seeds.headline(ratio, seed).mean for seed in ("shipped", "2"))


def test_one_chain_saves_about_as_much_as_the_policy_and_beam_search_reaches_the_highest_point_for_more():
    policy, chain, samples, beams = (
        of_all(arm)
        for arm in (
            lambda: results.allocated("whole", "oracle", 64),
            lambda: results.stepwise(31),
            lambda: results.weighted(64),
            lambda: results.beam(64),
        )
    )
    assert policy.cost == pytest.approx(chain.cost, rel=0.1)
    behind = "step-level revision, at most 31, minus weighted best-of-64"
    assert [seeds.headline(behind, seed).sign for seed in ("shipped", "1", "2")] == [-1, 0, 0]
    assert (
        beams.correct.mean() > max(arm.correct.mean() for arm in (policy, chain, samples)) and beams.cost > policy.cost
    )
    assert beams.minus(policy).sign == 0


def test_with_a_budget_of_64_predicting_costs_most_and_more_than_a_beam_of_32_that_solves_as_much():
    ratios = {}
    for budget in (4, 16, 64):
        predicted, known = (
            of_all(lambda kind=kind, budget=budget: results.allocated("whole", kind, budget))
            for kind in ("predicted", "oracle")
        )
        ratios[budget] = predicted.cost / known.cost
    assert ratios[64] > ratios[4] > ratios[16] > 1
    beams = of_all(lambda: results.beam(32))
    assert beams.cost < predicted.cost and beams.correct.mean() >= predicted.correct.mean()
    assert beams.minus(of_all(lambda: results.allocated("whole", "oracle", 64))).sign == 0


def test_most_of_the_price_of_predicting_for_a_budget_of_4_is_the_sample_and_its_score():
    predicted, known = (results.allocated("whole", kind, 4).cost for kind in ("predicted", "oracle"))
    assert estimate_hits(1).cost > 0.7 * (predicted - known)


def test_in_the_simulator_the_lessons_rule_is_ahead_on_the_hardest_fifth_but_not_clearly():
    gain = results.lesson(16).minus(results.allocated("steps", "oracle", 16), HARDEST)
    assert gain.mean > 0 and gain.sign == 0


def test_two_chains_of_8_are_the_best_split_of_the_hardest_fifth_in_seed_0_only():
    splits = {n: Allocation(n, 16 // n - 1, stepwise=n < 16) for n in (1, 2, 4, 16)}
    solved = each_family(
        lambda: {n: results.space("steps")[plan].fifth(HARDEST).correct.mean() for n, plan in splits.items()}
    )
    assert {seed for seed, row in solved.items() if row[2] == max(row.values())} == {"shipped"}


def test_in_seed_0_two_chains_of_8_lead_no_other_split_of_the_hardest_fifth_clearly():
    steps = results.space("steps")
    others = [steps[Allocation(n, 16 // n - 1, stepwise=n < 16)] for n in (1, 4, 16)]
    assert [steps[Allocation(2, 7, stepwise=True)].minus(other, HARDEST).sign for other in others] == [0, 0, 0]


def test_the_policy_ties_with_a_vote_of_64_in_each_seed_and_with_one_chain_in_seed_0_and_over_all():
    chain = "policy, difficulty known, at most 16, minus step-level revision, equal FLOPs"
    vote = "policy, difficulty known, at most 64, minus weighted best-of-64"
    assert [seeds.headline(vote, seed).sign for seed in ("shipped", "1", "2", "all")] == [0, 0, 0, 0]
    assert [seeds.headline(chain, seed).sign for seed in ("shipped", "all")] == [0, 0]
    assert abs(seeds.headline(chain, "2").mean) < 0.0005 and seeds.headline(chain, "1").mean < 0
    one_chain = "step-level revision, at most 31, minus weighted best-of-64"
    assert seeds.headline(one_chain, "all").sign == 0


def test_adapting_ties_with_one_chain_and_in_each_seed_predicting_ties_or_loses_to_beam_search():
    assert results.gain(results.adaptive(16), "steps").sign == 0
    for budget, sign in ((4, -1), (16, 0)):
        beams = each_family(lambda n=budget: results.gain(results.allocated("whole", "predicted", n), "beam").sign)
        assert set(beams.values()) == {sign}


def test_ways_that_solve_as_much_as_a_large_vote_cost_less_and_one_beam_search_solves_most_of_all():
    vote = of_all(lambda: results.weighted(64))
    chain, beam = of_all(lambda: results.stepwise(31)), of_all(lambda: results.beam(32))
    known, predicted = (
        of_all(lambda kind=kind: results.allocated("whole", kind, 64)) for kind in ("oracle", "predicted")
    )
    assert chain.cost < known.cost < beam.cost < predicted.cost < vote.cost
    assert max(vote, chain, known, predicted, key=lambda arm: arm.correct.mean()).correct.mean() < beam.correct.mean()
    assert figures.draw("price_of_a_large_vote").finding.startswith("Four ways solve about as many problems")


@pytest.mark.parametrize(("budget", "fifth"), [(8, 3), (16, 3), (8, 4), (16, 4)])
def test_beam_searches_solve_more_validation_problems_of_the_hard_fifths_than_a_chain(budget, fifth):
    chain, beam = results.stepwise(budget - 1, split="validation"), results.beam(budget, split="validation")
    assert beam.fifth(fifth).correct.mean() > chain.fifth(fifth).correct.mean()


def test_only_in_seed_1_the_small_model_cost_more_to_train_than_the_fair_opponent():
    dearer = each_family(lambda: results.training_flops("small") > results.training_flops("large", at=1250))
    assert [family for family, more in dearer.items() if more] == ["1"]
