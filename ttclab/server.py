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
import re
import warnings
import weakref
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from ipaddress import ip_address
from threading import Thread
from typing import Any, TypeVar
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import openai
from transformers import PreTrainedConfig

from . import flops, hub
from .engine import Sampler
from .policy import Bill, Policy, Prompt, is_step, whole_at
from .problems import Solution, well_formed

ATTEMPTS = 15  # at one request: with the pauses between them three minutes or more, the restart of a server
LONGEST_PAUSE = 30.0  # seconds, unless the server asks for a longer one
HANG_UPS = 3  # that are put up with where a server is asked what it can do
DRAWS = 8  # times that a server is asked whether a line or the text ended, before it is taken for a line
EMPTY_REPLIES = 6  # to one request, before a reply without text is taken for the answer
BLANK_LINES = 8  # in a row that are not taken for a step
NAMED = 3  # problems that are named in a warning
_ENDED = {"stop", "eos_token", "stop_sequence", "eos", "end_turn"}  # reasons of a text that came to its end
_LIMITED = {"length", "max_tokens", "model_length"}
_TOO_LONG = re.compile(  # what servers say of a request that does not fit the model's context, each in its own words
    r"context[ _-]?(length|window|size|limit)|max_model_len|reduce the length|longer than the model|"
    r"(prompt|input|request)[^.]{0,20} too (long|large)|too many [a-z ]{0,10}tokens|`inputs`|"
    r"maximum (context|prompt|input|sequence|model) ?length|"
    r"exceeds?[^.]{0,40} (maximum|context|limit|length)",
    re.IGNORECASE,
)
_TRANSIENT = {408, 409, 425, 429}  # statuses below 500 that may be another at the next attempt
_DISPENSABLE = ("logprobs", "seed")  # fields that a request can do without, where a server refuses them
_T = TypeVar("_T")


class ServerError(OSError):
    """What a server did, and what there is to do about it."""


class BrokenReplyError(ValueError):
    """A reply that is not one to the request: cut off, or with something missing."""


class EmptyReplyError(BrokenReplyError):
    """A reply in the right form that has no text where there should be one. It may have one at the next attempt."""


@dataclass(frozen=True)
class Reply:
    """What a server wrote.

    ended: "text", "line" (at the stop string, which is in the text), "limit", "cut" (for another reason, which is in
    `reason`), "overflow" (nothing was written, since the request does not fit the model's context) or "?"; tokens:
    written, of which `kept` are in the text: a server may write on after the line that was asked for; reasoning: what
    the model thought, where the server keeps it apart; pieces: the text of each token with its log-probability.
    """

    text: str
    ended: str
    prompt_tokens: int = 0
    cached_tokens: int = 0
    tokens: int = 0
    kept: int = 0
    logprob: float = 0.0
    reason: str = ""
    reasoning: str = ""
    pieces: tuple[tuple[str, float], ...] = ()

    def shortened(self, size: int) -> "Reply":
        """The reply with the first `size` characters of its text, the tokens in them, and their log-probability."""
        if size >= len(self.text):
            return self
        count, seen = 0, ""
        for token, _ in self.pieces:
            if len(seen) >= size:
                break
            count, seen = count + 1, seen + token
        if not seen or not self.text.startswith(seen[:size]):  # tokens that are parts of characters
            count = min(self.kept, round(self.kept * size / len(self.text)))
        logprob = sum(each for _, each in self.pieces[:count]) if self.pieces else self.logprob
        return replace(self, text=self.text[:size], kept=count, logprob=logprob)


