"""`Package`: each package Hounsfield asks for, its version here, and whether it can really be imported."""

from __future__ import annotations

import importlib
import importlib.metadata
import warnings
from collections.abc import Iterable
from dataclasses import dataclass

from hounsfield.progress import track

MODULE_OF = {
    "opencv-python-headless": "cv2",
    "pillow": "PIL",
    "pylibjpeg-openjpeg": "openjpeg",
    "pylibjpeg-rle": "rle",
    "python-gdcm": "gdcm",
    "simpleitk": "SimpleITK",
}
"""Module to import of each package whose module is not called like it."""

FOR_DEVELOPERS = {"test", "docs", "bench"}
"""Extras of interest only to those who work on Hounsfield itself."""


@dataclass(frozen=True)
class Package:
    """A package Hounsfield asks for."""

    name: str
    asked: str
    """Which versions, for instance ">=3.0"; empty when any."""
    extra: str
    """The extra that asks for it; empty for what Hounsfield cannot do without."""
    version: str
    """The version here; empty when it is not installed."""
    fault: str
    """Why it cannot be used; empty when all is well."""

    @property
    def requirement(self) -> str:
        """What to give to pip."""
        return f"{self.name}{self.asked}"


def check_packages(requirements: Iterable[str] | None = None) -> tuple[Package, ...]:
    """Each package asked for, installed or not, in the order they are asked for.

    Args:
        requirements: As in a package's metadata, for instance `"wsidicom>=0.20; extra == 'pathology'"`; Hounsfield's
            own when None.
    """
    from packaging.requirements import Requirement

    asked = list(requirements if requirements is not None else importlib.metadata.requires("hounsfield") or [])
    checked = []
    for text in track(asked, "trying packages"):
        requirement = Requirement(text)
        extra = _extra_of(text)
        if extra in FOR_DEVELOPERS or not (extra or requirement.marker is None or requirement.marker.evaluate()):
            continue
        version = _version(requirement.name)
        if not version:
            fault = "not installed"
        elif not requirement.specifier.contains(version, prereleases=True):
            fault = f"version {version} is installed, {requirement.specifier} is needed"
        else:
            fault = _import_fault(MODULE_OF.get(requirement.name, requirement.name.replace("-", "_")))
        checked.append(Package(requirement.name, str(requirement.specifier), extra, version, fault))
    return tuple(checked)


def _extra_of(requirement: str) -> str:
    """The name in `…; extra == "name"`, which the metadata of every optional requirement ends with."""
    _, found, rest = requirement.partition("extra ==")
    return rest.strip().strip("\"')") if found else ""


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _import_fault(module: str) -> str:
    """Why `module` cannot be imported, empty when it can.

    Two builds that do not belong together fail with whatever their loader raises, so every exception counts.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            importlib.import_module(module)
    except Exception as error:
        return f"installed, but cannot be imported: {error}".splitlines()[0]
    return ""
