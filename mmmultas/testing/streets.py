"""Made-up frames in the layout of Cityscapes."""
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ['street_ids', 'write_cityscapes']

_SKY, _BUILDING, _POLE, _TREE, _ROAD = 23, 11, 17, 21, 7
_EGO, _PERSON, _CAR, _CARAVAN = 1, 24, 26, 29


def street_ids(size: tuple[int, int] = (64, 128),
               seed: int = 0) -> NDArray[np.uint16]:
    """Instance ids (H, W) of a street: 3 cars, a caravan, 2 crowds.

    Args:
        size: (height, width), at least (32, 64).
        seed: Of the cars' places.

    Returns:
        Ids as Cityscapes writes them; ``ids // 1000`` where that is not 0,
        else ``ids``, is the label id.
    """
    height, width = size
    y, x = height // 8, width // 16
    ids = np.full(size, _ROAD, np.uint16)
    ids[:3 * y] = _SKY
    ids[2 * y:4 * y, :6 * x] = _BUILDING
    ids[2 * y:4 * y, 12 * x:] = _TREE
    ids[y:5 * y, 6 * x:6 * x + max(1, x // 4)] = _POLE
    ids[3 * y:5 * y, x:2 * x] = ids[3 * y:5 * y, 14 * x:15 * x] = _PERSON
    ids[3 * y:4 * y, 8 * x:10 * x] = _CARAVAN * 1000
    rng = np.random.default_rng(seed)
    for number in range(3):
        left = (1 + 5 * number) * x + int(rng.integers(x))
        ids[5 * y:6 * y, left:left + 2 * x] = _CAR * 1000 + number
    ids[7 * y:] = _EGO
    return ids


def _disparity(size: tuple[int, int], number: int) -> NDArray[np.uint16]:
    """256 · d + 1 of a ground that comes nearer; the sky is not known."""
    ramp = np.linspace(0, 90 + number, size[0])
    values = np.rint(256 * ramp + 1).astype(np.uint16)
    values[:size[0] // 8 * 3] = 0
    return np.repeat(values[:, None], size[1], 1)


def write_cityscapes(root: str | Path,
                     frames: dict[str, int] | None = None,
                     size: tuple[int, int] = (64, 128),
                     cities: Sequence[str] = ('aachen', 'bochum')) -> None:
    """Write images, labels and instances of ``frames`` (split → number).

    Args:
        root: Gets ``leftImg8bit``, ``gtFine`` and ``disparity``.
        frames: By default 4 of 'train' and 2 of 'val'.
        size: (height, width) in pixels.
        cities: Frames go to them in turn.
    """
    for split, count in (frames or dict(train=4, val=2)).items():
        for number in range(count):
            city = cities[number % len(cities)]
            name = f'{split}/{city}/{city}_{number:06d}_000019'
            ids = street_ids(size, number)
            labels = np.where(ids < 1000, ids, ids // 1000).astype(np.uint8)
            # a grey level per label, and some noise
            rng = np.random.default_rng(number)
            noise = rng.integers(0, 24, (*size, 3), dtype=np.uint8)
            image = noise + (labels * 7)[..., None]
            for kind, suffix, picture in (
                ('leftImg8bit', 'leftImg8bit', image),
                ('gtFine', 'gtFine_labelIds', labels),
                ('gtFine', 'gtFine_instanceIds', ids),
                ('disparity', 'disparity', _disparity(size, number))):
                path = Path(root) / kind / f'{name}_{suffix}.png'
                path.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(path), picture)
