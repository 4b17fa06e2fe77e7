"""`Untouched`: what a network is given beside images and mixed precision must leave as it is."""

from __future__ import annotations

from typing import Generic, TypeVar

Value = TypeVar("Value")


class Untouched(Generic[Value]):
    """A value in a class that is no collection, so that nobody looks for tensors in it.

    In bfloat16, which keeps 8 bits of a number, a place would be rounded to the nearest of some hundred.
    """

    def __init__(self, value: Value) -> None:
        """Hold it."""
        self.value = value
