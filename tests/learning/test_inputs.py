"""All cases prepared once: kept, taken up again, and a bad one named."""

from __future__ import annotations

import json
import os
import resource
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hounsfield.datasets.case import Case, Dataset, ImageRef
from hounsfield.errors import StorageError, TrainingError
from hounsfield.learning import inputs as module
from hounsfield.learning.inputs import Inputs, prepare_inputs
from hounsfield.plan import Plan

MakeTinyPlan = Callable[..., Plan]


def with_bad(dataset: Dataset, *numbers: int) -> Dataset:
    """The data set with references to rows that are not there."""

    def spoilt(case: Case) -> Case:
        return replace(case, images={"image": ImageRef(dataset.root / "tiny.npz", "images", 999)})

    cases = tuple(spoilt(case) if number in numbers else case for number, case in enumerate(dataset.cases))
    return replace(dataset, cases=cases)


def kept(tmp_path: Path, suffix: str) -> Path:
    """The one file of that kind in the run's folder."""
    (path,) = (tmp_path / "run").glob(f"inputs-*.{suffix}")
    return path


def prepared(dataset: Dataset, plan: Plan, folder: Path) -> Inputs:
    folder.mkdir(exist_ok=True)
    return prepare_inputs(dataset, dataset.cases, plan.input, folder, threads=2)


def test_every_case_has_its_row(tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path) -> None:
    inputs = prepared(tiny_dataset, make_tiny_plan(), tmp_path / "run")
    stored = np.load(tmp_path / "tiny.npz")["images"]
    assert (inputs.voxels.shape, inputs.voxels.dtype) == ((40, 1, 16, 16), np.float16)
    np.testing.assert_allclose(inputs.voxels[:, 0], stored / 255, atol=5e-4)
    assert inputs.targets.tolist() == [1, 0] * 20
    assert inputs.rows(["case-03", "case-00", "nobody"]).tolist() == [3, 0]
    assert inputs.failed == ()


def test_they_are_prepared_once(
    tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = prepared(tiny_dataset, make_tiny_plan(), tmp_path / "run")
    monkeypatch.setattr(module, "case_array", lambda case, spec: pytest.fail("prepared again"))
    second = prepared(tiny_dataset, make_tiny_plan(), tmp_path / "run")
    np.testing.assert_array_equal(first.voxels, second.voxels)


@pytest.mark.parametrize("change", ["plan", "file", "target", "index lost"])
def test_they_are_prepared_again_when_anything_changed(
    tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path, change: str
) -> None:
    plan = make_tiny_plan()
    prepared(tiny_dataset, plan, tmp_path / "run")
    if change == "plan":
        plan = make_tiny_plan(steps=({"step": "rescale"}, {"step": "resize", "shape": [16, 16]}))
    elif change == "file":
        np.savez(tmp_path / "tiny.npz", images=np.full((40, 16, 16), 255, np.uint8))
        os.utime(tmp_path / "tiny.npz", ns=(1, 1))
    elif change == "target":
        tiny_dataset = replace(tiny_dataset, cases=tuple(replace(case, target=1) for case in tiny_dataset.cases))
    else:  # killed between the array and its index
        kept(tmp_path, "json").unlink()
        kept(tmp_path, "npy").write_bytes(b"half")
    again = prepared(tiny_dataset, plan, tmp_path / "run")
    fresh = prepared(tiny_dataset, plan, tmp_path / "other")
    np.testing.assert_array_equal(again.voxels, fresh.voxels)
    assert again.targets.tolist() == fresh.targets.tolist()


def test_a_case_that_cannot_be_read_is_left_out_and_named(
    tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path
) -> None:
    whole = prepared(tiny_dataset, make_tiny_plan(), tmp_path / "whole")
    bad = with_bad(tiny_dataset, 0, 7)
    for _ in ("prepared", "taken up again"):
        inputs = prepared(bad, make_tiny_plan(), tmp_path / "run")
        assert [case for case, _ in inputs.failed] == ["case-00", "case-07"]
        assert "there is no row 999" in inputs.failed[0][1]
        left = [number for number in range(40) if number not in (0, 7)]
        assert [case.id for case in inputs.cases] == [f"case-{number:02d}" for number in left]
        np.testing.assert_array_equal(inputs.voxels, whole.voxels[left])
        assert inputs.rows(["case-00", "case-08"]).tolist() == [6]


def test_the_file_is_a_plain_array_of_as_many_rows_as_could_be_read(
    tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path
) -> None:
    few = replace(tiny_dataset, cases=tiny_dataset.cases[:10])  # two digits of rows become one
    prepared(with_bad(few, 0, 7), make_tiny_plan(), tmp_path / "run")
    assert np.load(kept(tmp_path, "npy")).shape == (8, 1, 16, 16)
    assert {path.suffix for path in (tmp_path / "run").iterdir()} == {".npy", ".json"}


def test_more_than_half_unreadable_stops_the_training_with_the_first_reasons(
    tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path
) -> None:
    assert len(prepared(with_bad(tiny_dataset, *range(20)), make_tiny_plan(), tmp_path / "half").cases) == 20
    with pytest.raises(TrainingError, match=r"21 of 40 cases of .* cannot be read \(case-00: .*no row 999; case-01: "):
        prepared(with_bad(tiny_dataset, *range(21)), make_tiny_plan(), tmp_path / "run")


def test_values_that_no_network_learns_from_are_refused_by_name(
    tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path
) -> None:
    images = np.full((40, 16, 16), 70_000, np.uint32)
    np.savez(tmp_path / "tiny.npz", images=images)
    plan = make_tiny_plan(steps=({"step": "resize", "shape": [16, 16]},))
    with pytest.raises(TrainingError, match='values up to 70000; networks learn from values near 0 … 1.*"rescale"'):
        prepared(tiny_dataset, plan, tmp_path / "run")


def test_a_full_disk_is_a_sentence_and_stops_the_work(
    tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(
            StorageError, match=r"could not write .*inputs-.*\.npy: File too large; nothing was changed"
        ):
            prepared(tiny_dataset, make_tiny_plan(), tmp_path / "run")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list((tmp_path / "run").iterdir()) == []


def test_a_stop_does_not_wait_for_the_rest(
    tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []
    go_on = threading.Event()
    real = module.case_array

    def slow(case: Case, spec: Any) -> Any:
        begun.append(case.id)
        if len(begun) > 4:
            go_on.wait(0.2)
        return real(case, spec)

    def stop(items: Any, description: str, *, total: int) -> Any:
        yield next(items)
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "case_array", slow)
    monkeypatch.setattr(module, "track", stop)
    with pytest.raises(KeyboardInterrupt):
        prepared(tiny_dataset, make_tiny_plan(), tmp_path / "run")
    assert len(begun) < 20


def test_a_shortage_of_memory_stops_the_work_by_the_name_of_the_file(
    tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = module.case_array

    def too_large(case: Case, spec: Any) -> Any:
        if case.id == "case-03":
            raise MemoryError
        return real(case, spec)

    monkeypatch.setattr(module, "case_array", too_large)
    with pytest.raises(StorageError, match=r"tiny.npz: there is not enough memory to prepare it; end other programs"):
        prepared(tiny_dataset, make_tiny_plan(), tmp_path / "run")
    assert list((tmp_path / "run").iterdir()) == []


def test_the_index_says_what_was_left_out(tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path) -> None:
    prepared(with_bad(tiny_dataset, 3), make_tiny_plan(), tmp_path / "run")
    index = json.loads(kept(tmp_path, "json").read_text())
    assert list(index["failed"]) == ["case-03"]
