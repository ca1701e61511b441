"""Verifiers: they score solutions or their steps, and some say where a solution goes wrong."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from itertools import accumulate
from pathlib import Path
from statistics import NormalDist, fmean
from typing import Literal, Protocol, overload

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from . import hub, ledger
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
        """Score solutions.

        Parameters
        ----------
        solutions : sequence of Solution
            Solutions to one problem or to several.

        Returns
        -------
        list of float
            One score in [0, 1] for each.
        """


class StepVerifier(Verifier, Protocol):
    """A verifier that also scores steps, as searches over steps need it."""

    def score_steps(self, solutions: Sequence[Solution]) -> list[list[float]]:
        """Score every step of solutions.

        Parameters
        ----------
        solutions : sequence of Solution
            Solutions to one problem or to several, finished or not.

        Returns
        -------
        list of list of float
            For each solution one score in [0, 1] a step: is the solution right up to and including this step?
        """


class Critic(Protocol):
    """A verifier that says in words what is wrong with a solution."""

    @overload
    def critique(self, solution: Solution) -> Feedback: ...

    @overload
    def critique(self, solution: Sequence[Solution]) -> list[Feedback]: ...

    def critique(self, solution: Solution | Sequence[Solution]) -> Feedback | list[Feedback]:
        """Comment on solutions.

        Parameters
        ----------
        solution : Solution or list of Solution
            One solution, or several.

        Returns
        -------
        Feedback, or list of Feedback for a list of solutions
        """


class _Critique(ABC):
    """Implements `critique` for one solution and for a list; subclasses implement `_feedback`."""

    @overload
    def critique(self, solution: Solution) -> Feedback: ...

    @overload
    def critique(self, solution: Sequence[Solution]) -> list[Feedback]: ...

    def critique(self, solution: Solution | Sequence[Solution]) -> Feedback | list[Feedback]:
        """Comment on a solution, or on each in a list."""
        if isinstance(solution, Solution):
            return self._feedback([solution])[0]
        return self._feedback(list(solution))

    @abstractmethod
    def _feedback(self, solutions: list[Solution]) -> list[Feedback]:
        """One comment for each solution."""


class Oracle(_Critique):
    """Knows the right answers. No real system does; the oracle is the upper bound of any selection rule (coverage)."""

    name = "oracle"

    def score(self, solutions: Sequence[Solution]) -> list[float]:
        """1 for a right solution, 0 for a wrong one."""
        charge_calls(solutions)
        return [float(solution.correct) for solution in solutions]

    def score_steps(self, solutions: Sequence[Solution]) -> list[list[float]]:
        """For each step 1 if the solution is right so far, else 0."""
        charge_calls(solutions)
        return [[float(right) for right in right_so_far(s)] for s in solutions]

    def _feedback(self, solutions: list[Solution]) -> list[Feedback]:
        """Whether each answer is right."""
        return [RIGHT if score else WRONG for score in self.score(solutions)]


class NoisyOracle:
    """An oracle with Gaussian noise (Green and Swets 1966).

    The oracle sees a normal deviate whose mean is higher by d' for a right solution. The score is the probability of
    "right" given this deviate, when right and wrong are equally likely. The noise is a function of the text: the same
    text always gets the same score.

    Parameters
    ----------
    quality : float
        AUC of the scores, from 0.5 (chance) to 1 (the oracle).
    seed : int
        Seed of the noise.

    Raises
    ------
    ValueError
        If quality is outside 0.5..1.
    """

    def __init__(self, quality: float, *, seed: int = 0) -> None:
        if not 0.5 <= quality <= 1:
            raise ValueError(f"a noisy oracle has a quality from 0.5 (chance) to 1 (the oracle), not {quality}")
        self.name = f"noisy oracle, quality {quality:g}"
        self.quality, self.seed = quality, seed
        self._distance = math.sqrt(2) * NormalDist().inv_cdf(quality) if quality < 1 else math.inf

    def score(self, solutions: Sequence[Solution]) -> list[float]:
        charge_calls(solutions)
        return [self._noisy_score(s.correct, s.problem, s.text, "whole") for s in solutions]

    def score_steps(self, solutions: Sequence[Solution]) -> list[list[float]]:
        charge_calls(solutions)
        return [
            [
                self._noisy_score(right, s.problem, STEP_END.join(s.steps[: i + 1]))
                for i, right in enumerate(right_so_far(s))
            ]
            for s in solutions
        ]

    def _noisy_score(self, right: bool, problem: Problem, *text: str) -> float:
        if self.quality == 1:
            return float(right)
        uniform = float(random_stream("/".join((str(self.seed), problem.id, *text)), 1)[0])
        noise = NormalDist().inv_cdf(min(max(uniform, 1e-6), 1 - 1e-6))
        observed = noise + self._distance * (right - 0.5)
        return 1 / (1 + math.exp(-self._distance * observed))


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
            scores = [1.0] * kept + [
                self._noisy_score(right, solution.problem, solution.key, str(i)) for i, right in new
            ]
            self._accepted[f"{solution.key}/rewritten"] = (first_doubt(scores, 0.5) or 1) - 1
            scored.append(scores)
        return scored


LEAST_LIKELY = -300.0  # a log-probability: its exponential is far from the smallest float, which is about e^-745


def likelihood(logprob: float) -> float:
    """Probability of a solution, as a score that stays above 0 and strictly increasing for any log-probability.

    Long solutions have probabilities that underflow to 0, where all would tie. Below LEAST_LIKELY the score is
    therefore no probability: it only keeps the order, between e^-700 and e^-300. An impossible solution scores 0.
    """
    if -math.inf < logprob < LEAST_LIKELY:
        return math.exp(-700 + 400 * LEAST_LIKELY / logprob)
    return math.exp(min(logprob, 0.0))


class SelfEvaluation(_Critique):
    """The policy's own probability of what it wrote. It costs nothing, because the policy computed it while writing.

    The score is `likelihood` of the log-probability, so two solutions tie only if their log-probabilities do.
    """

    name = "self"

    def score(self, solutions: Sequence[Solution]) -> list[float]:
        """The probability of each solution. Raises ValueError for a solution without a log-probability."""
        charge_calls(solutions)
        for solution in solutions:
            if math.isnan(solution.logprob):
                raise ValueError(f"only the policy's own writing has a likelihood, not {solution.text!r}")
        # An empty unfinished solution, as from a server that returned no text, would be certain.
        return [likelihood(s.logprob) if s.text or s.finished else 0.0 for s in solutions]

    def _feedback(self, solutions: list[Solution]) -> list[Feedback]:
        """How sure the policy was of each solution."""
        scores = self.score(solutions)
        return [Feedback(f"I am {score:.0%} sure.", f"?{min(int(10 * score), 9)}") for score in scores]


class _Trained(_Critique):
    """A trained network that reads solutions in batches; for the shipped verifiers a RewardModel."""

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
        """Probability of "right so far" at each token of each solution, including the end-of-text token."""
        contexts = [self._encode((s.shown if self.sees_attempts else "") + s.problem.prompt) for s in solutions]
        return self._read_rows(solutions, contexts, [_tokens(s, self.tokenizer) for s in solutions])

    def _encode_text(self, text: str) -> tuple[int, ...]:
        return tuple(self.tokenizer.encode(text, add_special_tokens=False))

    def _read_rows(
        self, solutions: Sequence[Solution], contexts: Sequence[tuple[int, ...]], written: Sequence[tuple[int, ...]]
    ) -> list[NDArray[np.float32]]:
        """The same from tokens: those of the context and those of the solution. Charges for the work."""
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
        """Probability that each solution is right."""
        return [float(right[-1]) if len(right) else 0.0 for right in self.read(solutions)]

    def _feedback(self, solutions: list[Solution]) -> list[Feedback]:
        """Whether each answer looks right."""
        return [RIGHT if score >= 0.5 else WRONG for score in self.score(solutions)]


class PRM(_Trained):
    """Process reward model: is the solution right up to each step? (Lightman et al. 2023)."""

    def score(self, solutions: Sequence[Solution]) -> list[float]:
        """Score of the last step (Snell et al. 2024, section 5.1); 0 for a solution without steps."""
        return [steps[-1] if steps else 0.0 for steps in self.score_steps(solutions)]

    def score_steps(self, solutions: Sequence[Solution]) -> list[list[float]]:
        """Score of each step, read at its newline; of a finished solution's last step, at the end-of-text token."""
        scores = []
        for solution, right in zip(solutions, self.read(solutions), strict=True):
            ends = _step_ends(solution, _tokens(solution, self.tokenizer), self._step_end)
            scores.append([float(right[end]) for end in ends])
        return scores

    def _feedback(self, solutions: list[Solution]) -> list[Feedback]:
        """The first step of each solution that looks wrong."""

        def first_error(scores: list[float]) -> Feedback:
            doubted = first_doubt(scores, 0.5)
            if doubted is None:
                return Feedback("No step has an error.", "!0")
            return Feedback(f"Step {doubted} has an error.", f"!{min(doubted, 9)}", doubted)

        return [first_error(scores) for scores in self.score_steps(solutions)]


