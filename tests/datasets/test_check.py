from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hounsfield.datasets import Case, Crop, Dataset, ImageRef, open_dataset
from hounsfield.datasets.check import Problem, check_dataset
from hounsfield.datasets.misplaced import _reaches_over
from hounsfield.findings import Box

MakeDataset = Callable[..., Dataset]
WriteFilm = Callable[..., Path]


@pytest.fixture
def sound(make_dataset: MakeDataset) -> Dataset:
    return make_dataset([(str(n), f"P{n}", "malignant" if n % 3 else "benign") for n in range(60)])


def _texts(problems: tuple[Problem, ...], severity: str) -> list[str]:
    return [problem.text for problem in problems if problem.severity == severity]


def test_a_sound_data_set_has_no_problems(sound: Dataset) -> None:
    assert check_dataset(sound) == ()


def test_one_class_only_is_refused(make_dataset: MakeDataset) -> None:
    problems = check_dataset(make_dataset([(str(n), str(n), "benign") for n in range(40)]))
    assert _texts(problems, "refuse") == [
        "every labelled case is 'benign'; to tell classes apart, two are needed: add cases of another class"
    ]


def test_no_labels_at_all_are_refused(make_dataset: MakeDataset) -> None:
    problems = check_dataset(make_dataset([(str(n), str(n), "") for n in range(40)]))
    assert _texts(problems, "refuse") == ["no case has a class; there is nothing to learn from"]


def test_three_patients_are_refused_class_by_class(make_dataset: MakeDataset) -> None:
    rows = [(str(n), f"P{n % 3}", "malignant" if n % 3 == 0 else "benign") for n in range(30)]
    problems = check_dataset(make_dataset(rows))
    assert [text[:41] for text in _texts(problems, "refuse")] == [
        "only 2 patients with class 'benign'; train"[:41],
        "only 1 patient with class 'malignant'; train"[:41],
    ]
    assert "only 3 patients: every figure will have a very wide interval" in _texts(problems, "warn")
    assert problems[0].severity == "refuse"


def test_few_cases_and_missing_labels_are_warned_of(sound: Dataset, make_dataset: MakeDataset) -> None:
    extra = make_dataset([*((f"x{n}", f"x{n}", "rare") for n in range(4)), ("u", "u", "")], classes=("a", "b", "rare"))
    cases = (*sound.cases, *extra.cases)
    warnings = _texts(check_dataset(replace(sound, cases=cases, classes=("benign", "malignant", "rare"))), "warn")
    assert "only 4 cases of class 'rare': too few to learn or to measure anything" in warnings
    assert "1 case without a class: nothing is learned from them" in warnings


def test_unknown_patients_are_warned_of(sound: Dataset) -> None:
    (warning,) = _texts(check_dataset(replace(sound, patients_known=False)), "warn")
    assert warning.startswith("patients are not known")


def test_patient_ids_with_side_and_view_are_warned_of(make_dataset: MakeDataset) -> None:
    names = [
        f"P_{woman:03d}_{side}_{view}" for woman in range(20) for side in ("LEFT", "RIGHT") for view in ("CC", "MLO")
    ]
    rows = [(name, name, "malignant" if number % 8 < 4 else "benign") for number, name in enumerate(names)]
    (warning,) = _texts(check_dataset(make_dataset(rows)), "warn")
    assert warning.startswith(
        "80 patient ids look like 20 patients, for ids such as 'P_000_LEFT_CC' name the side or view"
    )
    women = make_dataset([(name, name[:5], target) for name, _, target in rows])
    assert "look like" not in str(check_dataset(women))


def test_cases_that_name_the_same_image_are_found(sound: Dataset) -> None:
    twin = replace(sound.cases[3], id="twin", patient="other", images=sound.cases[4].images, target=0)
    (problem,) = check_dataset(replace(sound, cases=(*sound.cases, twin)))
    assert problem.cases == ("4", "twin")
    assert "name the same image, yet have different classes: one label is wrong (4 = twin)" in problem.text


def _films(folder: Path, write_film: WriteFilm, crops: tuple[Crop | None, ...]) -> tuple[Case, ...]:
    pixels = np.arange(48, dtype=np.uint8).reshape(6, 8)
    paths = [write_film("one.png", pixels), write_film("copy.png", pixels), write_film("other.png", pixels.T.copy())]
    return tuple(
        Case(path.stem, f"W{path.stem}", {"image": ImageRef(path, crop=crop)}, 1)
        for path, crop in zip(paths, crops, strict=True)
    )


