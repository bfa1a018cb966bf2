"""Adapters as files and as building blocks: PEFT's folders, and weighted combinations.

Legend: r rank.
"""

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from .layers import LoRA

_CONFIG, _WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_PREFIX = "base_model.model."
_DOWN, _UP = ".lora_A.weight", ".lora_B.weight"
COMBINATIONS = ("linear", "cat", "svd")
_UNSUPPORTED = (
    "use_dora",
    "use_rslora",
    "rank_pattern",
    "alpha_pattern",
    "layer_replication",
    "lora_bias",
    "trainable_token_indices",
    "target_parameters",
    "alora_invocation_tokens",
    "use_qalora",
    "use_bdlora",
    "arrow_config",
    "kasa_config",
    "monteclora_config",
)
"""Options of PEFT that make the same weights mean something else, or bring others along."""

_REWRITING = ("pissa", "olora", "corda", "loftq", "lora_ga")
"""Beginnings of `init_lora_weights` under which PEFT changes the weights of the base, too."""


@dataclass(frozen=True)
class Adapter:
    """One adapter: how it was made, and its weights by name.

    `values` holds `LAYER.lora_A.weight` (r, in) and `LAYER.lora_B.weight` (out, r) of every
    adapted layer, and `LAYER.weight`, `LAYER.bias` of those that are trained whole.
    """

    lora: LoRA
    values: dict[str, Tensor]
    fan_in_fan_out: bool = False
    """Whether the layers keep their weights as (in, out), as those of GPT-2 do."""

    @property
    def layers(self) -> list[str]:
        """Names of the adapted layers."""
        return sorted(name.removesuffix(_DOWN) for name in self.values if name.endswith(_DOWN))

    @property
    def saved(self) -> list[str]:
        """Names of the layers that are trained whole."""
        names = {name.rpartition(".")[0] for name in self.values if ".lora_" not in name}
        return sorted(names)


