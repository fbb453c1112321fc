"""The crops of MTPSL, and a second view that is made of the first."""
import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from mmcv.transforms import BaseTransform
from numpy.typing import NDArray

from mmmultas.registry import TRANSFORMS
from mmmultas.utils.errors import ConfigError

from .geometry import Squash, cut_all
from .labels import Results, each_map
from .rules import NormalRule
from .views import view_steps

__all__ = ['SecondView', 'ZoomCrop', 'aligned_resize']


def aligned_resize(values: NDArray[Any], size: tuple[int, int]
                   ) -> NDArray[np.float32]:
    """Bilinear with corners at the centres of the corner pixels, float32.

    Args:
        values: (H, W, C).
        size: (height, width).
    """
    planes = torch.from_numpy(np.asarray(values, np.float32).copy())
    out = F.interpolate(planes.permute(2, 0, 1)[None], size, mode='bilinear',
                        align_corners=True)
    return np.ascontiguousarray(out[0].permute(1, 2, 0).numpy())


@TRANSFORMS.register_module()
class ZoomCrop(BaseTransform):
    """Cut a part, some times smaller than the image, and enlarge it again.

    SPEC-MTPSL 1: the image keeps its size; labels move by the rules of their
    kinds.

    Args:
        scales: By one of them, all alike, the part is enlarged.
        released: Whether image and normals are resized as in the released
            code: corners aligned, and normals blended with what is invalid
            and not of length 1 again.
        depth: ``'divide'``: what comes closer is nearer. ``'multiply'``
            suits a disparity, which grows. The released code divides both.

    Raises:
        ConfigError: A scale below 1, or another word.
    """

    def __init__(self,
                 scales: Sequence[float] = (1., 1.2, 1.5),
                 released: bool = False,
                 depth: str = 'divide') -> None:
        if not isinstance(scales, Sequence) or not scales or not all(
                isinstance(x, int | float) and not isinstance(x, bool)
                and 1 <= x < float('inf') for x in scales):
            raise ConfigError('`scales` of ZoomCrop are numbers from 1 on, '
                              f'not {scales!r}.')
        if depth not in ('divide', 'multiply'):
            raise ConfigError("`depth` of ZoomCrop is 'divide' or "
                              f"'multiply', not {depth!r}.")
        if not isinstance(released, bool):
            raise ConfigError('`released` of ZoomCrop is True or False, not '
                              f'{released!r}.')
        self.scales = tuple(scales)
        self.released = released
        self.depth = depth

    def transform(self, results: Results) -> Results:
        """Choose a part, and cut it."""
        height, width = results['img'].shape[:2]
        scale = random.choice(self.scales)
        y = random.randint(0, height - int(height / scale))
        x = random.randint(0, width - int(width / scale))
        return self.cut(results, scale, y, x)

    def cut(self, results: Results, scale: float, y: int,
            x: int) -> Results:
        """Cut the part that begins at row ``y`` and column ``x``."""
        height, width = size = results['img'].shape[:2]
        h, w = int(height / scale), int(width / scale)
        zoom = scale if self.depth == 'divide' else 1 / scale
        results = cut_all(results, (x, y, x + w, y + h), zoom)
        if not self.released:
            return Squash(size)(results)
        fields = {key: results[key] for key, rule in each_map(results)
                  if isinstance(rule, NormalRule)}
        image = results['img']
        results = Squash(size)(results)
        levels = aligned_resize(image, size)
        results['img'] = np.rint(levels).astype(np.uint8)
        for key, values in fields.items():
            results[key] = aligned_resize(values, size)
        return results


@TRANSFORMS.register_module()
class SecondView(BaseTransform):
    """Another view of the image goes along, with the labels it has.

    Both pass the network together, as images of one batch. Companions that
    compare tasks look at the second view; heads learn from the labels of the
    first one. Place it before ``PackInputs``.

    Args:
        transforms: Configs of what makes the second view of the first.
        supervised: Whether heads learn from the second view, too.

    Raises:
        ConfigError: A transform that does not say where it moves the image,
            or that turns it.
    """

    def __init__(self,
                 transforms: Sequence[dict[str, Any]],
                 supervised: bool = False) -> None:
        self.transforms = view_steps('SecondView', transforms)
        self.supervised = supervised

    def transform(self, results: Results) -> Results:
        """Make the second view."""
        view = {k: v for k, v in results.items() if k != 'teacher_img'}
        view.update(img=results['img'].copy(), from_teacher=np.eye(3),
                    nearer=1.)
        size = results['img'].shape
        view = self.transforms(view)
        if view['img'].shape != size:
            raise ConfigError(
                f'SecondView made {view["img"].shape[:2]} of {size[:2]} '
                'pixels, and both views are one batch: end its `transforms` '
                "with dict(type='mmmultas.Squash', size=...).")
        matrix = view.pop('from_teacher')
        view.update(from_first=matrix, supervised=self.supervised)
        results['second_view'] = view
        return results

