"""A run's folder: begun, taken up again, and refused when something else is meant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from hounsfield.datasets.case import Dataset
from hounsfield.datasets.split import Split, make_split
from hounsfield.errors import StorageError, TrainingError
from hounsfield.learning.run import Run, cases_digest, open_run
from hounsfield.plan import Plan

MakeTinyPlan = Callable[..., Plan]
REQUEST = {"minutes": 10.0, "seed": 0, "network": "convnet"}


@pytest.fixture
def choose(tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan) -> Callable[[Path], tuple[Plan, Split]]:
    return lambda folder: (make_tiny_plan(learning_rate=0.1 + 0.2), make_split(tiny_dataset, seed=1))


def never(folder: Path) -> tuple[Plan, Split]:
    raise AssertionError("chosen again")


def test_a_run_is_taken_up_with_its_plan_and_split(
    choose: Callable[[Path], tuple[Plan, Split]], tmp_path: Path
) -> None:
    begun = open_run(tmp_path / "B", REQUEST, choose)
    assert begun.folder == tmp_path / "B.training"
    again = open_run(tmp_path / "B", REQUEST, never)
    assert (begun.resumed, again.resumed) == (False, True)
    assert again.plan == begun.plan
    assert again.split.sha256 == begun.split.sha256
    again.close()
    assert list(tmp_path.glob("*B*")) == list(tmp_path.glob(".*B*")) == []


def test_another_request_is_refused_and_says_what_differs(
    choose: Callable[[Path], tuple[Plan, Split]], tmp_path: Path
) -> None:
    open_run(tmp_path / "B", REQUEST, choose)
    with pytest.raises(
        TrainingError, match=r"B\.training holds an unfinished .* otherwise \(minutes, seed\); give its"
    ):
        open_run(tmp_path / "B", REQUEST | {"seed": 1, "minutes": 5.0}, never)


@pytest.mark.parametrize("damage", ["gone", "no JSON"])
def test_a_folder_that_is_no_run_is_refused(
    choose: Callable[[Path], tuple[Plan, Split]], tmp_path: Path, damage: str
) -> None:
    request = open_run(tmp_path / "B", REQUEST, choose).folder / "request.json"
    if damage == "gone":
        request.unlink()
    else:
        request.write_text("{")
    with pytest.raises(TrainingError, match=r"is not a training that can go on \(.*\); delete it to start anew"):
        open_run(tmp_path / "B", REQUEST, never)


def test_a_place_that_is_taken_is_refused_before_anything_is_chosen(tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "mother.txt").write_text("dear")
    with pytest.raises(StorageError, match="letters is there already and is no bundle; it was left as it is"):
        open_run(tmp_path / "letters", REQUEST, never)
    assert {path.name for path in tmp_path.iterdir()} == {"letters"}


def test_the_digest_of_the_cases_changes_when_one_of_them_does(tiny_dataset: Dataset) -> None:
    first, *rest = tiny_dataset.cases
    digest = cases_digest(tiny_dataset)
    assert cases_digest(replace(tiny_dataset, cases=tuple(tiny_dataset.cases))) == digest
    for changed in (replace(first, target=0), replace(first, patient="another"), replace(first, images=rest[0].images)):
        assert cases_digest(replace(tiny_dataset, cases=(changed, *rest))) != digest


def test_networks_begin_anew_when_the_images_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Run(tmp_path, cast("Plan", None), cast("Split", None), resumed=True)
    run.begin_anew_unless("one")
    (tmp_path / "member-0.safetensors").write_bytes(b"learned")
    run.begin_anew_unless("one")
    assert (tmp_path / "member-0.safetensors").is_file()
    run.begin_anew_unless("two")
    assert not (tmp_path / "member-0.safetensors").exists()
    assert "its networks begin anew" in capsys.readouterr().err
