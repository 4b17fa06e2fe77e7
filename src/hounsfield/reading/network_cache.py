"""Networks written as ONNX once and kept, so that the next reading need not write them again."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from hounsfield import __version__
from hounsfield.atomic import atomic_file
from hounsfield.errors import StorageError

KEPT = 10
"""As many networks are kept, those used last."""


def cache_folder() -> Path:
    """Where networks are kept: $XDG_CACHE_HOME/hounsfield/networks, by default in ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if os.path.isabs(base) else Path.home() / ".cache") / "hounsfield" / "networks"


def place_of(model: str, shape: tuple[int, ...]) -> Path:
    """The folder of a model's networks.

    Args:
        model: The model's hash.
        shape: Of one image, (height, width) or (depth, height, width).
    """
    return cache_folder() / f"{model[:16]}-{'x'.join(map(str, shape))}-{__version__}"


def kept_network(place: Path, write: Callable[[], bytes], *, number: int = 0) -> bytes:
    """The content of an ONNX file in the folder `place`; else that of `write`, which is put there.

    A folder that cannot be written is no error: the content is then made anew each time.

    Args:
        place: As `place_of` gives it.
        write: Makes the content.
        number: Of the network among those of the model.
    """
    path = place / f"network-{number}.onnx"
    try:
        content = path.read_bytes()
        os.utime(place)
        return content
    except OSError:
        content = write()
    try:
        with atomic_file(path) as temporary:
            temporary.write_bytes(content)
        _forget_all_but(KEPT)
    except (StorageError, OSError):
        pass
    return content


def forget(place: Path) -> None:
    """Remove what is kept in the folder."""
    shutil.rmtree(place, ignore_errors=True)


def _forget_all_but(count: int) -> None:
    folders = sorted(cache_folder().iterdir(), key=lambda path: path.stat().st_mtime)
    for folder in folders[:-count]:
        forget(folder)
