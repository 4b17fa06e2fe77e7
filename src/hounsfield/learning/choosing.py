"""What a training will follow: the split and the plan that are given, or new ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hounsfield.bundle import is_bundle, read_bundle
from hounsfield.datasets.case import Case, Dataset
from hounsfield.datasets.detection import positive_kinds
from hounsfield.datasets.fingerprint import Fingerprint, make_fingerprint
from hounsfield.datasets.segmentation import in_instances, size_of_nearly_all
from hounsfield.datasets.split import Split, check_split, make_split
from hounsfield.errors import DatasetError, UnknownNameError
from hounsfield.learning.candidates import AUTO, candidates_for, choose_family, rarest_patients
from hounsfield.learning.memory_need import step_bytes
from hounsfield.learning.rounds import folds_to_keep
from hounsfield.learning.throughput import images_per_second
from hounsfield.learning.transfer import IMAGENET
from hounsfield.networks.weights import at_hand
from hounsfield.plan import (
    Detection,
    Localization,
    Plan,
    PretrainedChoice,
    Segmentation,
    inspect_machine,
    make_plan,
    modality_of,
)
from hounsfield.plan.choose import Asked
from hounsfield.plan.columns import choose_columns
from hounsfield.plan.families import CONVNET, DEFAULT_BACKBONE, Family, family_like, family_of
from hounsfield.plan.finding import CENTRES, FASTER_RCNN, centre_finder, finder, tile_of
from hounsfield.plan.inputs import kind_of
from hounsfield.plan.locating import HEAT_MAP, LOCATORS, locator
from hounsfield.plan.outlining import (
    OUTLINERS,
    RECURRENT,
    SLICEWISE,
    UNET,
    has_thin_labels,
    in_thick_slices,
    outliner,
    slicewise_outliner,
)


def require_network(name: str) -> None:
    """Accept what `--network` says.

    Raises:
        UnknownNameError: There is no network of this name, or its weights are not at hand.
        BundleError: It names a bundle that is damaged.
    """
    if name not in OWN:
        _family(name)


OWN = (AUTO, FASTER_RCNN, CENTRES, *LOCATORS, *OUTLINERS)
"""Names that are no family's: what they are depends on what is asked of the data."""

_SMALL = 64
"""Any side will do to ask a family for its kind of network."""


def _family(name: str) -> Family:
    """A known network's family before that of a bundle, whatever folder happens to have the network's name."""
    try:
        return family_of(name)
    except UnknownNameError:
        if not is_bundle(Path(name)):
            raise
    return family_like(read_bundle(Path(name)).plan, str(Path(name).resolve()))


def choose_plan_and_split(
    dataset: Dataset,
    folder: Path | None = None,
    *,
    minutes: float,
    seed: int,
    network: str = AUTO,
    plan: Plan | None = None,
    split: Split | None = None,
) -> tuple[Plan, Split]:
    """What `train` will follow: what is given, checked against the data, and the rest made anew.

    Args:
        dataset: The data.
        folder: Where candidates that are tried keep their inputs and results; where None, nothing is tried.
        minutes: For trials and training.
        seed: Of split and plan.
        network: "auto" for trials, or as `family_of`, or a bundle's folder.
        plan: To be followed as it is.
        split: To be used as it is.

    Raises:
        DatasetError, SplitError: The data cannot be learned from, or do not fit the split.
        UnknownNameError, BundleError: As `require_network`.
        PlanError: The memory that is free is too small for any network.
    """
    split = split or make_split(dataset, seed=seed)
    check_split(dataset, split)
    if plan is not None:
        return plan, split
    return _new_plan(dataset, split, folder, minutes=minutes, seed=seed, network=network), split


def _new_plan(dataset: Dataset, split: Split, folder: Path | None, *, minutes: float, seed: int, network: str) -> Plan:
    if dataset.channels and not dataset.labels:
        raise DatasetError(
            f"the images of {dataset.name} have the channels {', '.join(dataset.channels)}: they can be outlined "
            "(--task segmentation), and nothing else is learned of them; give one image a case for another task"
        )
    cases = [case for part in ("train", "val") for case in split.select(dataset, part) if case.target is not None]
    fingerprint = make_fingerprint(dataset, [case.id for case in cases], seed=seed)
    machine = inspect_machine()
    columns = choose_columns(dataset.inputs, [case.columns for case in cases])
    auxiliary = choose_columns(dataset.auxiliary, [case.auxiliary for case in cases], grades=True)

    kind = kind_of(fingerprint, modality=modality_of(dataset, fingerprint), cropped=False, filters=False)
    tile = tile_of(fingerprint, kind)[1] if dataset.kinds else ()
    asked = _asked(dataset, tile, split.select(dataset, "train"))

    def plan_for(family: Family, minutes: float, folds: int | None = 1) -> Plan:
        return make_plan(
            fingerprint,
            machine,
            views=() if len(dataset.views) == 1 else dataset.views,
            columns=columns,
            auxiliary=auxiliary,
            asked=asked,
            modality=modality_of(dataset, fingerprint),
            cropped=any(ref.crop is not None for case in cases for ref in case.images.values()),
            rarest_patients=rarest_patients(cases),
            minutes=minutes,
            seed=seed,
            speed=images_per_second,
            memory=step_bytes,
            family=family,
            folds=folds,
        )

    _require_way(network, dataset, planar=fingerprint.planar)
    if dataset.kinds:
        by_centres = network == CENTRES or not fingerprint.planar
        backbone = _backbone(network) if fingerprint.planar else None
        find = centre_finder if by_centres else finder
        candidates: tuple[Family, ...] = (find(fingerprint, kind, backbone),)
    elif dataset.landmarks:
        way = network if network in LOCATORS else HEAT_MAP
        backbone = _backbone(network) if fingerprint.planar else None
        candidates = (locator(way, fingerprint, kind, backbone),)
    elif dataset.labels:
        candidates = (_outlining(fingerprint, network, instances=in_instances(dataset.labels)),)
    else:
        candidates = candidates_for(fingerprint) if network == AUTO else (_family(network),)
    family, why, left = choose_family(dataset, cases, candidates, folder, minutes=minutes, seed=seed, plan_for=plan_for)
    kept = _folds_of(family, cases, dataset.name)
    plan = plan_for(family, left, kept[0] if kept else None)
    reasons = {"network.name": why} if why else {}
    if tile:
        reasons["detection.tile"] = "small lesions would vanish in images made as small as is looked at in one piece"
    if plan.segmentation.smallest:
        reasons["segmentation.smallest"] = "99 in 100 of the objects to learn from are as large"
    if kept:
        reasons |= {"ensemble.folds": kept[1], "ensemble.repeats": "the folds are those of the bundle"}
    return plan.model_copy(update={"minutes": minutes, "reasons": plan.reasons | reasons})


