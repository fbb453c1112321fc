import pytest
import torch
from mmengine.structures import InstanceData

from mmmultas.models.tasks import DetectionTask, Read
from mmmultas.registry import MODELS
from mmmultas.testing import toy_batch, toy_model
from mmmultas.utils.errors import ConfigError


def _task(**kwargs):
    return DetectionTask(dict(toy_model()['heads']['det'], **kwargs))


def _feats():
    return (torch.randn(2, 8, 8, 8), torch.randn(2, 8, 4, 4))


def test_in_index_picks_levels_and_is_not_the_heads():
    task = _task(in_index=[1, 2])
    feats = (torch.zeros(1), ) + _feats()
    assert task.select(None, feats) == feats[1:]
    head = task.build_head()
    scores, boxes = task.forward(head, feats)
    assert scores[0].shape == (2, 12, 8, 8)


def test_predictions_are_written_in_original_pixels():
    task = _task(test_cfg=dict(score_thr=0.0, nms_pre=5))
    head = task.build_head()
    samples = toy_batch(('det', ))['data_samples']
    for sample in samples:
        sample.set_metainfo(
            dict(scale_factor=(0.5, 0.5), ori_shape=(128, 128)))
    task.predict(head.eval(), Read(_feats()), samples)
    found = samples[0].pred_instances
    assert 0 < len(found) <= 5 and found.bboxes.max() <= 128
    assert found.bboxes.max() > 64


class TwoViews(torch.nn.Module):
    """Sees one object in the first view, two in the second one."""

    def __init__(self, **test_cfg):
        super().__init__()
        self.test_cfg = test_cfg

    def predict(self, feats, samples, rescale):
        assert rescale
        first = torch.tensor([[0., 0., 10., 10.]])
        # in an image 100 wide: the mirror image of `first`, and another
        second = torch.tensor([[90., 0., 100., 10.], [40., 0., 50., 10.]])
        boxes, scores = ((first, [.6]) if feats[0] == 'seen' else
                         (second, [.9, .3]))
        return [
            InstanceData(
                bboxes=boxes.clone(),
                scores=torch.tensor(scores),
                labels=torch.zeros(len(boxes)).long())
        ]


def _joined(head):
    sample = toy_batch(('det', ), 1)['data_samples'][0]
    sample.set_metainfo(dict(ori_shape=(50, 100)))
    task = DetectionTask({})
    views = Read(('seen', )), Read(('mirrored', ))
    task.predict_flipped(head, *views, [sample])
    return sample.pred_instances


def test_boxes_of_both_views_pass_the_heads_nms():
    found = _joined(
        TwoViews(nms=dict(type='nms', iou_threshold=.5), max_per_img=9))
    assert found.bboxes.tolist() == [[0, 0, 10, 10], [50, 0, 60, 10]]
    assert found.scores.tolist() == pytest.approx([.9, .3])
    lenient = _joined(TwoViews(nms=dict(type='nms', iou_threshold=1.0)))
    assert len(lenient) == 3
    assert len(_joined(TwoViews(iou_threshold=.5, max_per_img=1))) == 1


@pytest.mark.parametrize('test_cfg, word', [
    (dict(max_per_img=100), 'no `nms`'),
    (dict(iou_threshold=.5, class_agnostic=True), 'class_agnostic'),
])
def test_heads_that_cannot_join_two_views(test_cfg, word):
    with pytest.raises(ConfigError, match=word):
        DetectionTask({}).check_flip(TwoViews(**test_cfg))


def test_boxes_as_another_network_reads_them():
    model = MODELS.build(toy_model(('det', ))).eval()
    task, head = model.tasks['det'], model.heads['det']
    batch = model.data_preprocessor(toy_batch(('det', )), True)
    outputs = head(model.encode(batch['inputs']))
    assert task.map_channels(head) == 2
    said = task.shown(task.said_map(head, outputs, (64, 64)))
    label = task.shown_label(head, batch['data_samples'])
    assert said.shape == label.shape == (2, 2, 64, 64)
    assert 0 <= said.min() and said.max() <= 1
    boxes = batch['data_samples'][0].gt_instances
    assert label[0].sum() <= sum((b[2] - b[0]) * (b[3] - b[1])
                                 for b in boxes.bboxes)
    x1, y1, *_ = boxes.bboxes[0].long().tolist()
    assert label[0, boxes.labels[0], y1, x1] == 1
