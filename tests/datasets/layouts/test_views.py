from collections.abc import Callable
from pathlib import Path

import pytest

from hounsfield.datasets import open_dataset
from hounsfield.errors import DatasetError
from hounsfield.findings import Box

Describe = Callable[..., Path]

FILMS = """image,patient,side,view,label,x0,y0,x1,y1
a1,P1,L,MLO,benign,1,1,3,4
a2,P1,L,CC,malignant,2,1,4,4
a3,P1,R,CC,benign,1,1,2,4
b1,P2,L,MLO,benign,1,1,3,3
"""
BREASTS = 'id = "{patient}_{side}"\npatient = "patient"\n[class]\ncolumn = "label"\nnames = ["benign", "malignant"]\n'
BOX = '[box]\nx0 = "x0"\ny0 = "y0"\nx1 = "x1"\ny1 = "y1"\n'
VIEWS = '[views]\nname = "view"\n'


def test_rows_of_one_id_are_the_views_of_a_case_in_the_order_of_the_names(describe: Describe, tmp_path: Path) -> None:
    dataset = open_dataset(describe(FILMS, BREASTS + VIEWS + 'names = ["MLO", "CC"]\n'))
    assert dataset.views == ("MLO", "CC")
    assert {case.id: {view: ref.path.stem for view, ref in case.images.items()} for case in dataset.cases} == {
        "P1_L": {"MLO": "a1", "CC": "a2"},
        "P1_R": {"CC": "a3"},
        "P2_L": {"MLO": "b1"},
    }
    assert list(dataset.cases[0].images) == ["MLO", "CC"]
    assert dataset.cases[0].images["CC"].path == tmp_path / "images/a2.png"
    assert [case.target for case in dataset.cases] == [1, 0, 0]
    assert [case.patient for case in dataset.cases] == ["P1", "P1", "P2"]
    assert dataset.notes == ("of 3 cases 1 without MLO, 1 without CC",)


def test_views_not_named_are_those_found_sorted_and_may_have_several_columns(describe: Describe) -> None:
    women = BREASTS.replace('"{patient}_{side}"', '"patient"')
    dataset = open_dataset(describe(FILMS, women + '[views]\nname = "{side} {view}"\n'))
    assert dataset.views == ("L CC", "L MLO", "R CC")
    assert [list(case.images) for case in dataset.cases] == [["L CC", "L MLO", "R CC"], ["L MLO"]]
    assert [case.target for case in dataset.cases] == [1, 0]


def test_images_of_other_views_are_left_out_with_their_class_and_counted(describe: Describe) -> None:
    dataset = open_dataset(describe(FILMS, BREASTS + VIEWS + 'names = ["MLO"]\n'))
    assert [(case.id, case.target) for case in dataset.cases] == [("P1_L", 0), ("P2_L", 0)]
    assert dataset.notes == ("2 rows left out, of other views than MLO: CC (2 rows)",)


def test_a_named_view_that_no_image_shows_is_said(describe: Describe) -> None:
    dataset = open_dataset(describe(FILMS, BREASTS + VIEWS + 'names = ["CC", "ML0"]\n'))
    assert dataset.notes[1] == "no image shows the view ML0; the views found are MLO (2 rows), CC (2 rows)"
    assert dataset.notes[2] == "of 2 cases 2 without ML0"


def test_of_two_images_of_one_view_the_first_is_kept_and_the_class_is_that_of_both(describe: Describe) -> None:
    table = "image,p,view,label\na,P1,CC,benign\nb,P1,CC,malignant\nc,P2,CC,benign\n"
    dataset = open_dataset(
        describe(table, BREASTS.replace("{patient}_{side}", "p").replace('"patient"', '"p"') + VIEWS)
    )
    assert [case.images["CC"].path.stem for case in dataset.cases] == ["a", "c"]
    assert [case.target for case in dataset.cases] == [1, 0]
    assert dataset.notes == ("1 image left out, for an earlier row of the case shows the same view: images/b.png",)


def test_several_rows_may_be_of_one_image_of_a_view(describe: Describe) -> None:
    table = FILMS + "a1,P1,L,MLO,malignant,4,1,6,4\n"
    dataset = open_dataset(describe(table, BREASTS + BOX + VIEWS))
    assert [len(case.images) for case in dataset.cases] == [2, 1, 1]
    assert [case.boxes for case in dataset.cases] == [(), (), ()]
    assert dataset.notes[-1] == "boxes left out, for a case of [views] has several images and a box lies on one"
    with pytest.raises(DatasetError, match=r"'P1_L' has 2 boxes on its image 'MLO'; \[crop\] with \[views\] needs one"):
        open_dataset(describe(table, BREASTS + BOX + VIEWS + "[crop]\n"))


def test_a_crop_cuts_every_view_around_its_own_box(describe: Describe) -> None:
    dataset = open_dataset(describe(FILMS, BREASTS + BOX + VIEWS + "[crop]\ncontext = 2\n"))
    crops = {view: ref.crop for view, ref in dataset.cases[0].images.items()}
    assert {view: crop.box for view, crop in crops.items() if crop} == {
        "CC": Box(2, 1, 4, 4, "malignant"),
        "MLO": Box(1, 1, 3, 4, "benign"),
    }
    assert "boxes left out" not in str(dataset.notes)


@pytest.mark.parametrize(
    ("table", "description", "sentence"),
    [
        (FILMS, '[views]\nname = "veiw"\n', r"no column 'veiw' for \[views\] name; columns: image, patient, side"),
        (FILMS, '[views]\nname = "{view"\n', r"\[views\] name = '\{view': a brace stands alone"),
        (
            FILMS,
            VIEWS + 'names = ["cc"]\n',
            r"no image shows one of the views cc; \[views\] name = 'view' gives MLO \(2 rows\), CC \(2 rows\)",
        ),
        (
            FILMS + "c,P3,L,,benign,1,1,2,2\n",
            VIEWS,
            r"\[views\] name = 'view' is empty in 1 row; fill in the cells, or",
        ),
        (
            FILMS + "a1,P1,L,CC,benign,,,,\nb1,P2,L,CC,benign,,,,\n",
            BOX + VIEWS + "[crop]\n",
            r"'P2_L' has no box on its image 'CC'; \[crop\] with \[views\] needs one on every image",
        ),
    ],
)
def test_views_that_cannot_be_told_are_refused(describe: Describe, table: str, description: str, sentence: str) -> None:
    with pytest.raises(DatasetError, match=sentence):
        open_dataset(describe(table, BREASTS + description))


def test_a_view_without_its_image_is_refused(describe: Describe, tmp_path: Path) -> None:
    description = describe(FILMS, BREASTS + VIEWS)
    (tmp_path / "images/a2.png").unlink()
    with pytest.raises(DatasetError, match=r"1 of the 4 images .* are not under .*: images/a2\.png; add the files"):
        open_dataset(description)
    description = describe(FILMS.replace("a2,P1", ",P1"), BREASTS + VIEWS)
    with pytest.raises(DatasetError, match=r"1 of the 4 images .* are not under .*: \(an empty cell\); add the files"):
        open_dataset(description)


def test_the_only_image_of_a_case_is_asked_for_where_there_is_one(describe: Describe) -> None:
    both, one, _ = open_dataset(describe(FILMS, BREASTS + VIEWS)).cases
    assert one.image is one.images["CC"]
    with pytest.raises(DatasetError, match=r"'P1_L' has 2 images \(CC, MLO\) where one is expected; use a description"):
        _ = both.image
