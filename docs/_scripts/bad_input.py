"""Writes docs/bad-input.md: what the commands say to input that is no good, as they say it. A test compares them."""

from __future__ import annotations

import contextlib
import csv
import errno
import importlib.util
import io
import os
import re
import shutil
import struct
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

import numpy as np

from hounsfield.cli.main import main
from hounsfield.formats import capacity

if TYPE_CHECKING:
    from pydicom.dataset import FileDataset

PAGE = Path(__file__).parents[1] / "bad-input.md"

_HEAD = """\
# Bad input

<!-- Written by docs/_scripts/bad_input.py, which gives these things to the commands: change it there. -->

Each of these ends in a sentence that says what was found and what to do, with the exit code of
[Errors and exit codes](errors.md), and leaves nothing half-written. The sentences are what the commands print, with the
folders left out of the paths. With several images, the others are still read.

"""

PLAN = """\
dataset = "phantom_films"
classes = ["not malignant", "malignant"]
[input]
shape = [48, 32]
steps = [{step = "breast"}, {step = "rescale"}, {step = "resize", shape = [48, 32]}]
[network]
widths = [4, 8]
pool_after = [1, 2]
[optimisation]
epochs = 2
threads = 1
"""
"""Trains in a moment."""


@dataclass(frozen=True)
class Place:
    """What an input is made from, and where."""

    folder: Path
    """Empty, for the input and what the command writes."""
    phantom: Path
    bundle: Path
    """Of whole films."""


@dataclass(frozen=True)
class BadInput:
    """Something that is no good, and the command that is given it."""

    name: str
    make: Callable[[Place], Sequence[str]]
    """Makes it, and gives the words of the command."""
    code: int
    disk: str = ""
    """The disk is full when a file of this name is written."""
    missing: str = ""
    """A package that is not installed."""
    noted: bool = False
    """It is answered, with a note."""
    free: int = 0
    """Bytes of memory that are free."""


def read(place: Place, path: Path) -> Sequence[str]:
    """The words that read an image."""
    return "read", str(place.bundle), str(path), "-o", str(place.folder / "readings")


def train(place: Place, data: Path, *more: str) -> Sequence[str]:
    """The words that train on data."""
    plan = place.folder / "plan.toml"
    if not plan.exists():
        plan.write_text(PLAN, encoding="utf-8")
    return "train", str(data), "-o", str(place.folder / "reader"), "--plan", str(plan), *more


