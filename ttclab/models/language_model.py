"""A policy that runs a causal language model in this process."""

import math
import warnings
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from functools import cache, lru_cache, partial
from typing import Any

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from .. import flops
from ..engine import Engine, GeneratedTokens, Row, Sampler, kept_prefixes
from ..ledger import Bill
from ..policy import Policy, Prompt
from ..solutions import is_step, step_end_of
from ..tasks.problem import Solution, well_formed
from ..token_stats import token_watch
from .configuration import check_cache, ignored_fields, max_new_tokens_of, sampler_of, template_of, turn_end


class LanguageModel(Policy):
    """A causal language model and its tokenizer, run in this process.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        The model. Its generation_config sets the sampling defaults.
    tokenizer : transformers.PreTrainedTokenizerBase
        Its tokenizer.
    chat : bool, optional
        Whether problems are posed as turns of a chat, by default if the tokenizer has a chat template.
    batch_size : int
        Rows that are decoded together.

    Raises
    ------
    ValueError
        For a model with a recurrent state, impossible sampling settings, and chat=True without a chat template.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        chat: bool | None = None,
        batch_size: int = 512,
    ) -> None:
        check_cache(model.config, getattr(model, "_is_stateful", False))
        self.engine = Engine(model, tokenizer, batch_size=batch_size)
        self.config = model.config
        self.tokenizer, self.template = tokenizer, template_of(tokenizer, chat)
        if self.template and (end := turn_end(tokenizer)) is not None:
            self.engine.end_ids = sorted({*self.engine.end_ids, end})
        self.sampler()  # raises for impossible settings now instead of at the first solution
        if fields := ignored_fields(model.generation_config):
            named = ", ".join(f"{name}={value!r}" for name, value in fields.items())
            warnings.warn(
                f"the generation_config of {model.name_or_path or 'the model'} sets {named}: ignored here, where "
                "solutions are drawn from the model's own distribution",
                stacklevel=2,
            )
        # Searches decode and encode the same few texts at every step.
        self._encode = lru_cache(maxsize=1 << 12)(partial(tokenizer.encode, add_special_tokens=not self.template))
        self._decode = lru_cache(maxsize=1 << 12)(tokenizer.decode)
        # Called once a solution, always with the same few lengths.
        self._read_flops = cache(partial(flops.forward_flops, model.config, logits=1))
        self._write_flops = cache(partial(flops.decode_flops, model.config))

    def _extend(
        self,
        prompts: list[Prompt],
        partials: list[tuple[int, Solution]],
        temperature: float | None,
        limit: int,
        stop: str | None,
    ) -> list[Solution]:
        if stop:
            return self._extend_by_line(prompts, partials, temperature, limit, steps=True)
        if self.template or all(each.problem.ended("") is None for each in prompts):
            written = self._decode_rows(prompts, partials, temperature, limit, None)
        else:
            written = self._extend_by_line(prompts, partials, temperature, limit, steps=False)
        watch = token_watch()
        if written and not any(solution.finished for solution in written) and not (watch and watch.floors):
            self._warn_all_cut(len(written), max(solution.length for solution in written))
        return written

    def _extend_by_line(
        self,
        prompts: list[Prompt],
        partials: list[tuple[int, Solution]],
        temperature: float | None,
        limit: int,
        *,
        steps: bool,
    ) -> list[Solution]:
        """Continue solutions line by line to their ends, or to the end of a step.

        Outside a chat a model may have no end-of-text token of its own: after each line the problem decides whether the
        solution is complete. With `steps`, blank lines that the problem does not count as steps are skipped.
        """
        if (watch := token_watch()) and watch.floors and not steps:
            raise ValueError(
                "a solution can be stopped by its confidence only if the model ends solutions by itself, not where the "
                "problem decides line by line whether they are complete"
            )
        written, growing = [solution for _, solution in partials], list(range(len(partials)))
        step_end = step_end_of([each.problem for each in prompts])
        prefixes: dict[Any, Any] = {}
        while growing:
            before = [written[k] for k in growing]
            lines = self._decode_rows(
                prompts, [(partials[k][0], written[k]) for k in growing], temperature, limit, step_end
            )
            for k, solution in zip(growing, lines, strict=True):
                written[k] = solution
            if steps:
                prefixes |= self.engine.prefix_cache  # the next call continues all rows, not only the last ones
            growing = [
                k
                for k, old in zip(growing, before, strict=True)
                if not written[k].finished
                and old.length < written[k].length < limit
                and not (steps and is_step(old, written[k]))
            ]
        if steps:
            self.engine.prefix_cache = prefixes
        return written

    def _decode_rows(
        self,
        prompts: list[Prompt],
        partials: list[tuple[int, Solution]],
        temperature: float | None,
        limit: int,
        stop: str | None,
    ) -> list[Solution]:
        """Continue solutions in one engine call. Those that fill the model's positions are returned unchanged."""
        contexts = self.encode_prompts(prompts)
        full = {k for k, (i, s) in enumerate(partials) if len(contexts[i]) + len(s.tokens) >= self.engine.positions}
        everything, partials = partials, [row for k, row in enumerate(partials) if k not in full]
        if not partials:
            return [solution for _, solution in everything]
        shown, bills = [each.shown for each in prompts], [Bill(each.problem) for each in prompts]
        watch = token_watch()
        floors = watch.floors if watch else {}
        rows = [
            Row(contexts[i] + s.tokens, s.key, len(s.tokens), floors.get(s.problem.id, -math.inf)) for i, s in partials
        ]
        window = watch.window if watch else None
        written = self.engine.write(rows, self.sampler(temperature), max_new_tokens=limit, stop=stop, window=window)
        solutions = []
        for (i, solution), row, new in zip(partials, rows, written, strict=True):
            self._add(bills[i], row, new, generations=not solution.tokens)
            tokens = solution.tokens + new.tokens
            text = self._decode(tokens[:-1] if new.finished else tokens)
            problem, logprob = solution.problem, solution.logprob + new.logprob
            ended = not self.template and text.endswith(problem.step_end) and bool(problem.ended(text))
            stats = new.stats
            if stats and solution.tokens:  # unknown if the earlier tokens have none
                stats = solution.stats.followed_by(stats) if solution.stats else None
            finished = new.finished or ended
            solutions.append(Solution(problem, text, tokens, finished, logprob, solution.key, shown[i], stats=stats))
        for bill in bills:
            bill.charge()
        extended = iter(solutions)
        return [solution if k in full else next(extended) for k, (_, solution) in enumerate(everything)]

    def _first_steps(self, solution: Solution, steps: int) -> Solution:
        kept = super()._first_steps(solution, steps)
        if not kept.text:
            return kept
        # Cut after the token that ends the step, as `generate_step` would have.
        tokens = solution.tokens
        written = range(len(tokens) + 1)
        count = bisect_left(written, len(kept.text), key=lambda n: len(self.tokenizer.decode(tokens[:n])))
        stats = solution.stats.first(count) if solution.stats else None
        kept = replace(kept, text=self.tokenizer.decode(tokens[:count]), tokens=tokens[:count], stats=stats)
        if known := kept_prefixes():
            context = self.encode(Prompt(solution.problem))
            kept = replace(kept, logprob=known.logprob(self.engine, context + kept.tokens))
        return kept

    @property
    def max_new_tokens(self) -> int:
        return max_new_tokens_of(self.engine.model.generation_config)

    def sampler(self, temperature: float | None = None) -> Sampler:
        """This model's sampler: the one of its generation_config, with another temperature if one is given."""
        return sampler_of(self.engine.model.generation_config, temperature)

    def encode_prompts(self, prompts: Sequence[Prompt]) -> list[tuple[int, ...]]:
        """Tokens of prompts. Raises ValueError, naming the problem, for one that leaves no position free."""
        contexts = [self.encode(prompt) for prompt in prompts]
        for prompt, context in zip(prompts, contexts, strict=True):
            if len(context) >= self.engine.positions:
                raise ValueError(
                    f"the prompt of the problem {prompt.problem.id!r} is {len(context)} tokens long, and the model has "
                    f"{self.engine.positions} positions for the prompt and the solution together"
                )
        return contexts

    def encode(self, prompt: Prompt) -> tuple[int, ...]:
        """Tokens of a prompt: turns of a chat, or plain text without a chat template."""
        return tuple(self._encode(well_formed(prompt.text(self.template))))

    def _add(self, bill: Bill, row: Row, new: GeneratedTokens, *, generations: int) -> None:
        computed, cached, tokens = len(row.context) - new.shared, new.shared, len(new.tokens)
        if computed:
            bill.add("prefill", computed, self._read_flops(computed, cached))
        if cached:
            bill.add("cached", cached, self._read_flops(cached, 0))
        bill.add("decode", tokens, self._write_flops(tokens - 1, len(row.context)))
        bill.generations += generations
