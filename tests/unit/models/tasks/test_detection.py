import torch

from mmmultas.models.tasks import DetectionTask, Group
from mmmultas.testing import toy_batch, toy_model


def _task(**kwargs):
    return DetectionTask(dict(toy_model()['heads']['det'], **kwargs))


def _feats():
    return (torch.randn(2, 8, 8, 8), torch.randn(2, 8, 4, 4))


def test_in_index_picks_levels_and_is_not_the_heads():
    task = _task(in_index=[1, 2])
    feats = (torch.zeros(1), ) + _feats()
    assert task.select(feats) == feats[1:]
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
    task.predict(head.eval(), Group(_feats(), samples))
    found = samples[0].pred_instances
    assert 0 < len(found) <= 5 and found.bboxes.max() <= 128
    assert found.bboxes.max() > 64
