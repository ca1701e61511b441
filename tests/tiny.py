"""Small models with random weights, one an architecture, that speak the arithmetic task's alphabet."""

from copy import deepcopy

import torch
from transformers import (
    AutoModelForCausalLM,
    Gemma3TextConfig,
    GemmaConfig,
    GenerationConfig,
    GPT2Config,
    LlamaConfig,
    MistralConfig,
    PreTrainedModel,
    Qwen2Config,
    Qwen3Config,
)

from ttclab.models import LanguageModel
from ttclab.training.tokens import build_tokenizer

TOKENIZER = build_tokenizer()
_SHAPE = {
    "vocab_size": len(TOKENIZER), "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 256,
    "pad_token_id": 0, "eos_token_id": 1, "bos_token_id": None,
}  # fmt: skip
CONFIGS = {
    "llama": LlamaConfig(**_SHAPE),
    "llama-tied": LlamaConfig(**_SHAPE | {"num_key_value_heads": 4, "tie_word_embeddings": True}),
    "qwen2": Qwen2Config(**_SHAPE),
    "qwen3": Qwen3Config(**_SHAPE, head_dim=16),
    "gpt2": GPT2Config(
        vocab_size=len(TOKENIZER), n_embd=32, n_layer=2, n_head=4, n_positions=256, eos_token_id=1, bos_token_id=None
    ),
    "mistral": MistralConfig(**_SHAPE, sliding_window=8),
    "gemma": GemmaConfig(**_SHAPE, head_dim=8),
    "gemma3": Gemma3TextConfig(
        **_SHAPE, head_dim=8, sliding_window=8, layer_types=["sliding_attention", "full_attention"]
    ),
}


def random_model(name: str, seed: int = 0) -> PreTrainedModel:
    """Random weights, wide enough apart that greedy choices do not hang on the last bit."""
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(deepcopy(CONFIGS[name]), attn_implementation="sdpa").eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 2:
                parameter.mul_(6)
    model.generation_config = GenerationConfig(do_sample=True, max_new_tokens=24, eos_token_id=1, pad_token_id=0)
    return model


def random_policy(name: str = "llama", seed: int = 0, batch_size: int = 512) -> LanguageModel:
    return LanguageModel(random_model(name, seed), TOKENIZER, batch_size=batch_size)