def truncated_dicom(place: Place) -> Sequence[str]:
    """A film of which the second half did not arrive."""
    film = place.folder / "film.dcm"
    whole = (place.phantom / "films" / "P0001_L_CC.dcm").read_bytes()
    film.write_bytes(whole[: len(whole) // 2])
    return read(place, film)


def png_named_dcm(place: Place) -> Sequence[str]:
    """A picture of a film under a DICOM file's name."""
    from hounsfield import formats

    picture = place.folder / "film.png"
    formats.write_png(formats.read(place.phantom / "films" / "P0001_L_CC.dcm"), picture)
    return read(place, picture.rename(place.folder / "film.dcm"))


def text_named_dcm(place: Place) -> Sequence[str]:
    """A letter under a DICOM file's name."""
    (place.folder / "film.dcm").write_text("Dear colleague,", encoding="utf-8")
    return read(place, place.folder / "film.dcm")


def empty_folder_to_read(place: Place) -> Sequence[str]:
    """A folder without a file."""
    (place.folder / "films").mkdir()
    return read(place, place.folder / "films")


def empty_folder_to_train_on(place: Place) -> Sequence[str]:
    """A folder without a file."""
    (place.folder / "films").mkdir()
    return train(place, place.folder / "films")


def missing_files(place: Place) -> Sequence[str]:
    """A table of more films than there are."""
    shutil.copytree(place.phantom, place.folder / "data")
    for film in sorted((place.folder / "data" / "films").iterdir())[5:8]:
        film.unlink()
    return train(place, place.folder / "data" / "films.toml")


def rows_of_films(place: Place, keep: Callable[[str], bool]) -> Path:
    """The phantom's films.toml with those rows of its table that are kept."""
    data = place.folder / "data"
    shutil.copytree(place.phantom, data)
    head, *rows = (data / "films.csv").read_text(encoding="utf-8").splitlines()
    kept = [row for row in rows if keep(row)]
    (data / "films.csv").write_text("\n".join([head, *kept]) + "\n", encoding="utf-8")
    return data / "films.toml"


def one_class(place: Place) -> Sequence[str]:
    """A table in which no film is malignant."""
    return train(place, rows_of_films(place, lambda row: row.split(",")[-2] == "0"))


def three_patients(place: Place) -> Sequence[str]:
    """The films of three women."""
    rows = (place.phantom / "films.csv").read_text(encoding="utf-8").splitlines()[1:]
    ill = sorted({row[:5] for row in rows if row.split(",")[-2] == "1"})
    well = sorted({row[:5] for row in rows} - set(ill))
    return train(place, rows_of_films(place, lambda row: row[:5] in (*ill[:2], well[0])))


def boxes(place: Place, change: Callable[[int, dict[str, str]], None]) -> Path:
    """The phantom's films.toml with changed rows of its table of boxes, counted from 0."""
    data = place.folder / "data"
    shutil.copytree(place.phantom, data)
    with (data / "masses.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    for number, row in enumerate(rows):
        change(number, row)
    with (data / "masses.csv").open("w", encoding="utf-8", newline="") as stream:
        table = csv.DictWriter(stream, rows[0])
        table.writeheader()
        table.writerows(rows)
    return data / "films.toml"


def box_turned_round(place: Place) -> Sequence[str]:
    """A box whose left edge is right of its right one."""

    def change(number: int, row: dict[str, str]) -> None:
        if number == 2:
            row["x0"], row["x1"] = row["x1"], row["x0"]

    return "train", str(boxes(place, change)), "--task", "detection", "-o", str(place.folder / "reader")


def box_outside(place: Place) -> Sequence[str]:
    """A box with a digit too many."""

    def change(number: int, row: dict[str, str]) -> None:
        if number == 2:
            row["y0"], row["y1"] = "1000", "1020"

    return "inspect", str(boxes(place, change))


def boxes_of_larger_images(place: Place) -> Sequence[str]:
    """Boxes that were drawn on films of three times the size."""

    def change(number: int, row: dict[str, str]) -> None:
        row.update({key: str(3 * float(row[key])) for key in ("x0", "y0", "x1", "y1")})

    return "inspect", str(boxes(place, change))


def no_boxes(place: Place) -> Sequence[str]:
    """Films whose description says nothing of boxes."""
    data = place.folder / "data"
    shutil.copytree(place.phantom, data)
    text = (data / "films.toml").read_text(encoding="utf-8")
    before, after = text.split("[box]", 1)
    (data / "films.toml").write_text(before + "[columns]" + after.split("[columns]", 1)[1], encoding="utf-8")
    return "train", str(data / "films.toml"), "--task", "detection", "-o", str(place.folder / "reader")


def nan_pixels(place: Place) -> Sequence[str]:
    """A NIfTI file with not-a-number outside of a circle."""
    import nibabel
    import numpy as np

    rows, columns = np.mgrid[:64, :64]
    inside = (rows - 32) ** 2 + (columns - 32) ** 2 < 900
    values = np.where(inside, rows.astype(np.float32), np.float32(np.nan))[..., None]
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), place.folder / "film.nii")
    return read(place, place.folder / "film.nii")


def png(path: Path, width: int, height: int, rows: bytes) -> Path:
    """A grey PNG that says it is so wide and high, with what follows as its rows."""
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
            for kind, body in chunks
        )
    )
    return path


def one_pixel(place: Place) -> Sequence[str]:
    """A picture of one pixel."""
    return read(place, png(place.folder / "dot.png", 1, 1, b"\0\x80"))


def header_without_pixels(place: Place) -> Sequence[str]:
    """A DICOM film that announces 40,000 × 40,000 pixels and holds none."""
    import pydicom

    film = pydicom.dcmread(place.phantom / "films" / "P0001_L_CC.dcm")
    film.Rows = film.Columns = 40_000
    film.PixelData = b""
    film.save_as(place.folder / "film.dcm")
    return read(place, place.folder / "film.dcm")


