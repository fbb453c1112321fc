"""A few validation images in every epoch, for TensorBoard and the run."""
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from numpy.typing import NDArray

from mmmultas.registry import HOOKS
from mmmultas.utils.errors import ConfigError, DataError
from mmmultas.utils.pictures import read_rgb

__all__ = ['ValidationPictureHook']


@HOOKS.register_module()
class ValidationPictureHook(Hook):
    """Hand the first images of a validation to the visualizer's backends.

    Ground truth and predictions side by side, the same images after every
    epoch: TensorBoard shows them as a film, ``vis_data/vis_image`` keeps
    them as files.

    Args:
        number: Images per validation; 0 for none.
        score_thr: Boxes under this score are not drawn.

    Raises:
        ConfigError: A number that is none.
    """
    # while EMA's weights are in the model, and before the metrics
    priority = 'NORMAL'

    def __init__(self, number: int = 4, score_thr: float = 0.3) -> None:
        if isinstance(number, bool) or not isinstance(
                number, int) or number < 0:
            raise ConfigError('`number` of ValidationPictureHook is a number '
                              f'of images, at least 0, not {number!r}.')
        self.number = number
        self.score_thr = score_thr
        self._drawn = 0

    def before_val_epoch(self, runner: Any) -> None:
        """Start again with the first image."""
        self._drawn = 0
        if hasattr(runner.visualizer, 'compare'):
            runner.visualizer.dataset_meta = (
                runner.val_dataloader.dataset.metainfo)
        elif self.number:
            runner.logger.warning(
                'ValidationPictureHook draws with mmmultas.'
                f'MultiTaskVisualizer, but `visualizer` is a '
                f'{type(runner.visualizer).__name__}: no pictures.')
            self.number = 0

    def after_val_iter(self,
                       runner: Any,
                       batch_idx: int,
                       data_batch: Any = None,
                       outputs: Any = None) -> None:
        """Draw the images of a batch that are still wanted."""
        if not is_main_process():
            return
        for place, sample in enumerate(outputs or ()):
            if self._drawn >= self.number:
                return
            image = _image_of(runner, sample, data_batch, place)
            if image is None:
                continue
            name = Path(str(sample.metainfo.get('img_path', place))).stem
            runner.visualizer.add_datasample(
                f'val_{self._drawn}_{name}',
                image,
                sample.cpu(),
                pred_score_thr=self.score_thr,
                step=runner.epoch)
            self._drawn += 1


def _image_of(runner: Any, sample: Any, batch: Any,
              place: int) -> NDArray[np.uint8] | None:
    """The picture in the size of its labels, RGB; None if there is none."""
    meta = sample.metainfo
    try:
        return read_rgb(str(meta['img_path']), meta.get('exif', True))
    except (DataError, KeyError):  # a drawn data set
        planes = batch['inputs'][place]
    if tuple(planes.shape[-2:]) != tuple(meta['ori_shape'][:2]):
        return None
    model = runner.model.module if is_model_wrapper(
        runner.model) else runner.model
    swapped = getattr(model.data_preprocessor, '_channel_conversion', True)
    image = planes.cpu().numpy().astype(np.uint8).transpose(1, 2, 0)
    return np.ascontiguousarray(image[..., ::-1] if swapped else image)
