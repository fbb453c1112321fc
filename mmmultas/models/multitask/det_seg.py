"""One network for several tasks, from data that label one each."""
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from mmdet.structures import SampleList
from mmengine.dist import get_world_size
from mmengine.model import BaseModel, ModuleDict
from torch import Tensor

from mmmultas.registry import MODELS
from mmmultas.structures import has_task
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.finite import check_finite

from ..backbones.safe_loading import safe_loading
from ..data_preprocessors.multi_task import check_preprocessor
from ..losses.loss_sum import LossSum
from ..tasks.base import Group
from .building import build_part, build_tasks, check_known, check_weights
from .freezing import freeze
from .joint import joint_counts, joint_logs
from .memory_order import lay_out
from .sequential import sequential_step

__all__ = ['MultiTaskDetSeg']

Levels = tuple[Tensor, ...]


@MODELS.register_module()
class MultiTaskDetSeg(BaseModel):
    """Shared encoder, one head per task.

    Each head learns from the samples whose ``tasks`` name it, gathered over
    the streams; a head without such a sample takes no part in the update:
    its gradients stay None.

    Args:
        backbone: Config of the backbone.
        neck: Config of the neck, or None.
        heads: Config of one head per task; the key names the task
            (``det``: a dense head, ``seg``: a decode head). One head alone
            makes a single-task model.
        data_preprocessor: Config, default
            :class:`MultiTaskDataPreprocessor`.
        task_weights: Factor of each task's losses, default 1.
        fuse_batches: Whether streams of one size pass the encoder together.
            Batch norm then sees their joint statistics.
        channels_last: Whether the channels of a pixel lie side by side in
            memory: the same numbers up to rounding. Default: where there is
            no GPU, since it is faster on a CPU, in the parts that are known
            to work so.
        flip_test: Whether predictions join those of the mirror image.
        sequential: Whether each stream has a backward pass of its own: the
            same update from less memory, in one process.
        frozen: Modules that stay as they are, their batch norms' statistics
            too, by dotted path: ``('backbone', 'neck')`` is the encoder.

    Raises:
        ConfigError: A part of unknown type or with wrong arguments, or one
            that cannot do `channels_last`, an unknown task, a weight for a
            task without a head, or an unknown module to freeze.
    """

    #: Memory order of the encoder, and whether heads get the usual one.
    memory_format: torch.memory_format
    contiguous_features: bool

    def __init__(self,
                 backbone: dict[str, Any],
                 neck: dict[str, Any] | None = None,
                 heads: Mapping[str, dict[str, Any]] | None = None,
                 data_preprocessor: dict[str, Any] | None = None,
                 task_weights: Mapping[str, float] | None = None,
                 fuse_batches: bool = False,
                 channels_last: bool | None = None,
                 flip_test: bool = False,
                 sequential: bool = False,
                 frozen: Sequence[str] = (),
                 init_cfg: dict[str, Any] | None = None) -> None:
        super().__init__(
            data_preprocessor
            or dict(type='mmmultas.MultiTaskDataPreprocessor'), init_cfg)
        check_preprocessor(self.data_preprocessor)
        self.backbone = build_part('backbone', MODELS.build, backbone)
        self.neck = None if neck is None else build_part('neck', MODELS.build,
                                                     neck)
        self.tasks = build_tasks(heads or {})
        # not nn.ModuleDict: that one hides the heads from init_weights
        self.heads = ModuleDict({
            name: build_part(f'heads.{name}', lambda _, t=task: t.build_head(),
                         task.cfg)
            for name, task in self.tasks.items()
        })
        self.task_weights = check_weights(task_weights or {}, self.tasks)
        if fuse_batches and sequential:
            raise ConfigError('`model.fuse_batches` joins the streams that '
                              '`model.sequential` keeps apart: choose one.')
        self.fuse_batches = fuse_batches
        self.sequential = sequential
        #: Called with the weighted losses of an update before its backward.
        self.on_losses: Callable[[Mapping[str, Any]], None] | None = None
        self._predicted = tuple(self.tasks)
        self.set_flip_test(flip_test)
        lay_out(self, channels_last)
        self._frozen = freeze(self, frozen)

    def init_weights(self) -> None:
        """Fill all parts; files are read safely and must fit."""
        with safe_loading(self):
            super().init_weights()

    def train(self, mode: bool = True) -> 'MultiTaskDetSeg':
        """Switch modes; what is frozen stays in evaluation."""
        super().train(mode)
        for module in self._frozen:
            module.eval()
        return self

    def set_epoch(self, epoch: int) -> None:
        """What MMDetection's ``SetEpochInfoHook`` tells heads (TOODHead)."""
        for head in self.heads.values():
            if hasattr(head, 'epoch'):
                head.epoch = epoch

    def predict_only(self, tasks: Sequence[str] | None) -> None:
        """Limit 'predict' to some tasks; None for all.

        Raises:
            ConfigError: A task without a head.
        """
        tasks = tuple(self.tasks) if tasks is None else tuple(tasks)
        for task in tasks:
            check_known(task, self.tasks)
        self._predicted = tasks

    def set_flip_test(self, on: bool) -> None:
        """Let 'predict' look at each image and at its mirror image, or not.

        Raises:
            ConfigError: A head whose predictions cannot be joined.
        """
        if on:
            for name, task in self.tasks.items():
                task.check_flip(self.heads[name])
        self.flip_test = on

    def forward(self,
                inputs: Tensor | Mapping[str, Tensor],
                data_samples: Any = None,
                mode: str = 'tensor') -> Any:
        """Run the network.

        Args:
            inputs: (N, 3, H, W), or one such tensor per stream.
            data_samples: The N samples, or such a list per stream.
            mode: ``'loss'`` gives ``{'det.loss_cls': ...}``; ``'predict'``
                the samples with predictions, in the streams' order;
                ``'tensor'`` raw head outputs by task (per stream, if inputs
                are).
        """
        streams = inputs if isinstance(inputs, Mapping) else {'': inputs}
        if isinstance(inputs, Mapping):
            samples = data_samples or {name: None for name in inputs}
        else:
            samples = {'': data_samples}
        if mode == 'loss':
            return self.loss(streams, samples)
        if mode == 'predict':
            return self.predict(streams, samples)
        if mode != 'tensor':
            raise ValueError("`mode` is 'loss', 'predict' or 'tensor', got "
                             f'{mode!r}.')
        outs = {
            name: self.raw_outputs(feats)
            for name, feats in self.extract_feats(streams).items()
        }
        return outs if isinstance(inputs, Mapping) else outs['']

    def train_step(self, data: Any,
                   optim_wrapper: Any) -> dict[str, Tensor]:
        """MMEngine's step, or a backward per stream."""
        if self.sequential and 'inputs' not in data:
            return sequential_step(self, data, optim_wrapper)
        logs: dict[str, Tensor] = super().train_step(data, optim_wrapper)
        return logs

    def parse_losses(
            self,
            losses: dict[str, Any]) -> tuple[Tensor, dict[str, Tensor]]:
        """Add the losses up; no step is made from what is no number.

        Raises:
            NonFiniteLossError: A term is NaN or infinite on some process.
        """
        loss, logs = super().parse_losses(losses)
        check_finite(logs)
        if get_world_size() > 1:
            logs = joint_logs(
                logs, [f'{task}.{term}' for task, term in
                       self.counted_terms()])
        if self.on_losses is not None:
            self.on_losses(losses)
        return loss, logs

    def encode(self, inputs: Tensor) -> Levels:
        """Backbone and neck: (N, 3, H, W) to the shared levels."""
        inputs = inputs.contiguous(memory_format=self.memory_format)
        feats: Levels = self.backbone(inputs)
        if self.neck is not None:
            feats = tuple(self.neck(feats))
        if self.contiguous_features:
            feats = tuple(level.contiguous() for level in feats)
        return feats

    def extract_feats(self, inputs: Mapping[str, Tensor]) -> dict[str, Levels]:
        """The shared levels of each stream; fused where that is on."""
        shapes = {x.shape[1:] for x in inputs.values()}
        if not self.fuse_batches or len(inputs) < 2 or len(shapes) > 1:
            return {name: self.encode(x) for name, x in inputs.items()}
        sizes = [len(x) for x in inputs.values()]
        fused = self.encode(torch.cat(list(inputs.values())))
        parts = zip(*[level.split(sizes) for level in fused])
        return dict(zip(inputs, parts))

    def raw_outputs(self, feats: Levels) -> dict[str, Any]:
        """Raw outputs of every head, by task."""
        return {
            name: task.forward(self.heads[name], feats)
            for name, task in self.tasks.items()
        }

    def loss(self, inputs: Mapping[str, Tensor],
             data_samples: Mapping[str, SampleList]) -> dict[str, Tensor]:
        """Weighted losses, named ``task.loss_term``."""
        feats = self.extract_feats(inputs)
        losses = self._divide(self.task_sums(feats, data_samples))
        return losses or self.nothing(feats)

    @staticmethod
    def nothing(feats: Mapping[str, Levels]) -> dict[str, Tensor]:
        """A loss of 0 where nothing is labelled.

        It has the encoder's graph: under DDP other processes wait for the
        encoder's gradients.
        """
        zero = next(iter(feats.values()))[0].sum() * 0
        if not zero.requires_grad:  # the encoder is frozen
            zero.requires_grad_()
        return {'loss_unlabelled': zero}

    def task_sums(
            self, feats: Mapping[str, Levels],
            data_samples: Mapping[str, SampleList]
    ) -> dict[str, dict[str, LossSum]]:
        """Losses of each head on what is labelled for it, not divided."""
        return {
            name: task.loss_sums(self.heads[name],
                                 labelled_groups(feats, data_samples, name))
            for name, task in self.tasks.items()
        }

    def counted_terms(self) -> list[tuple[str, str]]:
        """Terms whose counts are joined over processes, always alike."""
        return [(task, term) for task, head in self.heads.items()
                for term in self.tasks[task].counted_terms(head)]

    def _divide(
            self, sums: Mapping[str,
                                Mapping[str, LossSum]]) -> dict[str, Tensor]:
        """Divide by counts of all processes, reduced in one vector.

        DDP averages gradients over W processes, so a loss is W times its
        sum over the joint count: as one process with the joint batch.
        Losses of stock heads are already means of their process.
        """
        layout = self.counted_terms()
        world = get_world_size()
        joint: dict[tuple[str, str], Tensor] = {}
        if world > 1 and layout:
            joint = joint_counts(sums, layout, next(self.parameters()).device)
        losses = {}
        for task, terms in sums.items():
            weight = self.task_weights.get(task, 1.0)
            for term, value in terms.items():
                key = (task, term)
                loss = value.mean(*joint[key]) * world if key in joint \
                    else value.mean()
                losses[f'{task}.{term}'] = weight * loss
        return losses

    def predict(self, inputs: Mapping[str, Tensor],
                data_samples: Mapping[str, SampleList]) -> SampleList:
        """Samples with the predictions of every task asked for."""
        results: SampleList = []
        for stream, feats in self.extract_feats(inputs).items():
            group = Group(feats, data_samples[stream])
            mirrored = None
            if self.flip_test:
                mirrored = self.encode(
                    mirror_images(inputs[stream], group.samples))
            for name in self._predicted:
                task, head = self.tasks[name], self.heads[name]
                if mirrored is None:
                    task.predict(head, group)
                else:
                    task.predict_flipped(head, group, mirrored)
            results += group.samples
        return results