def picture_without_pixels(place: Place) -> Sequence[str]:
    """A PNG that announces 40,000 × 40,000 pixels and holds none."""
    return read(place, png(place.folder / "film.png", 40_000, 40_000, b""))


def full_disk(place: Place) -> Sequence[str]:
    """A training whose disk is full when its first checkpoint is written."""
    return train(place, place.phantom / "films.toml")


def changed_bundle(place: Place) -> Sequence[str]:
    """A bundle in whose weights one byte is another."""
    bundle = place.folder / "changed"
    shutil.copytree(place.bundle, bundle)
    weights = bytearray((bundle / "weights.safetensors").read_bytes())
    weights[-5] ^= 1
    (bundle / "weights.safetensors").write_bytes(weights)
    return "read", str(bundle), str(place.phantom / "films"), "-o", str(place.folder / "readings")


def unknown_key(place: Place) -> Sequence[str]:
    """A plan with a word of another program."""
    (place.folder / "plan.toml").write_text(PLAN.replace("epochs = 2", "epochs = 2\nlr = 0.1"), encoding="utf-8")
    return train(place, place.phantom / "films.toml")


def unknown_step(place: Place) -> Sequence[str]:
    """A plan with a field that a step does not have."""
    steps = '{step = "rescale", upper = 99}'
    (place.folder / "plan.toml").write_text(PLAN.replace('{step = "rescale"}', steps), encoding="utf-8")
    return train(place, place.phantom / "films.toml")


def openvino_by_name(place: Place) -> Sequence[str]:
    """A runtime that this machine has not."""
    return *read(place, place.phantom / "films"), "--no-heat", "--runtime", "openvino"


def network_without_weights(place: Place) -> Sequence[str]:
    """timm knows the network, and nobody has put its weights here."""
    return fine_tune(place, "resnet18")


def weights_of_another_network(place: Place) -> Sequence[str]:
    """A file of weights under the name of a network that they are not of."""
    import torch
    from safetensors.torch import save_file

    weights = place.folder / "hounsfield" / "weights" / "resnet18.safetensors"
    weights.parent.mkdir(parents=True)
    save_file({"conv1.weight": torch.zeros(64, 3, 3, 3)}, weights)
    return fine_tune(place, "resnet18")


def fine_tune(place: Place, network: str) -> Sequence[str]:
    """The words that fine-tune a pretrained network."""
    films = place.phantom / "films.toml"
    return "train", str(films), "-o", str(place.folder / "reader"), "--network", network, "--minutes", "0.05"


def export_to_onnx(place: Place) -> Sequence[str]:
    """A format that this machine cannot write."""
    return "export", str(place.bundle), "-o", str(place.folder / "exported"), "--format", "onnx"


SERIES, OTHER_SERIES = "1.2.826.0.1.3680043.8.498.1", "1.2.826.0.1.3680043.8.498.2"


def ct(folder: Path, series: str) -> Path:
    """Four slices of 32 × 32 pixels, 1 × 1 × 3 mm, with an empty image each."""
    import pydicom
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

    folder.mkdir(parents=True)
    for place in range(4):
        made = dicom(CTImageStorage, ExplicitVRLittleEndian, series, f"{series}.{place}")
        made.Modality, made.PixelSpacing, made.ImageOrientationPatient = "CT", [1, 1], [1, 0, 0, 0, 1, 0]
        made.ImagePositionPatient = [0, 0, 3 * place]
        made.Rows, made.Columns, made.BitsAllocated, made.BitsStored, made.HighBit = 32, 32, 16, 16, 15
        made.SamplesPerPixel, made.PixelRepresentation, made.PhotometricInterpretation = 1, 0, "MONOCHROME2"
        made.PixelData = bytes(32 * 32 * 2)
        pydicom.dcmwrite(folder / f"{place}.dcm", made, enforce_file_format=True)
    return folder


