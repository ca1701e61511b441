"""Muon for the matrices of the layers, AdamW for the other parameters, and a running average of all weights.

The update rules are those of `torch.optim.Muon` and `torch.optim.AdamW`. Here they run on stacks of matrices and read
the step count from a tensor, so that a CUDA graph can capture them and a step takes a few kernels instead of hundreds.
"""

import math

import torch
from torch import Tensor

from .network import Network

MOMENTUM = 0.95  # of Muon, with Nesterov's rule
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # Keller Jordan's coefficients, five iterations
BETAS, EPSILON = (0.9, 0.95), 1e-8  # of AdamW
MAX_NORM = 1.0  # of the gradient of each seed


class Optimizer:
    """State of an optimizer of a Network.

    Parameters
    ----------
    network : Network
    rates : Tensor of shape (steps,)
        Fraction of the peak learning rates at each step.
    muon_rate, rate : float
        Peak learning rates of Muon and of AdamW.
    averaging : float
        Decay of the running average of the weights.
    """

    def __init__(self, network: Network, rates: Tensor, muon_rate: float, rate: float, averaging: float) -> None:
        self.network, self.muon_rate, self.rate, self.averaging = network, muon_rate, rate, averaging
        flat = network.flat
        self.rates = rates.to(flat.device)
        self.done = torch.zeros(
            1, dtype=torch.long, device=flat.device
        )  # number of steps, in a tensor that a CUDA graph can read
        self.matrices = network.groups[-1][1]
        self.average = flat.clone()
        self.gradient, self.first = torch.zeros_like(flat), torch.zeros_like(flat)
        self.second = torch.zeros_like(flat[:, self.matrices :])
        self._gradients = list(network.views(self.gradient).values())

    def state(self) -> dict[str, Tensor]:
        """The tensors that change in training, for saving and for restoring in place."""
        return {
            "weights": self.network.flat, "average": self.average, "first": self.first, "second": self.second,
            "done": self.done,
        }  # fmt: skip

    @torch.no_grad()
    def step(self, gradients: tuple[Tensor, ...]) -> None:
        """Take one step with the gradients of the network's weights, in the order of the weights."""
        flat, split = self.network.flat, self.matrices
        torch._foreach_copy_(self._gradients, gradients)
        norm = self.gradient.norm(dim=1, keepdim=True)
        self.gradient.mul_((MAX_NORM / (norm + 1e-6)).clamp(max=1.0))
        share = self.rates.index_select(0, self.done)
        self._muon(share * self.muon_rate)
        gradient, first = self.gradient[:, split:], self.first[:, split:]
        first.lerp_(gradient, 1 - BETAS[0])
        self.second.mul_(BETAS[1]).addcmul_(gradient, gradient, value=1 - BETAS[1])
        bias = [1 - torch.exp((self.done + 1) * math.log(beta)) for beta in BETAS]
        scale = (self.second / bias[1]).sqrt_().add_(EPSILON)
        flat[:, split:].sub_(share * self.rate / bias[0] * first / scale)
        # The first step copies the weights into the average; later steps mix them in.
        self.average.lerp_(flat, 1 - self.averaging * (self.done > 0).float())
        self.done.add_(1)

    def _muon(self, rate: Tensor) -> None:
        for start, stop, (rows, columns) in self.network.groups:
            gradient, momentum = self.gradient[:, start:stop], self.first[:, start:stop]
            momentum.lerp_(gradient, 1 - MOMENTUM)
            update = gradient.lerp(momentum, MOMENTUM).view(-1, rows, columns)
            update = orthogonal(update).reshape(len(gradient), -1)
            self.network.flat[:, start:stop].sub_(rate * max(1.0, rows / columns) ** 0.5 * update)


def orthogonal(matrices: Tensor) -> Tensor:
    """Approximate the nearest orthogonal matrix to each matrix of a stack by five Newton-Schulz iterations."""
    a, b, c = NEWTON_SCHULZ
    wide = matrices.shape[1] <= matrices.shape[2]
    x = matrices if wide else matrices.mT
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    for _ in range(5):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x if wide else x.mT
