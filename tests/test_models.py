import subprocess
import sys

import pytest
import torch
from tiny import CONFIGS, TOKENIZER, random_model, random_policy
from tokenizers.processors import TemplateProcessing
from torch.utils.flop_counter import FlopCounterMode

import ttclab
from ttclab.flops import billed
from ttclab.policy import Asked
from ttclab.problems import load_problems
from ttclab.training.tokens import build_tokenizer

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


CHAT = "!{% for turn in messages %}#{{ turn['content'] }}{% endfor %}{% if add_generation_prompt %}?{% endif %}"


@pytest.mark.parametrize(
    ("template", "begin", "around"), [(None, "", ("", "")), (None, "!", ("!", "")), (CHAT, "!", ("!#", "?"))]
)
def test_a_prompt_is_fed_as_the_tokenizer_on_disk_says(template, begin, around, tmp_path):
    tokenizer = build_tokenizer()
    tokenizer.chat_template = template
    if begin:
        ids = [(begin, tokenizer.convert_tokens_to_ids(begin))]
        tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single=f"{begin} $A", special_tokens=ids)
    model = random_model("llama")
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    policy = ttclab.load(tmp_path, device="cpu")
    context = TOKENIZER.encode(PROBLEMS[0].prompt.join(around))
    assert list(policy.encode(Asked(PROBLEMS[0]))) == context
    theirs = model.generate(torch.tensor([context]), do_sample=False)[0, len(context) :]
    assert list(policy.generate(PROBLEMS[0], temperature=0)[0].tokens) == theirs.tolist()


@pytest.mark.parametrize("name", CONFIGS)
def test_what_is_charged_is_what_torch_counts_while_a_solution_is_written(name):
    policy = random_policy(name)
    policy.engine.model.set_attn_implementation("eager")  # the counter does not see the fused attention of CPUs
    with billed() as bill, FlopCounterMode(display=False) as counter:
        steps = policy.generate_step(PROBLEMS[0], temperature=0, max_new_tokens=12)
        (solution,) = policy.rollout(PROBLEMS[0], steps, temperature=0, max_new_tokens=40)
    assert len(solution.tokens) > 12
    assert bill.total.total_flops == counter.get_total_flops()
