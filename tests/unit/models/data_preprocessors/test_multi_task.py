import pytest
import torch
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import HorizontalBoxes
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData, PixelData

from mmmultas.models import MultiTaskDataPreprocessor
from mmmultas.registry import MODELS
from mmmultas.testing import toy_batch, toy_model
from mmmultas.utils.errors import ConfigError


def _batch():
    return dict(det=toy_batch(('det', )), seg=toy_batch(('seg', )))


def test_normalises_and_keeps_streams_apart():
    out = MultiTaskDataPreprocessor()(_batch(), True)
    assert set(out['inputs']) == set(out['data_samples']) == {'det', 'seg'}
    raw = _batch()['det']['inputs'][1].float()
    mean = torch.tensor([123.675, 116.28, 103.53]).view(3, 1, 1)
    std = torch.tensor([58.395, 57.12, 57.375]).view(3, 1, 1)
    torch.testing.assert_close(out['inputs']['det'][1],
                               (raw.flip(0) - mean) / std)


def test_labels_become_what_heads_expect():
    batch = _batch()
    boxes = batch['det']['data_samples'][0].gt_instances
    boxes.bboxes = HorizontalBoxes(boxes.bboxes)
    out = MultiTaskDataPreprocessor()(batch, True)['data_samples']
    assert type(out['det'][0].gt_instances.bboxes) is torch.Tensor
    mask = out['seg'][0].gt_sem_seg
    assert mask.sem_seg.dtype == torch.int64 and mask.data is mask.sem_seg
    assert 'gt_sem_seg' not in out['det'][0]
    # the loader's own samples are as they were
    assert batch['seg']['data_samples'][0].gt_sem_seg.sem_seg.dtype \
        == torch.uint8


def _mixed_sizes():
    small, large = (toy_batch(('seg', ), 1, side) for side in (40, 64))
    return {k: small[k] + large[k] for k in small}


@pytest.mark.parametrize('training', [True, False])
def test_masks_are_padded_in_training_alone(training):
    pre = MultiTaskDataPreprocessor(pad_size_divisor=48)
    out = pre(_mixed_sizes(), training)
    assert out['inputs'].shape == (2, 3, 96, 96)
    mask = out['data_samples'][0].gt_sem_seg.sem_seg
    assert out['data_samples'][0].metainfo['batch_input_shape'] == (96, 96)
    if training:
        assert mask.shape == (1, 96, 96)
        assert mask[0, :40, :40].max() < 3 and mask[0, 40:].eq(255).all()
    else:
        assert mask.shape == (1, 40, 40)


def test_multi_scale_moves_boxes_and_masks():
    pre = MultiTaskDataPreprocessor()
    pre.sizes = dict(det=128)
    out = pre(dict(det=toy_batch()), True)
    sample, plain = (o['data_samples']['det'][0] for o in (
        out, MultiTaskDataPreprocessor()(dict(det=toy_batch()), True)))
    assert out['inputs']['det'].shape == (2, 3, 128, 128)
    torch.testing.assert_close(sample.gt_instances.bboxes,
                               plain.gt_instances.bboxes * 2)
    assert torch.equal(sample.gt_sem_seg.sem_seg[:, ::2, ::2],
                       plain.gt_sem_seg.sem_seg)
    assert sample.metainfo['img_shape'] == (128, 128)
    assert not pre(dict(det=toy_batch()), False)['inputs'][
        'det'].shape[-1] == 128


def test_multi_scale_refuses_mixed_sizes():
    pre = MultiTaskDataPreprocessor()
    pre.sizes = dict(seg=128)
    with pytest.raises(ConfigError, match='MultiScaleHook'):
        pre(dict(seg=_mixed_sizes()), True)


@pytest.mark.parametrize('shape, side, expected', [
    ((320, 320), 384, (384, 384)), ((64, 128), 192, (96, 192)),
    ((128, 64), 64, (64, 32)), ((64, 640), 64, (32, 64)),
])
def test_multi_scale_keeps_the_ratio(shape, side, expected):
    pre = MODELS.build(dict(type='mmmultas.MultiTaskDataPreprocessor'))
    pre.sizes = dict(det=side)
    height, width = shape
    sample = DetDataSample(metainfo=dict(img_shape=shape, tasks=('det', )))
    sample.gt_instances = InstanceData(
        bboxes=torch.tensor([[0., 0., width, height]]))
    batch = dict(inputs=[torch.zeros(3, *shape, dtype=torch.uint8)],
                 data_samples=[sample])
    out = pre(dict(det=batch), True)
    assert tuple(out['inputs']['det'].shape[-2:]) == expected
    [found] = out['data_samples']['det']
    assert found.img_shape == expected
    assert found.gt_instances.bboxes.tolist() == [
        [0, 0, expected[1], expected[0]]]


def test_labels_of_another_kind_are_neither_padded_nor_resized():
    pre = MODELS.build(dict(type='mmmultas.MultiTaskDataPreprocessor',
                            pad_size_divisor=32))

    def batch():
        sample = DetDataSample(metainfo=dict(
            img_shape=(60, 64), img_path='a.png', tasks=('depth', )))
        sample.gt_depth = PixelData(depth=torch.ones(1, 60, 64))
        return dict(inputs=[torch.zeros(3, 60, 64, dtype=torch.uint8)],
                    data_samples=[sample])

    with pytest.raises(ConfigError, match='`gt_depth` of a.png .*60, 64'):
        pre(batch(), True)
    pre(batch(), False)  # evaluated in the size of the file
    pre = MODELS.build(dict(type='mmmultas.MultiTaskDataPreprocessor'))
    pre(dict(depth=batch()), True)
    pre.sizes = dict(depth=128)
    with pytest.raises(ConfigError, match='MultiScaleHook .*`gt_depth`'):
        pre(dict(depth=batch()), True)


@pytest.mark.parametrize('kind', ['mmdet.DetDataPreprocessor',
                                  'mmseg.SegDataPreProcessor'])
def test_stock_ones_are_refused_when_the_model_is_built(kind):
    init_default_scope('mmdet')
    with pytest.raises(ConfigError, match='takes one batch and not one per'):
        MODELS.build(toy_model(data_preprocessor=dict(type=kind)))
