"""`ModelIdentity`: which model said or was measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelIdentity:
    """Name, version and hash of a bundle, so that every figure and every reading can be traced to it."""

    name: str
    version: str
    """The package version that made it."""
    sha256: str
    """Of the plan's choices, the weights and the operating point."""
