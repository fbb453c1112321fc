"""Tiny models, data sets and configs that train in seconds."""
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.model import BaseModule
from mmengine.structures import InstanceData, PixelData
from torch import Tensor, nn
from torch.utils.data import Dataset

from mmmultas.registry import DATASETS, MODELS
from mmmultas.structures import (DEPTH, DET, EDGES, NORMALS, SEG, gt_field,
                                 kind_of, sem_seg_data)

__all__ = [
    'ToyBackbone', 'ToyDataset', 'toy_batch', 'toy_config',
    'toy_distillation', 'toy_model', 'toy_stream', 'toy_weak_losses'
]

CLASSES = ('square', 'bar')
PARTS = 'parts'
#: Kinds of tasks whose names do not tell.
KINDS = {PARTS: 'classes'}


@MODELS.register_module()
class ToyBackbone(BaseModule):
    """Two convolutions with the strides of a real one, 8 and 16."""

    def __init__(self, channels: int = 8, dropout: float = 0.0) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, channels, 8, stride=8), nn.BatchNorm2d(channels),
            nn.ReLU(), nn.Dropout(dropout))
        self.down = nn.Conv2d(channels, channels, 2, stride=2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map (N, 3, H, W) to strides 8 and 16."""
        fine = self.stem(x)
        return fine, self.down(fine)


@DATASETS.register_module()
class ToyDataset(Dataset[Any]):
    """Bright boxes on noise; the noise is the augmentation.

    Args:
        length: Number of images.
        tasks: Labels that samples carry; a sequence of such tuples gives
            mixed samples, in turn.
        size: Side of the images in pixels.
        seed: Seed of the scenes.
        augment: Whether the noise is drawn from the global generator.
        annotated: Task → class numbers that somebody looked for; labels of
            others stay in the samples.
        second_view: Whether a sample has its mirror image as a second view.
    """

    def __init__(self,
                 length: int = 12,
                 tasks: Sequence[Any] = (DET, SEG),
                 size: int = 64,
                 seed: int = 0,
                 augment: bool = True,
                 annotated: dict[str, Any] | None = None,
                 second_view: bool = False) -> None:
        self.length = length
        self.second_view = second_view
        kinds = [tasks] if not tasks or isinstance(tasks[0], str) else tasks
        self.kinds = [tuple(kind) for kind in kinds]
        self.size = size
        self.seed = seed
        self.augment = augment
        self.asked = annotated

    @property
    def tasks(self) -> tuple[str, ...]:
        """Tasks that every sample carries."""
        return tuple(t for t in self.kinds[0]
                     if all(t in kind for kind in self.kinds))

    @property
    def metainfo(self) -> dict[str, Any]:
        """Classes by task."""
        named = {t: None for kind in self.kinds for t in kind}
        classes = {DET: CLASSES, SEG: ('background', *CLASSES)}
        palette = [(0, 0, 0), (220, 20, 60), (60, 20, 220)]
        return dict(
            tasks=tuple(named),
            **{
                t: dict(
                    classes=classes[t],
                    palette=palette[-len(classes[t]):])
                if t in classes else dict(kind=kind_of(t))
                for t in named
            })

    def full_init(self) -> None:
        """Nothing to read."""

    def __len__(self) -> int:
        return self.length

    def get_data_info(self, index: int) -> dict[str, Any]:
        """The record."""
        return dict(img_id=index, tasks=self.kinds[index % len(self.kinds)])

    def __getitem__(self, index: int) -> dict[str, Any]:
        scene = np.random.default_rng([self.seed, index])
        side = self.size
        noise = np.random if self.augment else scene
        image = noise.normal(100, 20, (side, side, 3)).clip(0, 255)
        image = image.astype(np.uint8)
        boxes, labels = [], []
        mask = np.zeros((side, side), np.uint8)
        for _ in range(int(scene.integers(1, 3))):
            label = int(scene.integers(2))
            w, h = (20, 20) if label == 0 else (36, 12)
            x, y = scene.integers(0, side - w), scene.integers(0, side - h)
            image[y:y + h, x:x + w] = (250, 250, 40) if label else 250
            mask[y:y + h, x:x + w] = label + 1
            boxes.append([x, y, x + w, y + h])
            labels.append(label)
        sample = self._sample(index, boxes, labels, mask)
        inputs = torch.from_numpy(image.transpose(2, 0, 1).copy())
        if self.second_view:
            sample.second_view = self._mirrored(index, inputs, mask)
        return dict(inputs=inputs, data_samples=sample)

    def _mirrored(self, index: int, inputs: Tensor,
                  mask: np.ndarray) -> DetDataSample:
        """The mirror image, its boxes left out."""
        view = self._sample(index, [], [], mask[:, ::-1].copy())
        view.image = PixelData(data=inputs.flip(-1))
        view.set_metainfo(dict(supervised=False, from_first=(
            -1., 0., float(self.size), 0., 1., 0., 0., 0., 1.)))
        return view

    def _sample(self, index: int, boxes: list, labels: list,
                mask: np.ndarray) -> DetDataSample:
        tasks = self.kinds[index % len(self.kinds)]
        shape = (self.size, self.size)
        sample = DetDataSample(
            metainfo=dict(
                img_id=index,
                img_path=f'toy/{index}',
                tasks=tasks,
                img_shape=shape,
                ori_shape=shape,
                scale_factor=(1.0, 1.0)))
        if self.asked:
            sample.set_metainfo(dict(annotated=dict(self.asked)))
        if DET in tasks:
            sample.gt_instances = InstanceData(
                bboxes=torch.tensor(
                    boxes, dtype=torch.float32).reshape(-1, 4),
                labels=torch.tensor(labels, dtype=torch.long))
            sample.ignored_instances = InstanceData(
                bboxes=torch.zeros(0, 4), labels=torch.zeros(0).long())
        if SEG in tasks:
            sample.gt_sem_seg = sem_seg_data(torch.from_numpy(mask)[None])
        for task in tasks:
            if task == PARTS:
                sample.set_metainfo(dict(kinds={PARTS: KINDS[PARTS]}))
                setattr(sample, gt_field(task),
                        sem_seg_data(torch.from_numpy(mask)[None]))
            elif task not in (DET, SEG):
                setattr(sample, gt_field(task),
                        PixelData(data=_map_of(kind_of(task), mask)))
        return sample


def _map_of(kind: str, mask: np.ndarray) -> Tensor:
    """A label (C, H, W) of a further kind: things stand out of a plane."""
    inside = torch.from_numpy(mask > 0)[None]
    if kind == DEPTH:
        return 2 - inside.float()
    if kind == NORMALS:
        up = torch.zeros(1, *mask.shape)
        return torch.cat([inside.float(), up, (~inside).float()])
    if kind == EDGES:
        inside = inside ^ inside.roll((1, 1), (1, 2))
    return inside.to(torch.uint8)


def toy_model(tasks: Sequence[str] = (DET, SEG),
              dropout: float = 0.0,
              **kwargs: Any) -> dict[str, Any]:
    """Config of a model of some ten thousand parameters."""
    heads = dict(
        det=dict(
            type='mmmultas.MultiLevelAnchorHead',
            num_classes=2,
            in_channels=8,
            stacked_convs=1,
            anchors=dict(
                type='mmmultas.AnchorGrid', strides=[8, 16], base_size=16)),
        seg=dict(
            type='mmmultas.PanopticFPNSegHead',
            num_classes=3,
            in_channels=8,
            channels=8,
            num_levels=2,
            num_refine_convs=0))
    return dict(
        type='mmmultas.MultiTaskDetSeg',
        backbone=dict(type='mmmultas.ToyBackbone', dropout=dropout),
        neck=dict(
            type='mmmultas.ContextFPN',
            in_channels=[8, 8],
            out_channels=8,
            num_levels=2),
        heads={task: heads[task]
               for task in tasks},
        **kwargs)


def toy_distillation(folder: Path,
                     channels: int = 12,
                     sees: str = 'both') -> dict[str, Any]:
    """Config of a student with a wider teacher for each task.

    Args:
        folder: Where the teachers' checkpoints are written.
        channels: Of the teachers; the student has 8.
        sees: Which images both teachers see.
    """
    teachers = {}
    for task in (DET, SEG):
        cfg = toy_model((task, ))
        cfg['neck']['out_channels'] = channels
        cfg['heads'][task]['in_channels'] = channels
        path = folder / f'{task}.pth'
        if not path.is_file():
            torch.save(dict(state_dict=MODELS.build(cfg).state_dict()), path)
        teachers[task] = dict(cfg=cfg, checkpoint=str(path), sees=sees)
    feats = dict(feats=dict(type='ModuleOutputs', source='neck'))
    return dict(
        type='mmmultas.MultiTeacherDistill',
        architecture=toy_model(),
        teachers=teachers,
        distiller=dict(
            student_recorders=feats,
            teacher_recorders={task: feats
                               for task in teachers},
            connectors={
                task: dict(
                    type='mmmultas.LevelProjection',
                    in_channels=8,
                    out_channels=channels,
                    num_levels=2)
                for task in teachers
            },
            distill_losses={
                f'loss_{task}': dict(type='mmmultas.FeatureMSE', weight=5.0)
                for task in teachers
            },
            loss_forward_mappings={
                f'loss_{task}': dict(
                    student=dict(
                        from_student=True, recorder='feats', connector=task),
                    teacher=dict(
                        from_student=False, teacher=task, recorder='feats'))
                for task in teachers
            }))


def toy_weak_losses() -> dict[str, Any]:
    """Configs of all companions of boxes and masks, with all of their terms.

    Nothing in them waits longer than the epochs of a toy.
    """
    return dict(
        average=dict(
            type='mmmultas.ConsistencyTeacher', begin=.2, ramp=.2,
            mask_score='mixture', free_mask_score=0.),
        b4m=dict(
            type='mmmultas.BoxForMask', lines_weight=.5, pairs_weight=1.,
            pairs_warmup=4, ramp_epochs=1),
        m4b=dict(
            type='mmmultas.MaskForBox', refine=True, refine_begin=.2,
            refine_score=0.))


def toy_batch(tasks: Sequence[Any] = (DET, SEG),
              count: int = 2,
              size: int = 64,
              seed: int = 0,
              **kwargs: Any) -> dict[str, Any]:
    """A collated batch of :class:`ToyDataset`."""
    data = ToyDataset(count, tasks, size, seed, augment=False, **kwargs)
    samples = [data[i] for i in range(count)]
    return dict(
        inputs=[s['inputs'] for s in samples],
        data_samples=[s['data_samples'] for s in samples])


def toy_config(work_dir: str,
               streams: dict[str, dict[str, Any]] | None = None,
               epochs: int = 2,
               model: dict[str, Any] | None = None,
               **train_cfg: Any) -> Config:
    """A complete config: two streams of different length, EMA, scores.

    Args:
        work_dir: Where the run writes.
        streams: Stream configs, default ``det`` (12 images) and ``seg`` (8).
        epochs: Epochs of the run.
        model: Default :func:`toy_model`.
        **train_cfg: Further keys of the train loop.
    """
    if streams is None:
        streams = dict(
            det=toy_stream(12, (DET, )), seg=toy_stream(8, (SEG, ), seed=1))
    return Config(
        dict(
            default_scope='mmdet',
            runner_type='mmmultas.MultiTaskRunner',
            work_dir=str(work_dir),
            model=model or toy_model(),
            train_dataloader=streams,
            train_cfg=dict(
                type='mmmultas.MultiTaskTrainLoop',
                max_epochs=epochs,
                **train_cfg),
            env_cfg=dict(dist_cfg=dict(backend='gloo')),
            log_level='WARNING',
            randomness=dict(seed=3),
            **_evaluation(),
            **_schedule()))


def _evaluation() -> dict[str, Any]:
    """Five images with both labels, VOC mAP and mIoU."""
    dataset = dict(
        type='mmmultas.ToyDataset', length=5, seed=9, augment=False)
    loaders = dict(val=dict(batch_size=2, dataset=dataset))
    evaluator = dict(
        det=dict(type='mmmultas.VOCDetMetric'),
        seg=dict(type='mmmultas.SegMetric'))
    return dict(
        val_dataloader=loaders,
        test_dataloader=loaders,
        val_evaluator=evaluator,
        test_evaluator=evaluator,
        val_cfg=dict(
            type='mmmultas.MultiTaskValLoop',
            selection={
                'det/mAP': 1.0,
                'seg/mIoU': 1.0
            }),
        test_cfg=dict(type='mmmultas.MultiTaskTestLoop'))


def _schedule() -> dict[str, Any]:
    """What the papers train with, on a smaller scale."""
    return dict(
        optim_wrapper=dict(
            type='OptimWrapper',
            optimizer=dict(
                type='SGD', lr=0.01, momentum=0.9, weight_decay=5e-4)),
        param_scheduler=dict(
            type='mmmultas.WarmupCosineLR', by_epoch=False, warmup=2),
        custom_hooks=[
            dict(
                type='EMAHook',
                ema_type='ExpMomentumEMA',
                momentum=2e-4,
                gamma=2000,
                update_buffers=True)
        ],
        default_hooks=dict(
            checkpoint=dict(type='mmmultas.CheckpointHook', max_keep=9),
            sampler_seed=None))


def toy_stream(length: int,
               tasks: Sequence[Any],
               seed: int = 0,
               batch_size: int = 2,
               **kwargs: Any) -> dict[str, Any]:
    """Config of one training stream."""
    return dict(
        batch_size=batch_size,
        dataset=dict(
            type='mmmultas.ToyDataset', length=length, tasks=tasks,
            seed=seed),
        **kwargs)
