"""The moving average of a network, as a teacher of that network."""
from collections.abc import Sequence
from typing import Any

import torch
from mmdet.structures import SampleList
from mmengine.structures import InstanceData
from torch import Tensor

from mmmultas.utils.errors import ConfigError
from mmmultas.utils.precision import full_precision, in_full


__all__ = ['Average', 'check_detects']


def check_detects(head: Any, name: str, key: str) -> None:
    """Refuse a head that does not say how it makes boxes of its outputs.

    Args:
        head: A head of boxes.
        name: Its config key, for messages.
        key: What asks for its boxes, for messages.

    Raises:
        ConfigError: It is such a head.
    """
    if getattr(head, 'test_cfg', None) is None:
        raise ConfigError(
            f'`{key}` asks for the boxes that `{name}` predicts, and it has '
            "no `test_cfg`: give it one, such as test_cfg=dict(nms_pre=1000, "
            "score_thr=0.05, nms=dict(type='nms', iou_threshold=0.5), "
            'max_per_img=100).')


class Average:
    """Holds the copy that ``EMAHook`` keeps.

    No module: so it is in no checkpoint of its companion, in no optimizer,
    and copies of the companion share it.

    Args:
        key: Config key of the companion, for messages.
    """

    def __init__(self, key: str) -> None:
        self.key = key
        self._model: Any = None

    def __deepcopy__(self, memo: Any) -> 'Average':
        return self

    def meet(self, model: Any) -> None:
        """Take the copy.

        Raises:
            ConfigError: There is none.
        """
        if model is None:
            raise ConfigError(
                f'`{self.key}` asks the moving average of the network, and '
                'no hook keeps one: add '
                "custom_hooks=[dict(type='EMAHook', "
                "ema_type='ExpMomentumEMA', momentum=0.001, "
                'update_buffers=True)].')
        model.eval()
        self._model = model

    @torch.no_grad()
    def outputs(self, tasks: Sequence[str],
                inputs: Tensor) -> dict[str, Any]:
        """Raw outputs of heads by task, float32, without gradient.

        Args:
            tasks: Names of tasks.
            inputs: (N, 3, H, W), normalised.

        Raises:
            ConfigError: No training has handed the average over.
        """
        self._check()
        found: dict[str, Any] = in_full(
            self._model.raw_outputs(self._model.encode(inputs), tasks))
        return found

    @torch.no_grad()
    def detect(self, task: str, inputs: Tensor,
               samples: SampleList) -> list[InstanceData]:
        """Boxes, scores and labels of N images, in input pixels.

        Args:
            task: A task of boxes.
            inputs: (N, 3, H, W), normalised.
            samples: N samples; only the metainfo is read.
        """
        return self.boxes(task, self.outputs([task], inputs)[task], samples)

    def boxes(self, task: str, outputs: Any,
              samples: SampleList) -> list[InstanceData]:
        """:meth:`detect` of raw outputs."""
        self._check()
        metas = [dict(s.metainfo, border=(0, 0, 0, 0)) for s in samples]
        with torch.no_grad(), full_precision():
            found: list[InstanceData] = self._model.heads[
                task].predict_by_feat(*outputs, batch_img_metas=metas,
                                      rescale=False)
        return found

    def _check(self) -> None:
        if self._model is None:
            raise ConfigError(
                f'`{self.key}` has not been handed the moving average, which '
                'a runner with an `EMAHook` does before the first update.')
