"""`Reader`: a bundle at work, one image at a time."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from hounsfield.arrays import FloatArray
from hounsfield.bundle import Bundle
from hounsfield.datasets import load
from hounsfield.datasets.case import Case, ImageRef
from hounsfield.datasets.channels import path_of, with_channels
from hounsfield.errors import FormatError, HounsfieldError, UsageError
from hounsfield.evaluation.evidence import LocatedImage
from hounsfield.findings import Answer, Neighbour, Point, Quality, Reading
from hounsfield.image import Image, Mask
from hounsfield.likeness.store import Kind
from hounsfield.networks.answering import mirrors
from hounsfield.networks.found import Finder
from hounsfield.networks.policy import Policy
from hounsfield.networks.voxelwise import Voxelwise
from hounsfield.plan.columns import unknown_columns
from hounsfield.plan.machine import inspect_machine
from hounsfield.plan.network_input import (
    as_case,
    known_spacing,
    network_array,
    prepare,
    prepare_case,
    require_views,
    views_array,
)
from hounsfield.plan.task import task_of
from hounsfield.progress import say
from hounsfield.reading.channels import cases_of_files, words_for
from hounsfield.reading.explain import MethodName, explainable, on_stored_grid
from hounsfield.reading.explain import explain as heat_of
from hounsfield.reading.explain.chosen import NO_HEAT_NOTE, UNFIT_HEAT_NOTE, default_heat, heat_notes
from hounsfield.reading.finding import Seen, findings_differ, found_on
from hounsfield.reading.network_cache import place_of
from hounsfield.reading.opened import Opened, Said
from hounsfield.reading.outlining import example_windows, labels_differ, outline_of, outlined
from hounsfield.reading.places import disagreement, findings_of, landmarks_of, path_points, places_on_image
from hounsfield.reading.quality import judge, worse
from hounsfield.reading.runtime import (
    BF16_EXAMPLES,
    Ensemble,
    Runtime,
    RuntimeName,
    by_probability,
    choose_runtime,
    require_runtime,
)
from hounsfield.reading.scan import SCAN_NOTE, scan_film
from hounsfield.reading.uncertainty import Gate
from hounsfield.reading.views import View, most_attended, open_views, views_seen
from hounsfield.reading.warmth import METHODS, heat_of_landmarks
from hounsfield.reading.work import films_of
from hounsfield.tasks.detection import Findings, whole_logits
from hounsfield.tasks.localization import located
from hounsfield.tasks.predict import centre, memory_order, network_in_order

if TYPE_CHECKING:
    from hounsfield.networks.flat import Flat


def _unknown_words(unknown: Sequence[str]) -> str:
    return f"Not known of the case: {', '.join(unknown)}." if unknown else ""


def _rows(networks: Sequence[nn.Module], bundle: Bundle, flip_axes: Sequence[int]) -> Flat | Voxelwise | None:
    """What networks compute everywhere as rows of numbers; None of those that answer for images as a whole."""
    if bundle.plan.task == "segmentation":
        return Voxelwise(networks, shape=bundle.plan.looked_at, flip_axes=flip_axes).eval()
    if bundle.plan.task != "detection":
        return None
    from hounsfield.networks.flat import Flat  # torchvision's parts: not for those who look for nothing

    return Flat(cast("Sequence[Finder[Any]]", networks), shape=bundle.plan.looked_at).eval()


class Reader:
    """Reads images with the networks of a bundle.

    Args:
        bundle: As `read_bundle` gives it.
        threads: Threads of the networks; as many as suit the machine at hand where not given, wherever the bundle was
            trained.
        runtime: What the networks are computed with, see `reading.runtime`; heat maps always with torch.
        images: How many inputs the networks are going to be shown, as far as known: for few no other runtime is worth
            its start.
        answer_all: Whether images unlike those the model learned from get an answer too, and are only called doubtful.
        heat: Method of heat maps of classes; that which passed the bundle's tests by default.
    """

    def __init__(
        self,
        bundle: Bundle,
        *,
        threads: int | None = None,
        runtime: RuntimeName = "auto",
        images: int = 1,
        answer_all: bool = False,
        heat: MethodName | None = None,
    ) -> None:
        """Load the weights.

        Raises:
            MissingExtraError: The runtime that was asked for by name is not installed.
            UsageError: It is not for what the bundle does.
        """
        if runtime == "openvino-int8" and bundle.plan.task == "segmentation":
            raise UsageError(
                f"{bundle.identity.name} outlines, for which 8 bits were never tried: give another --runtime"
            )
        if heat and bundle.plan.task != "classification":
            raise UsageError(
                f"{bundle.identity.name} says where something is, and {heat} explains answers of classes: leave out "
                "--heat"
            )
        require_runtime(runtime)
        self._threads = threads or inspect_machine().threads
        torch.set_num_threads(self._threads)
        self.bundle = bundle
        self.wanted = runtime
        self._images = images
        self._runtime: Runtime | None = None
        self._task = task_of(bundle.plan)
        self._remembered = bundle.remembered()
        self.heat = heat or default_heat(bundle)
        self._heat_notes = heat_notes(bundle, self.heat)
        self.gate = Gate(self._remembered, answer_all=answer_all)
        channels_last = bundle.plan.optimisation.channels_last
        self._networks = [network_in_order(network, channels_last=channels_last) for network in bundle.networks()]
        self._flip_axes = bundle.plan.augmentation.flip_axes if bundle.plan.ensemble.flips else ()
        self._rows = _rows(self._networks, bundle, self._flip_axes)

    @property
    def runtime(self) -> str:
        """What the networks are computed with, in words; before the first image, what was asked for."""
        return self._runtime.words if self._runtime else self.wanted

    def start(self, arrays: FloatArray) -> Runtime:
        """Choose the runtime and return it; the first images do it where nobody did.

        Args:
            arrays: Examples of what the networks are going to be shown, (n, channels, *canvas); in windows, of the
                first.
        """
        plan, rows = self.bundle.plan, self._rows
        if isinstance(rows, Voxelwise):  # in which a pass is of all mirrored copies
            examples, copies, differ = example_windows(arrays[0], plan), 1, labels_differ(self._task, rows)
        else:
            examples, copies = centre(torch.from_numpy(arrays), plan.looked_at).numpy(), len(mirrors(self._flip_axes))
            differ = by_probability(self.calibrated) if rows is None else findings_differ(rows, plan, self.calibrated)
        ensemble = Ensemble(
            self._networks if rows is None else [rows],
            shape=(plan.input.shown_channels, *plan.looked_at),
            place=place_of(self.bundle.identity.sha256, plan.looked_at),
            flip_axes=self._flip_axes if rows is None else (),
            channels_last=plan.optimisation.channels_last,
            exact=plan.task == "localization",  # a place is wanted to a fraction of a pixel
            several=self._images > 1 and plan.dims == 2 and plan.task != "segmentation",
            enough=1 if plan.task == "segmentation" else BF16_EXAMPLES,  # a window has as many answers as voxels
        )
        chosen = choose_runtime(
            self.wanted,
            ensemble,
            examples=examples,
            images=self._images * films_of(plan, arrays.shape[2:], copies=copies),
            threads=self._threads,
            differ=differ,
        )
        self._runtime = chosen.runtime
        for note in chosen.notes:
            say(f"note: {note}")
        return chosen.runtime

    @property
    def networks(self) -> Sequence[nn.Module]:
        """The members, as torch computes them."""
        return self._networks

    @property
    def of_lesions(self) -> bool:
        """Whether the model was trained on squares cut around lesions, and not on whole images."""
        return self.bundle.training.input_sides is not None

    def read(self, path: Path | str, *, explain: bool = True) -> Reading:
        """What the model says of the image, or series, at `path`; of several channels, at the folder or file with all.

        Raises:
            HounsfieldError: The image cannot be read, or is not of the kind the model takes.
        """
        from hounsfield import formats

        if names := self.bundle.plan.input.channel_names:
            found = cases_of_files(formats.list_images(path), names)
            for one in found.doubled:
                raise one.error
            if len(found.cases) != 1:
                raise FormatError(f"{path} holds {len(found.cases)} cases, not one; {words_for(names)}")
            return self.read_case(found.cases[0], self.load_case(found.cases[0]), explain=explain)
        image = formats.read(path)
        return self.read_image(image, case=Path(path).name, path=str(path), explain=explain)

    def read_image(self, image: Image, *, case: str, path: str = "", explain: bool = True) -> Reading:
        """What the model says of a whole image.

        Args:
            image: As `formats.read` gives it.
            case: The name the reading goes by.
            path: Where the image came from.
            explain: Whether a heat map is made.

        Raises:
            HounsfieldError: The image is not of the kind the model takes.
        """
        (reading,) = self.answer([self.open_image(image, case=case, path=path)], explain=explain)
        return reading

    def load_case(self, case: Case) -> Image:
        """The image that a reading of the case is about: cut around its box for a model of lesions, else whole.

        Of several views it is the first that the model takes.

        Raises:
            DatasetError: The case has none of the views that the model takes.
            HounsfieldError: It cannot be read.
        """
        return load(next(iter(self._refs(case).values())))

    def read_case(self, case: Case, stored: Image, *, explain: bool = True) -> Reading:
        """What the model says of a case of a data set, whose box is used where the model needs one.

        Args:
            case: The case.
            stored: What `load_case` gives of it; the heat map lies on this grid, or on that of the view it names.
            explain: Whether a heat map is made.

        Raises:
            HounsfieldError: The image is not of the kind the model takes.
        """
        (reading,) = self.answer([self.open_case(case, stored)], explain=explain)
        return reading

    def open_image(self, image: Image, *, case: str, path: str = "", cells: Mapping[str, str] | None = None) -> Opened:
        """A whole image, judged and prepared; a model of several views is shown it as the only one that was taken.

        Args:
            image: As for `read_image`, and so are the next two.
            case: The name the reading goes by.
            path: Where the image came from.
            cells: What a table says of the case, for a model that looks at columns too.

        Raises:
            HounsfieldError: The image is not of the kind the model takes.
        """
        began = time.perf_counter()
        spec, known = self.bundle.plan.input, cells or {}
        reading = self._begun([image], judge(image, spec), case=case, path=path, cells=known)
        glimpse = None if reading.abstained else self.gate.glimpse(image)
        if spec.views and not reading.abstained:
            reading = replace(reading, notes=(views_seen(spec.views[:1], spec, words="Read as"), *reading.notes))
        asked = not (reading.abstained or self.of_lesions)
        try:
            prepared = prepare(image, spec) if asked else None
        except (HounsfieldError, MemoryError) as error:
            reading = replace(reading, seconds=time.perf_counter() - began)
            return self._no_answer(Opened(reading, image, glimpse=glimpse), error)
        array = network_array(prepared, spec) if prepared else None
        array = as_case(array, known, spec) if array is not None and not spec.windows else array
        onto = np.linalg.inv(image.affine) @ prepared.affine if prepared else None
        spacing = known_spacing(image)
        views = {spec.views[0]: View(image, prepared)} if spec.views and prepared else {}
        reading = replace(reading, seconds=time.perf_counter() - began)
        prepared = None if views else prepared
        affine = image.affine if image.placed else None
        return Opened(reading, image, array, prepared, views, onto, spacing, image.shape, glimpse, known, affine)

    def open_case(self, case: Case, stored: Image) -> Opened:
        """A case of a data set, judged and prepared; the arguments are those of `read_case`.

        Raises:
            HounsfieldError: The image is not of the kind the model takes.
        """
        refs, spec = self._refs(case), self.bundle.plan.input
        whole = any(ref.crop is None for ref in refs.values())
        path = str(path_of(next(iter(refs.values()))))
        if whole and (self.of_lesions or not spec.views):
            return self.open_image(stored, case=case.id, path=path, cells=case.columns)
        began = time.perf_counter()
        if spec.views:
            opened = self._open_views(case, refs, stored)
        else:
            kind: Kind = "image" if whole else "square"
            reading = self._begun([stored], judge(stored, spec), case=case.id, path=path, cells=case.columns)
            glimpse = None if reading.abstained else self.gate.glimpse(stored, kind)
            try:
                prepared = None if reading.abstained else prepare_case(refs[""], spec)
            except (HounsfieldError, MemoryError) as error:
                reading = replace(reading, seconds=time.perf_counter() - began)
                return self._no_answer(Opened(reading, stored, glimpse=glimpse), error)
            array = as_case(network_array(prepared, spec), case.columns, spec) if prepared else None
            opened = Opened(reading, stored, array, prepared, glimpse=glimpse)
        return replace(opened, reading=replace(opened.reading, seconds=time.perf_counter() - began))

    def _open_views(self, case: Case, refs: Mapping[str, ImageRef], first: Image) -> Opened:
        """A case of several views, of which the first was loaded."""
        spec = self.bundle.plan.input
        images = {name: load(ref) if place else first for place, (name, ref) in enumerate(refs.items())}
        quality, views = open_views(images, refs, spec, self._judged)
        path = str(next(iter(refs.values())).path)
        reading = self._begun(list(images.values()), quality, case=case.id, path=path, cells=case.columns)
        if reading.abstained:
            return Opened(reading, first)
        array = views_array({name: view.prepared for name, view in views.items()}, spec)
        notes = (views_seen(views, spec), *reading.notes)
        return Opened(replace(reading, notes=notes), first, as_case(array, case.columns, spec), views=views)

    def answer(self, opened: Sequence[Opened], *, explain: bool = True) -> list[Reading]:
        """What the model says of images that are shown to the networks together.

        Args:
            opened: With their stored images where a heat map is made, and where they are to be scanned.
            explain: Whether heat maps are made.

        Raises:
            HounsfieldError: An image that is to be scanned cannot be.
        """
        began = time.perf_counter()
        opened = self.through_gate(opened)
        arrays = [one.array for one in opened if one.array is not None]
        outlines = self.bundle.plan.task == "segmentation"
        said = iter(self.said(np.stack(arrays), explain=explain) if arrays and not outlines else ())
        readings = []
        for one in opened:
            reading = one.reading
            if one.array is not None and outlines:
                reading = outlined(one, self.outline(one))
            elif one.array is not None:
                reading = self._answered(one, next(said), explain=explain)
            elif one.to_scan and one.stored is not None:
                reading = self._scanned(reading, one.stored, one.cells)
            readings.append(one.in_patient(reading))
        seconds = (time.perf_counter() - began) / max(1, len(opened))
        return [replace(reading, seconds=reading.seconds + seconds) for reading in readings]

    def said(self, arrays: FloatArray, *, explain: bool = False) -> list[Said]:
        """What the networks say of inputs (n, channels, *canvas), one by one; of findings with their heat if wished."""
        if self.bundle.plan.task == "detection":
            detection, seen = self.bundle.plan.detection, self._seen(arrays, explain=explain)
            logits = whole_logits([found for found, _ in seen], detection.kinds, detection.positive)
            pairs = zip(logits, self.calibrated(logits), seen, strict=True)
            return [Said(own, sure, found, heat) for own, sure, (found, heat) in pairs]
        logits = self.logits(arrays)
        return [Said(*one) for one in zip(logits, self.calibrated(logits), strict=True)]

    def outline(self, opened: Opened) -> Mask:
        """Which voxels of an image are what, on its own grid.

        Raises:
            GeometryError: A step of the plan turned the image.
        """
        plan = self.bundle.plan
        if opened.array is None or not isinstance(self._rows, Voxelwise):
            raise ValueError("this model outlines nothing, or the image is not prepared")
        if self._runtime is None:
            self.start(opened.array[None])
        runtime = self._runtime
        return outline_of(opened, plan, self._rows, runtime.logits if runtime else self.logits)

    def found(self, arrays: FloatArray) -> list[Findings]:
        """What all networks find on inputs (n, channels, *canvas), in their pixels."""
        return [found for found, _ in self._seen(arrays, explain=False)]

    def _seen(self, arrays: FloatArray, *, explain: bool) -> list[Seen]:
        """The same, each with its heat if wished."""
        if self._rows is None or isinstance(self._rows, Voxelwise):
            raise ValueError("this model looks for nothing")
        runtime, images = self._runtime or self.start(arrays), torch.from_numpy(self.middle(arrays))
        plan = self.bundle.plan
        return found_on(images, self._rows, runtime.logits, plan, flip_axes=self._flip_axes, explain=explain)

    def probabilities(self, arrays: FloatArray) -> FloatArray:
        """Calibrated probabilities, (n, classes), of network inputs (n, channels, *canvas)."""
        return self.calibrated(self.logits(arrays))

    def logits(self, arrays: FloatArray) -> FloatArray:
        """Logits, (n, outputs), averaged over members and mirrored copies, of inputs (n, channels, *canvas)."""
        runtime = self._runtime or self.start(arrays)
        return runtime.logits(self.middle(arrays))

    def calibrated(self, logits: FloatArray) -> FloatArray:
        """Probabilities, (n, classes), of averaged logits, through the bundle's scale and offset."""
        return self._task.decode(self.bundle.operating.apply(logits))

    def middle(self, arrays: FloatArray) -> FloatArray:
        """What the networks are shown of inputs (n, channels, *canvas): their middle, (n, channels, *shape)."""
        middle: FloatArray = centre(torch.from_numpy(arrays), self.bundle.plan.input.shape).numpy()
        return middle

    def _judged(self, image: Image, kind: Kind) -> Quality:
        """The verdict on one of several images, whole or a square cut out of one."""
        quality = judge(image, self.bundle.plan.input)
        glimpse = self.gate.glimpse(image, kind) if quality.verdict != "unfit" else None
        return worse(quality, self.gate.judge([glimpse])[0]) if glimpse else quality

    def through_gate(self, opened: Sequence[Opened]) -> list[Opened]:
        """The images with the gate's verdict on those that it has not judged; one that gets no answer has no array."""
        waiting = [one.glimpse for one in opened if one.glimpse is not None]
        verdicts = iter(self.gate.judge(waiting))
        return [one if one.glimpse is None else one.under_verdict(next(verdicts)) for one in opened]

    def _refs(self, case: Case) -> dict[str, ImageRef]:
        """The images that the model looks at, by view, or the one under ""; whole unless it is one of lesions."""
        spec = self.bundle.plan.input
        if spec.views:
            require_views(case.images, spec, of=f"the case {case.id!r}")
            refs = {name: case.images[name] for name in spec.views if name in case.images}
        else:
            refs = {"": with_channels(case.image, spec.channel_names, of=f"the case {case.id!r}")}
        return refs if self.of_lesions else {name: replace(ref, crop=None) for name, ref in refs.items()}

    def _no_answer(self, opened: Opened, error: HounsfieldError | MemoryError) -> Opened:
        """An image that cannot be prepared, where the gate knows why it gets no answer; else the error is raised."""
        (judged,) = self.through_gate([opened])
        if judged.reading.abstained:
            return judged
        raise error

    def _begun(
        self, images: Sequence[Image], quality: Quality, *, case: str, path: str, cells: Mapping[str, str]
    ) -> Reading:
        unfit = quality.verdict == "unfit"
        unknown = unknown_columns(cells, self.bundle.plan.input.columns)
        return Reading(
            case=case,
            path=path,
            answers=(),
            model=self.bundle.identity,
            quality=quality,
            abstained="; ".join(quality.reasons) if unfit else "",
            calibrated=self.bundle.operating.all_calibrated,
            notes=tuple(filter(None, (_unknown_words(unknown), self.gate.note))) if not unfit else (),
            study_uid=images[0].source.study_uid,
            sop_uids=tuple(uid for image in images for uid in image.source.sop_uids),
        )

    def _answered(self, opened: Opened, said: Said, *, explain: bool) -> Reading:
        if self.bundle.operating.landmarks is not None:
            return self._landmarks(opened, said, explain=explain)
        probabilities = said.probabilities
        possible, coverage = self._possible(probabilities)
        answers = self._answers(probabilities)
        reading = replace(opened.reading, answers=answers, possible=possible, coverage=coverage)
        point = self.bundle.operating.findings
        if said.found is not None and opened.onto is not None and point is not None:
            plan, places = self.bundle.plan, places_on_image(said.found, opened.onto, point, opened.shape)
            findings = findings_of(places, point, plan.detection, dims=plan.dims, spacing_mm=opened.spacing_mm)
            notes = (*reading.notes, *disagreement(findings, places, answers[0], plan.detection, dims=plan.dims))
            reading = replace(reading, findings=findings, looked_for=plan.detection.kinds, notes=notes)
            return self._warm(reading, opened, said.heat)
        if not explain or opened.array is None:
            return reading
        positive = 1 if len(probabilities) == 2 else int(probabilities.argmax())
        images = torch.from_numpy(self.middle(opened.array[None]))
        reading = replace(reading, nearest=self._nearest(images))
        if self.heat is None or not explainable(self._networks, self.heat):
            return replace(reading, notes=(*reading.notes, NO_HEAT_NOTE if self.heat is None else UNFIT_HEAT_NOTE))
        spec = self.bundle.plan.input
        views = max(1, len(spec.views))
        heat = heat_of(self.heat, self._networks, images, output=positive, views=views, channels=spec.channels)[0]
        reading = replace(reading, explained_by=self.heat, notes=(*reading.notes, *self._heat_notes))
        if opened.views:
            place = most_attended(self._networks, images)
            name = self.bundle.plan.input.views[place]
            view = opened.views[name]
            scaled = heat[place] / (heat[place].max() or 1)
            return replace(reading, view=name, heat=on_stored_grid(scaled, view.prepared, view.stored))
        if opened.prepared is not None and opened.stored is not None:
            return replace(reading, heat=on_stored_grid(heat, opened.prepared, opened.stored))
        return reading

    def located(self, opened: Opened, said: Said) -> LocatedImage:
        """Where the landmarks of an image lie, with calibrated radii; nothing is known of where they are."""
        point, plan = self.bundle.operating.landmarks, self.bundle.plan
        if point is None or opened.onto is None:
            raise ValueError("this model locates nothing")
        landmarks, spacing = plan.localization.landmarks, opened.spacing_mm
        found = located(said.probabilities, landmarks, plan.input.shape, opened.onto, spacing)
        return point.of(LocatedImage(opened.reading.case, opened.reading.case, (), found, spacing), landmarks)

    def _landmarks(self, opened: Opened, said: Said, *, explain: bool) -> Reading:
        point, landmarks = self.bundle.operating.landmarks, self.bundle.plan.localization.landmarks
        paths = self.paths(opened) if explain else {}
        reading = replace(
            opened.reading,
            findings=landmarks_of(self.located(opened, said), paths),
            looked_for=landmarks,
            coverage=point.coverage if point else 0.0,
        )
        if not explain or opened.array is None:
            return reading
        image = torch.from_numpy(self.middle(opened.array[None]))[0]
        return self._warm(reading, opened, heat_of_landmarks(self._networks, image))

    def _warm(self, reading: Reading, opened: Opened, heat: FloatArray | None) -> Reading:
        """With the heat of networks that look for places, on the grid of the stored image."""
        if heat is None or opened.prepared is None or opened.stored is None:
            return reading
        heat = on_stored_grid(heat, opened.prepared, opened.stored)
        return replace(reading, heat=heat, explained_by=METHODS[self.bundle.plan.network.name])

    @torch.inference_mode()
    def paths(self, opened: Opened, *, member: int = 0) -> dict[str, tuple[Point, ...]]:
        """Where a network's agents walked, those who began in the middle; nothing of networks without any."""
        network = self._networks[member]
        if not isinstance(network, Policy) or opened.array is None or opened.onto is None:
            return {}
        walked = network.walked(torch.from_numpy(self.middle(opened.array[None])))[:, 0, 0].numpy()
        names = self.bundle.plan.localization.landmarks
        return {name: path_points(walked[:, number], opened.onto, name) for number, name in enumerate(names)}

    @torch.inference_mode()
    def _nearest(self, images: Tensor) -> tuple[Neighbour, ...]:
        examples, pooled = self._remembered.examples, getattr(self._networks[0], "pooled", None)
        if examples is None or pooled is None:
            return ()
        order = memory_order(images, channels_last=self.bundle.plan.optimisation.channels_last)
        return examples.nearest(pooled(order)[0].float().numpy(), self.bundle.plan.classes)

    def _scanned(self, reading: Reading, image: Image, cells: Mapping[str, str]) -> Reading:
        spec = self.bundle.plan.input
        result = scan_film(
            image,
            self.bundle,
            lambda arrays: self.probabilities(np.stack([as_case(array, cells, spec) for array in arrays])),
        )
        return replace(
            reading,
            answers=self._answers(result.highest),
            findings=result.findings,
            heat=result.heat,
            calibrated=False,
            scanned=True,
            notes=(*reading.notes, SCAN_NOTE),
        )

    def _possible(self, probabilities: FloatArray) -> tuple[tuple[str, ...] | None, float]:
        """The classes that cannot be ruled out, most probable first, and what that promises."""
        held = self.bundle.operating.sets(probabilities[None])
        if held is None:
            return None, 0.0
        order = [int(index) for index in np.argsort(-probabilities, kind="stable") if held.classes[0, index]]
        return tuple(self.bundle.plan.classes[index] for index in order), held.promised

    def _answers(self, probabilities: FloatArray) -> tuple[Answer, ...]:
        classes = self.bundle.plan.classes
        threshold = self.bundle.operating.threshold
        if len(classes) == 2:
            probability = float(probabilities[1])
            return (Answer(classes[1], probability, threshold, probability >= threshold),)
        order: Sequence[int] = [int(index) for index in np.argsort(-probabilities)]
        return tuple(Answer(classes[i], float(probabilities[i]), threshold, rank == 0) for rank, i in enumerate(order))
