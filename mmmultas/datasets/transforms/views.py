"""Two views of an image: a plain one for a teacher, another to learn from."""
from collections.abc import Sequence
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform, Compose

from mmmultas.registry import TRANSFORMS
from mmmultas.utils.errors import ConfigError

from .alignment import loses_view
from .labels import Results

__all__ = ['KeepTeacherView', 'TeacherView', 'move_view', 'view_steps']


@TRANSFORMS.register_module()
class KeepTeacherView(BaseTransform):
    """The teacher sees the image as it is here; what follows it does not.

    Place it behind the transforms that move the image and before those that
    change its colours: both views have one geometry.
    """

    def transform(self, results: Results) -> Results:
        """Keep the image."""
        results['teacher_img'] = results['img']
        results['from_teacher'] = np.eye(3)
        return results


@TRANSFORMS.register_module()
class TeacherView(BaseTransform):
    """The teacher sees the image as other transforms move it.

    They see the image and no label. Labels of the teacher are carried over
    by the matrix that leads from its view to the one that is learnt from;
    this package's transforms that move the image keep it.

    Args:
        transforms: Configs of what makes the teacher's view, a resize last.

    Raises:
        ConfigError: One of another package that moves the image: where to,
            it does not say; or one that turns it.
    """

    def __init__(self, transforms: list[dict[str, Any]]) -> None:
        self.transforms = view_steps('TeacherView', transforms)

    def transform(self, results: Results) -> Results:
        """Make the teacher's view of the image."""
        kept = ('img', 'img_shape', 'ori_shape', 'img_path', 'scale_factor')
        view = {k: results[k] for k in kept if k in results}
        view.update(tasks=(), from_teacher=np.eye(3))
        view = self.transforms(view)
        results['teacher_img'] = view['img']
        # from the teacher's view back to the image that both start from
        results['from_teacher'] = np.linalg.inv(view['from_teacher'])
        return results


def view_steps(name: str, transforms: Sequence[dict[str, Any]]) -> Compose:
    """Build what makes a view of another one.

    Args:
        name: Of the transform that makes it, for messages.
        transforms: Their configs.

    Raises:
        ConfigError: One that does not say where it moves the image, or that
            turns it.
    """
    steps = Compose(list(transforms))
    for step in steps.transforms:
        why = None
        if loses_view(type(step), cut=True):
            why = 'does not say where it moves the image'
        elif getattr(step, 'turns', False):
            why = 'turns the image, which no comparison of views follows'
        if why is not None:
            raise ConfigError(
                f'`transforms` of {name} has {type(step).__name__}, which '
                f"{why}: take 'mmmultas.ZoomCrop', 'mmmultas.CropExpand', "
                "'mmmultas.RandomFlip' and 'mmmultas.Squash'.")
    return steps


def move_view(results: Results, matrix: Any) -> None:
    """Follow a transform that maps points (x, y, 1) of the image.

    Args:
        results: What the pipeline carries.
        matrix: (3, 3), in pixels whose centres are at .5.
    """
    if 'from_teacher' in results:
        results['from_teacher'] = np.asarray(matrix) @ results['from_teacher']
