"""Inflated kernels see in a volume of equal slices what the flat network sees."""

import pytest
import torch
from torch import nn

from hounsfield.errors import ShapeError
from hounsfield.networks.inflation import inflate
from hounsfield.networks.pretrained import create_backbone


def test_in_a_volume_of_equal_slices_the_middle_is_as_in_the_image() -> None:
    torch.manual_seed(0)
    flat = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 2, 5, padding=2)
    ).eval()
    image = torch.rand(1, 1, 12, 12)
    expected = flat(image)
    deep = inflate(flat)
    found = deep(image[:, :, None].expand(-1, -1, 13, -1, -1))
    assert found.shape == (1, 2, 13, 12, 12)
    torch.testing.assert_close(found[:, :, 6], expected)  # far enough from the border for a reach of three slices


def test_pooling_becomes_cubes() -> None:
    deep = inflate(nn.Sequential(nn.MaxPool2d(2), nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(1)))
    volume = torch.arange(512.0).view(1, 1, 8, 8, 8)
    assert float(deep(volume)) == pytest.approx(float(nn.MaxPool3d(2)(volume).mean()))


def test_a_backbone_of_timm_reads_a_volume() -> None:
    network, _ = create_backbone("efficientnet_lite0")
    maps = inflate(network).eval().forward_features(torch.rand(1, 3, 16, 64, 64))  # type: ignore[operator]
    assert maps.shape == (1, 1280, 1, 2, 2)


def test_padding_by_the_size_of_the_input_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"a Conv2d cannot be inflated .*multiple_instance"):
        inflate(nn.Sequential(nn.Conv2d(1, 1, 3, padding="same")))
