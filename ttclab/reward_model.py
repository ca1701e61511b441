"""The network of the shipped verifiers: a language model that reads a solution, and blocks that judge what it read.

The first layers are a small language model: they predict every token. How far each token is from the prediction goes
into the layers after them, which judge the solution at every token. A judge of this size is slow to learn by itself
to compare the two.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import Cache, DynamicCache, LlamaConfig, LlamaModel, LlamaPreTrainedModel, PreTrainedModel
from transformers.masking_utils import create_causal_mask

from . import flops
from .engine import Prefix

SURPRISES = 4  # numbers that say how far a token is from the prediction
FLOOR = -8.0  # log-probabilities below it count as it


@dataclass
class Reading:
    """What a reward model makes of some rows of tokens.

    right: the logit of "right so far" at each token, (rows, length); predicted: the logits of the token after it,
    (rows, length, vocabulary); surprises: as they went into the judging layers, (rows, length, 4); prefix: the keys and
    values of the rows up to here, if they were to be kept.
    """

    right: Tensor
    predicted: Tensor
    surprises: Tensor
    prefix: Prefix | None = None


class RewardModel(LlamaPreTrainedModel):
    """Scores every token of a solution. Loads and saves as all models of transformers do.

    config: a LlamaConfig with three more fields: reading_layers, how many of the layers predict; prompt_end,
    attempt_end: the tokens that end a problem and an earlier attempt. A solution begins after the last attempt (if it
    has any) and the first prompt_end from there.
    """

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__(config)
        self.model = LlamaModel(config)
        self.surprise = nn.Linear(SURPRISES, config.hidden_size, bias=False)
        self.score = nn.Linear(config.hidden_size, 1, bias=False)
        self.post_init()

    @classmethod
    def grown(cls, policy: PreTrainedModel, judging_layers: int, **fields: Any) -> "RewardModel":
        """A reward model whose reading layers are a Llama policy's; the judging layers change nothing at first."""
        own = {**policy.config.to_dict(), **fields, "reading_layers": policy.config.num_hidden_layers}
        model = cls(LlamaConfig(**{**own, "num_hidden_layers": own["reading_layers"] + judging_layers}))
        continue_from(model.model, policy.model)
        return model

    @property
    def step_end(self) -> int:
        """The token that ends a step, as it ends a problem."""
        return self.config.prompt_end

    def pass_flops(self, new_tokens: int, cached_tokens: int = 0) -> int:
        """FLOPs of one pass over new tokens, after those read before."""
        return reward_flops(self.config, new_tokens, cached_tokens)

    def forward(self, input_ids: Tensor, before: Reading | None = None, keep: bool = False) -> Reading:
        """Read token ids padded on the right, (rows, length).

        before: the reading of what stands before them, of one length, the whole problem at least; of its tensors only
        the last place is looked at. keep: keep what it takes to read on from here.
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
        """Run the embedded tokens through all layers; `forward` and `StaticReadings` prepare what it needs."""
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
        """For each token of the solution its log-probability, its distance to the likeliest token's, the least such
        distance so far and the sum of log-probabilities so far, (rows, length, 4); zeros for what stands before it.
        """
        if before:
            first, carried = before.predicted[:, -1:], before.surprises[:, -1, 2:]
            written = torch.ones_like(input_ids)
        else:
            first, carried = torch.zeros_like(predicted[:, :1]), predicted.new_zeros(len(input_ids), 2)
            attempts = (input_ids == self.config.attempt_end).long()
            newest = attempts.flip(1).cumsum(1).flip(1) == 0  # no attempt ends here or later: problem and solution
            ends = ((input_ids == self.config.prompt_end) & newest).long()
            written = (ends.cumsum(1) > ends).long()  # after the end of the prompt
        expected = torch.cat([first, predicted[:, :-1]], 1).log_softmax(-1)
        logprob = expected.gather(2, input_ids[:, :, None]).squeeze(2)
        distance = (logprob - expected.amax(-1)).clamp(min=FLOOR) * written
        logprob = logprob.clamp(min=FLOOR) * written
        lowest = torch.minimum(distance.cummin(1).values, carried[:, :1])
        return torch.stack([logprob, distance, lowest, logprob.cumsum(1) / 4 + carried[:, 1:]], -1)


def continue_from(trunk: LlamaModel, shallower: LlamaModel) -> None:
    """Give a model the weights of one with fewer layers; the layers on top pass on what they get, to begin with."""
    trunk.load_state_dict(shallower.state_dict(), strict=False)
    for layer in trunk.layers[len(shallower.layers) :]:
        nn.init.zeros_(layer.self_attn.o_proj.weight)
        nn.init.zeros_(layer.mlp.down_proj.weight)


def reward_flops(config: LlamaConfig, new_tokens: int, cached_tokens: int = 0, batch: int = 1) -> int:
    """FLOPs of one pass of a RewardModel over new tokens, after those read before; its two heads look at every one."""
    heads = 2 * config.hidden_size * (1 + SURPRISES)
    return flops.forward_flops(config, new_tokens, cached_tokens, batch) + batch * new_tokens * heads
