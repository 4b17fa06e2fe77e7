"""Cases of several views, and tables: what a reading rests on, what it lacks, and on which image its heat lies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from hounsfield.arrays import FloatArray, VoxelArray
from hounsfield.bundle import Bundle, OperatingPoint, TrainingRecord, write_bundle
from hounsfield.datasets.case import Case, Crop, Dataset, ImageRef
from hounsfield.datasets.split import Split
from hounsfield.findings import Box, Reading
from hounsfield.plan import ConvNetChoice, Input, MultipleInstanceChoice, Plan
from hounsfield.plan.network import build_network
from hounsfield.plan.schema import Column
from hounsfield.reading import reader as reader_module
from hounsfield.reading.batch import items_of_cases, read_many
from hounsfield.reading.evaluate import evaluate
from hounsfield.reading.reader import Reader

MakeBundle = Callable[..., Bundle]
STEPS = ({"step": "float", "scale": "type"}, {"step": "resize", "shape": [32, 32]})
SIDE = Column(name="side", kind="category", values=("LEFT", "RIGHT"))
AGE = Column(name="age", kind="number", mean=60.0, std=10.0)


@pytest.fixture
def two_views(tmp_path: Path) -> Bundle:
    """The mean of the brighter view is the answer: the encoder passes images on, and attention goes by brightness."""
    plan = Plan(
        dataset="by hand",
        classes=("plain", "bright"),
        input=Input(shape=(32, 32), views=("CC", "MLO"), steps=STEPS),
        network=MultipleInstanceChoice(over="views", encoder=ConvNetChoice(widths=(1,), pool_after=())),
    )
    weights = {key: torch.zeros_like(value) for key, value in build_network(plan).state_dict().items()}
    weights["encoder.features.0.weight"][:, :, 1, 1] = 1
    weights["encoder.features.1.weight"] += 1
    weights["encoder.features.1.running_var"] += 1
    weights["what.weight"] += 1
    weights["gate.bias"] += 9
    weights["weigh.weight"] += 1
    weights["answer.weight"][1] = 1
    return write_bundle(
        tmp_path / "views",
        plan=plan,
        members=[weights],
        operating=OperatingPoint(0.5, "by hand"),
        training=TrainingRecord("by hand", 2, 2, 1, 0.0, "", "", "finished"),
        split=Split({}, {}, 0, (1.0, 0.0, 0.0), "none", "by hand"),
    )


def written(path: Path, pixels: VoxelArray) -> ImageRef:
    path.write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
    return ImageRef(path)


def film(level: int, height: int = 32) -> VoxelArray:
    rng = np.random.default_rng(level)
    return (rng.integers(0, 20, (height, 32)) + level).astype(np.uint8)


def case_of(**images: ImageRef) -> Case:
    return Case("breast", "woman", images, target=1)


def read(bundle: Bundle, case: Case) -> Reading:
    reader = Reader(bundle)
    return reader.read_case(case, reader.load_case(case))


def test_an_image_of_its_own_is_read_as_the_first_view_and_says_so(two_views: Bundle, tmp_path: Path) -> None:
    ref = written(tmp_path / "film.png", film(100))
    reading = Reader(two_views).read(ref.path)
    assert reading.notes[0] == "Read as CC; without MLO."
    assert reading.answers == read(two_views, case_of(CC=ref)).answers
    assert reading.view == "CC" and reading.heat is not None


def test_a_blank_view_is_left_out_and_named(two_views: Bundle, tmp_path: Path) -> None:
    good, blank = written(tmp_path / "good.png", film(100)), written(tmp_path / "blank.png", film(0) * 0)
    reading = read(two_views, case_of(CC=good, MLO=blank))
    assert (reading.quality.verdict, reading.notes[0]) == ("doubtful", "From CC; without MLO.")
    assert reading.quality.reasons == ("MLO: the image is blank: export it again, or leave it out",)
    assert reading.answers == read(two_views, case_of(CC=good)).answers
    assert read(two_views, case_of(CC=blank, MLO=good)).notes[0] == "From MLO; without CC."
    nothing = read(two_views, case_of(CC=blank, MLO=blank))
    assert (nothing.quality.verdict, nothing.answers) == ("unfit", ())
    assert nothing.abstained.startswith("CC: the image is blank") and "; MLO: the image is blank" in nothing.abstained


@pytest.mark.parametrize(("cc", "mlo", "view"), [(40, 180, "MLO"), (180, 40, "CC")])
def test_heat_lies_on_the_image_of_the_view_that_weighed_most(
    two_views: Bundle, tmp_path: Path, cc: int, mlo: int, view: str
) -> None:
    spot = film(mlo)
    spot[4:12, 16:28] += 40
    refs = {"CC": written(tmp_path / "cc.png", film(cc, height=48)), "MLO": written(tmp_path / "mlo.png", spot)}
    ((_, image, reading),) = read_many(Reader(two_views), items_of_cases([case_of(**refs)]))
    assert isinstance(reading, Reading) and image is not None and reading.heat is not None
    assert (reading.view, image.source.path) == (view, refs[view].path)
    assert reading.heat.shape == image.shape[1:]
    np.testing.assert_allclose(reading.heat.max(), 1, atol=0.1)
    if view == "MLO":
        row, column = np.unravel_index(int(reading.heat.argmax()), reading.heat.shape)
        assert 4 <= row < 12 and 16 <= column < 28


def test_a_model_of_whole_views_reads_no_crops(two_views: Bundle, tmp_path: Path) -> None:
    refs = {name: written(tmp_path / f"{name}.png", film(90 + len(name))) for name in ("CC", "MLO")}
    crop = Crop(Box(2, 2, 9, 9))
    cropped = {name: replace(ref, crop=crop) for name, ref in refs.items()}
    whole = read(two_views, case_of(**refs))
    assert read(two_views, case_of(**cropped)).answers == whole.answers


def test_views_of_lesions_without_boxes_are_scanned(two_views: Bundle, tmp_path: Path) -> None:
    lesions = replace(two_views, training=replace(two_views.training, input_sides=(0.5, 0.5)))
    refs = {name: written(tmp_path / f"{name}.png", film(90)) for name in ("CC", "MLO")}
    reading = read(lesions, case_of(**refs))
    assert reading.scanned and reading.notes[0] == "Read as CC; without MLO."


def test_columns_that_are_not_known_are_named(make_bundle: MakeBundle, tmp_path: Path, two_views: Bundle) -> None:
    bundle = with_columns(make_bundle(steps=STEPS))
    ref = written(tmp_path / "film.png", film(100))
    assert "Not known of the case: side, age." in Reader(bundle).read(ref.path).notes
    case = Case("breast", "woman", {"image": ref}, columns={"side": "LEFT", "age": "unknown"})
    assert "Not known of the case: age." in read(bundle, case).notes
    known = read(bundle, replace(case, columns={"side": "LEFT", "age": "61"}))
    assert not any("Not known of the case" in note for note in known.notes)


def test_measuring_says_what_the_data_lack(make_bundle: MakeBundle, two_views: Bundle, tmp_path: Path) -> None:
    bundle = with_columns(make_bundle(steps=STEPS))
    refs = [written(tmp_path / f"{number}.png", film(20 * number)) for number in range(8)]
    cases = tuple(Case(f"c{n}", f"w{n}", {"image": ref}, target=int(n > 3)) for n, ref in enumerate(refs))
    data = Dataset("new", tmp_path, cases, ("plain", "bright"), "folders")
    notes = evaluate(bundle, data, which="all", resamples=20).evidence.notes
    assert "8 of 8 cases are without the column side." in notes and "8 of 8 cases are without the column age." in notes
    views = tuple(replace(case, images={"MLO" if n else "CC": refs[n]}) for n, case in enumerate(cases))
    data = Dataset("new", tmp_path, views, ("plain", "bright"), "table", views=("CC", "MLO"))
    notes = evaluate(two_views, data, which="all", resamples=20).evidence.notes
    assert "7 of 8 cases are without the view CC." in notes and "1 of 8 cases are without the view MLO." in notes


def test_a_scan_knows_the_cells_of_its_case(
    make_bundle: MakeBundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = with_columns(make_bundle(steps=STEPS, input_sides=(0.5, 0.5)))
    seen: list[Mapping[str, str]] = []
    real = reader_module.as_case

    def noted(array: FloatArray, cells: Mapping[str, str], spec: Input) -> FloatArray:
        seen.append(cells)
        return real(array, cells, spec)

    monkeypatch.setattr(reader_module, "as_case", noted)
    cells = {"side": "LEFT", "age": "61"}
    case = Case("breast", "woman", {"image": written(tmp_path / "film.png", film(100))}, columns=cells)
    assert read(bundle, case).scanned
    assert seen and all(each == cells for each in seen)


def with_columns(bundle: Bundle) -> Bundle:
    """The bundle's plan with two columns, and fresh weights."""
    spec = bundle.plan.input.model_copy(update={"columns": (SIDE, AGE)})
    plan = bundle.plan.model_copy(update={"input": spec})
    return write_bundle(
        bundle.folder,
        plan=plan,
        members=[build_network(plan).state_dict()],
        operating=bundle.operating,
        training=bundle.training,
        split=Split({}, {}, 0, (1.0, 0.0, 0.0), "none", "by hand"),
    )
