"""`Bundle`: what was learned, on disk: plan, weights, operating point and evidence; never a pickle.

A bundle is a folder:

    bundle.json          what is in the folder, the SHA-256 of each file, and the operating point
    plan.toml            every choice of the run
    weights.safetensors  the weights of all members, as "0.features.0.weight" …
    likeness.safetensors how the training images look, so that reading can tell what is unlike them
    examples.safetensors small pictures of training images, to show which ones an answer is like
    split.json           which cases were trained on, validated on and kept apart
    evidence.json        what was measured on the validation cases
    explanations.json    which methods of explanation passed their tests on this model
    card.md, card.html   the same for people, with the items of reporting guidelines
    report.html          the training report

The plan and the weights are the model. split.json and evidence.json name cases and patients, and examples.safetensors
shows them; these may be left out when a bundle is passed on. Every file that is there must be as it was written.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hounsfield import __version__
from hounsfield.arrays import FloatArray
from hounsfield.atomic import atomic_folder, write_text
from hounsfield.datasets.case import Case
from hounsfield.datasets.split import Split
from hounsfield.errors import BundleError, StorageError
from hounsfield.evaluation.bends import Bends
from hounsfield.evaluation.conformal import Conformal
from hounsfield.evaluation.detection import with_detection
from hounsfield.evaluation.evidence import Detected, Evidence, ImageResult, LocatedImage
from hounsfield.evaluation.explanations import Explanations, explanations_from
from hounsfield.evaluation.sets import Held
from hounsfield.findings.model import ModelIdentity
from hounsfield.likeness import Remembered, read_remembered, write_remembered
from hounsfield.plan import Decision, Plan, read_plan, write_plan

if TYPE_CHECKING:
    import torch
    from torch import nn

FORMAT_VERSION = 1
_MANIFEST = "bundle.json"
_PLAN = "plan.toml"
_WEIGHTS = "weights.safetensors"
_SPLIT = "split.json"
_LIKENESS = "likeness.safetensors"
_EXAMPLES = "examples.safetensors"
EXPLANATIONS = "explanations.json"
"""What was found when methods of explanation were tested on the model; see `evaluation.explanations`."""
_NEEDED = (_PLAN, _WEIGHTS)
"""Without these files there is nothing to read with."""


@dataclass(frozen=True)
class FindingPoint:
    """How the score of a finding becomes a probability, and from when on it is shown; chosen on validation data."""

    threshold: float
    """A finding is shown when its calibrated score reaches this."""
    threshold_from: str
    """On which images and by which rule."""
    slope: float = 1.0
    """The log-odds of the score are multiplied by this …"""
    intercept: float = 0.0
    """… and this is added."""
    calibrated: bool = False
    """Whether both were fitted; without, probabilities are only scores."""

    def of(self, result: ImageResult) -> ImageResult:
        """The findings on an image with calibrated probabilities; kinds keep their shares."""
        return replace(result, found=tuple(self._calibrated(found) for found in result.found))

    def measured(
        self, evidence: Evidence, plan: Plan, cases: Sequence[Case], found: Sequence[ImageResult], *, seed: int
    ) -> Evidence:
        """The evidence of `cases`, with that of what was `found` on them before it was calibrated."""
        return with_detection(
            evidence,
            [self.of(one) for one in found],
            kinds=plan.detection.kinds,
            rule=plan.detection.hit,
            threshold=self.threshold,
            threshold_from=self.threshold_from,
            attributes={case.id: case.grouping() for case in cases},
            seed=seed,
        )

    def _calibrated(self, found: Detected) -> Detected:
        score = min(max(found.score, 1e-6), 1 - 1e-6)
        odds = self.slope * math.log(score / (1 - score)) + self.intercept
        factor = 1 / (1 + math.exp(-odds)) / score
        return replace(found, probabilities=tuple(share * factor for share in found.probabilities))


@dataclass(frozen=True)
class LandmarkPoint:
    """The radius within which a landmark lies, chosen on validation data."""

    coverage: float
    """Share of the landmarks of each name with a factor that lie within their radius; 0 where none has one."""
    factors: tuple[float | None, ...]
    """Of each landmark: what the network's own reach is multiplied by; None where too few images were there."""
    chosen_on: str
    """On which images."""

    def of(self, one: LocatedImage, landmarks: Sequence[str]) -> LocatedImage:
        """What was located on an image, with calibrated radii."""
        factor = dict(zip(landmarks, self.factors, strict=True))
        found = tuple(replace(own, radius=own.radius * (factor[own.point.label] or 0.0)) for own in one.found)
        return replace(one, found=found)


