import numpy as np
import pytest
import torch
from tiny import random_model

from ttclab.flops import forward_flops
from ttclab.ledger import billed
from ttclab.models import LanguageModel
from ttclab.problems import Solution
from ttclab.tasks.text_problems import TextProblem
from ttclab.training.tokens import build_tokenizer
from ttclab.verifiers.self_verifier import QUESTION, Probe, SelfVerifier

TURNS = "{% for m in messages %}!{{ m['content'] }}{% endfor %}{% if add_generation_prompt %}?{% endif %}"
PROBLEMS = [TextProblem.of(name, f"{name}+1", "2") for name in ("1", "22")]
SOLUTIONS = [Solution(p, text) for p in PROBLEMS for text in ("1+1=2\n", "3\n", "1+1=2\n", "12+3=15\n+4=19\n")]


def policy(chat: bool = True) -> LanguageModel:
    tokenizer = build_tokenizer()
    tokenizer.chat_template = TURNS if chat else None
    return LanguageModel(random_model("llama"), tokenizer)


@pytest.mark.parametrize("chat", [True, False])
def test_a_solution_is_scored_by_what_plain_transformers_says_after_all_of_the_text(chat):
    verifier = SelfVerifier("asked", policy(chat))
    said, states = verifier.read(SOLUTIONS)
    model, tokenizer = verifier.policy.engine.model, verifier.policy.tokenizer
    for solution, yes, state in zip(SOLUTIONS, said, states, strict=True):
        text = f"{solution.problem.feed()}{solution.text}\n{QUESTION}\n"
        if chat:
            text = "!" + "!".join([solution.problem.turns()[0]["content"], solution.text, QUESTION]) + "?"
        with torch.inference_mode():
            theirs = model(torch.tensor([tokenizer.encode(text)]), output_hidden_states=True)
        words = [tokenizer.encode(word)[0] for word in ("Yes", "No")]
        assert yes == pytest.approx(float(theirs.logits[0, -1, words].softmax(-1)[0]), abs=1e-5)
        assert state == pytest.approx(theirs.hidden_states[-1][0, -1].numpy(), abs=1e-4)


def test_a_problem_and_equal_texts_are_read_once_and_every_solution_is_a_call():
    verifier = SelfVerifier("asked", policy())
    with billed() as bill:
        verifier.score(SOLUTIONS)
    for problem, solutions in zip(PROBLEMS, (SOLUTIONS[:4], SOLUTIONS[4:]), strict=True):
        rows = {s.text: len(verifier._encode(s)) for s in solutions}
        known = len(verifier.policy.tokenizer.encode("!" + problem.turns()[0]["content"]))
        assert len(rows) == 3 and bill[problem].verifier_calls == 4
        assert bill[problem].tokens["verifier"] == known + sum(length - known for length in rows.values())
        cost = [forward_flops(verifier.policy.config, length - known, known, logits=1) for length in rows.values()]
        assert bill[problem].flops["verifier"] == forward_flops(verifier.policy.config, known, logits=1) + sum(cost)


def test_the_order_of_the_solutions_does_not_matter():
    verifier = SelfVerifier("asked", policy())
    assert verifier.score(SOLUTIONS[::-1])[::-1] == pytest.approx(verifier.score(SOLUTIONS), abs=1e-6)


def test_a_model_that_is_very_sure_still_tells_its_solutions_apart():
    verifier = SelfVerifier("asked", policy())
    verifier._words = [5, 6]  # the tiny tokenizer has neither Yes nor No
    head = verifier.policy.engine.model.get_output_embeddings()
    states = torch.tensor(verifier.read(SOLUTIONS[:4])[1])
    with torch.no_grad():
        head.weight[6] = 0.0
        head.weight[5] = torch.linalg.pinv(states) @ torch.tensor([20.0, 22, 20, 24])  # 1 - e^-20 is 1 in 32 bits
    scores = verifier.score(SOLUTIONS[:4])
    assert {0.0, 1.0}.isdisjoint(scores) and len({*scores}) == 3  # one of the four is there twice


def test_a_solution_past_the_model_s_positions_is_named():
    verifier = SelfVerifier("asked", policy())
    verifier.policy.engine.positions = 60
    with pytest.raises(ValueError, match=r"a solution to the problem '22' is \d+ tokens long .* has 60 positions"):
        verifier.score([Solution(PROBLEMS[1], "1+1=2\n" * 20)])


def test_a_probe_finds_the_direction_that_tells_right_from_wrong():
    rng = np.random.default_rng(0)
    states = rng.normal(size=(400, 8)).astype(np.float32) * 5 + 3
    right = rng.random(400) < 1 / (1 + np.exp(-(states[:, 2] - 3)))
    probe = Probe.fit(states, right)
    assert np.abs(probe.weight).argmax() == 2 and probe.weight[2] == pytest.approx(1, abs=0.3)


def test_a_probe_needs_both_right_and_wrong():
    with pytest.raises(ValueError, match="right and wrong"):
        Probe.fit(np.zeros((3, 2), np.float32), np.ones(3, bool))
