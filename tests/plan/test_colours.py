"""Images in colour and grey ones in one data set: said with counts, in inspect and in the plan."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from hounsfield.cli.main import main
from hounsfield.datasets import open_dataset
from hounsfield.datasets.fingerprint import make_fingerprint
from hounsfield.plan import Plan
from hounsfield.plan.colours import note_on_colours

PlanOf = Callable[[Path], Plan]
WritePictures = Callable[[int, int], Path]


@pytest.fixture
def write_pictures(tmp_path: Path) -> WritePictures:
    """Class folders with so many pictures in colour and so many grey ones each, every second of these saved as RGB."""

    def write(coloured: int, grey: int) -> Path:
        rng = np.random.default_rng(0)
        for name in ("benign", "malignant"):
            (tmp_path / "pictures" / name).mkdir(parents=True)
            for number in range(coloured + grey):
                one = rng.integers(0, 255, (48, 48, 1), dtype=np.uint8)
                picture = np.concatenate([one, one // 2, one // 3], axis=2) if number < coloured else one
                saved = np.repeat(picture, 3, axis=2) if number >= coloured and number % 2 else picture
                cv2.imwrite(str(tmp_path / "pictures" / name / f"{name}-{number}.png"), saved)
        return tmp_path / "pictures"

    return write


def test_a_mixture_is_said_with_counts_in_inspect_and_in_the_plan(
    write_pictures: WritePictures, plan_of: PlanOf, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_pictures(6, 4)
    note = (
        "of 20 images looked at, 12 are in colour and 8 grey; all are shown to the network in colour: see that no class"
    )
    main(["inspect", str(folder)])
    assert f"warn: {note}" in capsys.readouterr().out
    plan = plan_of(folder)
    assert plan.input.channels == 3
    assert plan.reasons["input.channels"].startswith(note)
    grey = plan.input.model_copy(update={"channels": 1})
    assert "shown to the network in grey" in note_on_colours(make_fingerprint(open_dataset(folder)), grey)


@pytest.mark.parametrize(("coloured", "grey"), [(4, 0), (0, 4)])
def test_of_images_of_one_kind_nothing_is_said(
    write_pictures: WritePictures, plan_of: PlanOf, capsys: pytest.CaptureFixture[str], coloured: int, grey: int
) -> None:
    folder = write_pictures(coloured, grey)
    main(["inspect", str(folder)])
    assert "in colour" not in capsys.readouterr().out
    assert "input.channels" not in plan_of(folder).reasons