@dataclass(frozen=True)
class OperatingPoint:
    """How logits become an answer; chosen on validation data."""

    threshold: float
    """A case is positive when the positive class's calibrated probability reaches this."""
    threshold_from: str
    """On which cases and by which rule."""
    scale: float = 1.0
    """Logits are multiplied by this (the inverse of a temperature) …"""
    offset: tuple[float, ...] = ()
    """… and these are added, one a class, before the softmax; empty for none."""
    calibrated: bool = False
    """Whether scale and offset were fitted; without, probabilities are only scores."""
    bends: tuple[tuple[float, float], ...] = ()
    """Of two classes: a rising line through these points, (log-odds after scale and offset, calibrated log-odds), that
    was fitted on many cases; empty for none."""
    findings: FindingPoint | None = None
    """Of places on an image; None where none are looked for."""
    landmarks: LandmarkPoint | None = None
    """Of landmarks; None where none are located."""
    conformal: Conformal | None = None
    """From which calibrated probability on a class cannot be ruled out; None where too few cases were there."""

    @property
    def all_calibrated(self) -> bool:
        """Whether all probabilities that are said are calibrated: of cases, and of findings where there are any."""
        if self.landmarks is not None:
            return bool(self.landmarks.coverage)
        return self.calibrated and (self.findings is None or self.findings.calibrated)

    def apply(self, logits: FloatArray) -> FloatArray:
        """Calibrated logits, (n, classes), of averaged ones."""
        calibrated: FloatArray = logits * self.scale + (np.asarray(self.offset) if self.offset else 0.0)
        return Bends(self.bends).apply(calibrated) if self.bends else calibrated

    def sets(self, probabilities: FloatArray) -> Held | None:
        """Which classes cannot be ruled out, of calibrated probabilities (n, classes); None without limits."""
        if self.conformal is None:
            return None
        return Held(self.conformal.sets(probabilities), self.conformal.coverage)


@dataclass(frozen=True)
class TrainingRecord:
    """Where a bundle comes from."""

    dataset: str
    cases: int
    """Cases trained and validated on."""
    patients: int
    members: int
    seconds: float
    created: str
    """UTC, ISO 8601."""
    machine: str
    stopped: str
    """Why training ended: "finished", "early stopping" …"""
    seen_patients: tuple[str, ...] = ()
    """Digests (see `patient_digest`) of the patients trained or validated on."""
    seen_images: tuple[str, ...] = ()
    """Digests (see `datasets.digest`) of the images trained or validated on, whatever the data are called."""
    held_back: tuple[tuple[str, ...], ...] = ()
    """For each member, which of these patients and images neither it nor what it began from had learned from."""
    input_sides: tuple[float, float] | None = None
    """For cases cut from a larger image: median and 95th percentile of the square's side as a share of the
    image's longer side; None when a case is a whole image."""
    film_side: int | None = None
    """For such cases: median of the images' longer sides, in pixels. Filters work on the pixels of the image, so a
    scan brings a larger one to this size first."""
    patients_known: bool = True
    """Whether the data said whose each case is; else each was taken for a patient of its own."""
    recalibrated: str = ""
    """On which cases the operating point was chosen anew, and when; empty where it is that of the training."""
    warnings: tuple[str, ...] = ()
    """What a user of the bundle must know; names no case and no file."""

    def members_without(self, patient: str) -> tuple[int, ...]:
        """The members that had not learned from a patient, given by digest: all, for one that none was shown."""
        members = range(self.members)
        if patient not in self.seen_patients:
            return tuple(members)
        return tuple(own for own in members if own < len(self.held_back) and patient in self.held_back[own])


