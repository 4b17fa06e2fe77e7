"""How many films an image counts as: every pass of a network over a window, a tile or a mirrored copy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hounsfield.bundle import Bundle, OperatingPoint, TrainingRecord, write_bundle
from hounsfield.datasets.split import Split
from hounsfield.networks.voxelwise import Voxelwise
from hounsfield.plan import (
    Augmentation,
    Detection,
    Ensemble,
    Input,
    Plan,
    ResidualChoice,
    Segmentation,
    UNetChoice,
)
from hounsfield.plan.network import build_network
from hounsfield.plan.network_choices import CentreChoice
from hounsfield.reading import reader as reader_module
from hounsfield.reading.reader import Reader
from hounsfield.reading.runtime import Choice
from hounsfield.reading.work import films_of

ENCODER = ResidualChoice(widths=(8, 16), blocks=(1, 1))


def outlining(shape: tuple[int, ...]) -> Plan:
    return Plan(
        task="segmentation",
        dataset="",
        classes=("image",),
        input=Input(shape=shape, windows=True),
        network=UNetChoice(encoder=ENCODER),
        segmentation=Segmentation(labels=tuple("abc"), numbers=((1,), (2,), (3,))),
    )


def finding(shape: tuple[int, ...], tile: tuple[int, ...] = ()) -> Plan:
    return Plan(
        task="detection",
        dataset="",
        classes=("no lesion", "lesion"),
        input=Input(shape=shape),
        network=CentreChoice(encoder=ENCODER, stride=2),
        augmentation=Augmentation(flip_axes=(1,)),
        ensemble=Ensemble(flips=True),
        detection=Detection(kinds=("lesion",), positive=("lesion",), tile=tile),
    )


def written(plan: Plan, folder: Path) -> Bundle:
    return write_bundle(
        folder / plan.task,
        plan=plan,
        members=[build_network(plan).state_dict()],
        operating=OperatingPoint(0.5, ""),
        training=TrainingRecord("", 2, 2, 1, 0.0, "", "", "finished"),
        split=Split({}, {}, 0, (1.0, 0.0, 0.0), "none", ""),
    )


def test_windows_count_by_their_number_and_size() -> None:
    assert films_of(outlining((4, 16, 16)), (4, 16, 16)) == 1
    assert films_of(outlining((4, 16, 16)), (8, 16, 16)) == 3
    assert films_of(outlining((16, 16)), (32, 16)) == 3
    assert films_of(outlining((128, 128, 128)), (128, 128, 192)) == 2 * 26


def test_tiles_and_mirrored_copies_count_by_their_number_and_size() -> None:
    assert films_of(finding((32, 32)), (32, 32)) == 1
    assert films_of(finding((64, 32), tile=(32, 32)), (64, 32), copies=2) == 3 * 2
    assert films_of(finding((1400, 1400), tile=(800, 800)), (1500, 1500), copies=4) == 2 * 2 * 4 * 8


def test_a_hundred_films_in_tiles_are_worth_a_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected: list[int] = []

    def noted(wanted: str, ensemble: object, *, images: int, **given: object) -> Choice:
        expected.append(images)
        raise StopIteration

    monkeypatch.setattr(reader_module, "choose_runtime", noted)
    for plan, voxelwise in ((finding((64, 32), tile=(32, 32)), False), (outlining((4, 16, 16)), True)):
        reader = Reader(written(plan, tmp_path), images=100)
        assert isinstance(reader._rows, Voxelwise) == voxelwise
        with pytest.raises(StopIteration):
            reader.start(np.zeros((1, 1, *((8, 16, 16) if voxelwise else (64, 32))), dtype=np.float32))
    assert expected == [100 * 3 * 2, 100 * 3]
