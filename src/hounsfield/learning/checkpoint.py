"""The state of a training run, on disk in one file that is whole at any moment; never a pickle."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from hounsfield.atomic import atomic_file
from hounsfield.errors import TrainingError


@dataclass(frozen=True)
class EpochRecord:
    """What one epoch gave."""

    epoch: int
    """From 1."""
    train_loss: float
    val_loss: float
    val_score: float
    """The task's validation score; NaN when it cannot be had."""
    seconds: float
    stage: str = ""
    """What is learned; empty for the plan's own task."""


@dataclass
class FitState:
    """How far a fit has come; what a checkpoint holds."""

    epoch: int = 0
    """Epochs done."""
    best_loss: float = float("inf")
    best_epoch: int = 0
    history: list[EpochRecord] = field(default_factory=list)
    best: dict[str, Tensor] = field(default_factory=dict)
    """Weights of the best epoch."""
    restarts: int = 0
    """How often training began anew, each time at half the rate."""
    dead: bool = False
    """Whether the network answers the same to every validation case."""


def save_checkpoint(path: Path, state: FitState, network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Write everything needed to go on after the last finished epoch.

    Raises:
        StorageError: The disk refused; the earlier checkpoint is still there.
    """
    from safetensors.torch import save

    tensors = {f"network/{key}": value for key, value in network.state_dict().items()}
    tensors |= {f"best/{key}": value for key, value in state.best.items()}
    for index, values in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer/{index}/{key}": torch.as_tensor(value) for key, value in values.items()}
    facts = {
        "epoch": state.epoch,
        "best_loss": state.best_loss,
        "best_epoch": state.best_epoch,
        "restarts": state.restarts,
        "dead": state.dead,
        "history": [asdict(record) for record in state.history],
    }
    # a copy in plain memory order: safetensors does not store strides
    plain = {key: value.detach().clone(memory_format=torch.contiguous_format) for key, value in tensors.items()}
    with atomic_file(path) as temporary:
        temporary.write_bytes(save(plain, metadata={"state": json.dumps(facts)}))


def load_checkpoint(path: Path, network: nn.Module, optimizer: torch.optim.Optimizer) -> FitState:
    """Bring `network` and `optimizer` to where the checkpoint left them, and say how far that was.

    Raises:
        TrainingError: The file is damaged or belongs to another network.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as stream:
            facts = json.loads(stream.metadata()["state"])
            tensors = {key: stream.get_tensor(key) for key in stream.keys()}  # noqa: SIM118 - not a dict
        network.load_state_dict(_under("network/", tensors))
        in_order = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        moments = _moments(_under("optimizer/", tensors), in_order)
        optimizer.load_state_dict(optimizer.state_dict() | {"state": moments})
        return FitState(
            epoch=facts["epoch"],
            best_loss=facts["best_loss"],
            best_epoch=facts["best_epoch"],
            restarts=facts["restarts"],
            dead=facts.get("dead", False),
            history=[EpochRecord(**record) for record in facts["history"]],
            best=_under("best/", tensors),
        )
    except (SafetensorError, OSError, RuntimeError, LookupError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise TrainingError(
            f"the checkpoint {path} cannot be used ({reason}); delete it to start this network again"
        ) from error


def _moments(tensors: dict[str, Tensor], parameters: list[Tensor]) -> dict[int, dict[str, Tensor]]:
    """The optimiser's state by the number of the parameter it belongs to, in that parameter's memory order.

    The fused optimiser walks through the memory of a parameter and of its moments side by side: in another order each
    weight would get the moments of another one.
    """
    moments: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        index, name = key.split("/")
        like = parameters[int(index)]
        same_order = torch.empty_like(like).copy_(value) if value.shape == like.shape else value
        moments.setdefault(int(index), {})[name] = same_order
    return moments


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