def dicom(sop_class: str, syntax: str, series: str, uid: str) -> FileDataset:
    """A DICOM file of a series, with nothing in it yet."""
    from pydicom.dataset import Dataset, FileDataset, FileMetaDataset

    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = syntax, sop_class, uid
    made = FileDataset("made", Dataset(), file_meta=meta, preamble=bytes(128))
    made.SOPClassUID, made.SOPInstanceUID, made.SeriesInstanceUID = sop_class, uid, series
    made.PatientID, made.StudyInstanceUID = "P1", "1.2.826.0.1.3680043.8.498.3"
    return made


def structure_set(path: Path, left: int = 8) -> Path:
    """A square tumour on two slices of the first series, whose left edge is so many mm from the image's first voxel,
    and a heart that nobody drew."""
    import pydicom
    from pydicom.dataset import Dataset
    from pydicom.uid import ExplicitVRLittleEndian, RTStructureSetStorage

    made = dicom(RTStructureSetStorage, ExplicitVRLittleEndian, f"{SERIES}.9", f"{SERIES}.9.1")
    frame, study, series, tumour, heart, drawn = (Dataset() for _ in range(6))
    series.SeriesInstanceUID = SERIES
    study.RTReferencedSeriesSequence, frame.RTReferencedStudySequence = [series], [study]
    made.ReferencedFrameOfReferenceSequence = [frame]
    tumour.ROINumber, tumour.ROIName, heart.ROINumber, heart.ROIName = 1, "Tumour", 2, "Heart"
    made.StructureSetROISequence = [tumour, heart]
    contours = []
    for place in (1, 2):
        contour = Dataset()
        contour.ContourGeometricType, contour.NumberOfContourPoints = "CLOSED_PLANAR", 4
        corners = [(left, 8), (20, 8), (20, 20), (left, 20)]
        contour.ContourData = [number for x, y in corners for number in (x, y, 3 * place)]
        contours.append(contour)
    drawn.ReferencedROINumber, drawn.ContourSequence = 1, contours
    made.ROIContourSequence = [drawn]
    pydicom.dcmwrite(path, made, enforce_file_format=True)
    return path


def measure(place: Place, image: Path, lesion: str) -> Sequence[str]:
    """The words that measure a structure of a structure set."""
    return "measure", str(image), "--lesion", f"{place.folder / 'rt.dcm'}:{lesion}", "-o", str(place.folder / "sheet")


def contours_leave_the_image(place: Place) -> Sequence[str]:
    """A structure set that was drawn before the image was cut."""
    structure_set(place.folder / "rt.dcm", left=-6)
    return measure(place, ct(place.folder / "ct", SERIES), "Tumour")


def structures_of_another_series(place: Place) -> Sequence[str]:
    """A structure set of the patient's other series."""
    structure_set(place.folder / "rt.dcm")
    return measure(place, ct(place.folder / "ct", OTHER_SERIES), "Tumour")


def unknown_structure(place: Place) -> Sequence[str]:
    """A name that the structure set does not have."""
    structure_set(place.folder / "rt.dcm")
    return measure(place, ct(place.folder / "ct", SERIES), "Kidney")


def structure_without_contours(place: Place) -> Sequence[str]:
    """A structure that has a name, and that nobody drew."""
    structure_set(place.folder / "rt.dcm")
    return measure(place, ct(place.folder / "ct", SERIES), "heart")


def label_that_no_study_has(place: Place) -> Sequence[str]:
    """DICOM studies, and a description that calls the tumour otherwise."""
    ct(place.folder / "study" / "ct", SERIES)
    structure_set(place.folder / "study" / "rt.dcm")
    (place.folder / "studies.toml").write_text('dicom = "study"\n[labels]\ntumour = "GTV-1"\n', encoding="utf-8")
    words = "--task", "segmentation", "-o", str(place.folder / "reader")
    return "train", str(place.folder / "studies.toml"), *words


