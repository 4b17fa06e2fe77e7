"""The descriptions (TOML) that lie beside the tables of the phantom of volumes."""

from hounsfield.datasets.phantom3d.layer import LABELS
from hounsfield.datasets.phantom3d.looks import Look


def description(look: Look, *, image: str, name: str, what: str) -> str:
    """The text of a description.

    Args:
        look: CT or MR.
        image: Where the image of a patient lies.
        name: Of the data set.
        what: The images are.
    """
    return f"""\
# The phantom, volumes: a case is a patient's {look.upper()} as {what}, with the mask of organs and tumours, and a box
# around each tumour.
name = "{name}"
modality = "{look.upper()}"
table = "patients.csv"
image = "{image}"
id = "patient"
patient = "patient"

[box]
mask = "tumours/{{patient}}.nii.gz"
label = "lesion"

[labels]
{_labels()}

[columns]
mask = "masks/{{patient}}.nii.gz"
age = "age"
sex = "sex"
site = "site"
subgroups = ["n_tumours"]
"""


def _labels() -> str:
    """Each name and its number on the masks."""
    return "\n".join(f'"{name}" = {number}' for number, name in enumerate(LABELS) if number)


def descriptions(look: Look) -> dict[str, str]:
    """The text of each description, by its file name."""
    return {
        "volumes.toml": description(look, image="images/{patient}.nii.gz", name="phantom_volumes", what="NIfTI"),
        "series.toml": description(look, image="series/{patient}", name="phantom_series", what="a DICOM series"),
    }
