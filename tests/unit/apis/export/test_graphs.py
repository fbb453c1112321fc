import cv2
import pytest
import torch

from mmmultas.apis.export.graphs import (CoreGraph, EndToEnd, input_size,
                                         output_names, suppression)
from mmmultas.apis.export.verify import boxes_alike
from mmmultas.apis.inferencer import MultiTaskInferencer
from mmmultas.utils.errors import ConfigError


def test_outputs_are_named_by_task(saved):
    names = output_names(saved, raw=False)
    assert [n for n in names if n.startswith('more')] == [
        'more_bboxes', 'more_scores', 'more_labels']
    assert 'far_map' in names and 'seg_map' in names
    assert 'det_labels' not in output_names(saved, raw=True)


def test_the_graph_says_what_the_inferencer_says(saved, exported, pictures):
    """In PyTorch already, before anything is written."""
    graph = EndToEnd(saved).eval()
    wanted = MultiTaskInferencer(exported / 'model.pth', 'cpu')(pictures)
    for path, want in zip(pictures, wanted):
        image = torch.from_numpy(cv2.imread(str(path)))
        with torch.no_grad():
            found = dict(zip(output_names(saved, False), graph(image)))
        assert len(want['scores']) > 3
        boxes = {key: found[f'det_{key}'].numpy()
                 for key in ('bboxes', 'scores', 'labels')}
        alike, total = boxes_alike(want, boxes)
        assert alike == total == len(want['scores'])
        assert (found['seg_map'].numpy() == want['seg_map']).mean() > .999
        torch.testing.assert_close(
            found['far_map'][0], torch.from_numpy(want['maps']['far']),
            rtol=0, atol=1e-3)
        torch.testing.assert_close(
            found['up_map'].permute(1, 2, 0),
            torch.from_numpy(want['maps']['up']), rtol=0, atol=1e-3)


def test_the_core_takes_any_number_of_pictures(saved):
    core = CoreGraph(saved).eval()
    x = torch.randn(3, 3, 64, 64)
    with torch.no_grad():
        for whole, part in zip(core(x), core(x[:1])):
            torch.testing.assert_close(whole[:1], part, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('steps, size', [
    ([dict(type='mmmultas.Squash', size=32)], (32, 32)),
    ([dict(type='mmmultas.Squash', size=(32, 64))], (32, 64)),
    ([dict(type='mmdet.Resize', scale=(64, 32))], (32, 64)),
])
def test_size_of_the_input(saved, steps, size):
    assert input_size(saved._replace(geometry=steps)) == size


@pytest.mark.parametrize('steps, words', [
    ([], 'resizes pictures 0 times'),
    ([dict(type='mmdet.Resize', scale=(64, 32), keep_ratio=True)],
     'mmdet.Resize.* which cannot be exported'),
    ([dict(type='mmdet.Resize', scale=(64, 32), interpolation='nearest')],
     'bilinear Resize'),
    ([dict(type='mmdet.Resize', scale_factor=.5)], 'bilinear Resize'),
])
def test_pipelines_that_cannot_be_written(saved, steps, words):
    with pytest.raises(ConfigError, match=words):
        input_size(saved._replace(geometry=steps))


def test_suppression_of_a_head(saved):
    found = suppression('det', saved.model.heads['det'], None)
    assert found == dict(score_thr=.05, nms_pre=1000, iou_threshold=.5,
                         max_per_img=20)
    assert suppression('det', saved.model.heads['det'], .4)[
        'score_thr'] == .4

    class Head:
        test_cfg = dict(class_agnostic=True)

    with pytest.raises(ConfigError, match='class_agnostic'):
        suppression('det', Head, None)
    Head.test_cfg = dict(nms_pre=-1, max_per_img=-1)
    found = suppression('det', Head, None)
    assert found['nms_pre'] == found['max_per_img'] == 10**9
    assert found['score_thr'] == 0
    Head.test_cfg = dict(nms=dict(type='soft_nms', iou_threshold=.5))
    with pytest.raises(ConfigError, match='can be exported'):
        suppression('det', Head, None)
