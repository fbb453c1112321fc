import pytest
import torch
from mmengine.structures import InstanceData

from mmmultas.models.companions import Plan
from mmmultas.registry import MODELS
from mmmultas.structures import sem_seg_data
from mmmultas.testing import toy_batch, toy_model
from mmmultas.utils.errors import ConfigError

from .test_weak import META, companion


def _model(head=None, **cfg):
    torch.manual_seed(0)
    toy = toy_model(companions=dict(
        weak=dict(type='mmmultas.MaskForBox', **cfg)))
    toy['heads']['det'].update(head or {})
    model = MODELS.build(toy)
    model.meet(META, 10, 100)
    return model


def _mask():
    """A square, a crumb of the same class, a bar, and what nobody knows."""
    mask = torch.zeros(64, 64, dtype=torch.long)
    mask[8:28, 8:28] = 1
    mask[40:44, 4:12] = 1
    mask[36:48, 20:56] = 2
    mask[60:] = 255
    return mask


def _batch(count=2):
    batch = toy_batch(('seg', ), count)
    for sample in batch['data_samples']:
        sample.gt_sem_seg = sem_seg_data(_mask()[None])
    return dict(seg=batch)


def _weak(model, batches=None):
    data = model.data_preprocessor(batches or _batch(), True)
    found = model.eval().loss(**data)
    return {k: v for k, v in found.items() if 'weak' in k}


def _targets(model, mask=None, sure=None, **meta):
    weak = model.companions['weak']
    sample = _batch(1)['seg']['data_samples'][0]
    sample.gt_sem_seg = sem_seg_data((_mask() if mask is None else mask)[None])
    sample.set_metainfo(meta)
    anchors = torch.tensor([[8., 8., 28., 28.], [0., 40., 16., 44.],
                            [0., 8., 12., 28.], [40., 0., 60., 20.],
                            [20., 36., 56., 48.]])
    return weak.targets(weak.pairs[0], sample, anchors, sure)


@pytest.mark.parametrize('head', [
    {}, dict(assigner=dict(type='mmmultas.MutualGuideMatcher'),
             loss_cls=dict(type='mmmultas.QualityFocalLoss'))])
def test_terms_and_where_their_gradients_go(head):
    model = _model(head)
    losses = _weak(model)
    assert list(losses) == ['weak.det.loss_cls', 'weak.det.loss_bbox']
    assert model.companions['weak'].terms(model) == [
        ('weak', 'det.loss_cls'), ('weak', 'det.loss_bbox')]
    sum(losses.values()).backward()
    assert all(torch.isfinite(p.grad).all()
               for p in model.heads['det'].parameters())
    assert all(p.grad is None for p in model.heads['seg'].parameters())
    alone = _weak(_model(head, train_boxes=False, weight=2.))
    assert list(alone) == ['weak.det.loss_cls']
    torch.testing.assert_close(alone['weak.det.loss_cls'],
                               2 * losses['weak.det.loss_cls'])


def test_blobs_are_the_boxes_and_crumbs_take_no_part():
    sample, uncertain = _targets(_model())
    assert sample.gt_instances.bboxes.tolist() == [[8, 8, 28, 28],
                                                   [20, 36, 56, 48]]
    assert sample.gt_instances.labels.tolist() == [0, 1]
    # its own entry of an anchor that a class covers; the crumb's overlap
    assert uncertain.tolist() == [[True, False], [True, False],
                                  [False, False], [False, False],
                                  [False, True]]


def test_without_positives_uncertain_entries_cost_nothing():
    """Only anchors that show nothing of a class are its negatives."""
    model = _model()
    head = model.heads['det']
    data = model.data_preprocessor(_batch(), True)
    outs = model.raw_outputs(model.encode(data['inputs']['seg']), ['det'])
    samples = data['data_samples']['seg']
    for sample in samples:
        sample.gt_instances = InstanceData(
            bboxes=torch.zeros(0, 4), labels=torch.zeros(0).long())
    count = len(head.anchors_of(outs['det'], samples))
    uncertain = torch.ones(2, count, 2, dtype=torch.bool)
    sums = head.loss_sums_by_feat(outs['det'], samples, uncertain)
    assert sums['loss_cls'].total == 0
    assert head.loss_sums_by_feat(outs['det'], samples)['loss_cls'].total > 0


