from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from hounsfield.datasets import ImageRef, open_dataset
from hounsfield.datasets.fingerprint import make_fingerprint
from hounsfield.datasets.split import make_split
from hounsfield.errors import DatasetError, SplitError
from hounsfield.findings import Box

Describe = Callable[..., Path]

CLASS = '[class]\ncolumn = "label"\nnames = ["benign", "malignant"]\n'
MASSES = """image,n,patient,label,x0,y0,x1,y1,view,age,sex
a,0,P1,benign,1,1,3,4,CC,063Y,F
a,1,P1,malignant,4,1,6,4,CC,063Y,F
b,0,P2,benign,1,1,3,4,MLO,,female
c,0,P3,ambiguous,1,1,3,4,MLO,x,M
"""
BOX = '[box]\nx0 = "x0"\ny0 = "y0"\nx1 = "x1"\ny1 = "y1"\n'


def test_every_row_is_a_case_with_patient_class_box_and_attributes(describe: Describe, tmp_path: Path) -> None:
    description = describe(
        MASSES,
        'name = "masses"\nid = "{image}_{n}"\npatient = "patient"\n'
        + CLASS
        + 'drop = ["ambiguous"]\n'
        + BOX
        + '[crop]\ncontext = 2\n[columns]\nage = "age"\nsex = "sex"\nsubgroups = ["view"]\n',
    )
    dataset = open_dataset(description)
    assert dataset.name == "masses"
    assert dataset.layout == "table"
    assert dataset.classes == ("benign", "malignant")
    assert dataset.patients_known
    assert [case.id for case in dataset.cases] == ["a_0", "a_1", "b_0"]
    assert [case.target for case in dataset.cases] == [0, 1, 0]
    first, _, third = dataset.cases
    assert first.patient == "P1"
    assert first.images["image"].path == tmp_path / "images/a.png"
    assert first.boxes == (Box(1, 1, 3, 4, "benign"),)
    assert first.images["image"].crop is not None
    assert first.images["image"].crop.context == 2
    assert first.images["image"].crop.box == first.boxes[0]
    assert (first.age_years, first.sex, first.attributes) == (63, "F", {"view": "CC"})
    assert (third.age_years, third.sex) == (None, "F")
    assert dataset.notes == ("1 row with label = 'ambiguous' left out, as [class] drop says",)


def test_rows_of_one_id_are_one_case_and_the_last_class_wins(describe: Describe) -> None:
    dataset = open_dataset(describe(MASSES, 'id = "image"\n' + CLASS + 'drop = ["ambiguous"]\n' + BOX))
    assert [case.id for case in dataset.cases] == ["a", "b"]
    assert dataset.cases[0].target == 1
    assert [box.label for box in dataset.cases[0].boxes] == ["benign", "malignant"]
    assert not dataset.patients_known
    assert dataset.cases[0].patient == "a"


def test_without_an_id_the_image_names_the_case(describe: Describe) -> None:
    dataset = open_dataset(describe("image,label\na,benign\nb,malignant\n", CLASS))
    assert [case.id for case in dataset.cases] == ["images/a.png", "images/b.png"]


def test_cells_are_renamed_empty_ones_and_all_others_too(describe: Describe) -> None:
    section = '[class]\ncolumn = "s"\nnames = ["normal", "abnormal"]\nvalues = { "" = "normal", "*" = "abnormal" }\n'
    dataset = open_dataset(describe("image,s\na,B\nb,\nc,M\nd,normal\n", section))
    assert [case.target for case in dataset.cases] == [1, 0, 1, 0]


def test_an_empty_class_cell_is_a_case_without_class_and_is_counted(describe: Describe) -> None:
    dataset = open_dataset(describe("image,label\na,benign\nb,\n", CLASS))
    assert [case.target for case in dataset.cases] == [0, None]
    assert dataset.notes == ("1 row with an empty label, and so without a class",)


def test_class_names_not_given_are_found_and_put_in_order(describe: Describe) -> None:
    table = "image,label\na,malignant\nb,normal\nc,benign\n"
    dataset = open_dataset(describe(table, '[class]\ncolumn = "label"\n'))
    assert dataset.classes == ("normal", "benign", "malignant")
    dataset = open_dataset(describe(table, '[class]\ncolumn = "label"\npositive = "benign"\n'))
    assert dataset.classes == ("normal", "malignant", "benign")