def _asked(dataset: Dataset, tile: tuple[int, ...], learned: Sequence[Case]) -> Asked | None:
    """What is to be found, located or outlined; None where images as a whole are asked about.

    Args:
        dataset: As its task sees it.
        tile: That a detection looks at one by one.
        learned: The cases to learn from.
    """
    if dataset.kinds:
        return Detection(kinds=dataset.kinds, positive=positive_kinds(dataset), tile=tile)
    if dataset.landmarks:
        return Localization(landmarks=dataset.landmarks)
    if dataset.labels:
        instances = in_instances(dataset.labels)
        return Segmentation(
            labels=tuple(dataset.labels),
            numbers=() if instances else tuple(dataset.labels.values()),
            instances=instances,
            smallest=size_of_nearly_all(learned, unlabelled=dataset.unlabelled) if instances else 0,
            unlabelled=dataset.unlabelled,
        )
    return None


def _require_way(network: str, dataset: Dataset, *, planar: bool) -> None:
    """Accept a network that can do what is asked of the data.

    Raises:
        UnknownNameError: It is for another task, or not for volumes.
    """
    if not dataset.kinds and not dataset.landmarks and not dataset.labels:
        return
    finders = (FASTER_RCNN, CENTRES, CONVNET.name) if planar else (CENTRES,)
    outliners = (UNET,) if planar else OUTLINERS
    known = LOCATORS if dataset.landmarks else outliners if dataset.labels else finders
    if network in (AUTO, *known) or (planar and network not in OWN):
        return
    asked = "landmarks are located" if dataset.landmarks else "labels are outlined"
    asked = "lesions are found" if dataset.kinds else asked
    named = ", or timm's name of a pretrained network" if planar else ""
    raise UnknownNameError(
        f"{asked} in {'flat images' if planar else 'volumes'} by {', '.join(known)}{named}, not by {network!r}: give "
        "--network one of these, or leave it out"
    )


def _backbone(network: str) -> str | None:
    """The network whose maps a network that finds looks at: timm's name, or that of the five layers; None for a
    residual network from scratch.

    Raises:
        UnknownNameError: Its weights are not at hand.
    """
    if network == CONVNET.name:
        return network
    if network in OWN:
        return DEFAULT_BACKBONE if at_hand(DEFAULT_BACKBONE) else None
    family = _family(network)
    choice = family.network((_SMALL, _SMALL))
    if not isinstance(choice, PretrainedChoice) or family.once or family.optimisation.get("start") != IMAGENET:
        raise UnknownNameError(
            "what is to be found or located is looked for on maps that ImageNet taught: --network takes a way of doing "
            f"it, or timm's name of a pretrained network, not {network!r}"
        )
    return choice.backbone


def _outlining(fingerprint: Fingerprint, network: str, *, instances: bool) -> Family:
    """What outlines such images: slice by slice where that is asked for, or where slices lie far apart and there are
    weights that learned from photographs; else a U-Net."""
    if network == AUTO and not instances and in_thick_slices(fingerprint) and _backbone(SLICEWISE):
        network = SLICEWISE
    if network in (SLICEWISE, RECURRENT):
        return slicewise_outliner(fingerprint, _backbone(network), cells=network == RECURRENT)
    thin = network in (AUTO, UNET) and has_thin_labels(fingerprint)
    return outliner(fingerprint, _backbone(network) if fingerprint.planar and not thin else None, instances=instances)


def _folds_of(family: Family, cases: Sequence[Case], name: str) -> tuple[int, str] | None:
    """The folds of the bundle that a family begins from, where it knows the patients, and why."""
    start = family.optimisation.get("start")
    if start in (None, IMAGENET):
        return None
    return folds_to_keep(read_bundle(Path(start)), cases, name, rarest_patients=rarest_patients(cases))
