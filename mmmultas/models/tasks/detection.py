"""Detection: any mmdet dense head."""
from collections.abc import Mapping
from typing import Any

import torch
from mmcv.ops import batched_nms
from mmdet.models.dense_heads.base_dense_head import BaseDenseHead
from mmdet.models.utils import unpack_gt_instances
from mmdet.registry import MODELS
from mmdet.structures import SampleList
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmmultas.registry import MODELS as OUR_MODELS, TASKS
from mmmultas.structures import BOXES, pred_field
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.precision import full_precision, in_full

from .base import Levels, Read, Task, outputs_in_full
from .known_heads import check_dense_head
from .score_maps import check_scores, filled_boxes, score_map

__all__ = ['DetectionTask']


@TASKS.register_module(name=BOXES)
class DetectionTask(Task):
    """Adapter of dense heads.

    Args:
        cfg: Config of a dense head, with ``train_cfg`` and ``test_cfg``
            inside, and optionally ``in_index``, the levels that it reads,
            and ``join``, the config of a module that brings what the head
            reads besides the neck's levels into these
            (:class:`~mmmultas.models.heads.join.AddPooled`).
        name: The task's name.
    """
    kind = BOXES
    scope = 'mmdet'
    stock_head = BaseDenseHead

    def __init__(self, cfg: Mapping[str, Any], name: str = '') -> None:
        super().__init__(cfg, name)
        self.in_index = self.cfg.pop('in_index', None)
        self.join = self.cfg.pop('join', None)

    def build_head(self) -> nn.Module:
        """Build under mmdet's scope.

        Raises:
            ConfigError: A head that cannot learn from boxes alone.
        """
        check_dense_head(self.cfg, MODELS, self.key)
        head: Any = MODELS.build(dict(self.cfg, _scope_=self.scope))
        if not hasattr(head, 'loss_cls'):
            head.loss_cls = None  # SSDHead's prediction asks for it
        if self.join is not None:
            # a part of the head: trained and saved with it
            head.join = OUR_MODELS.build(dict(self.join))
        built: nn.Module = head
        return built

    def select(self, head: Any, feats: Levels) -> Levels:
        """The levels of ``in_index``, default all, joined by ``join``."""
        if self.in_index is not None:
            feats = tuple(feats[i] for i in self.in_index)
        return feats if self.join is None else head.join(feats)

    def reads(self, head: Any, count: int) -> set[int]:
        """The levels of ``in_index``, default all."""
        if self.in_index is None:
            return set(range(count))
        return {i % count for i in self.in_index}

    def map_channels(self, head: Any) -> int:
        """Its classes.

        Raises:
            ConfigError: It gives no raw scores of classes.
        """
        return check_scores(head, self.key)

    def said_map(self, head: Any, outputs: Any,
                 size: tuple[int, int]) -> Tensor:
        """The best score of each class at every pixel."""
        with full_precision():
            return score_map(in_full(outputs), head.num_classes, size,
                             self.key)

    def shown_label(self, head: Any, samples: SampleList) -> Tensor:
        """1 inside of boxes of a class."""
        size = samples[0].metainfo['batch_input_shape']
        for sample in samples:
            self.checked(self.view(sample))
        return filled_boxes([self.view(s) for s in samples],
                            head.num_classes, (size[0], size[1]))

    def head_loss(self, head: Any, read: Read,
                  samples: SampleList) -> dict[str, Any]:
        """Losses of a dense head."""
        for sample in samples:
            self.checked(sample)
        losses: dict[str, Any]
        if read.outputs is None or not self.splits(head):
            losses = head.loss(self.select(head, read.inputs), samples)
        else:
            gts, ignored, metas = unpack_gt_instances(samples)
            losses = head.loss_by_feat(*read.outputs, gts, metas, ignored)
        if any(len(sample.gt_instances) for sample in samples):
            return losses
        # its sums over all anchors were divided by 1
        return {name: _shared(loss, len(samples) * _per_place(head))
                for name, loss in losses.items()}

    def predict(self, head: Any, read: Read, samples: SampleList) -> None:
        """Write ``pred_instances`` in the original image's pixels."""
        for sample, instances in zip(samples,
                                     self._found(head, read, samples)):
            setattr(sample, pred_field(self.name), instances)

    def check_flip(self, head: Any) -> None:
        """Boxes are joined by the head's own NMS, so it must have one."""
        _nms_of(head, self.key)

    def predict_flipped(self, head: Any, read: Read, mirrored: Read,
                        samples: SampleList) -> None:
        """Join the boxes of both views by the head's NMS, class by class."""
        nms, limit = _nms_of(head, self.key)
        views = zip(
            self._found(head, read, samples),
            self._found(head, mirrored, samples))
        for sample, (seen, other) in zip(samples, views):
            width = sample.metainfo['ori_shape'][1]
            other.bboxes = _mirrored(other.bboxes, width)
            setattr(sample, pred_field(self.name),
                    _merged(seen, other, nms, limit))

    def _found(self, head: Any, read: Read,
               samples: SampleList) -> list[InstanceData]:
        for sample in samples:
            if 'border' not in sample.metainfo:  # CenterNetHead subtracts it
                sample.set_metainfo(dict(border=(0, 0, 0, 0)))
        found: list[InstanceData]
        if read.outputs is not None and self.splits(head):
            with full_precision():
                found = head.predict_by_feat(
                    *in_full(read.outputs),
                    batch_img_metas=[s.metainfo for s in samples],
                    rescale=True)
            return found
        with outputs_in_full(head):
            found = head.predict(
                self.select(head, read.inputs), samples, rescale=True)
        return found


