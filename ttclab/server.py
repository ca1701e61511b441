"""Policies behind a server that speaks OpenAI's protocol: vLLM, SGLang, TGI, llama.cpp, transformers serve and others.

Each solution is a request of its own, with a seed of its own: a server that ignores `n` is used as well as one that
does not, and where the server keeps to its seeds a solution depends on its place alone. What solutions share, their
problem, is sent in the same form each time and those that share it are sent together, so that a server with a prefix
cache reads it once.
"""

import asyncio
import hashlib
import os
import random
import warnings
import weakref
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from threading import Thread
from typing import Any, TypeVar

import openai
from transformers import PreTrainedConfig

from . import flops
from .engine import Sampler
from .policy import Asked, Bill, Policy
from .problems import Solution

ATTEMPTS = 15  # at one request: with the pauses between them three minutes or more, the restart of a server
LONGEST_PAUSE = 30.0  # seconds, unless the server asks for a longer one
HANG_UPS = 3  # that are put up with where a server is asked what it can do
DRAWS = 8  # times that a server is asked whether a line or the text ended, before it is taken for a line
_TRANSIENT = {408, 409, 425, 429}  # statuses below 500 that may be another at the next attempt
_DISPENSABLE = ("logprobs", "seed")  # fields that a request can do without, where a server refuses them
_T = TypeVar("_T")


class ServerError(OSError):
    """What a server did, and what there is to do about it."""


class BrokenReplyError(ValueError):
    """A reply that is not one to the request: cut off, or with something missing."""


@dataclass(frozen=True)
class Reply:
    """What a server wrote. ended: "text", "line" (at the stop string, which is in the text), "limit", or "?".

    tokens: written, of which `kept` are in the text: a server may write on after the line that was asked for.
    """

    text: str
    ended: str
    prompt_tokens: int
    cached_tokens: int
    tokens: int
    kept: int
    logprob: float


