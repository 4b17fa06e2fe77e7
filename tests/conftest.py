"""Fixtures every room uses."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from hounsfield.datasets.case import Dataset
    from hounsfield.plan import Plan

MakeTinyPlan = Callable[..., "Plan"]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of the real data sets: $HOUNSFIELD_DATA, else ../shared/data beside the project."""
    named = os.environ.get("HOUNSFIELD_DATA")
    folder = Path(named) if named else Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}: set HOUNSFIELD_DATA")
    return folder


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Torch works in one thread for the test."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def tiny_dataset(tmp_path: Path) -> Dataset:
    """40 cases of 20 patients, 16 × 16 pixels in an npz file; every second one has a bright square."""
    import numpy as np

    from hounsfield.datasets.case import Case, Dataset, ImageRef

    rng = np.random.default_rng(0)
    images = rng.integers(0, 80, (40, 16, 16), dtype=np.uint8)
    images[::2, 4:12, 4:12] += 60
    np.savez(tmp_path / "tiny.npz", images=images)
    cases = tuple(
        Case(
            id=f"case-{number:02d}",
            patient=f"woman-{number // 2:02d}",
            images={"image": ImageRef(tmp_path / "tiny.npz", "images", number)},
            target=int(number % 2 == 0),
        )
        for number in range(40)
    )
    return Dataset("tiny", tmp_path, cases, ("plain", "square"), "table")


@pytest.fixture
def make_tiny_plan() -> MakeTinyPlan:
    """A plan that `tiny_dataset` is learned with in a moment; keywords change a section's fields: epochs=3, folds=2 …"""
    from hounsfield.plan import Augmentation, Ensemble, Input, Network, Optimisation, Plan

    def make(**changed: Any) -> Plan:
        usual: dict[str, Any] = {
            "shape": (16, 16),
            "steps": ({"step": "float", "scale": "type"}, {"step": "resize", "shape": [16, 16]}),
            "widths": (4, 8),
            "pool_after": (1, 2),
            "rotation_degrees": 10.0,
            "flip_axes": (1,),
            "noise": 0.05,
            "epochs": 3,
            "batch_size": 8,
            "learning_rate": 0.01,
            "threads": 1,
        }
        values = usual | changed

        def section(kind: Any) -> Any:
            return kind(**{name: values.pop(name) for name in kind.model_fields if name in values})

        sections = {
            "input": section(Input),
            "network": section(Network),
            "augmentation": section(Augmentation),
            "optimisation": section(Optimisation),
            "ensemble": section(Ensemble),
        }
        return Plan(**{"dataset": "tiny", "classes": ("plain", "square")} | sections | values)

    return make