def test_copies_of_a_file_are_found_whatever_their_name(tmp_path: Path, write_film: WriteFilm, sound: Dataset) -> None:
    films = _films(tmp_path, write_film, (None, None, None))
    (problem,) = check_dataset(replace(sound, cases=(*sound.cases, *films)))
    assert problem.severity == "warn"
    assert problem.cases == ("one", "copy")
    assert "byte for byte under different patients" in problem.text


def test_different_crops_of_copies_are_no_copies(tmp_path: Path, write_film: WriteFilm, sound: Dataset) -> None:
    films = _films(tmp_path, write_film, (Crop(Box(0, 0, 2, 2)), Crop(Box(3, 3, 5, 5)), None))
    assert check_dataset(replace(sound, cases=(*sound.cases, *films))) == ()


def test_copies_across_official_parts_of_an_npz_are_found(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 255, (40, 8, 8), dtype=np.uint8)
    validation = np.concatenate([images[:1], 255 - images[1:20]])
    labels = np.arange(40) % 2
    np.savez(
        tmp_path / "toy.npz",
        train_images=images,
        train_labels=labels,
        val_images=validation,
        val_labels=labels[:20],
    )
    (_, problem) = check_dataset(open_dataset(tmp_path / "toy.npz"))
    assert problem.cases == ("train-00000", "val-00000")
    assert "in different official parts" in problem.text


def test_files_are_left_alone_when_asked(tmp_path: Path, write_film: WriteFilm, sound: Dataset) -> None:
    films = _films(tmp_path, write_film, (None, None, None))
    assert check_dataset(replace(sound, cases=(*sound.cases, *films)), content=False) == ()


def test_an_image_that_a_case_shows_as_two_views_is_found(
    tmp_path: Path, write_film: WriteFilm, sound: Dataset
) -> None:
    one, copy, other = _films(tmp_path, write_film, (None, None, None))
    cases = (
        replace(one, id="twice", images={"CC": one.image, "MLO": one.image}),
        replace(other, id="apart", images={"CC": copy.image, "MLO": other.image}),
        replace(other, id="again", patient="W", images={"CC": other.image, "MLO": copy.image}),
    )
    breasts = tuple(replace(case, images={"CC": case.image}) for case in sound.cases)
    problems = check_dataset(replace(sound, cases=(*breasts, *cases), views=("CC", "MLO")))
    assert ("1 case with the same image as two views or channels (twice)", ("twice",)) in [
        (p.text, p.cases) for p in problems
    ]
    assert any(
        "2 cases in 2 groups name the same image under different patients" in problem.text
        and problem.cases == ("apart", "again")
        for problem in problems
    )
    (copies,) = [problem for problem in problems if "byte for byte" in problem.text]
    assert copies.cases == ("twice", "apart")


def test_copies_of_a_file_as_two_views_of_a_case_are_found(
    tmp_path: Path, write_film: WriteFilm, sound: Dataset
) -> None:
    one, copy, _ = _films(tmp_path, write_film, (None, None, None))
    breasts = tuple(replace(case, images={"CC": case.image}) for case in sound.cases)
    twice = replace(one, images={"CC": one.image, "MLO": copy.image})
    (problem,) = check_dataset(replace(sound, cases=(*breasts, twice), views=("CC", "MLO")))
    assert (problem.severity, problem.text) == ("warn", "1 case with the same image as two views or channels (one)")


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        (("benign", "malignant"), True),
        (("BENIGN", "BENIGN_WITHOUT_CALLBACK", "", "MALIGNANT"), True),
        (("63", "64", "65", "66", "67"), False),
    ],
)
def test_an_input_that_gives_the_class_away_is_warned_of(sound: Dataset, cells: tuple[str, ...], told: bool) -> None:
    def cell(number: int, target: int | None) -> str:
        return cells[number % len(cells)] if not told else cells[-1] if target else cells[number % (len(cells) - 1)]

    cases = tuple(replace(case, columns={"seen": cell(n, case.target)}) for n, case in enumerate(sound.cases))
    texts = _texts(check_dataset(replace(sound, cases=cases, inputs=("seen",))), "warn")
    assert [text[:41] for text in texts] == ["the input 'seen' gives the class away: all"[:41]] * told


def test_an_input_with_a_cell_of_its_own_for_every_case_is_not_warned_of(sound: Dataset) -> None:
    cases = tuple(replace(case, columns={"weight": str(number)}) for number, case in enumerate(sound.cases))
    assert check_dataset(replace(sound, cases=cases, inputs=("weight",))) == ()