def outlines(
    place: Place, number: int = 1, *, kind: type = np.uint8, moved_mm: float = 0, times: int = 1
) -> Sequence[str]:
    """Three volumes of 12³ voxels, and the words that learn to outline the liver, which has the number 1.

    Args:
        place: Where they are written.
        number: On the masks, in a cube.
        kind: Of the numbers on the masks.
        moved_mm: By how much masks lie elsewhere than their images.
        times: Volumes on each mask.
    """
    import nibabel

    data = place.folder / "data"
    for folder in ("images", "labels"):
        (data / folder).mkdir(parents=True)
    mask = np.zeros((12, 12, 12), dtype=kind)
    mask[3:9, 3:9, 3:9] = number
    masks = mask if times == 1 else np.stack([mask] * times, axis=3)
    there = np.eye(4)
    there[0, 3] = moved_mm
    for name in "abc":
        image = nibabel.Nifti1Image(mask.astype(np.int16), np.eye(4))
        nibabel.save(image, data / "images" / f"{name}.nii.gz")
        nibabel.save(nibabel.Nifti1Image(masks, there), data / "labels" / f"{name}.nii.gz")
    (data / "dataset.json").write_text('{"labels": {"background": 0, "liver": 1}}', encoding="utf-8")
    return "train", str(data), "--task", "segmentation", "-o", str(place.folder / "outliner")


def several_volumes(place: Place) -> Sequence[str]:
    """A NIfTI file of five volumes."""
    import nibabel

    image = nibabel.Nifti1Image(np.ones((12, 12, 12, 5), dtype=np.int16), np.eye(4))
    nibabel.save(image, place.folder / "film.nii.gz")
    return read(place, place.folder / "film.nii.gz")


def very_large(place: Place) -> Sequence[str]:
    """A CT of 1500 slices, most of whose file takes no room on the disk."""
    import nibabel

    image = nibabel.Nifti1Image(np.zeros((1, 1, 1), dtype=np.int16), np.eye(4))
    image.header.set_data_shape((512, 512, 1500))
    with (place.folder / "ct.nii").open("wb") as stream:
        image.header.write_to(stream)
        stream.truncate(352 + 2 * 512 * 512 * 1500)
    return read(place, place.folder / "ct.nii")


ALL = (
    BadInput("A DICOM file of which half is missing", truncated_dicom, 1),
    BadInput("A PNG named .dcm: it is read, for the content decides", png_named_dcm, 0),
    BadInput("A text named .dcm", text_named_dcm, 1),
    BadInput("An empty folder, to read", empty_folder_to_read, 1),
    BadInput("An empty folder, to train on", empty_folder_to_train_on, 1),
    BadInput("A table that names missing files", missing_files, 1),
    BadInput("One class only", one_class, 1),
    BadInput("Three patients only", three_patients, 1),
    BadInput("A box that is turned round", box_turned_round, 1),
    BadInput("A box outside its image, to inspect; to learn from, the image is left out", box_outside, 0, noted=True),
    BadInput("Boxes that count pixels of larger images, to inspect", boxes_of_larger_images, 0, noted=True),
    BadInput("Images without any box, to find lesions on", no_boxes, 1),
    BadInput("Pixels that are not a number", nan_pixels, 1),
    BadInput("An image of one pixel", one_pixel, 1),
    BadInput("A DICOM header of 40,000 × 40,000 without pixels", header_without_pixels, 1),
    BadInput("A PNG header of 40,000 × 40,000 without pixels", picture_without_pixels, 1),
    BadInput("Contours that leave the image: they are cut, and it is said", contours_leave_the_image, 0, noted=True),
    BadInput("Structures that were drawn on another series", structures_of_another_series, 1),
    BadInput("A structure that the file does not have", unknown_structure, 1),
    BadInput("A structure that nobody drew, to measure", structure_without_contours, 1),
    BadInput("DICOM studies in which no structure has the label's name", label_that_no_study_has, 1),
    BadInput("Masks that lie elsewhere than their images", partial(outlines, moved_mm=5), 1),
    BadInput("Masks with a number that is no label", partial(outlines, number=4), 1),
    BadInput("Masks with a number below 0", partial(outlines, number=-1, kind=np.int16), 1),
    BadInput("Masks on which nothing is", partial(outlines, number=0), 1),
    BadInput("Masks of several volumes each", partial(outlines, times=2), 1),
    BadInput("A NIfTI file of several volumes", several_volumes, 1),
    BadInput("A CT of 512 × 512 × 1500 where half a gigabyte is free", very_large, 1, free=5 * 10**8),
    BadInput("A disk that fills while a checkpoint is written", full_disk, 1, disk="member-0.safetensors"),
    BadInput("A bundle with one byte changed", changed_bundle, 1),
    BadInput("A plan with an unknown key", unknown_key, 2),
    BadInput("A plan with an unknown field of a step", unknown_step, 2),
    BadInput("A pretrained network without weights at hand", network_without_weights, 2),
    BadInput("Pretrained weights of another network", weights_of_another_network, 1),
    BadInput("OpenVINO wanted by name and not installed", openvino_by_name, 1, missing="openvino"),
    BadInput("ONNX wanted and not installed", export_to_onnx, 1, missing="onnx"),
)


