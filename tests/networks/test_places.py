import math

import torch

from hounsfield.networks.places import AnswerOfPlaces


def made() -> AnswerOfPlaces:
    """Of features that are a place's logits themselves: of nothing, and of two classes."""
    answer = AnswerOfPlaces(3, 2)
    answer.place.load_state_dict({"weight": torch.eye(3), "bias": torch.zeros(3)})
    return answer


NOTHING, FIRST, SECOND = [5.0, 0.0, 0.0], [0.0, 5.0, 0.0], [0.0, 0.0, 5.0]


def test_one_place_that_shows_a_class_is_enough() -> None:
    images = torch.tensor([[NOTHING] * 50 + [kind] for kind in (NOTHING, FIRST, SECOND)])
    neither, first, second = made()(images).tolist()
    assert neither[0] == neither[1]
    assert first[0] > first[1] + 3
    assert second[1] > second[0] + 3


def test_a_place_speaks_by_its_logit_against_all_others() -> None:
    place = torch.tensor([[[1.0, 2.0, 4.0]]])
    softmax = torch.softmax(place, dim=-1)[0, 0, 1:]
    torch.testing.assert_close(made()(place)[0], torch.logit(softmax))


def test_places_that_are_alike_answer_as_one_and_their_order_says_nothing() -> None:
    answer = AnswerOfPlaces(8, 4)
    features = torch.randn(2, 6, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(answer(features[:, :1].expand(-1, 9, -1)), answer(features[:, :1]))
    torch.testing.assert_close(answer(features.flip(1)), answer(features))


def test_scale_and_shift_are_of_each_class() -> None:
    answer, image = made(), torch.tensor([[SECOND]])
    before = answer(image)
    with torch.no_grad():
        answer.scale.copy_(torch.tensor([2.0, 1.0]))
        answer.shift.copy_(torch.tensor([0.0, 1.5]))
    torch.testing.assert_close(answer(image), before * torch.tensor([2.0, 1.0]) + torch.tensor([0.0, 1.5]))
    assert math.isfinite(answer(torch.full((1, 4, 3), 1e4)).sum().item())
