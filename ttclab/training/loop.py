"""The training loop: seeded, scheduled in steps, and resumable after a kill with the same result.

All data is drawn before training and kept on the device. A step gathers rows, runs a forward and a backward pass, and
updates the weights. On CUDA a step is captured in one graph; on other devices the same code runs kernel by kernel.
"""

import json
import logging
import math
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm
from transformers import GenerationConfig, PreTrainedModel

from ..data import ZOO
from ..engine.graphs import capture
from ..files import atomic
from ..models.devices import pick_device
from ..tasks.arithmetic import ARITHMETIC
from ..tasks.registry import TASKS
from . import policy, reinforcement, verifier
from .network import Network
from .optimizer import Optimizer
from .recipe import GOAL, Measures, Piece, Recipe, Source
from .rows import UNLABELLED, Array, Table, widened
from .tokens import build_tokenizer

log = logging.getLogger(__name__)

RECIPES: dict[str, Recipe] = {**policy.RECIPES, **verifier.RECIPES}  # each model after its dependencies
CHECKS = 10  # evaluations on validation problems in a training, each with a checkpoint
GOAL_CHECK = 100  # steps between two evaluations in a training that ends at a goal
MAX_NEW_TOKENS = 64  # the longest right solution has 49

Say = Callable[[str], None]


def train(
    name: str,
    *,
    task: str = ARITHMETIC.name,
    out: Path | None = None,
    seed: int = 0,
    device: str = "auto",
    say: Say = tqdm.write,
) -> Path:
    """Train a shipped model from scratch, or resume a training that was killed.

    Parameters
    ----------
    name : str
        One of RECIPES, or "small-rl".
    task : str
        Name of the task, one with an alphabet.
    out : Path, optional
        Folder to write, by default the model's own in the zoo. The parent folder must have the models on which this
        one depends. During training it also has a checkpoint, `OUT.checkpoint`, and the data, `OUT.data`. A recipe
        with points writes a folder `OUT-STEP` for each of them.
    seed : int
        Seed of the weights and the data.
    device : str
        "auto" takes CUDA, then MPS, then the CPU.
    say : callable
        Receives the progress messages.

    Returns
    -------
    Path
        The folder `out`.

    Raises
    ------
    ValueError
        If the name is unknown, if no models are trained on the task, or if the checkpoint belongs to another recipe or
        seed.
    """
    trainable = [each.name for each in TASKS.values() if each.alphabet]
    if task not in trainable:
        raise ValueError(f"models are trained on the tasks {', '.join(trainable)}, not on {task!r}")
    folder = out or ZOO / name
    known = {**RECIPES, **reinforcement.RECIPES}
    if name not in known:
        raise ValueError(f"models with a recipe are {', '.join(known)}, not {name!r}")
    recipe = replace(known[name], task=task)
    if isinstance(recipe, reinforcement.ReinforcementRecipe):
        reinforcement.reinforce(name, recipe, ZOO / recipe.base, folder, seed=seed, device=device, say=say)
        return folder
    data = folder.with_name(folder.name + ".data")
    source = Source(seed, folder.parent, data, str(pick_device(device)))
    train_seeds(name, recipe, [source], [folder], say=say)
    for file in data.glob("*.npz"):
        file.unlink()
    data.rmdir()
    return folder


