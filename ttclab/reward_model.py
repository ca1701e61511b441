"""The network of the shipped verifiers: a language model that reads a solution, and blocks that judge what it read.

The first layers are a small language model: they predict every token. How far each token is from the prediction goes
into the layers after them, which judge the solution at every token. A judge of this size is slow to learn by itself
to compare the two.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import LlamaConfig, LlamaModel, LlamaPreTrainedModel, PreTrainedModel
from transformers.masking_utils import create_causal_mask

from . import flops

SURPRISES = 4  # numbers that say how far a token is from the prediction
FLOOR = -8.0  # log-probabilities below it count as it


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

    def forward(self, input_ids: Tensor) -> tuple[Tensor, Tensor]:
        """Of token ids padded on the right, (rows, length): the logit of "right so far" at each token, the same shape,
        and the logits of the token after it, (rows, length, vocabulary).
        """
        trunk, split = self.model, self.config.reading_layers
        hidden = trunk.embed_tokens(input_ids)
        positions = torch.arange(input_ids.shape[1], device=input_ids.device)[None]
        rotary = trunk.rotary_emb(hidden, positions)
        mask = create_causal_mask(self.config, hidden, attention_mask=None, past_key_values=None)
        for layer in trunk.layers[:split]:
            hidden = layer(hidden, attention_mask=mask, position_embeddings=rotary)
        predicted = functional.linear(trunk.norm(hidden), trunk.embed_tokens.weight)
        hidden = hidden + self.surprise(self.surprises(input_ids, predicted))
        for layer in trunk.layers[split:]:
            hidden = layer(hidden, attention_mask=mask, position_embeddings=rotary)
        return self.score(trunk.norm(hidden)).squeeze(-1), predicted

    @torch.no_grad()
    def surprises(self, input_ids: Tensor, predicted: Tensor) -> Tensor:
        """For each token of the solution its log-probability, its distance to the likeliest token's, the least such
        distance so far and the sum of log-probabilities so far, (rows, length, 4); zeros for what stands before it.
        """
        before = predicted[:, :-1].log_softmax(-1)
        logprob = before.gather(2, input_ids[:, 1:, None]).squeeze(2)
        distance = logprob - before.amax(-1)
        attempts = (input_ids == self.config.attempt_end).long()
        newest = attempts.flip(1).cumsum(1).flip(1) == 0  # no attempt ends here or later: the problem and its solution
        ends = ((input_ids == self.config.prompt_end) & newest).long()
        written = ends.cumsum(1) > ends  # after the end of the prompt

        def shown(values: Tensor) -> Tensor:
            return functional.pad(values, (1, 0)).clamp(min=FLOOR) * written

        logprob, distance = shown(logprob), shown(distance)
        return torch.stack([logprob, distance, distance.cummin(1).values, logprob.cumsum(1) / 4], -1)


def continue_from(trunk: LlamaModel, shallower: LlamaModel) -> None:
    """Give a model the weights of one with fewer layers; the layers on top pass on what they get, to begin with."""
    trunk.load_state_dict(shallower.state_dict(), strict=False)
    for layer in trunk.layers[len(shallower.layers) :]:
        nn.init.zeros_(layer.self_attn.o_proj.weight)
        nn.init.zeros_(layer.mlp.down_proj.weight)


def reward_flops(config: LlamaConfig, tokens: int, batch: int = 1) -> int:
    """FLOPs of one pass of a RewardModel over `tokens` tokens: its two heads look at every one."""
    heads = 2 * config.hidden_size * (1 + SURPRISES)
    return flops.forward_flops(config, tokens, batch=batch) + batch * tokens * heads
