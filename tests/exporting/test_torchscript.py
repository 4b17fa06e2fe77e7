"""TorchScript opens without our code, answers any number of images, and is refused when it would answer otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from hounsfield.errors import ExportError
from hounsfield.exporting.torchscript import write_torchscript


class Normalising(nn.Module):
    """Divides by the spread of all images together when they are many: what is traced with two is wrong for five."""

    def forward(self, images: Tensor) -> Tensor:
        flat = images.flatten(1)
        return flat if len(images) < 3 else flat / 2


class Listing(nn.Module):
    """Answers what no trace can hold."""

    def forward(self, images: Tensor) -> set[int]:
        return {len(images)}


@pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning")
def test_it_opens_and_answers_as_before(tmp_path: Path) -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 2)).eval()
    write_torchscript(network, tmp_path / "model.ts", input_shape=(1, 4, 4), extra={"said.txt": "something"})
    extra = {"said.txt": ""}
    opened = torch.jit.load(tmp_path / "model.ts", _extra_files=extra)
    images = torch.randn(7, 1, 4, 4)
    torch.testing.assert_close(opened(images), network(images))
    assert extra["said.txt"] == b"something"


def test_what_depends_on_the_number_of_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="answers otherwise, by"):
        write_torchscript(Normalising().eval(), tmp_path / "model.ts", input_shape=(1, 4, 4))


def test_what_cannot_be_traced_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="torch cannot write this network as TorchScript: "):
        write_torchscript(Listing().eval(), tmp_path / "model.ts", input_shape=(1, 4, 4))
