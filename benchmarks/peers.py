"""The peer: its-hub's beam search, with our policy and our PRM behind the interfaces that it defines.

Users of its-hub bring a language model behind `agenerate`. Without a server that model is `transformers.generate`, and
that is what its-hub gets here: one whole level of the search in one padded batch. its-hub is installed into a virtual
environment of its own, `_build/its-hub`, which sees the packages of this one. Its pins therefore change nothing here.
`python -m benchmarks.peers` runs there.
"""

import argparse
import asyncio
import logging
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import torch

import ttclab
from ttclab.beam_search import beam_search
from ttclab.models import LanguageModel
from ttclab.problems import Problem, Solution, load_problems
from ttclab.training.tokens import END
from ttclab.verifiers import Verifier

ROOT = Path(__file__).parents[1]
PEER = "its-hub 1.2.0"
ENVIRONMENT = ROOT / "_build" / "its-hub"


class Unavailable(Exception):
    """The peer cannot be installed; the message says why."""


def environment() -> Path:
    """The Python of the peer's environment, which is made if it is not there yet.

    Raises
    ------
    Unavailable
        If its-hub cannot be installed: usually there is no network.
    """
    python = ENVIRONMENT / "bin" / "python"
    installed = ENVIRONMENT / "installed"
    if installed.is_file():
        return python
    uv = [sys.executable, "-m", "uv"]
    commands = [
        [*uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(ENVIRONMENT)],
        [*uv, "pip", "install", "--quiet", "--python", str(python), PEER.replace(" ", "==")],
    ]
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1].strip()
            raise Unavailable(f"{PEER} cannot be installed ({reason})")
    # Packages that its-hub does not bring (torch, transformers) come from this environment, after its own.
    (packages,) = ENVIRONMENT.glob("lib/python*/site-packages")
    (packages / "course.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    installed.touch()
    return python


def measure(problems: int, turns: int) -> float:
    """Wall time of its-hub's beam search over ours, both in one process of the peer's environment.

    Raises
    ------
    Unavailable
        As `environment`.
    """
    command = [environment(), "-m", "benchmarks.peers", "--problems", str(problems), "--turns", str(turns)]
    return float(subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout)


class _Policy:
    """Continues a batch of conversations, each to the end of a line."""

    def __init__(self, policy: LanguageModel) -> None:
        self.policy = policy

    async def agenerate(self, messages: Any, stop: str | None = None, **_: Any) -> Any:
        if not isinstance(messages[0], list):
            return (await self.agenerate([messages], stop))[0]
        model, tokenizer = self.policy.engine.model, self.policy.tokenizer
        texts = ["".join(message.content for message in conversation) for conversation in messages]
        batch = tokenizer(texts, return_tensors="pt", padding=True, return_token_type_ids=False)
        with torch.inference_mode():
            # The newline as an end-of-text token: stop strings of transformers cannot read a character tokenizer.
            ends = [tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids(stop)]
            out = model.generate(**batch, do_sample=True, top_k=0, max_new_tokens=12, eos_token_id=ends)
        new = tokenizer.batch_decode(out[:, batch["input_ids"].shape[1] :])
        return [{"role": "assistant", "content": text.replace(tokenizer.pad_token, "")} for text in new]


class _Prm:
    """Scores the last step of each response."""

    def __init__(self, verifier: Verifier, problem: Problem) -> None:
        self.verifier, self.problem = verifier, problem

    async def ascore(self, _: str, responses: list[str]) -> list[float]:
        solutions = [Solution(self.problem, text.replace(END, "")) for text in responses]
        return [scores[-1] if scores else 0.0 for scores in self.verifier.score_steps(solutions)]


def its_hub_beam_search(policy: LanguageModel, verifier: Verifier, problems: list[Problem], N: int, M: int) -> None:
    """Search the problems one after the other, as its interface requires."""
    from its_hub.core.algorithms.beam_search import BeamSearch
    from its_hub.core.lms.step_generation import StepGeneration

    logging.disable(logging.WARNING)
    steps = StepGeneration(40, "\n", stop_token=END, temperature=1.0, include_stop_str_in_output=True)
    for problem in problems:
        search = BeamSearch(steps, _Prm(verifier, problem), beam_width=M)
        asyncio.run(search.ainfer(_Policy(policy), problem.prompt, N))


def main() -> None:
    """Print the ratio, in the peer's environment."""
    from .__main__ import median_ratio, seconds

    parser = argparse.ArgumentParser()
    parser.add_argument("--problems", type=int, default=32)
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    problems = load_problems("test", limit=options.problems)
    policy, prm = ttclab.load("small", device="cpu"), ttclab.load_verifier("prm", device="cpu")
    ratio = median_ratio(
        lambda: seconds(lambda: its_hub_beam_search(policy, prm, problems, 16, 4)),
        lambda: seconds(lambda: beam_search(policy, prm, problems, 16, 4)),
        options.turns,
    )
    print(ratio)


if __name__ == "__main__":
    main()
