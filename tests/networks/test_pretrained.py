"""Networks of timm: normalised inputs, folded layers that answer the same, weights that are found or asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from sklearn.datasets import load_sample_image

from hounsfield.errors import ShapeError, UnknownNameError, WeightsError
from hounsfield.networks.folding import fold
from hounsfield.networks.pretrained import Pretrained, create_backbone, require_backbone
from hounsfield.networks.weights import at_hand, load_weights


def made(**options: object) -> Pretrained:
    torch.manual_seed(0)
    usual: dict[str, object] = {"dims": 2, "channels": 1, "outputs": 2}
    return Pretrained(**(usual | options)).eval()  # type: ignore[arg-type]


def test_asking_a_network_what_it_makes_changes_no_chance_and_it_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    require_backbone.cache_clear()
    torch.manual_seed(0)
    first, facts = create_backbone("resnet18")
    monkeypatch.setattr(torch, "device", lambda *given: pytest.fail("asked again"))
    torch.manual_seed(0)
    again, _ = create_backbone("resnet18")
    assert facts.features == 512
    assert all(map(torch.equal, first.parameters(), again.parameters()))


@pytest.mark.parametrize("backbone", ["tf_efficientnet_lite0", "resnet18", "mobilenetv3_small_100"])
def test_a_folded_network_answers_the_same(backbone: str) -> None:
    torch.manual_seed(0)
    network, _ = create_backbone(backbone)
    for layer in network.modules():  # statistics unlike those of a fresh network
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_mean.uniform_(-0.2, 0.2)  # type: ignore[union-attr]
            layer.running_var.uniform_(0.5, 2.0)  # type: ignore[union-attr]
    network.eval()
    images = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        before = network.forward_features(images)  # type: ignore[operator]
        assert fold(network) > 10
        assert not any(isinstance(layer, torch.nn.BatchNorm2d) for layer in network.modules())
        after = network.forward_features(images)  # type: ignore[operator]
    torch.testing.assert_close(after, before, rtol=1e-3, atol=1e-3 * float(before.abs().max()))


def test_a_grey_image_is_seen_as_a_photograph_without_colour() -> None:
    grey, colour = made(), made(channels=3)
    images = torch.rand(2, 1, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(grey(images), colour(images.expand(-1, 3, -1, -1)))


def test_the_answer_is_the_head_of_the_maps_and_memory_order_changes_nothing() -> None:
    network, images = made(), torch.rand(2, 1, 64, 64)
    with torch.inference_mode():
        logits = network(images)
        torch.testing.assert_close(logits, network.head(network.feature_maps(images)))
        torch.testing.assert_close(logits, network.answer(network.pooled(images)))
        torch.testing.assert_close(
            logits, network(images.contiguous(memory_format=torch.channels_last)), rtol=1e-3, atol=1e-4
        )


@pytest.mark.parametrize("backbone", ["tf_efficientnet_lite0", "resnet18"])
def test_the_stages_hold_every_parameter_once_and_the_answer_last(backbone: str) -> None:
    network = made(backbone=backbone)
    stages = network.stages()
    parameters = [id(p) for stage in stages for module in stage for p in module.parameters()]
    assert sorted(parameters) == sorted(id(p) for p in network.parameters())
    assert stages[-1] == [network.answer]
    assert len(stages) >= 6


def test_attention_over_places_begins_as_the_average_and_can_look_at_one() -> None:
    plain, looking = made(), made(pooling="attention")
    looking.load_state_dict(plain.state_dict() | {k: v for k, v in looking.state_dict().items() if "attention" in k})
    images = torch.rand(2, 1, 96, 64)
    with torch.inference_mode():
        torch.testing.assert_close(looking(images), plain(images), rtol=1e-4, atol=1e-5)
        maps = looking.feature_maps(images)
        assert looking.attention is not None
        looking.attention.weight.copy_(1e4 * (maps[:1, :, 1, 0] - maps[:1].mean(dim=(2, 3))))
        one = maps[0].flatten(1)[:, (looking.attention(maps[0].flatten(1).T)).argmax()]
        torch.testing.assert_close(looking.pooled(images)[0], one)


def test_volumes_are_read_with_inflated_kernels() -> None:
    network = made(dims=3)
    with torch.inference_mode():
        assert network(torch.rand(1, 1, 9, 64, 64)).shape == (1, 2)
        assert network.feature_maps(torch.rand(1, 1, 9, 64, 64)).shape[1] == 1280


def test_images_of_the_wrong_kind_are_refused() -> None:
    with pytest.raises(
        ShapeError, match=r"takes 2-D images of at least 32 pixels a side as \(N, 1, …\), not \(1, 1, 1"
    ):
        made()(torch.rand(1, 1, 16, 64))


@pytest.mark.parametrize("channels", [2, 4])
def test_other_numbers_of_channels_are_mixed_to_colours_that_begin_as_their_means(channels: int) -> None:
    mixed, colour = made(channels=channels), made(channels=3)
    images = torch.rand(2, channels, 64, 64)
    ways = {2: [[0], [1], [0, 1]], 4: [[0, 3], [1], [2]]}[channels]
    colours = torch.stack([images[:, own].mean(dim=1) for own in ways], dim=1)
    colour.load_state_dict({key: value for key, value in mixed.state_dict().items() if "mixture" not in key})
    with torch.inference_mode():
        torch.testing.assert_close(mixed(images), colour(colours))
    assert mixed.stages()[0][0] is mixed.mixture
    mixed.train()(images).sum().backward()
    assert mixed.mixture is not None and mixed.mixture.weight.grad.abs().sum() > 0


def test_names_that_timm_has_not_or_cannot_be_used_are_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"timm has no network 'resnet17'; near it: .*resnet18"):
        made(backbone="resnet17")


@pytest.mark.parametrize(
    ("backbone", "why"),
    [
        ("vit_tiny_patch16_224", r"it fails \(Input height \(64\) doesn't match model \(224\)\)"),
        ("swin_tiny_patch4_window7_224", r"it fails \(Input height \(64\) doesn't match model \(224\)\)"),
        ("inception_v3", r"it fails \(.*Kernel size can't be greater than actual input size\)"),
        ("mambaout_femto", r"it answers \(1, 2, 2, 288\)"),
        ("twins_pcpvt_small", r"it answers \(1, 4, 512\)"),
    ],
)
def test_networks_that_make_no_maps_of_images_of_any_size_are_refused(backbone: str, why: str) -> None:
    chance = torch.get_rng_state()
    with pytest.raises(UnknownNameError, match=rf"timm's {backbone} makes no maps .*{why}; take an efficientnet"):
        Pretrained(dims=2, channels=1, outputs=2, backbone=backbone)
    assert torch.equal(torch.get_rng_state(), chance)  # nothing was made but shapes


def test_the_weights_in_the_package_are_those_of_imagenet() -> None:
    weights = load_weights("tf_efficientnet_lite0")
    assert at_hand("tf_efficientnet_lite0")
    assert sum(value.numel() for value in weights.values()) == pytest.approx(4.69e6, rel=0.02)


def test_a_photograph_looks_to_the_first_layer_as_its_statistics_say() -> None:
    """With another mean and spread than the weights were trained with, the variances are off by several times."""
    photograph = torch.from_numpy(load_sample_image("china.jpg").copy()).permute(2, 0, 1)[None].float() / 255
    network = made(channels=3, folded=False)
    weights = load_weights("tf_efficientnet_lite0")
    network.backbone.load_state_dict(dict(zip(network.backbone.state_dict(), weights.values(), strict=False)))
    with torch.inference_mode():
        seen = network.backbone.conv_stem((photograph - network.mean) / network.std)  # type: ignore[operator]
    expected = network.backbone.bn1.running_var  # type: ignore[union-attr]
    ratio = torch.log(seen.var(dim=(0, 2, 3)) / expected)  # type: ignore[operator]
    assert abs(float(ratio.median())) < 0.7


def test_weights_are_found_in_a_folder_before_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_file({"x": torch.ones(3)}, tmp_path / "tf_efficientnet_lite0.safetensors")
    monkeypatch.setenv("HOUNSFIELD_WEIGHTS", str(tmp_path))
    assert load_weights("tf_efficientnet_lite0")["x"].tolist() == [1, 1, 1]
    (tmp_path / "tf_efficientnet_lite0.safetensors").write_bytes(b"no weights")
    with pytest.raises(WeightsError, match="tf_efficientnet_lite0.safetensors is no file of weights"):
        load_weights("tf_efficientnet_lite0")


def test_weights_that_are_not_at_hand_are_asked_for_with_a_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    assert not at_hand("resnet18")
    with pytest.raises(
        WeightsError, match=r"no pretrained weights for resnet18 .*; put resnet18\.safetensors, .* into"
    ):
        load_weights("resnet18")


def test_what_timm_downloaded_earlier_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    place = tmp_path / "hub" / "models--timm--resnet18.a1_in1k" / "snapshots" / "abc"
    place.mkdir(parents=True)
    save_file({"x": torch.zeros(1)}, place / "model.safetensors")
    assert at_hand("resnet18")
    assert list(load_weights("resnet18")) == ["x"]
