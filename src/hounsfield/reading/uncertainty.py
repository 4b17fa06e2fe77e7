"""Whether an image is one of those a model can be asked about: like what it learned from, and the right way up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hounsfield.arrays import FloatArray
from hounsfield.datasets.audit.features import NETWORK
from hounsfield.datasets.audit.glance import Small
from hounsfield.findings import Quality
from hounsfield.image import Image
from hounsfield.likeness import Distances, Remembered
from hounsfield.likeness.look import can_look, look_at, seen_in
from hounsfield.likeness.postures import CUT, MENDED
from hounsfield.likeness.store import Kind
from hounsfield.networks.weights import how_to_get


@dataclass(frozen=True, eq=False)
class Glimpse:
    """What the gate keeps of an image until it judges some of them together."""

    picture: Small
    """(planes, side, side), as `likeness.look_at` makes it."""
    kind: Kind


class Gate:
    """Judges images by what a bundle remembers of those it learned from.

    Args:
        remembered: As the bundle has it; of nothing, every image passes.
        answer_all: Whether an image that should get no answer is only called doubtful.
    """

    def __init__(self, remembered: Remembered, *, answer_all: bool = False) -> None:
        """Take what is remembered, where the network that looks has its weights at hand."""
        self._why_not = "the bundle keeps none of them" if can_look() else how_to_get(NETWORK)
        self._remembered = remembered if can_look() else Remembered()
        self._answer_all = answer_all

    @property
    def note(self) -> str:
        """What a reader must know where images are not held against those of the training; empty where they are."""
        if self._remembered.distances:
            return ""
        return f"Not checked: whether the image is like those the model learned from; {self._why_not}."

    def glimpse(self, image: Image, kind: Kind = "image") -> Glimpse | None:
        """What is judged of an image as stored, or of a square cut out of one; None where every such image passes."""
        return Glimpse(look_at(image), kind) if kind in self._remembered.distances else None

    def judge(self, glimpses: Sequence[Glimpse]) -> list[Quality]:
        """The verdict on each, of which the network sees as many together as are alike in shape."""
        verdicts = [Quality()] * len(glimpses)
        for kind, planes in {(one.kind, len(one.picture)) for one in glimpses}:
            places = [place for place, one in enumerate(glimpses) if one.kind == kind and len(one.picture) == planes]
            pictures = [glimpses[place].picture for place in places]
            for place, verdict in zip(places, self._verdicts(pictures, kind), strict=True):
                verdicts[place] = verdict
        return verdicts

    def _verdicts(self, pictures: Sequence[Small], kind: Kind) -> list[Quality]:
        distances = self._remembered.distances[kind]
        seen = seen_in(pictures)
        if seen.shape[1] != distances.points.shape[1]:  # a volume for a model of flat images, which is refused later
            return [Quality()] * len(pictures)
        return [self._verdict(*pair, distances, kind) for pair in zip(pictures, seen, strict=True)]

    def _verdict(self, picture: Small, seen: FloatArray, distances: Distances, kind: Kind) -> Quality:
        distance = float(distances.of(seen[None])[0])
        unfit, doubtful = [], []
        probe = self._remembered.postures.get(kind)
        suspected = probe.suspected(seen) if probe else []
        mended = {name: MENDED[name](picture) for name in suspected if name in MENDED}
        if mended:  # put right, it is like the training images, and more so than it was
            near = distances.of(seen_in(list(mended.values())))
            if float(near.min()) < min(distance, distances.farthest):
                name = list(mended)[int(near.argmin())].partition(" to the ")[0]  # which way is told too poorly
                unfit.append(f"the image looks {name}: put it right and read it again")
        if not unfit and distance > distances.farthest:
            unfit.append(
                f"the image is unlike all that the model learned from (distance {distance:.2f}; theirs are up to "
                f"{distances.farthest:.2f}): is it another part of the body, another kind of image, or from a scanner "
                "whose images it has never seen?"
            )
        if not unfit and distance > distances.usual:
            doubtful.append(
                f"the image is less like those the model learned from than 99 in 100 of them are (distance "
                f"{distance:.2f}, limit {distances.usual:.2f})"
            )
        if not unfit and CUT in suspected:
            doubtful.append("the image looks cut off: is all of it there?")
        reasons, unlike = (*unfit, *doubtful), bool(unfit)
        if unlike and not self._answer_all:
            return Quality("unfit", reasons, distance, distances.farthest, unlike)
        return Quality("doubtful" if reasons else "good", reasons, distance, distances.farthest, unlike)
