"""`Evidence`: scores with intervals and what they were measured on. A public format, see docs/evidence.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hounsfield.findings.model import ModelIdentity
from hounsfield.findings.region import Box, Point

FORMAT_VERSION = "1"
"""Raised when a key of evidence.json changes its meaning or goes; added keys leave it."""


@dataclass(frozen=True)
class Score:
    """A figure and its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Curve:
    """Points of a curve, for drawing: `x` and `y` of one length, and where known a band around y."""

    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    threshold: tuple[float, ...] = ()
    """The threshold at each point, where there is one."""
    count: tuple[int, ...] = ()
    """Cases behind each point, where that matters (calibration bins)."""


@dataclass(frozen=True)
class Subgroup:
    """The scores of the cases that share one value of an attribute."""

    attribute: str
    value: str
    cases: int
    patients: int
    positives: int
    scores: Mapping[str, Score]
    """Empty when the subgroup is too small or has one class only; then `note` says so."""
    note: str = ""


@dataclass(frozen=True)
class Attainable:
    """What could be reached where another score is kept at a wished value."""

    rule: str
    """For instance "specificity>=0.9"."""
    score: str
    """Name of the score that is reached there."""
    reached: Score
    threshold: float
    """Which reaches it on these cases."""


@dataclass(frozen=True)
class Sets:
    """How conformal sets did: each holds the classes that cannot be ruled out."""

    promised: float
    """The share of the patients of each class whose set holds the truth, as it was promised."""
    coverage: Mapping[str, Score]
    """By class: that share, as it was found."""
    decided: Score
    """Share of the cases whose set is one class."""
    empty: Score
    """Share of the cases whose set holds no class: the model is less sure of them than of nearly all of any class."""


@dataclass(frozen=True)
class CaseResult:
    """What was predicted of one case, so that every figure can be computed again."""

    case: str
    patient: str
    target: int
    probabilities: tuple[float, ...]
    """One per class, sum 1."""


@dataclass(frozen=True)
class Detected:
    """A place that was called a lesion."""

    box: Box
    """In pixels of the image as stored."""
    probabilities: tuple[float, ...]
    """One a kind of lesion; what is left to 1 is that there is none."""

    @property
    def score(self) -> float:
        """How sure it is that there is a lesion, of whatever kind."""
        return float(sum(self.probabilities))


@dataclass(frozen=True)
class ImageResult:
    """What was found on one image, so that every figure can be computed again."""

    case: str
    patient: str
    truths: tuple[Box, ...]
    """The lesions, in pixels of the image as stored, with their kind as label."""
    found: tuple[Detected, ...]
    spacing_mm: tuple[float, ...] = ()
    """Distances of neighbours along (d, h, w); empty where the image does not know them."""