class ServedModel(Policy):
    """A policy on a server.

    url: as far as /v1; model: as the server calls it, None for the one it has; text: what a request says for what is
    asked, None to ask in turns of a chat, where no solution can be continued; config: transformers' own, without which
    tokens are counted and FLOPs are not; sampler: how tokens are drawn, but for top_k, which is the server's affair;
    concurrency: requests in flight at once; timeout: seconds for one reply. The key in OPENAI_API_KEY is sent along, if
    there is one.

    Busy, failing, slow and unreachable servers and broken replies are asked again, ATTEMPTS times with growing pauses.
    Raises ServerError where that does not help, or the server refuses a request.
    """

    def __init__(
        self,
        url: str,
        model: str | None = None,
        *,
        text: Callable[[Asked], str] | None = None,
        config: PreTrainedConfig | None = None,
        sampler: Sampler | None = None,
        max_new_tokens: int = 512,
        concurrency: int = 32,
        timeout: float = 600,
    ) -> None:
        if concurrency < 1 or not timeout > 0:
            raise ValueError(f"concurrency must be at least 1 and timeout above 0, not {concurrency} and {timeout}")
        self.url, self.config, self.concurrency = url, config, concurrency
        self._text, self._sampler, self._max_new_tokens = text, sampler or Sampler(), max_new_tokens
        self._noticed: set[str] = set()
        self._refused: set[str] = set()
        self._tried_stop = False
        self._keeps_stop = False  # whether the stop string is in what the server returns
        key = os.environ.get("OPENAI_API_KEY") or "none"
        self._client = client = openai.AsyncOpenAI(base_url=url, api_key=key, max_retries=0, timeout=timeout)
        weakref.finalize(self, lambda: asyncio.run_coroutine_threadsafe(client.close(), _loop())).atexit = False
        self.model = model or self._only_model()
        if config:
            self._read_flops = cache(partial(flops.forward_flops, config, logits=1))
            self._write_flops = cache(partial(flops.decode_flops, config))

    def _only_model(self) -> str:
        there = self.models()
        if len(there) != 1:
            raise ValueError(f"{self.url} has the models {', '.join(there) or '(none)'}: name one as model=...")
        return there[0]

    def models(self) -> list[str]:
        """The names of the server's models. Raises ServerError if it does not say."""

        async def names() -> list[str]:
            return [each.id async for each in self._client.models.list()]

        try:
            return _run(names())
        except (openai.OpenAIError, ValueError) as error:
            raise ServerError(f"no server at {self.url} that lists its models: {_reason(error)}") from None

    @property
    def max_new_tokens(self) -> int:
        return self._max_new_tokens

    def sampler(self, temperature: float | None = None) -> Sampler:
        """How tokens are asked for, unless `temperature` is given."""
        return self._sampler if temperature is None else Sampler(temperature, top_p=self._sampler.top_p)

    def _extend(
        self,
        asked: list[Asked],
        begun: list[tuple[int, Solution]],
        temperature: float | None,
        limit: int,
        stop: str | None,
    ) -> list[Solution]:
        drawn = self.sampler(temperature)
        if stop and not self._tried_stop:
            self._try_stop(stop)
        before = [self._prompt(each) for each in asked]
        requests = [self._request(before[i], s, drawn, limit - s.length, stop) for i, s in begun]
        replies = self.ask(requests, stop)
        shown, bills, solutions = [each.shown for each in asked], [Bill(each.problem) for each in asked], []
        for (i, solution), written in zip(begun, replies, strict=True):
            bills[i].generations += not (solution.length or solution.text)
            for reply in written:
                self._add(bills[i], reply)
            last = written[0]
            solutions.append(
                Solution(
                    solution.problem,
                    solution.text + last.text,
                    finished=last.ended == "text",
                    logprob=solution.logprob + last.logprob,
                    key=solution.key,
                    shown=shown[i],
                    length=solution.length + last.kept,
                )
            )
        for bill in bills:
            bill.charge()
        return solutions

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

        if not _run(answers(request | {"stop": [stop]})) and _run(answers(request)):
            self._notice("can't stop at the end of a line: what it writes after it goes to waste")
            self._refused.add("stop")

    def _prompt(self, asked: Asked) -> str | list[dict[str, str]]:
        return self._text(asked) if self._text else asked.problem.turns(asked.attempts, asked.feedback)

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

    def ask(self, requests: Sequence[dict[str, Any]], stop: str | None = None) -> list[list[Reply]]:
        """A reply to each request, those first of all that came of it. Interrupted, it breaks off what is in flight."""

        async def all_of_them() -> list[list[Reply]]:
            places = asyncio.Semaphore(self.concurrency)

            async def one(request: dict[str, Any]) -> list[Reply]:
                async with places:
                    return await self._settled(request, stop)

            tasks = [asyncio.ensure_future(one(request)) for request in requests]
            try:
                return await asyncio.gather(*tasks)
            finally:
                for task in tasks:
                    task.cancel()

        return _run(all_of_them())

    async def _settled(self, request: dict[str, Any], stop: str | None) -> list[Reply]:
        """The reply to a request, then those to the questions that it took to know how it ended.

        Most servers don't say whether they stopped at the stop string or at the end of the text. Those are asked what
        comes next, without a stop string, until they say one of the two: that is how often either would come.
        """
        reply = await self._reply(request, stop)
        if reply.ended != "?":
            return [reply]
        questions = []
        for draw in range(DRAWS):
            question = {name: value for name, value in request.items() if name != "stop"}
            question |= {"prompt": request["prompt"] + reply.text, "max_tokens": 2, "seed": request["seed"] ^ draw}
            questions.append(await self._reply(question, None))
            if not questions[-1].text and questions[-1].ended == "text":
                return [replace(reply, ended="text"), *questions]
            if questions[-1].text.startswith(stop or ""):
                break
        return [replace(reply, ended="line", text=reply.text + (stop or "")), *questions]

    async def _reply(self, request: dict[str, Any], stop: str | None) -> Reply:
        for attempt in range(ATTEMPTS):
            sent = {field: value for field, value in request.items() if field not in self._refused}
            try:
                return self._read(await self._send(sent), request, stop)
            except (openai.APIConnectionError, openai.APIResponseValidationError, ValueError) as error:
                reason, wait = _reason(error), 0.0
            except openai.APIStatusError as error:
                reason, wait = _reason(error), _wished(error.response.headers.get("retry-after"))
                if error.status_code < 500 and error.status_code not in _TRANSIENT:
                    refused = {field for field in _DISPENSABLE if field in sent and field in reason}
                    if not refused:
                        raise ServerError(f"{self.url} refuses a request: {reason}") from None
                    self._notice(f"refuses {' and '.join(sorted(refused))}: it is asked without from here on")
                    self._refused |= refused
                    continue
            if attempt + 1 < ATTEMPTS:
                await pause(max(wait, random.uniform(0.5, 1) * min(2.0 ** (attempt - 1), LONGEST_PAUSE)))
        raise ServerError(f"{self.url} failed {ATTEMPTS} times in a row at one request, the last time: {reason}")

    def send(self, requests: Sequence[dict[str, Any]]) -> list[Any]:
        """What comes of each request, all at a time: the server's reply as it is, or an exception.

        A request is sent again only if the server hung up, as some do on whoever comes after an error.
        """

        async def one(request: dict[str, Any]) -> Any:
            for _ in range(HANG_UPS):
                try:
                    return await self._send(request)
                except openai.APITimeoutError:
                    raise
                except openai.APIConnectionError:
                    await pause(0.1)
            return await self._send(request)

        async def all_of_them() -> list[Any]:
            return await asyncio.gather(*map(one, requests), return_exceptions=True)

        return _run(all_of_them())

    async def _send(self, request: dict[str, Any]) -> Any:
        create: Any = self._client.chat.completions.create if "messages" in request else self._client.completions.create
        return await create(model=self.model, **request)

    def _read(self, reply: Any, request: dict[str, Any], stop: str | None) -> Reply:
        choices = getattr(reply, "choices", None)
        if not choices:
            raise BrokenReplyError("a reply without choices")
        if len(choices) > 1:
            self._notice(f"writes {len(choices)} solutions where one is asked for: the others go to waste")
        choice = choices[0]
        text = choice.message.content if "messages" in request else choice.text
        if not isinstance(text, str) or choice.finish_reason not in ("stop", "length", "eos_token", "stop_sequence"):
            raise BrokenReplyError(f"a reply of {text!r} that ended for the reason {choice.finish_reason!r}")
        said = _logprobs(choice.logprobs) if text else []
        if said is None and "logprobs" not in self._refused:
            self._notice("gives no logprobs: its solutions have no likelihood, and no self-evaluation")
        usage, limited = reply.usage, choice.finish_reason == "length"
        if usage is None:
            self._notice("does not say how many tokens it reads and writes: the bill misses what it does not say")
        tokens = usage.completion_tokens if usage else request["max_tokens"] if limited else len(said or ())
        details = getattr(usage, "prompt_tokens_details", None)
        self._keeps_stop |= bool(stop and stop in text)
        kept, ended = _cut(text, choice, stop, limited, self._keeps_stop)
        return Reply(
            kept,
            ended,
            prompt_tokens=usage.prompt_tokens if usage else 0,
            cached_tokens=getattr(details, "cached_tokens", None) or 0,
            tokens=tokens,
            kept=min(tokens, round(tokens * len(kept) / len(text))) if text else tokens,
            logprob=float("nan") if said is None else sum(said),
        )

    def _add(self, bill: Bill, reply: Reply) -> None:
        new = reply.prompt_tokens - reply.cached_tokens
        price = bool(self.config)
        if new:
            bill.add("prefill", new, self._read_flops(new, reply.cached_tokens) if price else 0)
        if reply.cached_tokens:
            bill.add("cached", reply.cached_tokens, self._read_flops(reply.cached_tokens, 0) if price else 0)
        written = self._write_flops(reply.tokens - 1, reply.prompt_tokens) if price and reply.tokens else 0
        bill.add("decode", reply.tokens, written)

    def _notice(self, what: str) -> None:
        """Say it once."""
        if what not in self._noticed:
            self._noticed.add(what)
            warnings.warn(f"the server {self.url} {what}", stacklevel=2)


