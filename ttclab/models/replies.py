"""Replies of a server: their text, their tokens, and how they ended."""

from dataclasses import dataclass, replace
from typing import Any

import openai

ENDED = {"stop", "eos_token", "stop_sequence", "eos", "end_turn"}  # finish reasons of a complete text
LIMITED = {"length", "max_tokens", "model_length"}


class BrokenReplyError(ValueError):
    """A malformed reply: cut off, or with a field missing."""


class EmptyReplyError(BrokenReplyError):
    """A well-formed reply without the expected text. Another attempt may return one."""


@dataclass(frozen=True)
class Reply:
    """The text that a server returned for a request.

    Attributes
    ----------
    text : str
    ended : {"text", "line", "limit", "cut", "overflow", "?"}
        How the text ended: at its end, at the stop string (which is part of the text), at the token limit, for another
        `reason`, before it began because the request exceeds the model's context, or in an unknown way.
    prompt_tokens, cached_tokens : int
        Tokens of the prompt, and those of them that came from the server's cache.
    tokens, kept : int
        Tokens generated, and those of them that are in the text: a server may generate more than the requested line.
    logprob : float
        Sum over the kept tokens.
    reason : str
        The finish reason, or the error.
    reasoning : str
        The model's reasoning, if the server returns it separately.
    pieces : tuple of (str, float)
        Text and log-probability of each token.
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
        """The reply cut to the first `size` characters of its text, with their tokens and log-probability."""
        if size >= len(self.text):
            return self
        count, seen = 0, ""
        for token, _ in self.pieces:
            if len(seen) >= size:
                break
            count, seen = count + 1, seen + token
        if not seen or not self.text.startswith(seen[:size]):  # tokens that are parts of a character
            count = min(self.kept, round(self.kept * size / len(self.text)))
        logprob = sum(each for _, each in self.pieces[:count]) if self.pieces else self.logprob
        return replace(self, text=self.text[:size], kept=count, logprob=logprob)


def content_of(choice: Any, in_chat: bool) -> tuple[str | None, str]:
    """The text of a choice, or None, and the reasoning that the server returns separately."""
    if not in_chat:
        return (choice.text if isinstance(choice.text, str) else None), ""
    message = choice.message
    content = getattr(message, "content", None)
    apart = [getattr(message, name, None) for name in ("reasoning_content", "reasoning")]  # two names of one field
    reasoning = next((each for each in apart if isinstance(each, str)), "")
    if isinstance(content, list):  # parts, some of them reasoning
        parts = [part for part in content if isinstance(part, dict)]
        reasoning += "".join(_texts_of(part["thinking"]) for part in parts if "thinking" in part)
        content = "".join(_texts_of(part["text"]) for part in parts if "text" in part)
    return (content if isinstance(content, str) else None), reasoning


def _texts_of(part: Any) -> str:
    if isinstance(part, list):
        return "".join(_texts_of(each) for each in part)
    return _texts_of(part.get("text")) if isinstance(part, dict) else part if isinstance(part, str) else ""


def cut_at_stop(text: str, reason: str, extra: dict[str, Any], stop: str | None, keeps_stop: bool) -> tuple[str, str]:
    """A reply's text up to the end of the stop string, and how it ended; "?" if the server does not say."""
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


def token_pieces(logprobs: Any) -> list[tuple[str, float]] | None:
    """Text and log-probability of each token, None without any. Some servers use the form of chats for completions."""
    fields = logprobs.model_dump() if isinstance(logprobs, openai.BaseModel) else {}
    try:
        values = fields.get("token_logprobs")
        if values:
            texts = fields.get("tokens") or [""] * len(values)
        else:
            content = fields.get("content") or ()
            values, texts = [each.get("logprob") for each in content], [each.get("token") for each in content]
        return [(str(text), float(value)) for text, value in zip(texts, values) if value is not None] or None
    except (AttributeError, TypeError, ValueError):  # malformed
        return None


def token_count(usage: Any, name: str) -> int | None:
    """A token count in a reply's usage, None if it is missing."""
    value = getattr(usage, name, None)
    return value if isinstance(value, int) and value >= 0 else None
