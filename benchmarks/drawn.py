"""Phantoms as data of a benchmark: drawn where they are not there yet, and named as a command names them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from one_command import folder_of, words_for


@dataclass(frozen=True)
class Drawn:
    """A phantom, and which of its descriptions is learned."""

    description: str
    """File name in its folder."""
    patients: int
    kind: Literal["films", "volumes"] = "films"

    @property
    def words(self) -> str:
        """What it is, for a note."""
        what = "women at 512 x 384 pixels" if self.kind == "films" else "abdomens, CT at 4 x 2.4 x 2.4 mm"
        return f"{self.patients} {what}"

    def description_in(self, folder: Path) -> Path:
        """Its description in `folder`, which is drawn where it is not there."""
        place = folder / f"phantom-{self.kind}-{self.patients}"
        if not place.is_dir():
            if self.kind == "films":
                from hounsfield.datasets.phantom import write_phantom

                write_phantom(place, women=self.patients, size=(512, 384))
            else:
                from hounsfield.datasets.phantom3d import write_phantom3d

                write_phantom3d(place, patients=self.patients)
        return place / self.description


def data_folder(data: str, phantoms: dict[str, Drawn]) -> Path | None:
    """Where data that are not drawn lie; None where they are."""
    return None if data in phantoms else folder_of(data)


def words_of(data: str, phantoms: dict[str, Drawn], folder: Path) -> list[str]:
    """How a command names an example, or a phantom that is drawn in `folder`."""
    return [str(phantoms[data].description_in(folder))] if data in phantoms else words_for(data)