def save_adapter(
    adapter: Adapter, folder: str | Path, *, base: str = "", task_type: str = "CAUSAL_LM"
) -> Path:
    """Write a folder that PEFT's `PeftModel.from_pretrained` loads.

    Args:
        adapter: such as `LoRACohort.adapter(row)` gives.
        folder: is made where it does not exist.
        base: what PEFT will take for the name of the base model.
        task_type: PEFT's; `CAUSAL_LM` or `SEQ_CLS`.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "peft_type": "LORA",
        "task_type": task_type,
        "base_model_name_or_path": base or None,
        "r": adapter.lora.r,
        "lora_alpha": adapter.lora.lora_alpha,
        "lora_dropout": 0.0,
        "target_modules": adapter.layers,
        "modules_to_save": adapter.saved or None,
        "fan_in_fan_out": adapter.fan_in_fan_out,
        "bias": "none",
        "inference_mode": True,
    }
    weights = {
        f"{_PREFIX}{name}": value.cpu().contiguous() for name, value in adapter.values.items()
    }
    text = json.dumps(config, indent=2) + "\n"
    # The config last: by it PEFT takes a folder for an adapter.
    _write_whole(folder / _WEIGHTS, save(weights, metadata={"format": "pt"}))
    _write_whole(folder / _CONFIG, text.encode())
    return folder


def _write_whole(file: Path, content: bytes) -> None:
    """Write a file that is whole or as it was before."""
    aside = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        aside.write_bytes(content)
        os.replace(aside, file)
    finally:
        aside.unlink(missing_ok=True)


def load_adapter(folder: str | Path) -> Adapter:
    """An adapter from a PEFT folder.

    Raises:
        ValueError: if it is no folder of a LoRA adapter, or one with parts that are not supported
            (biases, ranks or scales per layer, DoRA, rsLoRA, adapted embeddings, an initialisation
            that changes the base).
    """
    folder = Path(folder)
    for name in (_CONFIG, _WEIGHTS):
        if not (folder / name).is_file():
            raise ValueError(
                f"{folder} has no {name}; name a folder that PEFT's save_pretrained wrote"
            )
    try:
        config = json.loads((folder / _CONFIG).read_text())
        weights = load_file(folder / _WEIGHTS)
    except (json.JSONDecodeError, UnicodeDecodeError, SafetensorError) as error:
        raise ValueError(f"the adapter in {folder} cannot be read: {error}") from error
    _refuse_other_kinds(config, folder)
    foreign = [name for name in weights if not name.startswith(_PREFIX)]
    if foreign or not any(name.endswith(_DOWN) for name in weights):
        raise ValueError(
            f"{folder / _WEIGHTS} holds no LoRA weights of a whole model: "
            f"{(foreign or sorted(weights) or ['nothing'])[0]!r}"
        )
    values = {name.removeprefix(_PREFIX): value.float() for name, value in weights.items()}
    _refuse_other_weights(values, folder)
    lora = LoRA(int(config["r"]), float(config["lora_alpha"]))
    adapter = Adapter(lora, values, bool(config.get("fan_in_fan_out", False)))
    layers, saved = tuple(adapter.layers), tuple(adapter.saved)
    return replace(adapter, lora=replace(lora, target_modules=layers, modules_to_save=saved))


def _refuse_other_kinds(config: Mapping[str, Any], folder: Path) -> None:
    if config.get("peft_type") != "LORA":
        raise ValueError(f"{folder} holds a {config.get('peft_type')!r} adapter, wanted 'LORA'")
    for option in _UNSUPPORTED:
        if config.get(option):
            raise ValueError(f"the adapter in {folder} uses {option}, which is not supported here")
    if config.get("bias", "none") != "none":
        raise ValueError(f"the adapter in {folder} trains biases, which is not supported here")
    drawn = config.get("init_lora_weights")
    if isinstance(drawn, str) and drawn.lower().startswith(_REWRITING):
        raise ValueError(
            f"the adapter in {folder} was begun with init_lora_weights={drawn!r}, which changes "
            "the weights of the base; save it again with path_initial_model_for_weight_conversion "
            "of PEFT's save_pretrained"
        )


def _refuse_other_weights(values: Mapping[str, Tensor], folder: Path) -> None:
    """Refuse weights that are neither a factor of an adapted layer nor of one trained whole."""
    for name in sorted(values):
        plain = name.endswith((".weight", ".bias")) and not (
            "lora_" in name or "base_layer" in name
        )
        if not (plain or name.endswith((_DOWN, _UP))):
            raise ValueError(
                f"{folder / _WEIGHTS} holds {name!r}, which is not supported here: only lora_A and "
                "lora_B of linear layers, and layers that are trained whole"
            )
    downs, ups = (
        {name.removesuffix(end) for name in values if name.endswith(end)} for end in (_DOWN, _UP)
    )
    if downs != ups:
        raise ValueError(
            f"{folder / _WEIGHTS} holds only one of lora_A and lora_B of the layer "
            f"{min(downs ^ ups)!r}"
        )


def combine_adapters(
    adapters: Sequence[Adapter],
    weights: Sequence[float],
    combination_type: str = "linear",
    svd_rank: int | None = None,
) -> Adapter:
    """A weighted combination with the semantics of PEFT's `add_weighted_adapter`.

    - `linear` combines A with A and B with B, each by the root of weight times scaling, so ranks
      must agree, and products of different adapters appear in the result;
    - `cat` puts them side by side: exactly the weighted sum of the updates, of summed rank;
    - `svd` is the best approximation of that sum of rank `svd_rank`, the largest rank by default.

    Layers that are trained whole are combined by their weights, which PEFT leaves out.

    Args:
        adapters: for the same layers of the same base.
        weights: one for each; may be negative.
        combination_type: `linear`, `cat` or `svd`.
        svd_rank: of the result of `svd`.
    """
    if not adapters or len(adapters) != len(weights):
        raise ValueError(
            f"wanted as many weights as adapters, got {len(weights)} and {len(adapters)}"
        )
    if combination_type not in COMBINATIONS:
        raise ValueError(
            f"combination_type must be one of {', '.join(COMBINATIONS)}, got {combination_type!r}"
        )
    first = adapters[0]
    for other in adapters[1:]:
        if other.layers != first.layers or other.saved != first.saved:
            raise ValueError("adapters can only be combined if they adapt the same layers")
    ranks = [adapter.lora.r for adapter in adapters]
    if combination_type == "linear" and len(set(ranks)) > 1:
        raise ValueError(f"linear needs adapters of one rank, got {ranks}; use cat or svd")
    rank = {"linear": ranks[0], "cat": sum(ranks), "svd": svd_rank or max(ranks)}[combination_type]
    values: dict[str, Tensor] = {}
    for name in first.values:
        if name.endswith(_DOWN):
            layer = name.removesuffix(_DOWN)
            down, up = _combined(adapters, weights, layer, combination_type, rank)
            values |= {name: down, f"{layer}{_UP}": up}
        elif ".lora_" not in name:
            parts = [w * a.values[name] for a, w in zip(adapters, weights, strict=True)]
            values[name] = torch.stack(parts).sum(dim=0)
    return replace(first, lora=replace(first.lora, r=rank, lora_alpha=float(rank)), values=values)


def _combined(
    adapters: Sequence[Adapter], weights: Sequence[float], layer: str, kind: str, rank: int
) -> tuple[Tensor, Tensor]:
    """Both factors of one layer, with a scaling of 1."""
    factors = [
        (adapter.values[layer + _DOWN], adapter.values[layer + _UP], weight * adapter.lora.scaling)
        for adapter, weight in zip(adapters, weights, strict=True)
    ]
    if kind == "linear":
        # The sign goes to one side only, else it would cancel.
        down = sum(math.copysign(math.sqrt(abs(w)), w) * a for a, _, w in factors)
        up = sum(math.sqrt(abs(w)) * b for _, b, w in factors)
        return torch.as_tensor(down), torch.as_tensor(up)
    if kind == "cat":
        return torch.cat([w * a for a, _, w in factors]), torch.cat([b for _, b, _ in factors], 1)
    change = torch.stack([w * b @ a for a, b, w in factors]).sum(dim=0)
    left, strength, right = torch.linalg.svd(change, full_matrices=False)
    if rank > len(strength):
        raise ValueError(
            f"svd_rank must be at most {len(strength)} for layer {layer!r}, got {rank}"
        )
    return right[:rank], left[:, :rank] * strength[:rank]
