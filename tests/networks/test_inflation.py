"""Inflated kernels see in a volume of equal slices what the flat network sees."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from hounsfield.errors import ShapeError
from hounsfield.networks.inflation import _inflated, inflate
from hounsfield.networks.residual import ResidualNet

pytestmark = pytest.mark.usefixtures("one_thread")


def lived_in(network: nn.Module) -> nn.Module:
    """With statistics and weights of normalisations as training leaves them, unlike 0 and 1."""
    generator = torch.Generator().manual_seed(0)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            for values in (layer.weight, layer.bias, layer.running_mean, layer.running_var):
                assert values is not None
                values.data = torch.rand(values.shape, generator=generator) + 0.5
    return network.eval()


def without_strides() -> nn.Module:
    torch.manual_seed(0)
    return lived_in(
        nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 2, 5, padding=2))
    )


def equal_slices(image: Tensor, depth: int) -> Tensor:
    return image[:, :, None].repeat(1, 1, depth, 1, 1)


def one_slice_deep(flat: nn.Module) -> nn.Module:
    """What a network is compared with before it is inflated."""
    return _inflated(deepcopy(flat), thin=True)


def timm_model(name: str, **options: Any) -> nn.Module:
    timm: Any = pytest.importorskip("timm")
    torch.manual_seed(0)
    model: nn.Module = timm.create_model(name, pretrained=False, **options)
    return model.eval()


def test_a_kernel_is_repeated_along_depth_and_divided_by_its_length() -> None:
    flat = nn.Conv2d(2, 4, (3, 5), stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2)
    deep = inflate(flat)
    assert isinstance(deep, nn.Conv3d)
    assert (deep.kernel_size, deep.stride, deep.padding) == ((3, 3, 5), (2, 2, 1), (1, 1, 2))
    assert (deep.dilation, deep.groups) == ((1, 1, 2), 2)
    for number in range(3):
        torch.testing.assert_close(deep.weight[:, :, number], flat.weight / 3)
    assert torch.equal(deep.bias, flat.bias)
    thin = one_slice_deep(nn.Conv2d(1, 1, 7, padding=3))
    assert (thin.kernel_size, thin.padding) == ((1, 7, 7), (0, 3, 3))


def test_in_a_volume_of_equal_slices_the_middle_is_as_in_the_image() -> None:
    flat, image = without_strides(), torch.rand(1, 1, 12, 12)
    found = inflate(flat)(equal_slices(image, 13))
    assert found.shape == (1, 2, 13, 12, 12)
    for slice_ in range(3, 10):  # the two kernels reach three slices
        torch.testing.assert_close(found[:, :, slice_], flat(image))
    assert not torch.allclose(found[:, :, 0], flat(image), rtol=0.01)


def test_kernels_of_one_slice_see_exactly_the_image_in_every_slice() -> None:
    torch.manual_seed(0)
    flat = lived_in(
        nn.Sequential(
            *(nn.Conv2d(1, 4, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU()),
            *(nn.MaxPool2d(3, 2, 1), nn.Conv2d(4, 4, 3, padding="same", padding_mode="circular")),
            *(nn.AvgPool2d(2, ceil_mode=True), nn.AvgPool2d(3, 1, 1, count_include_pad=False), nn.Dropout2d()),
        )
    )
    image = torch.rand(2, 1, 37, 37)
    found = one_slice_deep(flat)(equal_slices(image, 16))
    assert found.shape == (2, 4, 2, 5, 5)
    for slice_ in found.unbind(dim=2):
        torch.testing.assert_close(slice_, flat(image))


def test_pooling_becomes_cubes() -> None:
    volume = torch.arange(512.0).view(1, 1, 8, 8, 8) + torch.rand(1, 1, 8, 8, 8)
    pools = [nn.MaxPool2d(2), nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(2), nn.AdaptiveMaxPool2d((1, None))]
    deep = inflate(nn.Sequential(*pools))
    kernels = [nn.MaxPool3d(2), nn.AvgPool3d(2), nn.AdaptiveAvgPool3d(2), nn.AdaptiveMaxPool3d((1, 1, None))]
    torch.testing.assert_close(deep(volume), nn.Sequential(*kernels)(volume))


def test_the_flat_network_stays_as_it_is_and_chance_is_not_asked() -> None:
    flat = without_strides().train()
    before = {name: value.clone() for name, value in flat.state_dict().items()}
    chance = torch.get_rng_state()
    deep = inflate(flat)
    assert torch.equal(torch.get_rng_state(), chance)
    assert flat.training
    assert all(layer.training for layer in deep.modules())
    deep(torch.rand(2, 1, 4, 8, 8)).sum().backward()
    assert all(torch.equal(value, before[name]) for name, value in flat.state_dict().items())
    assert all(value.grad is None for value in flat.parameters())
    assert all(value.grad is not None for value in deep.parameters())


def test_frozen_weights_stay_frozen() -> None:
    flat = without_strides().requires_grad_(False)
    assert not any(value.requires_grad for value in inflate(flat).parameters())


def test_normalisations_may_be_folded_before() -> None:
    whole = without_strides()
    folded = nn.Sequential(fuse_conv_bn_eval(whole[0], whole[1]), *whole[2:])
    volume = torch.rand(1, 1, 6, 9, 9)
    torch.testing.assert_close(inflate(folded)(volume), inflate(whole)(volume))


def test_a_network_of_this_room_takes_volumes_afterwards() -> None:
    torch.manual_seed(0)
    flat = lived_in(ResidualNet(dims=2, channels=2, outputs=3, widths=(4, 8), blocks=(1, 1)))
    deep = one_slice_deep(flat)
    image = torch.rand(2, 2, 9, 11)
    torch.testing.assert_close(deep(equal_slices(image, 5)), flat(image))
    with pytest.raises(ShapeError, match="3-D images"):
        deep(image)


def test_a_backbone_of_timm_reads_a_volume() -> None:
    flat = timm_model("tf_efficientnet_lite0")
    assert inflate(flat)(torch.rand(1, 3, 32, 64, 64)).shape == (1, 1000)
    image = torch.rand(1, 3, 64, 64)
    torch.testing.assert_close(one_slice_deep(flat)(equal_slices(image, 32)), flat(image))


def test_padding_by_the_size_of_the_input_is_kept() -> None:
    conv2d_same: Any = pytest.importorskip("timm.layers").Conv2dSame
    flat = conv2d_same(1, 2, 3, stride=2)
    image = torch.rand(1, 1, 8, 9)
    found = one_slice_deep(flat)(equal_slices(image, 4))
    torch.testing.assert_close(found, equal_slices(flat(image), 2))
    volume = torch.rand(1, 1, 9, 8, 8)
    behind = nn.functional.pad(volume, (0, 1, 0, 1, 1, 1))  # 8 to 4 wants one more, 9 to 5 one on either side
    deep = inflate(flat)
    torch.testing.assert_close(deep(volume), nn.functional.conv3d(behind, deep.weight, deep.bias, stride=2))


@pytest.mark.parametrize(
    ("name", "culprit"), [("mobilenetv3_small_050", r"blocks\.0\.0\.se"), ("convnext_atto", r"stem\.1")]
)
def test_what_is_flat_by_its_code_is_refused_and_named(name: str, culprit: str) -> None:
    flat = timm_model(name)
    with pytest.raises(ShapeError, match=rf"cannot be inflated for volumes: {culprit}.*multiple instances"):
        inflate(flat)


def test_layers_and_kernels_without_a_counterpart_are_refused() -> None:
    class Standardised(nn.Conv2d):
        pass

    with pytest.raises(ShapeError, match="a Standardised has no counterpart for volumes"):
        inflate(nn.Sequential(Standardised(1, 1, 3)))
    with pytest.raises(ShapeError, match="divisor of its own"):
        inflate(nn.AvgPool2d(2, divisor_override=3))
