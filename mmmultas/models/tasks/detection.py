"""Detection: any mmdet dense head."""
from typing import Any

from mmdet.registry import MODELS
from torch import Tensor, nn

from mmmultas.registry import TASKS
from mmmultas.structures import DET

from .base import Group, Task

__all__ = ['DetectionTask']


@TASKS.register_module(name=DET)
class DetectionTask(Task):
    """Adapter of dense heads.

    Args:
        cfg: Config of a dense head, with ``train_cfg`` and ``test_cfg``
            inside, and optionally ``in_index``, the levels that it reads.
    """
    scope = 'mmdet'
    gt_fields = ('gt_instances', )

    def __init__(self, cfg: dict[str, Any]) -> None:
        super().__init__(cfg)
        self.in_index = self.cfg.pop('in_index', None)

    def build_head(self) -> nn.Module:
        """Build under mmdet's scope."""
        head: nn.Module = MODELS.build(dict(self.cfg, _scope_=self.scope))
        return head

    def select(self, feats: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """The levels of ``in_index``, default all."""
        if self.in_index is None:
            return feats
        return tuple(feats[i] for i in self.in_index)

    def head_loss(self, head: Any, group: Group) -> dict[str, Any]:
        """Losses of a dense head."""
        for sample in group.samples:
            self.checked(sample, 'gt_instances', DET)
        losses: dict[str, Any] = head.loss(*group)
        return losses

    def predict(self, head: Any, group: Group) -> None:
        """Write ``pred_instances`` in the original image's pixels."""
        results = head.predict(
            self.select(group.feats), group.samples, rescale=True)
        for sample, instances in zip(group.samples, results):
            sample.pred_instances = instances
