import json
import socket

import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from mmdet.structures import DetDataSample
from mmengine.evaluator import BaseMetric
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData

from mmmultas.evaluation import TaskEvaluator, VOCDetMetric
from mmmultas.registry import EVALUATOR
from mmmultas.structures import sem_seg_data
from mmmultas.utils import ConfigError

CLASSES = ('cat', 'dog')
META = dict(
    tasks=('det', 'seg'),
    det=dict(classes=CLASSES),
    seg=dict(classes=('background', ) + CLASSES))
SIZE = 11


class Order(BaseMetric):
    """Reports the images in the order that it gets them."""
    default_prefix = 'order'

    def process(self, data_batch, data_samples):
        self.results += [sample['img_id'] for sample in data_samples]

    def compute_metrics(self, results):
        return dict(ids=results)


class Batches(Order):
    """Stores one entry per batch instead of one per sample."""

    def process(self, data_batch, data_samples):
        self.results.append(data_samples[0]['img_id'])


class Broken(Order):

    def compute_metrics(self, results):
        raise ConfigError('`broken` cannot work.')


def make_sample(index, tasks=None):
    rng = np.random.default_rng(index)
    if tasks is None:
        tasks = [('det', ), ('seg', ), ('det', 'seg'), ()][index % 4]
    boxes = torch.tensor(rng.integers(0, 20, (4, 4)), dtype=torch.float32)
    boxes[:, 2:] += boxes[:, :2] + 1
    labels = torch.tensor(rng.integers(0, 2, 4))
    sample = DetDataSample(metainfo=dict(
        img_id=index, tasks=tasks, img_path=f'{index}.jpg', ori_shape=(8, 8)))
    sample.pred_instances = InstanceData(
        bboxes=boxes + rng.integers(0, 3), labels=labels,
        scores=torch.tensor(rng.random(4)))
    truth = torch.tensor(rng.integers(0, 3, (1, 8, 8)))
    sample.pred_sem_seg = sem_seg_data(truth.roll(1, -1))
    if 'det' in tasks:
        sample.gt_instances = InstanceData(bboxes=boxes, labels=labels)
        sample.ignored_instances = InstanceData(
            bboxes=boxes[:0], labels=labels[:0])
    if 'seg' in tasks:
        sample.gt_sem_seg = sem_seg_data(truth)
    return sample


def make_evaluator(task='det', metrics=None):
    metrics = metrics or [dict(type='mmmultas.VOCDetMetric'), Order()]
    evaluator = EVALUATOR.build(
        dict(type='mmmultas.TaskEvaluator', task=task, metrics=metrics))
    evaluator.dataset_meta = META
    return evaluator


def feed(evaluator, indices, batch_size=2):
    for start in range(0, len(indices), batch_size):
        evaluator.process(
            [make_sample(i) for i in indices[start:start + batch_size]])


def test_only_labelled_samples_reach_the_metrics():
    evaluator = make_evaluator()
    feed(evaluator, range(SIZE))
    scores = evaluator.evaluate(SIZE)
    assert scores['order/ids'] == [0, 2, 4, 6, 8, 10]
    assert 0 < scores['det/AP50'] <= 100


def test_results_are_forgotten_between_evaluations():
    evaluator = make_evaluator()
    for _ in range(2):
        feed(evaluator, range(SIZE))
        assert len(evaluator.evaluate(SIZE)['order/ids']) == 6


def test_dicts_serve_as_samples():
    evaluator = make_evaluator(metrics=Order())
    evaluator.process([make_sample(0).to_dict()])
    assert evaluator.evaluate(1) == {'order/ids': [0]}


def test_each_metric_sees_the_meta_of_its_task():
    evaluator = make_evaluator('seg', dict(type='mmmultas.SegMetric'))
    assert evaluator.metrics[0].dataset_meta == META['seg']
    assert evaluator.dataset_meta == META
    stock = dict(classes=CLASSES)
    evaluator.dataset_meta = stock
    assert evaluator.metrics[0].dataset_meta == stock


def test_stock_segmentation_metric():
    evaluator = make_evaluator('seg', [
        dict(type='mmseg.IoUMetric'),
        dict(type='mmmultas.SegMetric', prefix='ours')])
    feed(evaluator, range(SIZE))
    scores = evaluator.evaluate(SIZE)
    for name in ('mIoU', 'aAcc', 'mAcc'):
        assert scores[f'seg/{name}'] == pytest.approx(
            scores[f'ours/{name}'], abs=0.005)


def write_coco(path, samples):
    boxes = [(s.img_id, box, label) for s in samples
             for box, label in zip(s.gt_instances.bboxes.tolist(),
                                   s.gt_instances.labels.tolist())]
    path.write_text(json.dumps(dict(
        images=[dict(id=s.img_id, width=64, height=64) for s in samples],
        categories=[dict(id=i, name=n) for i, n in enumerate(CLASSES)],
        annotations=[
            dict(id=k + 1, image_id=i, category_id=label, iscrowd=0,
                 bbox=[x1, y1, x2 - x1, y2 - y1],
                 area=(x2 - x1) * (y2 - y1))
            for k, (i, (x1, y1, x2, y2), label) in enumerate(boxes)])))


