"""Plans for objects that are told apart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from hounsfield.datasets import open_dataset
from hounsfield.datasets.fingerprint import make_fingerprint
from hounsfield.datasets.segmentation import for_segmentation
from hounsfield.plan import Input, Machine, Plan, Segmentation, make_plan, plan_from_text, plan_to_text
from hounsfield.plan.outlining import outliner
from hounsfield.plan.sizes import note_on_sizes
from hounsfield.plan.task import task_of
from hounsfield.tasks.instances import Instances

MACHINE = Machine(name="a laptop", cores=2, threads=2, memory_bytes=2**33, bf16=False)


def plan_of(folder: Path, segmentation: Segmentation) -> Plan:
    dataset = for_segmentation(open_dataset(folder))
    fingerprint = make_fingerprint(dataset, [case.id for case in dataset.cases], seed=0)
    return make_plan(
        fingerprint,
        MACHINE,
        modality="",
        cropped=False,
        rarest_patients=len(dataset.cases),
        asked=segmentation,
        minutes=20.0,
        seed=0,
        speed=lambda plan: 40.0,
        memory=lambda plan: 0,
        family=outliner(fingerprint, None, instances=segmentation.instances),
        folds=1,
    )


def test_images_of_objects_keep_their_size_and_are_looked_at_in_squares(
    tmp_path: Path, cells: Callable[..., Path]
) -> None:
    cells(tmp_path / "cells", count=6, shape=(100, 150))  # smaller than any window of larger images
    plan = plan_of(tmp_path / "cells", Segmentation(labels=("cell",), instances=True))
    assert plan.input.windows
    assert plan.input.shape == (96, 96)
    assert [step["step"] for step in plan.input.steps] == ["float"]
    assert "objects that touch stay apart" in plan.reasons["input.windows"]
    assert isinstance(task_of(plan), Instances)
    assert plan_from_text(plan_to_text(plan)) == plan
    labels = plan_of(tmp_path / "cells", Segmentation(labels=("cell",), numbers=((1,),)))
    assert not labels.input.windows and "input.windows" not in labels.reasons
    assert labels.input.shape[1] > labels.input.shape[0]


def test_images_that_keep_their_size_are_not_said_to_be_brought_to_one(
    tmp_path: Path, cells: Callable[..., Path]
) -> None:
    for number, side in enumerate((40, 400)):
        cells(tmp_path / str(number), count=3, shape=(side, side))
        for name in ("images", "labels"):
            (tmp_path / "both" / name).mkdir(parents=True, exist_ok=True)
            for path in (tmp_path / str(number) / name).iterdir():
                path.rename(tmp_path / "both" / name / f"{number}-{path.name}")
    dataset = for_segmentation(open_dataset(tmp_path / "both"), labels={"cell": ()})
    fingerprint = make_fingerprint(dataset, [case.id for case in dataset.cases], seed=0)
    assert note_on_sizes(fingerprint, Input(shape=(64, 64), steps=({"step": "resize", "shape": [64, 64]},)))
    assert not note_on_sizes(fingerprint, Input(shape=(64, 64), windows=True))


@pytest.mark.parametrize(
    ("labels", "numbers"), [((), ()), (("cell", "other"), ()), (("cell",), ((1,),)), (("cell",), ((),))]
)
def test_objects_have_one_label_and_no_numbers(labels: tuple[str, ...], numbers: tuple[tuple[int, ...], ...]) -> None:
    with pytest.raises(ValidationError, match="must be one name"):
        Segmentation(labels=labels, numbers=numbers, instances=True)
    assert Segmentation(labels=("cell",), instances=True).by_name == {"cell": ()}
