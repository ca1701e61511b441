"""A policy and a verifier that follow a script, a function of the name of the random stream alone."""

import hashlib
from collections import Counter
from dataclasses import replace

from ttclab import ledger
from ttclab.problems import Problem, Solution
from ttclab.solutions import forks, text_of_steps
from ttclab.tasks.problem import as_problems
from ttclab.verifiers import StepCritic


def chance(*key):
    """A number in [0, 1) that depends on the key."""
    return int.from_bytes(hashlib.blake2b(repr(key).encode(), digest_size=7).digest()) / 2**56


class ScriptedPolicy:
    """Writes steps "a=0.123": endings "at once" (no step), "soon" (one to three), "never", or "mixed" with garbage."""

    def __init__(self, ending="soon"):
        self.ending = ending
        self.rounds, self.continued = [], []

    def generate(self, problem, n=1, temperature=None, seed=None, max_new_tokens=None):
        problems = as_problems(problem)
        groups = [[self._whole(each, f"{seed or 0}/{each.id}/{i}") for i in range(n)] for each in problems]
        return groups[0] if isinstance(problem, Problem) else groups

    def generate_step(self, problem, partials=None, n=1, temperature=None, seed=None, max_new_tokens=None):
        problems = as_problems(problem)
        if partials is None:
            groups = [[self._blank(each, f"{seed or 0}/{each.id}/{i}") for i in range(n)] for each in problems]
        else:
            groups = [forks(group) for group in ([partials] if isinstance(problem, Problem) else partials)]
            self.continued += [solution for group in groups for solution in group]
        self.rounds.append(Counter(s.text for group in groups for s in group))
        steps = [[self._step(solution, charged=partials is None) for solution in group] for group in groups]
        return steps[0] if isinstance(problem, Problem) else steps

    def revise(self, problem, solutions, feedback=None, temperature=None, max_new_tokens=None):
        problems = as_problems(problem)
        chains = [solutions] if isinstance(problem, Problem) else solutions
        assert all(chain[0].problem == each for each, chain in zip(problems, chains, strict=True))
        revised = [self._whole(each, f"{c[-1].key}/revised") for each, c in zip(problems, chains, strict=True)]
        for each in problems:
            ledger.charge(each, "revision", revisions=1)
        return revised[0] if isinstance(problem, Problem) else revised

    def restart(self, problem, solutions, steps, temperature=None, max_new_tokens=None):
        problems = as_problems(problem)
        groups, counts = ([solutions], [steps]) if isinstance(problem, Problem) else (solutions, steps)
        restarted = []
        for each, group, kept in zip(problems, groups, counts, strict=True):
            begun = [self._from(solution, n) for solution, n in zip(group, kept, strict=True)]
            restarted.append([self._to_the_end(solution, charged=True) for solution in begun])
            ledger.charge(each, "decode", revisions=len(group))
        return restarted[0] if isinstance(problem, Problem) else restarted

    def _from(self, solution, steps):
        text = text_of_steps(solution, steps)
        return replace(
            solution, text=text, tokens=solution.tokens[:steps], finished=False, key=f"{solution.key}/rewritten"
        )

    def _blank(self, problem, key):
        return Solution(problem, "", finished=False, key=key)

    def _whole(self, problem, key):
        return self._to_the_end(self._blank(problem, key), charged=True)

    def _to_the_end(self, solution, *, charged):
        solution = self._step(solution, charged=charged)
        for _ in range(5):
            solution = solution if solution.finished else self._step(solution, charged=False)
        return solution

    def _step(self, solution, *, charged):
        ledger.charge(solution.problem, "decode", tokens=1, generations=int(charged))
        done, luck = len(solution.steps), chance(solution.key, len(solution.steps))
        ends = {"at once": True, "soon": done >= 1 + 2 * luck, "never": False, "mixed": luck < 0.4}[self.ending]
        if ends:
            return replace(solution, finished=True)
        text = "\ufffd(" if self.ending == "mixed" and luck > 0.8 else f"a={luck:.6f}"
        return replace(solution, text=f"{solution.text}{text}\n", tokens=(*solution.tokens, done))


class ScriptedVerifier(StepCritic):
    """Scores every step by chance, the same text always alike."""

    name = "step verifier"

    def __init__(self):
        self.seen = []

    def score(self, solutions):
        return [chance(solution.text) for solution in solutions]

    def score_steps(self, solutions):
        self.seen.append(list(solutions))
        return [[chance(s.problem.id, s.steps[: i + 1]) for i in range(len(s.steps))] for s in solutions]
