"""Plausible inputs for the pages: films drawn from noise, predictions drawn from two overlapping bells."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from hounsfield.arrays import FloatArray
from hounsfield.datasets.case import Case, Dataset, ImageRef
from hounsfield.datasets.check import Problem
from hounsfield.datasets.fingerprint import Fingerprint, Spread
from hounsfield.evaluation.detection import with_detection
from hounsfield.evaluation.evidence import (
    CaseResult,
    Detected,
    Evidence,
    ImageResult,
    OutlinedImage,
    OutlinedLabel,
)
from hounsfield.evaluation.measure import Origin, measure, measure_outlines
from hounsfield.findings import Answer, Box, Finding, ModelIdentity, Quality, Reading
from hounsfield.findings.worksheet import Worksheet, criteria_from_text, fill_worksheet
from hounsfield.geometry import affine_from_axes, planar_affine
from hounsfield.image import Image
from hounsfield.reporting.charts.learning_curves import LearningCurve
from hounsfield.reporting.examples import Example, choose_examples
from hounsfield.reporting.margin_panels import Panel, margin_panels
from hounsfield.reporting.split_table import PartCount
from hounsfield.reporting.training_report import BundleFile, Choice, TrainingStory

MODEL = ModelIdentity(name="breast-mass-convnet", version="0.1.0", sha256="8f3c1ab29d4e" + "07" * 26)


def film(seed: int = 0, *, height: int = 320, width: int = 240, lesion: bool = True) -> Image:
    """A breast as a half ellipse of cloudy tissue with a bright spot, uint16, background exactly 0."""
    import cv2

    rng = np.random.default_rng(seed)
    tissue = np.zeros((height, width))
    for scale in (4, 8, 16, 32, 64):
        coarse = rng.normal(size=(height // scale + 2, width // scale + 2))
        tissue += scale**0.9 * cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    tissue = (tissue - tissue.min()) / np.ptp(tissue)
    rows, columns = np.mgrid[:height, :width]
    inside = ((rows - height / 2) / (0.47 * height)) ** 2 + (columns / (0.86 * width)) ** 2
    depth = np.sqrt(np.clip(1 - inside, 0, 1))
    shown = depth**0.55 * (0.25 + 0.6 * tissue**1.6)
    if lesion:
        y, x = lesion_centre(seed, height, width)
        distance = ((rows - y) ** 2 + (columns - x) ** 2) / (0.045 * height) ** 2
        shown += 0.42 * np.exp(-distance) * (inside < 1)
    voxels = np.clip(shown * 3200 * (1 + 0.03 * rng.normal(size=shown.shape)), 0, 4095) * (inside < 1)
    return Image(voxels=voxels.astype(np.uint16)[None, None], affine=planar_affine(), modality="MG")


def lesion_centre(seed: int, height: int, width: int) -> tuple[float, float]:
    rng = np.random.default_rng(seed + 1000)
    return float(height * rng.uniform(0.35, 0.65)), float(width * rng.uniform(0.25, 0.55))


def heat(seed: int = 0, *, height: int = 320, width: int = 240) -> FloatArray:
    """A coarse heat map that is warmest at the spot."""
    import cv2

    y, x = lesion_centre(seed, height, width)
    rows, columns = np.mgrid[: height // 16, : width // 16] * 16 + 8
    coarse = np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (0.11 * height) ** 2)
    coarse += 0.12 * np.random.default_rng(seed).random(coarse.shape)
    smooth = cv2.resize(coarse.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(smooth / smooth.max(), 0, 1)


def lesion_box(seed: int, height: int = 320, width: int = 240) -> Box:
    y, x = lesion_centre(seed, height, width)
    return Box(x - 22, y - 22, x + 22, y + 22, "mass")


def results(cases: int = 240, *, seed: int = 1, skill: float = 1.1) -> list[CaseResult]:
    rng = np.random.default_rng(seed)
    found = []
    for number in range(cases):
        target = int(rng.random() < 0.41)
        logit = rng.normal(skill * (target - 0.5), 1.0)
        probability = float(1 / (1 + np.exp(-logit)))
        patient = f"P_{number * 2 // 3:05d}"
        name = f"Mass-Test_{patient}_{'LEFT' if number % 2 else 'RIGHT'}_{'MLO' if number % 3 else 'CC'}_{number}"
        found.append(CaseResult(name, patient, target, (1 - probability, probability)))
    return found


def binary_evidence(cases: int = 240, *, skill: float = 1.1, notes: tuple[str, ...] = ()) -> Evidence:
    drawn = results(cases, skill=skill)
    rng = np.random.default_rng(5)
    density = ("A, almost all fat", "B, scattered", "C, uneven", "D, very dense")
    attributes = {
        result.case: {
            "view": "MLO" if "MLO" in result.case else "CC",
            "density": density[int(rng.choice(4, p=[0.04, 0.46, 0.36, 0.14]))],
        }
        for result in drawn
    }
    origin = Origin(
        dataset="cbis_ddsm_mass",
        split="test",
        classes=("benign", "malignant"),
        attributes=attributes,
        model=MODEL,
        seconds=12.7,
        resamples=300,
        notes=notes,
    )
    chosen = "youden on 118 validation cases, 52 of them positive"
    return measure(drawn, origin, task="classification", threshold=0.463, threshold_from=chosen)


def many_class_evidence() -> Evidence:
    rng = np.random.default_rng(3)
    classes = ("adenocarcinoma", "normal tissue", "squamous cell carcinoma")
    drawn = []
    for number in range(150):
        target = int(rng.integers(3))
        logits = rng.normal(size=3)
        logits[target] += 1.6
        shares = np.exp(logits) / np.exp(logits).sum()
        drawn.append(CaseResult(f"case {number}", f"patient {number}", target, tuple(float(p) for p in shares)))
    origin = Origin("lung_tissue", "external", classes, attributes={}, model=MODEL, seconds=3.0, resamples=200)
    return measure(drawn, origin, task="classification", threshold=0.5, threshold_from="")


def outlined_evidence(name: str, *, skill: float = 0.9, labels: tuple[str, ...] = ("liver", "tumour")) -> Evidence:
    """Of forty abdomens, on half of which there is a tumour; hard ones are hard for every model."""
    hard, own = np.random.default_rng(4).uniform(0, 0.3, (40, 2)), np.random.default_rng(len(name))
    drawn = []
    for number in range(40):
        dice = skill - hard[number] + own.uniform(0, 0.1, 2)
        there = [
            OutlinedLabel(label, d, d**0.5, 12 * (1 - d), 3 * (1 - d), 50.0, 45.0)
            for label, d in zip(labels, dice.tolist(), strict=True)
        ]
        absent = OutlinedLabel(labels[1], 1.0, 1.0, None, None, 0.0, 0.0)
        drawn.append(
            OutlinedImage(f"abdomen {number}", f"P_{number:03d}", (there[0], there[1] if number % 2 else absent))
        )
    named = replace(MODEL, name=name, sha256=f"{len(name):064d}")
    origin = Origin("abdomens", "test", ("image",), attributes={}, model=named, seconds=60.0, resamples=200)
    return measure_outlines(drawn, origin, labels=labels, tolerance=2.0)


def found_evidence(name: str, *, skill: float = 0.6) -> Evidence:
    """Of forty films, on half of which there is a mass, and on each something that looks like one."""
    hard, own = np.random.default_rng(4), np.random.default_rng(len(name))
    films = []
    for number in range(40):
        box = Box(40, 60, 90, 110, "malignant" if number % 4 else "benign")
        sure, alarm = np.clip([skill + hard.normal(0, 0.2) + own.normal(0, 0.05), hard.uniform(0, 0.8)], 0, 1).tolist()
        found = [Detected(Box(150, 200, 180, 230), (0.3 * alarm, 0.7 * alarm))]
        there = (box,) if number % 2 else ()
        films.append(
            ImageResult(
                f"film {number}", f"P_{number // 2:03d}", there,
                (*found, *(Detected(one, (0.2 * sure, 0.8 * sure)) for one in there)),
            )
        )  # fmt: skip
    named = replace(MODEL, name=name, sha256=f"{len(name):064d}")
    origin = Origin(
        "films", "test", ("no finding", "any finding"), attributes={}, model=named, seconds=60.0, resamples=200
    )
    most = [max(found.score for found in one.found) for one in films]
    cases = [CaseResult(one.case, one.patient, len(one.truths), (1 - p, p)) for one, p in zip(films, most, strict=True)]
    whole = measure(cases, origin, task="detection", threshold=0.5, threshold_from="40 validation cases")
    return with_detection(
        whole, films, kinds=("benign", "malignant"), rule="iou>=0.2", threshold=0.5,
        threshold_from="40 validation cases", attributes={}, seed=0,
    )  # fmt: skip


def examples(evidence: Evidence, *, each: int = 3) -> list[Example]:
    chosen = choose_examples(evidence, each=each)
    return [
        Example(result, film(seed), heat(seed), (lesion_box(seed),))
        for seed, result in enumerate((*chosen.mistakes, *chosen.hits))
    ]


def reading(
    case: str,
    probability: float,
    *,
    seed: int = 0,
    threshold: float = 0.463,
    quality: Quality | None = None,
    abstained: str = "",
    notes: tuple[str, ...] = (),
) -> Reading:
    positive = probability >= threshold
    return Reading(
        case=case,
        path=f"films/{case}",
        answers=() if abstained else (Answer("malignant", probability, threshold, positive),),
        model=MODEL,
        findings=(Finding("malignant", probability, lesion_box(seed)),) if positive else (),
        quality=quality or Quality(),
        abstained=abstained,
        calibrated=True,
        notes=notes,
        seconds=0.08,
        heat=None if abstained else heat(seed),
    )


def readings() -> list[Reading]:
    """Eight studies: positive, negative, doubtful and without an answer."""
    doubtful = Quality("doubtful", ("the image is 320 × 240 pixels, the model was made for 448 × 448",))
    unfit = Quality("unfit", ("the image is blank",))
    scanned = "No box was given, so the model was shown overlapping squares of the whole film."
    return [
        reading("P_0013_RIGHT_CC.dcm", 0.12, seed=1),
        reading("P_0013_RIGHT_MLO.dcm", 0.91, seed=2, notes=(scanned,)),
        reading("P_0044_LEFT_CC.dcm", 0.31, seed=3, quality=doubtful),
        reading("P_0044_LEFT_MLO.dcm", 0.52, seed=4),
        reading("P_0102_LEFT_CC.dcm", 0.0, seed=5, quality=unfit, abstained="the image is blank"),
        reading("P_0102_LEFT_MLO.dcm", 0.44, seed=6),
        reading("P_0107_RIGHT_MLO.dcm", 0.05, seed=7),
        reading("P_0110_a_rather_long_file_name_of_a_clinic_that_likes_long_names_0001.dcm", 0.77, seed=8),
    ]


def films_of(found: list[Reading]) -> dict[str, Image]:
    return {entry.path: film(seed) for seed, entry in enumerate(found, start=1)}


def dataset(cases: int = 60) -> Dataset:
    """Films of two classes; they exist in name only."""
    made = tuple(
        Case(
            id=f"case_{number:03d}",
            patient=f"P_{number // 2:03d}",
            images={"image": ImageRef(Path(f"films/{number:03d}.dcm"))},
            target=int(number % 5 < 2),
            boxes=(lesion_box(number),) if number % 5 < 2 else (),
        )
        for number in range(cases)
    )
    return Dataset("phantom_films", Path("films"), made, ("benign", "malignant"), "table")


def fingerprint(data: Dataset) -> Fingerprint:
    positive = sum(case.target == 1 for case in data.cases)
    return Fingerprint(
        dataset=data.name,
        layout=data.layout,
        cases=len(data.cases),
        patients=len({case.patient for case in data.cases}),
        patients_known=True,
        classes=data.classes,
        class_counts=(len(data.cases) - positive, positive),
        unlabelled=0,
        shape_min=(1, 2800, 1820),
        shape_median=(1, 4608, 2944),
        shape_max=(1, 5928, 4040),
        planar=True,
        channels=1,
        colour=False,
        dtypes={"uint16": len(data.cases)},
        modalities={"MG": len(data.cases)},
        spacing_mm=(1.0, 0.05, 0.05),
        spacing_kinds={"detector": len(data.cases)},
        intensity={
            "0": 0,
            "0.5": 0,
            "25": 310,
            "50": 905,
            "75": 1812,
            "99.5": 3500,
            "100": 4095,
            "mean": 1090.5,
            "std": 804.2,
        },
        boxes=positive,
        box_width=Spread(120, 260, 610),
        box_height=Spread(118, 255, 590),
        age_years=Spread(41, 57, 76),
        ages_known=len(data.cases) - 3,
        sexes={"F": len(data.cases)},
        sites={},
        sampled=40,
        unreadable=(("case_007", "films/007.dcm: the file ends after 1 204 of 27 131 904 bytes of pixel data"),),
        notes=(),
    )


def problems() -> tuple[Problem, ...]:
    return (
        Problem("warn", "4 cases in 2 groups hold the same image, byte for byte (case_003 = case_004)", ("case_003",)),
        Problem("warn", "only 30 patients; every figure will have a very wide interval"),
    )


def trace() -> list[tuple[str, Image]]:
    """A film as stored, and after each of three filters."""
    import cv2

    stored = film(9)
    plane = stored.voxels[0, 0].astype(np.float32)
    steps = [
        ("as stored", plane),
        ("Gaussian filter, sigma 1.5", cv2.GaussianBlur(plane, (0, 0), 1.5)),
        ("median filter, size 5", cv2.medianBlur(plane, 5)),
        ("bilateral filter, 9 pixels", cv2.bilateralFilter(plane, 9, 400, 5)),
    ]
    return [(name, replace(stored, voxels=values[None, None])) for name, values in steps]


def curves(members: int = 5) -> tuple[LearningCurve, ...]:
    rng = np.random.default_rng(11)
    found = []
    for member in range(members):
        epochs = int(rng.integers(22, 34))
        x = np.arange(1, epochs + 1)
        train = 0.70 * np.exp(-x / 22) + 0.02 * rng.normal(size=epochs)
        val = 0.56 + 0.15 * np.exp(-x / 6) + 0.00012 * x**2 + 0.012 * rng.normal(size=epochs)
        score = 0.80 - 0.25 * np.exp(-x / 6) - 0.00006 * x**2 + 0.01 * rng.normal(size=epochs)
        found.append(
            LearningCurve(
                member=f"fold {member + 1}",
                epoch=tuple(x.tolist()),
                train_loss=tuple(train.tolist()),
                val_loss=tuple(val.tolist()),
                val_score=tuple(score.tolist()),
            )
        )
    return tuple(found)


def story() -> TrainingStory:
    return TrainingStory(
        name="breast-mass-convnet",
        dataset="cbis_ddsm_mass",
        classes=("benign", "malignant"),
        plan_choices=(
            Choice("task", "classification", "the data set has classes"),
            Choice("input.shape", "128 × 128", "the largest at which 40 epochs fit into 20 minutes on this machine"),
            Choice("input.steps", "breast region, median filter, standardise", "the modality is MG"),
            Choice("network.name", "convnet", "the five-layer network of the case study"),
            Choice("network.widths", "16, 32, 64, 128, 128", "1 188 training cases: more would learn them by heart"),
            Choice("optimisation.learning_rate", "0.001", "usual for AdamW with batches of 32"),
            Choice("ensemble.members", "5", "five folds fit into the time and each case is validated once"),
        ),
        curves=curves(),
        evidence=replace(binary_evidence(118), split="val"),
        split_counts=(
            PartCount("training", 1188, 621, (598, 590)),
            PartCount("validation", 118, 70, (66, 52)),
            PartCount("test", 361, 199, (222, 139)),
        ),
        seconds=1114.0,
        stopped="early stopping in every fold",
        notes=("The machine has no bf16: training took twice as long as it could have.",),
        command="hounsfield train examples/cbis_ddsm_mass.toml --root ../data/cbis_ddsm_mass --minutes 20 -o bundle",
        model=MODEL,
        files=(
            BundleFile("plan.toml", "every choice of the run", "ab" * 32),
            BundleFile("weights.safetensors", "the weights of all members", "cd" * 32),
            BundleFile("split.json", "who was trained on and who was kept apart", "ef" * 32),
        ),
        machine="2 cores, 8 GB, no GPU",
        created="2026-11-22T21:05:00+00:00",
    )


_CRITERIA = """
[[criterion]]
name = "No contact with bone"
measure = "contact"
structure = "bone"
most_mm2 = 0
[[criterion]]
name = "15 mm to bone"
measure = "distance"
structure = "bone"
least_mm = 15
[[criterion]]
name = "Vessel less than half encased"
measure = "contact_arc"
structure = "artery"
most_degrees = 180
[[criterion]]
name = "Smaller than 5 cm"
measure = "long_axis"
most_mm = 50
"""


def worksheet() -> tuple[Worksheet, dict[int, list[Panel]]]:
    """Of a ball in a cylinder, beside a bone that lies higher, and pictures of what was measured."""
    depth, row, column = np.ogrid[:20, :64, :64]
    lesion = (3 * (depth - 9)) ** 2 + (row - 32) ** 2 + (column - 24) ** 2 <= 12**2
    bone = (row - 30) ** 2 + (column - 48) ** 2 + 0 * depth <= (2 + depth // 4) ** 2
    skin = (row - 32) ** 2 + (column - 32) ** 2 + 0 * depth <= 30**2
    affine = affine_from_axes(origin_mm=np.zeros(3), spacing_mm=(3, 1, 1), directions=np.eye(3)[:, ::-1])
    noise = np.random.default_rng(0).normal(0, 15, lesion.shape)
    voxels = np.where(skin, 40 + 30 * lesion + 600 * bone, -1000) + noise
    image = Image(voxels[None].astype(np.float32), affine, "CT", "patient")
    structures = {"bone": bone, "skin": skin, "nerve": np.zeros_like(bone)}
    sheet = fill_worksheet(criteria_from_text(_CRITERIA), lesion, structures, affine)
    return sheet, {
        place: margin_panels(image, lesion, structures.get(answer.structure), answer)
        for place, answer in enumerate(sheet.answers)
        if answer.value is not None
    }
