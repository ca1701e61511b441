import json

import pytest

from ttclab.results import claims
from ttclab.results.claims import TESTS, load_claims

CLAIMS = load_claims()


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_a_claim_has_the_verdict_that_its_test_returns_on_the_recorded_runs(claim):
    found = claim.check()
    assert found.verdict == claim.verdict, found.numbers
    assert any(character.isdigit() for character in found.numbers)


def test_every_claim_has_a_name_of_its_own_and_every_test_a_claim():
    assert len({claim.id for claim in CLAIMS}) == len(CLAIMS)
    assert {claim.test for claim in CLAIMS} == set(TESTS)
    assert {claim.source for claim in CLAIMS} == {"lesson", "paper", "later"}
    assert {claim.verdict for claim in CLAIMS} <= {claims.HOLDS, claims.REVERSED, claims.NOT_SEEN, claims.UNDECIDED}


def test_the_file_of_claims_holds_no_numbers_of_ours_that_could_drift():
    fields = {field for each in json.loads(claims.FILE.read_text(encoding="utf-8")) for field in each}
    assert fields == {"id", "source", "says", "test", "verdict"}
