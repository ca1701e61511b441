"""Verifiers: what scores solutions, and says what is wrong with them."""

import math
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from pathlib import Path
from statistics import NormalDist, fmean
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from . import flops, hub
from .engine import random_stream
from .models import ZOO, pick_device, quiet
from .policy import STEP_END, Bill
from .problems import Feedback, Problem, Solution
from .reader import Reader, ReadingModel
from .reward_model import RewardModel

RIGHT, WRONG = Feedback("The answer is right.", "!+"), Feedback("The answer is wrong.", "!-")


class Verifier(Protocol):
    """Anything with a name that scores solutions from 0 (surely wrong) to 1 (surely right)."""

    name: str

    def score(self, solutions: Sequence[Solution]) -> list[float]:
        """One score a solution, (solutions,)."""

    def score_steps(self, solutions: Sequence[Solution]) -> list[list[float]]:
        """One score a step, each for the solution up to and including it."""


class Critic(Protocol):
    """A verifier that says what is wrong."""

    def critique(self, solution: Any) -> Any:
        """What it says of a solution, a Feedback; of a list of solutions, a list."""


class Oracle:
    """Knows the right answer: no real system has it, but its line is the most that choosing can give (coverage)."""

    name = "oracle"

    def score(self, solutions: Sequence[Solution]) -> list[float]:
        charge_calls(solutions)
        return [float(solution.correct) for solution in solutions]

    def score_steps(self, solutions: Sequence[Solution]) -> list[list[float]]:
        charge_calls(solutions)
        return [[float(right) for right in right_so_far(s)] for s in solutions]

    def critique(self, solution: Any) -> Any:
        """Whether the answer is right; of a list of solutions, a list."""
        return _each(solution, lambda solutions: [RIGHT if score else WRONG for score in self.score(solutions)])


class NoisyOracle:
    """The oracle through noise, with a dial: quality is its AUC, 0.5 for chance and 1 for the oracle itself.

    A score is the probability of being right, given a normal deviate whose mean is d' higher if it is (Green and Swets
    1966), where right and wrong are as likely. The noise belongs to what is written: the same text, the same score.
    """

    def __init__(self, quality: float, *, seed: int = 0) -> None:
        if not 0.5 <= quality <= 1:
            raise ValueError(f"a noisy oracle has a quality from 0.5 (chance) to 1 (the oracle), not {quality}")
        self.name = f"noisy oracle, quality {quality:g}"
        self.quality, self.seed = quality, seed
        self._distance = math.sqrt(2) * NormalDist().inv_cdf(quality) if quality < 1 else math.inf

    def score(self, solutions: Sequence[Solution]) -> list[float]:
        charge_calls(solutions)
        return [self._blurred(s.correct, s.problem, s.text, "whole") for s in solutions]

    def score_steps(self, solutions: Sequence[Solution]) -> list[list[float]]:
        charge_calls(solutions)
        return [
            [
                self._blurred(right, s.problem, STEP_END.join(s.steps[: i + 1]))
                for i, right in enumerate(right_so_far(s))
            ]
            for s in solutions
        ]

    def _blurred(self, right: bool, problem: Problem, *written: str) -> float:
        if self.quality == 1:
            return float(right)
        uniform = float(random_stream("/".join((str(self.seed), problem.id, *written)), 1)[0])
        noise = NormalDist().inv_cdf(min(max(uniform, 1e-6), 1 - 1e-6))
        seen = noise + self._distance * (right - 0.5)
        return 1 / (1 + math.exp(-self._distance * seen))


class ForgetfulOracle(NoisyOracle):
    """The oracle through noise that is drawn anew for each step that is written, be it a text that was judged before.

    It doubts below 0.5. The steps that a rewrite keeps were accepted, and stay so.
    """

    def __init__(self, quality: float, *, seed: int = 0) -> None:
        super().__init__(quality, seed=seed)
        self.name = f"forgetful oracle, quality {quality:g}"
        self._accepted: dict[str, int] = {}  # steps that the next solution of a stream keeps

    def score_steps(self, solutions: Sequence[Solution]) -> list[list[float]]:
        charge_calls(solutions)
        scored = []
        for solution in solutions:
            kept = self._accepted.get(solution.key, 0)
            new = enumerate(right_so_far(solution)[kept:], start=kept)
            scores = [1.0] * kept + [self._blurred(right, solution.problem, solution.key, str(i)) for i, right in new]
            self._accepted[f"{solution.key}/rewritten"] = (first_doubt(scores, 0.5) or 1) - 1
            scored.append(scores)
        return scored


