"""What each label reaches in a network whose detector reads the decoder."""
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmmultas.registry import MODELS
from mmmultas.testing import toy_batch
from mmmultas.utils.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = ROOT / 'configs/interdependent'


def build(name, **changes):
    cfg = Config.fromfile(CONFIGS / f'{name}.py')
    cfg.merge_from_dict(changes)
    init_default_scope(cfg.default_scope)
    cfg.model.backbone.init_cfg = None
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    model.init_weights()
    return model.train()


def batch(task, size=64, count=2):
    return {task: toy_batch((task, ), count, size)}


def losses_of(model, data):
    data = {k: model.data_preprocessor(v, True) for k, v in data.items()}
    return model({k: v['inputs'] for k, v in data.items()},
                 {k: v['data_samples'] for k, v in data.items()}, 'loss')


def reached(model, data):
    """Parts of the network that get a gradient."""
    model.zero_grad()
    total, _ = model.parse_losses(losses_of(model, data))
    total.backward()
    depth = dict(backbone=1)
    return {
        '.'.join(name.split('.')[:depth.get(name.split('.')[0], 2)])
        for name, p in model.named_parameters()
        if p.grad is not None and p.grad.any()
    }


@pytest.fixture(scope='module')
def joint():
    return build('efflite0_trident_mtl_voc-mini')


NECK = {f'neck.{part}' for part in ('aspp', 'skip4', 'skip8', 'up4', 'up8',
                                    'refine')}


def test_boxes_reach_the_decoder_and_masks_do_not_reach_the_detector(joint):
    assert reached(joint, batch('det')) == {'backbone', 'heads.det', *NECK}
    assert reached(joint, batch('seg')) == {'backbone', 'heads.seg', *NECK}


def test_the_last_stage_of_the_decoder_is_not_run_for_boxes(joint):
    calls = []
    handle = joint.heads.seg.convs.register_forward_hook(
        lambda *args: calls.append(1))
    losses_of(joint, batch('det'))
    assert not calls
    losses_of(joint, batch('seg'))
    assert calls == [1]
    handle.remove()


def test_a_stopped_gradient_ends_in_the_head():
    model = build('efflite0_trident_mtl_stop_voc-mini')
    assert reached(model, batch('det')) == {'heads.det'}
    both = {**batch('det'), **batch('seg')}
    assert reached(model, both) == {'backbone', 'heads.det', 'heads.seg',
                                    *NECK}


def test_a_detector_of_the_encoder_leaves_the_decoder_alone():
    model = build('efflite0_trident_mtl_encoder_voc-mini')
    assert reached(model, batch('det')) == {
        'backbone', 'heads.det', 'neck.aspp', 'neck.sides'}


def test_stages_train_what_they_say():
    both = {**batch('det'), **batch('seg')}
    for stage, task, parts in ((2, 'seg', {'backbone', 'heads.seg', *NECK}),
                               (3, 'det', {'heads.det'})):
        model = build(f'efflite0_trident_mtl_stage{stage}_voc-mini')
        assert reached(model, {task: both[task]}) == parts


def test_withheld_labels_do_not_matter():
    """Masks of box images and boxes of mask images: not a bit moves."""

    def step(shift):
        model = build('efflite0_trident_mtl_voc-mini')
        data = {}
        for task in ('det', 'seg'):
            samples = toy_batch(('det', 'seg'), 2, 64)
            for sample in samples['data_samples']:
                sample.set_metainfo(dict(tasks=(task, )))
                if task == 'det':
                    mask = sample.gt_sem_seg.sem_seg
                    mask.copy_((mask + shift) % 3)
                else:
                    sample.gt_instances.bboxes += shift
            data[task] = samples
        optim = torch.optim.SGD(model.parameters(), .1)
        model.parse_losses(losses_of(model, data))[0].backward()
        optim.step()
        return model.state_dict()

    first, second = step(0), step(1)
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_a_batch_of_one_is_refused(joint):
    with pytest.raises(ConfigError, match='batch_size'):
        losses_of(joint, batch('det', count=1))


def test_a_detector_that_also_reads_the_decoder_begins_as_the_plain_one():
    plain = build('../multas/efflite0-64_fpn_mtl_voc-mini')
    reading = build('efflite0-64_fpn_mtl_read-seg_voc-mini')
    state = reading.state_dict()
    for key, value in plain.state_dict().items():
        state[key].copy_(value)
    both = {**batch('det'), **batch('seg')}
    found = [losses_of(model, both) for model in (plain, reading)]
    for name in ('det.loss_cls', 'det.loss_bbox'):
        assert torch.equal(found[0][name], found[1][name])
    parts = reached(reading, batch('det'))
    assert parts >= {'heads.det', 'backbone'}
    assert any(p.grad.any() for p in reading.heads.det.join.parameters())
