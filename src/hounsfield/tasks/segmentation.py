"""Segmentation: what every voxel of an image is.

Where no number of a mask counts as two labels, each voxel is one of them or nothing, and probabilities are a softmax;
where regions hold others, each label is asked about by itself.

Reference:
    Milletari, Navab, Ahmadi, "V-Net" (2016), arXiv:1606.04797 (the Dice loss); Isensee et al., "nnU-Net" (2021),
    doi:10.1038/s41592-020-01008-z (its sum with cross-entropy, over a batch together or each image).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from hounsfield.arrays import FloatArray, IntArray, VoxelArray
from hounsfield.image import Mask

UNKNOWN = 255
"""Code of voxels that nobody knows."""

_RAREST = 1e-4
"""Share of all voxels: rarer labels are expected as often, so that no answer begins out of reach."""


@dataclass(frozen=True)
class Segmentation:
    """A label, or none, for every voxel."""

    labels: tuple[str, ...]
    numbers: tuple[tuple[int, ...], ...]
    """Of each label those that it has on masks."""
    unlabelled: int = 0
    """The number on masks where nobody knows; 0 where there is none."""
    dice: Literal["batch", "image"] = "batch"
    """Over what the loss has its Dice: all images of a batch together, or each, and their mean."""
    by_grid: ClassVar[bool] = False
    """Whether codes are made of numbers on the grid that the network is shown, and not brought there themselves."""

    @cached_property
    def known(self) -> tuple[int, ...]:
        """All numbers of labels, rising; the code of each is its place from 1."""
        return tuple(sorted({number for numbers in self.numbers for number in numbers}))

    @cached_property
    def exclusive(self) -> bool:
        """Whether a voxel is one label at most."""
        return sum(map(len, self.numbers)) == len(self.known)

    @property
    def outputs(self) -> int:
        """One a label, and before them one for nothing where labels exclude each other."""
        return len(self.labels) + self.exclusive

    def codes(self, numbers: IntArray, spacing: Sequence[float] = ()) -> IntArray:
        """uint8 codes of the numbers of a mask, of any shape; 0 for nothing and for numbers that are no label.

        Args:
            numbers: Of all voxels.
            spacing: Between them along each axis, in any unit, for borders of objects; empty where it is the same.
        """
        largest = max(int(numbers.max(initial=0)), *self.known, self.unlabelled)
        table = np.zeros(largest + 1, dtype=np.uint8)
        table[list(self.known)] = np.arange(1, len(self.known) + 1)
        if self.unlabelled:
            table[self.unlabelled] = UNKNOWN
        codes = np.empty(numbers.shape, dtype=np.uint8)
        for place, part in enumerate(numbers):  # one by one: as places in the table all would be held in 64 bits
            codes[place] = table[np.maximum(part, 0)]
        return codes

    @cached_property
    def of_code(self) -> Tensor:
        """(codes, outputs) of 0 and 1: which outputs a code asks for."""
        table = torch.zeros(len(self.known) + 1, self.outputs)
        table[0, 0] = float(self.exclusive)
        for place, numbers in enumerate(self.numbers):
            for number in numbers:
                table[self.known.index(number) + 1, place + self.exclusive] = 1
        return table

    def expected(self, voxels: FloatArray) -> Tensor:
        """(outputs,) float32: logits of how common each output is, of the voxels, or their share, of each code."""
        shares = torch.from_numpy(voxels / voxels.sum()).float() @ self.of_code
        shares = shares.clamp(_RAREST, 1 - _RAREST)
        return shares.log() if self.exclusive else torch.logit(shares)

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy and Dice loss, a scalar; voxels that nobody knows count in neither.

        Args:
            logits: (N, outputs, …).
            targets: (N, …) codes.
        """
        codes = own = targets.long().flatten()
        if self.dice == "image":
            own = codes + len(self.of_code) * torch.arange(len(targets)).repeat_interleave(targets[0].numel())
        flat = logits.float().movedim(1, -1).reshape(-1, logits.shape[1])
        if bool((codes == UNKNOWN).any()):
            known = codes != UNKNOWN
            flat, codes, own = flat[known], codes[known], own[known]
        if len(codes) == 0:
            return flat.sum() * 0
        if self.exclusive:
            wanted = self.of_code.argmax(dim=1)[codes]
            likely = torch.log_softmax(flat, dim=1)
            entropy = torch.nn.functional.nll_loss(likely, wanted)
            shares = likely.exp()[:, 1:]
        else:
            entropy = torch.nn.functional.binary_cross_entropy_with_logits(flat, self.of_code[codes])
            shares = torch.sigmoid(flat)
        return entropy + self._dice_loss(shares, own, len(targets) if self.dice == "image" else 1)

    def _dice_loss(self, shares: Tensor, own: Tensor, parts: int) -> Tensor:
        """1 less the mean Dice of the labels that are there in each part, of shares (voxels, labels) and of each voxel
        its code, after those of the parts before its own."""
        asked = self.of_code[:, int(self.exclusive) :]
        by_code = torch.zeros((parts * len(asked), shares.shape[1]), dtype=shares.dtype).index_add(0, own, shares)
        by_code = by_code.view(parts, len(asked), -1)
        there = torch.bincount(own, minlength=parts * len(asked)).view(parts, -1).float() @ asked
        both = (by_code * asked).sum(dim=1)
        dice = 2 * both / (by_code.sum(dim=1) + there).clamp(min=1e-6)
        present = there > 0
        return 1 - dice[present].mean() if bool(present.any()) else shares.sum() * 0

    def labelled(self, logits: Tensor) -> Tensor:
        """Whole numbers (…) of logits (outputs, …): the place of the likeliest label from 1, or 0 for nothing; where
        labels do not exclude each other a bit each, the first one's the lowest."""
        if self.exclusive:
            return logits.argmax(dim=0)
        bits = 2 ** torch.arange(len(logits))
        return ((logits > 0) * bits.view(-1, *[1] * (logits.ndim - 1))).sum(dim=0)

    def outline(self, said: IntArray, spacing: Sequence[float] = ()) -> Mask:
        """What `labelled` gave, with the names of the labels; `spacing` as for `codes`."""
        return Mask(said, self.labels, self.exclusive)

    def truth(self, numbers: IntArray) -> Mask:
        """A mask as an outline; voxels that nobody knows are nothing."""
        said = np.zeros(numbers.shape, dtype=np.uint16)
        for place, own in enumerate(self.numbers):
            mask = np.isin(numbers, own)
            said[mask] = place + 1 if self.exclusive else said[mask] + 2**place
        return self.outline(said)

    def decode(self, logits: FloatArray) -> FloatArray:
        """Probabilities (N, outputs, …) of logits (N, outputs, …)."""
        given = torch.from_numpy(np.asarray(logits, dtype=np.float32))
        return (torch.softmax(given, dim=1) if self.exclusive else torch.sigmoid(given)).numpy()

    def validation_score(self, logits: FloatArray, targets: VoxelArray) -> float:
        """Mean Dice of the labels that are there, over all images together, of codes (N, …)."""
        counts = np.zeros((len(self.labels), 3))
        for own, codes in zip(logits, targets, strict=True):
            counts += self.counts(self.labelled(torch.from_numpy(own)).numpy(), codes)
        return dice_of(counts)

    def counts(self, said: IntArray, codes: IntArray) -> FloatArray:
        """(labels, 3): voxels of both, of what was said, and of the truth, of one image, flat or a volume."""
        said, codes = (own[None] if own.ndim == 2 else own for own in (said, codes))
        known = codes != UNKNOWN
        asked = self.of_code.numpy()[:, int(self.exclusive) :] > 0
        found = []
        for place, (_, mask) in enumerate(self.outline(said).parts()):
            truth = asked[:, place][np.where(known, codes, 0)]
            found.append([np.count_nonzero(one) for one in (mask & truth & known, mask & known, truth & known)])
        return np.array(found, dtype=np.float64)


def dice_of(counts: FloatArray) -> float:
    """Mean Dice of the labels that are there or were said to be, of counts (labels, 3); NaN where none is."""
    whole = counts[:, 1] + counts[:, 2]
    there = whole > 0
    return float(np.mean(2 * counts[there, 0] / whole[there])) if there.any() else float("nan")
