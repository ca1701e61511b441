"""Payoffs of chapter 1: the learner's FLOPs and samples at the recorded prices."""

from collections.abc import Callable

import numpy as np

from ttclab import bank, results
from ttclab.exercises.payoffs.yours import over
from ttclab.figures import Drawing
from ttclab.figures.diagrams_allocation import LAST
from ttclab.results.exchange import matched_samples, size_ratio
from ttclab.results.training import block_parameters


def price_of_a_pass(flops: Callable[..., float]) -> Drawing:
    """The bars of the chapter, and where they end by the learner's count."""
    small, many = results.small_samples(), matched_samples()
    large = bank.load("large", "test", greedy=True)

    def count(model: str, run: bank.Samples, N: int) -> float:
        rows = zip(run.prompt_tokens, run.tokens[:, :N].tolist(), strict=True)
        return float(np.mean([flops(block_parameters(model), prompt, lengths, True) for prompt, lengths in rows]))

    ends = [count("large", large, 1), count("small", small, many), count("small", small, 1)]
    return over(
        "price_of_a_pass", "your count", ends, [0, 1, 3],
        "Your count, on the recorded prompts and solutions, ends a little before the bars: attention and the output "
        "layer are left out",
        f"By your count one large pass takes {ends[0] / 1e6:.0f} million FLOPs per problem and {many} small samples "
        f"{ends[1] / 1e6:.0f} million.",
    )  # fmt: skip


def equal_price(samples: Callable[..., int]) -> Drawing:
    """What the learner's number of samples solves, beside one large pass."""
    run = bank.load("large", "test", greedy=True)
    sizes = block_parameters("small"), block_parameters("large")
    N = samples(*sizes, round(np.mean(run.prompt_tokens)), round(float(run.tokens.mean())))
    vote, covered = (float(arm(N).correct.mean()) for arm in (results.vote, results.coverage))
    return over(
        "equal_price", f"your {N} samples", [vote, covered], [1, 4],
        f"By your count, without attention and the output layer, one large pass pays for {N} samples",
        f"A vote of {N} samples solves {vote:.0%}, and one of them is right on {covered:.0%}.",
    )  # fmt: skip


def exchange_rate(rate: Callable[..., float]) -> Drawing:
    """The learner's rate for the models of the book, in both editions."""
    M, ratios = size_ratio(), (0.1, 0.3, 1, 3, 10, 30)
    rates = [rate(M, R, edition) for edition in ("arxiv", "iclr") for R in ratios]
    return over(
        "exchange_rate_by_life", "your rates", ratios * 2, rates,
        "Your rates lie on the curves of both editions of the paper",
        f"With a model {M:.1f} times larger your rate is {rates[0]:.0f} passes at R = 0.1 and {rates[5]:.0f} at "
        "R = 30 (arXiv edition).",
    )  # fmt: skip


def allowance_by_questions(crossing: Callable[..., int | None]) -> Drawing:
    """Where the learner's function has the bills cross, for small models that spend 1.5, 2, 3 and 4 large passes."""
    large = round(results.training_flops("large", at=LAST))
    answer, small = round(results.greedy("large").cost), round(results.training_flops("small"))
    questions = {times: crossing(small, round(times * answer), large, answer) or 0 for times in (1.5, 2, 3, 4)}
    return over(
        "allowance_by_questions", "your crossings", [*questions.values()], [*questions],
        f"Your crossings lie on the curve against {LAST} steps: the more an answer costs, the sooner the large model "
        "is the cheaper one",
        f"At 2 large passes for an answer the bills cross after {questions[2]:,} questions, and at 4 after "
        f"{questions[4]:,}.",
    )  # fmt: skip
