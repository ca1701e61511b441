import json
import re
from pathlib import Path

import pytest

from ttclab.estimators import Estimate
from ttclab.results import claims, seeds
from ttclab.results.claims import TESTS, load_claims
from ttclab.results.families import each_family, families, of_all
from ttclab.results.revision import right_then_wrong, spoilt

CLAIMS = load_claims()


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_a_claim_has_the_verdict_that_its_test_returns_on_the_recorded_runs(claim):
    found = claim.check()
    assert found.verdict == claim.verdict, found.measured
    assert found.measured and all(len(each.seeds) == 3 and each.together for each in found.measured.values())
    assert next(iter(found.measured.values())).shown, "the number on which a verdict rests stands beside it"


@pytest.mark.parametrize(
    ("signs", "verdict"),
    [((1, 1), claims.HOLDS), ((1, 0), claims.NOT_SEEN), ((0, 0), claims.NOT_SEEN), ((1, -1), claims.REVERSED)],
)
def test_a_claim_of_several_parts_is_as_good_as_its_worst_part(signs, verdict):
    assert claims._verdict(*signs) == verdict


def test_the_verdict_of_each_seed_is_named_where_they_differ():
    mixed = claims.Assessed(claims.UNDECIDED, "", {}, {"shipped": claims.HOLDS, "1": claims.NOT_SEEN})
    assert mixed.by_seed == [claims.HOLDS, claims.NOT_SEEN]
    assert claims.Assessed(claims.HOLDS, "", {}, {"shipped": claims.HOLDS, "1": claims.HOLDS}).by_seed == []


def test_the_first_rewrite_is_one_number_on_every_page():
    found = claims.pass_rate_rises_along_the_chain
    rewrites = [*each_family(found).values(), of_all(found)]
    for family, rewrite in zip((*families(), seeds.ALL), rewrites, strict=True):
        assert rewrite.parts["second attempt minus first"] == seeds.headline(
            "first revision minus first attempt", family
        )


# Signs of the differences of a claim in seeds 0, 1, 2 and all together. The reasons in `claims.json` rest on them.
SIGNS = {
    "large_for_easy_small_for_hard": ["00+0", "0000"],
    "test_time_compute_for_all_but_the_hardest": ["0+++", "0000", "----"],
    "sampling_for_easy_revision_for_hard": ["0000", "0000", "----", "-0--"],
    "matches_14x_for_fewer_flops": ["-++0"],
    "log_law": ["++++", "0000"],
    "both_win_at_every_budget": ["0000", "0000", "0000"],
    "revision_rises_faster": ["++++", "++++", "+00+", "----"],
    "oracle_prm_majority": ["++++", "++++", "++++", "0000"],
    "lesson_policy_helps": ["0000", "0000", "0000"],
    "beam_beats_best_of_n_at_small_budgets": ["0+++"],
    "beam_falls_below_at_large_budgets": ["00++", "++00"],
    "beam_degrades_on_easy": ["0000"],
    "beam_wins_on_medium": ["00+0"],
    "nothing_helps_on_the_hardest": ["++++"],
    "lookahead_is_worst": ["-00-"],
    "sequential_beats_parallel": ["----", "00+0"],
    "pass_rate_rises_along_the_chain": ["----", "----"],
    "compute_optimal_saves": ["++++", "++++", "0000", "00+0"],
    "reinforcement_narrows": ["++++", "----"],
}


@pytest.mark.parametrize("test", SIGNS)
def test_the_differences_have_the_signs_that_the_reason_of_a_claim_tells(test):
    *seeds, together = (*each_family(TESTS[test]).values(), of_all(TESTS[test]))
    found = [
        "".join("0+-"[result.parts[part].sign] for result in (*seeds, together))
        for part, value in together.parts.items()
        if isinstance(value, Estimate)
    ]
    assert found == SIGNS[test]


