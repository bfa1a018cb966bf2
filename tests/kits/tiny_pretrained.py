"""Tiny "pretrained" models with random weights in folders of their own, tokenizer included.

Built here, offline, in a fraction of a second. Needs transformers: a test module that uses this
kit calls `pytest.importorskip("transformers", reason=...)` before it imports it.
"""

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertModel,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
)

END, START, PAD = "<|im_end|>", "<|im_start|>", "<|pad|>"
CHAT = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
VOCABULARY = 264
"""256 bytes, the special tokens, and a few that are never written."""


def _byte_level(special):
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: i for i, token in enumerate([*special, *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(list(special))
    return tokenizer


def tiny_tokenizer():
    """One token per byte, an end token (0), a chat template; nothing is added to a text."""
    return PreTrainedTokenizerFast(
        tokenizer_object=_byte_level((END, START, PAD)),
        eos_token=END,
        bos_token=START,
        pad_token=PAD,
        chat_template=CHAT,
        model_max_length=128,
    )


def tiny_encoder_tokenizer():
    """One token per byte, between [CLS] and [SEP]."""
    tokenizer = _byte_level(("[PAD]", "[CLS]", "[SEP]", "[MASK]", "[UNK]"))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        unk_token="[UNK]",
        model_max_length=64,
    )


def _save(folder, kind, config, tokenizer, seed):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = kind(config)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def _ends():
    tokenizer = tiny_tokenizer()
    return {
        "eos_token_id": tokenizer.eos_token_id,
        "bos_token_id": tokenizer.bos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }


def _like_llama():
    """2 layers of width 32 with grouped queries."""
    return {
        "vocab_size": VOCABULARY,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 128,
        "initializer_range": 0.2,
        **_ends(),
    }


def save_tiny_llama(folder, seed=0, **changes):
    """Llama; `changes` go into its config."""
    config = LlamaConfig(**_like_llama() | changes)
    return _save(folder, LlamaForCausalLM, config, tiny_tokenizer(), seed)


def save_tiny_qwen(folder, seed=0, **changes):
    """Qwen2: as the Llama, with biases in its projections and tied embeddings."""
    config = Qwen2Config(**_like_llama() | {"tie_word_embeddings": True} | changes)
    return _save(folder, Qwen2ForCausalLM, config, tiny_tokenizer(), seed)


def save_tiny_gpt2(folder, seed=0, **changes):
    """GPT-2: learned positions, one product for q, k and v (`c_attn`), dropout in its config."""
    fields = {
        "vocab_size": VOCABULARY,
        "n_embd": 32,
        "n_layer": 2,
        "n_head": 4,
        "n_positions": 128,
        "initializer_range": 0.2,
        **_ends(),
    }
    return _save(folder, GPT2LMHeadModel, GPT2Config(**fields | changes), tiny_tokenizer(), seed)


def save_tiny_bert(folder, seed=0, **changes):
    """BERT encoder: 2 layers, width 32, dropout in its config."""
    fields = {
        "vocab_size": VOCABULARY,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": 64,
        "initializer_range": 0.2,
        "pad_token_id": 0,
    }
    config = BertConfig(**fields | changes)
    return _save(folder, BertModel, config, tiny_encoder_tokenizer(), seed)
