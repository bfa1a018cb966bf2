"""Low-rank adapters of many students over one frozen module.

Legend: c members computed together, b batch, l positions, r rank.
"""

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

QUERY_AND_VALUE = ("q_proj", "v_proj", "query", "value", "c_attn", "query_key_value")
"""What query and value projections are called in most transformers."""

ALL_LINEAR = "all-linear"


@dataclass(frozen=True)
class LoRA:
    """Low-rank adaptation (Hu et al. 2021), under PEFT's names and with PEFT's meanings.

    A targeted layer computes `W x + lora_alpha / r * B A x` with frozen `W`.

    Args:
        r: rank of the update.
        lora_alpha: scale of the update, times r.
        target_modules: layers that get one: ends of their names; one regular expression for the
            whole name; or `all-linear` for all but the output layer and `modules_to_save`.
        modules_to_save: linear layers that each student trains whole, such as a new classifier.
    """

    r: int = 8
    lora_alpha: float = 8.0
    target_modules: tuple[str, ...] | str = QUERY_AND_VALUE
    modules_to_save: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not (isinstance(self.r, int) and self.r >= 1):
            raise ValueError(f"r must be a whole number of at least 1, got {self.r!r}")
        if not 0.0 < self.lora_alpha < float("inf"):
            raise ValueError(f"lora_alpha must be finite and above 0, got {self.lora_alpha}")
        for name in ("target_modules", "modules_to_save"):
            value = getattr(self, name)
            if not isinstance(value, str):
                object.__setattr__(self, name, tuple(value))

    @property
    def scaling(self) -> float:
        """Factor of `B A`."""
        return self.lora_alpha / self.r


@dataclass
class Lockstep:
    """Whose numbers the adapted layers compute with, set anew before every forward pass."""

    members: int = 1
    """c: rows of the inputs belong to that many students, in equal parts, one after the other."""
    values: Mapping[str, Tensor] = field(default_factory=dict)
    """Stacked parameters (c, ...) by name."""
    apart: bool = True
    """Compute products with frozen weights member by member, so that no bit depends on c."""


class AdaptedLinear(nn.Module):
    """A frozen linear layer, and what each member adds to it or has in its place.

    Args:
        frozen: `nn.Linear`, or the `Conv1D` of GPT-2, which keeps its weight transposed.
        name: of the layer, under which its members' parameters stand in `lockstep`.
        kind: `adapted`, `saved` (members train the layer whole) or `frozen`.
        scaling: of the update.
        lockstep: shared by all layers of a module.
    """

    def __init__(
        self, frozen: nn.Module, name: str, kind: str, scaling: float, lockstep: Lockstep
    ) -> None:
        super().__init__()
        self.frozen, self.name, self.kind, self.scaling = frozen, name, kind, scaling
        self._lockstep = lockstep

    @property
    def weight(self) -> Tensor:
        """The frozen weight, as it is kept."""
        return self.frozen.get_parameter("weight")

    @property
    def bias(self) -> Tensor | None:
        """The frozen bias."""
        return self.frozen._parameters.get("bias")

    def forward(self, inputs: Tensor) -> Tensor:
        """(c b, ..., in) -> (c b, ..., out)."""
        values, members = self._lockstep.values, self._lockstep.members
        rows = inputs.reshape(members, -1, inputs.shape[-1])
        if self.kind == "saved":
            weight = values[f"{self.name}.weight"]
            outputs = rows.to(weight.dtype) @ (weight if is_transposed(self.frozen) else weight.mT)
            if self.bias is not None:
                outputs = outputs + values[f"{self.name}.bias"][:, None]
            outputs = outputs.to(inputs.dtype)
        else:
            outputs = self._through_frozen(rows)
        if self.kind == "adapted":
            down = values[f"{self.name}.lora_A.weight"]
            up = values[f"{self.name}.lora_B.weight"]
            update = torch.bmm(torch.bmm(rows.to(down.dtype), down.mT), up.mT)
            outputs = (outputs + self.scaling * update).to(outputs.dtype)
        return outputs.reshape(*inputs.shape[:-1], outputs.shape[-1])

    def _through_frozen(self, rows: Tensor) -> Tensor:
        """(c, m, in) -> (c, m, out)."""
        weight = self.weight if is_transposed(self.frozen) else self.weight.mT
        if len(rows) == 1 or not self._lockstep.apart:
            return F.linear(rows, weight.mT, self.bias)
        outputs = torch.bmm(rows, weight.expand(len(rows), -1, -1))
        return outputs if self.bias is None else outputs + self.bias


