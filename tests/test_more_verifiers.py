"""Sentences of chapter 3 and of its further measurements, held to the recorded runs."""

from pathlib import Path

import numpy as np
import pytest

from ttclab import results
from ttclab.estimators import bootstrap
from ttclab.results.claims import load_claims
from ttclab.results.families import each_family, families
from ttclab.results.sampling import auc_within, verifier_flops
from ttclab.results.searching import beam_coverage, rival
from ttclab.results.verifiers import beginnings_flops

BOOK = Path(__file__).parent.parent / "book"


def test_beam_search_keeps_its_rivals_if_a_vote_too_pays_for_a_shared_beginning_once():
    sizes = np.array([16, 256])
    once, full = beginnings_flops("prm", sizes), verifier_flops(results.small_samples(), "prm", sizes)
    assert (once.mean(axis=0) < 0.8 * full.mean(axis=0)).all()
    assert all(rival(N) == rival(N, beginnings_once=True) == N // 2 for N in (4, 8, 16, 32, 64))


@pytest.mark.parametrize("N", [16, 64])
def test_rollout_labels_help_a_vote_in_seed_0_alone_and_make_a_worse_critic_in_every_seed(N):
    def gain():
        try:
            return results.weighted(N, "prm-rollouts").minus(results.weighted(N, "prm-exact"))
        except ValueError:  # a family that was recorded before this pair was compared
            return None

    first, *others = each_family(gain).values()
    assert first.sign > 0 and all(other.sign == 0 for other in others if other)
    critics = each_family(lambda: results.critic_change("prm-rollouts").minus(results.critic_change("prm-exact")))
    assert all(change.high < 0 for change in critics.values())


def test_more_samples_fool_a_noisy_oracle_on_easy_problems_below_one_sample():
    best, one = (arm.fifth(0).solved for arm in (results.best(256, "noisy 0.8"), results.coverage(1)))
    assert best.high < one.low and results.weighted(256, "noisy 0.8").fifth(0).solved.mean == 1


def test_the_verdicts_among_the_measurements_of_verifiers_are_those_of_the_claims():
    verdicts = {claim.id: claim.verdict for claim in load_claims()}
    text = (BOOK / "more-verifiers.md").read_text(encoding="utf-8").partition("one by one\n")[2]
    shown = {row[0]: row[-1] for row in ([*map(str.strip, line.strip("|").split("|"))] for line in text.splitlines())}
    told = {"small budgets": 1, "large budgets": 2, "easy problems": 3, "hardest fifth": 5, "lookahead": 6}
    assert {name: shown[name] for name in told} == {name: verdicts[f"paper-{n}"] for name, n in told.items()}
    assert each_family(lambda: results.beam(64).minus(results.beam(4), 0, 1).mean == 0) == dict.fromkeys(
        families(), True
    )


def test_prm_14x_and_the_orm_tie_in_auc_by_answer_and_by_working_prm_14x_is_the_best():
    def lead(other, by):
        one, rival = (auc_within(verifier, by).correct for verifier in ("prm-large", other))
        return bootstrap((one - rival)[~np.isnan(one - rival)])

    assert lead("orm", "answer").sign == 0
    assert all(lead(other, "working").sign > 0 for other in ("orm", "prm", "prm-weak", "prm-rollouts", "prm-exact"))


def test_a_vote_of_64_leaves_more_right_answers_unchosen_than_a_beam_search_with_64_places():
    vote = results.coverage(64).solved.mean - results.weighted(64).solved.mean
    assert vote > 2 * (beam_coverage(64).mean - results.beam(64).solved.mean)
