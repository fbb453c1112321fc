import pytest
import torch

from mmmultas.models.heads.best_boxes import best_boxes, box_test_cfg
from mmmultas.utils.errors import ConfigError

BOXES = torch.tensor([[0., 0., 10., 10.], [1., 0., 11., 10.],
                      [20., 20., 45., 30.]])
META = dict(img_shape=(32, 40), scale_factor=(2., 1.))


def found(scores, rescale=False, **cfg):
    return best_boxes(torch.tensor(scores), BOXES.__getitem__, META,
                      box_test_cfg(cfg, 'Head'), rescale)


def test_nms_goes_by_class():
    scores = [[.9, .0], [.8, .7], [.0, .6]]
    out = found(scores)
    assert out.labels.tolist() == [0, 1, 1]
    torch.testing.assert_close(out.scores, torch.tensor([.9, .7, .6]))
    # inside of the image
    assert out.bboxes[2].tolist() == [20., 20., 40., 30.]


def test_boxes_of_the_original_image():
    assert found([[.9], [.0], [.8]], True).bboxes.tolist() == [
        [0., 0., 5., 10.], [10., 20., 20., 30.]]


def test_limits():
    assert len(found([[.9], [.0], [.8]], max_per_img=1).scores) == 1
    assert len(found([[.9], [.0], [.8]], score_thr=.85).scores) == 1
    assert not len(found([[.01]] * 3).scores)
    # all, as in MMDetection
    assert len(found([[.9], [.0], [.8]], max_per_img=-1, nms_pre=-1)) == 2


def test_agnostic_keeps_all_classes_of_a_box():
    out = found([[.9, .3], [.8, .7], [.0, .0]], class_agnostic=True)
    assert out.labels.tolist() == [0, 1]


def test_unknown_keys():
    with pytest.raises(ConfigError, match='of Head has no key .nms.'):
        box_test_cfg(dict(nms=1), 'Head')
    assert box_test_cfg(None, 'Head', iou_threshold=.55)[
        'iou_threshold'] == .55