LEAST_LIKELY = -300.0  # a log-probability: its exponential is far from the smallest float, which is about e^-745


def likelihood(logprob: float) -> float:
    """The probability of a solution as a score, which falls with its log-probability all the way down.

    Long solutions are so improbable that their probabilities come to 0 in floating point, and to a tie. Below
    LEAST_LIKELY a score therefore is no probability any more: it only keeps the order, between e^-700 and e^-300. What
    is impossible has 0.
    """
    if -math.inf < logprob < LEAST_LIKELY:
        return math.exp(-700 + 400 * LEAST_LIKELY / logprob)
    return math.exp(min(logprob, 0.0))


class SelfEvaluation:
    """The policy's own opinion: the probability it gave to what it wrote. It costs nothing, being known already.

    The score is `likelihood` of the log-probability, so that no two solutions tie unless their log-probabilities do.
    """

    name = "self"

    def score(self, solutions: Sequence[Solution]) -> list[float]:
        charge_calls(solutions)
        for solution in solutions:
            if math.isnan(solution.logprob):
                raise ValueError(f"only the policy's own writing has a likelihood, not {solution.text!r}")
        # Nothing at all, as of a server that gave no text, would be certain.
        return [likelihood(s.logprob) if s.text or s.finished else 0.0 for s in solutions]

    def critique(self, solution: Any) -> Any:
        """How sure the policy was; of a list of solutions, a list."""

        def say(score: float) -> Feedback:
            return Feedback(f"I am {score:.0%} sure.", f"?{min(int(10 * score), 9)}")

        return _each(solution, lambda solutions: [say(score) for score in self.score(solutions)])


class _Trained:
    """A trained network reading solutions in batches: for the shipped verifiers a RewardModel."""

    def __init__(
        self, name: str, model: ReadingModel, tokenizer: PreTrainedTokenizerBase, *, sees_attempts: bool = False
    ) -> None:
        self.name, self.model, self.tokenizer, self.sees_attempts = name, model, tokenizer, sees_attempts
        self._reader = Reader(model)
        # Called once per solution, with few distinct arguments.
        self._flops = cache(model.pass_flops)
        self._encode = lru_cache(maxsize=1 << 12)(self._encode_text)
        self._step_end = tokenizer.convert_tokens_to_ids(STEP_END)

    def read(self, solutions: Sequence[Solution]) -> list[NDArray[np.float32]]:
        """The probability of "right so far" at each token of each solution, the end-of-text token included."""
        contexts = [self._encode((s.shown if self.sees_attempts else "") + s.problem.prompt) for s in solutions]
        return self._read_rows(solutions, contexts, [_tokens(s, self.tokenizer) for s in solutions])

    def _encode_text(self, text: str) -> tuple[int, ...]:
        return tuple(self.tokenizer.encode(text, add_special_tokens=False))

    def _read_rows(
        self, solutions: Sequence[Solution], contexts: Sequence[tuple[int, ...]], written: Sequence[tuple[int, ...]]
    ) -> list[NDArray[np.float32]]:
        """The same of tokens, those before each solution and its own, and what it costs is charged."""
        right, passes = self._reader.read(contexts, written)
        bills: dict[str, Bill] = {}
        for solution, context, tokens, reads in zip(solutions, contexts, written, passes, strict=True):
            if not (bill := bills.get(solution.problem.id)):
                bill = bills[solution.problem.id] = Bill(solution.problem)
            new = sum(tokens for tokens, _ in reads)
            bill.add("verifier", new, sum(self._flops(*read) for read in reads))
            bill.verifier_calls += 1
            if cached := len(context) + len(tokens) - new:
                bill.add("cached", cached, self._flops(cached))
        for bill in bills.values():
            bill.charge()
        return right


