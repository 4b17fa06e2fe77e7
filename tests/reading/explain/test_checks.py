"""The tests of explanations: they tell a true heat map from chance, from its opposite, and from an edge detector."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from hounsfield.evaluation import Score
from hounsfield.evaluation.explanations import Explanations, Trial, explanations_from, mean_score
from hounsfield.networks.convnet import ConvNet
from hounsfield.reading.explain.checks import agreement, removal_areas, shuffled


class Spot(torch.nn.Module):
    """Sure of the second class where a spot in the middle is bright."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        value = 12 * images[:, 0, 24:40, 24:40].mean(dim=(1, 2)) - 6
        return torch.stack([torch.zeros_like(value), value], dim=1)


def spotted() -> torch.Tensor:
    image = torch.rand(1, 64, 64, generator=torch.Generator().manual_seed(0)) * 0.2
    image[:, 24:40, 24:40] = 1
    return image


def test_removing_what_is_looked_at_first_moves_the_answer_soonest() -> None:
    image, truth = spotted(), np.zeros((64, 64))
    truth[24:40, 24:40] = 1
    deletion, insertion = removal_areas([Spot()], image, truth, output=1)
    by_chance = removal_areas([Spot()], image, np.random.default_rng(0).random((64, 64)), output=1)
    reverse = removal_areas([Spot()], image, 1 - truth, output=1)
    assert deletion < by_chance[0] < reverse[0]
    assert insertion > by_chance[1] > reverse[1]


def test_the_same_heat_in_other_numbers_gives_the_same_areas() -> None:
    image, heat = spotted(), np.random.default_rng(1).random((64, 64))
    assert removal_areas([Spot()], image, heat, output=1) == removal_areas([Spot()], image, 5 * heat - 3, output=1)


def test_shuffling_keeps_the_values_and_changes_the_answer() -> None:
    torch.manual_seed(0)
    network = ConvNet(dims=2, channels=1, outputs=2, widths=(4, 6), pool_after=(1,)).eval()
    made = shuffled(network)
    for (name, own), other in zip(network.named_parameters(), made.parameters(), strict=True):
        assert torch.equal(own.flatten().sort().values, other.flatten().sort().values), name
    image = torch.rand(1, 1, 32, 32)
    assert not torch.allclose(network(image), made(image))
    assert torch.equal(shuffled(network)(image), made(image))


def test_agreement_by_hand() -> None:
    heat = np.arange(12.0).reshape(3, 4)
    assert agreement(heat, heat**2) == pytest.approx(1)
    assert agreement(heat, -heat) == pytest.approx(-1)
    assert agreement(heat, np.zeros((3, 4))) == 0


TRIAL = Trial("grad_cam", 20, 0.1, 0.3, 0.7, 0.4, 0.5, Score(0.3, 0.2, 0.4), Score(0.5, 0.3, 0.7), 0.1, 0.3, 0.02)


def test_a_method_that_fails_is_not_the_default() -> None:
    same = replace(TRIAL, agreement=0.8)
    useless = replace(TRIAL, gain=Score(0.01, -0.02, 0.04))
    assert "much the same when the network has learned nothing" in same.failed[0]
    assert "changes the answer no faster" in useless.failed[0]
    assert Explanations("films", (same, replace(TRIAL, method="hires_cam"))).default == "hires_cam"
    assert Explanations("films", (same, replace(TRIAL, method="occlusion"))).default is None  # too slow to be shown
    assert Explanations("films", (same, useless)).default is None


def test_with_enough_boxes_pointing_chooses_and_the_gain_without() -> None:
    points = replace(TRIAL, method="integrated_gradients", gain=Score(0.2, 0.1, 0.3), pointing=Score(0.8, 0.6, 0.9))
    few = [replace(one, pointed_cases=5) for one in (TRIAL, points)]
    many = [replace(one, pointed_cases=12) for one in (TRIAL, points)]
    assert Explanations("films", tuple(few)).default == "grad_cam"
    assert Explanations("films", tuple(many)).default == "integrated_gradients"


def test_what_was_found_comes_back_from_json() -> None:
    given = Explanations("films", (TRIAL, replace(TRIAL, method="occlusion", pointing=None)))
    assert explanations_from(given.as_json()) == given


def test_of_one_patient_nothing_is_known_and_hits_alone_promise_no_certainty() -> None:
    one = mean_score([0.4, 0.5, 0.6], ["a", "a", "a"])
    assert (one.low, one.high) == (-1.0, 1.0)
    always = mean_score([1.0] * 8, [str(n) for n in range(8)], share=True)
    assert always.value == 1 and 0.5 < always.low < 0.7


def test_heat_that_is_no_number_fails() -> None:
    assert replace(TRIAL, agreement=float("nan")).failed
    chance = replace(TRIAL, pointed_cases=20, pointing_by_chance=0.4)  # hits 0.3 to 0.7: not beyond chance
    assert chance.pointed == 0


def test_means_vary_by_patient() -> None:
    values = np.repeat([0.0, 1.0], 10)
    alone = mean_score(values, [str(n) for n in range(20)])
    pairs = mean_score(values, [str(n // 10) for n in range(20)])
    assert alone.value == pairs.value == 0.5
    assert pairs.high - pairs.low > alone.high - alone.low
