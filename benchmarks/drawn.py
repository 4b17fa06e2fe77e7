"""Data that a benchmark makes where they are not there yet, phantoms or others put together anew, and how a command
names them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from one_command import DATA, EXAMPLES, folder_of, words_for


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

    @property
    def made_of(self) -> None:
        """Nothing has to be there."""

    def words_in(self, folder: Path) -> list[str]:
        """How a command names it, drawn in `folder` where it is not there."""
        place = folder / f"phantom-{self.kind}-{self.patients}"
        if not place.is_dir():
            if self.kind == "films":
                from hounsfield.datasets.phantom import write_phantom

                write_phantom(place, women=self.patients, size=(512, 384))
            else:
                from hounsfield.datasets.phantom3d import write_phantom3d

                write_phantom3d(place, patients=self.patients)
        return [str(place / self.description)]


@dataclass(frozen=True)
class PutTogether:
    """What a script among the examples makes of other data."""

    example: str
    """The script's name, and that of the description of what it makes."""
    data: str
    """Name of the folder that it is given."""
    words: str

    @property
    def made_of(self) -> Path:
        """What has to be there."""
        return DATA / self.data

    def words_in(self, folder: Path) -> list[str]:
        """How a command names it, made in `folder` where it is not there."""
        place = folder / self.example
        if not place.is_dir():
            script = EXAMPLES / f"{self.example}.py"
            half = place.with_name(f"{place.name}.part")
            subprocess.run([sys.executable, str(script), str(self.made_of), "-o", str(half)], check=True)
            half.rename(place)
        return [str(EXAMPLES / f"{self.example}.toml"), "--root", str(place)]


Made = Mapping[str, Drawn | PutTogether]
"""By name; all other names are examples."""


def data_folder(data: str, made: Made) -> Path | None:
    """What has to be there for some data; None where nothing has to."""
    return made[data].made_of if data in made else folder_of(data)


def words_of(data: str, made: Made, folder: Path) -> list[str]:
    """How a command names an example, or what is made in `folder`."""
    return made[data].words_in(folder) if data in made else words_for(data)
