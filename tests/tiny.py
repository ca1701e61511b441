"""Small models with random weights, one an architecture, that speak the arithmetic task's alphabet."""

from copy import deepcopy

import torch
from transformers import (
    AutoModelForCausalLM,
    Gemma2Config,
    Gemma3TextConfig,
    GemmaConfig,
    GenerationConfig,
    GPT2Config,
    LlamaConfig,
    MistralConfig,
    MixtralConfig,
    Olmo2Config,
    Phi3Config,
    PhiConfig,
    PreTrainedModel,
    Qwen2Config,
    Qwen3Config,
    Qwen3MoeConfig,
    SmolLM3Config,
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
_LAYERS = ["sliding_attention", "full_attention"]
MORE_CONFIGS = {
    "qwen2-window": Qwen2Config(**_SHAPE, use_sliding_window=True, sliding_window=8, max_window_layers=1),
    "gemma2": Gemma2Config(**_SHAPE, head_dim=8, sliding_window=8),
    "gemma3": Gemma3TextConfig(**_SHAPE, head_dim=8, sliding_window=8, layer_types=_LAYERS),
    "phi3": Phi3Config(**_SHAPE),
    "olmo2": Olmo2Config(**_SHAPE),
    "smollm3": SmolLM3Config(**_SHAPE),
}
_EXPERTS = {"head_dim": 8, "num_experts_per_tok": 2}
UNKNOWN_CONFIGS = {  # to the formula
    "phi": PhiConfig(vocab_size=20, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4),
    "mixtral": MixtralConfig(**_SHAPE, **_EXPERTS, num_local_experts=4, sliding_window=8),
    "qwen3-moe": Qwen3MoeConfig(**_SHAPE, **_EXPERTS, num_experts=4, moe_intermediate_size=16),
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
