"""`Reader`: a bundle at work, one image at a time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from hounsfield.arrays import FloatArray
from hounsfield.bundle import Bundle
from hounsfield.datasets import load
from hounsfield.datasets.case import Case, ImageRef
from hounsfield.findings import Answer, Quality, Reading
from hounsfield.image import Image
from hounsfield.plan import Input
from hounsfield.plan.network_input import case_array, network_array, prepare, prepare_case
from hounsfield.plan.task import task_of
from hounsfield.reading.explain import Explainable, grad_cam, on_stored_grid
from hounsfield.reading.quality import judge
from hounsfield.reading.scan import scan_film
from hounsfield.tasks.predict import centre, network_in_order, predict_logits

SCAN_NOTE = (
    "This model was trained on squares cut around known lesions. Nobody said where to look, so it was shown "
    "overlapping squares of the whole image; the probability is that of the most suspicious square, and neither it nor "
    "the threshold was validated for whole images."
)


class Reader:
    """Reads images with the networks of a bundle.

    Args:
        bundle: As `read_bundle` gives it.
        threads: Threads of the networks; the plan's where not given.
    """

    def __init__(self, bundle: Bundle, *, threads: int | None = None) -> None:
        """Load the weights."""
        torch.set_num_threads(threads or bundle.plan.optimisation.threads)
        self.bundle = bundle
        self._task = task_of(bundle.plan)
        channels_last = bundle.plan.optimisation.channels_last
        self._networks = [network_in_order(network, channels_last=channels_last) for network in bundle.networks()]

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
        began = time.perf_counter()
        reading = self._begun(image, case=case, path=path)
        if not reading.abstained:
            if self.of_lesions:
                reading = self._scanned(reading, image)
            else:
                prepared = prepare(image, self.bundle.plan.input)
                reading = self._answered(reading, image, prepared, explain=explain and not self.bundle.plan.input.views)
        return replace(reading, seconds=time.perf_counter() - began)

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
        began = time.perf_counter()
        spec = self.bundle.plan.input
        ref = self._ref(case)
        if ref.crop is None and not spec.views:
            return self.read_image(stored, case=case.id, path=str(ref.path), explain=explain)
        reading = self._begun(stored, case=case.id, path=str(ref.path))
        if not reading.abstained and spec.views:
            probabilities = self.probabilities(case_array(case, spec)[None])[0]
            reading = replace(reading, answers=self._answers(probabilities), notes=(*reading.notes, *_seen(case, spec)))
        elif not reading.abstained:
            reading = self._answered(reading, stored, prepare_case(ref, spec), explain=explain)
        return replace(reading, seconds=time.perf_counter() - began)

    def quality(self, case: Case) -> Quality:
        """The verdict on a case: that of its worst image.

        Raises:
            HounsfieldError: An image cannot be read.
        """
        refs = case.images.values() if self.bundle.plan.input.views else [self._ref(case)]
        verdicts = [judge(load(ref), self.bundle.plan.input) for ref in refs]
        return max(verdicts, key=lambda quality: ("good", "doubtful", "unfit").index(quality.verdict))

    def probabilities(self, arrays: FloatArray) -> FloatArray:
        """Calibrated probabilities, (n, classes), of network inputs (n, channels, *canvas)."""
        return self.calibrated(self.logits(arrays))

    def logits(self, arrays: FloatArray) -> FloatArray:
        """Logits, (n, outputs), averaged over members and mirrored copies, of inputs (n, channels, *canvas)."""
        plan = self.bundle.plan
        images = centre(torch.from_numpy(arrays), plan.input.shape)
        axes = plan.augmentation.flip_axes if plan.ensemble.flips else ()
        channels_last = plan.optimisation.channels_last
        answers = [
            predict_logits(network, images, flip_axes=axes, channels_last=channels_last) for network in self._networks
        ]
        mean: FloatArray = torch.stack(answers).mean(dim=0).numpy()
        return mean

    def calibrated(self, logits: FloatArray) -> FloatArray:
        """Probabilities, (n, classes), of averaged logits, through the bundle's scale and offset."""
        return self._task.decode(self.bundle.operating.apply(logits))

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

    def _answered(self, reading: Reading, image: Image, prepared: Image, *, explain: bool) -> Reading:
        plan = self.bundle.plan
        array = network_array(prepared, plan.input)[None]
        probabilities = self.probabilities(array)[0]
        heat = None
        explainable = [network for network in self._networks if isinstance(network, Explainable)]
        if explain and explainable:
            positive = 1 if len(plan.classes) == 2 else int(probabilities.argmax())
            images = centre(torch.from_numpy(array), plan.input.shape)
            heat = on_stored_grid(grad_cam(explainable, images, output=positive)[0], prepared, image)
        return replace(reading, answers=self._answers(probabilities), heat=heat)

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


def _seen(case: Case, spec: Input) -> tuple[str, ...]:
    """Which views the answer rests on."""
    taken = [name for name in spec.views if name in case.images]
    missing = [name for name in spec.views if name not in case.images]
    return (f"From {', '.join(taken)}" + (f"; without {', '.join(missing)}" if missing else "") + ".",)
