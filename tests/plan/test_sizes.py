"""Images of very different sizes: said once, in inspect and in the plan, and no image loses its proportions."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from hounsfield.cli.main import main
from hounsfield.datasets import open_dataset
from hounsfield.datasets.fingerprint import make_fingerprint
from hounsfield.plan import Input, Plan, input_of, plan_from_text, plan_to_text
from hounsfield.plan.network_input import prepare_case
from hounsfield.plan.sizes import note_on_sizes

NOTE = (
    "images are from 100 to 800 pixels along the longer side; all are brought to 256 × 128, proportions kept, "
    "about 23 % of them enlarged"
)
PlanOf = Callable[[Path], Plan]
WriteFilms = Callable[[list[int]], Path]


@pytest.fixture
def write_films(tmp_path: Path) -> WriteFilms:
    """Class folders with white films twice as high as wide, of these heights, as often in each class."""

    def write(heights: list[int]) -> Path:
        for name in ("benign", "malignant"):
            (tmp_path / "films" / name).mkdir(parents=True)
            for number, height in enumerate(heights):
                film = np.full((height, height // 2), 255, np.uint8)
                film[: height // 10] = 200 + number  # no two films are the same
                cv2.imwrite(str(tmp_path / "films" / name / f"{name}-{number}.png"), film)
        return tmp_path / "films"

    return write


VERY_DIFFERENT = [100] * 3 + [400] * 6 + [800] * 3


def test_the_plan_says_what_one_size_does_to_them(write_films: WriteFilms, plan_of: PlanOf) -> None:
    plan = plan_of(write_films(VERY_DIFFERENT))
    assert plan.reasons["input.steps"] == f"8-bit levels mean the same in all images; {NOTE}"
    assert plan_from_text(plan_to_text(plan)) == plan


def test_inspect_says_it_once_and_the_page_too(
    write_films: WriteFilms, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_films(VERY_DIFFERENT)
    assert main(["inspect", str(folder), "-o", str(tmp_path / "look")]) == 0
    assert capsys.readouterr().out.count(f"warn: {NOTE}\n") == 1
    assert NOTE[1:] in (tmp_path / "look" / "report.html").read_text(encoding="utf-8")
    assert main(["inspect", str(folder), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert NOTE in [problem["text"] for problem in said["problems"]]
    assert said["fingerprint"]["longer_side"]["0"] == 100 and said["fingerprint"]["longer_side"]["100"] == 800


def test_nothing_is_said_of_sizes_that_are_near_each_other(
    write_films: WriteFilms, plan_of: PlanOf, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_films([200] * 6 + [800] * 6)  # four times, and no more
    assert "images are from" not in str(plan_of(folder).reasons)
    assert main(["inspect", str(folder)]) == 0
    assert "images are from" not in capsys.readouterr().out


def test_a_few_strays_are_no_reason_to_speak(write_films: WriteFilms) -> None:
    fingerprint = make_fingerprint(open_dataset(write_films([100] + [400] * 40)))
    assert fingerprint.shape_min[1] == 100
    assert not fingerprint.sizes_differ


def test_proportions_are_kept_at_every_size(write_films: WriteFilms) -> None:
    dataset = open_dataset(write_films([40, 400, 800]))
    spec = input_of(dataset, make_fingerprint(dataset))
    resize = {**spec.steps[-1], "shape": [256, 256]}
    square = Input(shape=(256, 256), steps=(*spec.steps[:-1], resize))
    assert spec.steps[-1]["keep_aspect"]
    for case in dataset.cases:
        rows, columns = np.nonzero(prepare_case(case.image, square).voxels[0, 0] > 0.5)
        assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (256, 128)


def test_volumes_are_named_as_what_they_are(write_films: WriteFilms) -> None:
    flat = make_fingerprint(open_dataset(write_films(VERY_DIFFERENT)))
    stretched = Input(shape=(24, 64, 64), steps=({"step": "resize", "shape": [24, 64, 64], "keep_aspect": False},))
    note = note_on_sizes(replace(flat, planar=False), stretched)
    assert note == (
        "images are from 100 to 800 voxels along the longest side; all are brought to 24 × 64 × 64, each axis on its "
        "own, none of them enlarged"
    )
