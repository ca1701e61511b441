"""The connection to a server: its address, proxies, an event loop, and errors."""

import asyncio
import re
from collections.abc import Coroutine
from functools import cache
from ipaddress import ip_address
from threading import Thread
from typing import Any, TypeVar
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import openai

LONGEST_PAUSE = 30.0  # seconds, unless the server asks for a longer pause
_TOO_LONG = re.compile(  # error messages of different servers for a request that exceeds the model's context
    r"context[ _-]?(length|window|size|limit)|max_model_len|reduce the length|longer than the model|"
    r"(prompt|input|request)[^.]{0,20} too (long|large)|too many [a-z ]{0,10}tokens|`inputs`|"
    r"maximum (context|prompt|input|sequence|model) ?length|"
    r"exceeds?[^.]{0,40} (maximum|context|limit|length)",
    re.IGNORECASE,
)
_T = TypeVar("_T")


class ServerError(OSError):
    """A failure of a server. The message says what to do about it."""


def is_overflow(error: openai.APIStatusError) -> bool:
    """Whether a request was refused because it exceeds the model's context."""
    if error.status_code == 429:  # waiting helps, except for a request above the limit of tokens a minute
        return "request too large" in str(error).lower()
    return error.status_code == 413 or (error.status_code in (400, 422, 500) and bool(_TOO_LONG.search(str(error))))


def address_hint(url: str) -> str:
    """Suggested correction of an address at which no server answers; "" if the address looks right."""
    path = urlsplit(url).path.rstrip("/")
    bare = re.sub(r"/(chat/completions|completions|responses|models|chat)$", "", path)
    wanted = bare if has_version(bare) else f"{bare}/v1"
    return (
        "" if path == wanted else f"; an address ends with /v1: try {url[: url.index('://') + 3]}{host_of(url)}{wanted}"
    )


def host_of(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]


def has_version(url: str) -> bool:
    """Whether an address contains a version, such as /v1 or /v1beta/openai."""
    return bool(re.search(r"/v[0-9][a-z0-9]*(/|$)", urlsplit(url).path))


def is_loopback(url: str) -> bool:
    """Whether an address belongs to this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback or ip_address(host).is_unspecified
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def proxy_hint(url: str) -> str:
    """A note that an address is reached through a proxy; "" if it is not."""
    parts = urlsplit(url)
    proxies = getproxies()
    if is_loopback(url) or proxy_bypass(parts.hostname or "") or not ({parts.scheme, "all"} & {*proxies}):
        return ""
    return "; requests to it go through a proxy (HTTPS_PROXY, ALL_PROXY): list its host in NO_PROXY to connect directly"


async def pause(seconds: float) -> None:
    """Wait between two attempts."""
    await asyncio.sleep(seconds)


@cache
def event_loop() -> asyncio.AbstractEventLoop:
    """An event loop in its own thread, because a notebook's loop is already running."""
    loop = asyncio.new_event_loop()
    Thread(target=loop.run_forever, daemon=True, name="ttclab server").start()
    return loop


def run_in_loop(work: Coroutine[Any, Any, _T]) -> _T:
    future = asyncio.run_coroutine_threadsafe(work, event_loop())
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


def wished_pause(seconds: str | None) -> float:
    """Seconds to wait from a Retry-After header; a date counts as 0."""
    return min(float(seconds), 4 * LONGEST_PAUSE) if seconds and seconds.isdecimal() else 0.0


def reason_of(error: Exception) -> str:
    """An error as one line of text."""
    text = " ".join(str(error.__cause__ or error).split())
    return f"{type(error).__name__}, {text[:300]}"
