import json

import pytest

from ttclab.estimators import Estimate
from ttclab.results import claims
from ttclab.results.claims import TESTS, load_claims

CLAIMS = load_claims()


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_a_claim_has_the_verdict_that_its_test_returns_on_the_recorded_runs(claim):
    found = claim.check()
    assert found.verdict == claim.verdict, found.numbers
    assert any(character.isdigit() for character in found.numbers)


@pytest.mark.parametrize(
    ("signs", "verdict"),
    [((1, 1), claims.HOLDS), ((1, 0), claims.NOT_SEEN), ((0, 0), claims.NOT_SEEN), ((1, -1), claims.REVERSED)],
)
def test_a_claim_of_several_parts_is_as_good_as_its_worst_part(signs, verdict):
    assert claims._verdict(*signs) == verdict


def test_the_verdict_of_each_training_is_named_where_they_differ():
    mixed = claims.Assessed(claims.UNDECIDED, "", {"shipped": claims.HOLDS, "1": claims.NOT_SEEN})
    assert mixed.by_seed == "holds, not seen"
    assert claims.Assessed(claims.HOLDS, "", {"shipped": claims.HOLDS, "1": claims.HOLDS}).by_seed == ""


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
    assert fields == {"id", "source", "says", "test", "verdict"}
