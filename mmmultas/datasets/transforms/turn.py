"""The image and its maps turned about their centre."""
import random
from collections.abc import Sequence

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from mmmultas.registry import TRANSFORMS
from mmmultas.utils.errors import ConfigError

from .labels import Results, box_sets, each_map
from .views import move_view

__all__ = ['RandomTurn']


@TRANSFORMS.register_module()
class RandomTurn(BaseTransform):
    """Turn the image about its centre and scale it; it keeps its size.

    Image and normals are interpolated by cubic curves, other maps by the
    nearest pixel; normals turn with the image, and depth is divided by the
    scale. Boxes do not turn: around a turned object they would be loose.

    Args:
        angle: Degrees, up to which it is turned to either side.
        scales: Least and largest scale; one below 1 shows what is filled.
        img_fill: Grey level outside the image; labels get that of their
            kind.

    Raises:
        ConfigError: Numbers that are no angle or no scales.

    Source: SPEC-MTPSL 1, PASCAL-Context of the survey.
    """
    #: No view of two may turn: who compares them knows crops and mirrors.
    turns = True

    def __init__(self,
                 angle: float = 20.,
                 scales: Sequence[float] = (.75, 1.25),
                 img_fill: int = 114) -> None:
        if not _is_number(angle) or not 0 <= angle <= 180:
            raise ConfigError('`angle` of RandomTurn is a number of degrees '
                              f'from 0 to 180, not {angle!r}.')
        if not isinstance(scales, Sequence) or len(scales) != 2 or not all(
                map(_is_number, scales)) or not 0 < scales[0] <= scales[1]:
            raise ConfigError('`scales` of RandomTurn are the least and the '
                              'largest scale, such as (0.75, 1.25), not '
                              f'{scales!r}.')
        self.angle = angle
        self.scales = tuple(scales)
        self.img_fill = img_fill

    def transform(self, results: Results) -> Results:
        """Choose an angle and a scale, and turn."""
        angle = random.uniform(-self.angle, self.angle)
        return self.turn(results, angle, random.uniform(*self.scales))

    def turn(self, results: Results, angle: float, scale: float) -> Results:
        """Turn by degrees, against the clock, and scale.

        Raises:
            ConfigError: There are boxes.
        """
        for task, _ in box_sets(results):
            raise ConfigError(
                f'RandomTurn does not turn the boxes of {task!r}, which would '
                "be loose around turned objects: take 'mmmultas.CropExpand' "
                'in the pipelines of streams with boxes.')
        height, width = results['img'].shape[:2]
        centre = ((width - 1) / 2, (height - 1) / 2)
        matrix = cv2.getRotationMatrix2D(centre, angle, scale)
        results['img'] = cv2.warpAffine(
            results['img'], matrix, (width, height), flags=cv2.INTER_CUBIC,
            borderValue=[self.img_fill] * 3)
        for key, rule in each_map(results):
            results[key] = rule.zoom(rule.turn(results[key], matrix), scale)
        # from pixels whose centres are whole numbers to such at .5
        moved = np.vstack([matrix, [0, 0, 1]])
        moved[:2, 2] += .5 - matrix[:, :2] @ [.5, .5]
        move_view(results, moved)
        return results


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(
        value, bool) and np.isfinite(value)
