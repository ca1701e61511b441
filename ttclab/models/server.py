"""Policies behind a server that speaks OpenAI's protocol: vLLM, SGLang, TGI, llama.cpp, transformers serve and others.

Each solution is a separate request with its own seed. So a server may ignore `n`, and where a server respects seeds a
solution depends only on its problem and index. Requests for the same problem begin with the same text and are sent
together, so that a server with a prefix cache reads the problem once.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

import openai
from transformers import PreTrainedConfig

from .. import flops
from ..engine import Sampler
from ..ledger import Bill
from ..policy import Policy, Prompt
from ..solutions import is_step, whole_at
from ..tasks.problem import Solution, well_formed
from .client import ServerClient
from .connection import pause, run_in_loop
from .replies import Reply

MAX_BLANK_LINES = 8  # consecutive blank lines skipped before a step
MAX_NAMED = 3  # problems named in a warning


@dataclass(frozen=True, kw_only=True)
class ServedFormat:
    """Prompt format and settings of a model on a server.

    Attributes
    ----------
    text : callable, optional
        Renders a prompt as the exact text of a request. None sends chat messages; a solution in a chat cannot be
        continued.
    cut : bool
        True to cut a solution where its problem calls it complete, as base models need.
    config : transformers.PreTrainedConfig, optional
        Configuration of the model. Without it FLOPs are not counted, only tokens.
    sampler : Sampler
        Sampling settings; top_k is left to the server.
    max_new_tokens : int
        Default token limit of a solution.
    """

    text: Callable[[Prompt], str] | None = None
    cut: bool = False
    config: PreTrainedConfig | None = None
    sampler: Sampler = field(default_factory=Sampler)
    max_new_tokens: int = 512


class ServedModel(ServerClient, Policy):
    """A policy on a server.

    The key in OPENAI_API_KEY is sent only if the address contains a version (/v1), if `model` is named, or if the
    server has listed its models without a key. Connections to this machine do not use a proxy.

    A request is repeated up to ATTEMPTS times, with growing pauses, if the server is busy, slow, unreachable or fails,
    or if its reply is malformed. A reply without text (a reasoning model at its token limit, a content filter, a tool
    call) and a request that exceeds the model's context become unfinished solutions, with one warning. Reasoning that
    a server returns separately is stored in the solution's `reasoning`, not in its text.

    Parameters
    ----------
    url : str
        Address of the server, up to and including /v1.
    model : str, optional
        The model's name on the server, by default its only model.
    format : ServedFormat, optional
        Prompt format and settings of the model, by default chat messages.
    concurrency : int
        Requests in flight at once.
    timeout : float
        Seconds to wait for a reply.

    Raises
    ------
    ValueError
        For the address of a page on the Hub.
    ServerError
        If every attempt at a request fails, or the server refuses it.
    """

    def __init__(
        self,
        url: str,
        model: str | None = None,
        *,
        format: ServedFormat | None = None,
        concurrency: int = 32,
        timeout: float = 600,
    ) -> None:
        ServerClient.__init__(self, url, model, concurrency, timeout)
        format = format or ServedFormat()
        self.config, self._text, self._sampler = format.config, format.text, format.sampler
        self._max_new_tokens, self._cut = format.max_new_tokens, format.cut
        self._overflowed: set[str] = set()
        self._tried_stop = False
        if self.config:
            self._read_flops = cache(partial(flops.forward_flops, self.config, logits=1))
            self._write_flops = cache(partial(flops.decode_flops, self.config))

    @property
    def max_new_tokens(self) -> int:
        return self._max_new_tokens

    def sampler(self, temperature: float | None = None) -> Sampler:
        """Sampling settings of the requests, with another temperature if one is given."""
        return self._sampler if temperature is None else Sampler(temperature, top_p=self._sampler.top_p)

    def _extend(
        self,
        prompts: list[Prompt],
        partials: list[tuple[int, Solution]],
        temperature: float | None,
        limit: int,
        stop: str | None,
    ) -> list[Solution]:
        sampler = self.sampler(temperature)
        if stop and not self._tried_stop:
            self._try_stop(stop)
        rendered = [self._render(prompt) for prompt in prompts]
        shown, bills = [prompt.shown for prompt in prompts], [Bill(prompt.problem) for prompt in prompts]
        written, last = [solution for _, solution in partials], [Reply("", "limit")] * len(partials)
        for i, solution in partials:
            bills[i].generations += not (solution.length or solution.text)
        growing = list(range(len(partials)))
        for _ in range(1 + MAX_BLANK_LINES):
            owners = [partials[k][0] for k in growing]
            requests = [
                self._request(rendered[i], written[k], sampler, limit - written[k].length, stop)
                for i, k in zip(owners, growing, strict=True)
            ]
            blank = []
            for i, k, replies in zip(owners, growing, self.ask(requests, stop), strict=True):
                for reply in replies:
                    self._add(bills[i], reply)
                old, last[k] = written[k], replies[0]
                written[k] = self._after(old, replies[0], shown[i])
                is_blank = replies[0].ended == "line" and not is_step(old, written[k])
                if is_blank and self._text and written[k].length < limit:
                    blank.append(k)
            growing = blank
            if not growing:
                break
        for bill in bills:
            bill.charge()
        self._warn_unfinished(written, last)
        if last and not stop and all(reply.ended == "limit" and not s.finished for reply, s in zip(last, written)):
            self._warn_all_cut(len(last), limit)
        return written

    def _after(self, solution: Solution, reply: Reply, shown: str) -> Solution:
        """Append a reply to a solution."""
        finished = reply.ended == "text"
        text = solution.text + reply.text
        if self._cut and (end := whole_at(solution.problem, text, len(solution.text))) is not None:
            reply, text, finished = reply.shortened(end - len(solution.text)), text[:end], True
        return Solution(
            solution.problem,
            text,
            finished=finished,
            logprob=solution.logprob + reply.logprob,
            key=solution.key,
            shown=shown,
            length=solution.length + reply.kept,
            reasoning=solution.reasoning + reply.reasoning,
        )

    def _warn_unfinished(self, written: Sequence[Solution], last: Sequence[Reply]) -> None:
        """Warn of problems whose solutions could not be written, once for each problem and each reason."""
        reasons: dict[str, str] = {}
        for solution, reply in zip(written, last, strict=True):
            if reply.ended == "overflow" and solution.problem.id not in self._overflowed:
                self._overflowed.add(solution.problem.id)
                reasons[solution.problem.id] = reply.reason
            elif reply.ended == "cut":
                self._notice(
                    f"ended a reply with the reason {reply.reason!r}, first for the problem {solution.problem.id!r}: "
                    "such solutions are unfinished",
                    f"ended: {reply.reason}",
                )
        if reasons:
            names = ", ".join(map(repr, list(reasons)[:MAX_NAMED]))
            more = f" and {len(reasons) - MAX_NAMED} more" if len(reasons) > MAX_NAMED else ""
            self._notice(
                f"has too small a context for the problems {names}{more}, whose solutions stay unfinished: "
                f"{next(iter(reasons.values()))}"
            )

    def _try_stop(self, stop: str) -> None:
        """Find out whether the server can stop at the end of a line. If not, its replies are cut there."""
        self._tried_stop = True
        request = {"prompt": f"1{stop}2{stop}", "max_tokens": 4, "temperature": 0}

        async def answers(request: dict[str, Any]) -> bool:
            errors = 0
            for _ in range(10):
                try:
                    self._read(await self._send(request), request, None)
                    return True
                except openai.APIConnectionError:  # a server may hang up after an error
                    await pause(0.1)
                except (openai.APIStatusError, ValueError):
                    errors += 1
                if errors == 3:
                    break
            return False

        if not run_in_loop(answers(request | {"stop": [stop]})) and run_in_loop(answers(request)):
            self._notice("cannot stop at the end of a line: the tokens that it generates after the line are wasted")
            self._refused.add("stop")

    def _render(self, prompt: Prompt) -> str | list[dict[str, str]]:
        """A prompt as text, or as the messages of a chat."""
        if self._text:
            return well_formed(self._text(prompt))
        turns = prompt.problem.turns(prompt.attempts, prompt.feedback)
        return [turn | {"content": well_formed(turn["content"])} for turn in turns]

    def _request(
        self, prompt: str | list[dict[str, str]], solution: Solution, sampler: Sampler, tokens: int, stop: str | None
    ) -> dict[str, Any]:
        """The fields of a request. Only fields that all servers know: some servers refuse a request with others."""
        if isinstance(prompt, str):
            request: dict[str, Any] = {"prompt": prompt + solution.text, "logprobs": 1}
        elif solution.text:
            raise ValueError(
                "a partial solution cannot be continued in a chat: load the server with files=, the model's own files, "
                "or with chat=False for a model without a chat template"
            )
        else:
            request = {"messages": prompt, "logprobs": True}
        seed = hashlib.blake2b(f"{solution.key}\n{solution.text}".encode(), digest_size=4).digest()
        request |= {"max_tokens": tokens, "temperature": sampler.temperature, "seed": int.from_bytes(seed) >> 1}
        if sampler.top_p < 1 and sampler.temperature > 0:
            request["top_p"] = sampler.top_p
        return request | ({"stop": [stop]} if stop else {})

    def _add(self, bill: Bill, reply: Reply) -> None:
        new = reply.prompt_tokens - reply.cached_tokens
        known = bool(self.config)
        if new:
            bill.add("prefill", new, self._read_flops(new, reply.cached_tokens) if known else 0)
        if reply.cached_tokens:
            bill.add("cached", reply.cached_tokens, self._read_flops(reply.cached_tokens, 0) if known else 0)
        written = self._write_flops(reply.tokens - 1, reply.prompt_tokens) if known and reply.tokens else 0
        bill.add("decode", reply.tokens, written)
