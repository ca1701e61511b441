"""Recording of searches: beam search, step-level revision, or any other strategy, one search per problem."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .. import data
from ..beam_search import beam_search
from ..data import folder_of
from ..models.loading import load as load_model
from ..revision import hybrid_search
from ..sampling import Result, Strategy
from ..tasks.problem import Problem
from ..tasks.registry import load_problems
from ..verifiers.loading import load_verifier
from ..verifiers.oracle import ForgetfulOracle, NoisyOracle
from .draws import Draws
from .files import KINDS, Row
from .metadata import RunMetadata
from .recording import CHAINED, verifier_hash, weights_hash, write_rows
from .runs import search_name, step_revision_name, strategy_name


def record_strategy(
    strategy: Strategy[...],
    model: str,
    verifier: str,
    split: str,
    draws: Draws | None = None,
    *,
    out: Path | None = None,
    **settings: Any,
) -> Path:
    """Run a strategy on each problem of a set. `load_strategy` reads the file.

    Parameters
    ----------
    strategy : callable
        A strategy of the package, or a function with a parameter `seed` decorated with `ttclab.sampling.strategy`.
    model, verifier, split : str
        As for `ttclab.load`, `load_verifier` and `load_problems`.
    draws : Draws, optional
        Problems, seed and device; the other settings are ignored.
    out : Path, optional
        The file, by default one in `ttclab/data/runs`.
    **settings
        Arguments of the strategy by keyword, such as N and M.
    """
    draws = draws or Draws()
    policy, scorer = load_model(model, device=draws.device), load_verifier(verifier, device=draws.device)

    def search(problems: list[Problem]) -> list[Result]:
        return strategy(policy, scorer, problems, seed=draws.seed, **settings)

    name = strategy_name(strategy.__name__, model, verifier, split, **settings)  # type: ignore[attr-defined]
    about = {"strategy": strategy.__name__, "settings": settings}  # type: ignore[attr-defined]
    return _record(name, model, verifier, split, draws, search, about, out)


def record_search(
    model: str,
    verifier: str,
    split: str,
    N: int,
    M: int,
    draws: Draws | None = None,
    *,
    lookahead: int = 0,
    out: Path | None = None,
) -> Path:
    """Run beam search on each problem of a set. Each budget is recorded separately: none is a subset of a larger one.

    Parameters
    ----------
    model, verifier, split : str
    N, M, lookahead : int
        As for `beam_search`.
    draws, out
        As for `record_strategy`.
    """
    draws = draws or Draws()
    policy, scorer = load_model(model, device=draws.device), load_verifier(verifier, device=draws.device)

    def search(problems: list[Problem]) -> list[Result]:
        return beam_search(policy, scorer, problems, N, M, lookahead=lookahead, seed=draws.seed)

    name = search_name(model, verifier, split, N, M, lookahead)
    return _record(name, model, verifier, split, draws, search, {"N": N, "M": M, "lookahead": lookahead}, out)


def record_step_revision(
    model: str,
    verifier: str,
    split: str,
    T: int,
    M: int = 1,
    draws: Draws | None = None,
    *,
    critic: NoisyOracle | None = None,
    out: Path | None = None,
) -> Path:
    """Run step-level revision on each problem of a set, M chains of at most T revisions.

    Parameters
    ----------
    model, verifier, split : str
    T, M : int
    draws, out
        As for `record_strategy`.
    critic : NoisyOracle, optional
        A noisy oracle in place of the verifier "oracle". Its noise is drawn once for each text; a `ForgetfulOracle`
        draws it again for each written step.
    """
    draws = draws or Draws()
    policy = load_model(model, device=draws.device)
    scorer: Any = critic or load_verifier(verifier, device=draws.device)
    quality, forgetful = critic.quality if critic else None, isinstance(critic, ForgetfulOracle)

    def search(problems: list[Problem]) -> list[Result]:
        return hybrid_search(policy, scorer, problems, M, T, feedback=scorer, seed=draws.seed)

    name = step_revision_name(model, verifier, split, T, M, quality, forgetful)
    about = {"M": M, "T": T, "quality": quality, "threshold": scorer.threshold, "forgetful": forgetful or None}
    return _record(name, model, verifier, split, draws, search, about, out)


def _record(
    name: str,
    model: str,
    verifier: str,
    split: str,
    draws: Draws,
    search: Callable[[list[Problem]], list[Result]],
    about: dict[str, Any],
    out: Path | None,
) -> Path:
    """Search the problems of a set chunk by chunk. about: metadata of this kind of search."""
    asked = load_problems(split, limit=draws.problems)
    metadata = RunMetadata(
        format="ttclab searches 1", model=model, weights=weights_hash(folder_of(model)), verifier=verifier,
        verifier_weights=verifier_hash(verifier), split=split, seed=draws.seed, problems=len(asked), **about,
    )  # fmt: skip

    def rows(chunk: range) -> Iterator[Row]:
        return map(_row, search([asked[i] for i in chunk]))

    return write_rows(out or data.RUNS / f"{name}.parquet", metadata, rows, CHAINED)


def _row(result: Result) -> Row:
    return {
        "problem": result.solution.problem.id,
        "texts": [s.text for s in result.solutions],
        "finished": [s.finished for s in result.solutions],
        "correct": [s.correct for s in result.solutions],
        "tokens": [s.length for s in result.solutions],
        "scores": result.scores,
        **{kind: result.cost.flops[kind] for kind in KINDS},
        "verifier_calls": result.cost.verifier_calls,
    }
