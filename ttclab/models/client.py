"""Requests to a server, each repeated until the server answers it or the attempts run out."""

import asyncio
import os
import random
import re
import warnings
import weakref
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import openai
from openai.types import Completion
from openai.types.chat import ChatCompletion

from .. import hub
from ..tasks.problem import well_formed
from .connection import (
    LONGEST_PAUSE,
    ServerError,
    address_hint,
    event_loop,
    has_version,
    is_loopback,
    is_overflow,
    pause,
    proxy_hint,
    reason_of,
    run_in_loop,
    wished_pause,
)
from .replies import (
    ENDED,
    LIMITED,
    BrokenReplyError,
    EmptyReplyError,
    Reply,
    content_of,
    cut_at_stop,
    token_count,
    token_pieces,
)

ServerReply = Completion | ChatCompletion

ATTEMPTS = 15  # at one request; with the pauses at least three minutes, enough for a server to restart
MAX_RECONNECTS = 3  # for one request of `serve-check`
END_DRAWS = 8  # draws that decide whether a reply ended at a line or at the end of the text
MAX_EMPTY_REPLIES = 6  # to one request; after them the empty reply is accepted
_TRANSIENT = {408, 409, 425, 429}  # statuses below 500 for which another attempt may succeed
_OPTIONAL_FIELDS = ("logprobs", "seed")  # left out if a server refuses them