def is_transposed(layer: nn.Module) -> bool:
    """Whether a linear layer keeps its weight as (in, out)."""
    return type(layer).__name__ == "Conv1D"


def is_linear(layer: nn.Module) -> bool:
    """Whether a layer is a linear map that can be adapted."""
    return isinstance(layer, nn.Linear) or (is_transposed(layer) and hasattr(layer, "nf"))


def attach(module: nn.Module, lora: LoRA, lockstep: Lockstep) -> dict[str, Tensor]:
    """Put an `AdaptedLinear` in the place of every linear layer, and freeze the rest.

    Returns:
        Name in the pretrained model -> base value of what a member has: zeros for both factors of
        an update, the frozen weights for a layer that is saved whole.

    Raises:
        ValueError: if a name in `lora` is that of no linear layer, or nothing would be trained.
    """
    module.requires_grad_(False)
    module = pretrained_in(module)
    linear = {name: part for name, part in module.named_modules() if is_linear(part)}
    kinds = _kinds(module, lora, list(linear))
    values: dict[str, Tensor] = {}
    for name, layer in linear.items():
        values |= _values(name, layer, kinds[name], lora.r)
        place, _, leaf = name.rpartition(".")
        adapted = AdaptedLinear(layer, name, kinds[name], lora.scaling, lockstep)
        setattr(module.get_submodule(place), leaf, adapted)
    return values


def copy_sharing_weights(module: nn.Module) -> nn.Module:
    """Another module with the same weights, of which there is no second copy in memory."""
    weights = (*module.parameters(), *module.buffers())
    return copy.deepcopy(module, {id(weight): weight for weight in weights})


def pretrained_in(module: nn.Module) -> nn.Module:
    """The pretrained model that a module wraps as `model`, or the module: where names begin."""
    inner = getattr(module, "model", None)
    if isinstance(inner, nn.Module) and hasattr(inner, "config") and not hasattr(module, "config"):
        return inner
    return module


def _values(name: str, layer: nn.Module, kind: str, r: int) -> dict[str, Tensor]:
    """What a member has of a layer, by name."""
    weight = layer.get_parameter("weight")
    if kind == "adapted":
        size_in, size_out = weight.shape if is_transposed(layer) else weight.shape[::-1]
        return {
            f"{name}.lora_A.weight": torch.zeros(r, size_in),
            f"{name}.lora_B.weight": torch.zeros(size_out, r),
        }
    if kind == "saved":
        return {f"{name}.{key}": value.float() for key, value in layer.state_dict().items()}
    return {}


def _kinds(module: nn.Module, lora: LoRA, names: list[str]) -> dict[str, str]:
    """What becomes of every linear layer."""
    whole = {name for name in names if _ends(name, lora.modules_to_save)}
    if lora.target_modules == ALL_LINEAR:
        output = _output_layer(module)
        targets = {name for name in names if name not in whole | {output}}
    elif isinstance(lora.target_modules, str):
        pattern = re.compile(lora.target_modules)
        targets = {name for name in names if pattern.fullmatch(name)}
    else:
        targets = {name for name in names if _ends(name, lora.target_modules)}
    for option, layers in (("target_modules", targets), ("modules_to_save", whole)):
        if not layers and getattr(lora, option):
            ends = sorted({name.rpartition(".")[2] for name in names})
            raise ValueError(
                f"{option} {getattr(lora, option)!r} names no linear layer of the model; its "
                f"linear layers are called {', '.join(ends) or '(there are none)'}"
            )
    if both := sorted(targets & whole):
        raise ValueError(f"{both[0]!r} is named by target_modules and by modules_to_save")
    return {
        name: "saved" if name in whole else "adapted" if name in targets else "frozen"
        for name in names
    }


def _ends(name: str, ends: tuple[str, ...]) -> bool:
    return any(name == end or name.endswith(f".{end}") for end in ends)


def _output_layer(model: nn.Module) -> str | None:
    """Name of the layer whose outputs are the logits of tokens."""
    find = getattr(model, "get_output_embeddings", None)
    output = find() if find is not None else None
    return next((name for name, part in model.named_modules() if part is output), None)