def _tokens(solution: Solution, tokenizer: PreTrainedTokenizerBase) -> tuple[int, ...]:
    """Tokens of a solution; encoded from its text if they were not kept."""
    if solution.tokens:
        return solution.tokens
    end = [tokenizer.eos_token_id] if solution.finished else []
    return (*tokenizer.encode(solution.text, add_special_tokens=False), *end)


def _step_ends(solution: Solution, tokens: tuple[int, ...], newline: int) -> list[int]:
    """Index of the last token of each step."""
    ends = [i for i, token in enumerate(tokens) if token == newline]
    steps = len(solution.steps)
    if len(ends) < steps:
        ends.append(len(tokens) - 1)
    elif solution.finished and ends:
        ends[-1] = len(tokens) - 1
    return ends[:steps]


def right_so_far(solution: Solution) -> list[bool]:
    """Whether a solution is right up to and including each step. One that ended too early is wrong at its last step."""
    checks = solution.problem.check_steps(solution.steps)
    if solution.finished and checks:
        checks[-1] = checks[-1] and solution.correct
    return checks


def charge_calls(solutions: Sequence[Solution]) -> None:
    """Charge one verifier call for each solution."""
    for solution in solutions:
        ledger.charge(solution.problem, "verifier", verifier_calls=1)


