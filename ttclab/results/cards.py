"""Model cards of the shipped models: size, training cost and measured quality, from training and recorded runs.

`ttclab cards` writes them, and a test compares them with the recorded runs.
"""

import json
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .. import bank
from ..bank.shipped import SMALL
from ..data import ZOO
from ..estimators import auc, bootstrap, brier, fifths, pass_at_k, reliability, within_problem_auc
from ..files import write_text
from ..training import reinforcement
from ..training.loop import RECIPES
from ..training.reinforcement import ReinforcementRecipe
from ..training.verifier import VerifierRecipe
from ..verifiers.oracle import Oracle
from .revision import chains
from .sampling import best, last_scores, small_samples, weighted

HEAD = """---
license: mit
library_name: transformers
pipeline_tag: {tag}
---
# {folder}

{what}

| | |
|---|---|
| parameters | {parameters:,}, of which {block_parameters:,} in the blocks |
| trained by | `ttclab train {name}`, seed {seed}, {steps} steps, problems of the training set only |
| base model | {origin} |
| training FLOPs | {training_flops:.3e}: forward and backward passes, padding included{data} |
{rows}
Measured on the 500 test problems, with 95% bootstrap intervals over problems:

| | |
|---|---|
{measured}

Limits: totals from 1 to 999, one to six operations, two-digit operands. Output for other inputs is meaningless.
"""
POLICY = """\
A causal language model of the Test-Time Compute Lab, in Hugging Face's format: `AutoModelForCausalLM.from_pretrained`
and `AutoTokenizer.from_pretrained` load it without `ttclab`. It evaluates chains of additions, subtractions and
multiplications from left to right, one step per line. For `015+74+46*06` and a newline, the right solution is
`+74=089`, `+46=135`, `*06=810`, each followed by a newline, and `$` at the end. The model can do nothing else."""
REVISION = """\
Up to four earlier attempts may come before the problem, each followed by `#`. The newest attempt may have feedback
before it, in the format of `Feedback.code` in `ttclab.verifiers`."""
VERIFIER = """\
A reward model of the Test-Time Compute Lab: `ttclab.load_verifier("{folder}")` loads it. It reads a solution to a chain
of additions, subtractions and multiplications, one step per line, and gives at every token the probability that
{question}. Its first layers are a language model that predicts every token; the other layers score the solution, given
the distance of each token from the prediction."""
REINFORCED = """\
Trained further from `{base}` by reinforcement learning, with groups of {samples} solutions, the reward of the exact
checker, and policy gradients for the gains of the norms only."""
REVISES = ("small", "small-rl")
QUESTIONS = {
    "steps": "the solution is right so far, learned from exact labels",
    "answer": "the final answer will be right, learned only from final answers",
    "rollouts": "the final answer will be right, learned from {rollouts} rollouts at the end of each step",
    "step-ends": "the solution is right so far, learned at the ends of steps (the control for prm-rollouts)",
}


def card(folder: Path) -> str:
    """The card of a shipped model."""
    record = json.loads((folder / "training.json").read_text())
    recipe = (RECIPES | reinforcement.RECIPES)[record["name"]]
    base = record.get("base")
    new_layers = "" if isinstance(recipe, ReinforcementRecipe) else ", with new layers on top"
    if verifies := isinstance(recipe, VerifierRecipe):
        question = QUESTIONS[recipe.labels].format(rollouts=recipe.rollouts)
        description = VERIFIER.format(folder=folder.name, question=question)
        measured = _verifier_rows(folder.name)
    else:
        description = f"{POLICY}\n\n{REVISION}" if record["name"] in REVISES else POLICY
        if isinstance(recipe, ReinforcementRecipe):
            description += "\n\n" + REINFORCED.format(base=base, samples=recipe.samples)
        measured = _policy_rows(folder.name)
    return HEAD.format(
        folder=folder.name,
        tag="text-classification" if verifies else "text-generation",
        what=description,
        origin=f"`{base}`{new_layers}" if base else "none",
        data=f"; {record['data_flops']:.3e} more to write the training data" if record.get("data_flops") else "",
        rows="" if verifies else "| default decoding | sampling at temperature 1 |\n",
        measured="\n".join(f"| {label} | {value} |" for label, value in measured),
        **{key: record[key] for key in ("name", "seed", "steps", "parameters", "block_parameters", "training_flops")},
    )


