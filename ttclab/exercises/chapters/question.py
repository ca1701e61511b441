"""The exercises of chapter 01."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ttclab.exercises.exercise import NUMBER, WHOLE, Cases, Exercise, agreeing


def _sampling_flops(parameters: int, prompt: int, lengths: Sequence[int], shared: bool) -> int:
    readings = 1 if shared else len(lengths)
    return 2 * parameters * (readings * prompt + sum(lengths) - len(lengths))


def _counted(parameters: int, prompt: int, lengths: list[int], shared: bool) -> tuple[Any, ...]:
    fed = sum(lengths) - len(lengths)
    readings = "once for all" if shared or len(lengths) == 1 else f"{len(lengths)} times"
    why = (
        f"the {prompt} tokens of the prompt are read {readings}, {fed} of the {sum(lengths)} written tokens are fed "
        f"back, and each costs 2 x {parameters}"
    )
    return why, parameters, prompt, lengths, shared


def _one_sample(rng: np.random.Generator) -> Cases:
    for length in (1, 2, int(rng.integers(3, 60))):
        for shared in (True, False):
            yield _counted(int(rng.integers(1, 1000)) * 1000, int(rng.integers(5, 40)), [length], shared)


def _several_samples(shared: bool, rng: np.random.Generator) -> Cases:
    for _ in range(8):
        lengths = rng.integers(1, 60, size=int(rng.integers(2, 7))).tolist()
        lengths.append(lengths[0])  # samples of one length are counted each
        yield _counted(int(rng.integers(1, 1000)) * 1000, int(rng.integers(5, 40)), lengths, shared)


def _matched_samples(small: int, large: int, prompt: int, length: int) -> int:
    left = large * (prompt + length - 1) - small * prompt
    return max(0, left // (small * (length - 1)))


def _matched(small: int, large: int, prompt: int, length: int) -> tuple[Any, ...]:
    pays, reads, writes = large * (prompt + length - 1), small * prompt, small * (length - 1)
    why = (
        f"one large pass costs 2 x {pays}; the small model reads the prompt for 2 x {reads} and writes each sample for "
        f"2 x {writes}"
    )
    return why, small, large, prompt, length


def _equal_sizes(rng: np.random.Generator) -> Cases:
    for _ in range(3):
        size = int(rng.integers(2, 50)) * 1000
        prompt, length = int(rng.integers(5, 40)), int(rng.integers(5, 40))
        yield "the same model pays for itself once", size, size, prompt, length
        yield "the price does not pay even for one sample", size, size - 1, prompt, length
        yield "the price does not even pay for reading the prompt", size, max(1, size // 100), 60, 2


def _exact_fits(rng: np.random.Generator) -> Cases:
    for _ in range(4):
        # Sizes for which the money runs out exactly, and by one unit too early.
        length, samples, size = int(rng.integers(5, 40)), int(rng.integers(2, 30)), int(rng.integers(2, 50))
        prompt = int(rng.integers(1, 20))
        fed = prompt + length - 1
        exact = size * (prompt + samples * (length - 1))
        yield _matched(size * fed, exact, prompt, length)
        yield _matched(size * fed, exact - 1, prompt, length)
    for small, length in ((1, 3), (2, 3), (1, 5)):  # where one parameter or token more or less is a large part
        yield _matched(small, int(rng.integers(60, 90)), int(rng.integers(5, 20)), length)


def _any_sizes(rng: np.random.Generator) -> Cases:
    for _ in range(12):
        small = int(rng.integers(10, 1000)) * 1000
        prompt, length = int(rng.integers(10, 40)), int(rng.integers(10, 60))
        yield _matched(small, small * int(rng.integers(8, 40)) + int(rng.integers(0, small)), prompt, length)


INFERENCE = {"arxiv": 2, "iclr": 4}  # FLOPs for each parameter and token of inference


def _exchange_rate(M: float, R: float, convention: str) -> float:
    if convention not in INFERENCE:
        raise ValueError(f"convention must be one of {', '.join(INFERENCE)}, not {convention!r}")
    if M < 1 or R <= 0:
        raise ValueError(f"M must be at least 1 and R above 0, not {M} and {R}")
    return M + (M - 1) * 6 / (INFERENCE[convention] * R)


def _exchanged(M: float, R: float, convention: str) -> tuple[Any, ...]:
    c = INFERENCE[convention]
    why = (
        f"training costs 6 N D_pre and inference {c} N D_inf, so X / Y is 6 / ({c} x {R:g}) = {6 / (c * R):.4g}, and k "
        f"is {M:g} + {M - 1:g} times that"
    )
    return why, M, R, convention


def _paper_rates(rng: np.random.Generator) -> Cases:
    for convention, shown in (("arxiv", (0.16, 0.79, 22)), ("iclr", (0.08, 0.4, 11))):
        for R in shown:
            yield _exchanged(14, R, convention)


def _other_rates(rng: np.random.Generator) -> Cases:
    for _ in range(4):
        for convention in INFERENCE:
            yield _exchanged(int(rng.integers(2, 80)), int(rng.integers(1, 400)) / 20, convention)
            yield "of two models of one size neither may spend more", 1, int(rng.integers(1, 400)) / 20, convention


def _no_rates(rng: np.random.Generator) -> Cases:
    R = int(rng.integers(1, 40)) / 20
    yield 'the conventions are "arxiv" and "iclr"', 14, R, "icml"
    yield "the large model is not smaller than the small one: M >= 1", 0.5, R, "arxiv"
    yield "a model that answers nothing has no rate: R > 0", 14, 0, "arxiv"
    yield "R is a quotient of token counts: R > 0", 14, -R, "iclr"


def _break_even(small_training: int, small_answer: int, large_training: int, large_answer: int) -> int | None:
    if large_training < small_training:
        return 0
    if large_answer >= small_answer:
        return None
    return (large_training - small_training) // (small_answer - large_answer) + 1


def _lives(small_training: int, small_answer: int, large_training: int, large_answer: int) -> tuple[Any, ...]:
    gap, gain = large_training - small_training, small_answer - large_answer
    why = f"training costs {gap} more, each answer costs {gain} less, and {gap} / {gain} is {gap / gain:.6g}"
    return why, small_training, small_answer, large_training, large_answer


def _ahead_once(rng: np.random.Generator) -> Cases:
    for _ in range(10):
        training, answer = int(rng.integers(10, 100)) * 10**6, int(rng.integers(50, 900))
        gain, questions = int(rng.integers(7, 300)), int(rng.integers(0, 1000))
        gap = gain * questions + int(rng.integers(1, gain))
        yield _lives(training, answer + gain, training + gap, answer)


def _a_tie(rng: np.random.Generator) -> Cases:
    for _ in range(4):
        training, answer = int(rng.integers(10, 100)) * 10**6, int(rng.integers(50, 900))
        gain, questions = int(rng.integers(2, 300)), int(rng.integers(2, 1000))
        _, *case = _lives(training, answer + gain, training + gain * questions, answer)
        yield f"after {questions} questions the bills are equal; one more, and the large model's is lower", *case


def _at_once_or_never(rng: np.random.Generator) -> Cases:
    training, answer = int(rng.integers(10, 100)) * 1000, int(rng.integers(50, 900))
    gap, gain = int(rng.integers(1, 50)) * 100, int(rng.integers(2, 40))
    dearer = "the large model is dearer to train and no cheaper to ask, so its bill is never lower"
    yield dearer, training, answer, training + gap, answer
    yield dearer, training, answer, training + gap, answer + gain
    cheaper = "the large model's bill is lower before the first question"
    yield cheaper, training + gap, answer, training, answer - gain
    yield cheaper, training + gap, answer, training, answer + gain
    yield "the bills are equal until the first question, and one answer costs less", training, answer, training, 1
    yield "the bills are equal for ever, and never lower", training, answer, training, answer


EXERCISES = (
    Exercise(
        id="1.1",
        title="FLOPs of one prompt and several samples",
        points=10,
        goal=(
            "Count the FLOPs of writing samples of the given lengths: 2 for each parameter and each token that passes "
            "through the model. With a shared cache the prompt is read once for all samples, without it once for "
            "each. Reading the prompt gives a sample's first token; each of its tokens but the last is fed back for "
            "the next."
        ),
        hint=(
            "Count the tokens that pass through the model, then multiply by 2 x parameters. A sample of 5 tokens "
            "feeds 4 of them back: nothing is written after the last. Attention is left out."
        ),
        returns=NUMBER,
        example=(1000, 10, [5, 3], True),
        checks=(
            agreeing("one sample", _one_sample),
            agreeing("several samples, the prompt shared", lambda rng: _several_samples(True, rng)),
            agreeing("several samples, each on its own", lambda rng: _several_samples(False, rng)),
        ),
        reference=_sampling_flops,
        payoff="question.price_of_a_pass",
    ),
    Exercise(
        id="1.2",
        title="samples for the price of one large pass",
        points=20,
        goal=(
            "How many samples of the small model cost no more than one pass of the large one? Both read a prompt and "
            "write solutions of one length (2 or more), counted as in exercise 1.1; the small model reads the prompt "
            "once for all its samples. Sizes are parameters; the answer is a whole number, 0 if the price pays for no "
            "sample."
        ),
        hint=(
            "Take what one large pass costs, pay for reading the prompt with the small model, and see how often "
            "writing one sample goes into what is left. Whole numbers divide without rounding errors: use //."
        ),
        returns=WHOLE,
        example=(1000, 14000, 10, 20),
        checks=(
            agreeing("a price for one sample, or none", _equal_sizes),
            agreeing("to the last FLOP", _exact_fits),
            agreeing("a larger model", _any_sizes),
        ),
        reference=_matched_samples,
        payoff="question.equal_price",
    ),
    Exercise(
        id="1.3",
        title="the exchange of training for inference",
        points=10,
        goal=(
            "How many times as many tokens as the large model may a small one write in use, for the same FLOPs in all? "
            "M is the ratio of sizes, R = D_inf / D_pre. Training costs 6 N D_pre; inference 2 N D_inf "
            '("arxiv") or 4 N D_inf ("iclr"). Another convention, M < 1 or R <= 0 raises ValueError.'
        ),
        hint=(
            "With X for training and Y for inference of the small model, the large one costs M X + M Y and the small "
            "one X + k Y. Set them equal and solve for k; X / Y is a number over R."
        ),
        returns=NUMBER,
        example=(14, 1, "arxiv"),
        checks=(
            agreeing("the paper's numbers", _paper_rates),
            agreeing("other models", _other_rates),
            agreeing("what has no rate", _no_rates),
        ),
        reference=_exchange_rate,
        withheld=("ttclab.flops.exchange_rate",),
        payoff="question.exchange_rate",
    ),
    Exercise(
        id="1.4",
        title="when a larger model pays for itself",
        points=20,
        goal=(
            "Two models are trained once and then asked questions: a small one that samples, at small_answer FLOPs a "
            "question, and a large one at large_answer. After how many questions is the large model's bill, training "
            "included, lower for the first time? 0 if it is before any question, None if it never is."
        ),
        hint=(
            "The bill after q questions is training + q x answer. Settle the cases without a crossing first; "
            "otherwise divide the gap in training by the gain of each answer. Lower means lower, not equal."
        ),
        returns=WHOLE,
        example=(100, 9, 200, 4),
        checks=(
            agreeing("bills that cross", _ahead_once),
            agreeing("a tie is not lower", _a_tie),
            agreeing("at once, or never", _at_once_or_never),
        ),
        reference=_break_even,
        payoff="question.allowance_by_questions",
    ),
)