class ORM(_Trained):
    """Outcome reward model: is the answer right? (Cobbe et al. 2021)."""

    def score(self, solutions: Sequence[Solution]) -> list[float]:
        return [float(right[-1]) if len(right) else 0.0 for right in self.read(solutions)]

    def critique(self, solution: Any) -> Any:
        """Whether the answer looks right; of a list of solutions, a list."""
        return _each(solution, lambda solutions: [RIGHT if s >= 0.5 else WRONG for s in self.score(solutions)])


class PRM(_Trained):
    """Process reward model: at the end of each step, is the solution right so far? (Lightman et al. 2023)."""

    def score(self, solutions: Sequence[Solution]) -> list[float]:
        """The score of the last step, as in Snell et al. 2024, section 5.1."""
        return [steps[-1] if steps else 0.0 for steps in self.score_steps(solutions)]

    def score_steps(self, solutions: Sequence[Solution]) -> list[list[float]]:
        """A step is scored at its newline, the last one at the end of the text where it has been written."""
        scores = []
        for solution, right in zip(solutions, self.read(solutions), strict=True):
            ends = _step_ends(solution, _tokens(solution, self.tokenizer), self._step_end)
            scores.append([float(right[end]) for end in ends])
        return scores

    def critique(self, solution: Any) -> Any:
        """The first step that looks wrong; of a list of solutions, a list."""

        def say(scores: list[float]) -> Feedback:
            doubted = first_doubt(scores, 0.5)
            if doubted is None:
                return Feedback("No step has an error.", "!0")
            return Feedback(f"Step {doubted} has an error.", f"!{min(doubted, 9)}", doubted)

        return _each(solution, lambda solutions: [say(scores) for scores in self.score_steps(solutions)])


def _tokens(solution: Solution, tokenizer: PreTrainedTokenizerBase) -> tuple[int, ...]:
    """What was written, token by token; from the text where the tokens are not kept."""
    if solution.tokens:
        return solution.tokens
    end = [tokenizer.eos_token_id] if solution.finished else []
    return (*tokenizer.encode(solution.text, add_special_tokens=False), *end)


def _step_ends(solution: Solution, tokens: tuple[int, ...], newline: int) -> list[int]:
    """The place of the last token of each step."""
    ends = [i for i, token in enumerate(tokens) if token == newline]
    steps = len(solution.steps)
    if len(ends) < steps:
        ends.append(len(tokens) - 1)
    elif solution.finished and ends:
        ends[-1] = len(tokens) - 1
    return ends[:steps]


def right_so_far(solution: Solution) -> list[bool]:
    """Whether it is right up to and including each step; one that ended too early is wrong in its last."""
    checks = solution.problem.check_steps(solution.steps)
    if solution.finished and checks:
        checks[-1] = checks[-1] and solution.correct
    return checks


def charge_calls(solutions: Sequence[Solution]) -> None:
    for solution in solutions:
        flops.charge(solution.problem, "verifier", verifier_calls=1)


def _each(solution: Any, say: Callable[[list[Solution]], list[Feedback]]) -> Any:
    """What is said of one solution, or of each in a list."""
    return say([solution])[0] if isinstance(solution, Solution) else say(list(solution))


TRAINED = {
    "orm": ORM, "prm": PRM, "prm-large": PRM, "prm-weak": PRM, "prm-revision": PRM, "prm-rollouts": PRM,
    "prm-exact": PRM,
}  # fmt: skip
SEE_ATTEMPTS = ("prm-revision",)  # read the attempts before a solution too
VERIFIERS = ("oracle", "self", *TRAINED)


