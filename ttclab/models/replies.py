"""Replies of a server: the text, the tokens and the end that a response states."""

from dataclasses import dataclass, replace
from typing import Any

import openai

ENDED = {"stop", "eos_token", "stop_sequence", "eos", "end_turn"}  # reasons of a text that came to its end
LIMITED = {"length", "max_tokens", "model_length"}


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


def content_of(choice: Any, in_chat: bool) -> tuple[str | None, str]:
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


def cut_at_stop(text: str, reason: str, extra: dict[str, Any], stop: str | None, keeps_stop: bool) -> tuple[str, str]:
    """A reply's text up to and with the stop string, and how it ended; "?" where that can't be told."""
    if stop and stop in text:
        return text[: text.index(stop) + len(stop)], "line"
    if reason in LIMITED:
        return text, "limit"
    if reason not in ENDED:
        return text, "cut"
    reasons = [extra[name] for name in ("stop_reason", "matched_stop") if name in extra]  # vLLM's and SGLang's
    if stop and (stop in reasons or reason == "stop_sequence"):
        return text + stop, "line"
    if not stop or reasons or keeps_stop or reason == "eos_token":
        return text, "text"
    return text, "?"


def token_pieces(said: Any) -> list[tuple[str, float]] | None:
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


def token_count(usage: Any, name: str) -> int | None:
    """A number of tokens in a reply's usage, None if it does not say."""
    value = getattr(usage, name, None)
    return value if isinstance(value, int) and value >= 0 else None
