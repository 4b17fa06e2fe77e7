"""`Reader`: a bundle at work, one image at a time."""

from __future__ import annotations

import time
from collections.abc import Sequence
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
from hounsfield.plan.network_input import network_array, prepare, prepare_case
from hounsfield.plan.task import task_of
from hounsfield.progress import say
from hounsfield.reading.explain import Explainable, grad_cam, on_stored_grid
from hounsfield.reading.quality import judge
from hounsfield.reading.runtime import Runtime, RuntimeName, choose_runtime, require_runtime
from hounsfield.reading.scan import scan_film
from hounsfield.tasks.predict import centre

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
    prepared: Image | None = None
    """What the networks are shown; None for an image that gets no answer, and for one that is going to be scanned."""

    @property
    def to_scan(self) -> bool:
        """Whether the networks are shown parts of the stored image."""
        return self.prepared is None and not self.reading.abstained


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
        self._networks = bundle.networks()
        if bundle.plan.optimisation.channels_last:
            order = torch.channels_last if bundle.plan.dims == 2 else torch.channels_last_3d
            self._networks = [network.to(memory_format=order) for network in self._networks]

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

    def open_image(self, image: Image, *, case: str, path: str = "") -> Opened:
        """A whole image, judged and prepared; the arguments are those of `read_image`.

        Raises:
            HounsfieldError: The image is not of the kind the model takes.
        """
        began = time.perf_counter()
        reading = self._begun(image, case=case, path=path)
        asked = not (reading.abstained or self.of_lesions)
        prepared = prepare(image, self.bundle.plan.input) if asked else None
        return Opened(replace(reading, seconds=time.perf_counter() - began), image, prepared)

    def open_case(self, case: Case, stored: Image) -> Opened:
        """A case of a data set, judged and prepared; the arguments are those of `read_case`.

        Raises:
            HounsfieldError: The image is not of the kind the model takes.
        """
        ref = self._ref(case)
        if ref.crop is None:
            return self.open_image(stored, case=case.id, path=str(ref.path))
        began = time.perf_counter()
        reading = self._begun(stored, case=case.id, path=str(ref.path))
        prepared = None if reading.abstained else prepare_case(ref, self.bundle.plan.input)
        return Opened(replace(reading, seconds=time.perf_counter() - began), stored, prepared)

    def answer(self, opened: Sequence[Opened], *, explain: bool = True) -> list[Reading]:
        """What the model says of images that are shown to the networks together.

        Args:
            opened: With their stored images where a heat map is made, and where they are to be scanned.
            explain: Whether heat maps are made.

        Raises:
            HounsfieldError: An image that is to be scanned cannot be.
        """
        began = time.perf_counter()
        shown = [one.prepared for one in opened if one.prepared is not None]
        arrays = [network_array(prepared, self.bundle.plan.input) for prepared in shown]
        probabilities = iter(self.probabilities(np.stack(arrays)) if arrays else ())
        readings = []
        for one in opened:
            reading = one.reading
            if one.prepared is not None:
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
        (ref,) = case.images.values()
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
        if explain and explainable and opened.prepared is not None and opened.stored is not None:
            positive = 1 if len(plan.classes) == 2 else int(probabilities.argmax())
            images = torch.from_numpy(self._middle(network_array(opened.prepared, plan.input)[None]))
            heat = on_stored_grid(grad_cam(explainable, images, output=positive)[0], opened.prepared, opened.stored)
        return replace(opened.reading, answers=self._answers(probabilities), heat=heat)

    def _scanned(self, reading: Reading, image: Image) -> Reading:
        result = scan_film(image, self.bundle, self.probabilities)
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
