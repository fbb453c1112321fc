"""Maps of vectors, plane by plane: NumPy sums over three channels slowly."""
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ['known_vectors', 'unit_vectors', 'vector_lengths']

#: Vectors shorter than this have no direction.
_SHORTEST = 1e-6


def vector_lengths(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Lengths (H, W) of vectors (H, W, 3).

    Example:
        >>> vector_lengths(np.float32([[[3, 0, 4]]])).tolist()
        [[5.0]]
    """
    x, y, z = cv2.split(vectors)
    return np.asarray(np.sqrt(x * x + y * y + z * z), np.float32)


def known_vectors(vectors: NDArray[Any]) -> NDArray[np.bool_]:
    """Pixels (H, W) of a map (H, W, 3) that are not (0, 0, 0)."""
    x, y, z = cv2.split(vectors)
    return np.asarray((x != 0) | (y != 0) | (z != 0))


def unit_vectors(
    vectors: NDArray[np.float32],
    known: NDArray[np.bool_],
    lengths: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """Vectors of length 1, and (0, 0, 0) elsewhere.

    Args:
        vectors: (H, W, 3) float32.
        known: (H, W): pixels that have a direction; those shorter than 1e-6
            have none whatever it says.
        lengths: (H, W), where they have been found already.

    Returns:
        (H, W, 3) float32.
    """
    if lengths is None:
        lengths = vector_lengths(vectors)
    known = known & (lengths >= _SHORTEST)
    share = known / np.maximum(lengths, np.float32(_SHORTEST))
    planes = [plane * share for plane in cv2.split(vectors)]
    return np.asarray(cv2.merge(planes), np.float32)