def test_a_circle_becomes_the_box_around_it(describe: Describe) -> None:
    table = "image,label,x,y,r\na,benign,4,3,2\nb,benign,,,\n"
    box = '[box]\ncenter_x = "x"\ncenter_y = "y"\nradius = "r"\n'
    dataset = open_dataset(describe(table, CLASS + box))
    assert dataset.cases[0].boxes == (Box(2.5, 1.5, 6.5, 5.5, "benign"),)  # pixel 4 spans 4 to 5, its middle is 4.5
    assert dataset.cases[1].boxes == ()


def test_boxes_come_from_a_table_of_their_own(describe: Describe, tmp_path: Path) -> None:
    (tmp_path / "boxes.csv").write_text("film,x0,y0,x1,y1,kind\na,0,0,1,1,m\na,2,2,3,3,b\nz,0,0,1,1,m\n")
    (tmp_path / "films.csv").write_text("image,view\na,CC\nb,MLO\n")
    box = BOX + 'table = "boxes.csv"\non = "film"\nlabel = "kind"\n'
    table = "image,film,label\na,a,malignant\nb,b,benign\n"
    join = '[join]\n"films.csv" = "image"\n'
    dataset = open_dataset(describe(table, join + CLASS + box + '[columns]\nsubgroups = ["view"]\n'))
    assert dataset.cases[0].boxes == (Box(0, 0, 1, 1, "m"), Box(2, 2, 3, 3, "b"))
    assert dataset.cases[1].boxes == ()
    assert [case.attributes["view"] for case in dataset.cases] == ["CC", "MLO"]


def test_official_parts_are_read_in_any_spelling(describe: Describe) -> None:
    table = "image,label,fold\na,benign,Training\nb,benign,valid\nc,benign,x\n"
    split = '[split]\ncolumn = "fold"\nvalues = { "x" = "test" }\n'
    assert [case.part for case in open_dataset(describe(table, CLASS + split)).cases] == ["train", "val", "test"]
    with pytest.raises(DatasetError, match="is 'x', which is no part; say train, val or test"):
        open_dataset(describe(table, CLASS + '[split]\ncolumn = "fold"\n'))


def test_wished_fractions_are_carried_along(describe: Describe) -> None:
    dataset = open_dataset(describe("image,label\na,benign\n", CLASS + "[split]\nfractions = [0.6, 0.2, 0.2]\n"))
    assert dataset.fractions == (0.6, 0.2, 0.2)


def test_masks_are_found_and_gaps_counted(describe: Describe, write_film: Callable[..., Path]) -> None:
    mask = write_film("masks/a.png")
    columns = '[columns]\nmask = "masks/{image}.png"\n'
    dataset = open_dataset(describe("image,label\na,benign\nb,benign\n", CLASS + columns))
    assert dataset.cases[0].mask is not None
    assert dataset.cases[0].mask.path == mask
    assert dataset.cases[1].mask is None
    assert dataset.notes == ("1 of 2 cases without a mask file",)
    with pytest.raises(DatasetError, match=r"none of the masks is there, for instance .*b\.png; check"):
        open_dataset(describe("image,label\nb,benign\n", CLASS + columns))


def test_rows_that_repeat_word_for_word_count_once(describe: Describe) -> None:
    dataset = open_dataset(describe("image,label\na,benign\na,benign\nb,malignant\n", CLASS))
    assert len(dataset.cases) == 2
    assert dataset.notes == ("1 row of cases.csv left out, word for word the same as another",)