def test_stock_coco_metric_with_areas(tmp_path):
    samples = [make_sample(i, ('det', )) for i in range(4)]
    for given in samples:  # one prediction is perfect, larger than 32²
        given.gt_instances.bboxes[0] = torch.tensor([0., 0., 50., 50.])
        given.pred_instances.bboxes = given.gt_instances.bboxes.clone()
        given.pred_instances.bboxes[1:] += 40
    write_coco(tmp_path / 'gt.json', samples)
    with DefaultScope.overwrite_default_scope('mmdet'):
        evaluator = make_evaluator(
            metrics=dict(type='CocoMetric', metric='bbox',
                         ann_file=str(tmp_path / 'gt.json')))
    evaluator.process(samples + [make_sample(9, ('seg', ))])
    scores = evaluator.evaluate(5)
    assert scores['coco/bbox_mAP_m'] == pytest.approx(1)
    assert scores['coco/bbox_mAP_s'] == 0
    assert scores['coco/bbox_mAP_l'] == -1  # COCO's "n/a"
    assert 0 < scores['coco/bbox_mAP'] < 1


def test_no_labelled_sample_is_one_clear_sentence():
    evaluator = make_evaluator()
    evaluator.process([make_sample(1), make_sample(3)])
    with pytest.raises(ConfigError, match=r"val_evaluator\['det'\].*tasks"):
        evaluator.evaluate(2)


def test_two_metrics_under_one_name():
    evaluator = make_evaluator(metrics=[VOCDetMetric(), VOCDetMetric()])
    evaluator.process([make_sample(0)])
    with pytest.raises(ConfigError, match='`det/mAP`.*prefix'):
        evaluator.evaluate(1)


def test_metric_without_prefix_gets_the_task():
    metric = Order()
    metric.prefix = None
    evaluator = TaskEvaluator('det', metric)
    evaluator.process([make_sample(0)])
    assert evaluator.evaluate(1) == {'det/ids': [0]}


def test_repetitions_of_a_padding_sampler_are_dropped():
    evaluator = make_evaluator(metrics=Order())
    feed(evaluator, [0, 2, 4, 0])
    assert evaluator.evaluate(3)['order/ids'] == [0, 2, 4]


def test_streams_follow_each_other():
    evaluator = make_evaluator(metrics=Order())
    for indices in ([0, 2, 4, 0], [6, 8]):
        evaluator.begin_stream(3)
        feed(evaluator, indices)
    assert evaluator.evaluate(3)['order/ids'] == [0, 2, 4, 6, 8]


def test_metric_that_stores_batches():
    evaluator = make_evaluator(metrics=Batches())
    feed(evaluator, [0, 2, 4, 6])
    assert evaluator.evaluate(4)['order/ids'] == [0, 4]


def work(rank, world_size, port, queue):
    torch.set_num_threads(1)
    dist.init_process_group(
        'gloo', init_method=f'tcp://127.0.0.1:{port}', rank=rank,
        world_size=world_size)
    evaluator = make_evaluator()
    feed(evaluator, range(rank, SIZE, world_size))
    scores = evaluator.evaluate(SIZE)
    for start, size in ((0, 3), (4, 6)):  # 2 + 1 and 3 + 3 samples
        evaluator.begin_stream(size)
        feed(evaluator, range(start + rank, start + size, world_size))
    scores['streams'] = evaluator.evaluate()['order/ids']
    broken = make_evaluator(metrics=Broken())
    feed(broken, range(rank, SIZE, world_size))
    try:
        broken.evaluate(SIZE)
    except ConfigError as error:
        scores['error'] = str(error)
    queue.put((rank, scores))
    dist.destroy_process_group()


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def test_two_uneven_processes_equal_one():
    evaluator = make_evaluator()
    feed(evaluator, range(SIZE))
    expected = evaluator.evaluate(SIZE)
    context = mp.get_context('fork')
    queue, port = context.SimpleQueue(), free_port()
    workers = [context.Process(target=work, args=(rank, 2, port, queue))
               for rank in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    results = dict(queue.get() for _ in workers)
    assert results[0] == results[1]
    scores = results[0]
    assert scores.pop('streams') == [0, 2, 4, 6, 8]
    assert scores.pop('error') == '`broken` cannot work.'
    assert scores == expected


def test_metrics_are_told_which_classes_were_looked_for():
    sample = make_sample(2)
    sample.set_metainfo(dict(annotated=dict(det=(1, ))))
    evaluator = TaskEvaluator('det', Order())
    with pytest.raises(ConfigError, match="'det' only, and a Order counts"):
        evaluator.process([sample])

    class Asked(Order):
        partial_classes = True

        def process(self, data_batch, data_samples):
            self.results += [s.get('asked_classes') for s in data_samples]

    for task, want in (('det', [(1, ), None]), ('seg', [None, None])):
        evaluator = TaskEvaluator(task, Asked())
        evaluator.process([sample, make_sample(6)])
        assert evaluator.metrics[0].results == want
