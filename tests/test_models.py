import subprocess
import sys

import pytest
import torch
from tiny import TOKENIZER, random_model, random_policy

import ttclab
from ttclab.problems import load_problems

PROBLEMS = load_problems("test", limit=12)

PLAIN_TRANSFORMERS = """
import sys, torch
from transformers import AutoModelForCausalLM, AutoTokenizer
assert not any(name.startswith("ttclab") for name in sys.modules)
model, tokenizer = AutoModelForCausalLM.from_pretrained(sys.argv[1]), AutoTokenizer.from_pretrained(sys.argv[1])
for prompt in sys.stdin.read().split():
    ids = tokenizer(prompt + "\\n", return_tensors="pt")
    print(*model.generate(**ids, do_sample=False)[0, ids.input_ids.shape[1]:].tolist())
"""


def test_plain_transformers_reads_the_shipped_weights_and_answers_the_same_token_by_token():
    problems = load_problems("test", limit=50)
    prompts = "\n".join(problem.id for problem in problems)
    command = [sys.executable, "-c", PLAIN_TRANSFORMERS, str(ttclab.models.ZOO / "small")]
    answers = subprocess.run(command, input=prompts, capture_output=True, text=True, check=True, cwd="/").stdout
    ours = ttclab.load("small", device="cpu").generate(problems, temperature=0)
    assert [list(map(int, line.split())) for line in answers.splitlines()] == [list(s.tokens) for [s] in ours]


def test_a_list_of_problems_gives_what_each_gives_alone():
    policy = random_policy()
    together = policy.generate(PROBLEMS, n=3, seed=5)
    alone = [policy.generate(problem, n=3, seed=5) for problem in reversed(PROBLEMS)][::-1]
    assert [[s.tokens for s in group] for group in together] == [[s.tokens for s in group] for group in alone]
    assert [group[0].problem for group in together] == PROBLEMS


def test_more_samples_begin_with_the_fewer_and_another_seed_draws_others():
    policy = random_policy()
    four, eight = (policy.generate(PROBLEMS[0], n=n) for n in (4, 8))
    assert [s.tokens for s in eight[:4]] == [s.tokens for s in four]
    assert [s.tokens for s in policy.generate(PROBLEMS[0], n=4, seed=1)] != [s.tokens for s in four]


def test_a_solution_cut_at_the_limit_is_unfinished_and_one_that_ends_hides_its_end_token():
    policy = random_policy(seed=1)
    solutions = [s for group in policy.generate(PROBLEMS, n=8, max_new_tokens=6) for s in group]
    assert {s.finished for s in solutions} == {True, False}
    for solution in solutions:
        assert solution.finished == (TOKENIZER.eos_token_id in solution.tokens)
        assert "$" not in solution.text
        assert len(solution.tokens) <= 6


@pytest.mark.parametrize(
    ("call", "rule"),
    [
        (lambda m: m.generate(PROBLEMS, n=0), "n must be at least 1, not 0"),
        (lambda m: m.generate([]), "at least one problem"),
        (lambda m: m.generate(PROBLEMS[0], temperature=-1), "temperature must be"),
        (lambda m: m.generate(PROBLEMS[0], max_new_tokens=0), "max_new_tokens must be at least 1, not 0"),
    ],
)
def test_wrong_calls_state_the_rule_and_the_value(call, rule):
    with pytest.raises(ValueError, match=rule):
        call(random_policy())


def test_an_unknown_model_is_refused_with_the_names_there_are():
    with pytest.raises(ValueError, match=r"one of .*small.*not 'smal'"):
        ttclab.load("smal")


def test_a_model_saved_by_transformers_is_loaded_from_its_directory(tmp_path):
    random_model("llama").save_pretrained(tmp_path)
    TOKENIZER.save_pretrained(tmp_path)
    loaded = ttclab.load(tmp_path, device="cpu")
    expected = random_policy("llama").generate(PROBLEMS[0], temperature=0)
    assert loaded.generate(PROBLEMS[0], temperature=0)[0].tokens == expected[0].tokens
    assert loaded.engine.device == torch.device("cpu")