@contextlib.contextmanager
def full_disk_for(name: str) -> Iterator[None]:
    """No room is left whenever a file of this name is about to be moved into place."""
    from hounsfield import atomic
    from hounsfield.learning import supervised

    flush = atomic._flush

    def refuse(path: Path) -> None:
        if name in path.name:
            raise OSError(errno.ENOSPC, "No space left on device")
        flush(path)

    with mock.patch.object(atomic, "_flush", refuse), mock.patch.object(supervised, "CHECKPOINT_SECONDS", 0.0):
        yield


@contextlib.contextmanager
def machine_without(package: str) -> Iterator[None]:
    """A package cannot be found."""
    find = importlib.util.find_spec
    with mock.patch.object(importlib.util, "find_spec", lambda name: None if name == package else find(name)):
        yield


@contextlib.contextmanager
def little_memory(free: int) -> Iterator[None]:
    """So many bytes of memory are free."""
    with mock.patch.object(capacity, "free_memory", lambda: free):
        yield


def said(bad: BadInput, place: Place) -> tuple[int, str]:
    """Exit code and the sentence, the folders left out."""
    words = bad.make(place)
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        mock.patch.dict(os.environ, {"XDG_DATA_HOME": str(place.folder), "HOUNSFIELD_WEIGHTS": ""}),
        full_disk_for(bad.disk) if bad.disk else contextlib.nullcontext(),
        machine_without(bad.missing) if bad.missing else contextlib.nullcontext(),
        little_memory(bad.free) if bad.free else contextlib.nullcontext(),
    ):
        code = main(list(words))
    wanted = _is_note if bad.noted else _is_verdict
    lines = [line for line in (err.getvalue() + out.getvalue()).splitlines() if wanted(line)]
    lines = lines or _doubts(out.getvalue())
    sentence = " ".join(lines)
    for folder in (place.folder / "data", place.folder, place.phantom, place.bundle.parent):
        sentence = sentence.replace(f"{folder}/", "")
    return code, sentence


def _is_verdict(line: str) -> bool:
    return line.startswith(("not read: ", "no answer: ")) or ": error: " in line


def _is_note(line: str) -> bool:
    return line.startswith(("note: ", "warn: boxes "))


def _doubts(printed: str) -> list[str]:
    """What stands in brackets behind the answers."""
    return re.findall(r"\[(.*)\]$", printed, re.MULTILINE)


def page(rows: Sequence[tuple[str, int, str]]) -> str:
    """The page; a row is a name, an exit code and a sentence."""
    table = ["| given | code | said |", "|---|---|---|"]
    table += [f"| {name} | {code} | `{sentence}` |" for name, code, sentence in rows]
    return _HEAD + "\n".join(table) + "\n"


if __name__ == "__main__":
    from hounsfield.datasets.phantom import write_phantom

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        phantom = write_phantom(root / "phantom", women=16, size=(192, 144)).parent
        (root / "plan.toml").write_text(PLAN, encoding="utf-8")
        words = ["train", str(phantom / "films.toml"), "-o", str(root / "films"), "--plan", str(root / "plan.toml")]
        with contextlib.redirect_stdout(io.StringIO()):
            main(words)
        rows = []
        for number, bad in enumerate(ALL):
            (root / str(number)).mkdir()
            rows.append((bad.name, *said(bad, Place(root / str(number), phantom, root / "films"))))
        PAGE.write_text(page(rows), encoding="utf-8")