class ServedModel(Policy):
    """A policy on a server.

    url: as far as /v1; model: as the server calls it, None for the one it has; text: what a request says for what is
    asked, None to ask in turns of a chat, where no solution can be continued; cut: whether solutions end where their
    problem says that they are whole, as those of a base model must, by default if `text` is given; config:
    transformers' own, without which tokens are counted and FLOPs are not; sampler: how tokens are drawn, but for top_k,
    which is the server's affair; concurrency: requests in flight at once; timeout: seconds for one reply. The key in
    OPENAI_API_KEY is sent along, if there is one, to an address with a version in it (/v1), to one whose model is
    named, and to one that has listed its models without it: to no other page. Addresses of this machine are reached
    without a proxy.

    Busy, failing, slow and unreachable servers and broken replies are asked again, ATTEMPTS times with growing pauses.
    A reply without a text of its own (a reasoning model that came to its limit, a content filter, a call of a tool)
    and a request that does not fit the model's context are an unfinished solution of their problem, and are said once.
    What a server keeps apart as reasoning is the solution's `reasoning`, not its text.
    Raises ValueError for a page of the Hub, and ServerError where attempts do not help or the server refuses a request.
    """

    def __init__(
        self,
        url: str,
        model: str | None = None,
        *,
        text: Callable[[Prompt], str] | None = None,
        cut: bool | None = None,
        config: PreTrainedConfig | None = None,
        sampler: Sampler | None = None,
        max_new_tokens: int = 512,
        concurrency: int = 32,
        timeout: float = 600,
    ) -> None:
        if concurrency < 1 or not timeout > 0:
            raise ValueError(f"concurrency must be at least 1 and timeout above 0, not {concurrency} and {timeout}")
        hub.refuse_page(url)
        try:
            if not urlsplit(url).hostname or urlsplit(url).port == 0:
                raise ValueError("it names no machine")
        except ValueError as error:
            raise ValueError(f"{url} is no address of a server: {error}") from None
        self.url, self.config, self.concurrency, self._timeout = url, config, concurrency, timeout
        self._text, self._sampler, self._max_new_tokens = text, sampler or Sampler(), max_new_tokens
        self._cut = text is not None if cut is None else cut
        self._noticed: set[str] = set()
        self._overflowed: set[str] = set()
        self._limit_name = "max_tokens"  # of chats; newer servers have another name for it
        self._refused: set[str] = set()
        self._tried_stop = False
        self._keeps_stop = False  # whether the stop string is in what the server returns
        key, is_known = os.environ.get("OPENAI_API_KEY") or "none", bool(model) or _has_version(url)
        self._client = self._connect(key if is_known else "none")
        self.model = model or self._only_model()
        if not is_known:
            self._client = self._connect(key)
        if config:
            self._read_flops = cache(partial(flops.forward_flops, config, logits=1))
            self._write_flops = cache(partial(flops.decode_flops, config))

    def _connect(self, key: str) -> openai.AsyncOpenAI:
        try:
            through = openai.DefaultAsyncHttpxClient(trust_env=not _is_loopback(self.url))
            client = openai.AsyncOpenAI(
                base_url=self.url, api_key=key, max_retries=0, timeout=self._timeout, http_client=through
            )
        except Exception as error:  # of the address, or of that of a proxy: each library has its own
            raise ValueError(f"{self.url} can't be used as an address: {error}{_proxy_hint(self.url)}") from None
        weakref.finalize(self, lambda: asyncio.run_coroutine_threadsafe(client.close(), _loop())).atexit = False
        return client

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
        except (openai.OpenAIError, ValueError, TypeError, AttributeError) as error:  # the last two: of another form
            hints = address_hint(self.url) + _proxy_hint(self.url)
            raise ServerError(f"no server at {self.url} that lists its models: {_reason(error)}{hints}") from None

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

        if not _run(answers(request | {"stop": [stop]})) and _run(answers(request)):
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
        if "messages" in request:  # a chat can't be gone on with, and so not be asked
            return [replace(reply, ended="line", text=reply.text + (stop or ""))]
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
        empty = 0
        for attempt in range(ATTEMPTS):
            sent = {field: value for field, value in request.items() if field not in self._refused}
            limit_name = self._limit_name
            try:
                return self._read(await self._send(sent), request, stop)
            except EmptyReplyError as error:
                reason, wait, empty = _reason(error), 0.0, empty + 1
                if empty == EMPTY_REPLIES:
                    return Reply("", "cut", reason=str(error))
            except (openai.APIConnectionError, openai.APIResponseValidationError, ValueError) as error:
                reason, wait = _reason(error), 0.0
            except openai.APIStatusError as error:
                reason, wait = _reason(error), _wished(error.response.headers.get("retry-after"))
                if _is_overflow(error):
                    return Reply("", "overflow", reason=reason)
                if error.status_code < 500 and error.status_code not in _TRANSIENT:
                    if self._renames_limit(sent, error, limit_name):
                        continue
                    refused = {field for field in _DISPENSABLE if field in sent and field in str(error)}
                    if "temperature" in str(error) and sent.get("temperature") == 1:  # what it does without being told
                        refused |= {"temperature"}
                    if not refused:
                        hint = address_hint(self.url) if error.status_code in (404, 405) else ""
                        raise ServerError(f"{self.url} refuses a request: {reason}{hint}") from None
                    self._notice(f"refuses {' and '.join(sorted(refused))}: it is asked without from here on")
                    self._refused |= refused
                    continue
            if attempt + 1 < ATTEMPTS:
                await pause(max(wait, random.uniform(0.5, 1) * min(2.0 ** (attempt - 1), LONGEST_PAUSE)))
        hint = _proxy_hint(self.url)
        raise ServerError(f"{self.url} failed {ATTEMPTS} times in a row at one request, the last time: {reason}{hint}")

    def send(self, requests: Sequence[dict[str, Any]]) -> list[Any]:
        """What comes of each request, all at a time: the server's reply as it is, or an exception.

        A request is sent again only if the server hung up, as some do on whoever comes after an error.
        """

        async def one(request: dict[str, Any]) -> Any:
            for _ in range(HANG_UPS):
                limit_name = self._limit_name
                try:
                    return await self._send(request)
                except openai.APITimeoutError:
                    raise
                except openai.APIConnectionError:
                    await pause(0.1)
                except openai.APIStatusError as error:
                    if not self._renames_limit(request, error, limit_name):
                        raise
            return await self._send(request)

        async def all_of_them() -> list[Any]:
            return await asyncio.gather(*map(one, requests), return_exceptions=True)

        return _run(all_of_them())

    async def _send(self, request: dict[str, Any]) -> Any:
        if "messages" not in request:
            return await self._client.completions.create(model=self.model, **request)
        named = {self._limit_name if name == "max_tokens" else name: value for name, value in request.items()}
        return await self._client.chat.completions.create(model=self.model, **named)

    def _renames_limit(self, request: dict[str, Any], error: openai.APIStatusError, limit_name: str) -> bool:
        """Whether a refusal is of max_tokens in a chat, as it was sent, which is max_completion_tokens from then on."""
        if "messages" not in request or limit_name != "max_tokens" or error.status_code not in (400, 422):
            return False
        if _is_overflow(error) or not re.search("max_tokens|max_completion_tokens", str(error)):
            return False
        self._limit_name = "max_completion_tokens"
        return True

    def _read(self, reply: Any, request: dict[str, Any], stop: str | None) -> Reply:
        choices = getattr(reply, "choices", None)
        if not isinstance(choices, list):
            raise BrokenReplyError(f"a reply without choices: {' '.join(str(reply).split())[:200]}")
        if not choices:
            raise EmptyReplyError("a reply with no choice in it")
        if len(choices) > 1:
            self._notice(f"writes {len(choices)} solutions where one is asked for: the others go to waste")
        choice, in_chat = choices[0], "messages" in request
        try:
            content, reasoning = _content(choice, in_chat)
            reason, extra, said = choice.finish_reason, choice.model_extra or {}, getattr(choice, "logprobs", None)
        except AttributeError as error:
            raise BrokenReplyError(f"a reply of another form: {error}") from None
        if reason == "error" or (content is None and not in_chat and reason in _ENDED):
            raise EmptyReplyError(f"a reply of {content!r} that ended for the reason {reason!r}")
        text, limited = well_formed(content or ""), reason in _LIMITED
        pieces = _pieces(said) if text else []
        if pieces is None and "logprobs" not in self._refused:
            self._notice("gives no logprobs: its solutions have no likelihood, and no self-evaluation")
        usage = getattr(reply, "usage", None)
        if usage is None:
            self._notice("does not say how many tokens it reads and writes: the bill misses what it does not say")
        tokens = _count(usage, "completion_tokens")
        if tokens is None:
            tokens = request["max_tokens"] if limited else len(pieces or ())
        prompt = _count(usage, "prompt_tokens") or 0
        self._keeps_stop |= bool(stop and stop in text)
        kept, ended = _cut(text, str(reason), extra, stop, self._keeps_stop)
        if in_chat and not text and ended == "text":
            ended, reason = "cut", f"{reason}, without content"
        whole = Reply(
            text,
            ended,
            prompt_tokens=prompt,
            cached_tokens=min(prompt, _count(getattr(usage, "prompt_tokens_details", None), "cached_tokens") or 0),
            tokens=tokens,
            kept=tokens,
            logprob=float("nan") if pieces is None else sum(logprob for _, logprob in pieces),
            reason=str(reason),
            reasoning=well_formed(reasoning),
            pieces=tuple(pieces or ()),
        )
        return replace(whole.shortened(len(kept)), text=kept)

    def _add(self, bill: Bill, reply: Reply) -> None:
        new = reply.prompt_tokens - reply.cached_tokens
        price = bool(self.config)
        if new:
            bill.add("prefill", new, self._read_flops(new, reply.cached_tokens) if price else 0)
        if reply.cached_tokens:
            bill.add("cached", reply.cached_tokens, self._read_flops(reply.cached_tokens, 0) if price else 0)
        written = self._write_flops(reply.tokens - 1, reply.prompt_tokens) if price and reply.tokens else 0
        bill.add("decode", reply.tokens, written)

    def _notice(self, what: str, name: str = "") -> None:
        """Say something once. name: by which it is known, by default what is said."""
        if (name or what) not in self._noticed:
            self._noticed.add(name or what)
            warnings.warn(f"the server {self.url} {what}", stacklevel=2)