def train_seeds(
    name: str, recipe: Recipe, sources: Sequence[Source], folders: Sequence[Path], *, say: Say = tqdm.write
) -> Measures:
    """Train one model from several seeds at once, or resume such a training.

    Parameters
    ----------
    name : str
    recipe : Recipe
    sources : sequence of Source
        One for each seed, on one device.
    folders : sequence of Path
        Folder of the model of each seed. The checkpoint of all seeds is written beside the first folder.
    say : callable
        Receives the progress messages.

    Returns
    -------
    dict
        The measures of the finished models, one value per seed.
    """
    checkpoint = folders[0].with_name(folders[0].name + ".checkpoint")
    run = Training(recipe, sources)
    if checkpoint.exists():
        run.load(checkpoint)
        say(f"resuming {name} at step {run.step} of {recipe.steps}")
    every = GOAL_CHECK if recipe.goal else max(1, recipe.steps // CHECKS)
    stops = {*range(every, recipe.steps + 1, every), *recipe.points, recipe.steps}
    measures: Measures = {}
    started, first = time.monotonic(), run.step
    with tqdm(total=recipe.steps, initial=run.step, desc=name, unit="step", disable=None) as bar:
        for stop in sorted(stop for stop in stops if stop > run.step):
            before = run.step
            losses = run.advance(stop - before)
            bar.update(stop - before)
            measures = recipe.measure(run.network, run.network.views(run.optimizer.average), sources)
            speed = (time.monotonic() - started) / (stop - first)
            say(f"{name} step {stop}: loss {_listed(losses)}, {_formatted(measures)}, {1000 * speed:.1f} ms a step")
            if stop in recipe.points:
                ship(run, [each.with_name(f"{each.name}-{stop}") for each in folders], name, measures)
            if recipe.goal:
                reached = {place for place, value in enumerate(measures[GOAL]) if value >= recipe.goal}
                ship(run, folders, name, measures, reached - run.shipped)
                if len(run.shipped) == len(folders):
                    break
            if stop < recipe.steps or not recipe.points:
                run.save(checkpoint)
    if not recipe.points:
        measures = measures or recipe.measure(run.network, run.network.views(run.optimizer.average), sources)
        ship(run, folders, name, measures, set(range(len(folders))) - run.shipped)
    checkpoint.unlink(missing_ok=True)
    return measures


def _listed(values: Sequence[float]) -> str:
    return " ".join(f"{value:.4f}" for value in values)


def _formatted(measures: Measures) -> str:
    return ", ".join(f"{name} {' '.join(f'{value:.3f}' for value in values)}" for name, values in measures.items())


@dataclass
class _Feed:
    """Arrays of one table for all seeds on the device, with the row indices of each step, (seeds, steps, rows)."""

    ids: Tensor
    following: Tensor
    labels: Tensor | None
    order: Tensor


class Training:
    """State of a training: the network of all seeds, its optimizer, step and FLOPs.

    Parameters
    ----------
    recipe : Recipe
    sources : sequence of Source
        One for each seed, on one device.
    fixed : bool, optional
        Pad the rows of every step to one shape, as a CUDA graph requires; by default True on CUDA.
    """

    def __init__(self, recipe: Recipe, sources: Sequence[Source], fixed: bool | None = None) -> None:
        self.recipe, self.seeds = recipe, [source.seed for source in sources]
        self.device = torch.device(sources[0].device)
        self.fixed = self.device.type == "cuda" if fixed is None else fixed
        self.tokenizer, self.step = build_tokenizer(TASKS[recipe.task]), 0
        models = []
        for source in sources:
            torch.manual_seed(source.seed)
            models.append(
                recipe.build(self.tokenizer, source.zoo)
            )  # initialised on the CPU, so that all devices start from the same weights
        data = [recipe.data(source) for source in sources]
        self.data_flops = [each.flops for each in data]
        self.tables = [each.tables for each in data]
        self.network = Network(models, self.device)
        rates = torch.tensor([recipe.rate(step) for step in range(recipe.steps)])
        self.optimizer = Optimizer(
            self.network, rates, recipe.muon_learning_rate, recipe.learning_rate, recipe.averaging
        )
        self.shipped: set[int] = set()  # indices of the seeds whose models have been saved
        self.losses = torch.zeros(len(sources), device=self.device)  # sums since the last call of `advance`
        self.feeds = [self._feed(tables) for tables in zip(*self.tables, strict=True)] if self.fixed else []
        self._run: Callable[[], None] | None = None

    def _feed(self, tables: Sequence[Table]) -> _Feed:
        """Move one table of each seed to the device."""

        def stacked(arrays: Sequence[Array], fill: int) -> Tensor:
            columns = max(array.shape[1] for array in arrays)
            wide = np.concatenate([widened(array, columns, fill) for array in arrays])
            return torch.from_numpy(wide).to(self.device)

        rows = [table.rows for table in tables]
        starts = np.cumsum([0, *(len(each) for each in rows)])
        labels = [each.labels for each in rows if each.labels is not None]
        return _Feed(
            stacked([each.ids for each in rows], 0),
            stacked([each.following for each in rows], UNLABELLED),
            stacked(labels, UNLABELLED) if labels else None,
            torch.from_numpy(np.stack([table.order + start for table, start in zip(tables, starts)])).to(self.device),
        )

    def advance(self, steps: int) -> list[float]:
        """Take `steps` steps and return the mean loss of each seed. The data depends only on the seed and the step."""
        self.losses.zero_()
        if self.fixed:
            run = self._fixed_step()
            for _ in range(steps):
                run()
        else:
            for step in range(self.step, self.step + steps):
                self._take(self._pieces(step))
        self.step += steps
        return [float(x) for x in self.losses.cpu() / steps]

    def _take(self, pieces: Sequence[Piece]) -> None:
        """Take one optimizer step on the given rows."""
        loss = self.recipe.loss(self.network, self.network.weights, pieces)
        self.optimizer.step(torch.autograd.grad(loss.sum(), list(self.network.weights.values())))
        self.losses.add_(loss.detach())

    def _pieces(self, step: int) -> list[Piece]:
        """The rows of a step, grouped by similar length."""
        pieces = []
        for tables in zip(*self.tables, strict=True):
            for splits in zip(*(table.split(step) for table in tables), strict=True):
                columns = max(columns for _, columns in splits)
                rows = [table.rows for table in tables]
                index = [index for index, _ in splits]
                labels = [each.labels for each in rows if each.labels is not None]
                pieces.append(
                    Piece(
                        self._gathered([each.ids for each in rows], index, columns, 0).long(),
                        self._gathered([each.following for each in rows], index, columns, UNLABELLED).long(),
                        self._gathered(labels, index, columns, UNLABELLED).float() if labels else None,
                    )
                )
        return pieces

    def _gathered(self, arrays: Sequence[Array], index: Sequence[Array], columns: int, fill: int) -> Tensor:
        """Rows of each seed's array, cut or padded to `columns` columns."""
        rows = [widened(array[rows, :columns], columns, fill) for array, rows in zip(arrays, index, strict=True)]
        return torch.from_numpy(np.stack(rows)).to(self.device)

    def _fixed_step(self) -> Callable[[], None]:
        """A step on rows of constant shape, as a CUDA graph if possible."""
        if self._run is None:
            self._run = self._gathered_step
            if self.device.type == "cuda":
                self._run = self._captured(self._gathered_step)
        return self._run

    def _gathered_step(self) -> None:
        """A step on the rows selected by the optimizer's counter, without synchronising with the host."""
        pieces = []
        for feed in self.feeds:
            index = feed.order.index_select(1, self.optimizer.done).squeeze(1)
            pieces.append(
                Piece(
                    feed.ids[index].long(),
                    feed.following[index].long(),
                    None if feed.labels is None else feed.labels[index].float(),
                )
            )
        self._take(pieces)

    def _captured(self, run: Callable[[], None]) -> Callable[[], None]:
        """The step as a CUDA graph, or unchanged if it cannot be captured."""
        state = {**self.optimizer.state(), "losses": self.losses}
        before = {name: tensor.clone() for name, tensor in state.items()}
        try:
            return capture(run).replay
        except Exception as error:
            log.warning("training without a CUDA graph: %s", error)
            return run
        finally:
            for name, tensor in state.items():  # capturing ran the step
                tensor.copy_(before[name])

    def flops(self, place: int) -> int:
        """Training FLOPs of a seed so far, with each piece padded to its longest row, as on a CPU.

        The backward pass costs twice the forward pass. The additional padding on a GPU is not counted.
        """
        shapes: dict[tuple[int, int], int] = {}
        for table in self.tables[place]:
            lengths = table.rows.lengths[table.order[: self.step]]
            if table.pieces > 1:
                lengths = np.sort(lengths, axis=1)
            for piece in np.array_split(lengths, table.pieces, axis=1):
                if not piece.shape[1]:
                    continue
                for length, count in zip(*np.unique(piece.max(axis=1), return_counts=True), strict=True):
                    key = int(length), piece.shape[1]
                    shapes[key] = shapes.get(key, 0) + int(count)
        config = self.network.config
        return sum(3 * self.recipe.pass_flops(config, *shape) * count for shape, count in shapes.items())

    def averaged(self, place: int) -> PreTrainedModel:
        """The model of a seed with averaged weights, ready to be saved."""
        model = self.network.model(self.optimizer.average, place)
        if model.can_generate():
            model.generation_config = GenerationConfig(
                do_sample=True,
                temperature=1.0,
                max_new_tokens=MAX_NEW_TOKENS,
                eos_token_id=self.tokenizer.eos_token_id,
                pad_token_id=self.tokenizer.pad_token_id,
            )
        return model

    def save(self, path: Path) -> None:
        """Write a checkpoint, atomically."""
        state = {"recipe": repr(self.recipe), "seeds": self.seeds, "step": self.step, "shipped": sorted(self.shipped)}
        state |= self.optimizer.state()
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic(path) as partial:
            torch.save(state, partial)

    def load(self, path: Path) -> None:
        """Resume from a checkpoint. Raises ValueError for a checkpoint of another recipe or seed."""
        saved = torch.load(path, map_location=self.device, weights_only=True)
        if (saved["recipe"], saved["seeds"]) != (repr(self.recipe), self.seeds):
            raise ValueError(f"{path} belongs to another recipe or seed: delete it to start again")
        self.step, self.shipped = saved["step"], set(saved["shipped"])
        with torch.no_grad():
            for name, tensor in self.optimizer.state().items():
                tensor.copy_(saved[name])


def ship(
    run: Training, folders: Sequence[Path], name: str, measures: Measures, places: Collection[int] | None = None
) -> None:
    """Write averaged weights, tokenizer and training.json of all seeds, or of those at `places`, atomically."""
    for place in sorted(range(len(folders)) if places is None else places):
        seed, folder = run.seeds[place], folders[place]
        run.shipped.add(place)
        model = run.averaged(place)
        metadata = {
            "name": name,
            "task": run.recipe.task,
            "seed": seed,
            "steps": run.step,
            "base": run.recipe.base,
            "writers": sorted(run.recipe.writers),
            "training_flops": run.flops(place),
            "data_flops": run.data_flops[place],
            "parameters": sum(p.numel() for p in model.parameters()),
            "block_parameters": sum(p.numel() for p in model.model.layers.parameters()),
            "validation": {measure: _number(values[place]) for measure, values in measures.items()},
        }
        folder.parent.mkdir(parents=True, exist_ok=True)
        with atomic(folder) as partial:
            model.save_pretrained(partial)
            run.tokenizer.save_pretrained(partial)
            (partial / "training.json").write_text(json.dumps(metadata, indent=2) + "\n")


def _number(value: float) -> float | None:
    """Round a value for JSON; NaN, which JSON lacks, becomes None."""
    return None if math.isnan(value) else round(value, 4)
