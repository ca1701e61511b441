"""Model cards of the shipped models: size, training cost and measured quality, from training and recorded runs.

`ttclab cards` writes them, and a test compares them with the recorded runs.
"""

import json
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .. import bank
from ..bank.shipped import REVISER
from ..data import ZOO
from ..estimators import auc, bootstrap, brier, fifths, pass_at_k, reliability, within_problem_auc
from ..files import write_text
from ..training import reinforcement
from ..training.loop import RECIPES
from ..training.recipe import Recipe
from ..training.reinforcement import ReinforcementRecipe
from ..training.verifier import VerifierRecipe
from ..verifiers.oracle import Oracle
from ..verifiers.trained import SEE_ATTEMPTS
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
| grown from | {origin} |
| training FLOPs | {training_flops:.3e}: forward and backward passes, padding included{data} |
{rows}
Measured on the 500 test problems, with 95% bootstrap intervals over problems:

| | |
|---|---|
{measured}

Limits: totals from 1 to 999, one to six operations, two-digit operands. Other input gives garbage.
"""
POLICY = """\
A causal language model of the Test-Time Compute Lab, in Hugging Face's format: `AutoModelForCausalLM.from_pretrained`
and `AutoTokenizer.from_pretrained` load it without `ttclab`. It works out chains of additions, subtractions and
multiplications from left to right, a step a line: fed `015+74+46*06` and a newline, it should write `+74=089`,
`+46=135`, `*06=810`, each with a newline, and `$` to end. It knows nothing else."""
REVISION = """\
Before the problem it may be shown up to four earlier attempts, each followed by `#`;
the newest may have feedback before it, as `Feedback.code` in `ttclab.verifiers` writes it."""
VERIFIER = """\
A reward model of the Test-Time Compute Lab: `ttclab.load_verifier("{folder}")` loads it. It reads a chain of
additions, subtractions and multiplications, worked out a step a line, and says at every token how likely
{question}. Its first layers are a language model, and what the writing is compared with; the others verify."""
REINFORCED = """\
Trained on from `{base}` by reinforcement learning: groups of {samples} solutions, the exact checker's reward, policy
gradients on the gains of the norms alone."""
CHAINS = f"{REVISER}-test-chains"
REVISES = ("revision", "revision-control")
OTHERS: dict[str, Recipe] = {  # "prm-revision" ships, but "small" revises in the family that comes after
    **reinforcement.RECIPES, "prm-revision": RECIPES["prm"]
}  # fmt: skip
QUESTIONS = {
    "steps": "it is that the solution is right so far, learned from exact labels",
    "answer": "it is that the final answer will be right, learned from final answers alone",
    "rollouts": "it is that a solution begun so ends right, learned at the ends of steps from 16 rollouts each",
    "step-ends": "it is that the solution is right so far, learned at the ends of steps (the control for prm-rollouts)",
}


def card(folder: Path) -> str:
    """The card of a shipped model."""
    record = json.loads((folder / "training.json").read_text())
    recipe = RECIPES.get(record["name"], OTHERS.get(record["name"]))
    base = record.get("base")
    grown = "" if isinstance(recipe, ReinforcementRecipe) else ", with fresh layers on top"
    if verifies := isinstance(recipe, VerifierRecipe):
        what = VERIFIER.format(folder=folder.name, question=QUESTIONS[recipe.labels])
        measured = _verifier_rows(folder.name)
    else:
        what = f"{POLICY}\n\n{REVISION}" if record["name"] in REVISES else POLICY
        if isinstance(recipe, ReinforcementRecipe):
            what += "\n\n" + REINFORCED.format(base=base, samples=recipe.samples)
        measured = _policy_rows(folder.name)
    return HEAD.format(
        folder=folder.name,
        tag="text-classification" if verifies else "text-generation",
        what=what,
        origin=f"the weights of `{base}`{grown}" if base else "nothing",
        data=f"; {record['data_flops']:.3e} more to write what it reads" if record.get("data_flops") else "",
        rows="" if verifies else "| default decoding | sampling at temperature 1 |\n",
        measured="\n".join(f"| {what} | {value} |" for what, value in measured),
        **{key: record[key] for key in ("name", "seed", "steps", "parameters", "block_parameters", "training_flops")},
    )


def _policy_rows(name: str) -> list[tuple[str, str]]:
    """Measurements of a policy's recorded runs."""
    rows = []
    if (greedy := bank.RUNS / f"{name}-test-greedy.parquet").exists():
        rows.append(("solved in one greedy pass", f"{bootstrap(bank.read(greedy).correct[:, 0]):.3f}"))
    if (sampled := bank.RUNS / f"{name}-test.parquet").exists():
        right = bank.read(sampled).correct
        n = right.shape[1]
        for k in (1, 16, 64):
            rows.append((f"pass@{k}, from {n} samples", f"{bootstrap(pass_at_k(n, right.sum(axis=1), k)):.3f}"))
        fifth = fifths(right.mean(axis=1))
        rates = ", ".join(f"{right[fifth == i].mean():.3f}" for i in range(5))
        rows.append(("pass@1 by fifth of its own difficulty, easiest first", rates))
    for file in sorted(bank.RUNS.glob(f"{name}-test-chains*.parquet")):
        if "." in file.stem:
            continue  # a verifier's scores
        run = bank.read(file)
        feedback = run.metadata["feedback"]
        what = f"right at attempts 1 to 4, feedback {feedback}" if feedback else "right at attempts 1 to 4"
        rows.append((what, ", ".join(f"{run.attempt(place).mean():.3f}" for place in range(4))))
    return rows


def _verifier_rows(name: str) -> list[tuple[str, str]]:
    """Measurements of a verifier's recorded scores of samples, or of chains."""
    if (bank.RUNS / f"{CHAINS}.{name}.parquet").exists() and name in SEE_ATTEMPTS:
        last, right = last_scores(name, CHAINS), chains().correct
        return [
            ("AUC within a problem, of the attempts of `revision`", f"{within_problem_auc(last, right):.3f}"),
            ("AUC over all attempts", f"{auc(last, right):.3f}"),
            ("Brier score", f"{brier(last, right):.3f}"),
        ]
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
    means, shares, counts = reliability(scores, right)
    curve = ", ".join(f"{mean:.2f}: {share:.2f}" for mean, share, n in zip(means, shares, counts, strict=True) if n)
    rows.append(("reliability, mean score: share right, in tenths of the score", curve))
    return rows


def _step_rows(name: str) -> list[tuple[str, str]]:
    """AUC of a step verifier over all steps, by whether the solution is right so far."""
    steps = np.array([score for group in bank.load_scores(name, "small-test") for each in group for score in each])
    right = _right_so_far()
    return [("AUC over all steps", f"{auc(steps, right):.3f}")] if len(steps) == len(right) else []


@cache
def _right_so_far() -> NDArray[np.bool_]:
    """For every step of the small model's samples, whether the solution is right up to and including it."""
    samples, oracle = small_samples(), Oracle()
    groups = (samples.solutions(i) for i in range(len(samples.problems)))
    return np.array([right for group in groups for each in oracle.score_steps(group) for right in each], dtype=bool)


def write_cards() -> list[Path]:
    """Write the card of every shipped model beside its weights, and return the cards' paths."""
    paths = [path.with_name("README.md") for path in sorted(ZOO.glob("*/training.json"))]
    for path in paths:
        write_text(path, card(path.parent))
    return paths