def test_the_root_can_be_moved(describe: Describe, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    description = describe("image,label\na,benign\nb,malignant\n", CLASS)
    other = tmp_path_factory.mktemp("other")
    (other / "images").mkdir()
    (other / "cases.csv").write_text("image,label\nz,malignant\n")
    (other / "images/z.png").write_bytes((tmp_path / "images/a.png").read_bytes())
    dataset = open_dataset(description, root=other)
    assert [case.images["image"].path for case in dataset.cases] == [other / "images/z.png"]
    assert dataset.classes == ("benign", "malignant")


def test_missing_images_are_counted_and_five_are_named(describe: Describe, write_film: Callable[..., Path]) -> None:
    table = "image,label\n" + "".join(f"{name},benign\n" for name in "abcdefgh")
    with pytest.raises(DatasetError, match=r"none of the 8 images .* looked for at .*images/a\.png; the root is"):
        open_dataset(describe(table, CLASS, images=False))
    write_film("images/a.png")
    with pytest.raises(DatasetError, match=r"7 of the 8 images .*: images/b\.png, .*images/f\.png and 2 more"):
        open_dataset(describe(table, CLASS, images=False))


@pytest.mark.parametrize(
    ("table", "description", "sentence"),
    [
        ("image,kind\na,benign\n", CLASS, r"no column 'label' for \[class\] column; columns: image, kind"),
        (
            "image,label\na,bening\nb,benign\n",
            CLASS,
            r"holds 'bening' \(1 row\), but the classes are benign, malignant; say what they mean in \[class\] values",
        ),
        ("image,label,x0,y0,x1,y1\na,benign,1,x,3,4\n", CLASS + BOX, "y0 should be a number, not 'x'"),
        ("image,label,x0,y0,x1,y1\na,benign,1,,3,4\n", CLASS + BOX, "a box with an empty corner"),
        (
            "image,label,x0,y0,x1,y1\na,benign,3,1,1,4\n",
            CLASS + BOX,
            "'images/a.png': the box x 3 to 1, y 1 to 4 is empty",
        ),
        ("image,label,x0,y0,x1,y1\na,benign,nan,1,1,4\n", CLASS + BOX, "box x nan to 1"),
        (
            "image,label,x0,y0,x1,y1\na,benign,3,1,1,4\nb,benign,1,1,2,2\nc,benign,1,4,2,4\nd,benign,2,2,1,1\n",
            CLASS + BOX,
            "'images/a.png': .* is empty; .*; 2 further cases with such boxes: images/c.png, images/d.png",
        ),
        ("image,label,x0,y0,x1,y1\na,benign,,,,\n", CLASS + BOX + "[crop]\n", "no case is left; no row has a box"),
        (MASSES, 'id = "image"\n' + CLASS + 'drop = ["ambiguous"]\n' + BOX + "[crop]\n", "'a' has 2 boxes"),
        (MASSES, 'id = "label"\n' + CLASS + 'drop = ["ambiguous"]\n', "'benign' has rows with more than one image"),
        ("image,label\na,benign\n", CLASS + 'drop = ["benign"]\n', "no case is left; 1 row with label = 'benign'"),
        ("image,label\na,benign\n", CLASS + '[columns]\nage = "years"\n', r"no column 'years' for \[columns\] age"),
    ],
)
def test_what_cannot_be_understood_is_refused(describe: Describe, table: str, description: str, sentence: str) -> None:
    with pytest.raises(DatasetError, match=sentence):
        open_dataset(describe(table, description))


def test_a_patient_whose_cell_is_empty_stands_alone(describe: Describe) -> None:
    dataset = open_dataset(describe("image,label,p\na,benign,P1\nb,benign,\n", 'patient = "p"\n' + CLASS))
    assert [case.patient for case in dataset.cases] == ["P1", "images/b.png"]
    assert dataset.notes == ("1 case with an empty patient cell: each counts as a patient of its own",)


WOMEN = "image,label,age,density\na,benign,063Y,\na,malignant,063Y,B\nb,benign,,\n"


def test_inputs_are_cells_as_they_stand_in_the_order_of_the_description(describe: Describe) -> None:
    columns = '[columns]\nage = "age"\ninputs = ["density", "age"]\n'
    dataset = open_dataset(describe(WOMEN, 'id = "image"\n' + CLASS + columns))
    assert dataset.inputs == ("density", "age")
    assert [case.columns for case in dataset.cases] == [{"density": "B", "age": "063Y"}, {"density": "", "age": ""}]
    assert make_fingerprint(dataset).inputs == {"density": 1, "age": 1}


def test_an_input_that_does_not_exist_or_differs_within_a_case_is_refused(describe: Describe) -> None:
    columns = '[columns]\ninputs = ["density", "agee"]\n'
    with pytest.raises(
        DatasetError, match=r"no column 'agee' for \[columns\] inputs; columns: image, label, age, dens"
    ):
        open_dataset(describe(WOMEN, 'id = "image"\n' + CLASS + columns))
    table = WOMEN + "b,benign,063Y,C\nb,benign,070Y,D\n"
    with pytest.raises(DatasetError, match=r"more than one density: C, D; an input"):
        open_dataset(describe(table, 'id = "image"\n' + CLASS + '[columns]\ninputs = ["density"]\n'))


def test_auxiliary_cells_teach_where_the_rows_of_a_case_agree(describe: Describe) -> None:
    table = WOMEN + "b,benign,063Y,C\nb,benign,063Y,D\n"
    columns = '[columns]\nauxiliary = ["density", "age", "margin"]\n'
    dataset = open_dataset(describe(table, 'id = "image"\n' + CLASS + columns))
    assert [case.auxiliary for case in dataset.cases] == [
        {"density": "B", "age": "063Y", "margin": ""},
        {"density": "", "age": "063Y", "margin": ""},
    ]
    assert dataset.notes == ("nothing is learned from the auxiliary columns margin: the table has none so called",)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ('auxiliary = ["age", "age"]', "auxiliary names a column twice: age, age"),
        (
            'inputs = ["age"]\nauxiliary = ["age"]',
            "'age' cannot be both in inputs, which reading needs, and in auxiliary",
        ),
        ('auxiliary = ["label"]', "auxiliary names 'label', the column that holds the class: it is learned already"),
    ],
)
def test_auxiliary_columns_that_make_no_sense_are_refused(describe: Describe, columns: str, words: str) -> None:
    with pytest.raises(DatasetError, match=words):
        open_dataset(describe(WOMEN, 'id = "image"\n' + CLASS + f"[columns]\n{columns}\n"))


