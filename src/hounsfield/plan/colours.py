"""A note where some images of a data set are in colour and others grey: how many, and as what the network sees them."""

from __future__ import annotations

from hounsfield.datasets.fingerprint import Fingerprint
from hounsfield.plan.schema import Input


def note_on_colours(fingerprint: Fingerprint, spec: Input) -> str:
    """What becomes of images of both kinds, or nothing where they are alike.

    Args:
        fingerprint: Of the images.
        spec: How they are prepared.
    """
    if not fingerprint.colours_differ:
        return ""
    return (
        f"of {fingerprint.sampled:,} images looked at, {fingerprint.coloured:,} are in colour and "
        f"{fingerprint.sampled - fingerprint.coloured:,} grey; all are shown to the network in "
        f"{'colour' if spec.channels == 3 else 'grey'}: see that no class has more of one kind, or that is learned"
    )
