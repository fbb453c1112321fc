#!/usr/bin/env python
"""VOC mAP over ten thresholds and mIoU, against other implementations.

Made-up detections (boxes of real sizes, jittered ground truth and noise) and
masks; everything is in memory, and every implementation starts from the same
arrays. What the numbers are is checked where definitions agree: mmdet's
``eval_map`` with VOC's pixel widths, mmseg's ``IoUMetric``. COCO's AP is
another metric (101 points, other partners), so its numbers differ.

    python benchmarks/metrics.py [--out FILE]

Needs pycocotools; faster-coco-eval takes part where it is installed.
"""
import argparse
import importlib
import importlib.util
import os
from pathlib import Path
from typing import Any

import mmmultas  # noqa: F401, before MMDetection
import numpy as np
import torch
from mmdet.evaluation.functional import eval_map
from mmengine.logging import MMLogger
from mmseg.evaluation.metrics import IoUMetric
from timing import interleave, ratio, set_up, summarise, write_report

from mmmultas.evaluation import SegMetric, VOCDetMetric

NUM_CLASSES = 20
THRESHOLDS = np.arange(0.5, 1, 0.05).round(2)


def make_boxes(images: int, per_image: int) -> list[dict[str, Any]]:
    """Ground truth and scored detections of each image, as arrays."""
    rng = np.random.default_rng(0)
    samples = []
    for index in range(images):
        count = rng.integers(1, 14)
        corner = rng.uniform(0, 350, (count, 2))
        truth = np.hstack([corner, corner + rng.uniform(20, 150, (count, 2))])
        labels = rng.integers(0, NUM_CLASSES, count)
        source = rng.integers(0, count, per_image)
        boxes = truth[source] + rng.normal(0, 25, (per_image, 4))
        boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + 1)
        right = rng.random(per_image) < 0.7
        found = np.where(right, labels[source],
                         rng.integers(0, NUM_CLASSES, per_image))
        samples.append(
            dict(
                img_path=f'{index}.jpg',
                gt_instances=dict(
                    bboxes=truth.astype(np.float32), labels=labels),
                pred_instances=dict(
                    bboxes=boxes.astype(np.float32),
                    scores=rng.random(per_image).astype(np.float32),
                    labels=found)))
    return samples


def ours_det(samples: list[dict[str, Any]]) -> float:
    metric = VOCDetMetric()
    metric.dataset_meta = dict(
        classes=tuple(f'class{k}' for k in range(NUM_CLASSES)))
    metric.process(None, samples)
    return metric.compute_metrics(metric.results)['mAP']


def mmdet_det(samples: list[dict[str, Any]]) -> float:
    found, truth = [], []
    for sample in samples:
        one = sample['pred_instances']
        rows = np.hstack([one['bboxes'], one['scores'][:, None]])
        found.append([rows[one['labels'] == k] for k in range(NUM_CLASSES)])
        truth.append(sample['gt_instances'])
    means = [
        eval_map(
            found,
            truth,
            iou_thr=float(thr),
            logger='silent',
            nproc=os.cpu_count(),
            use_legacy_coordinate=True)[0] for thr in THRESHOLDS
    ]
    return 100 * float(np.mean(means))


def coco_truth(samples: list[dict[str, Any]], kind: Any) -> Any:
    """The ground truth as COCO's index; not part of what is timed."""
    annotations = []
    for image, sample in enumerate(samples):
        truth = sample['gt_instances']
        for box, label in zip(truth['bboxes'].tolist(), truth['labels']):
            width, height = box[2] - box[0], box[3] - box[1]
            annotations.append(
                dict(
                    id=len(annotations) + 1,
                    image_id=image,
                    category_id=int(label),
                    bbox=[box[0], box[1], width, height],
                    area=width * height,
                    iscrowd=0))
    coco = kind()
    coco.dataset = dict(
        images=[dict(id=i) for i in range(len(samples))],
        categories=[dict(id=k, name=str(k)) for k in range(NUM_CLASSES)],
        annotations=annotations,
        info={})
    coco.createIndex()
    return coco


