"""Hard pseudo-labels: a teacher's confident predictions, as labels.

They are written into fields of their own, ``pseudo_instances`` and
``pseudo_sem_seg``; ground truth stays as it is, present or withheld.
"""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from mmdet.structures import DetDataSample, SampleList
from mmengine.structures import InstanceData
from torch import Tensor

from mmmultas.structures import (BOXES, CLASSES, field_of, gt_field, has_task,
                                 ignored_field, sem_seg_data)
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.values import mapping_of, number_of

from ..companions.base import Asked, Update
from ..losses.loss_sum import LossSum
from ..multitask.samples import is_supervised
from ..multitask.taps import OUTPUTS
from ..tasks.base import Task, pooled
from .teachers import Answers, Teachers

__all__ = ['PseudoLabels', 'confident_boxes', 'confident_pixels']

#: Recorder of a teacher's raw head outputs, added to those of the config.
RECORDER = 'pseudo_{}'
_KEYS = ('teacher', 'min_score', 'weight')
_IGNORE = 255


@dataclass(frozen=True)
class _Rule:
    teacher: str
    min_score: float
    weight: float


class PseudoLabels:
    """Labels what is not labelled.

    Args:
        cfg: Task → ``dict(teacher=<its name>, min_score=0.5, weight=1.0)``.
            Boxes below ``min_score`` are left out, and images that have no
            box above it say nothing; pixels whose best class has a lower
            probability are ignored. With a weight of 0 they are written
            (for DeFeat) but not learnt from.
        teachers: Names of the teachers.
        tasks: Tasks of the student, by name.

    Raises:
        ConfigError: A task that the student does not have, an unknown
            teacher or key, a score outside of [0, 1], or a weight below 0.
    """

    def __init__(self, cfg: Mapping[str, Mapping[str, Any]],
                 teachers: Sequence[str], tasks: Mapping[str, Task]) -> None:
        self.rules: dict[str, _Rule] = {}
        self.kinds: dict[str, str] = {}
        for task, rule in mapping_of('model.distiller.pseudo_labels',
                                     cfg).items():
            key = f'model.distiller.pseudo_labels.{task}'
            if task not in tasks:
                raise ConfigError(f'`{key}`: the student has no head for '
                                  f'{task!r}.')
            if tasks[task].kind not in (BOXES, CLASSES):
                raise ConfigError(f'`{key}`: pseudo-labels are made of boxes '
                                  f'and masks of classes: remove it.')
            self.kinds[task] = tasks[task].kind
            unknown = sorted(set(mapping_of(key, rule)) - set(_KEYS))
            if unknown:
                raise ConfigError(f'`{key}` has the unknown key '
                                  f'{unknown[0]!r}; have {", ".join(_KEYS)}.')
            teacher = rule.get('teacher', task)
            if teacher not in teachers:
                raise ConfigError(f'`{key}.teacher` names {teacher!r}, but '
                                  f'the teachers are {", ".join(teachers)}.')
            self.rules[task] = _Rule(
                teacher,
                number_of(f'`{key}.min_score`', rule.get('min_score', 0.5), 1),
                number_of(f'`{key}.weight`', rule.get('weight', 1.0)))

    @property
    def _taught(self) -> dict[str, _Rule]:
        return {t: rule for t, rule in self.rules.items() if rule.weight}

    def recorders(self, teacher: str) -> dict[str, dict[str, str]]:
        """What has to be recorded of a teacher."""
        return {
            RECORDER.format(task): dict(
                type='ModuleOutputs', source=f'heads.{task}')
            for task, rule in self.rules.items() if rule.teacher == teacher
        }

    def check(self, teachers: Teachers, student: Any) -> None:
        """Compare the teachers' heads with the student's.

        Raises:
            ConfigError: A teacher has other classes.
        """
        for task, rule in self.rules.items():
            network = teachers[rule.teacher].members[0]
            ours = student.heads[task].num_classes
            theirs = network.heads[task].num_classes
            if ours != theirs:
                raise ConfigError(
                    f'`model.distiller.pseudo_labels.{task}`: the student '
                    f'has {ours} classes, the teacher {rule.teacher!r} has '
                    f'{theirs}: they must have the same.')

    def wanted(self, name: str, batch: SampleList) -> set[int]:
        """Samples that a teacher is to label; none is a second view."""
        tasks = [t for t, rule in self.rules.items() if rule.teacher == name]
        return {
            i for i, sample in enumerate(batch)
            if is_supervised(sample) and not all(
                has_task(sample, t) for t in tasks)
        }

    def write(self, teachers: Teachers, answers: Answers,
              inputs: Mapping[str, Tensor],
              samples: Mapping[str, SampleList]) -> None:
        """Label the samples that lack a task's label.

        Args:
            teachers: The teachers.
            answers: What they said.
            inputs: (N, 3, H, W) per stream.
            samples: N samples per stream; ``pseudo_instances`` (boxes in
                input pixels) and ``pseudo_sem_seg`` are set.
        """
        for task, rule in self.rules.items():
            head = teachers[rule.teacher].members[0].heads[task]
            for stream, batch in samples.items():
                rows = [i for i, s in enumerate(batch)
                        if is_supervised(s) and not has_task(s, task)]
                if rows:
                    said = answers.of(rule.teacher, stream, rows)
                    self._label(task, head, said[RECORDER.format(task)],
                                [batch[i] for i in rows],
                                inputs[stream].shape[-2:])

    def _label(self, task: str, head: Any, outputs: Any, samples: SampleList,
               size: torch.Size) -> None:
        score = self.rules[task].min_score
        field = field_of(task, 'pseudo')
        if self.kinds[task] == BOXES:
            metas = [sample.metainfo for sample in samples]
            found = head.predict_by_feat(
                *outputs, batch_img_metas=metas, rescale=False)
            for sample, boxes in zip(samples, found):
                setattr(sample, field, confident_boxes(boxes, score))
            return
        if outputs.shape[-2:] != size:
            outputs = F.interpolate(outputs, size, mode='bilinear')
        labels = confident_pixels(outputs, score)
        for sample, label in zip(samples, labels):
            height, width = sample.metainfo['img_shape'][:2]
            label[height:], label[:, width:] = _IGNORE, _IGNORE
            setattr(sample, field, sem_seg_data(label[None]))

    def needs(self, update: Update) -> Asked:
        """Images whose pseudo-labels say something, and what heads say."""
        asked = Asked()
        for task in self._taught:
            whole = update.model.tasks[task].splits(update.model.heads[task])
            for stream, batch in update.samples.items():
                if rows := self._speaking(task, batch):
                    asked.add(task, stream, rows, OUTPUTS if whole else None)
        return asked

    def sums(self, update: Update) -> dict[str, LossSum]:
        """The heads' own losses on pseudo-labels, ``det.loss_cls``, ...

        Args:
            update: Its samples are as :meth:`write` left them.
        """
        sums = {}
        for task, rule in self._taught.items():
            adapter, head = update.model.tasks[task], update.model.heads[task]
            rows = {stream: self._speaking(task, batch)
                    for stream, batch in update.samples.items()}
            terms = pooled(
                adapter.losses(
                    head, read,
                    [self._as_labelled(sample, task) for sample in samples])
                for read, samples in update.outputs[task].labelled(
                    update.samples, rows))
            for term, value in terms.items():
                sums[f'{task}.{term}'] = value.scaled(rule.weight)
        return sums

    def terms(self, student: Any) -> list[tuple[str, str]]:
        """All terms, in a fixed order."""
        return [('pseudo', f'{task}.{term}') for task in self._taught
                for term in getattr(student.heads[task], 'loss_terms', ())]

    def _speaking(self, task: str, batch: SampleList) -> list[int]:
        """Samples whose pseudo-label says something."""
        field = field_of(task, 'pseudo')
        return [
            i for i, sample in enumerate(batch)
            if not has_task(sample, task) and (
                len(sample.get(field) or ()) > 0
                if self.kinds[task] == BOXES else field in sample)
        ]

    def _as_labelled(self, sample: DetDataSample,
                     task: str) -> DetDataSample:
        """A sample of its own whose pseudo-label stands as the label."""
        twin = DetDataSample(metainfo=dict(sample.metainfo, tasks=(task, )))
        label = sample.get(field_of(task, 'pseudo'))
        if self.kinds[task] == BOXES:
            boxes, labels = label.bboxes, label.labels
            label = InstanceData(bboxes=boxes, labels=labels)
            setattr(twin, ignored_field(task),
                    InstanceData(bboxes=boxes[:0], labels=labels[:0]))
        setattr(twin, gt_field(task), label)
        return twin


def confident_boxes(found: InstanceData, min_score: float) -> InstanceData:
    """Boxes with a score of ``min_score`` or more.

    Args:
        found: ``bboxes`` (M, 4), ``scores`` (M,), ``labels`` (M,).
        min_score: In [0, 1].
    """
    sure = found[found.scores >= min_score]
    return InstanceData(
        bboxes=sure.bboxes, labels=sure.labels, scores=sure.scores)


def confident_pixels(logits: Tensor, min_score: float) -> Tensor:
    """Best class of each pixel, 255 where its probability is too low.

    Args:
        logits: (N, K, H, W).
        min_score: In [0, 1].

    Returns:
        (N, H, W) int64.

    Example:
        >>> logits = torch.tensor([[0., 5.], [0., 0.]]).reshape(1, 2, 1, 2)
        >>> confident_pixels(logits, 0.9).tolist()
        [[[255, 0]]]
    """
    probability, labels = logits.float().softmax(1).max(1)
    labels[probability < min_score] = _IGNORE
    return labels