SITES = "image,label,site,number\n" + "".join(
    f"{site}{number},{'malignant' if number % 2 else 'benign'},{site},{number}\n"
    for site in "ab"
    for number in range(20)
)


def test_parts_go_by_site_and_validation_comes_out_of_the_site_that_is_learned_from(describe: Describe) -> None:
    split = '[columns]\nsite = "site"\n[split]\ncolumn = "site"\nvalues = { "a" = "train", "b" = "test" }\n'
    dataset = open_dataset(describe(SITES, 'patient = "{site}{number}"\n' + CLASS + split))
    made = make_split(dataset, seed=3)
    assert {case.site for case in made.select(dataset, "train")} == {"a"}
    assert Counter(case.target for case in made.select(dataset, "val")) == {0: 1, 1: 1}
    assert [case.site for case in made.select(dataset, "test")] == ["b"] * 20
    assert made.reason == (
        "parts by the column 'site' (train, test); val taken out of train by patient, stratified by class, seed 3"
    )


def test_sites_that_number_their_patients_alike_and_sites_without_a_part_are_refused(describe: Describe) -> None:
    split = '[split]\ncolumn = "site"\nvalues = { "a" = "train", "b" = "test" }\n'
    with pytest.raises(SplitError, match="20 patients in more than one part: 0, 1, 10, 11, 12 and 15 more"):
        make_split(open_dataset(describe(SITES, 'patient = "number"\n' + CLASS + split)))
    with pytest.raises(DatasetError, match=r"cases\.csv: site is 'b', which is no part; say train, val or test, or tr"):
        open_dataset(describe(SITES, CLASS + split.replace('"b"', '"B"')))


def test_rows_that_where_does_not_name_need_no_image_and_no_class(describe: Describe, tmp_path: Path) -> None:
    table = "image,label,use\na,benign,yes\nb,strange,no\nc,malignant,yes\n"
    description = describe(table, CLASS + '[where]\nuse = ["yes"]\n')
    (tmp_path / "images/b.png").unlink()
    dataset = open_dataset(description)
    assert [case.target for case in dataset.cases] == [0, 1]
    assert dataset.notes == ("1 row left out, for [where] keeps those with use = 'yes'",)


