"""What a page shows of a segmentation."""

from __future__ import annotations

from hounsfield.evaluation.evidence import OutlinedImage, OutlinedLabel
from hounsfield.reporting.segmentation_part import choose_outlined

NOTHING = OutlinedLabel("tumour", 1.0, 1.0, None, None, 0.0, 0.0)


def test_the_worst_the_middle_and_the_best_are_chosen_by_the_labels_that_are_there() -> None:
    results = [
        OutlinedImage(f"{n}", f"{n}", (OutlinedLabel("liver", n / 10, n / 10, 2.0, 1.0, 10.0, 12.0), NOTHING))
        for n in range(10)
    ]
    empty = OutlinedImage("empty", "empty", (NOTHING,))

    assert [one.case for one in choose_outlined([empty, *results[::-1]], each=1)] == ["0", "5", "9"]
