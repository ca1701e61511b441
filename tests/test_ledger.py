from time import sleep

import pytest
from tiny import random_policy

from ttclab.flops import decode_flops, forward_flops
from ttclab.ledger import Cost, billed, billed_as, charge
from ttclab.problems import load_problems
from ttclab.scope import open_scope


def test_a_ledger_takes_what_is_charged_while_it_is_open_and_nothing_else():
    one, two = load_problems("test", limit=2)
    with billed() as outer:
        charge(one, "decode", tokens=3, flops=30, generations=1)
        with billed() as inner:
            charge(two, "decode", tokens=5, flops=50)
        charge(one, "cached", flops=7)
    charge(one, "decode", flops=1000)
    assert inner.total == Cost(tokens={"decode": 5}, flops={"decode": 50})
    assert outer[one].generations == 1
    assert outer.total.flops == {"decode": 80, "cached": 7}


def test_a_ledger_takes_the_time_and_on_a_cpu_nothing_else():
    one = load_problems("test", limit=1)[0]
    with billed() as outer:
        with billed() as inner:
            charge(one, "decode", flops=10)
            sleep(0.02)
        lasted = inner.seconds
        sleep(0.01)
    assert 0.02 <= lasted == inner.seconds < outer.seconds < 2
    assert (outer.peak_bytes, outer.joules, outer.mfu(1e12)) == (None, None, None)
    assert inner.total == outer.total


def test_work_is_billed_as_what_it_is_for():
    problem = load_problems("test", limit=1)[0]
    with billed() as outer, billed_as("lookahead"), billed() as inner:
        charge(problem, "prefill", tokens=3, flops=30)
        charge(problem, "decode", tokens=4, flops=40, generations=1)
        charge(problem, "cached", tokens=5, flops=50)
        charge(problem, "verifier", tokens=6, flops=60, verifier_calls=1)
    kinds = {"lookahead": 7, "cached": 5, "verifier": 6}
    expected = Cost(1, 0, 1, kinds, {kind: 10 * tokens for kind, tokens in kinds.items()})
    assert inner.total == outer.total == expected
    with billed() as after:
        charge(problem, "decode", tokens=1)
    assert after.total.tokens == {"decode": 1}


def test_the_inner_of_two_purposes_decides_and_one_kind_alone_can_be_renamed():
    problem = load_problems("test", limit=1)[0]
    with billed() as bill, billed_as("lookahead"):
        with billed_as("revision context", of=["prefill"]):
            charge(problem, "prefill", tokens=1)
            charge(problem, "decode", tokens=2)
        charge(problem, "prefill", tokens=4)
    assert bill.total.tokens == {"revision context": 1, "lookahead": 6}


def test_an_error_inside_ends_what_was_opened():
    problem = load_problems("test", limit=1)[0]
    with pytest.raises(KeyError), billed() as bill, billed_as("lookahead"):
        raise KeyError
    lasted = bill.seconds
    with billed() as after:
        charge(problem, "decode", tokens=1)
    assert after.total.tokens == {"decode": 1}
    assert bill.seconds == lasted and bill.total == Cost()


@pytest.mark.parametrize("wrong", [("cached",), ("lookahead", ["lookahead"]), ("lookahead", "decode")])
def test_the_bill_cannot_be_hidden_under_another_kind(wrong):
    with pytest.raises(ValueError, match="can be billed as another kind"), billed_as(*wrong):
        pass


def test_work_saved_by_a_shared_prefix_is_shown_and_not_charged():
    cost = Cost()
    cost.flops.update(prefill=10, cached=90)
    assert cost.total_flops == 10


def test_the_bill_of_n_samples_is_one_prefill_and_what_was_decoded():
    policy, problem = random_policy(), load_problems("test", limit=1)[0]
    with billed() as bill:
        solutions = policy.generate(problem, n=8)
    prompt = len(problem.prompt)
    assert bill.total.generations == 8
    assert bill.total.flops["prefill"] == forward_flops(policy.config, prompt, logits=1)
    assert bill.total.flops["cached"] == 7 * forward_flops(policy.config, prompt, logits=1)
    assert bill.total.flops["decode"] == sum(decode_flops(policy.config, len(s.tokens) - 1, prompt) for s in solutions)
    assert bill.total.tokens["decode"] == sum(len(s.tokens) for s in solutions)


def test_every_bill_opens_a_scope_of_its_own_that_ends_with_it():
    assert open_scope() is None
    with billed():
        outer = open_scope()
        with billed():
            assert open_scope() not in (None, outer)
        assert open_scope() is outer
    assert open_scope() is None
