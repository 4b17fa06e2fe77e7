"""Colours that all pictures share."""

from __future__ import annotations

from typing import TypeAlias

Colour: TypeAlias = tuple[int, int, int]
"""Red, green and blue, of 255."""

DARK: Colour = (8, 12, 16)
"""Where there is nothing; under words and beside lines, so that they are seen on any tissue."""
