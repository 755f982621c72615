"""Vectors as bytes: float32, little endian, so that a row and a log hold what the model saw."""

import struct
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]
_FLOAT32: Final = np.dtype("<f4")


def vector_of(numbers: Sequence[float]) -> Vector:
    """Numbers as float32, read only: `np.array` in half of its time.

    >>> vector_of([0.5, -2.0]).tolist()
    [0.5, -2.0]
    """
    return np.frombuffer(struct.pack(f"<{len(numbers)}f", *numbers), _FLOAT32)


def pack(vector: Vector) -> bytes:
    """A vector of float32 as bytes, four each.

    >>> pack(np.array([1.0], np.float32)).hex()
    '0000803f'
    """
    if vector.dtype is not _FLOAT32:  # of numpy's dtypes there is one each, and asking is quick
        vector = vector.astype(_FLOAT32, copy=False)
    return vector.tobytes()


def unpack(packed: bytes) -> Vector:
    """The vector that `pack` wrote; read only.

    >>> unpack(pack(np.array([0.5, -2.0], np.float32))).tolist()
    [0.5, -2.0]
    """
    return np.frombuffer(packed, _FLOAT32)
