"""Whether an image is fit to be read by a model."""

from __future__ import annotations

import numpy as np

from hounsfield.findings import Quality
from hounsfield.image import Image
from hounsfield.plan import Input

_FEWEST_LEVELS = 4
"""An image with fewer grey levels shows nothing that could be read."""

_SMALL = 0.25
"""An image whose shorter side is below this share of the network's shows too little detail."""


def judge(image: Image, spec: Input) -> Quality:
    """The verdict on an image, with reasons: "unfit" when it cannot be answered, "doubtful" when a person should look.

    Args:
        image: As stored.
        spec: What the network takes.
    """
    unfit: list[str] = []
    doubtful: list[str] = []
    names = image.channel_names or ("image",)
    for name, one in zip(names, image.apart, strict=True):
        if _levels(one) < _FEWEST_LEVELS:
            what = f"channel {name}" if image.channel_names else name
            unfit.append(f"the {what} is blank: export it again, or leave it out")
    if min(image.shape[1:]) < min(spec.shape) * _SMALL:
        doubtful.append(
            f"the image is {image.shape[1]} × {image.shape[2]} pixels, the model was made for "
            f"{' × '.join(str(side) for side in spec.shape)}: fine detail is missing"
        )
    named = image.source.path.suffix.lower() if image.source.path else ""
    if named in (".dcm", ".dicom") and image.source.format != "dicom":
        doubtful.append(f"the file is named {named}, yet it is {image.source.format.upper()}, without DICOM's tags")
    colour = image.channels == 3 and not image.channel_names
    if spec.channels == 1 and colour and np.any(image.voxels != image.voxels[:1]):
        doubtful.append("the image is in colour, the model was trained on grey ones; its luminance is read")
    if spec.channels == 3 and image.channels == 1 and not spec.channel_names:
        doubtful.append("the image is grey, the model was trained on colour ones")
    if unfit:
        return Quality("unfit", tuple(doubtful + unfit))
    return Quality("doubtful" if doubtful else "good", tuple(doubtful))


def worse(first: Quality, second: Quality) -> Quality:
    """The worse of two verdicts, with the reasons of both."""
    order = ("good", "doubtful", "unfit")
    verdict = max(first.verdict, second.verdict, key=order.index)
    known = second if second.distance is not None else first
    return Quality(verdict, (*first.reasons, *second.reasons), known.distance, known.farthest, known.unlike)


def _levels(image: Image) -> int:
    """How many grey levels there are, up to `_FEWEST_LEVELS`: first in a sample, and in all only where that has few."""
    values = image.voxels.reshape(-1)
    sample = np.unique(values[:: max(1, values.size // 10_000)])
    return len(sample) if len(sample) >= _FEWEST_LEVELS else len(np.unique(values))
