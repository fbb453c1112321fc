"""One network for several tasks, from data that label one each."""
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from mmdet.structures import SampleList
from mmengine.dist import get_world_size
from mmengine.model import ModuleDict
from torch import Tensor

from mmmultas.registry import MODELS
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.finite import check_finite

from ..backbones.safe_loading import safe_loading
from ..companions.base import Asked, Companion, Update
from ..data_preprocessors.multi_task import check_preprocessor
from ..losses.loss_sum import LossSum
from ..tasks.base import Levels, Read
from .building import (build_balancer, build_companions, build_part,
                       build_tasks, check_known, check_weights)
from .company import Accompanied
from .freezing import freeze
from .head_graph import HeadGraph, HeadOutputs, Rows
from .label_sums import LabelSums
from .memory_order import lay_out
from .pool import Pool, Sums, pool
from .samples import labelled_rows, mirror_images
from .sequential import sequential_step
from .taps import by_stream, output_tap
from .weighing import check_balancer, factors_of, unbalanced

__all__ = ['MultiTaskDetSeg']


@MODELS.register_module()
class MultiTaskDetSeg(Accompanied):
    """Shared encoder, one head per task.

    Each head learns from the samples whose ``tasks`` name it, gathered over
    the streams; a head without such a sample takes no part in the update:
    its gradients stay None.

    Args:
        backbone: Config of the backbone.
        neck: Config of the neck, or None.
        heads: Config of one head per task; the key names the task, and
            ``kind`` says what its labels are (``det`` implies ``'boxes'``: a
            dense head, ``seg`` implies ``'classes'``: a decode head). One
            head alone makes a single-task model. ``inputs`` of a head names
            what it reads, ``('neck', 'seg.decoder')``, default the neck, and
            ``feature_grad`` the share of its gradients that flows back.
        data_preprocessor: Config, default
            :class:`MultiTaskDataPreprocessor`.
        task_weights: Factor of each task's losses, default 1.
        balancer: Config of a :class:`Balancer`: factors of the weighted
            losses that it finds in each update.
        companions: Name → config of a :class:`Companion`, which takes part
            in training only.
        fuse_batches: Whether streams of one size pass the encoder together.
            Batch norm then sees their joint statistics.
        channels_last: Whether the channels of a pixel lie side by side in
            memory: the same numbers up to rounding. Default: where there is
            no GPU, since it is faster on a CPU, in the parts that are known
            to work so.
        flip_test: Whether predictions join those of the mirror image.
        loss_mean: What losses of labels are divided by: ``'labels'``,
            ``'images'`` or ``'batch'``, as of :class:`LabelSums`.
        share_losses: Whether an image's losses are divided by the number of
            tasks that it is labelled for.
        sequential: Whether each stream has a backward pass of its own: the
            same update from less memory, in one process.
        frozen: Modules that stay as they are, their batch norms' statistics
            too, by dotted path: ``('backbone', 'neck')`` is the encoder.

    Raises:
        ConfigError: A part of unknown type or with wrong arguments, or one
            that cannot do `channels_last`, an unknown kind of task, a weight
            for a task without a head, heads that read one another in a
            circle, or an unknown module to freeze.
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
                 balancer: dict[str, Any] | None = None,
                 companions: Mapping[str, dict[str, Any]] | None = None,
                 fuse_batches: bool = False,
                 channels_last: bool | None = None,
                 flip_test: bool = False,
                 loss_mean: str = 'labels',
                 share_losses: bool = False,
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
        self.tasks, inputs = build_tasks(heads or {})
        # not nn.ModuleDict: that one hides the heads from init_weights
        self.heads = ModuleDict({
            name: build_part(f'heads.{name}', lambda _, t=task: t.build_head(),
                         task.cfg)
            for name, task in self.tasks.items()
        })
        self.graph = HeadGraph(self.tasks, self.heads, inputs)
        self.task_weights = check_weights(task_weights or {}, self.tasks)
        if fuse_batches and sequential:
            raise ConfigError('`model.fuse_batches` joins the streams that '
                              '`model.sequential` keeps apart: choose one.')
        self.fuse_batches = fuse_batches
        self.sequential = sequential
        #: Called with the weighted losses of an update before its backward.
        self.on_losses: Callable[[Mapping[str, Any]], None] | None = None
        self.label_sums = LabelSums(loss_mean, share_losses)
        self.label_sums.check(self)
        self._predicted = tuple(self.tasks)
        self._pooled: Pool | None = None
        self.set_flip_test(flip_test)
        lay_out(self, channels_last)
        self._frozen = freeze(self, frozen)
        self.accompany(
            build_balancer(balancer, self.task_weights),
            build_companions(companions or {}, self))
        check_balancer(self)

    def init_weights(self) -> None:
        """Fill all parts; files are read safely and must fit."""
        with safe_loading(self):
            super().init_weights()
        self.start_together()
        self.prepare()

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
        """Weigh and add the losses; no step is made from what is no number.

        Raises:
            NonFiniteLossError: A term is NaN or infinite on some process.
        """
        joint, self._pooled = self._pooled, None
        base, factor = factors_of(self, losses, joint)
        plain, losses = losses, {name: factor(name) * value
                                 for name, value in losses.items()}
        loss, logs = super().parse_losses(losses)
        if factor is not base:
            logs = unbalanced(logs, plain, base)
        shared = joint is not None and get_world_size() > 1
        if joint is not None and shared:
            logs = joint.logs(logs, base)
        check_finite(logs, shared)
        logs.update(self.commit(joint))
        if self.on_losses is not None:
            with self.graph.unweighed():
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

    def raw_outputs(self,
                    feats: Levels,
                    tasks: Iterable[str] | None = None) -> dict[str, Any]:
        """Raw outputs of heads by task, default all; each runs once."""
        return self.graph.outputs(
            self, feats, list(self.tasks if tasks is None else tasks))

    def run_heads(self,
                  feats: Mapping[str, Levels],
                  rows: Mapping[str, Rows],
                  taps: Mapping[str, Iterable[str]] | None = None
                  ) -> dict[str, HeadOutputs]:
        """Run heads once on the images that somebody asks for.

        Args:
            feats: The neck's levels by stream.
            rows: Task → stream → positions in its batch.
            taps: Task → modules of its head whose outputs are kept.
        """
        return self.graph.run(self, feats, rows, taps)

    def loss(self, inputs: Mapping[str, Tensor],
             data_samples: Mapping[str, SampleList]) -> dict[str, Tensor]:
        """Losses, named ``task.loss_term``, not weighted yet."""
        self.prepare()
        if self.graph.factors:  # of the update before
            self.graph.factors.clear()
        if self.second_reading is not None:
            self.second_reading.enter(inputs, data_samples)
        feats, sums = self.loss_sums(inputs, data_samples)
        pooled_sums = pool(sums, self.counted_terms(), self._groups(),
                           next(self.parameters()).device)
        # without the losses, which hold the graph
        self._pooled = replace(pooled_sums, losses={})
        return pooled_sums.losses or self.nothing(feats)

    def loss_sums(
        self,
        inputs: Mapping[str, Tensor],
        samples: Mapping[str, SampleList],
        labels: bool = True,
        companions: Mapping[str, Companion] | None = None,
        also: Asked | None = None
    ) -> tuple[dict[str, Levels], Sums]:
        """Losses as sums and counts, and the levels that they are of.

        Args:
            inputs: (N, 3, H, W) per stream.
            samples: N samples per stream.
            labels: Whether labels are learnt from.
            companions: Those that take part, default all.
            also: What heads run on besides, for whoever asked.
        """
        companions = self.companions if companions is None else companions
        taps = {path for c in companions.values() for path in c.encoder_taps}
        with output_tap(self, sorted(taps)) as recorded:
            feats = self.extract_feats(inputs)
        encoder = by_stream(recorded, {s: len(x) for s, x in inputs.items()})
        update = Update(self, inputs, samples, feats, encoder)
        asked = Asked()
        for companion in companions.values():
            asked.merge(companion.needs(update))
        labels = labels and all(c.uses_labels for c in companions.values())
        mine = self.labelled(samples) if labels else {}
        self.label_sums.ask(asked, mine)
        if also is not None:
            asked.merge(also)
        elif self.second_reading is not None:
            self.second_reading.run_on(asked)
        update.outputs = self.run_heads(feats, asked.rows, asked.taps)
        sums = self.label_sums(update, mine)
        for companion in companions.values():
            for group, terms in companion.sums(update).items():
                sums[group] = {**sums.get(group, {}), **terms}
        return feats, sums

    def labelled(
            self,
            samples: Mapping[str, SampleList]) -> dict[str, dict[str, Any]]:
        """Task → stream → positions of the samples that its head learns of."""
        return labelled_rows(samples, self.tasks)

    def label_losses(self, task: str, read: Read,
                     samples: SampleList) -> dict[str, LossSum]:
        """Losses of a head on images that it learns of, not divided."""
        return self.tasks[task].losses(self.heads[task], read, samples)

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

    def counted_terms(self) -> list[tuple[str, str]]:
        """Terms whose counts are joined over processes, always alike."""
        heads = [(task, term) for task, head in self.heads.items()
                 for term in self.tasks[task].counted_terms(head)]
        return heads + [term for companion in self.companions.values()
                        for term in companion.terms(self)]

    def _groups(self) -> list[str]:
        groups = (g for c in self.companions.values() for g in c.groups)
        return list(dict.fromkeys([*self.tasks, *groups]))

    def predict(self, inputs: Mapping[str, Tensor],
                data_samples: Mapping[str, SampleList]) -> SampleList:
        """Samples with the predictions of every task asked for."""
        results: SampleList = []
        for stream, feats in self.extract_feats(inputs).items():
            samples = data_samples[stream]
            seen, mirrored = self._asked(feats), None
            if self.flip_test:
                mirrored = self._asked(
                    self.encode(mirror_images(inputs[stream], samples)))
            for name in self._predicted:
                task, head = self.tasks[name], self.heads[name]
                if mirrored is None:
                    task.predict(head, seen[name], samples)
                else:
                    task.predict_flipped(head, seen[name], mirrored[name],
                                         samples)
            results += samples
        return results

    def _asked(self, feats: Levels) -> dict[str, Read]:
        """What the heads that are asked for read."""
        rows = {'': list(range(len(feats[0])))}
        found = self.run_heads({'': feats}, {t: rows for t in self._predicted})
        return {t: found[t].read('', rows['']) for t in self._predicted}
