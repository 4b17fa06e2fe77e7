"""`Reading`: all that a reader says of one case."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from hounsfield.arrays import FloatArray
from hounsfield.findings.finding import Finding
from hounsfield.findings.model import ModelIdentity
from hounsfield.image import Mask


@dataclass(frozen=True)
class Answer:
    """An answer about the whole image."""

    label: str
    """The class the probability speaks of, for instance "malignant"."""
    probability: float
    threshold: float
    """The bundle's operating point, chosen on validation data."""
    positive: bool
    """Whether the probability reaches the threshold."""


@dataclass(frozen=True)
class Quality:
    """Whether the image is fit to be read by this model, and why not."""

    verdict: Literal["good", "doubtful", "unfit"] = "good"
    reasons: tuple[str, ...] = ()
    distance: float | None = None
    """From the images that the model learned from, in [0, 2]; None where the bundle remembers none."""
    farthest: float | None = None
    """The distance beyond which no answer is given."""
    unlike: bool = False
    """Whether the image is too far from those, or inverted or turned; it gets no answer, unless all are wanted."""


@dataclass(frozen=True)
class Neighbour:
    """A training image that one is like."""

    number: int
    """Among the examples of the bundle."""
    label: str
    """Its class."""
    similarity: float
    """Cosine of the angle between what the model sees in the two, less what all have in common; 1 for the same."""


@dataclass(frozen=True, eq=False)
class Reading:
    """All that a reader says of one case."""

    case: str
    """The case's id: a file name, or the data set's id."""
    path: str
    """The file or folder that was read."""
    answers: tuple[Answer, ...]
    model: ModelIdentity
    findings: tuple[Finding, ...] = ()
    looked_for: tuple[str, ...] = ()
    """Kinds of findings that were looked for on the image, whether any was found or not, or landmarks that were
    located; empty where none were."""
    possible: tuple[str, ...] | None = None
    """The classes that cannot be ruled out, most probable first: the truth is among them as often as `coverage` says,
    in each class. None where the model makes no such promise."""
    coverage: float = 0.0
    """Promised of `possible`, or of the radii of landmarks; 0 where nothing is."""
    quality: Quality = field(default_factory=Quality)
    abstained: str = ""
    """Why no answer is given; empty when there is one."""
    calibrated: bool = False
    """Whether the probabilities were calibrated on held-back data."""
    scanned: bool = False
    """Whether a model of lesions was shown squares of a whole image, because nobody said where to look. The answer is
    then that of the most suspicious square, and neither its probability nor the threshold was validated for that."""
    notes: tuple[str, ...] = ()
    study_uid: str = ""
    sop_uids: tuple[str, ...] = ()
    seconds: float = 0.0
    heat: FloatArray | None = None
    """(height, width) or (depth, height, width), in [0, 1], on the stored image's grid: what drove the answer, or what
    networks that look for places made of each."""
    outline: Mask | None = None
    """On the stored image's grid: which voxels are what; None where nothing was outlined."""
    outlined: bool = False
    """Whether labels were outlined, be there any or not."""
    nearest: tuple[Neighbour, ...] = ()
    """Training images that the model sees as most like this one, the nearest first; empty where none are kept."""
    explained_by: str = ""
    """Method of the heat map, for instance "grad_cam", or of places "objectness", "centre_heat" or "landmark_heat";
    empty without one."""
    view: str = ""
    """Of several views, the one that weighed most, on whose image the heat map lies; empty where there is none."""

    def as_json(self) -> dict[str, Any]:
        """The reading as plain values; the heat map and the outline are written as files of their own, not here."""
        from dataclasses import replace

        plain = asdict(replace(self, heat=None, outline=None))
        return {key: value for key, value in plain.items() if key not in ("heat", "outline")}
