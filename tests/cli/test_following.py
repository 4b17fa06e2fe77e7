"""What is said of a training where stderr is no terminal: where it is, and how long it still takes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hounsfield.cli import following
from hounsfield.cli.following import Following
from hounsfield.datasets.case import Dataset
from hounsfield.datasets.split import make_split
from hounsfield.learning.checkpoint import EpochRecord
from hounsfield.plan import Plan
from hounsfield.plan.schema import Lesions


def test_squares_and_images_are_told_apart_and_take_their_own_time(
    tiny_dataset: Dataset,
    make_tiny_plan: Callable[..., Plan],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(following, "_LINE_EVERY_S", 0.0)
    steps = ({"step": "resize", "shape": [16, 16]},)
    lesions = Lesions(epochs=2, classes=("a", "b"), shape=(16, 16), margin=1.0, steps=steps)
    shown = Following()
    shown.on_plan(make_tiny_plan(folds=2, epochs=3).model_copy(update={"lesions": lesions}), make_split(tiny_dataset))
    capsys.readouterr()
    for member, stage, epoch, seconds in ((0, "lesions", 1, 60.0), (0, "lesions", 2, 60.0), (0, "", 1, 300.0)):
        shown.on_epoch(member, EpochRecord(epoch, 0.5, 0.6, 0.7, seconds, stage))
    shown.on_epoch(1, EpochRecord(1, 0.5, 0.6, 0.7, 60.0, "lesions"))
    assert capsys.readouterr().err.splitlines() == [
        "network 1 of 2 · lesions · epoch 1 of 2 · validation loss 0.600, AUC 0.700",
        "network 1 of 2 · lesions · epoch 2 of 2 · validation loss 0.600, AUC 0.700",
        "network 1 of 2 · epoch 1 of 3 · validation loss 0.600, AUC 0.700 · about 27 min left",  # 2 x 1 + 5 x 5
        "network 2 of 2 · lesions · epoch 1 of 2 · validation loss 0.600, AUC 0.700 · about 16 min left",  # 1 + 3 x 5
    ]
