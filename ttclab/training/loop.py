"""The training loop: seeded, scheduled in steps, and resumable after a kill with the same result."""

import json
from collections.abc import Callable
from pathlib import Path

import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm
from transformers import GenerationConfig, PreTrainedModel

from ..data import ZOO
from ..files import atomic
from ..models.devices import pick_device
from . import policy, reinforcement, revision, verifier
from .recipe import Recipe
from .tokens import build_tokenizer

RECIPES: dict[str, Recipe] = {  # each model after its base
    **policy.RECIPES, **revision.RECIPES, **verifier.RECIPES, **reinforcement.RECIPES
}  # fmt: skip
CHECK_EVERY = 200  # steps between two evaluations on validation problems, each with a checkpoint
MAX_NEW_TOKENS = 64  # the longest right solution has 49


def train(
    name: str, *, out: Path | None = None, seed: int = 0, device: str = "auto", say: Callable[[str], None] = tqdm.write
) -> Path:
    """Train a shipped model from scratch, or resume a training that was killed.

    Parameters
    ----------
    name : str
        One of RECIPES.
    out : Path, optional
        Folder to write, by default the model's own in `ttclab/data/zoo`. A checkpoint, `OUT.checkpoint`, lies beside it
        until the training is done. A recipe with points writes a folder `OUT-STEP` for each.
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
        For an unknown name, and for a checkpoint of another recipe or seed.
    """
    if name not in RECIPES:
        raise ValueError(f"models with a recipe are {', '.join(RECIPES)}, not {name!r}")
    recipe, folder = RECIPES[name], out or ZOO / name
    if isinstance(recipe, reinforcement.ReinforcementRecipe):
        reinforcement.reinforce(name, recipe, ZOO / recipe.base, folder, seed=seed, device=device, say=say)
        return folder
    checkpoint = folder.with_name(folder.name + ".checkpoint")
    run = _Training(recipe, seed, pick_device(device))
    if checkpoint.exists():
        run.load(checkpoint)
        say(f"resuming {name} at step {run.step} of {recipe.steps}")
    with tqdm(total=recipe.steps, initial=run.step, desc=name, unit="step") as bar:
        while run.step < recipe.steps:
            loss = run.advance()
            bar.update()
            if run.step in recipe.points:
                _ship(run, folder.with_name(f"{folder.name}-{run.step}"), name)
            if run.step % CHECK_EVERY == 0 or run.step == recipe.steps:
                say(f"step {run.step}: loss {loss:.3f}, {recipe.measure(run.averaged(), run.tokenizer)}")
                run.save(checkpoint)
    if not recipe.points:
        _ship(run, folder, name)
    checkpoint.unlink()
    return folder


class _Training:
    """State of a training: model, running average, optimizers, step and FLOPs."""

    def __init__(self, recipe: Recipe, seed: int, device: torch.device) -> None:
        self.recipe, self.seed, self.device, self.step, self.flops, self.data_flops = recipe, seed, device, 0, 0, 0
        self.tokenizer = build_tokenizer()
        torch.manual_seed(seed)
        self.model: PreTrainedModel = recipe.build(self.tokenizer).to(device)  # drawn on the CPU, then moved
        self.average = AveragedModel(self.model, multi_avg_fn=get_ema_multi_avg_fn(recipe.averaging))
        matrices = [p for p in self.model.model.layers.parameters() if p.ndim == 2]
        inside = set(map(id, matrices))
        others = [p for p in self.model.parameters() if id(p) not in inside]
        self.optimizers = [
            torch.optim.Muon(matrices, lr=recipe.muon_learning_rate, weight_decay=0.0),
            torch.optim.AdamW(others, lr=recipe.learning_rate, weight_decay=0.0, betas=(0.9, 0.95)),
        ]
        self.rates = (recipe.muon_learning_rate, recipe.learning_rate)

    def advance(self) -> float:
        """Run one optimizer step and return its loss. Its data depends only on the seed and the step."""
        recipe = self.recipe
        for optimizer, rate in zip(self.optimizers, self.rates, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = rate * recipe.rate(self.step)
        total = 0.0
        for part in recipe.parts(self.model, self.seed, self.step, self.tokenizer):
            part.loss.backward()
            total += part.loss.item()
            self.flops += part.flops
            self.data_flops += part.data_flops
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad()
        self.average.update_parameters(self.model)
        self.step += 1
        return total

    def averaged(self) -> PreTrainedModel:
        """The model with averaged weights, as it is shipped."""
        model: PreTrainedModel = self.average.module.eval()
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
        state = {
            "recipe": repr(self.recipe),
            "seed": self.seed,
            "step": self.step,
            "flops": self.flops,
            "data_flops": self.data_flops,
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic(path) as partial:
            torch.save(state, partial)

    def load(self, path: Path) -> None:
        """Resume from a checkpoint. Raises ValueError for one of another recipe or seed."""
        state = torch.load(path, map_location=self.device, weights_only=True)
        if (state["recipe"], state["seed"]) != (repr(self.recipe), self.seed):
            raise ValueError(f"{path} belongs to another recipe or seed: delete it to start again")
        self.step, self.flops, self.data_flops = state["step"], state["flops"], state["data_flops"]
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)


def _ship(run: _Training, folder: Path, name: str) -> None:
    """Write the averaged weights, the tokenizer and training.json, atomically."""
    made = {
        "name": name,
        "seed": run.seed,
        "steps": run.step,
        "base": run.recipe.base,
        "training_flops": run.flops,
        "data_flops": run.data_flops,
        "parameters": sum(p.numel() for p in run.model.parameters()),
        "block_parameters": sum(p.numel() for p in run.model.model.layers.parameters()),
    }
    with atomic(folder) as partial:
        run.averaged().save_pretrained(partial)
        run.tokenizer.save_pretrained(partial)
        (partial / "training.json").write_text(json.dumps(made, indent=2) + "\n")