def test_refinement_wants_to_know_how_to_predict():
    for refine in (False, True):
        model = MODELS.build(toy_model(companions=dict(
            weak=dict(type='mmmultas.MaskForBox', refine=refine))))
        model.heads['det'].test_cfg = None
        if not refine:
            model.prepare()
    with pytest.raises(ConfigError, match='weak.refine` asks for .*test_cfg'):
        model.prepare()


def test_hidden_pixels_are_no_background():
    mask = _mask()
    mask[:20, 40:] = 255
    assert _targets(_model(), mask)[1][3].tolist() == [True, True]
    batch = _batch()
    for sample in batch['seg']['data_samples']:
        sample.gt_sem_seg.sem_seg[:] = 255
    assert _weak(_model(), batch)['weak.det.loss_cls'] == 0
    for sample in batch['seg']['data_samples']:
        sample.gt_sem_seg.sem_seg[:] = 0
    assert _weak(_model(), batch)['weak.det.loss_cls'] > 0


def test_classes_that_the_mask_does_not_know():
    sample, _ = _targets(_model(classes=[1, -1]))
    assert sample.gt_instances.labels.tolist() == [0]
    assert sample.metainfo['annotated'] == dict(det=[0])
    sample, _ = _targets(_model(), annotated=dict(seg=(2, )))
    assert sample.gt_instances.labels.tolist() == [1]
    assert sample.metainfo['annotated'] == dict(det=[1])


def test_a_pixel_class_of_two_box_classes_makes_no_box():
    sample, uncertain = _targets(_model(classes=[1, 1]))
    assert len(sample.gt_instances) == 0
    assert uncertain[0].tolist() == [True, True]
    assert uncertain[4].tolist() == [False, False]


class _Sure:
    """Stands for the moving average."""

    def detect(self, task, inputs, samples):
        found = InstanceData(
            bboxes=torch.tensor([[8., 8., 18., 28.], [18., 8., 28., 28.],
                                 [0., 0., 9., 9.]]),
            scores=torch.tensor([.9, .8, .4]),
            labels=torch.tensor([0, 0, 0]))
        return [found] * len(samples)


def test_sure_detections_split_blobs_after_a_while():
    model = _model(refine=True)
    weak = model.companions['weak']
    weak.average = _Sure()
    data = model.data_preprocessor(_batch(), True)

    class Update:
        inputs, samples = data['inputs'], data['data_samples']

    assert weak._detections(Update, weak.pairs[0], 'seg', [0, 1]) == [
        None, None]
    model.set_update(20)
    sure, _ = weak._detections(Update, weak.pairs[0], 'seg', [0, 1])
    assert len(sure) == 2
    sample, _ = _targets(model, sure=sure)
    assert sample.gt_instances.bboxes.tolist() == [
        [8, 8, 18, 28], [18, 8, 28, 28], [20, 36, 56, 48]]
    assert sample.gt_instances.labels.tolist() == [0, 0, 1]
    assert all(torch.isfinite(v) for v in _weak(model).values())


def test_refining_asks_for_a_moving_average():
    with pytest.raises(ConfigError, match='no hook keeps one'):
        companion('MaskForBox', refine=True).meet_average(None)
    companion('MaskForBox').meet_average(None)


def test_stock_anchor_heads_in_their_matched_form():
    anchors = dict(type='AnchorGenerator', octave_base_scale=4,
                   scales_per_octave=1, ratios=[1.], strides=[8, 16])
    head = dict(type='RetinaHead', num_classes=2, in_channels=8,
                feat_channels=8, stacked_convs=1, anchor_generator=anchors)
    toy = toy_model(companions=dict(weak=dict(type='mmmultas.MaskForBox')))
    toy['heads']['det'] = dict(head)
    with pytest.raises(ConfigError, match='RetinaHead of `model.heads.det` '
                                          'does not say .*MatchedRetinaHead'):
        MODELS.build(toy).prepare()
    toy['heads']['det'] = dict(head, type='mmmultas.MatchedRetinaHead')
    model = MODELS.build(toy)
    model.meet(META, 10, 100)
    losses = _weak(model)
    assert set(losses) == {'weak.det.loss_cls', 'weak.det.loss_bbox'}
    assert all(v > 0 for v in losses.values())


@pytest.mark.parametrize('name', ['share', 'iou'])
def test_limits_that_leave_all_out(name):
    with pytest.raises(ConfigError, match=rf'{name}` is 0'):
        companion('MaskForBox', **{name: 0})


def test_plan_is_kept():
    weak = companion('MaskForBox')
    weak.meet(Plan(META, 3, 30))
    assert weak.plan.updates == 30
