"""`Opened`: an image, or a case of several, between the disk and the networks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from hounsfield.arrays import FloatArray
from hounsfield.findings import Quality, Reading
from hounsfield.image import Image
from hounsfield.reading.quality import worse
from hounsfield.reading.uncertainty import Glimpse
from hounsfield.reading.views import View
from hounsfield.tasks.detection import Findings


@dataclass(frozen=True, eq=False)
class Said:
    """What the networks say of an image."""

    logits: FloatArray
    """(classes,), of the image as a whole, before calibration."""
    probabilities: FloatArray
    """(classes,), calibrated; of landmarks their places, as `tasks.localization` decodes them."""
    found: Findings | None = None
    """In pixels of the networks' input; None where nothing is looked for."""
    heat: FloatArray | None = None
    """(*shape) of the networks' input, what they made of each place; None where that was not wished."""


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
    """The same as an image, of which a heat map can be laid over the stored one."""
    views: Mapping[str, View] = field(default_factory=dict)
    """Of a case of several views: those that are shown, in place of `prepared`."""
    onto: FloatArray | None = None
    """(4, 4), from array index (d, h, w) of `prepared` to that of the stored image; None of several views, and of
    an image that is not prepared."""
    spacing_mm: tuple[float, ...] = ()
    """Of the stored image, along (d, h, w); empty where it does not know it."""
    shape: tuple[int, int, int] = (1, 1, 1)
    """(d, h, w) of the stored image."""
    glimpse: Glimpse | None = None
    """What the gate has still to judge; None where it did, and where it lets every image pass."""
    cells: Mapping[str, str] = field(default_factory=dict)
    """What a table says of it."""
    affine: FloatArray | None = None
    """(4, 4), of the stored image; None where it does not say where it lies in the patient."""

    @property
    def to_scan(self) -> bool:
        """Whether the networks are shown parts of the stored image."""
        return self.array is None and not self.reading.abstained

    def under_verdict(self, verdict: Quality) -> Opened:
        """The image with the gate's verdict; one that gets no answer is without what the networks would be shown."""
        quality = worse(self.reading.quality, verdict)
        if quality.verdict != "unfit":
            return replace(self, reading=replace(self.reading, quality=quality), glimpse=None)
        reading = replace(self.reading, quality=quality, abstained="; ".join(quality.reasons), notes=())
        return replace(self, reading=reading, array=None, prepared=None, views={}, onto=None, glimpse=None)

    def in_patient(self, reading: Reading) -> Reading:
        """The reading of the image with the places of its findings, where the image knows its own."""
        if self.affine is None:
            return reading
        return replace(reading, findings=tuple(finding.placed(self.affine) for finding in reading.findings))

    def under(self, reading: Reading) -> Image | None:
        """The stored image on whose grid the heat map of its reading lies."""
        return self.views[reading.view].stored if reading.view else self.stored