def mirror_images(inputs: Tensor, samples: SampleList) -> Tensor:
    """Mirror each image of a batch; what pads it stays where it is.

    Args:
        inputs: (N, 3, H, W).
        samples: N samples with ``img_shape``.
    """
    mirrored = inputs.clone()
    for image, source, sample in zip(mirrored, inputs, samples):
        height, width = sample.metainfo['img_shape'][:2]
        image[:, :height, :width] = source[:, :height, :width].flip(-1)
    return mirrored


def labelled_groups(feats: Mapping[str, Levels],
                    data_samples: Mapping[str, SampleList],
                    task: str) -> list[Group]:
    """Features and samples that carry a task's label, selected together.

    Args:
        feats: Levels of each stream.
        data_samples: Samples of each stream.
        task: The task's name.

    Returns:
        One group per input size; streams of one size are joined.
    """
    groups: dict[torch.Size, list[Group]] = {}
    for stream, levels in feats.items():
        samples = data_samples[stream]
        rows = [i for i, s in enumerate(samples) if has_task(s, task)]
        if not rows:
            continue
        if len(rows) < len(samples):
            index = torch.tensor(rows, device=levels[0].device)
            levels = tuple(level[index] for level in levels)
        group = Group(levels, [samples[i] for i in rows])
        groups.setdefault(levels[0].shape[1:], []).append(group)
    return [_join(parts) for parts in groups.values()]


def _join(groups: list[Group]) -> Group:
    if len(groups) == 1:
        return groups[0]
    levels = zip(*[group.feats for group in groups])
    return Group(
        tuple(torch.cat(level) for level in levels),
        [sample for group in groups for sample in group.samples])
