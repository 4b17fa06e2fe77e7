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


@pytest.fixture(scope="session")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a small phantom: films.toml (64 films of 16 women) and masses.toml. Not to be changed."""
    from hounsfield.datasets.phantom import write_phantom

    return write_phantom(tmp_path_factory.mktemp("data") / "phantom", women=16, size=(192, 144)).parent


@pytest.fixture(scope="session")
def lesion_bundle(phantom: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle trained for a moment on squares around the phantom's masses. Not to be changed."""
    return _trained(phantom / "masses.toml", tmp_path_factory.mktemp("bundles") / "lesions", shape=[32, 32], margin=1.5)


@pytest.fixture(scope="session")
def film_bundle(phantom: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of two networks trained for a moment on the phantom's whole films. Not to be changed."""
    return _trained(phantom / "films.toml", tmp_path_factory.mktemp("bundles") / "films", shape=[48, 32], folds=2)


def _trained(description: Path, out: Path, *, shape: list[int], margin: float = 1.0, folds: int = 1) -> Path:
    """As `hounsfield train --plan` does it."""
    from hounsfield.cli.main import main

    plan = out.with_suffix(".toml")
    plan.write_text(TINY_PLAN[margin > 1].format(shape=shape, margin=margin, folds=folds), encoding="utf-8")
    assert main(["train", str(description), "-o", str(out), "--plan", str(plan)]) == 0
    return out


TINY_PLAN = (
    """\
dataset = "phantom_films"
classes = ["not malignant", "malignant"]
[input]
shape = {shape}
steps = [
    {{step = "breast"}},
    {{step = "rescale", low = 1.0, high = 99.5, over = "nonzero"}},
    {{step = "resize", shape = {shape}, anchor = "start"}},
]
[network]
widths = [4, 8, 8]
pool_after = [1, 2]
[augmentation]
flip_axes = [0]
[optimisation]
epochs = 2
threads = 1
[ensemble]
folds = {folds}
flips = true
""",
    """\
dataset = "phantom_masses"
classes = ["benign", "malignant"]
[input]
shape = {shape}
margin = {margin}
film_steps = [
    {{step = "breast", side = "as_is", crop = false}},
    {{step = "rescale", low = 1.0, high = 99.5, over = "nonzero"}},
]
steps = [{{step = "gaussian", sigma = 0.5}}, {{step = "resize", shape = [48, 48]}}]
[network]
widths = [4, 8, 8]
pool_after = [1, 2]
[augmentation]
flip_axes = [0, 1]
[optimisation]
epochs = 2
threads = 1
[ensemble]
folds = {folds}
flips = true
""",
)
"""Plans of two epochs for films and for masses, as TOML with places to be filled."""


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
    """A plan that `tiny_dataset` is learned with in a moment; keywords change a section's fields: epochs=3, folds=2."""
    from hounsfield.plan import Augmentation, ConvNetChoice, Ensemble, Input, Optimisation, Plan
    from hounsfield.plan.schema import Auxiliary

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
        network = changed.pop("network", None)
        if network is not None:
            usual = {key: value for key, value in usual.items() if key not in ConvNetChoice.model_fields}
        values = usual | changed

        def section(kind: Any) -> Any:
            return kind(**{name: values.pop(name) for name in kind.model_fields if name in values})

        sections = {
            "input": section(Input),
            "network": network or section(ConvNetChoice),
            "augmentation": section(Augmentation),
            "optimisation": section(Optimisation),
            "ensemble": section(Ensemble),
            "auxiliary": values.pop("auxiliary", Auxiliary()),
        }
        return Plan(**{"dataset": "tiny", "classes": ("plain", "square")} | sections | values)

    return make


def _spheres(folder: Path, *, count: int = 12, spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> Path:
    """Volumes with a bright sphere (1) and a darker one (2), of two sizes."""
    import nibabel
    import numpy as np

    rng = np.random.default_rng(0)
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True)
    affine = np.diag([*spacing[::-1], 1.0])
    for number in range(count):
        shape = (20, 26, 24) if number % 2 else (18, 24, 28)
        grid = np.indices(shape)
        image, mask = rng.normal(100, 5, shape), np.zeros(shape, dtype=np.uint8)
        for label, level in ((1, 200), (2, 150)):
            middle = rng.integers(7, np.array(shape) - 7)
            inside = ((grid - middle[:, None, None, None]) ** 2).sum(axis=0) < 16
            image[inside], mask[inside] = level + rng.normal(0, 5, int(inside.sum())), label
        for name, voxels in (("images", image.astype(np.float32)), ("labels", mask)):
            nibabel.save(
                nibabel.Nifti1Image(voxels.transpose(2, 1, 0), affine), folder / name / f"case{number:02}.nii.gz"
            )
    return folder


def _cells(folder: Path, *, count: int = 20, shape: tuple[int, int] = (48, 64)) -> Path:
    """Flat images of cells, some of which touch, and masks on which each has a number."""
    import json

    import cv2
    import numpy as np

    rng = np.random.default_rng(0)
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True)
    grid = np.indices(shape)
    for place in range(count):
        mask = np.zeros(shape, dtype=np.uint16)
        for number in range(1, 20):
            middle, radius = rng.integers(0, shape), rng.integers(5, 8)
            disc = ((grid - middle[:, None, None]) ** 2).sum(axis=0) < radius**2
            free = disc & (mask == 0)
            if free.sum() > max(40, 0.8 * disc.sum()):
                mask[free] = 300 + 7 * number
        edge = cv2.morphologyEx(mask, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
        image = np.where(mask > 0, np.where(edge, 130, 200), 40) + rng.normal(0, 6, shape)
        cv2.imwrite(str(folder / "images" / f"{place:02}.png"), image.clip(0, 255).astype(np.uint8))
        cv2.imwrite(str(folder / "labels" / f"{place:02}.png"), mask)
    names = {"labels": {"background": 0, "cell": "each"}}
    (folder / "dataset.json").write_text(json.dumps(names), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def cells() -> Callable[..., Path]:
    """Writes images of cells that touch, and masks with a number for each, to a folder, and gives it back."""
    return _cells


@pytest.fixture(scope="session")
def spheres() -> Callable[..., Path]:
    """Writes volumes with two spheres and their masks to a folder, and gives it back."""
    return _spheres
