"""What a server can do, found out by asking it: `ttclab serve-check URL`."""

from dataclasses import dataclass
from typing import Any

from .connection import ServerError, address_hint
from .server import ServedModel

_TEXT = "749183"  # every tokenizer has digits, and no model is sure how these go on
_CHAT = [{"role": "user", "content": _TEXT}]
_DRAWS = 8


@dataclass(frozen=True)
class Finding:
    """One thing asked of a server. holds: whether it does it; means: what follows from that."""

    what: str
    holds: bool
    means: str


def check(server: ServedModel) -> list[Finding]:
    """What a server does and what it does not, in about fifty short requests. Raises ServerError if it never writes."""

    def ask(*requests: dict[str, Any]) -> list[Any]:
        return server.send([opening | {"max_tokens": 16, "temperature": 0} | request for request in requests])

    opening: dict[str, Any] = {"messages": _CHAT}
    [in_chat] = ask({})
    opening = {"prompt": _TEXT}
    [exact] = ask({})
    if not _texts(exact) and not _texts(in_chat):
        raise ServerError(
            f"{server.url} does not write as {server.model!r}: {_said(exact)}; in a chat: {_said(in_chat)}"
            f"{address_hint(server.url)}"
        )
    if not _texts(exact):
        opening = {"messages": _CHAT}
    first = _texts(exact) or _texts(in_chat)
    logprobs: Any = 1 if _texts(exact) else True
    [again], [two], [likely] = ask({}), ask({"n": 2}), ask({"logprobs": logprobs})
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
            "every strategy, with files= or chat=False", "no steps: whole solutions in chats only",
        ),
        _finding("answers in chats", bool(_texts(in_chat)), "works without files=", "needs files= or chat=False"),
        _finding(
            "greedy text is the same twice", _texts(again) == first,
            "temperature 0 can be compared", "temperature 0 varies: compare means, not texts",
        ),
        _finding(
            "draws differ", varied,
            "many solutions are many", "IT IGNORES THE TEMPERATURE: all solutions to a problem would be one",
        ),
        _finding(
            "keeps to the seed", varied and all(texts == same[0] for texts in same),
            "the same seed gives the same solutions", "a run can't be repeated; what is recorded stays",
        ),
        _finding(
            "heeds n", len(_texts(two)) == 2,
            "not needed: each solution is a request", "not needed: each solution is a request",
        ),
        _finding(
            "gives logprobs", _has_logprobs(likely),
            "solutions have a likelihood", "no likelihood, and no verifier 'self'",
        ),
        _finding(
            "stops at a string", stops,
            "a step costs a step", "steps are cut here: what it writes after them goes to waste",
        ),
        _finding(
            "says what stopped it", stops and _tells(stopped, letter),
            "a step is one request", "if it stops, a step takes a question more: has the text ended?",
        ),
        _finding("counts tokens", usage is not None, "they are in the bill", "the bill misses them"),
        _finding(
            "counts cached tokens", cached is not None,
            "a shared prefix shows on the bill", "a shared prefix is billed each time, read anew or not",
        ),
        _finding(
            f"answers {server.concurrency} requests at once", all(map(_texts, crowd)),
            "as many as are sent", "those that fail are sent again: lower concurrency=",
        ),
    ]  # fmt: skip


def _finding(what: str, holds: bool, if_so: str, if_not: str) -> Finding:
    return Finding(what, holds, if_so if holds else if_not)


def _texts(reply: Any) -> list[str]:
    """What a reply says, by choice, be it reasoning; nothing if it is an exception or no reply."""
    texts = []
    for choice in getattr(reply, "choices", None) or ():
        message = getattr(choice, "message", None)
        places = (choice, "text"), (message, "content"), (message, "reasoning_content"), (message, "reasoning")
        found = [text for where, name in places if isinstance(text := getattr(where, name, None), str)]
        texts += [next(filter(None, found), found[0])] if found else []
    return texts


def _has_logprobs(reply: Any) -> bool:
    return any(getattr(choice, "logprobs", None) for choice in getattr(reply, "choices", None) or ())


def _tells(reply: Any, stop: str) -> bool:
    """Whether the stop string is in the text, or named beside it."""
    for choice in getattr(reply, "choices", None) or ():
        extra = choice.model_extra or {}
        if stop in (extra.get("stop_reason"), extra.get("matched_stop")) or stop in "".join(_texts(reply)):
            return True
    return False


def _said(reply: Any) -> str:
    """What came instead of a text, in one line."""
    return " ".join(str(reply).split())[:200]
