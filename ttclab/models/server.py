"""Policies behind a server that speaks OpenAI's protocol: vLLM, SGLang, TGI, llama.cpp, transformers serve and others.

Each solution is a request of its own, with a seed of its own: a server that ignores `n` is used as well as one that
does not, and where the server keeps to its seeds a solution depends on its place alone. What solutions share, their
problem, is sent in the same form each time and those that share it are sent together, so that a server with a prefix
cache reads it once.
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
from .connection import (
    pause,
    run_in_loop,
)
from .replies import (
    Reply,
)

BLANK_LINES = 8  # in a row that are not taken for a step
NAMED = 3  # problems that are named in a warning


@dataclass(frozen=True, kw_only=True)
class ServedFormat:
    """How a model on a server is prompted, and what is known of it.

    Attributes
    ----------
    text : callable, optional
        The exact text of a request, from its prompt. None for turns of a chat, where no solution can be continued.
    cut : bool
        Whether a solution ends where its problem says that it is complete, as that of a base model must.
    config : transformers.PreTrainedConfig, optional
        Configuration of the model. Without it tokens are counted and FLOPs are not.
    sampler : Sampler
        How tokens are drawn, except for top_k, which the server decides.
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

    The key in OPENAI_API_KEY is sent along, if there is one, to an address with a version in it (/v1), to one whose
    model is named, and to one that has listed its models without it: to no other page. Addresses of this machine are
    reached without a proxy.

    Busy, failing, slow and unreachable servers and broken replies are asked again, ATTEMPTS times with growing pauses.
    A reply without a text of its own (a reasoning model that came to its limit, a content filter, a call of a tool)
    and a request that does not fit the model's context are an unfinished solution of their problem, and are said once.
    What a server keeps apart as reasoning is the solution's `reasoning`, not its text.

    Parameters
    ----------
    url : str
        Address, as far as /v1.
    model : str, optional
        The model's name there, by default the only one.
    format : ServedFormat, optional
        How the model is prompted, and what is known of it. By default it is asked in turns of a chat.
    concurrency : int
        Requests in flight at once.
    timeout : float
        Seconds for one reply.

    Raises
    ------
    ValueError
        For a page of the Hub.
    ServerError
        Where attempts do not help or the server refuses a request.
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
        """How tokens are asked for, unless `temperature` is given."""
        return self._sampler if temperature is None else Sampler(temperature, top_p=self._sampler.top_p)

    def _extend(
        self,
        asked: list[Prompt],
        begun: list[tuple[int, Solution]],
        temperature: float | None,
        limit: int,
        stop: str | None,
    ) -> list[Solution]:
        drawn = self.sampler(temperature)
        if stop and not self._tried_stop:
            self._try_stop(stop)
        before = [self._prompt(each) for each in asked]
        shown, bills = [each.shown for each in asked], [Bill(each.problem) for each in asked]
        written, last = [solution for _, solution in begun], [Reply("", "limit")] * len(begun)
        for i, solution in begun:
            bills[i].generations += not (solution.length or solution.text)
        going = list(range(len(begun)))
        for _ in range(1 + BLANK_LINES):
            places = [begun[k][0] for k in going]
            requests = [
                self._request(before[i], written[k], drawn, limit - written[k].length, stop)
                for i, k in zip(places, going, strict=True)
            ]
            blank = []
            for i, k, replies in zip(places, going, self.ask(requests, stop), strict=True):
                for reply in replies:
                    self._add(bills[i], reply)
                old, last[k] = written[k], replies[0]
                written[k] = self._after(old, replies[0], shown[i])
                is_blank = replies[0].ended == "line" and not is_step(old, written[k])
                if is_blank and self._text and written[k].length < limit:
                    blank.append(k)
            going = blank
            if not going:
                break
        for bill in bills:
            bill.charge()
        self._say_what_is_missing(written, last)
        if last and not stop and all(reply.ended == "limit" and not s.finished for reply, s in zip(last, written)):
            self._warn_all_cut(len(last), limit)
        return written

    def _after(self, solution: Solution, reply: Reply, shown: str) -> Solution:
        """The solution with what a reply adds to it."""
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

    def _say_what_is_missing(self, written: Sequence[Solution], last: Sequence[Reply]) -> None:
        """Name the problems whose solutions could not be written, and why: each problem, and each reason, once."""
        reasons: dict[str, str] = {}
        for solution, reply in zip(written, last, strict=True):
            if reply.ended == "overflow" and solution.problem.id not in self._overflowed:
                self._overflowed.add(solution.problem.id)
                reasons[solution.problem.id] = reply.reason
            elif reply.ended == "cut":
                self._notice(
                    f"ended a reply for the reason {reply.reason!r}, first to the problem {solution.problem.id!r}: "
                    "such solutions are unfinished",
                    f"ended: {reply.reason}",
                )
        if reasons:
            names = ", ".join(map(repr, list(reasons)[:NAMED]))
            more = f" and {len(reasons) - NAMED} more" if len(reasons) > NAMED else ""
            self._notice(
                f"has too small a context for the problems {names}{more}, whose solutions stay unfinished: "
                f"{next(iter(reasons.values()))}"
            )

    def _try_stop(self, stop: str) -> None:
        """Whether the server can stop at the end of a line. One that can't writes on, and the rest is cut off here."""
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
            self._notice("can't stop at the end of a line: what it writes after it goes to waste")
            self._refused.add("stop")

    def _prompt(self, asked: Prompt) -> str | list[dict[str, str]]:
        if self._text:
            return well_formed(self._text(asked))
        turns = asked.problem.turns(asked.attempts, asked.feedback)
        return [turn | {"content": well_formed(turn["content"])} for turn in turns]

    def _request(
        self, before: str | list[dict[str, str]], solution: Solution, sampler: Sampler, tokens: int, stop: str | None
    ) -> dict[str, Any]:
        """What is sent: the fields that all servers know, and no others, since some refuse what they don't know."""
        if isinstance(before, str):
            request: dict[str, Any] = {"prompt": before + solution.text, "logprobs": 1}
        elif solution.text:
            raise ValueError(
                "a chat can't go on with half a solution: load the server with files=, the model's own files, or with "
                "chat=False for a model without chats"
            )
        else:
            request = {"messages": before, "logprobs": True}
        seed = hashlib.blake2b(f"{solution.key}\n{solution.text}".encode(), digest_size=4).digest()
        request |= {"max_tokens": tokens, "temperature": sampler.temperature, "seed": int.from_bytes(seed) >> 1}
        if sampler.top_p < 1 and sampler.temperature > 0:
            request["top_p"] = sampler.top_p
        return request | ({"stop": [stop]} if stop else {})

    def _add(self, bill: Bill, reply: Reply) -> None:
        new = reply.prompt_tokens - reply.cached_tokens
        price = bool(self.config)
        if new:
            bill.add("prefill", new, self._read_flops(new, reply.cached_tokens) if price else 0)
        if reply.cached_tokens:
            bill.add("cached", reply.cached_tokens, self._read_flops(reply.cached_tokens, 0) if price else 0)
        written = self._write_flops(reply.tokens - 1, reply.prompt_tokens) if price and reply.tokens else 0
        bill.add("decode", reply.tokens, written)