TRAINED: dict[str, type[ORM] | type[PRM]] = {
    "orm": ORM,
    "prm": PRM,
    "prm-large": PRM,
    "prm-weak": PRM,
    "prm-revision": PRM,
    "prm-rollouts": PRM,
    "prm-exact": PRM,
}
SEE_ATTEMPTS = ("prm-revision",)  # also read the attempts before a solution
VERIFIERS = ("oracle", "self", *TRAINED)


@overload
def load_verifier(name: Literal["oracle"], *, device: str = ...) -> Oracle: ...


@overload
def load_verifier(name: Literal["self"], *, device: str = ...) -> SelfEvaluation: ...


@overload
def load_verifier(name: Literal["orm"], *, device: str = ...) -> ORM: ...


@overload
def load_verifier(
    name: Literal["prm", "prm-large", "prm-weak", "prm-revision", "prm-rollouts", "prm-exact"], *, device: str = ...
) -> PRM: ...


@overload
def load_verifier(
    name: str | Path,
    *,
    device: str = ...,
    family: str | None = ...,
    dtype: torch.dtype | str = ...,
    allow_pickle: bool = ...,
) -> Oracle | SelfEvaluation | ORM | PRM: ...


def load_verifier(
    name: str | Path,
    *,
    device: str = "auto",
    family: str | None = None,
    dtype: torch.dtype | str = "auto",
    allow_pickle: bool = False,
) -> Oracle | SelfEvaluation | ORM | PRM:
    """Load a verifier.

    Parameters
    ----------
    name : str or Path
        A shipped verifier, one of VERIFIERS, or an open PRM: a directory in Hugging Face's format, or owner/name on
        the Hub.
    device : str
        As in `ttclab.load`: "auto" takes CUDA, then MPS, then the CPU.
    family : str, optional
        Open PRMs only: one of `open_prms.FAMILIES`, by default read from the model's config.json or name.
    dtype : torch.dtype or str
        Open PRMs only: as in `ttclab.load`, by default "auto".
    allow_pickle : bool
        Open PRMs only: also read weights that are not in safetensors, by default False. Such weights can run any code.

    Returns
    -------
    Verifier

    Raises
    ------
    ValueError
        For another name, and for a PRM that cannot be loaded or downloaded.
    TypeError
        If an option for open PRMs is given for a shipped verifier.
    """
    hub.refuse_page(name)
    if name not in VERIFIERS and (Path(name).is_dir() or hub.is_name(name)):
        from . import open_prms  # imports this module

        return open_prms.load(name, device=device, family=family, dtype=dtype, allow_pickle=allow_pickle)
    given = {"family": family is not None, "dtype": dtype != "auto", "allow_pickle": allow_pickle}
    if any(given.values()):
        named = ", ".join(option for option in given if given[option])
        raise TypeError(f"{named}: only for an open PRM, which {str(name)!r} is not")
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
    """Score solutions by the scores of their steps.

    Parameters
    ----------
    verifier : Verifier
        Must have `score_steps`.
    solutions : sequence of Solution
        Solutions to one problem or to several.
    aggregate : {"last", "min", "prod", "mean"}
        How the scores of a solution's steps become one score.

    Returns
    -------
    list of float
        One score for each solution; 0 for one without steps.

    Raises
    ------
    ValueError
        As `scores_of_steps`.
    """
    return [aggregated(scores, aggregate) for scores in scores_of_steps(verifier, solutions)]


