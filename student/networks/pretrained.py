"""Pretrained models as students read them: frozen, without dropout, without padding tokens.

Inputs hold token ids, and `NO_TOKEN` where there is none; the model attends to nothing there, so
an example's logits are those that it has alone. Language models count positions from an example's
first token.

Legend: b batch, l positions, a answer positions, v outputs, d width.
"""

import inspect
from typing import Any

import torch
from torch import Tensor, nn

from ..contract.tasks import NO_TOKEN
from .masks import attends_everywhere, pairs
from .sources import from_source, transformers_library

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


class _Frozen(nn.Module):
    """A pretrained model of which nothing is trained, and what it needs to read `NO_TOKEN`."""

    def __init__(self, model: Any, gradient_checkpointing: bool) -> None:
        super().__init__()
        self.model = model.requires_grad_(False)
        config = model.config.get_text_config()
        self._fill = config.pad_token_id or 0
        self._most = getattr(config, "max_position_embeddings", None)
        self._whole_mask = attends_everywhere(config)
        if gradient_checkpointing:
            # Versions before have the other name only.
            enable = getattr(model, "activation_checkpointing_enable", None)
            enable = enable or model.gradient_checkpointing_enable
            enable({"use_reentrant": False, "preserve_rng_state": False})
        # transformers checkpoints in training mode only; without dropout it is no other model.
        self.train(gradient_checkpointing)

    def _read(self, inputs: Tensor, causal: bool, more: int = 0) -> dict[str, Tensor]:
        """Arguments of the model for inputs (b, l), to which `more` tokens will be added.

        Raises:
            ValueError: if there are more positions than the model has.
        """
        present = inputs != NO_TOKEN
        # Only where it could be too much: to look makes a GPU wait.
        if self._most is not None and inputs.shape[1] + more > self._most:
            longest = int(present.sum(dim=1).max()) + more
            if longest > self._most:
                raise ValueError(
                    f"the texts have up to {longest} tokens, but the model reads at most "
                    f"{self._most}; shorten them"
                )
        arguments = {"input_ids": inputs.masked_fill(~present, self._fill)}
        if causal:
            arguments["position_ids"] = (present.cumsum(dim=1) - 1).clamp_(min=0)
        whole = self._whole_mask and not more
        arguments["attention_mask"] = pairs(present, causal) if whole else present.long()
        return arguments


class CausalLM(_Frozen):
    """A pretrained language model, (b, l) int64 -> (b, a, v): what the last a positions predict.

    Args:
        source: `smollm2`, a folder, or a hub id of the form `org/name`.
        answer_length: a.
        dtype: `float32` or `bfloat16`, of weights and activations; logits are float32.
        gradient_checkpointing: recompute activations in the backward pass instead of keeping them.

    Attributes:
        model: the transformers model; the names that PEFT matches begin below it.
        ends: tokens at which `generate` stops.

    Raises:
        ModuleNotFoundError: if a package is missing.
        ValueError: if there is no such model, or it is not a language model that reads from left
            to right.
    """

    def __init__(
        self,
        source: str,
        answer_length: int,
        dtype: str = "float32",
        gradient_checkpointing: bool = False,
    ) -> None:
        if answer_length < 1:
            raise ValueError(f"answer_length must be at least 1, got {answer_length}")
        library = transformers_library()
        model = _load(library.AutoModelForCausalLM, source, dtype)
        understood = inspect.signature(model.forward).parameters
        for needed in ("position_ids", "logits_to_keep"):
            if needed not in understood:
                raise ValueError(
                    f"the model {source!r} of type {model.config.model_type!r} takes no {needed}, "
                    "so it cannot read padded prompts; choose one like Llama, Qwen or GPT-2"
                )
        super().__init__(model, gradient_checkpointing)
        self.answer_length = answer_length
        ends = model.generation_config.eos_token_id
        self.ends: tuple[int, ...] = tuple(ends if isinstance(ends, list) else [ends])
        if None in self.ends:
            raise ValueError(
                f"the model {source!r} has no end token, so it would never stop to answer; set "
                "eos_token_id in its config.json"
            )
        # Penalties and sampling that the folder asks for would not be greedy decoding.
        model.generation_config = library.GenerationConfig(
            do_sample=False, eos_token_id=list(self.ends), pad_token_id=self.ends[0]
        )

    def forward(self, inputs: Tensor, answer_length: int | None = None) -> Tensor:
        """Logits (b, a, v) float32 of what the last a positions of inputs (b, l) predict.

        Args:
            inputs: tokens.
            answer_length: a of these inputs, where they are cropped.
        """
        arguments = self._read(inputs, causal=True)
        keep = answer_length or self.answer_length
        outputs = self.model(**arguments, use_cache=False, logits_to_keep=keep)
        logits: Tensor = outputs.logits.float()
        return logits

    @torch.no_grad()
    def generate(self, inputs: Tensor, length: int) -> list[list[int]]:
        """What greedy decoding writes behind prompts (b, l) with `NO_TOKEN` in front only.

        Returns:
            At most `length` tokens each, without the end token.
        """
        arguments = self._read(inputs, causal=True, more=length)
        del arguments["position_ids"]  # `generate` counts them itself, from the mask.
        # In training mode, checkpointing would switch the cache of keys and values off.
        before = self.model.training
        self.model.eval()
        output = self.model.generate(**arguments, max_new_tokens=length)
        self.model.train(before)
        return [self._answer(row) for row in output[:, inputs.shape[1] :].tolist()]

    def _answer(self, row: list[int]) -> list[int]:
        stops = (i for i, token in enumerate(row) if token in self.ends)
        return row[: next(stops, len(row))]


