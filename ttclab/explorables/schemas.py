"""Types of the simulators' data, as the JSON files hold them."""

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypeAlias, TypedDict

Json: TypeAlias = "str | int | float | Sequence[Json] | Mapping[str, Json] | None"


class Table(TypedDict):
    """A table of words, which a page shows with and without scripts."""

    caption: str
    columns: list[str]
    rows: list[list[str]]


class SimulatorData(TypedDict):
    """Parts of the data that every simulator has."""

    schema: int
    explorable: str
    source: str
    tables: list[Table]


class Group(TypedDict):
    """A group of problems: all of them, or a fifth by difficulty."""

    key: str
    name: str
    problems: int


class Name(TypedDict):
    """A name with its key in addresses."""

    key: str
    name: str


class Estimates(TypedDict):
    """Estimates with their 95% intervals, a value for each budget."""

    mean: list[float]
    low: list[float]
    high: list[float]


# ---- Breadth or depth


class CoverageGroup(Group):
    """Coverage of a group by budget; `p` is its pass@1."""

    p: float
    coverage: Estimates
    theory: list[float]
    flops: list[float]


class BreadthOrDepthData(SimulatorData):
    """Data of "Breadth or depth"."""

    flops_per_sample: float
    budgets: list[int]
    groups: list[CoverageGroup]


# ---- How good is your verifier


class Scored(Estimates):
    """Accuracy of a verifier on a group, in numbers and in words."""

    said: list[list[str]]


class VerifierCurve(TypedDict):
    """A verifier with a rule of choice; a noisy oracle has a quality."""

    verifier: str
    choose: NotRequired[str]
    quality: NotRequired[float]
    groups: list[Scored]


class Labeled(Name):
    """A name with a short label for the chart."""

    label: str


class VerifierData(SimulatorData):
    """Data of "How good is your verifier"."""

    budgets: list[int]
    groups: list[Group]
    verifiers: list[Labeled]
    columns: list[str]
    curves: list[VerifierCurve]


# ---- Big once or small many


class Pass(TypedDict):
    """One pass of the large model over a group, in numbers and in words."""

    mean: float
    low: float
    high: float
    said: list[str]


class LargeModel(TypedDict):
    """The large model after so many training steps, by group."""

    steps: int
    groups: list[Pass]


class Compared(Scored):
    """The small model beside a large one; `wins` names the model that is ahead at each budget."""

    wins: list[str]


class SmallCurve(TypedDict):
    """The small model with a verifier, beside the large model of so many training steps."""

    large: int
    verifier: str
    samples: list[int]
    groups: list[Compared]


class BigOrManyData(SimulatorData):
    """Data of "Big once or small many"."""

    passes: list[float]
    groups: list[Group]
    larges: list[LargeModel]
    verifiers: list[Name]
    met: int
    columns: list[str]
    curves: list[SmallCurve]


# ---- Scaling curves

Point: TypeAlias = list[float | str]  # mean, low, high and FLOPs; accuracy and FLOPs in words


class StrategyCurve(TypedDict):
    """A strategy on a group: points, gains over each large model, most expensive affordable point by budget."""

    points: list[Point]
    minus: list[list[str]]
    payable: list[int]


class ScalingGroup(Group):
    """A group with its budgets, the large models and the strategies."""

    budgets: list[float]
    said: list[str]
    large: list[Point]
    curves: list[StrategyCurve]


class Strategy(Name):
    """A strategy with the names of its points."""

    ways: list[str]


class ScalingCurvesData(SimulatorData):
    """Data of "Scaling curves"."""

    shares: list[str]
    asked: int
    strategies: list[Strategy]
    opponents: list[str]
    opponent: int
    columns: list[str]
    groups: list[ScalingGroup]


# ---- Split the budget


class Split(Name):
    """A split of a budget into chains."""

    chains: int
    attempts: int
    budget: int


class Followed(TypedDict):
    """A policy on a group: its most frequent split, the marked splits, and the result in words."""

    usual: str
    marks: list[int]
    said: list[str]


class Beside(TypedDict):
    """Another strategy, for comparison."""

    name: str
    said: list[str]


class SplitGroup(Group):
    """A group with every split, and by budget the best split, the policies and other strategies."""

    mean: list[float]
    said: list[list[str]]
    best: list[int]
    policies: list[list[Followed | None]]
    beside: list[list[Beside]]


class SplitBudgetData(SimulatorData):
    """Data of "Split the budget"."""

    model: str
    budgets: list[int]
    splits: list[Split]
    policies: list[str]
    columns: list[str]
    groups: list[SplitGroup]


# ---- Watch a rewrite


class TurnedGroup(Group):
    """A group with the share of right answers that each rewrite turns wrong, None where no answer is right."""

    turned: list[float | None]


class Kind(Name):
    """A kind of chain, with its share in each group in words."""

    said: list[str]


class Attempt(TypedDict):
    """An attempt; a step is its text, its score, and 1 if the attempt is right so far."""

    right: int
    answer: str
    steps: list[list[str | int]]


class Chain(TypedDict):
    """A chain of attempts to read."""

    id: str
    question: str
    group: str
    kind: str
    attempts: list[Attempt]


class WatchRevisionData(SimulatorData):
    """Data of "Watch a rewrite"; `scored` names the scores."""

    scored: str
    groups: list[TurnedGroup]
    kinds: list[Kind]
    chains: list[Chain]


# ---- Watch it search


class Models(TypedDict):
    """Configurations of the models that run in the page, and their vocabulary."""

    configs: dict[str, Json]
    characters: list[str]


class ProblemToWatch(TypedDict):
    """A problem, and what the strategies make of it in words."""

    id: str
    question: str
    said: str


class WatchSearchData(SimulatorData, Models):
    """Data of "Watch it search"."""

    threshold: float
    quality: float
    verifiers: dict[str, str]
    cell: str
    problems: list[ProblemToWatch]
    opens: str


# ---- The arena


class Shown(TypedDict):
    """A problem as the player sees it: the first attempt's answer, and the answer of one draw of each option."""

    id: str
    question: str
    answer: str
    first: str
    came: list[str]


class ArenaProblem(Shown):
    """A problem with its score, the cost of the look, and wins and costs of each option."""

    score: str
    look: int
    wins: list[int]
    flops: list[int]


class ArenaPolicy(Name):
    """A rival, and what it does."""

    does: str


class Progress(TypedDict):
    """Moves of a rival, wins of each move, and running totals after each problem."""

    moves: list[int]
    wins: list[int]
    solved: list[int]
    generations: list[int]
    flops: list[int]
    score: list[float]


class Round(TypedDict):
    """Problems of a round, its rivals, and the curve of uniform sampling after each problem."""

    problems: list[int]
    rivals: list[Progress]
    uniform: list[list[list[int]]]


class Live(TypedDict):
    """How new problems are drawn and played."""

    rule: Mapping[str, Json]
    draws: int
    budgets: list[int]
    share: int
    keep: dict[str, float]
    policies: list[ArenaPolicy]
    models: Models


class ArenaData(SimulatorData):
    """Data of "The arena"."""

    budget: int
    draws: int
    options: list[list[int]]
    policies: list[ArenaPolicy]
    problems: list[ArenaProblem]
    rounds: list[Round]
    live: Live
