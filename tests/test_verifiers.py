import pytest

import ttclab
from ttclab.flops import billed
from ttclab.problems import ArithmeticProblem, Solution

PROBLEM = ArithmeticProblem.from_expression("015+74+46*06")
RIGHT = Solution(PROBLEM, PROBLEM.solution_text)
WRONG = Solution(PROBLEM, "+74=089\n+46=136\n*06=816\n")


def test_the_oracle_knows_the_answer_and_each_step():
    oracle = ttclab.load_verifier("oracle")
    assert oracle.score([RIGHT, WRONG]) == [1.0, 0.0]
    assert oracle.score_steps([RIGHT, WRONG]) == [[1.0, 1.0, 1.0], [1.0, 0.0, 0.0]]


def test_asking_the_oracle_is_counted_and_costs_no_flops():
    with billed() as bill:
        ttclab.load_verifier("oracle").score([RIGHT, WRONG])
    assert bill[PROBLEM].verifier_calls == 2
    assert bill.total.total_flops == 0


def test_an_unknown_verifier_is_refused_with_the_names_there_are():
    with pytest.raises(ValueError, match=r"oracle.*not 'oracel'"):
        ttclab.load_verifier("oracel")
