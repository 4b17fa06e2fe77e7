"""`Reader`: a bundle at work, one image at a time."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from hounsfield.arrays import FloatArray
from hounsfield.bundle import Bundle
from hounsfield.datasets import load
from hounsfield.datasets.case import Case, ImageRef
from hounsfield.findings import Answer, Reading
from hounsfield.image import Image
from hounsfield.plan import Input
from hounsfield.plan.network_input import as_case, case_array, network_array, prepare, prepare_case
from hounsfield.plan.task import task_of
from hounsfield.progress import say
from hounsfield.reading.explain import Explainable, grad_cam, on_stored_grid
from hounsfield.reading.quality import judge
from hounsfield.reading.runtime import Runtime, RuntimeName, choose_runtime, require_runtime
from hounsfield.reading.scan import scan_film
from hounsfield.tasks.predict import centre, network_in_order

SCAN_NOTE = (
    "This model was trained on squares cut around known lesions. Nobody said where to look, so it was shown "
    "overlapping squares of the whole image; the probability is that of the most suspicious square, and neither it nor "
    "the threshold was validated for whole images."
)


@dataclass(frozen=True, eq=False)
class Opened:
    """An image on its way to the networks."""

    reading: Reading
    """What is known without them."""
    stored: Image | None
    """The image as it was read; None where nobody is going to look at it again."""
    array: FloatArray | None = None
    """What the networks are shown, (channels, *canvas); None for an image that gets no answer, and for one that is
    going to be scanned."""
    prepared: Image | None = None
    """The same as an image, where a heat map of it can be laid over the stored one."""

    @property
    def to_scan(self) -> bool:
        """Whether the networks are shown parts of the stored image."""
        return self.array is None and not self.reading.abstained


class Reader:
    """Reads images with the networks of a bundle.

    Args:
        bundle: As `read_bundle` gives it.
        threads: Threads of the networks; the plan's where not given.
        runtime: What the networks are computed with, see `reading.runtime`; heat maps always with torch.
        images: How many are going to be read, as far as known: for few no other runtime is worth its start.
    """

    def __init__(
        self, bundle: Bundle, *, threads: int | None = None, runtime: RuntimeName = "auto", images: int = 1
    ) -> None:
        """Load the weights.

        Raises:
            MissingExtraError: The runtime that was asked for by name is not installed.
        """
        require_runtime(runtime)
        self._threads = threads or bundle.plan.optimisation.threads
        torch.set_num_threads(self._threads)
        self.bundle = bundle
        self.wanted = runtime
        self._images = images
        self._runtime: Runtime | None = None
        self._task = task_of(bundle.plan)
        channels_last = bundle.plan.optimisation.channels_last
        self._networks = [network_in_order(network, channels_last=channels_last) for network in bundle.networks()]

    @property
    def runtime(self) -> str:
        """What the networks are computed with, in words; before the first image, what was asked for."""
        return self._runtime.words if self._runtime else self.wanted

    def start(self, arrays: FloatArray) -> Runtime:
        """Choose the runtime and return it; the first images do it where nobody did.

        Args:
            arrays: Examples of what the networks are going to be shown, (n, channels, *canvas).
        """
        chosen = choose_runtime(
            self.wanted,
            bundle=self.bundle,
            networks=self._networks,
            examples=self._middle(arrays),
            images=self._images,
            threads=self._threads,
        )
        self._runtime = chosen.runtime
        for note in chosen.notes:
            say(f"note: {note}")
        return chosen.runtime

    @property
    def of_lesions(self) -> bool:
        """Whether the model was trained on squares cut around lesions, and not on whole images."""
        return self.bundle.training.input_sides is not None

    def read(self, path: Path | str, *, explain: bool = True) -> Reading:
        """What the model says of the image, or series, at `path`.

        Raises:
            HounsfieldError: The image cannot be read, or is not of the kind the model takes.
        """
        from hounsfield import formats

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

        Of several views it is the first.

        Raises:
            HounsfieldError: It cannot be read.
        """
        return load(self._ref(case))

    def read_case(self, case: Case, stored: Image, *, explain: bool = True) -> Reading:
        """What the model says of a case of a data set, whose box is used where the model needs one.

        Args:
            case: The case.
            stored: What `load_case` gives of it; the heat map lies on this grid.
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
        reading = self._begun(image, case=case, path=path)
        asked = not (reading.abstained or self.of_lesions)
        spec = self.bundle.plan.input
        prepared = prepare(image, spec) if asked else None
        array = as_case(network_array(prepared, spec), cells or {}, spec) if prepared else None
        drawn = None if spec.views else prepared
        return Opened(replace(reading, seconds=time.perf_counter() - began), image, array, drawn)

    def open_case(self, case: Case, stored: Image) -> Opened:
        """A case of a data set, judged and prepared; the arguments are those of `read_case`.

        Raises:
            HounsfieldError: The image is not of the kind the model takes.
        """
        ref, spec = self._ref(case), self.bundle.plan.input
        if ref.crop is None and not spec.views:
            return self.open_image(stored, case=case.id, path=str(ref.path), cells=case.columns)
        began = time.perf_counter()
        reading = self._begun(stored, case=case.id, path=str(ref.path))
        prepared, array = None, None
        if not reading.abstained and spec.views:
            reading, array = replace(reading, notes=(*reading.notes, _views_seen(case, spec))), case_array(case, spec)
        elif not reading.abstained:
            prepared = prepare_case(ref, spec)
            array = network_array(prepared, spec)
        array = None if array is None else as_case(array, case.columns, spec)
        return Opened(replace(reading, seconds=time.perf_counter() - began), stored, array, prepared)

    def answer(self, opened: Sequence[Opened], *, explain: bool = True) -> list[Reading]:
        """What the model says of images that are shown to the networks together.

        Args:
            opened: With their stored images where a heat map is made, and where they are to be scanned.
            explain: Whether heat maps are made.

        Raises:
            HounsfieldError: An image that is to be scanned cannot be.
        """
        began = time.perf_counter()
        arrays = [one.array for one in opened if one.array is not None]
        probabilities = iter(self.probabilities(np.stack(arrays)) if arrays else ())
        readings = []
        for one in opened:
            reading = one.reading
            if one.array is not None:
                reading = self._answered(one, next(probabilities), explain=explain)
            elif one.to_scan and one.stored is not None:
                reading = self._scanned(reading, one.stored)
            readings.append(reading)
        seconds = (time.perf_counter() - began) / max(1, len(opened))
        return [replace(reading, seconds=reading.seconds + seconds) for reading in readings]

    def probabilities(self, arrays: FloatArray) -> FloatArray:
        """Calibrated probabilities, (n, classes), of network inputs (n, channels, *canvas)."""
        return self.calibrated(self.logits(arrays))

    def logits(self, arrays: FloatArray) -> FloatArray:
        """Logits, (n, outputs), averaged over members and mirrored copies, of inputs (n, channels, *canvas)."""
        runtime = self._runtime or self.start(arrays)
        return runtime.logits(self._middle(arrays))

    def calibrated(self, logits: FloatArray) -> FloatArray:
        """Probabilities, (n, classes), of averaged logits, through the bundle's scale and offset."""
        return self._task.decode(self.bundle.operating.apply(logits))

    def _middle(self, arrays: FloatArray) -> FloatArray:
        middle: FloatArray = centre(torch.from_numpy(arrays), self.bundle.plan.input.shape).numpy()
        return middle

    def _ref(self, case: Case) -> ImageRef:
        spec = self.bundle.plan.input
        ref = next(iter(case.images.values())) if spec.views else case.image
        return ref if self.of_lesions else replace(ref, crop=None)

    def _begun(self, image: Image, *, case: str, path: str) -> Reading:
        quality = judge(image, self.bundle.plan.input)
        return Reading(
            case=case,
            path=path,
            answers=(),
            model=self.bundle.identity,
            quality=quality,
            abstained="; ".join(quality.reasons) if quality.verdict == "unfit" else "",
            calibrated=self.bundle.operating.calibrated,
            study_uid=image.source.study_uid,
            sop_uids=image.source.sop_uids,
        )

    def _answered(self, opened: Opened, probabilities: FloatArray, *, explain: bool) -> Reading:
        plan = self.bundle.plan
        heat = None
        explainable = [network for network in self._networks if isinstance(network, Explainable)]
        if explain and explainable and opened.array is not None and opened.prepared is not None and opened.stored:
            positive = 1 if len(plan.classes) == 2 else int(probabilities.argmax())
            images = torch.from_numpy(self._middle(opened.array[None]))
            heat = on_stored_grid(grad_cam(explainable, images, output=positive)[0], opened.prepared, opened.stored)
        return replace(opened.reading, answers=self._answers(probabilities), heat=heat)

    def _scanned(self, reading: Reading, image: Image) -> Reading:
        spec = self.bundle.plan.input
        result = scan_film(
            image,
            self.bundle,
            lambda arrays: self.probabilities(np.stack([as_case(array, {}, spec) for array in arrays])),
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

    def _answers(self, probabilities: FloatArray) -> tuple[Answer, ...]:
        classes = self.bundle.plan.classes
        threshold = self.bundle.operating.threshold
        if len(classes) == 2:
            probability = float(probabilities[1])
            return (Answer(classes[1], probability, threshold, probability >= threshold),)
        order: Sequence[int] = [int(index) for index in np.argsort(-probabilities)]
        return tuple(Answer(classes[i], float(probabilities[i]), threshold, rank == 0) for rank, i in enumerate(order))


def _views_seen(case: Case, spec: Input) -> str:
    """Which views the answer rests on."""
    taken = [name for name in spec.views if name in case.images]
    missing = [name for name in spec.views if name not in case.images]
    return f"From {', '.join(taken)}" + (f"; without {', '.join(missing)}" if missing else "") + "."
