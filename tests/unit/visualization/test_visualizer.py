import cv2
import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData, PixelData

from mmmultas.registry import VISUALIZERS
from mmmultas.structures import sem_seg_data

RED, GREEN, BLUE = (250, 0, 0), (0, 250, 0), (0, 0, 250)
META = dict(
    det=dict(classes=('cat', 'dog'), palette=[RED, GREEN]),
    seg=dict(classes=('background', 'animal'), palette=[(0, 0, 0), BLUE]))


def image(height=500, width=500):
    return np.full((height, width, 3), 100, np.uint8)


def instances(boxes, labels, scores=None):
    found = InstanceData(
        bboxes=torch.tensor(boxes).reshape(-1, 4).float(),
        labels=torch.tensor(labels, dtype=torch.int64))
    if scores is not None:
        found.scores = torch.tensor(scores)
    return found


def make_sample(tasks=('det', 'seg'), size=500):
    mask = torch.zeros(1, size, size, dtype=torch.int64)
    mask[:, size * 3 // 5:] = 1
    sample = DetDataSample(metainfo=dict(tasks=tasks))
    sample.gt_instances = instances([[50, 50, 200, 200]], [0])
    sample.gt_sem_seg = sem_seg_data(mask.to(torch.uint8))
    sample.pred_instances = instances(
        [[50, 50, 200, 200], [250, 50, 400, 200]], [1, 1], [.9, .1])
    sample.pred_sem_seg = sem_seg_data(mask)
    return sample


@pytest.fixture
def visualizer(tmp_path):
    built = VISUALIZERS.build(
        dict(type='mmmultas.MultiTaskVisualizer', name=str(tmp_path),
             vis_backends=[dict(type='LocalVisBackend')],
             save_dir=str(tmp_path)))
    built.dataset_meta = META
    return built


def count(picture, colour):
    return int((picture == colour).all(-1).sum())


def tinted(picture):
    return int((picture == (50, 50, 175)).all(-1).sum())


def test_ground_truth_beside_prediction(visualizer):
    drawn = visualizer.draw(image(), make_sample())
    left, right = drawn[:, :500], drawn[:, 508:]
    assert drawn.shape[1] == 1008
    assert count(left, RED) > 500 and count(left, GREEN) == 0
    assert count(right, GREEN) > 500 and count(right, RED) == 0
    assert tinted(left) > 90_000 and tinted(right) > 90_000
    assert count(drawn[-30:], BLUE) > 100  # the legend


def test_each_side_alone(visualizer):
    truth = visualizer.draw(image(), make_sample(), draw_pred=False)
    found = visualizer.draw(image(), make_sample(), draw_gt=False)
    assert truth.shape == found.shape and truth.shape[1] == 500
    assert count(truth, RED) and not count(truth, GREEN)
    assert count(found, GREEN) and not count(found, RED)


@pytest.mark.parametrize('tasks', [(), ('det', ), ('seg', ),
                                   ('det', 'seg')])
def test_withheld_labels_are_not_drawn(visualizer, tasks):
    drawn = visualizer.draw(image(), make_sample(tasks), draw_pred=False)
    assert (count(drawn, RED) > 0) == ('det' in tasks)
    assert (tinted(drawn) > 0) == ('seg' in tasks)


def test_low_scores_are_left_out(visualizer):
    def right_half(threshold):
        drawn = visualizer.draw(image(), make_sample(), draw_gt=False,
                                pred_score_thr=threshold)
        return count(drawn[:, 240:], GREEN)

    assert right_half(0.3) == 0
    assert right_half(0.05) > 500


def test_difficult_boxes_are_grey(visualizer):
    sample = make_sample(('det', ))
    plain = visualizer.draw(image(), sample, draw_pred=False)
    sample.ignored_instances = instances([[300, 300, 400, 400]], [1])
    drawn = visualizer.draw(image(), sample, draw_pred=False)
    assert count(plain, (160, 160, 160)) == 0
    assert count(drawn, (160, 160, 160)) > 300
    assert count(drawn, GREEN) == 0


def test_task_without_classes_is_not_drawn(visualizer):
    visualizer.dataset_meta = dict(det=META['det'])
    drawn = visualizer.draw(image(), make_sample())
    assert tinted(drawn) == 0 and count(drawn, RED) > 0
    visualizer.dataset_meta = dict(seg=META['seg'])
    drawn = visualizer.draw(image(), make_sample())
    assert tinted(drawn) > 0 and count(drawn, RED) == 0


def test_small_images_are_enlarged_with_their_labels(visualizer):
    sample = make_sample(size=100)
    sample.gt_instances.bboxes /= 5
    drawn = visualizer.draw(image(100, 100), sample, draw_pred=False)
    assert drawn.shape[1] == 480
    rows, columns = np.nonzero((drawn == RED).all(-1))
    assert columns.min() == 48 and columns.max() == 192
    assert tinted(drawn) > 80_000


def test_sample_without_anything(visualizer):
    assert (visualizer.draw(image()) == 100).all()
    empty = DetDataSample(metainfo=dict(tasks=('det', )))
    empty.gt_instances = instances([], [])
    assert visualizer.draw(image(), empty).shape[1] == 500


def test_writes_a_file_in_rgb_order(visualizer, tmp_path):
    path = tmp_path / 'new' / 'a.png'
    visualizer.add_datasample('a', image(), make_sample(), out_file=path)
    written = cv2.imread(str(path))[..., ::-1]
    assert (written == visualizer.get_image()).all()
    assert count(written, RED) > 500
    assert not list(tmp_path.rglob('vis_image/*'))


def test_goes_to_the_backends_otherwise(visualizer, tmp_path):
    visualizer.add_datasample('a', image(), make_sample(), step=7)
    [path] = tmp_path.rglob('vis_image/*')
    assert path.name == 'a_7.png'


def test_unwritable_file_is_an_error(visualizer, tmp_path):
    with pytest.raises(Exception, match='picture|extension|writer'):
        visualizer.add_datasample(
            'a', image(), make_sample(), out_file=tmp_path / 'a.unknown')


def test_shows_a_window(visualizer, monkeypatch):
    shown = []
    monkeypatch.setattr(
        type(visualizer), 'show',
        lambda self, drawn, **options: shown.append((drawn.shape, options)))
    visualizer.add_datasample('a', image(), make_sample(), show=True,
                              wait_time=2)
    assert shown == [(visualizer.get_image().shape,
                      dict(win_name='a', wait_time=2))]


def test_overlay_keeps_the_size(visualizer):
    drawn = visualizer.overlay(image(60, 80), make_sample(size=60))
    assert drawn.shape == (60, 80, 3)
    bare = visualizer.overlay(image(500, 500), make_sample(), 0.95)
    assert count(bare, GREEN) == 0 and tinted(bare) > 80_000
    assert count(visualizer.overlay(image(500, 500), make_sample()),
                 GREEN) > 500


def test_truth_and_prediction_of_depth_have_one_range(visualizer):
    visualizer.dataset_meta = dict(depth=dict(kind='depth', unit='m'))
    ramp = torch.linspace(1, 9, 500 * 500).reshape(1, 500, 500)
    sample = DetDataSample(metainfo=dict(tasks=('depth', )))
    sample.gt_depth = PixelData(data=ramp)
    sample.pred_depth = PixelData(data=ramp * 0 + 5)
    near = cv2.applyColorMap(
        np.array([[255]], np.uint8), cv2.COLORMAP_TURBO)[0, 0, ::-1]
    both = visualizer.draw(image(500, 500), sample)
    assert 0 < count(both, near) < 20_000  # the nearest of the truth
    alone = visualizer.draw(image(500, 500), sample, draw_gt=False)
    assert count(alone, near) > 200_000  # all is as near as anything
    compared = visualizer.compare(image(500, 500), sample, dict(a=sample))
    assert count(compared, near) < 20_000
    film = visualizer.overlay(image(60, 80), sample)
    assert film.shape[0] == 60 and film.shape[1] >= 160
