"""A note where the images of a data set differ very much in size: what one input size does to them."""

from __future__ import annotations

import numpy as np

from hounsfield.datasets.fingerprint import Fingerprint
from hounsfield.plan.schema import Input


def note_on_sizes(fingerprint: Fingerprint, spec: Input) -> str:
    """What becomes of images of very different sizes, or nothing where they are alike.

    Args:
        fingerprint: Of the images.
        spec: How they are prepared.
    """
    if not fingerprint.sizes_differ or spec.windows:
        return ""
    sides = fingerprint.longer_side
    shape = " × ".join(str(side) for side in spec.shape)
    what = "pixels along the longer side" if fingerprint.planar else "voxels along the longest side"
    how = "proportions kept" if _keeps_aspect(spec) else "each axis on its own"
    return (
        f"images are from {sides['0']:,} to {sides['100']:,} {what}; all are brought to {shape}, {how}, "
        f"{_enlarged(fingerprint, max(spec.shape))}"
    )


def _keeps_aspect(spec: Input) -> bool:
    sizes = [step for step in spec.steps if step.get("step") == "resize"]
    return bool(sizes) and bool(sizes[-1].get("keep_aspect", True))


def _enlarged(fingerprint: Fingerprint, side: int) -> str:
    """How many have a longer side below `side`."""
    percents, lengths = zip(*((float(key), length) for key, length in fingerprint.longer_side.items()), strict=True)
    share = round(float(np.interp(side, lengths, percents, left=0.0, right=100.0)))
    return {0: "none of them enlarged", 100: "all of them enlarged"}.get(share, f"about {share} % of them enlarged")
