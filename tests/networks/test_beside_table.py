"""Columns as planes behind an image: the same answers as image and table apart."""

import torch

from hounsfield.networks.beside_table import BesideTable, with_table
from hounsfield.networks.convnet import ConvNet


def network() -> BesideTable:
    torch.manual_seed(0)
    image = ConvNet(dims=2, channels=1, outputs=2, widths=(4, 8), pool_after=(1, 2))
    return BesideTable(image=image, columns=3, outputs=2).eval()


def test_planes_are_the_table() -> None:
    joined, images = network(), torch.rand(2, 1, 16, 16)
    table = torch.tensor([[0.1, float("nan"), 2.0], [0.0, 1.0, -1.0]])
    shown = with_table(images, table)
    assert shown.shape == (2, 4, 16, 16)
    torch.testing.assert_close(joined(shown), joined.fusion(images, table))
    torch.testing.assert_close(joined(shown), joined.head(joined.feature_maps(shown)))
    torch.testing.assert_close(joined(shown), joined.answer(joined.pooled(shown)))
    torch.testing.assert_close(joined(shown.flip(3)), joined.fusion(images.flip(3), table))
    assert with_table(images, None) is images
    assert joined.channels == 4
