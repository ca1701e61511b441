"""The network of the shipped verifiers: a language model with scoring layers on top.

The first layers are a small language model that predicts every token. The later layers score the solution at every
token. One of their inputs is the distance of the token from the prediction, because a network of this size is slow to
learn the comparison by itself.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import Cache, DynamicCache, LlamaConfig, LlamaModel, LlamaPreTrainedModel, PreTrainedModel
from transformers.masking_utils import create_causal_mask

from .. import flops
from ..engine import Prefix

SURPRISES = 4  # features that measure the distance of a token from the prediction
FLOOR = -8.0  # lower bound of log-probabilities


@dataclass
class Reading:
    """Outputs of a reward model for rows of tokens.

    Attributes
    ----------
    right : Tensor of shape (rows, length)
        Logit of "right so far" at each token.
    predicted : Tensor of shape (rows, length, vocabulary)
        Logits of the next token.
    surprises : Tensor of shape (rows, length, 4)
        Inputs of the scoring layers.
    prefix : Prefix, optional
        KV cache of the rows, if the call had keep=True.
    """

    right: Tensor
    predicted: Tensor
    surprises: Tensor
    prefix: Prefix | None = None


class RewardModel(LlamaPreTrainedModel):
    """Network that scores every token of a solution, saved and loaded like any model of transformers.

    A solution begins after the first prompt_end, or, with earlier attempts, after the first one after them.

    Parameters
    ----------
    config : LlamaConfig
        Has the additional fields reading_layers, the number of layers that predict tokens, and prompt_end, step_end
        and attempt_end, the tokens that end a problem, a step and an earlier attempt.
    """

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__(config)
        self.model = LlamaModel(config)
        self.surprise = nn.Linear(SURPRISES, config.hidden_size, bias=False)
        self.score = nn.Linear(config.hidden_size, 1, bias=False)
        self.post_init()

    @classmethod
    def grown(cls, policy: PreTrainedModel, scoring_layers: int, **fields: Any) -> "RewardModel":
        """Build a reward model from a Llama policy. Its new scoring layers start as the identity."""
        values = {**policy.config.to_dict(), **fields, "reading_layers": policy.config.num_hidden_layers}
        model = cls(LlamaConfig(**{**values, "num_hidden_layers": values["reading_layers"] + scoring_layers}))
        continue_from(model.model, policy.model)
        return model

    @property
    def step_end(self) -> int:
        """Token that ends a step. Older configurations lack it and use the token that ends a problem."""
        return getattr(self.config, "step_end", self.config.prompt_end)

    def pass_flops(self, new_tokens: int, cached_tokens: int = 0) -> int:
        """FLOPs of one pass over new tokens after cached ones."""
        return reward_flops(self.config, new_tokens, cached_tokens)

    def forward(self, input_ids: Tensor, before: Reading | None = None, keep: bool = False) -> Reading:
        """Read rows of tokens.

        Parameters
        ----------
        input_ids : Tensor of shape (rows, length)
            Tokens, padded on the right.
        before : Reading, optional
            Reading of the preceding tokens, which include the whole problem and have the same length in all rows. Only
            the last position of its tensors is used.
        keep : bool
            Whether to keep the KV cache, so that a later call can continue.

        Returns
        -------
        Reading
        """
        hidden = self.model.embed_tokens(input_ids)
        cache = before.prefix.cache() if before and before.prefix else DynamicCache() if keep else None
        start = cache.get_seq_length() if cache else 0
        positions = torch.arange(start, start + input_ids.shape[1], device=input_ids.device)[None]
        mask = create_causal_mask(self.config, hidden, attention_mask=None, past_key_values=cache)
        reading = self.read_tokens(input_ids, hidden, positions, mask, cache, before)
        if cache and keep:
            lengths = torch.full((len(input_ids),), cache.get_seq_length())
            keys, values = [layer.keys for layer in cache.layers], [layer.values for layer in cache.layers]
            reading.prefix = Prefix(keys, values, lengths)
        return reading

    def read_tokens(
        self,
        input_ids: Tensor,
        hidden: Tensor,
        positions: Tensor,
        mask: Tensor | None,
        cache: Cache | None,
        before: Reading | None,
    ) -> Reading:
        """Run embedded tokens through all layers; `forward` and `StaticReadings` prepare the arguments."""
        trunk, split = self.model, self.config.reading_layers
        rotary = trunk.rotary_emb(hidden, positions)
        for layer in trunk.layers[:split]:
            hidden = layer(hidden, attention_mask=mask, position_embeddings=rotary, past_key_values=cache)
        predicted = functional.linear(trunk.norm(hidden), trunk.embed_tokens.weight)
        surprises = self.surprises(input_ids, predicted, before)
        hidden = hidden + self.surprise(surprises)
        for layer in trunk.layers[split:]:
            hidden = layer(hidden, attention_mask=mask, position_embeddings=rotary, past_key_values=cache)
        return Reading(self.score(trunk.norm(hidden)).squeeze(-1), predicted, surprises)

    @torch.no_grad()
    def surprises(self, input_ids: Tensor, predicted: Tensor, before: Reading | None = None) -> Tensor:
        """Features of each token of the solution, (rows, length, 4); 0 before the solution.

        The features of a token are its log-probability, this minus the log-probability of the likeliest token, the
        minimum of these differences so far, and a quarter of the sum of log-probabilities so far.
        """
        if before:
            first, carried = before.predicted[:, -1:], before.surprises[:, -1, 2:]
            written = torch.ones_like(input_ids)
        else:
            first, carried = torch.zeros_like(predicted[:, :1]), predicted.new_zeros(len(input_ids), 2)
            attempts = (input_ids == self.config.attempt_end).long()
            newest = attempts.flip(1).cumsum(1).flip(1) == 0  # no attempt ends here or later
            ends = ((input_ids == self.config.prompt_end) & newest).long()
            written = (ends.cumsum(1) > ends).long()  # after the end of the prompt
        expected = torch.cat([first, predicted[:, :-1]], 1).log_softmax(-1)
        logprob = expected.gather(2, input_ids[:, :, None]).squeeze(2)
        distance = (logprob - expected.amax(-1)).clamp(min=FLOOR) * written
        logprob = logprob.clamp(min=FLOOR) * written
        lowest = torch.minimum(distance.cummin(1).values, carried[:, :1])
        return torch.stack([logprob, distance, lowest, logprob.cumsum(1) / 4 + carried[:, 1:]], -1)


def continue_from(trunk: LlamaModel, shallower: LlamaModel) -> None:
    """Copy the weights of a model with fewer layers. The additional layers start as the identity."""
    trunk.load_state_dict(shallower.state_dict(), strict=False)
    for layer in trunk.layers[len(shallower.layers) :]:
        nn.init.zeros_(layer.self_attn.o_proj.weight)
        nn.init.zeros_(layer.mlp.down_proj.weight)


def reward_flops(config: LlamaConfig, new_tokens: int, cached_tokens: int = 0, batch: int = 1) -> int:
    """FLOPs of one pass of a RewardModel over new tokens after cached ones; both heads run on every new token."""
    heads = 2 * config.hidden_size * (1 + SURPRISES)
    return flops.forward_flops(config, new_tokens, cached_tokens, batch) + batch * new_tokens * heads