def load_verifier(name: str | Path, *, device: str = "auto", **options: Any) -> Any:
    """A verifier: a shipped one, one of VERIFIERS, or an open PRM from a directory or the Hub.

    device: as of `ttclab.load`; of open PRMs only: family, dtype and allow_pickle, see `open_prms.load`. Raises
    ValueError for any other name, and for a PRM that can't be had.
    """
    hub.refuse_page(name)
    if name not in VERIFIERS and (Path(name).is_dir() or hub.is_name(name)):
        from . import open_prms  # they are verifiers of this module

        return open_prms.load(name, device=device, **options)
    if options:
        raise TypeError(f"{', '.join(options)}: only for an open PRM, which {str(name)!r} is not")
    if name == "oracle":
        return Oracle()
    if name == "self":
        return SelfEvaluation()
    if name not in TRAINED:
        raise ValueError(
            f"a verifier is one of {', '.join(VERIFIERS)}, the directory of an open PRM, or owner/name on the Hub, "
            f"not {str(name)!r}"
        )
    name = str(name)
    with quiet():
        model = RewardModel.from_pretrained(ZOO / name, local_files_only=True).to(pick_device(device))
    tokenizer = AutoTokenizer.from_pretrained(ZOO / name, local_files_only=True)
    return TRAINED[name](name, model, tokenizer, sees_attempts=name in SEE_ATTEMPTS)


AGGREGATES: dict[str, Callable[[Sequence[float]], float]] = {
    "last": lambda steps: steps[-1],
    "min": min,
    "prod": math.prod,
    "mean": lambda steps: fmean(steps),
}


def first_doubt(scores: Sequence[float], threshold: float) -> int | None:
    """The first step whose score is below the threshold, from 1; None if there is none."""
    return next((i for i, score in enumerate(scores, start=1) if score < threshold), None)


def score_steps(verifier: Verifier, solutions: Sequence[Solution], aggregate: str) -> list[float]:
    """One score a solution from the scores of its steps: "last", "min", "prod" or "mean"; 0 for one without steps.

    Raises ValueError as `scores_of_steps`.
    """
    return [aggregated(scores, aggregate) for scores in scores_of_steps(verifier, solutions)]


def aggregated(scores: Sequence[float], aggregate: str) -> float:
    """One score from those of a solution's steps, by one of AGGREGATES; 0 for a solution without steps."""
    return float(AGGREGATES[aggregate](scores)) if scores else 0.0


def scores_of_steps(verifier: Verifier, solutions: Sequence[Solution]) -> list[list[float]]:
    """What a verifier says of each step of each solution.

    Raises ValueError naming the verifier if it has no scores for steps, or not one in 0..1 for each.
    """
    if not callable(getattr(verifier, "score_steps", None)):
        raise ValueError(f"a search over steps needs a verifier that scores steps, which {verifier.name!r} does not")
    scored = list(verifier.score_steps(solutions)) if solutions else []
    _check_count(verifier, scored, len(solutions), "lists of step scores")
    for scores, solution in zip(scored, solutions, strict=True):
        _check_count(verifier, scores, len(solution.steps), f"scores for the steps of {solution.text!r}")
        _check_range(verifier, scores)
    return scored


def check_aggregate(aggregate: str) -> None:
    """Raises ValueError unless `aggregate` is one of AGGREGATES."""
    if aggregate not in AGGREGATES:
        raise ValueError(f"aggregate must be one of {', '.join(AGGREGATES)}, not {aggregate!r}")


def score_groups(verifier: Verifier, groups: Sequence[Sequence[Solution]]) -> list[list[float]]:
    """The scores of several groups of solutions, asked for at once.

    Raises ValueError naming the verifier if it returns another number of scores, or one outside 0..1.
    """
    solutions = [solution for group in groups for solution in group]
    scores = list(verifier.score(solutions))
    _check_count(verifier, scores, len(solutions), "scores")
    _check_range(verifier, scores)
    rest = iter(scores)
    return [[next(rest) for _ in group] for group in groups]


def _check_count(verifier: Verifier, given: Sequence[object], wanted: int, what: str) -> None:
    if len(given) != wanted:
        raise ValueError(f"verifier {verifier.name!r} must return {wanted} {what}, not {len(given)}")


def _check_range(verifier: Verifier, scores: Sequence[float]) -> None:
    for score in scores:
        if not (math.isfinite(score) and 0 <= score <= 1):
            raise ValueError(f"verifier {verifier.name!r} must return scores from 0 to 1, not {score}")
