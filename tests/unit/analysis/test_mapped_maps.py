import cv2
import pytest
import torch

from mmmultas.analysis.mapped_maps import draw_mapped
from mmmultas.registry import MODELS
from mmmultas.testing import toy_config, toy_stream
from mmmultas.utils.errors import CheckpointError, ConfigError

TASKS = ('seg', 'depth', 'normals')
WIDTHS = (4, 4, 8, 8, 8)


def _config(folder):
    head = dict(type='mmmultas.SegNetHead', in_channels=4)
    cfg = toy_config(folder, model=dict(
        type='mmmultas.MultiTaskDetSeg',
        backbone=dict(type='mmmultas.SegNetEncoder', widths=WIDTHS),
        neck=dict(type='mmmultas.SegNetDecoder', widths=WIDTHS),
        heads=dict(seg=dict(head, num_classes=3), depth=head, normals=head),
        companions=dict(xtc=dict(
            type='mmmultas.CrossTaskConsistency',
            mapping=dict(type='mmmultas.SegNetMapping', widths=WIDTHS)))))
    cfg.val_dataloader = dict(val=toy_stream(3, [TASKS, ('depth', )]))
    return cfg


@pytest.fixture
def trained(tmp_path):
    cfg = _config(tmp_path)
    model = MODELS.build(cfg.model)
    path = tmp_path / 'epoch_1.pth'
    torch.save(dict(state_dict=model.state_dict(),
                    companions=model.extra_state()), path)
    return cfg, path


def test_a_row_per_pair_whose_label_is_there(trained, tmp_path):
    cfg, path = trained
    found = draw_mapped(cfg, path, tmp_path / 'out', 2)
    assert [p.name for p in found] == ['0.png', '1.png']
    first, second = (cv2.imread(str(p)).shape for p in found)
    # six ordered pairs, and two with a label of depth
    assert first[0] == 3 * second[0] and first[1] == second[1] > 5 * 128


def test_what_has_no_mapping(trained, tmp_path):
    cfg, path = trained
    torch.save(dict(state_dict={}), tmp_path / 'plain.pth')
    with pytest.raises(CheckpointError, match='checkpoint of the training'):
        draw_mapped(cfg, tmp_path / 'plain.pth', tmp_path)
    cfg.model.companions = {}
    with pytest.raises(ConfigError, match='no mapping network'):
        draw_mapped(cfg, path, tmp_path)
