import numpy as np
import torch

from mmmultas.testing import ToyDataset, toy_config, toy_stream


def test_withheld_labels_are_not_there():
    det, seg = ToyDataset(2, ('det', ))[0], ToyDataset(2, ('seg', ))[0]
    assert 'gt_sem_seg' not in det['data_samples']
    assert 'gt_instances' not in seg['data_samples']


def test_mask_and_boxes_agree():
    sample = ToyDataset(1)[0]['data_samples']
    x1, y1, x2, y2 = sample.gt_instances.bboxes[-1].int().tolist()
    inside = sample.gt_sem_seg.sem_seg[0, y1:y2, x1:x2]
    assert inside.eq(sample.gt_instances.labels[-1] + 1).all()


def test_noise_follows_the_global_generator():
    data = ToyDataset(1)
    images = []
    for seed in (0, 0, 1):
        np.random.seed(seed)
        images.append(data[0]['inputs'])
    assert torch.equal(images[0], images[1])
    assert not torch.equal(images[0], images[2])


def test_config_is_complete(tmp_path):
    cfg = toy_config(tmp_path, epochs=5, alternate='epoch')
    assert cfg.train_cfg.alternate == 'epoch'
    assert toy_stream(4, ('det', ), drop_last=False)['drop_last'] is False