def coco_det(samples: list[dict[str, Any]], truth: Any, kind: Any) -> float:
    rows = []
    for image, sample in enumerate(samples):
        one = sample['pred_instances']
        box = one['bboxes']
        rows.append(
            np.column_stack([
                np.full(len(box), image), box[:, :2], box[:, 2:] - box[:, :2],
                one['scores'], one['labels']
            ]))
    evaluator = kind(truth, truth.loadRes(np.concatenate(rows)), 'bbox')
    evaluator.params.areaRng = [[0, 1e10]]
    evaluator.params.areaRngLbl = ['all']
    evaluator.params.maxDets = [100]
    evaluator.evaluate()
    evaluator.accumulate()
    precision = evaluator.eval['precision']
    return 100 * float(precision[precision > -1].mean())


def make_masks(count: int) -> list[dict[str, Any]]:
    generator = torch.Generator().manual_seed(0)
    samples = []
    for index in range(count):
        small = torch.randint(21, (1, 12, 16), generator=generator)
        truth = small.repeat_interleave(31, 1).repeat_interleave(31, 2)
        wrong = torch.rand(truth.shape, generator=generator) < 0.2
        found = torch.where(wrong, (truth + 1) % 21, truth)
        truth[:, ::31] = 255
        samples.append(
            dict(
                img_path=f'{index}.jpg',
                gt_sem_seg=dict(data=truth, sem_seg=truth),
                pred_sem_seg=dict(data=found, sem_seg=found)))
    return samples


def run_seg(metric: Any, samples: list[dict[str, Any]]) -> float:
    metric.dataset_meta = dict(classes=tuple(f'c{k}' for k in range(21)))
    metric.process({}, samples)
    return float(metric.compute_metrics(metric.results)['mIoU'])


def measure_det(args: Any) -> dict[str, Any]:
    samples = make_boxes(args.images, args.detections)
    variants = dict(
        ours=lambda: ours_det(samples), mmdet=lambda: mmdet_det(samples))
    libraries = dict(
        pycocotools=('pycocotools.coco', 'COCO', 'pycocotools.cocoeval',
                     'COCOeval'),
        faster_coco_eval=('faster_coco_eval', 'COCO', 'faster_coco_eval',
                          'COCOeval_faster'))
    for name, (first, coco, second, evaluator) in libraries.items():
        if importlib.util.find_spec(name) is None:
            continue
        kinds = [
            getattr(importlib.import_module(module), kind)
            for module, kind in ((first, coco), (second, evaluator))
        ]
        truth = coco_truth(samples, kinds[0])
        variants[name] = lambda t=truth, k=kinds[1]: coco_det(samples, t, k)
    values = {name: round(run(), 4) for name, run in variants.items()}
    times = interleave(variants, args.repeats, 0, 'mAP', wall=True)
    return dict(
        values=values,
        times=summarise(times),
        speed_of_ours={
            name: ratio(times, [name], ['ours'])
            for name in variants if name != 'ours'
        })


def measure_seg(args: Any) -> dict[str, Any]:
    samples = make_masks(args.masks)
    variants = dict(
        ours=lambda: run_seg(SegMetric(), samples),
        mmseg=lambda: run_seg(IoUMetric(), samples))
    values = {name: round(run(), 4) for name, run in variants.items()}
    times = interleave(variants, args.repeats, 0, 'mIoU', wall=True)
    return dict(
        values=values,
        times=summarise(times),
        speed_of_ours=dict(mmseg=ratio(times, ['mmseg'], ['ours'])))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--images', type=int, default=5000)
    parser.add_argument('--detections', type=int, default=100)
    parser.add_argument('--masks', type=int, default=1500)
    parser.add_argument('--repeats', type=int, default=3)
    parser.add_argument('--out', type=Path)
    args = parser.parse_args()
    set_up(threads=1)
    MMLogger.get_instance('metrics', log_level='ERROR')
    write_report(args.out, dict(det=measure_det(args), seg=measure_seg(args)))


if __name__ == '__main__':
    main()
