"""Large images are refused before they fill the memory, and do not fill it together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import nibabel
import numpy as np
import pytest

from hounsfield.datasets.case import Case, Dataset, ImageRef
from hounsfield.datasets.npz import read_array
from hounsfield.errors import StorageError
from hounsfield.formats import capacity, nifti
from hounsfield.geometry import planar_affine
from hounsfield.image import Image
from hounsfield.learning.inputs import prepare_inputs
from hounsfield.plan import Input
from hounsfield.plan.network_input import prepare
from hounsfield.plan.working_memory import working_memory
from hounsfield.preprocessing import Pipeline
from hounsfield.preprocessing.sketch import Sketch

Only = Callable[[int], None]
SPEC = Input(shape=(4, 8, 8), steps=({"step": "rescale"}, {"step": "resize", "shape": [4, 8, 8]}))
NEEDED = 16 * 20 * 20 * 16
"""Bytes for work on a volume of (16, 20, 20)."""


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Only:
    """Fakes how many bytes are free; small images count too."""
    monkeypatch.setattr(capacity, "_SMALL_BYTES", 0)
    return lambda free: monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=free))


def volume() -> Image:
    return Image(np.random.default_rng(0).integers(0, 900, (1, 16, 20, 20), dtype=np.int16), planar_affine())


def write_volumes(folder: Path) -> Dataset:
    """Five volumes of (16, 20, 20), and the last of (80, 80, 80)."""
    rng = np.random.default_rng(0)
    cases = []
    for number in range(6):
        path = folder / f"{number}.nii"
        shape = (20, 20, 16) if number < 5 else (80, 80, 80)
        nibabel.save(nibabel.Nifti1Image(rng.integers(0, 900, shape, dtype=np.int16), np.eye(4)), path)  # type: ignore
        cases.append(Case(str(number), str(number), {"image": ImageRef(path)}, target=number % 2))
    return Dataset("volumes", folder, tuple(cases), ("no", "yes"), "table")


def test_a_volume_larger_than_the_memory_is_named_and_not_read(
    tmp_path: Path, only: Only, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = write_volumes(tmp_path)
    only(800_000)
    read: list[tuple[int, ...]] = []
    real = nifti.check_finite
    monkeypatch.setattr(nifti, "check_finite", lambda path, voxels: (read.append(voxels.shape), real(path, voxels))[1])
    inputs = prepare_inputs(dataset, dataset.cases, SPEC, tmp_path, threads=1)
    assert len(inputs.cases) == 5
    ((case, reason),) = inputs.failed
    assert case == "5"
    assert reason.startswith(
        f"{tmp_path / '5.nii'}: its 1 x 80 x 80 x 80 image needs 0.0 GB of memory, 0.0 GB are free"
    )
    assert read == [(1, 16, 20, 20)] * 5


def test_one_that_can_be_read_and_not_worked_on_is_refused_too(only: Only) -> None:
    needed = Pipeline.from_data(SPEC.steps).need(Sketch.of(volume()))
    only(needed)
    with pytest.raises(StorageError, match="its 1 x 16 x 20 x 20 image, while it is prepared, needs .* read a smaller"):
        prepare(volume(), SPEC)
    only(needed + needed // 5)  # a tenth is left for others
    assert prepare(volume(), SPEC).shape == (4, 8, 8)


def test_the_longest_ct_is_prepared_for_outlining_with_8_gb() -> None:
    steps = Pipeline.from_data(
        [
            {"step": "window", "center": 40.0, "width": 400.0},
            {"step": "foreground"},
            {"step": "spacing", "mm": [1.5, 1.5, 1.5]},
            {"step": "orient"},
        ]
    )
    ct = Sketch(1, (1500, 512, 512), (1.0, 0.8, 0.8), "patient", np.dtype(np.int16))
    stored, everything_else = 2 * ct.voxels, 2_000_000_000
    assert steps.need(ct) < 0.9 * (8_000_000_000 - stored - everything_else)


def test_a_grey_image_shown_in_three_channels_needs_three_times_as_much(only: Only) -> None:
    thrice = Input(shape=SPEC.shape, steps=SPEC.steps, channels=3)
    needed = Pipeline.from_data(SPEC.steps).need(Sketch.of(volume()))
    only(3 * needed)
    with pytest.raises(StorageError, match="while it is prepared"):
        prepare(volume(), thrice)
    only(6 * needed)
    assert prepare(volume(), thrice).channels == 3


def test_a_colour_image_that_becomes_grey_needs_its_colours_once(only: Only) -> None:
    film = Image(np.zeros((3, 1, 40, 40), dtype=np.uint8), np.eye(4))
    only(20 * film.voxels.size // 3)  # the colours in float32 and the grey, 16 bytes a pixel, and what others need
    assert (
        prepare(film, Input(shape=(8, 8), steps=({"step": "float"}, {"step": "resize", "shape": [8, 8]}))).channels == 1
    )


def test_an_array_of_an_npz_file_is_held_against_the_memory(tmp_path: Path, only: Only) -> None:
    np.savez(tmp_path / "some.npz", train_images=np.zeros((10, 28, 28), np.uint8))
    only(7000)
    with pytest.raises(StorageError, match=r"some\.npz: its 10 x 28 x 28 array 'train_images' needs"):
        read_array(tmp_path / "some.npz", "train_images")


@pytest.mark.parametrize(("free", "together"), [(1.5 * NEEDED, 1), (3 * NEEDED, 2)])
def test_two_wait_for_each_other_where_both_do_not_fit(only: Only, free: float, together: int) -> None:
    only(int(free))
    at_work, most = 0, 0
    guard = threading.Lock()

    def work() -> None:
        nonlocal at_work, most
        with working_memory(volume(), NEEDED):
            with guard:
                at_work += 1
                most = max(most, at_work)
            time.sleep(0.2)
            with guard:
                at_work -= 1

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert (most, at_work) == (together, 0)


def test_an_error_gives_the_memory_back(only: Only) -> None:
    only(int(1.5 * NEEDED))
    for _ in range(2):
        with pytest.raises(ValueError, match="a step"), working_memory(volume(), NEEDED):
            raise ValueError("a step")