def aggregated(scores: Sequence[float], aggregate: str) -> float:
    """One score from those of a solution's steps, by one of AGGREGATES; 0 for a solution without steps."""
    return float(AGGREGATES[aggregate](scores)) if scores else 0.0


def scores_of_steps(verifier: Verifier, solutions: Sequence[Solution]) -> list[list[float]]:
    """The scores of each step of each solution.

    Raises
    ------
    ValueError
        If the verifier has no scores for steps, or not one in 0..1 for each. The message names the verifier.
    """
    score = getattr(verifier, "score_steps", None)
    if not callable(score):
        raise ValueError(f"a search over steps needs a verifier that scores steps, which {verifier.name!r} does not")
    scored = list(score(solutions)) if solutions else []
    _check_count(verifier, scored, len(solutions), "lists of step scores")
    for scores, solution in zip(scored, solutions, strict=True):
        _check_count(verifier, scores, len(solution.steps), f"scores for the steps of {solution.text!r}")
        _check_range(verifier, scores)
    return scored


def check_aggregate(aggregate: str) -> None:
    """Raise ValueError unless `aggregate` is one of AGGREGATES."""
    if aggregate not in AGGREGATES:
        raise ValueError(f"aggregate must be one of {', '.join(AGGREGATES)}, not {aggregate!r}")


def score_groups(verifier: Verifier, groups: Sequence[Sequence[Solution]]) -> list[list[float]]:
    """Score several groups of solutions in one call.

    Parameters
    ----------
    verifier : Verifier
        Verifier to call.
    groups : sequence of sequence of Solution
        Groups of solutions.

    Returns
    -------
    list of list of float
        The scores, grouped alike.

    Raises
    ------
    ValueError
        If the verifier returns another number of scores, or one outside 0..1. The message names the verifier.
    """
    solutions = [solution for group in groups for solution in group]
    scores = list(verifier.score(solutions))
    _check_count(verifier, scores, len(solutions), "scores")
    _check_range(verifier, scores)
    ends = list(accumulate(len(group) for group in groups))
    return [scores[end - len(group) : end] for group, end in zip(groups, ends, strict=True)]


def _check_count(verifier: Verifier, returned: Sequence[object], expected: int, noun: str) -> None:
    if len(returned) != expected:
        raise ValueError(f"verifier {verifier.name!r} must return {expected} {noun}, not {len(returned)}")


def _check_range(verifier: Verifier, scores: Sequence[float]) -> None:
    for score in scores:
        if not (math.isfinite(score) and 0 <= score <= 1):
            raise ValueError(f"verifier {verifier.name!r} must return scores from 0 to 1, not {score}")
