import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from hounsfield.datasets.description import NpzDescription, TableDescription, is_description, read_description
from hounsfield.errors import DatasetError

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.toml"))
TABLE = 'table = "t.csv"\nimage = "image"\n'


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_shipped_example_is_a_valid_description_of_its_own_name(path: Path) -> None:
    assert read_description(path).name == path.stem


def test_there_are_the_examples() -> None:
    assert {path.stem for path in EXAMPLES} >= {
        "adrenalmnist3d_64",
        "breastmnist",
        "busi_ultrasound",
        "cbis_ddsm_breasts",
        "cbis_ddsm_films",
        "cbis_ddsm_mass",
        "cbis_ddsm_mass_with_words",
        "cbis_ddsm_women",
        "cxr_lungs_tb",
        "cxr_lungs_tb_chn_to_mcu",
        "cxr_lungs_tb_mcu_to_chn",
        "lc25000_lung",
        "mini_mias",
        "pneumoniamnist",
    }


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            TABLE + 'tabel = "x"',
            r"unknown key 'tabel' \(did you mean 'table'\?\); known: name, root, .*table, files, image, id,",
        ),
        (
            TABLE + '[class]\ncolumn = "c"\ncolour = 1',
            r"unknown key 'colour' in \[class\].*; known: column, names, positive",
        ),
        (TABLE + "[box]\nx0 = 3", "box.x0: Input should be a valid string"),
        (TABLE + '[box]\nx0 = "x"', "box: give either x0, y0, x1, y1, or center_x, center_y, radius, or mask"),
        (TABLE + '[box]\nmask = "m"\nx0 = "x"', "or mask"),
        (TABLE + '[box]\nmask = "m"\nattributes = ["size"]', "a mask has no table of its own, and no attributes"),
        (TABLE + '[box]\ncenter_x = "x"\ncenter_y = "y"\nradius = "r"\nx0 = "x"', "give either x0"),
        (TABLE + '[box]\ncenter_x = "x"\ncenter_y = "y"\nradius = "r"\non = "i"', "table and on go together"),
        (TABLE + "[crop]\ncontext = 1.5", r"\[crop\] needs a \[box\]"),
        (
            TABLE + '[box]\ncenter_x = "x"\ncenter_y = "y"\nradius = "r"\n[crop]\ncontext = 0',
            "crop.context: .* greater than 0",
        ),
        (TABLE + '[views]\nname = "view"', r"\[views\] needs an id that names the case"),
        ('table = "t"\nimage = 3', "image: give text, or where an image has several channels, text for each"),
        ('table = "t"\nimage = { T1 = "a", PET = 3 }', "image: give text, or where an image has several channels"),
        ('table = "t"\nimage = { T1 = "a" }', "image names fewer than two channels: write the path of one image alone"),
        (
            'table = "t"\nimage = { T1 = "a", PET = "b" }\nmodality = { CT = "CT" }',
            "modality names CT, and image has the channels T1, PET: name them alike",
        ),
        (TABLE + 'modality = { CT = "CT" }', r"modality names CT, and image has the channels \(none\)"),
        (
            'table = "t"\nimage = { T1 = "a", PET = "b" }\n[box]\nmask = "m"',
            r"an image of several channels is outlined as a whole, .* leave out \[views\], \[box\] and \[crop\]",
        ),
        (TABLE + 'id = "p"\n[views]\nnames = ["CC"]', r"'name' in \[views\] is missing"),
        (
            TABLE + 'id = "p"\n[views]\nname = "view"\nnmaes = ["CC"]',
            r"unknown key 'nmaes' in \[views\] \(did you mean 'names'\?\); known: name, names",
        ),
        (TABLE + 'id = "p"\n[views]\nname = "view"\nnames = []', r"views\.names: .*at least 1 item"),
        (TABLE + 'id = "p"\n[views]\nname = "view"\nnames = ["CC", "CC"]', "views: names has a name twice: CC, CC"),
        (
            TABLE + 'id = "p"\n[views]\nname = "view"\n[columns]\nmask = "m"',
            r"\[views\] cannot go with \[columns\] mask",
        ),
        (TABLE + '[columns]\ninput = ["age"]', r"unknown key 'input' in \[columns\] \(did you mean 'inputs'\?\)"),
        (TABLE + '[columns]\ninputs = "age"', r"columns\.inputs: Input should be a valid tuple"),
        (TABLE + '[columns]\ninputs = ["age", "sex", "age"]', "columns: inputs names a column twice: age, sex, age"),
        (
            TABLE + '[class]\ncolumn = "label"\n[columns]\ninputs = ["age", "label"]',
            r"\[columns\] inputs names 'label', the column that holds the class: it would give the answer away",
        ),
        (
            TABLE + '[box]\ncenter_x = "x"\ncenter_y = "y"\nradius = "r"\nlabel = "kind"\n[columns]\ninputs = ["kind"]',
            r"\[columns\] inputs names 'kind', the column that holds the class",
        ),
        (
            TABLE + '[split]\ncolumn = "site"\nvalues = { "A" = "training" }',
            r"split\.values\.A: Input should be 'train'",
        ),
        (TABLE + '[split]\ncolumn = "site"\nvalue = {}', r"unknown key 'value' in \[split\] \(did you mean 'values'"),
        (TABLE + '[where]\nkind = "film"', r"where\.kind: Input should be a valid tuple"),
        (TABLE + "[where]\nkind = []", r"where\.kind: .*at least 1 item"),
        (TABLE + "[where]\nkind = [0]", r"where\.kind\.0: Input should be a valid string"),
        (TABLE + '[were]\nkind = ["film"]', r"unknown key 'were' \(did you mean 'where'\?\)"),
        (TABLE + "[split]", "give either column or fractions"),
        (TABLE + "[class]", r"'column' in \[class\] is missing"),
        (TABLE + 'class = "label"', "class: Input should be"),
        ('table = "t.csv"', "'image' is missing"),
        ('image = "i"', "this one by none"),
        (TABLE + 'npz = "x.npz"', "this one by table and npz"),
        (TABLE + 'files = "x"', "this one by table and files"),
        ('files = "(x"\nimage = "i"', "files = '\\(x' is no regular expression: missing \\)"),
        ('npz = "x.npz"\n[class]\ncolumn = "x"', r"unknown key 'column' in \[class\]; known: names, positive"),
        ("table = ", "is not TOML"),
    ],
)
def test_mistakes_are_refused_with_what_is_known(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "d.toml"
    path.write_text(text)
    with pytest.raises(DatasetError, match=rf"d\.toml.*{sentence}"):
        read_description(path)


def test_a_missing_description_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"d\.toml: No such file"):
        read_description(tmp_path / "d.toml")


def test_the_two_kinds_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "d.toml"
    path.write_text(TABLE)
    assert isinstance(read_description(path), TableDescription)
    path.write_text('npz = "x*.npz"')
    assert isinstance(read_description(path), NpzDescription)
    assert is_description(path)
    path.write_text("[tool.ruff]")
    assert not is_description(path)


def test_the_descriptions_in_the_documentation_are_valid(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "datasets.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```toml\n(.*?)```", page, flags=re.DOTALL)
    assert len(blocks) == 8
    for block in blocks:
        (tmp_path / "d.toml").write_text(block, encoding="utf-8")
        read_description(tmp_path / "d.toml")


@pytest.mark.parametrize("model", [TableDescription, NpzDescription])
def test_every_key_is_documented(model: type[BaseModel]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "datasets.md").read_text(encoding="utf-8")
    for name, field in model.model_fields.items():
        assert (field.alias or name) in page
