"""The arena: a game. Problems arrive, the player spends a budget on them, and the policies have played them too."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .words import SCHEMA, flops_in_words

if TYPE_CHECKING:
    from ..arena import Arena, Played

ROUNDS, PROBLEMS, SHARE = 12, 12, 4  # rounds, problems in each, generations for each problem
DRAWS = 16  # recorded draws that a chance of a right answer is a share of
POLICIES = {
    "uniform": ("Uniform", "4 samples of each problem, and no look at first attempts"),
    "lesson": ("Lesson", "the popular lesson's rule, 4 generations for each problem"),
    "fitted": ("Fitted", "the compute-optimal policy of the validation problems, up to 4 for each problem"),
    "spread": ("Spread", "looks at all problems first, then moves generations to where they help most"),
}


def arena_data(
    arena: "Arena", shown: Sequence[dict[str, Any]], rounds: Sequence[Sequence[int]], *, source: str = "your own run"
) -> dict[str, Any]:
    """Problems to play on and what every policy made of them, as the simulator "The arena" looks it up.

    shown: of each problem of the arena its `id`, `question` and `answer`, `first`, the first attempt's answer, and
    `came`, the answer that one draw of each option came to; rounds: which problems arrive in each, in order. Chances
    are counted in sixteenths, FLOPs in thousands. JSON-ready.
    """
    from .. import arena as of

    used = sorted({i for row in rounds for i in row})
    place = {i: n for n, i in enumerate(used)}
    played = [of.rivals(arena.of(row), SHARE) for row in rounds]
    return {
        "schema": SCHEMA,
        "explorable": "arena",
        "source": f"{source}; {len(used)} problems in {len(rounds)} rounds",
        "budget": SHARE * PROBLEMS,
        "draws": DRAWS,
        "options": [list(option) for option in of.OPTIONS],
        "policies": [{"key": key, "name": name, "does": does} for key, (name, does) in POLICIES.items()],
        "problems": [
            {
                **shown[i],
                "score": f"{1 - arena.difficulty[i]:.2f}",
                "look": _thousands(arena.look[i]),
                "wins": (DRAWS * arena.correct[i]).round().astype(int).tolist(),
                "flops": [_thousands(x) for x in arena.flops[i] - arena.saved[i]],
            }
            for i in used
        ],
        "rounds": [
            {
                "problems": [place[i] for i in row],
                "rivals": [
                    {
                        "moves": rival.chosen.tolist(),
                        "wins": (DRAWS * rival.correct).round().astype(int).tolist(),
                        "flops": [_thousands(x) for x in rival.flops],
                    }
                    for rival in rivals.values()
                ],
            }
            for row, rivals in zip(rounds, played)
        ],
        "tables": [_standings(number, rivals) for number, rivals in enumerate(played, start=1)],
    }


def _thousands(flops: float) -> int:
    return round(float(flops) / 1000)


def _standings(number: int, rivals: "dict[str, Played]") -> dict[str, Any]:
    rows = [
        [
            POLICIES[key][0],
            f"{played.correct.sum():.1f} of {len(played.correct)}",
            str(played.generations),
            flops_in_words(played.flops.sum()),
        ]
        for key, played in rivals.items()
    ]
    return {"caption": f"Round {number}", "columns": ["Player", "Solved", "Generations", "FLOPs"], "rows": rows}


def drawn_rounds(hard: np.ndarray) -> list[list[int]]:
    """The problems of each round, from its number as the seed: half of them of the hardest fifth, in any order."""
    rounds = []
    for number in range(1, ROUNDS + 1):
        rng = np.random.default_rng(number)
        halves = [rng.choice(np.flatnonzero(each), PROBLEMS // 2, replace=False) for each in (hard, ~hard)]
        rounds.append(rng.permutation(np.concatenate(halves)).tolist())
    return rounds


def recorded() -> dict[str, Any]:
    """The data of the recorded runs on the test problems."""
    from .. import arena, bank, evidence

    chains = bank.load_chains("revision", "test")
    rounds = drawn_rounds(evidence.revision_fifths() == 4)
    asked = {i for row in rounds for i in row}
    shown: list[dict[str, Any]] = [{}] * len(chains.problems)
    for i in asked:
        problem, written = chains.problems[i], chains.solutions(i)
        shown[i] = {
            "id": problem.id,
            "question": problem.question,
            "answer": problem.answer,
            "first": written[arena.FIRST].answer or "no answer",
            "came": [written[arena.FIRST].answer or "no answer", *_one_draw(chains, i)],
        }
    source = "the revision model's recorded chains on the test problems, chosen from by the 14x judge"
    return arena_data(arena.load_arena(), shown, rounds, source=source)


def _one_draw(chains: Any, i: int) -> list[str]:
    """The answer that comes of each option, spent on the first recorded chains of problem i that are long enough."""
    from .. import arena, evidence
    from ..sampling import Result

    scores = evidence.last_scores(arena.JUDGE, "revision-test-chains")[i]
    chain, attempt, lengths = chains.chain[0], chains.attempt[0], chains.made["lengths"]
    written, answers = chains.solutions(i), []
    for N, T in arena.MENU:
        long_enough = [k for k, length in enumerate(lengths) if length > T]
        taken = np.flatnonzero(np.isin(chain, long_enough[:N]) & (attempt <= T))
        chosen = Result.chosen("weighted", [written[j] for j in taken], [float(scores[j]) for j in taken])
        answers.append(chosen.answer or "no answer")
    return answers