class EncoderClassifier(_Frozen):
    """A pretrained encoder with a new linear head on its mean token, (b, l) int64 -> (b, 1, v).

    The head is drawn from a normal distribution with the spread of the encoder's own weights. It
    is frozen, too; `LoRA(modules_to_save=("classifier",))` lets every student train its own.

    Args:
        source: `minilm`, a folder, or a hub id of the form `org/name`.
        n_outputs: v, the classes.
        seed: of the head.
        dtype: `float32` or `bfloat16`, of the encoder; the head and logits are float32.
        gradient_checkpointing: recompute activations in the backward pass instead of keeping them.

    Attributes:
        model: the transformers model, with the head in it as `classifier`; the names that PEFT
            matches begin below it.

    Raises:
        ModuleNotFoundError: if a package is missing.
        ValueError: if there is no such model, or it is not an encoder.
    """

    def __init__(
        self,
        source: str,
        n_outputs: int,
        seed: int = 0,
        dtype: str = "float32",
        gradient_checkpointing: bool = False,
    ) -> None:
        model = _load(transformers_library().AutoModel, source, dtype)
        if hasattr(model, "pooler"):
            model.pooler = None
        config = model.config.get_text_config()
        head = nn.Linear(config.hidden_size, n_outputs, device="meta").to_empty(device="cpu")
        generator = torch.Generator().manual_seed(seed)
        spread = getattr(config, "initializer_range", 0.02)
        nn.init.normal_(head.weight, std=spread, generator=generator)
        nn.init.zeros_(head.bias)
        model.classifier = head
        super().__init__(model, gradient_checkpointing)

    @property
    def classifier(self) -> nn.Module:
        """The head, (b, d) -> (b, v)."""
        head: nn.Module = self.model.classifier
        return head

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits (b, 1, v) float32 of texts (b, l)."""
        states = self.model(**self._read(inputs, causal=False)).last_hidden_state.float()
        present = (inputs != NO_TOKEN)[:, :, None]
        mean = (states * present).sum(dim=1) / present.sum(dim=1).clamp_(min=1)
        logits: Tensor = self.classifier(mean)
        return logits[:, None]


PRETRAINED: dict[str, type[CausalLM] | type[EncoderClassifier]] = {
    "causal": CausalLM,
    "encoder": EncoderClassifier,
}
"""Kinds of pretrained models by the names that configs use."""


def _load(kind: Any, source: str, dtype: str) -> Any:
    """The model, on the CPU, without dropout.

    Raises:
        ValueError: if the model is of another kind or not all of it is there.
    """
    if dtype not in DTYPES:
        raise ValueError(f"dtype must be one of {', '.join(DTYPES)}, got {dtype!r}")
    config = from_source(transformers_library().AutoConfig, source)
    _check_kind(source, config, wants_encoder=kind is transformers_library().AutoModel)
    _drop_dropout(config)
    options = {"config": config, "dtype": DTYPES[dtype], "output_loading_info": True}
    model, report = from_source(kind, source, **options)
    missing = sorted(name for name in report["missing_keys"] if not name.startswith("pooler."))
    if missing:
        raise ValueError(
            f"the weights of {source!r} lack {missing[0]!r} and {len(missing) - 1} others; they "
            "were saved from another kind of model"
        )
    for part in model.modules():
        if isinstance(part, nn.modules.dropout._DropoutNd):
            part.p = 0.0
    return model


def _check_kind(source: str, config: Any, wants_encoder: bool) -> None:
    types = transformers_library().models.auto.modeling_auto
    masked = config.model_type in types.MODEL_FOR_MASKED_LM_MAPPING_NAMES
    causal = config.model_type in types.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES and not masked
    if config.is_encoder_decoder or not (masked if wants_encoder else causal):
        wanted = "an encoder such as BERT" if wants_encoder else "a causal language model"
        raise ValueError(
            f"the model {source!r} is of type {config.model_type!r}, which is not {wanted}; "
            "choose another"
        )


def _drop_dropout(config: Any) -> None:
    """Set every rate of dropout to zero, also in configs within."""
    for name, value in vars(config).items():
        if hasattr(value, "model_type"):
            _drop_dropout(value)
        elif "drop" in name and isinstance(value, float):
            setattr(config, name, 0.0)
