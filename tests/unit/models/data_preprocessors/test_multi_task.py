import pytest
import torch
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import HorizontalBoxes
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData, PixelData

from mmmultas.models import MultiTaskDataPreprocessor
from mmmultas.registry import MODELS
from mmmultas.structures import sem_seg_data
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


def _maps(**kinds):
    """One image with labels of every kind, and a second detector's."""
    sample = DetDataSample(metainfo=dict(
        img_shape=(60, 64), img_path='a.png',
        tasks=('cars', 'parts', 'depth', 'normals', 'edges', *kinds),
        kinds=dict(cars='boxes', parts='classes', **kinds)))
    sample.gt_cars = InstanceData(
        bboxes=torch.tensor([[0., 0., 30., 32.]]), labels=torch.zeros(1))
    sample.gt_parts = sem_seg_data(torch.ones(1, 60, 64, dtype=torch.uint8))
    sample.gt_depth = PixelData(data=torch.full((1, 60, 64), 4.))
    sample.gt_normals = PixelData(
        data=torch.tensor([0., 0, 1]).reshape(3, 1, 1).repeat(1, 60, 64))
    line = torch.zeros(1, 60, 64, dtype=torch.uint8)
    line[0, 31] = 1
    sample.gt_edges = PixelData(data=line)
    for name in kinds:
        setattr(sample, f'gt_{name}', PixelData(data=torch.ones(1, 60, 64)))
    return dict(inputs=[torch.zeros(3, 60, 64, dtype=torch.uint8)],
                data_samples=[sample])


def test_labels_are_padded_by_their_kind():
    pre = MODELS.build(dict(type='mmmultas.MultiTaskDataPreprocessor',
                            pad_size_divisor=32))
    sample = pre(_maps(), True)['data_samples'][0]
    assert sample.gt_parts.data.dtype == torch.int64
    for task, fill in dict(parts=255, depth=0, normals=0, edges=255).items():
        label = sample.get(f'gt_{task}').data
        assert label.shape[-2:] == (64, 64)
        assert (label[:, 60:] == fill).all() and (label[:, :60] != 9).all()
    # evaluated in the size of the file
    sample = pre(_maps(), False)['data_samples'][0]
    assert sample.gt_depth.data.shape == (1, 60, 64)
    with pytest.raises(ConfigError, match="a.png .*`gt_x` of the kind 'odd'"):
        pre(_maps(x='odd'), True)


def test_labels_are_resized_by_their_kind():
    pre = MODELS.build(dict(type='mmmultas.MultiTaskDataPreprocessor'))
    pre.sizes = dict(a=32)
    sample = pre(dict(a=_maps()), True)['data_samples']['a'][0]
    torch.testing.assert_close(sample.gt_cars.bboxes,
                               torch.tensor([[0, 0, 15, 32 * 32 / 60]]))
    zoom = (32 * 32 / (60 * 64))**.5
    torch.testing.assert_close(sample.gt_depth.data,
                               torch.full((1, 32, 32), 4 / zoom))
    torch.testing.assert_close(sample.gt_normals.data[2], torch.ones(32, 32))
    # a line of one pixel survives
    assert (sample.gt_edges.data == 1).any(1).all()
    assert sample.gt_parts.data.unique().tolist() == [1]


@pytest.mark.parametrize('kind', ['mmdet.DetDataPreprocessor',
                                  'mmseg.SegDataPreProcessor'])
def test_stock_ones_are_refused_when_the_model_is_built(kind):
    init_default_scope('mmdet')
    with pytest.raises(ConfigError, match='takes one batch and not one per'):
        MODELS.build(toy_model(data_preprocessor=dict(type=kind)))


def test_multi_scale_moves_what_a_crop_left_in_view():
    pre = MultiTaskDataPreprocessor()
    pre.sizes = dict(det=128)
    batch = toy_batch(('det', ), 1)
    sample = batch['data_samples'][0]
    sample.set_metainfo(dict(visible=(1., 2., 60., 64.)))
    sample.lost_instances = InstanceData(
        bboxes=torch.tensor([[0., 1., 4., 8.]]), labels=torch.tensor([1]))
    moved = pre(dict(det=batch), True)['data_samples']['det'][0]
    assert moved.metainfo['visible'] == (2, 4, 120, 128)
    assert moved.lost_instances.bboxes.tolist() == [[0, 2, 8, 16]]
    assert sample.lost_instances.bboxes.tolist() == [[0, 1, 4, 8]]


def test_multi_scale_moves_both_views_alike():
    """A place in both views stays one place, also where the ratio changes."""
    pre = MultiTaskDataPreprocessor()
    batch = toy_batch(('seg', ), 1, second_view=True)
    inputs, samples = torch.zeros(2, 3, 64, 96), batch['data_samples'][0]
    seconds = samples.second_view
    matrix = torch.tensor([[-1., .5, 64.], [0., 2., 3.], [0., 0., 1.]])
    seconds.set_metainfo(dict(from_first=tuple(matrix.flatten().tolist())))
    for sample in (seconds, samples):
        sample.set_metainfo(dict(img_shape=(64, 96)))
    pre._rescale(inputs, [samples, seconds], (32, 192))
    moved = torch.tensor(seconds.metainfo['from_first']).reshape(3, 3)
    factors = torch.tensor([2., .5, 1.])
    place = torch.tensor([10., 20., 1.])
    torch.testing.assert_close(moved @ (factors * place),
                               factors * (matrix @ place))
