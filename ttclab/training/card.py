"""Model cards: what each shipped model is, what it cost and what it can do, from its training and its recorded runs.

`python -m ttclab.training.card` writes them anew; a test holds them to the recorded runs.
"""

import json
from pathlib import Path

from .. import bank
from ..estimators import Estimate, bootstrap, fifths, pass_at_k
from ..models import ZOO

CARD = """---
license: mit
library_name: transformers
pipeline_tag: text-generation
---
# {folder}

A causal language model of the Test-Time Compute Lab, in Hugging Face's format: `AutoModelForCausalLM.from_pretrained`
and `AutoTokenizer.from_pretrained` load it without `ttclab`. It works out chains of additions, subtractions and
multiplications from left to right, a step a line: fed `015+74+46*06` and a newline, it should write `+74=089`,
`+46=135`, `*06=810`, each with a newline, and `$` to end. It knows nothing else.

| | |
|---|---|
| parameters | {parameters:,}, of which {block_parameters:,} in the blocks |
| trained by | `python -m ttclab train {name}`, seed {seed}, {steps} steps, problems of the training set only |
| training FLOPs | {training_flops:.3e}: forward and backward passes, padding included |
| default decoding | sampling at temperature 1 |

Measured on the 500 test problems, with 95% bootstrap intervals over problems:

| | |
|---|---|
{measured}

Limits: totals from 1 to 999, one to six operations, two-digit operands. Other input gives garbage.
"""


def card(folder: Path) -> str:
    """The card of a shipped model."""
    made = json.loads((folder / "training.json").read_text())
    rows = []
    if (greedy := bank.RUNS / f"{folder.name}-test-greedy.parquet").exists():
        rows.append(("solved in one greedy pass", _interval(bootstrap(bank.read(greedy).correct[:, 0]))))
    if (sampled := bank.RUNS / f"{folder.name}-test.parquet").exists():
        right = bank.read(sampled).correct
        n = right.shape[1]
        for k in (1, 16, 64):
            rows.append((f"pass@{k}, from {n} samples", _interval(bootstrap(pass_at_k(n, right.sum(axis=1), k)))))
        fifth = fifths(right.mean(axis=1))
        rates = ", ".join(f"{right[fifth == i].mean():.3f}" for i in range(5))
        rows.append(("pass@1 by fifth of its own difficulty, easiest first", rates))
    measured = "\n".join(f"| {what} | {value} |" for what, value in rows)
    return CARD.format(folder=folder.name, measured=measured, **made)


def write_cards() -> None:
    """Write the card of every shipped model beside its weights."""
    for folder in sorted(path.parent for path in ZOO.glob("*/training.json")):
        (folder / "README.md").write_text(card(folder))


def _interval(estimate: Estimate) -> str:
    return f"{estimate.mean:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"


if __name__ == "__main__":
    write_cards()