@dataclass(frozen=True)
class Bundle:
    """A trained model on disk."""

    folder: Path
    plan: Plan
    operating: OperatingPoint
    training: TrainingRecord
    identity: ModelIdentity

    def networks(self) -> list[nn.Module]:
        """The members, with their weights, in evaluation mode.

        Raises:
            BundleError: The weights do not fit the plan's network.
        """
        from safetensors.torch import load_file

        weights = load_file(self.folder / _WEIGHTS)
        members = []
        for number in range(self.training.members):
            own = {key.split(".", 1)[1]: value for key, value in weights.items() if key.startswith(f"{number}.")}
            members.append(_network(self.plan, own, self.folder))
        return members

    def remembered(self) -> Remembered:
        """What is remembered of the training images; nothing where the files were left out."""
        path, examples = self.folder / _LIKENESS, self.folder / _EXAMPLES
        if not path.is_file():
            return Remembered()
        return read_remembered(path.read_bytes(), examples.read_bytes() if examples.is_file() else None)

    def explanations(self) -> Explanations | None:
        """What was found when methods of explanation were tested; None where they were not."""
        path = self.folder / EXPLANATIONS
        return explanations_from(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None


def _network(plan: Plan, weights: dict[str, torch.Tensor], folder: Path) -> nn.Module:
    from hounsfield.plan.network import build_network

    network = build_network(plan)
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        found = "; ".join(line.strip() for line in str(error).splitlines()[1:3])
        raise BundleError(
            f"{folder}: the weights do not fit the network of {_PLAN} ({found}); copy the bundle again from its source"
        ) from error
    return network.eval()


def patient_digest(dataset: str, patient: str) -> str:
    """16 hexadecimal digits that stand for a patient of a data set, so that a bundle carries no patient ids."""
    return hashlib.sha256(f"{dataset}/{patient}".encode()).hexdigest()[:16]


def digest_of(case: Case, dataset: str) -> str:
    """`patient_digest` of a case's patient, under the name of the data set that the case is from.

    Args:
        case: Of the data set, or of one that it was joined with.
        dataset: Its name.
    """
    return patient_digest(
        case.origin or dataset, case.patient.removeprefix(f"{case.origin}/") if case.origin else case.patient
    )


def write_bundle(
    folder: Path,
    *,
    plan: Plan,
    members: Sequence[Mapping[str, torch.Tensor]],
    operating: OperatingPoint,
    training: TrainingRecord,
    split: Split,
    remembered: Remembered | None = None,
) -> Bundle:
    """Write a bundle to `folder`, whole or not at all, and open it; evidence and card are added with `add_file`.

    Args:
        folder: A bundle that is there already is replaced.
        plan: The plan that was followed.
        members: The weights of each network.
        operating: How logits become an answer.
        training: Where the bundle comes from.
        split: Which cases were trained and validated on.
        remembered: What is kept of the training images.

    Raises:
        StorageError: The disk refused, or something that is no bundle is there.
    """
    from safetensors.torch import save

    require_room(folder)
    weights = {f"{n}.{key}": value.contiguous() for n, state in enumerate(members) for key, value in state.items()}
    with atomic_folder(folder) as temporary:
        write_plan(plan, temporary / _PLAN)
        (temporary / _WEIGHTS).write_bytes(save(weights))
        split.write(temporary / _SPLIT)
        if remembered is not None:
            looks, examples = write_remembered(remembered)
            (temporary / _LIKENESS).write_bytes(looks)
            if examples is not None:
                (temporary / _EXAMPLES).write_bytes(examples)
        _write_new_manifest(temporary, folder, plan, operating, training)
    return read_bundle(folder)


def write_recalibrated(
    bundle: Bundle, folder: Path, *, operating: OperatingPoint, training: TrainingRecord, decision: Decision
) -> Bundle:
    """Write the same networks with another operating point to `folder`, whole or not at all, and open it.

    What was measured with the earlier one is left behind.

    Args:
        bundle: Whose plan, weights, split and training images are taken.
        folder: A bundle that is there already is replaced, were it this very one.
        operating: How logits become an answer.
        training: Where the bundle comes from.
        decision: By which rules the operating point was chosen.

    Raises:
        StorageError: The disk refused, or something that is no bundle is there.
    """
    require_room(folder)
    plan = bundle.plan.model_copy(update={"decision": decision})
    with atomic_folder(folder) as temporary:
        write_plan(plan, temporary / _PLAN)
        for name in (_WEIGHTS, _SPLIT, _LIKENESS, _EXAMPLES, EXPLANATIONS):
            if (bundle.folder / name).is_file():
                shutil.copyfile(bundle.folder / name, temporary / name)
        _write_new_manifest(temporary, folder, plan, operating, training)
    return read_bundle(folder)


def _write_new_manifest(
    temporary: Path, folder: Path, plan: Plan, operating: OperatingPoint, training: TrainingRecord
) -> None:
    files = {path.name: _sha256(path) for path in sorted(temporary.iterdir())}
    choices = plan.model_dump(mode="json", exclude={"reasons"})
    manifest = {
        "format": FORMAT_VERSION,
        "name": folder.resolve().name,
        "version": __version__,
        "files": files,
        "operating": asdict(operating),
        "training": asdict(training),
        "model": _digest({"plan": choices, "weights": files[_WEIGHTS], "operating": asdict(operating)}),
    }
    _write_manifest(temporary, manifest)


def require_room(folder: Path) -> None:
    """Accept a place for a bundle: nothing is there, or an empty folder, or a bundle, which will be replaced.

    Raises:
        StorageError: A file is there, or a folder with other things in it.
    """
    if folder.is_dir() and ((folder / _MANIFEST).is_file() or not any(folder.iterdir())):
        return
    if folder.exists():
        raise StorageError(f"{folder} is there already and is no bundle; it was left as it is. Choose another place")


def add_file(bundle: Bundle, name: str, text: str) -> None:
    """Write a further text file, such as a report, into the bundle and enter its hash; the model's hash stays.

    Raises:
        StorageError: The disk refused.
    """
    manifest = _read_manifest(bundle.folder)
    if manifest["files"].pop(name, None):  # a stop between the next two writes must not look like a changed file
        _write_manifest(bundle.folder, manifest)
    write_text(bundle.folder / name, text)
    manifest["files"][name] = _sha256(bundle.folder / name)
    _write_manifest(bundle.folder, manifest)


def read_bundle(folder: Path) -> Bundle:
    """The bundle in `folder`, after the hash of every file that is there was checked.

    Raises:
        BundleError: It is no bundle, plan or weights are missing, a file was changed, or its format is newer than
            this version.
    """
    manifest = _read_manifest(folder)
    for name in _NEEDED:
        if name not in manifest["files"] or not (folder / name).is_file():
            raise BundleError(f"{folder}: {name} is missing; copy the bundle again from its source")
    for name, expected in manifest["files"].items():
        path = folder / name
        if path.is_file() and _sha256(path) != expected:
            raise BundleError(
                f"{path} was changed after it was written (its SHA-256 is not the one in {_MANIFEST}); "
                "copy the bundle again from its source, or train it again"
            )
    sides = manifest["training"]["input_sides"]
    training = manifest["training"] | {
        "seen_patients": tuple(manifest["training"]["seen_patients"]),
        "seen_images": tuple(manifest["training"].get("seen_images", ())),
        "held_back": tuple(map(tuple, manifest["training"].get("held_back", ()))),
        "input_sides": tuple(sides) if sides else None,
        "warnings": tuple(manifest["training"]["warnings"]),
    }
    return Bundle(
        folder=folder,
        plan=read_plan(folder / _PLAN),
        operating=_operating(manifest["operating"]),
        training=TrainingRecord(**training),
        identity=ModelIdentity(name=manifest["name"], version=manifest["version"], sha256=manifest["model"]),
    )


def _operating(plain: Mapping[str, Any]) -> OperatingPoint:
    conformal = plain.get("conformal")
    if conformal:
        conformal = Conformal(conformal["coverage"], tuple(conformal["limits"]), tuple(conformal["cases"]))
    bends = tuple(map(tuple, plain.get("bends", ())))
    findings = FindingPoint(**plain["findings"]) if plain.get("findings") else None
    landmarks = plain.get("landmarks")
    if landmarks:
        landmarks = LandmarkPoint(**{**landmarks, "factors": tuple(landmarks["factors"])})
    kept = {
        "landmarks": landmarks,
        "offset": tuple(plain["offset"]),
        "bends": bends,
        "conformal": conformal,
        "findings": findings,
    }
    return OperatingPoint(**{**plain, **kept})


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / _MANIFEST
    if not path.is_file():
        raise BundleError(_no_bundle(folder))
    try:
        text = path.read_text(encoding="utf-8")
        manifest: dict[str, Any] = json.loads(text)
        del manifest["sha256"]
        version = manifest["format"]
    except (ValueError, KeyError, AttributeError, TypeError, OSError) as error:
        raise BundleError(f"{path} is damaged ({error}); copy the bundle again") from error
    if version != FORMAT_VERSION:
        raise BundleError(
            f"{folder} has bundle format {version}, and hounsfield {__version__} reads format {FORMAT_VERSION}; "
            "install the version that wrote it, or train it again"
        )
    if _manifest_text(manifest) != text:
        raise BundleError(f"{path} was changed after it was written; copy the bundle again from its source")
    return manifest


def _write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    write_text(folder / _MANIFEST, _manifest_text(manifest))


def _manifest_text(manifest: dict[str, Any]) -> str:
    return json.dumps(manifest | {"sha256": _digest(manifest)}, indent=1)


def _no_bundle(folder: Path) -> str:
    if unfinished_folder(folder).is_dir():
        return f"the training of {folder} is not finished; give the same train command again to go on"
    if not folder.exists():
        return f"there is no bundle at {folder}; make one with: hounsfield train DATA -o {folder}"
    return f"{folder} is not a bundle: it has no {_MANIFEST}"


def is_bundle(folder: Path) -> bool:
    """Whether a bundle is there, whole or not."""
    return (folder / _MANIFEST).is_file()


def unfinished_folder(folder: Path) -> Path:
    """Where a training that was not finished keeps the state of the bundle `folder`."""
    whole = folder.resolve()
    return whole.with_name(whole.name + ".training")


def _digest(manifest: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