def test_estimated_difficulty_and_spoilt_answers_are_as_the_reasons_of_their_claims_tell():
    for found in each_family(claims.cheap_estimates_of_difficulty_are_poor).values():
        one, _, many = found.parts.values()
        assert one < 0.7 < 0.95 < many
    shares = [found.parts["a rewrite"] for found in each_family(claims.right_turned_wrong).values()]
    fresh = [found.parts["a fresh sample instead"] for found in each_family(claims.right_turned_wrong).values()]
    assert min(shares) > 0.2 < min(fresh) and max(shares) - min(shares) > 0.1
    rewritten = lambda: right_then_wrong().minus(spoilt(fresh=True))  # noqa: E731
    assert [each.sign for each in (*each_family(rewritten).values(), of_all(rewritten))] == [1, 0, -1, 0]
    assert all(found.parts["times its FLOPs"] > 1.5 for found in each_family(claims.lookahead_is_worst).values())
    assert all(
        found.parts["hardest fifth"].low > 0.1 for found in each_family(claims.nothing_helps_on_the_hardest).values()
    )


BETTER, LEVEL, WORSE = Estimate(0.03, 0.01, 0.05), Estimate(0, -0.02, 0.02), Estimate(-0.03, -0.05, -0.01)


@pytest.mark.parametrize(
    ("gains", "verdict"),
    [
        ((LEVEL, BETTER, LEVEL), claims.HOLDS),
        ((LEVEL, WORSE, LEVEL), claims.REVERSED),
        ((WORSE, LEVEL, BETTER), claims.NOT_SEEN),
        ((LEVEL, LEVEL, LEVEL), claims.NOT_SEEN),
    ],
)
def test_a_rule_that_is_better_at_one_budget_and_worse_at_another_is_not_reversed(gains, verdict, monkeypatch):
    monkeypatch.setattr(claims, "lesson_gain", dict(zip((4, 16, 64), gains)).get)
    assert claims.lesson_policy_helps().verdict == verdict


def test_every_claim_has_a_name_of_its_own_and_every_test_a_claim():
    assert len({claim.id for claim in CLAIMS}) == len(CLAIMS)
    assert {claim.test for claim in CLAIMS} == set(TESTS)
    assert {claim.source for claim in CLAIMS} == {"lesson", "paper", "later"}
    assert {claim.verdict for claim in CLAIMS} <= {claims.HOLDS, claims.REVERSED, claims.NOT_SEEN, claims.UNDECIDED}


def test_the_file_of_claims_holds_no_numbers_of_ours_that_could_drift():
    fields = {field for each in json.loads(claims.FILE.read_text(encoding="utf-8")) for field in each}
    assert fields == {"id", "source", "short", "says", "test", "verdict", "why"}


def test_the_examples_of_verdicts_on_the_page_have_these_verdicts():
    page = (Path(__file__).parent.parent / "book/claims.md").read_text(encoding="utf-8")
    for verdict in (claims.HOLDS, claims.REVERSED, claims.NOT_SEEN, claims.UNDECIDED):
        number = int(re.findall(rf"^- \*\*{verdict.capitalize()}\*\*:.+?\(#claim-(\d+)\)", page, re.M | re.S)[0])
        assert CLAIMS[number - 1].verdict == verdict
    three = re.findall(r"^\d\. .+?\(#claim-(\d+)\)", page, re.MULTILINE | re.DOTALL)
    assert [int(number) for number in three] == [
        place for place, claim in enumerate(CLAIMS, start=1) if claim.verdict == claims.REVERSED
    ]
    assert all(claim.source == "paper" for claim in CLAIMS if claim.verdict == claims.REVERSED)


def test_the_claims_whose_choices_the_page_tells_have_these_numbers():
    told = {
        1: "large_for_easy_small_for_hard",
        2: "sampling_for_easy_revision_for_hard",
        14: "nothing_helps_on_the_hardest",
    }
    told |= {
        3: "matches_14x_for_fewer_flops",
        6: "both_win_at_every_budget",
        9: "cheap_estimates_of_difficulty_are_poor",
    }
    told |= {18: "right_turned_wrong", 19: "compute_optimal_saves", 20: "test_time_compute_for_all_but_the_hardest"}
    assert {number: CLAIMS[number - 1].test for number in told} == told
    assert CLAIMS[2].check().by_seed == [claims.REVERSED, claims.HOLDS, claims.HOLDS]


def test_a_line_of_the_index_has_few_words():
    assert all(len(claim.short) <= 48 for claim in CLAIMS) and len({claim.short for claim in CLAIMS}) == len(CLAIMS)
