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

LONGEST_PAUSE = 30.0  # seconds, unless the server asks for a longer one
_TOO_LONG = re.compile(  # what servers say of a request that does not fit the model's context, each in its own words
    r"context[ _-]?(length|window|size|limit)|max_model_len|reduce the length|longer than the model|"
    r"(prompt|input|request)[^.]{0,20} too (long|large)|too many [a-z ]{0,10}tokens|`inputs`|"
    r"maximum (context|prompt|input|sequence|model) ?length|"
    r"exceeds?[^.]{0,40} (maximum|context|limit|length)",
    re.IGNORECASE,
)
_T = TypeVar("_T")


class ServerError(OSError):
    """What a server did, and what there is to do about it."""


def is_overflow(error: openai.APIStatusError) -> bool:
    """Whether a request was refused since it does not fit the model's context."""
    if error.status_code == 429:  # of tokens a minute, where no waiting helps; all others are to be asked again
        return "request too large" in str(error).lower()
    return error.status_code == 413 or (error.status_code in (400, 422, 500) and bool(_TOO_LONG.search(str(error))))


def address_hint(url: str) -> str:
    """What may be wrong with an address at which no server answers, "" if it looks like that of one."""
    path = urlsplit(url).path.rstrip("/")
    bare = re.sub(r"/(chat/completions|completions|responses|models|chat)$", "", path)
    wanted = bare if has_version(bare) else f"{bare}/v1"
    return (
        ""
        if path == wanted
        else f"; an address goes as far as /v1: try {url[: url.index('://') + 3]}{host_of(url)}{wanted}"
    )


def host_of(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]


def has_version(url: str) -> bool:
    """Whether an address has a version in it, as servers' addresses do: /v1, /v1beta/openai."""
    return bool(re.search(r"/v[0-9][a-z0-9]*(/|$)", urlsplit(url).path))


def is_loopback(url: str) -> bool:
    """Whether an address is of this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback or ip_address(host).is_unspecified
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def proxy_hint(url: str) -> str:
    """That an address is reached through a proxy, if it is."""
    parts = urlsplit(url)
    proxies = getproxies()
    if is_loopback(url) or proxy_bypass(parts.hostname or "") or not ({parts.scheme, "all"} & {*proxies}):
        return ""
    return "; a proxy is asked for it, as the environment says (HTTPS_PROXY, ALL_PROXY): NO_PROXY names those it is not"


async def pause(seconds: float) -> None:
    """Between two attempts."""
    await asyncio.sleep(seconds)


@cache
def event_loop() -> asyncio.AbstractEventLoop:
    """An event loop in a thread of its own: a notebook's own is taken."""
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
    """What a server asks for between two attempts; its dates are not read."""
    return min(float(seconds), 4 * LONGEST_PAUSE) if seconds and seconds.isdecimal() else 0.0


def reason_of(error: Exception) -> str:
    """An error in one line."""
    text = " ".join(str(error.__cause__ or error).split())
    return f"{type(error).__name__}, {text[:300]}"
