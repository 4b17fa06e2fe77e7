"""The array types used in signatures, in one place."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.floating[Any]]
IntArray: TypeAlias = NDArray[np.integer[Any]]
BoolArray: TypeAlias = NDArray[np.bool_]
VoxelArray: TypeAlias = NDArray[Any]
"""Real numbers of any type: uint8, uint16, int16, float32 …"""