class ServerClient:
    """Sends the requests of a `ServedModel`."""

    def __init__(self, url: str, model: str | None, concurrency: int, timeout: float) -> None:
        if concurrency < 1 or not timeout > 0:
            raise ValueError(f"concurrency must be at least 1 and timeout above 0, not {concurrency} and {timeout}")
        hub.refuse_page(url)
        try:
            if not urlsplit(url).hostname or urlsplit(url).port == 0:
                raise ValueError("it names no host")
        except ValueError as error:
            raise ValueError(f"{url} is not the address of a server: {error}") from None
        self.url, self.concurrency, self._timeout = url, concurrency, timeout
        self._noticed: set[str] = set()
        self._limit_name = "max_tokens"  # in chats; newer servers call it max_completion_tokens
        self._refused: set[str] = set()
        self._keeps_stop = False  # True if the server returns the stop string with the text
        key, is_known = os.environ.get("OPENAI_API_KEY") or "none", bool(model) or has_version(url)
        self._client = self._connect(key if is_known else "none")
        self.model = model or self._only_model()
        if not is_known:
            self._client = self._connect(key)

    def _connect(self, key: str) -> openai.AsyncOpenAI:
        try:
            through = openai.DefaultAsyncHttpxClient(trust_env=not is_loopback(self.url))
            client = openai.AsyncOpenAI(
                base_url=self.url, api_key=key, max_retries=0, timeout=self._timeout, http_client=through
            )
        except Exception as error:  # for a bad address or a bad proxy; every library raises its own class
            raise ValueError(f"{self.url} cannot be used as an address: {error}{proxy_hint(self.url)}") from None
        weakref.finalize(self, lambda: asyncio.run_coroutine_threadsafe(client.close(), event_loop())).atexit = False
        return client

    def _only_model(self) -> str:
        names = self.models()
        if len(names) != 1:
            raise ValueError(f"{self.url} has the models {', '.join(names) or '(none)'}: name one as model=...")
        return names[0]

    def models(self) -> list[str]:
        """The names of the server's models. Raises ServerError if the server does not list them."""

        async def names() -> list[str]:
            return [each.id async for each in self._client.models.list()]

        try:
            return run_in_loop(names())
        except (openai.OpenAIError, ValueError, TypeError, AttributeError) as error:  # the last two: malformed replies
            hints = address_hint(self.url) + proxy_hint(self.url)
            raise ServerError(f"no server at {self.url} that lists its models: {reason_of(error)}{hints}") from None

    def ask(self, requests: Sequence[dict[str, Any]], stop: str | None = None) -> list[list[Reply]]:
        """Send requests concurrently. An interrupt cancels the requests in flight.

        Returns
        -------
        list of list of Reply
            For each request its reply, and after it the replies to the questions of how the reply ended.
        """

        async def gather() -> list[list[Reply]]:
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

        return run_in_loop(gather())

    async def _settled(self, request: dict[str, Any], stop: str | None) -> list[Reply]:
        """The reply to a request, and the replies to the questions of how it ended.

        Most servers do not say whether they stopped at the stop string or at the end of the text. They are asked to
        continue without a stop string until they draw one of the two, so each is drawn with its own probability.
        """
        reply = await self._reply(request, stop)
        if reply.ended != "?":
            return [reply]
        if "messages" in request:  # a chat cannot be continued, so the server cannot be asked
            return [replace(reply, ended="line", text=reply.text + (stop or ""))]
        questions = []
        for draw in range(END_DRAWS):
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
                reason, wait, empty = reason_of(error), 0.0, empty + 1
                if empty == MAX_EMPTY_REPLIES:
                    return Reply("", "cut", reason=str(error))
            except (openai.APIConnectionError, openai.APIResponseValidationError, ValueError) as error:
                reason, wait = reason_of(error), 0.0
            except openai.APIStatusError as error:
                reason, wait = reason_of(error), wished_pause(error.response.headers.get("retry-after"))
                if is_overflow(error):
                    return Reply("", "overflow", reason=reason)
                if error.status_code < 500 and error.status_code not in _TRANSIENT:
                    if self._renames_limit(sent, error, limit_name):
                        continue
                    refused = {field for field in _OPTIONAL_FIELDS if field in sent and field in str(error)}
                    if "temperature" in str(error) and sent.get("temperature") == 1:  # the default of every server
                        refused |= {"temperature"}
                    if not refused:
                        hint = address_hint(self.url) if error.status_code in (404, 405) else ""
                        raise ServerError(f"{self.url} refuses a request: {reason}{hint}") from None
                    self._notice(f"refuses {' and '.join(sorted(refused))}: further requests leave the field out")
                    self._refused |= refused
                    continue
            if attempt + 1 < ATTEMPTS:
                await pause(max(wait, random.uniform(0.5, 1) * min(2.0 ** (attempt - 1), LONGEST_PAUSE)))
        hint = proxy_hint(self.url)
        raise ServerError(f"{self.url} failed {ATTEMPTS} times in a row at one request. Last failure: {reason}{hint}")

    def send(self, requests: Sequence[dict[str, Any]]) -> list[ServerReply | BaseException]:
        """Send requests at once; return the server's reply to each as it is, or an exception.

        A request is repeated only if the server closed the connection, as some servers do after an error.
        """

        async def one(request: dict[str, Any]) -> ServerReply:
            for _ in range(MAX_RECONNECTS):
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

        async def gather() -> list[ServerReply | BaseException]:
            return await asyncio.gather(*map(one, requests), return_exceptions=True)

        return run_in_loop(gather())

    async def _send(self, request: dict[str, Any]) -> ServerReply:
        if "messages" not in request:
            return await self._client.completions.create(model=self.model, **request)
        named = {self._limit_name if name == "max_tokens" else name: value for name, value in request.items()}
        return await self._client.chat.completions.create(model=self.model, **named)

    def _renames_limit(self, request: dict[str, Any], error: openai.APIStatusError, limit_name: str) -> bool:
        """If a server refuses max_tokens in a chat, send max_completion_tokens from now on, and return True."""
        if "messages" not in request or limit_name != "max_tokens" or error.status_code not in (400, 422):
            return False
        if is_overflow(error) or not re.search("max_tokens|max_completion_tokens", str(error)):
            return False
        self._limit_name = "max_completion_tokens"
        return True

    def _read(self, reply: Any, request: dict[str, Any], stop: str | None) -> Reply:
        choices = getattr(reply, "choices", None)
        if not isinstance(choices, list):
            raise BrokenReplyError(f"a reply without choices: {' '.join(str(reply).split())[:200]}")
        if not choices:
            raise EmptyReplyError("a reply with an empty list of choices")
        if len(choices) > 1:
            self._notice(f"returns {len(choices)} solutions for a request of one: the others are wasted")
        choice, in_chat = choices[0], "messages" in request
        try:
            content, reasoning = content_of(choice, in_chat)
            reason, extra, logprobs = choice.finish_reason, choice.model_extra or {}, getattr(choice, "logprobs", None)
        except AttributeError as error:
            raise BrokenReplyError(f"a malformed reply: {error}") from None
        if reason == "error" or (content is None and not in_chat and reason in ENDED):
            raise EmptyReplyError(f"a reply of {content!r} that ended with the reason {reason!r}")
        text, limited = well_formed(content or ""), reason in LIMITED
        pieces = token_pieces(logprobs) if text else []
        if pieces is None and "logprobs" not in self._refused:
            self._notice("returns no logprobs: the verifier 'self' cannot score its solutions")
        usage = getattr(reply, "usage", None)
        if usage is None:
            self._notice("does not report its token counts: they are missing from the bill")
        tokens = token_count(usage, "completion_tokens")
        if tokens is None:
            tokens = request["max_tokens"] if limited else len(pieces or ())
        prompt = token_count(usage, "prompt_tokens") or 0
        self._keeps_stop |= bool(stop and stop in text)
        kept, ended = cut_at_stop(text, str(reason), extra, stop, self._keeps_stop)
        if in_chat and not text and ended == "text":
            ended, reason = "cut", f"{reason}, without content"
        whole = Reply(
            text,
            ended,
            prompt_tokens=prompt,
            cached_tokens=min(prompt, token_count(getattr(usage, "prompt_tokens_details", None), "cached_tokens") or 0),
            tokens=tokens,
            kept=tokens,
            logprob=float("nan") if pieces is None else sum(logprob for _, logprob in pieces),
            reason=str(reason),
            reasoning=well_formed(reasoning),
            pieces=tuple(pieces or ()),
        )
        return replace(whole.shortened(len(kept)), text=kept)

    def _notice(self, message: str, name: str = "") -> None:
        """Warn of a behaviour of the server, once for each name; by default the message is the name."""
        if (name or message) not in self._noticed:
            self._noticed.add(name or message)
            warnings.warn(f"the server {self.url} {message}", stacklevel=2)