@pytest.fixture
def boxed(tmp_path: Path) -> Callable[..., Dataset]:
    """Thirty images, 64 high and 96 wide, of which the first show these boxes; no class."""

    def make(*boxes: Box, images: int = 30) -> Dataset:
        np.savez(tmp_path / "images.npz", images=np.random.default_rng(0).integers(0, 255, (images, 64, 96), np.uint8))
        refs = [ImageRef(tmp_path / "images.npz", "images", number) for number in range(images)]
        shown = [(box,) for box in boxes] + [()] * (images - len(boxes))
        cases = [
            Case(f"i{n:02d}", f"w{n:02d}", {"image": ref}, None, own)
            for n, (ref, own) in enumerate(zip(refs, shown, strict=True))
        ]
        return Dataset("boxed", tmp_path, tuple(cases), (), "table")

    return make


INSIDE = Box(10, 10, 30, 30, "mass")


def test_boxes_that_do_not_lie_on_their_image_are_named(boxed: Callable[..., Dataset]) -> None:
    data = boxed(*[INSIDE] * 20, Box(100, 10, 120, 30, "mass"), Box(0, 0, 5000, 20, "mass"))
    (problem,) = check_dataset(data, to_classify=False)

    assert problem.severity == "warn" and problem.cases == ("i20", "i21")
    assert problem.text.startswith("boxes that do not lie on their image: on 2 of 22 images (i20, i21); the first: ")
    assert "images.npz: the box x 100 to 120, y 10 to 30 lies outside the image of 96 × 64 pixels" in problem.text


def test_boxes_of_images_of_another_size_are_suspected_and_one_over_the_border_is_none(
    boxed: Callable[..., Dataset],
) -> None:
    over = Box(80, 40, 120, 60, "mass")  # on the image in part
    found = check_dataset(boxed(*[INSIDE] * 10, *[over] * 3), to_classify=False)
    assert [problem.text for problem in found] == [
        "boxes that reach over the border: on 3 of 13 images (i10, i11, i12); they may count pixels of images of "
        "another size than these"
    ]
    assert check_dataset(boxed(*[INSIDE] * 10, *[over] * 2), to_classify=False) == ()
    assert check_dataset(boxed(*[INSIDE] * 10, *[over] * 3), to_classify=False, content=False) == ()
    assert check_dataset(boxed(*[INSIDE] * 10, *[Box(70, 40, 96.9, 64, "mass")] * 5), to_classify=False) == ()


def test_kinds_of_lesions_that_are_hardly_there_are_warned_of(boxed: Callable[..., Dataset]) -> None:
    odd = Box(10, 10, 30, 30, "odd")
    found = check_dataset(boxed(*[INSIDE] * 10, odd), to_classify=False)
    assert [problem.text for problem in found] == [
        "only 1 box labelled 'odd': too few to learn to find it or to measure that"
    ]
    assert "only 4 boxes labelled 'odd'" in check_dataset(boxed(*[INSIDE] * 9, *[odd] * 4), to_classify=False)[0].text


def test_a_class_that_no_box_is_labelled_with_is_warned_of(boxed: Callable[..., Dataset]) -> None:
    data = boxed(*[INSIDE] * 10)
    cases = tuple(replace(case, target=row % 2) for row, case in enumerate(data.cases))
    lacking = "no box is labelled 'cyst', which is a class: what that looks like is not learned"

    assert [p.text for p in check_dataset(replace(data, cases=cases, classes=("mass", "cyst")), to_classify=False)] == [
        lacking
    ]
    unrelated = check_dataset(replace(data, cases=cases, classes=("left", "right")), to_classify=False)
    assert lacking not in [problem.text for problem in unrelated] and not unrelated


def test_where_there_are_only_boxes_the_task_that_learns_them_is_named(boxed: Callable[..., Dataset]) -> None:
    refused = check_dataset(boxed(*[INSIDE] * 10))[0]
    assert refused.severity == "refuse"
    assert refused.text == (
        "no case has a class; only boxes: write a description that says where the classes are, or give --task detection"
    )


def test_boxes_that_go_on_beyond_the_last_slice_reach_over_the_border() -> None:
    volume = (10, 40, 50)
    assert not _reaches_over(Box(0, 0, 50, 40, z0=0, z1=10), volume)
    assert _reaches_over(Box(0, 0, 5, 5, z0=4, z1=14), volume) and _reaches_over(Box(0, 0, 5, 5, z0=-3, z1=2), volume)