def _policy_rows(name: str) -> list[tuple[str, str]]:
    """Measurements of a policy's recorded runs."""
    rows = []
    if bank.path_of(name, "test", greedy=True).exists():
        passes = bank.load(name, "test", greedy=True)
        rows.append(("solved in one greedy pass", f"{bootstrap(passes.correct[:, 0]):.3f}"))
    if bank.path_of(name, "test").exists():
        right = bank.load(name, "test").correct
        n = right.shape[1]
        for k in (1, 16, 64):
            rows.append((f"pass@{k}, from {n} samples", f"{bootstrap(pass_at_k(n, right.sum(axis=1), k)):.3f}"))
        fifth = fifths(right.mean(axis=1))
        rates = ", ".join(f"{right[fifth == i].mean():.3f}" for i in range(5))
        rows.append(("pass@1 by fifth of its own difficulty, easiest first", rates))
    for file in sorted(bank.RUNS.glob(f"{name}-test-chains*.parquet")):
        if "." in file.stem:
            continue  # a verifier's scores
        feedback = file.stem.removeprefix(f"{name}-test-chains").removeprefix("-") or None
        run = bank.load_chains(name, "test", feedback=feedback)
        label = f"right at attempts 1 to 4, feedback {feedback}" if feedback else "right at attempts 1 to 4"
        rows.append((label, ", ".join(f"{run.attempt(place).mean():.3f}" for place in range(4))))
    return rows


def _verifier_rows(name: str) -> list[tuple[str, str]]:
    """Measurements of a verifier's recorded scores of samples, or of chains."""
    if not (bank.RUNS / f"small-test.{name}.parquet").exists():
        return []
    scores, right = last_scores(name, "small-test"), small_samples().correct
    rows = [
        ("AUC within a problem", f"{within_problem_auc(scores, right):.3f}"),
        ("AUC over all solutions", f"{auc(scores, right):.3f}"),
        *_step_rows(name),
        ("Brier score", f"{brier(scores, right):.3f}"),
    ]
    for k in (4, 16, 64):
        rows.append((f"weighted best-of-{k} of small's samples", f"{weighted(k, name).solved:.3f}"))
        rows.append((f"best-of-{k}", f"{best(k, name).solved:.3f}"))
    chained = f"{SMALL}-test-chains"
    if (bank.RUNS / f"{chained}.{name}.parquet").exists():
        of_chains = within_problem_auc(last_scores(name, chained), chains().correct)
        rows.append(("AUC within a problem, of the attempts in chains", f"{of_chains:.3f}"))
    means, shares, counts = reliability(scores, right)
    curve = ", ".join(f"{mean:.2f}: {share:.2f}" for mean, share, n in zip(means, shares, counts, strict=True) if n)
    rows.append(("reliability, mean score: share right, in tenths of the score", curve))
    return rows


def _step_rows(name: str) -> list[tuple[str, str]]:
    """AUC of a step verifier over all steps, by whether the solution is right so far."""
    steps = np.array([score for group in bank.load_scores(name, "small-test") for row in group for score in row])
    right = _right_so_far()
    return [("AUC over all steps", f"{auc(steps, right):.3f}")] if len(steps) == len(right) else []


@cache
def _right_so_far() -> NDArray[np.bool_]:
    """For every step of the small model's samples, whether the solution is right up to and including it."""
    samples, oracle = small_samples(), Oracle()
    groups = (samples.solutions(i) for i in range(len(samples.problems)))
    return np.array([right for group in groups for row in oracle.score_steps(group) for right in row], dtype=bool)


def write_cards() -> list[Path]:
    """Write the card of every shipped model beside its weights, and return the cards' paths."""
    paths = [path.with_name("README.md") for path in sorted(ZOO.glob("*/training.json"))]
    for path in paths:
        write_text(path, card(path.parent))
    return paths
