"""its-hub's beam search, given our policy and our PRM through the interfaces it asks for.

Its users bring a language model behind `agenerate`; without a server that is `transformers.generate`, which is what it
gets here, a whole level of the search in one padded batch. Install `its-hub==1.2.0` to have it measured.
"""

import asyncio
import logging
from typing import Any

import torch

from ttclab.models import LanguageModel
from ttclab.problems import Problem, Solution
from ttclab.training.tokens import END
from ttclab.verifiers import Verifier

try:
    from its_hub.core.algorithms.beam_search import BeamSearch
    from its_hub.core.lms.step_generation import StepGeneration
except ImportError:
    BeamSearch = None


class _Policy:
    """A batch of conversations at a time, each continued to the end of a line."""

    def __init__(self, policy: LanguageModel) -> None:
        self.policy = policy

    async def agenerate(self, messages: Any, stop: str | None = None, **_: Any) -> Any:
        if not isinstance(messages[0], list):
            return (await self.agenerate([messages], stop))[0]
        model, tokenizer = self.policy.engine.model, self.policy.tokenizer
        texts = ["".join(message.content for message in conversation) for conversation in messages]
        batch = tokenizer(texts, return_tensors="pt", padding=True, return_token_type_ids=False)
        with torch.inference_mode():
            # The line's end as an end-of-text token: transformers' own stop strings can't read a character tokenizer.
            ends = [tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids(stop)]
            out = model.generate(**batch, do_sample=True, top_k=0, max_new_tokens=12, eos_token_id=ends)
        new = tokenizer.batch_decode(out[:, batch["input_ids"].shape[1] :])
        return [{"role": "assistant", "content": text.replace(tokenizer.pad_token, "")} for text in new]


class _Prm:
    """The score of the last step of each response."""

    def __init__(self, verifier: Verifier, problem: Problem) -> None:
        self.verifier, self.problem = verifier, problem

    async def ascore(self, _: str, responses: list[str]) -> list[float]:
        solutions = [Solution(self.problem, text.replace(END, "")) for text in responses]
        return [scores[-1] if scores else 0.0 for scores in self.verifier.score_steps(solutions)]


def its_hub_beam_search(policy: LanguageModel, verifier: Verifier, problems: list[Problem], N: int, M: int) -> None:
    """One problem after the other, as its interface has it."""
    logging.disable(logging.WARNING)
    steps = StepGeneration(40, "\n", stop_token=END, temperature=1.0, include_stop_str_in_output=True)
    for problem in problems:
        search = BeamSearch(steps, _Prm(verifier, problem), beam_width=M)
        asyncio.run(search.ainfer(_Policy(policy), problem.prompt, N))
