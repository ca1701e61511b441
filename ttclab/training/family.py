"""Training a whole family of models: `ttclab train --family --seeds 0 1 2 --out FOLDER`.

Every piece of data and every model is a task that waits for the models that it depends on. On a CPU the tasks run one
after another. On CUDA each task runs in its own process, and one training covers all seeds. If a task fails, only the
tasks that depend on it are skipped. Every finished model is written immediately. Running the same command again resumes
the training.
"""

import json
import multiprocessing
import shutil
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from ..files import write_text
from ..models.devices import pick_device
from .draws import Draw
from .loop import RECIPES, train_seeds
from .recipe import Recipe, Source

PROCESSES = 14  # running at the same time, on CUDA
PAUSE = 0.05  # seconds between two checks of the processes
SUMMARY = "family.json"


@dataclass(frozen=True)
class Family:
    """Folder, seeds and recipes of a family.

    Attributes
    ----------
    out : Path
        `OUT/SEED/zoo/NAME` is the folder of a model, and `OUT/SEED` can be used as TTCLAB_HOME. `OUT/log.txt` is the
        log.
    seeds : tuple of int
    device : str
    recipes : mapping
        Recipes by name, each after its dependencies.
    """

    out: Path
    seeds: tuple[int, ...]
    device: str
    recipes: Mapping[str, Recipe]

    def source(self, seed: int) -> Source:
        """Folders of the data and models of a seed."""
        home = self.out / str(seed)
        return Source(seed, home / "zoo", home / "data", self.device)

    def folder(self, name: str, seed: int) -> Path:
        """Folder of a model; for a model that is saved at several steps, the folder of the last step."""
        points = self.recipes[name].points
        return self.source(seed).zoo / (f"{name}-{points[-1]}" if points else name)

    def say(self, message: str) -> None:
        """Print a message and add it to the log."""
        now = time.strftime("%H:%M:%S")
        line = f"{now} {message}\n"
        print(line, end="", flush=True)
        with (self.out / "log.txt").open("a", encoding="utf-8") as file:
            file.write(line)


@dataclass(frozen=True)
class Task:
    """A piece of data or a training, run once its dependencies are done.

    Attributes
    ----------
    name : str
    needs : frozenset of str
        Names of the tasks that it depends on.
    run : callable
    is_done : callable
        Whether the result exists.
    """

    name: str
    needs: frozenset[str]
    run: Callable[[], None]
    is_done: Callable[[], bool]


def tasks(family: Family) -> list[Task]:
    """The tasks of a family, each after its dependencies."""
    groups = [family.seeds] if family.device.startswith("cuda") else [(seed,) for seed in family.seeds]
    by_name: dict[str, Task] = {}
    for name, recipe in family.recipes.items():
        for seeds in groups:
            needed = set()
            for seed in seeds:
                for draw in recipe.draws(seed):
                    task = _draw_task(family, draw, groups)
                    by_name.setdefault(task.name, task)
                    needed.add(task.name)
            needed |= {_task_name(model, seeds) for model in recipe.needs}
            by_name[_task_name(name, seeds)] = Task(
                _task_name(name, seeds),
                frozenset(needed),
                partial(_train, family, name, seeds),
                partial(_trained, family, name, seeds),
            )
    return list(by_name.values())


def _task_name(name: str, seeds: Sequence[int]) -> str:
    return f"{name} of seed {' '.join(map(str, seeds))}"


def _draw_task(family: Family, draw: Draw, groups: Sequence[tuple[int, ...]]) -> Task:
    source = family.source(draw.seed)
    group = next(group for group in groups if draw.seed in group)
    needs = frozenset({_task_name(draw.writer, group)} if draw.writer else ())
    return Task(
        f"{draw.name} of seed {draw.seed}", needs, partial(_draw, source, draw), (source.data / draw.name).is_file
    )


def _draw(source: Source, draw: Draw) -> None:
    source.load(draw)


def _trained(family: Family, name: str, seeds: Sequence[int]) -> bool:
    return all((family.folder(name, seed) / "training.json").is_file() for seed in seeds)


def _train(family: Family, name: str, seeds: Sequence[int]) -> None:
    sources = [family.source(seed) for seed in seeds]
    train_seeds(name, family.recipes[name], sources, [source.zoo / name for source in sources], say=family.say)


