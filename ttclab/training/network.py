"""Networks for training: several seeds of one architecture at once, with the weights of all seeds stacked.

A small model keeps a GPU busy for a few microseconds per kernel, so training three seeds one after another takes three
times as long as training them as one stack. The layers are those of Llama, and tests compare them with transformers'
modules. They are written out here so that a CUDA graph can capture every operation.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional
from transformers import PreTrainedModel

from ..verifiers.reward_model import RewardModel

Weights = Mapping[str, Tensor]


class Network:
    """Parameters of several models of one architecture, one per seed, in a single tensor, and their forward pass.

    Parameters
    ----------
    models : sequence of PreTrainedModel
        Llama policies or reward models, with their initial weights.
    device : torch.device

    Attributes
    ----------
    flat : Tensor of shape (seeds, numbers)
        All parameters. Matrices of the layers come first, grouped by shape.
    weights : dict
        Views of `flat` by parameter name, (seeds, *shape), which require gradients.
    groups : list of (start, stop, (rows, columns))
        Columns of `flat` with the matrices of one shape.
    """

    def __init__(self, models: Sequence[PreTrainedModel], device: torch.device) -> None:
        self.template = models[0]
        self.config = self.template.config
        self.scores = isinstance(self.template, RewardModel)
        named = [dict(model.named_parameters()) for model in models]
        matrices = {name for name, p in named[0].items() if ".layers." in name and p.ndim == 2}
        shapes = sorted({tuple(named[0][name].shape) for name in matrices})
        self.names: list[str] = []
        self.groups: list[tuple[int, int, tuple[int, int]]] = []
        size = 0
        for shape in shapes:
            names = [name for name in named[0] if name in matrices and tuple(named[0][name].shape) == shape]
            self.names += names
            self.groups.append((size, size + len(names) * shape[0] * shape[1], (shape[0], shape[1])))
            size = self.groups[-1][1]
        self.names += [name for name in named[0] if name not in matrices]
        self._shapes = [named[0][name].shape for name in self.names]
        rows = [torch.cat([parameters[name].detach().flatten() for name in self.names]) for parameters in named]
        self.flat = torch.stack(rows).to(device)
        self.weights = {name: view.requires_grad_() for name, view in self.views(self.flat).items()}

    def views(self, flat: Tensor) -> dict[str, Tensor]:
        """The parameters in a tensor like `flat`, by name."""
        parts = flat.detach().split([shape.numel() for shape in self._shapes], dim=1)
        return {
            name: part.unflatten(1, shape) for name, part, shape in zip(self.names, parts, self._shapes, strict=True)
        }

    def model(self, flat: Tensor, seed: int) -> PreTrainedModel:
        """The model of one seed (its place in the stack), with weights from a tensor like `flat`.

        Every call returns the same object with new weights.
        """
        weights = self.views(flat.cpu())
        with torch.no_grad():
            for name, parameter in self.template.named_parameters():
                parameter.copy_(weights[name][seed])
        return self.template.eval()

    def read(self, weights: Weights, ids: Tensor) -> tuple[Tensor, Tensor | None]:
        """Read rows of tokens, padded on the right.

        Parameters
        ----------
        weights : mapping
            Parameters by name, (seeds, *shape).
        ids : Tensor of shape (seeds, rows, length)

        Returns
        -------
        predicted : Tensor of shape (seeds, rows, length, vocabulary)
            Logits of the next token.
        right : Tensor of shape (seeds, rows, length), or None for a policy
            Logit of "right so far".
        """
        config = self.config
        rotary = _rotary(ids.shape[2], config.hidden_size // config.num_attention_heads, _theta(config), ids.device)
        table = weights["model.embed_tokens.weight"]
        # The vocabulary is tiny: a product with one-hot rows is faster than the backward pass of an embedding.
        one_hot = (ids[..., None] == torch.arange(table.shape[1], device=ids.device)).float()
        hidden = _linear(one_hot, table.transpose(1, 2))
        split = config.reading_layers if self.scores else config.num_hidden_layers
        for i in range(split):
            hidden = self._layer(weights, f"model.layers.{i}.", hidden, rotary)
        predicted = _linear(self._norm(hidden, weights["model.norm.weight"]), table)
        if not self.scores:
            return predicted, None
        surprises = self.template.surprises(ids.flatten(0, 1), predicted.flatten(0, 1)).unflatten(0, ids.shape[:2])
        hidden = hidden + _linear(surprises, weights["surprise.weight"])
        for i in range(split, config.num_hidden_layers):
            hidden = self._layer(weights, f"model.layers.{i}.", hidden, rotary)
        right = _linear(self._norm(hidden, weights["model.norm.weight"]), weights["score.weight"])
        return predicted, right.squeeze(-1)

    def _norm(self, x: Tensor, weight: Tensor) -> Tensor:
        scale = (x.square().mean(-1, keepdim=True) + self.config.rms_norm_eps).rsqrt()
        return x * scale * weight[:, None, None]

    def _layer(self, weights: Weights, name: str, hidden: Tensor, rotary: tuple[Tensor, Tensor]) -> Tensor:
        seeds, rows, length, width = hidden.shape
        heads = self.config.num_attention_heads
        x = self._norm(hidden, weights[name + "input_layernorm.weight"])
        joint = torch.cat([weights[f"{name}self_attn.{kind}_proj.weight"] for kind in "qkv"], dim=1)
        states = _linear(x, joint).view(seeds * rows, length, 3 * heads, width // heads).transpose(1, 2)
        query, key = _rotated(states[:, : 2 * heads], rotary).split(heads, dim=1)
        mixed = functional.scaled_dot_product_attention(query, key, states[:, 2 * heads :], is_causal=True)
        mixed = mixed.transpose(1, 2).reshape(hidden.shape)
        hidden = hidden + _linear(mixed, weights[name + "self_attn.o_proj.weight"])
        x = self._norm(hidden, weights[name + "post_attention_layernorm.weight"])
        joint = torch.cat([weights[f"{name}mlp.{kind}_proj.weight"] for kind in ("gate", "up")], dim=1)
        gate, up = _linear(x, joint).chunk(2, dim=-1)
        return hidden + _linear(functional.silu(gate) * up, weights[name + "mlp.down_proj.weight"])


def _linear(x: Tensor, weight: Tensor) -> Tensor:
    """Apply the linear layer of each seed: (seeds, rows, length, in) by (seeds, out, in)."""
    return torch.bmm(x.flatten(1, 2), weight.transpose(1, 2)).unflatten(1, x.shape[1:3])


def _theta(config: object) -> float:
    """Base of the rotary positions, which newer versions of transformers keep in `rope_parameters`."""
    parameters = getattr(config, "rope_parameters", None) or {}
    return float(parameters.get("rope_theta") or config.rope_theta)  # type: ignore[attr-defined]


@lru_cache(maxsize=256)
def _rotary(length: int, size: int, theta: float, device: torch.device) -> tuple[Tensor, Tensor]:
    """Cosines and sines of the rotary positions, (length, size / 2)."""
    frequencies = 1.0 / theta ** (torch.arange(0, size, 2, dtype=torch.float32) / size)
    angles = torch.arange(length, dtype=torch.float32)[:, None] * frequencies
    return angles.cos().to(device), angles.sin().to(device)


def _rotated(states: Tensor, rotary: tuple[Tensor, Tensor]) -> Tensor:
    """Apply rotary positions to (rows, heads, length, size), as Llama pairs the two halves of a head."""
    cosine, sine = rotary
    first, second = states.chunk(2, dim=-1)
    return torch.cat([first * cosine - second * sine, second * cosine + first * sine], dim=-1)