@dataclass(frozen=True)
class DetectionEvidence:
    """How well lesions were found, of images that may have several or none."""

    rule: str
    """When a finding hits a lesion, as `matching.HitRule` writes itself and `rule_from` reads it: "IoU ≥ 0.2"."""
    kinds: tuple[str, ...]
    """Of lesions."""
    lesions: tuple[int, ...]
    """How many there are of each kind."""
    threshold: float
    """A finding is shown from this score on, chosen on validation data."""
    threshold_from: str
    """On which cases and by which rule it was chosen."""
    scores: Mapping[str, Score]
    """"sensitivity_at_1", at one false alarm an image, …, "mean_sensitivity" of seven such rates,
    "average_precision_20", at an intersection over union of 0.2 …, of all kinds together and at 0.5 of each by itself,
    "average_precision_<kind>_50"; and at the threshold "sensitivity", "false_alarms" an image and, of the lesions
    found, "right_kind". Of images without any lesion "false_alarms" alone."""
    curves: Mapping[str, Curve]
    """"froc": sensitivity against false alarms an image, for all lesions; "froc_<kind>" for those of one kind, whatever
    they were called; "precision_recall". None of images without any lesion."""
    subgroups: tuple[Subgroup, ...]
    """Lesions by kind, size (in thirds, whose limits stand in their names) and attributes: `cases` counts lesions, and
    `positives` those found at the threshold."""
    confusion: tuple[tuple[int, ...], ...]
    """`confusion[t][p]`: lesions of kind t called p at the threshold; the last column counts the missed ones."""
    results: tuple[ImageResult, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Located:
    """Where a landmark was located."""

    point: Point
    """In pixels of the image as stored, its name as label."""
    radius: float = 0.0
    """Within which it lies as often as was promised, in mm where the image knows the size of its pixels, else in
    pixels; 0 where nothing was promised."""


@dataclass(frozen=True)
class LocatedImage:
    """What was located on one image, so that every figure can be computed again."""

    case: str
    patient: str
    truths: tuple[Point, ...]
    """The landmarks that it shows, in pixels of the image as stored."""
    found: tuple[Located, ...]
    spacing_mm: tuple[float, ...] = ()
    """Distances of neighbours along (d, h, w); empty where the image does not know them."""


@dataclass(frozen=True)
class LandmarkErrors:
    """How near one landmark was located, or all of them."""

    name: str
    """"all landmarks" for all."""
    images: int
    """That show it; of all, that show any."""
    patients: int
    scores: Mapping[str, Score]
    """"median", "mean" and "p90" of its errors; "within_2" …: share of the images on which it was located within that
    distance; "in_radius": share on which it lies within the radius that was said."""


@dataclass(frozen=True)
class LocalizationEvidence:
    """How near landmarks were located."""

    unit: str
    """Of errors: "mm", or "pixels" of the images as stored."""
    promised: float
    """Share of the landmarks that lie within the radius that is said of them; 0 where none is."""
    landmarks: tuple[LandmarkErrors, ...]
    """All of them together first."""
    curves: Mapping[str, Curve]
    """By name: share of the images on which a landmark was located within a distance, against that distance."""
    subgroups: tuple[Subgroup, ...]
    """Of all landmarks: "median" error by attributes of the cases; `positives` counts landmarks."""
    results: tuple[LocatedImage, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class MatchedInstances:
    """Objects of one image that were outlined, matched with those that are there."""

    instances: int
    """That are there."""
    found: int
    """That were outlined."""
    matched: tuple[int, ...]
    """How many of them share with one that is there more than .5, .55 … .95 of what both take together (IoU)."""
    overlap: float
    """Sum of the IoU of those that share more than half."""
    aggregated: float
    """Aggregated Jaccard index, in [0, 1]."""


@dataclass(frozen=True)
class OutlinedLabel:
    """How one label was outlined on one image."""

    label: str
    dice: float
    """2 |A ∩ B| / (|A| + |B|), in [0, 1]; 1 where it is on neither."""
    surface_dice: float
    """Share of both surfaces that lies within the tolerance of the other; 1 where it is on neither."""
    hausdorff: float | None
    """The distance that 95 % of each surface do not exceed; None where one of both is empty, as the next one."""
    surface_distance: float | None
    """Mean over both surfaces."""
    volume: float
    """Of the truth, in the cube of the distances' unit; the square of flat images."""
    found_volume: float
    lesions: int = 0
    """Parts of the truth that hang together."""
    lesions_found: int = 0
    """Of these, how many were touched."""
    false_lesions: int = 0
    """Parts of what was found that touch none."""
    instances: MatchedInstances | None = None
    """Where each object of the label was outlined by itself: how well; the other figures are of all together."""

    @property
    def there(self) -> bool:
        """Whether it is on the image, or was found there."""
        return self.volume > 0 or self.found_volume > 0


@dataclass(frozen=True)
class OutlinedImage:
    """How the labels of one image were outlined, so that every figure can be computed again."""

    case: str
    patient: str
    labels: tuple[OutlinedLabel, ...]
    unit: str = "mm"
    """Of its distances; "pixels" where it does not know how large these are."""


@dataclass(frozen=True)
class LabelScores:
    """How well one label was outlined, or all of them."""

    name: str
    """"all labels" for all: of each image the mean over its labels."""
    images: int
    """On which it is, or was found."""
    patients: int
    missed: int
    """Images on which it is and nothing was found, or the other way round: distances leave them out."""
    scores: Mapping[str, Score]
    """Means over images: "dice", "iou", "surface_dice", "hausdorff", "surface_distance", "volume_error" (of the truth's
    volume, without sign), "volume_bias" (with sign), and of lesions counted together "lesion_sensitivity",
    "lesion_precision" and "lesion_f1". Of instances also "instance_average_precision", "instance_f1_50",
    "instance_f1_70", "panoptic_quality", "aggregated_jaccard", "count_error" and "count_bias" (of the true count)."""


@dataclass(frozen=True)
class SegmentationEvidence:
    """How well labels were outlined."""

    unit: str
    """Of distances: "mm", "pixels" of the images as stored, or "mm or pixels"."""
    tolerance: float
    """Of the surface Dice."""
    surface: str
    """What surfaces are: "elements", polygons between voxels weighted by their area, or "edge voxels"."""
    labels: tuple[LabelScores, ...]
    """All of them together first."""
    subgroups: tuple[Subgroup, ...]
    """Of all labels: "dice", of instances "instance_average_precision" too, by attributes of the cases; `positives`
    counts images."""
    results: tuple[OutlinedImage, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Evidence:
    """Scores with intervals, by subgroup, with the split they were measured on."""

    task: str
    dataset: str
    split: str
    """"test", "val", "external" …: which cases these are with respect to the training."""
    cases: int
    patients: int
    classes: tuple[str, ...]
    class_counts: tuple[int, ...]
    threshold: float
    """Operating point for the positive class, chosen on validation data; 0.5 where there are more than two classes,
    for then the largest probability decides."""
    threshold_from: str
    """On which cases and by which rule it was chosen."""
    scores: Mapping[str, Score]
    confusion: tuple[tuple[int, ...], ...]
    """`confusion[t][p]`: cases of class t called p."""
    curves: Mapping[str, Curve]
    """"roc", "precision_recall", "calibration", "net_benefit" …"""
    subgroups: tuple[Subgroup, ...]
    results: tuple[CaseResult, ...]
    model: ModelIdentity
    seconds: float
    """Wall time of reading and measuring."""
    resamples: int
    """Bootstrap draws behind the intervals."""
    notes: tuple[str, ...] = ()
    """Warnings a reader of the figures must know, a sentence each."""
    attainable: tuple[Attainable, ...] = ()
    """Of two classes: what wished sensitivities and specificities would give."""
    sets: Sets | None = None
    """None where the model makes no sets."""
    detection: DetectionEvidence | None = None
    """Where lesions were looked for: how well they were found. All other figures are then of images as a whole."""
    localization: LocalizationEvidence | None = None
    """Where landmarks were located: how near. Of images as a whole nothing is said then."""
    segmentation: SegmentationEvidence | None = None
    """Where labels were outlined: how well. Of images as a whole nothing is said then."""
    format: str = FORMAT_VERSION
    created: str = ""
    """UTC, ISO 8601."""
    versions: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Plain values with the documented keys."""
        from dataclasses import asdict

        return asdict(self)