def train_family(seeds: Sequence[int], out: Path, *, names: Sequence[str] = (), device: str = "auto") -> Path:
    """Train every missing model of a family from each of several seeds.

    Parameters
    ----------
    seeds : sequence of int
    out : Path
        Folder to write.
    names : sequence of str
        Models to train, by default all. The models on which they depend must be among them or already in `out`.
    device : str
        "auto" takes CUDA, then MPS, then the CPU.

    Returns
    -------
    Path
        A JSON file with the validation measures of every finished model, by seed and name.

    Raises
    ------
    RuntimeError
        If a task failed. The tasks that do not depend on it have finished.
    ValueError
        If a name is unknown, if there is no seed, or if a seed is repeated.
    """
    if unknown := set(names) - set(RECIPES):
        raise ValueError(f"models with a recipe are {', '.join(RECIPES)}, not {', '.join(sorted(unknown))}")
    if not seeds or len(set(seeds)) < len(seeds):
        raise ValueError(f"seeds must be at least one, and each once, not {list(seeds)}")
    if device == "auto":  # found out in another process, because one that has used CUDA cannot be forked
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            device = pool.apply(_device_name)
    family = Family(
        out, tuple(seeds), device, {name: recipe for name, recipe in RECIPES.items() if name in (names or RECIPES)}
    )
    out.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    run = run_in_parallel if device.startswith("cuda") else run_in_sequence
    try:
        failed = run(family, tasks(family))
    finally:  # also after an interrupt
        measures = _measures(family)
        write_text(out / SUMMARY, json.dumps(measures, indent=1) + "\n")
        family.say(f"{sum(map(len, measures.values()))} models are in {out} after {time.monotonic() - started:.0f} s")
    if failed:
        raise RuntimeError(f"failed or skipped: {', '.join(failed)}; see {out / 'log.txt'}")
    if not names:
        for seed in seeds:
            shutil.rmtree(family.source(seed).data)
    return out / SUMMARY


def _device_name() -> str:
    return str(pick_device())


def _measures(family: Family) -> dict[str, dict[str, dict[str, float]]]:
    """Validation measurements of each finished model, by seed and folder."""
    measures = {}
    for seed in family.seeds:
        files = sorted(family.source(seed).zoo.glob("*/training.json"))
        records = {file.parent.name: json.loads(file.read_text()) for file in files}
        measures[str(seed)] = {
            name: record["validation"] for name, record in records.items() if record["name"] in RECIPES
        }
    return measures


def run_in_sequence(family: Family, waiting: list[Task]) -> list[str]:
    """Run the tasks one after another in this process, and return the names of failed tasks."""
    failed: list[str] = []
    for task in waiting:
        if task.is_done():
            continue
        if task.needs & set(failed) or not _report(family, task):
            failed.append(task.name)
    return failed


def _report(family: Family, task: Task) -> bool:
    """Run a task, log the result, and return whether it succeeded."""
    started = time.monotonic()
    try:
        task.run()
    except Exception:
        family.say(f"{task.name} FAILED\n{traceback.format_exc()}")
        return False
    family.say(f"{task.name} took {time.monotonic() - started:.1f} s")
    return True


def _in_process(family: Family, task: Task) -> None:
    torch.set_num_threads(1)
    sys.exit(0 if _report(family, task) else 1)


def run_in_parallel(family: Family, waiting: list[Task]) -> list[str]:
    """Run each task in its own process as soon as its dependencies are done, and return the names of failed tasks."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    by_name = {task.name: task for task in waiting}
    done = {task.name for task in waiting if task.is_done()}
    # Trainings start before draws, because other tasks wait for them.
    waiting = sorted((task for task in waiting if task.name not in done), key=lambda task: ".npz" in task.name)
    running: dict[str, multiprocessing.process.BaseProcess] = {}
    failed: list[str] = []
    try:
        while waiting or running:
            for name, process in list(running.items()):
                if process.exitcode is not None:
                    running.pop(name).join()
                    done.add(name)
                    if process.exitcode or not by_name[name].is_done():
                        failed.append(name)
            for task in list(waiting):
                if task.needs & set(failed):
                    waiting.remove(task)
                    failed.append(task.name)
                elif task.needs <= done | (task.needs - set(by_name)) and len(running) < PROCESSES:
                    waiting.remove(task)
                    running[task.name] = context.Process(target=_in_process, args=(family, task), name=task.name)
                    running[task.name].start()
            time.sleep(PAUSE)
    finally:
        for process in running.values():
            process.terminate()
    return failed
