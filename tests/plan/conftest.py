"""Small data sets of every kind of image."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from hounsfield.arrays import VoxelArray
from hounsfield.datasets import open_dataset
from hounsfield.datasets.case import Box, Case, Crop, Dataset, ImageRef
from hounsfield.datasets.fingerprint import make_fingerprint
from hounsfield.plan import Machine, Plan, make_plan

MakeImages = Callable[..., Dataset]
PlanOf = Callable[[Path], Plan]


@pytest.fixture
def make_images(tmp_path: Path) -> MakeImages:
    """A data set of images like `picture`: (h, w) or (h, w, 3) as PNG, (d, h, w) in an npz file; `box` cuts squares."""

    def make(
        picture: VoxelArray, *, count: int = 12, modality: str = "", box: tuple[int, int, int, int] | None = None
    ) -> Dataset:
        refs = []
        if picture.ndim == 3 and picture.shape[-1] != 3:
            np.savez(tmp_path / "volumes.npz", images=np.stack([picture] * count))
            refs = [ImageRef(tmp_path / "volumes.npz", "images", row) for row in range(count)]
        else:
            crop = Crop(Box(*box), context=1.5) if box else None
            for number in range(count):
                path = tmp_path / f"{number}.png"
                path.write_bytes(cv2.imencode(".png", picture)[1].tobytes())
                refs.append(ImageRef(path, crop=crop))
        cases = tuple(
            Case(id=str(number), patient=str(number), images={"image": ref}, target=number % 2)
            for number, ref in enumerate(refs)
        )
        return Dataset("images", tmp_path, cases, ("no", "yes"), "table", modality=modality)

    return make


@pytest.fixture
def plan_of() -> PlanOf:
    """The plan for a folder of images, on a laptop that is fast enough for anything."""

    def plan(folder: Path) -> Plan:
        return make_plan(
            make_fingerprint(open_dataset(folder)),
            Machine(name="a laptop", cores=2, threads=2, memory_bytes=2**33, bf16=False),
            modality="",
            cropped=False,
            rarest_patients=6,
            minutes=10.0,
            seed=0,
            speed=lambda plan: 1000.0,
            memory=lambda plan: 0,
        )

    return plan