def _shared(loss: Any, count: int) -> Any:
    if isinstance(loss, list | tuple):
        return [part / count for part in loss]
    return loss / count


def _per_place(head: Any) -> int:
    """Anchors of one place of a stock head, 1 where it has none."""
    count = getattr(head, 'num_base_priors', 1)
    return int(count[0] if isinstance(count, list | tuple) else count)


def _nms_of(head: Any, key: str) -> tuple[dict[str, Any], int]:
    """The NMS settings of a head, and how many boxes it gives at most.

    Raises:
        ConfigError: The head has none, or one that does not go by class.
    """
    cfg = dict(getattr(head, 'test_cfg', None) or {})
    nms = cfg.get('nms')
    if nms is None and 'iou_threshold' in cfg:
        nms = dict(type='nms', iou_threshold=cfg['iou_threshold'])
    name = type(head).__name__
    if nms is None:
        raise ConfigError(
            'Flip test-time augmentation joins boxes by non-maximum '
            f'suppression, but `{key}.test_cfg` of the {name} has '
            'no `nms`: switch it off for this model.')
    if cfg.get('class_agnostic') or nms.get('class_agnostic'):
        raise ConfigError(
            'Flip test-time augmentation joins boxes class by class, but '
            f'`{key}.test_cfg.class_agnostic` of the {name} is on: '
            'switch one of them off.')
    return dict(nms), int(cfg.get('max_per_img', -1))


def _mirrored(boxes: Tensor, width: float) -> Tensor:
    """Mirror (M, 4) xyxy boxes in an image of ``width`` pixels."""
    x1, y1, x2, y2 = boxes.unbind(-1)
    return torch.stack([width - x2, y1, width - x1, y2], -1)


def _merged(seen: InstanceData, other: InstanceData, nms: dict[str, Any],
            limit: int) -> InstanceData:
    boxes = torch.cat([seen.bboxes, other.bboxes])
    scores = torch.cat([seen.scores, other.scores])
    labels = torch.cat([seen.labels, other.labels])
    if len(boxes):
        # batched_nms takes the entries of its settings out
        found, keep = batched_nms(boxes, scores, labels, dict(nms))
        boxes, scores, labels = found[:, :4], found[:, 4], labels[keep]
    if limit >= 0:
        boxes, scores, labels = boxes[:limit], scores[:limit], labels[:limit]
    return InstanceData(bboxes=boxes, scores=scores, labels=labels)
