"""VOC AP against values computed with the authors' released code."""
import json
import os
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

from mmmultas.evaluation import VOCDetMetric

SHARED = Path(__file__).resolve().parents[2].parent / 'shared'
REFERENCE = Path(
    os.environ.get('MMMULTAS_VOC_REFERENCE',
                   SHARED / 'golden/voc_eval_reference_0.json'))
VOC_ROOT = Path(
    os.environ.get('MMMULTAS_VOC_ROOT', SHARED / 'data/VOCdevkit/VOC2012'))

pytestmark = pytest.mark.skipif(
    not (REFERENCE.is_file() and VOC_ROOT.is_dir()),
    reason=f'needs {REFERENCE} and {VOC_ROOT} (MMMULTAS_VOC_REFERENCE, '
    'MMMULTAS_VOC_ROOT)')


def read_truth(image, classes):
    found = {'gt_instances': [], 'ignored_instances': []}
    root = ElementTree.parse(VOC_ROOT / f'Annotations/{image}.xml').getroot()
    for node in root.iter('object'):
        hard = int(node.findtext('difficult', '0'))
        box = [float(node.findtext(f'bndbox/{side}')) - 1
               for side in ('xmin', 'ymin', 'xmax', 'ymax')]
        found['ignored_instances' if hard else 'gt_instances'].append(
            (box, classes.index(node.findtext('name'))))
    return {
        field: dict(
            bboxes=np.array([box for box, _ in entries]).reshape(-1, 4),
            labels=np.array([label for _, label in entries], int))
        for field, entries in found.items()
    }


def evaluate(reference, mode):
    classes = reference['classes']
    metric = VOCDetMetric(ap_mode=mode)
    metric.dataset_meta = dict(classes=classes)
    for image in reference['images']:
        found = [d for d in reference['detections'] if d['image'] == image]
        boxes = [d['bbox_xyxy_1based'] for d in found]
        metric.process(None, [
            dict(
                read_truth(image, classes),
                pred_instances=dict(
                    bboxes=np.array(boxes).reshape(-1, 4) - 1,
                    scores=np.array([d['score'] for d in found]),
                    labels=np.array(
                        [classes.index(d['label']) for d in found], int)))
        ])
    return metric


@pytest.mark.parametrize('mode', ['area', '11points'])
def test_ap_of_the_released_code(mode):
    reference = json.loads(REFERENCE.read_text())
    metric = evaluate(reference, mode)
    num_gt = np.sum([entry['num_gt'] for entry in metric.results], axis=0)
    assert dict(zip(reference['classes'],
                    num_gt.tolist())) == reference['num_gt']
    table = metric._class_ap(metric.results, num_gt) / 100
    for column, thr in enumerate(metric.iou_thrs):
        expected = reference['ap'][mode][f'{thr:.2f}']
        np.testing.assert_allclose(
            table[:, column],
            [np.nan if expected[name] is None else expected[name]
             for name in reference['classes']],
            rtol=0, atol=1e-6, err_msg=f'IoU {thr}')
    scores = metric.evaluate(len(reference['images']))
    for name in ('mAP', 'AP50', 'AP75'):
        assert scores[f'det/{name}'] / 100 == pytest.approx(
            reference['summary'][mode][f'{name}_present'], abs=1e-6)
