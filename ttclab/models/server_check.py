"""Checks of what a server can do: `ttclab serve-check URL`."""

from dataclasses import dataclass
from typing import Any

from .client import ServerReply
from .connection import ServerError, address_hint
from .server import ServedModel

_TEXT = "749183+"  # every tokenizer has digits, and no model is sure how these go on
_CHAT = [{"role": "user", "content": _TEXT}]
_DRAWS = 8


@dataclass(frozen=True)
class Finding:
    """Result of one check of a server.

    Attributes
    ----------
    ability : str
    holds : bool
        Whether the server has the ability.
    consequence : str
        What this means for the user.
    """

    ability: str
    holds: bool
    consequence: str


def check(server: ServedModel) -> list[Finding]:
    """Check a server by about fifty short requests. Raises ServerError if the server never returns text."""

    def ask(*requests: dict[str, Any]) -> list[ServerReply | BaseException]:
        return server.send([opening | {"max_tokens": 16, "temperature": 0} | request for request in requests])

    opening: dict[str, Any] = {"messages": _CHAT}
    [in_chat] = ask({})
    opening = {"prompt": _TEXT}
    [exact] = ask({})
    if not _texts(exact) and not _texts(in_chat):
        raise ServerError(
            f"{server.url} returns no text for the model {server.model!r}: {_one_line(exact)}; "
            f"in a chat: {_one_line(in_chat)}{address_hint(server.url)}"
        )
    if not _texts(exact):
        opening = {"messages": _CHAT}
    first = _texts(exact) or _texts(in_chat)
    logprobs: Any = 1 if _texts(exact) else True
    [again], [two], [with_logprobs] = ask({}), ask({"n": 2}), ask({"logprobs": logprobs})
    drawn = [_texts(reply) for reply in ask(*({"temperature": 1, "seed": seed} for seed in range(_DRAWS)))]
    same = [_texts(ask({"temperature": 1, "seed": 0})[0]) for _ in range(3)]  # one at a time: a seed may be global
    crowd = ask(*({"temperature": 1, "seed": seed} for seed in range(server.concurrency)))
    letter = next((character for character in "".join(first)[1:] if character.isalnum()), "e")
    [stopped] = ask({"stop": [letter]})
    usage = getattr(exact if _texts(exact) else in_chat, "usage", None)
    cached = getattr(getattr(usage, "prompt_tokens_details", None), "cached_tokens", None)
    stops = bool(_texts(stopped)) and len(_texts(stopped)[0]) < len(first[0])
    varied = len({*map(tuple, drawn)}) > 1
    return [
        _finding(
            "continues exact text", bool(_texts(exact)),
            "every strategy works, with files= or chat=False", "no search over steps: only whole solutions, in chats",
        ),
        _finding("answers in chats", bool(_texts(in_chat)), "works without files=", "needs files= or chat=False"),
        _finding(
            "greedy text is the same twice", _texts(again) == first,
            "temperature 0 can be compared", "temperature 0 varies: compare means, not texts",
        ),
        _finding(
            "draws differ", varied,
            "samples are independent", "IT IGNORES THE TEMPERATURE: all solutions of a problem would be equal",
        ),
        _finding(
            "respects the seed", varied and all(texts == same[0] for texts in same),
            "the same seed gives the same solutions", "a run cannot be repeated, only recorded",
        ),
        _finding(
            "respects n", len(_texts(two)) == 2,
            "not needed: each solution is a separate request", "not needed: each solution is a separate request",
        ),
        _finding(
            "returns logprobs", _has_logprobs(with_logprobs),
            "solutions have a likelihood", "no likelihood, and no verifier 'self'",
        ),
        _finding(
            "stops at a string", stops,
            "a step costs one step", "steps are cut here: tokens generated after them are wasted",
        ),
        _finding(
            "reports what stopped it", stops and _reports_stop(stopped, letter),
            "a step is one request", "where it stops, a step needs another request: has the text ended?",
        ),
        _finding("counts tokens", usage is not None, "tokens are billed", "tokens are missing from the bill"),
        _finding(
            "counts cached tokens", cached is not None,
            "a shared prefix is billed as cached", "a shared prefix is billed in full each time, cached or not",
        ),
        _finding(
            f"answers {server.concurrency} requests at once", all(map(_texts, crowd)),
            "all were answered", "failed requests are repeated: lower concurrency=",
        ),
    ]  # fmt: skip


def _finding(ability: str, holds: bool, if_so: str, if_not: str) -> Finding:
    return Finding(ability, holds, if_so if holds else if_not)


def _texts(reply: Any) -> list[str]:
    """The text of each choice of a reply, or its reasoning if it has no text; an empty list for an exception."""
    texts = []
    for choice in getattr(reply, "choices", None) or ():
        message = getattr(choice, "message", None)
        places = (choice, "text"), (message, "content"), (message, "reasoning_content"), (message, "reasoning")
        found = [text for where, name in places if isinstance(text := getattr(where, name, None), str)]
        texts += [next(filter(None, found), found[0])] if found else []
    return texts


def _has_logprobs(reply: Any) -> bool:
    return any(getattr(choice, "logprobs", None) for choice in getattr(reply, "choices", None) or ())


def _reports_stop(reply: Any, stop: str) -> bool:
    """Whether the stop string is part of the text, or in a field beside it."""
    for choice in getattr(reply, "choices", None) or ():
        extra = choice.model_extra or {}
        if stop in (extra.get("stop_reason"), extra.get("matched_stop")) or stop in "".join(_texts(reply)):
            return True
    return False


def _one_line(reply: Any) -> str:
    """A reply or an exception as one line of text."""
    return " ".join(str(reply).split())[:200]
