"""Tables alone and beside images: missing values, modality dropout, what is joined, stages."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from hounsfield.errors import ShapeError
from hounsfield.networks.multiple_instance import MultipleInstance
from hounsfield.networks.perceptron import Fusion, Normalisation, Perceptron
from hounsfield.networks.residual import ResidualNet

pytestmark = pytest.mark.usefixtures("one_thread")

NAN = torch.nan


def image_network() -> ResidualNet:
    return ResidualNet(dims=2, channels=1, outputs=2, widths=(4, 6), blocks=(1, 1))


def fusion(**options: float) -> Fusion:
    torch.manual_seed(0)
    return Fusion(image=image_network(), columns=3, outputs=2, width=8, **options)  # type: ignore[arg-type]


def fitted(network: nn.Module, inputs: tuple[Tensor, ...], targets: Tensor, steps: int) -> nn.Module:
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.01)
    for _ in range(steps):
        loss = nn.functional.cross_entropy(network(*inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network.eval()


def parameters_of(stages: list[list[nn.Module]]) -> list[int]:
    return sorted(id(value) for stage in stages for module in stage for value in module.parameters())


def test_a_missing_value_is_the_learned_one_of_its_column() -> None:
    network = Perceptron(columns=3, outputs=2).eval()
    with torch.no_grad():
        network.missing.values.copy_(torch.tensor([1.0, -2.0, 5.0]))
    table = torch.tensor([[NAN, 0.5, NAN], [0.0, NAN, 1.0]])
    filled = torch.tensor([[1.0, 0.5, 5.0], [0.0, -2.0, 1.0]])
    torch.testing.assert_close(network(table), network(filled))


def test_only_missing_values_teach_what_stands_in_for_them_and_no_gradient_is_nan() -> None:
    network = Perceptron(columns=3, outputs=2).train()
    table = torch.tensor([[NAN, 0.5, 1.0], [0.3, NAN, -1.0], [0.1, 0.2, 0.3]])
    network(table).square().sum().backward()
    gradient = network.missing.values.grad
    assert gradient is not None
    assert (gradient != 0).tolist() == [True, True, False]
    assert all(torch.isfinite(value.grad).all() for value in network.parameters() if value.grad is not None)


def test_rows_do_not_change_one_another_s_answers() -> None:
    network = Perceptron(columns=2, outputs=2).eval()
    table = torch.tensor([[0.5, NAN], [NAN, NAN], [3.0, -1.0]])
    torch.testing.assert_close(network(table), torch.cat([network(row[None]) for row in table]))


def test_an_exclusive_or_with_gaps_is_learned() -> None:
    torch.manual_seed(0)
    table = torch.randn(256, 2, generator=torch.Generator().manual_seed(1))
    table[::5, 1] = NAN  # where the second is missing the answer is the sign of the first
    targets = ((table[:, 0] > 0) ^ (table[:, 1] > 0)).long()
    network = fitted(Perceptron(columns=2, outputs=2, dropout=0.0), (table,), targets, steps=100)
    assert (network(table).argmax(dim=1) == targets).float().mean() > 0.95


def test_a_batch_of_one_row_is_learned_from_with_the_statistics_so_far() -> None:
    layer = Normalisation(2).train()
    layer(torch.tensor([[0.0, 1.0], [2.0, 3.0]]))
    before = layer.running_mean.clone()
    row = torch.tensor([[1.0, 2.0]])
    torch.testing.assert_close(layer(row), layer.eval()(row))
    assert torch.equal(layer.running_mean, before)


def test_both_features_are_joined_before_one_answer() -> None:
    network = fusion().eval()
    images, table = torch.rand(2, 1, 8, 8), torch.tensor([[0.1, NAN, 2.0], [0.0, 1.0, -1.0]])
    features = network.pooled(images, table)
    assert features.shape == (2, 6 + 8)
    torch.testing.assert_close(features[:, :6], network.feature_maps(images).mean(dim=(2, 3)))
    torch.testing.assert_close(features[:, 6:], network.perceptron.pooled(table))
    torch.testing.assert_close(network(images, table), network.answer(features))
    torch.testing.assert_close(network(images, table), network.head(network.feature_maps(images), table))
    assert (network.dims, network.channels, network.smallest_side) == (2, 1, 2)


def test_rows_are_left_out_in_training_and_never_in_evaluation() -> None:
    network = fusion(without_table=1.0, dropout=0.0)
    network.image.dropout = nn.Identity()
    images, table = torch.rand(4, 1, 8, 8), torch.randn(4, 3)
    torch.testing.assert_close(network(images, table), network(images, -table))
    network.eval()
    assert not torch.allclose(network(images, table), network(images, -table))
    torch.testing.assert_close(table, torch.nan_to_num(table))  # the caller's table is as it was


def test_rows_are_left_out_as_often_as_asked() -> None:
    network = fusion(without_table=0.25).train()
    seen: list[Tensor] = []
    network.perceptron.missing.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0]))
    network.head(torch.rand(4000, 6, 1, 1), torch.zeros(4000, 3))
    missing = torch.isnan(seen[0])
    assert torch.equal(missing.any(dim=1), missing.all(dim=1))
    assert float(missing.float().mean()) == pytest.approx(0.25, abs=0.03)


def test_what_neither_knows_alone_is_learned_from_both() -> None:
    generator = torch.Generator().manual_seed(0)
    bright, old = torch.randint(0, 2, (2, 64), generator=generator)
    images = torch.rand(64, 1, 8, 8, generator=generator) * 0.2 + bright.view(-1, 1, 1, 1) * 0.5
    table = torch.stack([old * 2.0 - 1, torch.randn(64, generator=generator), torch.full((64,), NAN)], dim=1)
    targets = bright + 2 * old
    torch.manual_seed(0)
    network = Fusion(image=image_network(), columns=3, outputs=4, width=8, dropout=0.0, without_table=0.0)
    fitted(network, (images, table), targets, steps=40)
    assert (network(images, table).argmax(dim=1) == targets).float().mean() > 0.95


def test_the_stages_hold_every_parameter_once_and_the_answer_is_the_last() -> None:
    alone, joined = Perceptron(columns=3, outputs=2), fusion()
    assert parameters_of(alone.stages()) == sorted(map(id, alone.parameters()))
    assert parameters_of(joined.stages()) == sorted(map(id, joined.parameters()))
    assert joined.stages()[-1] == [joined.answer]
    assert joined.stages()[0] == [joined.image.stem]
    assert joined.stages()[-2][-1] is joined.perceptron.exit


def test_a_table_stands_beside_a_volume_s_slices_too() -> None:
    slices = MultipleInstance(dims=3, channels=1, outputs=2, encoder=image_network(), attention=4)
    network = Fusion(image=slices, columns=3, outputs=5, width=8).eval()
    volumes, table = torch.rand(2, 1, 3, 8, 8), torch.randn(2, 3)
    assert network(volumes, table).shape == (2, 5)
    torch.testing.assert_close(network(volumes, table), network.answer(network.pooled(volumes, table)))
    assert parameters_of(network.stages()) == sorted(map(id, network.parameters()))


def test_tables_that_do_not_fit_are_refused_with_both_shapes() -> None:
    network = fusion()
    with pytest.raises(ShapeError, match=r"a table as \(N, 3\), not \(2, 4\)"):
        network(torch.rand(2, 1, 8, 8), torch.rand(2, 4))
    with pytest.raises(ShapeError, match="2 images and 1 rows"):
        network(torch.rand(2, 1, 8, 8), torch.rand(1, 3))
    with pytest.raises(ShapeError, match="one column or more, not 0"):
        Perceptron(columns=0, outputs=2)