def _is_overflow(error: openai.APIStatusError) -> bool:
    """Whether a request was refused since it does not fit the model's context."""
    if error.status_code == 429:  # of tokens a minute, where no waiting helps; all others are to be asked again
        return "request too large" in str(error).lower()
    return error.status_code == 413 or (error.status_code in (400, 422, 500) and bool(_TOO_LONG.search(str(error))))


def address_hint(url: str) -> str:
    """What may be wrong with an address at which no server answers, "" if it looks like that of one."""
    path = urlsplit(url).path.rstrip("/")
    bare = re.sub(r"/(chat/completions|completions|responses|models|chat)$", "", path)
    wanted = bare if _has_version(bare) else f"{bare}/v1"
    return (
        ""
        if path == wanted
        else f"; an address goes as far as /v1: try {url[: url.index('://') + 3]}{_host(url)}{wanted}"
    )


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]


def _has_version(url: str) -> bool:
    """Whether an address has a version in it, as servers' addresses do: /v1, /v1beta/openai."""
    return bool(re.search(r"/v[0-9][a-z0-9]*(/|$)", urlsplit(url).path))


def _is_loopback(url: str) -> bool:
    """Whether an address is of this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback or ip_address(host).is_unspecified
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _proxy_hint(url: str) -> str:
    """That an address is reached through a proxy, if it is."""
    parts = urlsplit(url)
    proxies = getproxies()
    if _is_loopback(url) or proxy_bypass(parts.hostname or "") or not ({parts.scheme, "all"} & {*proxies}):
        return ""
    return "; a proxy is asked for it, as the environment says (HTTPS_PROXY, ALL_PROXY): NO_PROXY names those it is not"


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


def _content(choice: Any, in_chat: bool) -> tuple[str | None, str]:
    """The text of a choice, or None, and the reasoning that is kept apart from it."""
    if not in_chat:
        return (choice.text if isinstance(choice.text, str) else None), ""
    message = choice.message
    content = getattr(message, "content", None)
    apart = [getattr(message, name, None) for name in ("reasoning_content", "reasoning")]  # one and the same
    reasoning = next((each for each in apart if isinstance(each, str)), "")
    if isinstance(content, list):  # in parts, of which some are reasoning
        parts = [part for part in content if isinstance(part, dict)]
        reasoning += "".join(_texts_of(part["thinking"]) for part in parts if "thinking" in part)
        content = "".join(_texts_of(part["text"]) for part in parts if "text" in part)
    return (content if isinstance(content, str) else None), reasoning


def _texts_of(part: Any) -> str:
    if isinstance(part, list):
        return "".join(_texts_of(each) for each in part)
    return _texts_of(part.get("text")) if isinstance(part, dict) else part if isinstance(part, str) else ""


def _cut(text: str, reason: str, extra: dict[str, Any], stop: str | None, keeps_stop: bool) -> tuple[str, str]:
    """A reply's text up to and with the stop string, and how it ended; "?" where that can't be told."""
    if stop and stop in text:
        return text[: text.index(stop) + len(stop)], "line"
    if reason in _LIMITED:
        return text, "limit"
    if reason not in _ENDED:
        return text, "cut"
    reasons = [extra[name] for name in ("stop_reason", "matched_stop") if name in extra]  # vLLM's and SGLang's
    if stop and (stop in reasons or reason == "stop_sequence"):
        return text + stop, "line"
    if not stop or reasons or keeps_stop or reason == "eos_token":
        return text, "text"
    return text, "?"


def _pieces(said: Any) -> list[tuple[str, float]] | None:
    """The text and log-probability of each token; None where there are none. Some servers give them as in chats."""
    fields = said.model_dump() if isinstance(said, openai.BaseModel) else {}
    try:
        values = fields.get("token_logprobs")
        if values:
            texts = fields.get("tokens") or [""] * len(values)
        else:
            content = fields.get("content") or ()
            values, texts = [each.get("logprob") for each in content], [each.get("token") for each in content]
        return [(str(text), float(value)) for text, value in zip(texts, values) if value is not None] or None
    except (AttributeError, TypeError, ValueError):  # of another form
        return None


def _count(usage: Any, name: str) -> int | None:
    """A number of tokens in a reply's usage, None if it does not say."""
    value = getattr(usage, name, None)
    return value if isinstance(value, int) and value >= 0 else None


def _wished(seconds: str | None) -> float:
    """What a server asks for between two attempts; its dates are not read."""
    return min(float(seconds), 4 * LONGEST_PAUSE) if seconds and seconds.isdecimal() else 0.0


def _reason(error: Exception) -> str:
    """An error in one line."""
    text = " ".join(str(error.__cause__ or error).split())
    return f"{type(error).__name__}, {text[:300]}"