async def pause(seconds: float) -> None:
    """Between two attempts."""
    await asyncio.sleep(seconds)


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """An event loop in a thread of its own: a notebook's own is taken."""
    loop = asyncio.new_event_loop()
    Thread(target=loop.run_forever, daemon=True, name="ttclab server").start()
    return loop


def _run(work: Coroutine[Any, Any, _T]) -> _T:
    future = asyncio.run_coroutine_threadsafe(work, _loop())
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


def _cut(text: str, choice: Any, stop: str | None, limited: bool, keeps_stop: bool) -> tuple[str, str]:
    """A reply's text up to and with the stop string, and how it ended; "?" where that can't be told."""
    if stop and stop in text:
        return text[: text.index(stop) + len(stop)], "line"
    if limited:
        return text, "limit"
    said = choice.model_extra or {}
    reasons = [said[name] for name in ("stop_reason", "matched_stop") if name in said]  # vLLM's and SGLang's
    if stop and (stop in reasons or choice.finish_reason == "stop_sequence"):
        return text + stop, "line"
    if not stop or reasons or keeps_stop or choice.finish_reason == "eos_token":
        return text, "text"
    return text, "?"


def _logprobs(said: Any) -> list[float] | None:
    """The log-probability of each token; None where there are none. Some servers give them in the form of chats."""
    fields = said.model_dump() if isinstance(said, openai.BaseModel) else {}
    values = fields.get("token_logprobs") or [each.get("logprob") for each in fields.get("content") or ()]
    return [float(value) for value in values if value is not None] or None


def _wished(seconds: str | None) -> float:
    """What a server asks for between two attempts; its dates are not read."""
    return min(float(seconds), 4 * LONGEST_PAUSE) if seconds and seconds.isdecimal() else 0.0


def _reason(error: Exception) -> str:
    """An error in one line."""
    text = " ".join(str(error.__cause__ or error).split())
    return f"{type(error).__name__}, {text[:300]}"
