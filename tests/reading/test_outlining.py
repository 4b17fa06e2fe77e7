"""What is outlined on an image that was opened."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hounsfield.arrays import FloatArray
from hounsfield.findings import ModelIdentity, Reading
from hounsfield.networks.voxelwise import Voxelwise
from hounsfield.plan import Input, Plan, RecurrentChoice, ResidualChoice, Segmentation, UNetChoice
from hounsfield.reading import outlining
from hounsfield.reading.opened import Opened
from hounsfield.reading.outlining import example_windows, outline_of
from hounsfield.tasks.instances import BORDER, INSIDE


class AsItStands(torch.nn.Module):
    """Says of each voxel the number that stands there."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.cat([(images == code) * 9.0 for code in range(3)], dim=1)


def plan_for(network: UNetChoice | RecurrentChoice, segmentation: Segmentation) -> Plan:
    return Plan(
        task="segmentation",
        dataset="",
        classes=("image",),
        input=Input(shape=(4, 16, 16), windows=True),
        network=network,
        segmentation=segmentation,
    )


ENCODER = ResidualChoice(widths=(8, 16), blocks=(1, 1))


def test_objects_grow_by_the_spacing_of_the_image_as_stored() -> None:
    array: FloatArray = np.zeros((1, 4, 16, 16), dtype=np.float32)
    array[0, 1, 4:12, 2:8], array[0, 1, 4:12, 2:5], array[0, 2, 4:12, 7:11] = BORDER, INSIDE, INSIDE
    network = Voxelwise([AsItStands()], shape=(4, 16, 16))
    plan = plan_for(UNetChoice(encoder=ENCODER), Segmentation(labels=("cell",), instances=True))
    found = {}
    for spacing in ((), (5.0, 1.0, 1.0)):
        opened = Opened(
            Reading("", "", (), ModelIdentity("", "", "")),
            None,
            array=array,
            onto=np.eye(4),
            spacing_mm=spacing,
            shape=(4, 16, 16),
        )
        mask = outline_of(opened, plan, network, lambda windows: network(torch.from_numpy(windows)).numpy())
        found[spacing] = mask.labels[1, 8, 2:8].tolist()
    assert found[()] == [1, 1, 1, 1, 1, 2] or found[()] == [1, 1, 1, 1, 2, 2]  # nearer to the plate above, in voxels
    assert found[(5.0, 1.0, 1.0)] == [1] * 6


def test_other_runtimes_are_compared_on_windows_without_empty_slices_where_a_network_is_recurrent() -> None:
    array: FloatArray = np.ones((1, 2, 16, 16), dtype=np.float32)
    labels = Segmentation(labels=("a",), numbers=((1,),))
    for network, empty in ((UNetChoice(encoder=ENCODER), True), (RecurrentChoice(encoder=ENCODER), False)):
        (window,) = example_windows(array, plan_for(network, labels))
        assert window.shape == (1, 4, 16, 16)
        assert (window[0, 0] == 0).all() == (window[0, 3] == 0).all() == empty


def test_of_large_windows_with_many_labels_fewer_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    array: FloatArray = np.arange(16, dtype=np.float32)[None, :, None, None] * np.ones((1, 16, 16, 16), np.float32)
    plan = plan_for(UNetChoice(encoder=ENCODER), Segmentation(labels=("a",), numbers=((1,),)))
    assert example_windows(array, plan).shape == (4, 1, 4, 16, 16)
    monkeypatch.setattr(outlining, "MOST_NUMBERS", 3 * 2 * 4 * 16 * 16 - 1)  # of two outputs
    assert example_windows(array, plan).shape == (2, 1, 4, 16, 16)
    monkeypatch.setattr(outlining, "MOST_NUMBERS", 0)
    (window,) = example_windows(array, plan)
    assert window[0, :, 0, 0].tolist() == [6, 7, 8, 9]  # in the middle