def test_without_a_table_names_of_files_say_it_all(tmp_path: Path, write_film: Callable[..., Path]) -> None:
    for name in ("images/07L.png", "images/07R.png", "images/11L.png", "images/notes.txt.png", "masks/07L.png"):
        write_film(name)
    path = tmp_path / "eyes.toml"
    words = [
        r"files = 'images/(?P<child>\d\d)(?P<eye>[LR])\.png'",
        'image = "file"',
        'id = "{child}{eye}"',
        'patient = "child"',
    ]
    path.write_text("\n".join(words), encoding="utf-8")
    dataset = open_dataset(path)
    assert [(case.id, case.patient) for case in dataset.cases] == [("07L", "07"), ("07R", "07"), ("11L", "11")]
    assert dataset.cases[0].image.path == tmp_path / "images/07L.png"


@pytest.mark.parametrize(
    ("pattern", "sentence"),
    [
        (r"films/.*", r"none of the 2 files in .*, such as a\.png, fits files = 'films/\.\*'"),
        (r"(?P<file>.*)\.png", 'a group is called "file"'),
    ],
)
def test_files_that_do_not_fit_are_refused(
    tmp_path: Path, write_film: Callable[..., Path], pattern: str, sentence: str
) -> None:
    write_film("a.png")
    path = tmp_path / "d.toml"
    path.write_text(f"files = '{pattern}'\nimage = \"file\"", encoding="utf-8")
    with pytest.raises(DatasetError, match=sentence):
        open_dataset(path)


SEQUENCES = """name = "sequences"
table = "cases.csv"
image = { T1 = "{case}/t1.png", PET = "{case}/pet.png" }
modality = { PET = "PT" }
id = "case"
[columns]
mask = "{case}/mask.png"
"""


@pytest.fixture
def sequences(tmp_path: Path, write_film: Callable[..., Path]) -> Path:
    """A description of two cases of two channels."""
    for case in ("a", "b"):
        for name in ("t1", "pet", "mask"):
            write_film(f"{case}/{name}.png")
    (tmp_path / "cases.csv").write_text("case\na\nb\n", encoding="utf-8")
    path = tmp_path / "sequences.toml"
    path.write_text(SEQUENCES, encoding="utf-8")
    return path


def test_channels_are_put_together_by_their_names(sequences: Path) -> None:
    dataset = open_dataset(sequences)
    assert dataset.channels == {"T1": "", "PET": "PT"} and dataset.modality == ""
    first, _ = dataset.cases
    assert (first.id, first.image.path.name) == ("a", "t1.png")
    assert [(one.name, one.path.name, one.volumes) for one in first.image.channels] == [
        ("T1", "t1.png", 1),
        ("PET", "pet.png", 1),
    ]
    assert isinstance(first.mask, ImageRef) and not first.mask.channels


def test_a_channel_that_is_not_there_is_refused_as_any_image(sequences: Path) -> None:
    (sequences.parent / "b/pet.png").unlink()
    with pytest.raises(DatasetError, match=r"1 of the 4 images that .* names are not under .*: b/pet\.png; add"):
        open_dataset(sequences)


def test_one_modality_is_that_of_all_channels(sequences: Path) -> None:
    sequences.write_text(SEQUENCES.replace('{ PET = "PT" }', '"MR"'), encoding="utf-8")
    dataset = open_dataset(sequences)
    assert dataset.channels == {"T1": "MR", "PET": "MR"} and dataset.modality == "MR"


def test_channels_at_one_path_are_the_volumes_of_that_file(sequences: Path) -> None:
    sequences.write_text(SEQUENCES.replace("pet.png", "t1.png"), encoding="utf-8")
    assert [(one.volume, one.volumes) for one in open_dataset(sequences).cases[0].image.channels] == [(0, 2), (1, 2)]


def test_data_sets_with_other_channels_are_not_taken_together(sequences: Path) -> None:
    other = sequences.with_name("other.toml")
    other.write_text(SEQUENCES.replace("PET", "CT").replace("sequences", "other"), encoding="utf-8")
    sequences.write_text('also = ["other.toml"]\n' + SEQUENCES, encoding="utf-8")
    with pytest.raises(DatasetError, match="other has the channels T1, CT, and sequences T1, PET: name the same"):
        open_dataset(sequences)
