import pytest
import torch

from mmmultas.registry import MODELS
from mmmultas.utils.errors import CheckpointError, ConfigError

from .test_cross_task import TASKS, WIDTHS, built, data, losses, segnet


def _cfg(name='Direct', **kwargs):
    return dict(type=f'mmmultas.{name}Mapping', widths=WIDTHS, **kwargs)


def _moved(model, batch):
    model.zero_grad()
    sum(losses(model, batch).values()).backward()
    return {'.'.join(name.split('.')[:2 if name.startswith('heads') else 4])
            for name, p in model.named_parameters()
            if p.grad is not None and p.grad.abs().sum() > 0}


def test_what_is_drawn_teaches_both():
    model = built(_cfg())
    nets = model.companions['xtc'].networks
    assert set(nets) == {f'{s}_to_{t}' for s in TASKS for t in TASKS
                         if s != t}
    moved = _moved(model, data(model, [('depth', )], 2))
    assert {m for m in moved if 'networks' in m} == {
        'companions.xtc.networks.seg_to_depth',
        'companions.xtc.networks.normals_to_depth'}
    assert any(m.startswith('heads.seg') for m in moved)
    assert not any(m.startswith('heads.depth') for m in moved)


def test_loss_is_that_of_the_labelled_task():
    model = built(_cfg(pairs=[('depth', 'normals')], weight=3.))
    batch = data(model, [('normals', )], 2)
    found = losses(model, batch)['xtc.loss_map']
    depth = model.heads['depth'](model.encode(batch['inputs']['a']))[2:]
    x = depth / (depth.amax((1, 2, 3), keepdim=True) + 1e-12)
    raw = model.companions['xtc'].networks['depth_to_normals'](x)
    truth = torch.stack([s.gt_normals.data
                         for s in batch['data_samples']['a'][2:]])
    each = [1 - (torch.nn.functional.normalize(r, dim=0) * t).sum(0)[
        t.abs().sum(0) > 0].mean() for r, t in zip(raw, truth)]
    assert (depth > 0).any()
    torch.testing.assert_close(found, 3 * sum(each) / 2)


def test_classes_are_weighed_as_in_the_head():
    """What is drawn of classes has the loss of their own head."""
    model = segnet(TASKS, xtc=_cfg(pairs=[('depth', 'seg')]))
    count = model['heads']['seg']['num_classes']
    weight = [.1, *[1.] * (count - 1)]
    model['heads']['seg']['loss_decode'] = dict(
        type='mmmultas.CrossEntropyLoss', class_weight=weight)
    model = MODELS.build(model)
    net = model.companions['xtc'].networks['depth_to_seg']
    own = model.heads['seg'].loss_decode
    assert net.head.loss_decode is not own
    assert torch.equal(net.head.loss_decode.class_weight, own.class_weight)
    plain = built(_cfg(pairs=[('seg', 'depth')]))
    assert not any('loss_decode' in key for key in plain.companions[
        'xtc'].state_dict())


@pytest.mark.parametrize('name', ['Direct', 'Perceptual'])
def test_widths_are_named_as_in_the_config(name):
    with pytest.raises(ConfigError, match=r'companions\.xtc\.widths`'):
        built(dict(_cfg(name), widths=(4, 4)))


def test_labels_alone_teach_the_networks():
    model = built(_cfg(source='labels'))
    batch = data(model, [('seg', 'depth')], 2)
    moved = _moved(model, batch)
    assert {m for m in moved} == {'companions.xtc.networks.seg_to_depth',
                                  'companions.xtc.networks.depth_to_seg'}
    one = model.companions['xtc']
    assert one.mute_losses([TASKS]) == {}
    assert one.mute_losses([('seg', ), ('depth', )])


def test_perceptual():
    model = built(_cfg('Perceptual'))
    batch = data(model, [('depth', )], 2)
    found = losses(model, batch)
    assert set(found) == {'xtc.loss_map', 'xtc.loss_perceptual'}
    model.zero_grad()
    found['xtc.loss_perceptual'].backward()
    heads = {name.split('.')[1] for name, p in model.heads.named_parameters(
        prefix='h') if p.grad is not None and p.grad.abs().sum()}
    # of the labelled task alone; the networks are held fixed
    assert heads == {'depth'}
    assert all(p.grad is None
               for p in model.companions['xtc'].parameters())
    assert all(p.requires_grad for p in model.companions['xtc'].parameters())
    model.zero_grad()
    losses(model, batch)['xtc.loss_map'].backward()
    assert all(p.grad is None for p in model.heads.parameters())


def test_a_perfect_prediction_differs_in_nothing():
    model = built(_cfg('Perceptual'))
    batch = data(model, [('normals', )], 2)
    truth = torch.stack([s.gt_normals.data
                         for s in batch['data_samples']['a']])
    model.heads['normals'].forward = lambda feats: (
        truth + 0 * feats[0].sum())
    assert losses(model, batch)['xtc.loss_perceptual'] < 1e-5


def test_frozen_networks_of_another_run(tmp_path):
    first = built(_cfg(source='labels'))
    torch.nn.init.normal_(first.companions['xtc'].networks[
        'seg_to_depth'].head.conv.bias)
    path = str(tmp_path / 'maps.pth')
    torch.save(dict(companions=first.extra_state()), path)
    model = built(_cfg('Perceptual', checkpoint=path))
    one = model.companions['xtc']
    assert torch.equal(
        one.networks['seg_to_depth'].head.conv.bias,
        first.companions['xtc'].networks['seg_to_depth'].head.conv.bias)
    before = {k: v.clone() for k, v in one.state_dict().items()}
    assert set(losses(model, data(model, [TASKS], 2))) == {
        'xtc.loss_perceptual'}
    # batch norm learns no statistics either
    assert all(torch.equal(v, before[k]) for k, v in one.state_dict().items())
    assert not any(p.requires_grad for p in one.parameters())
    assert one.mute_losses([TASKS]) == {} and one.mute_losses([()])


def test_what_does_not_fit(tmp_path):
    with pytest.raises(ConfigError, match="'said' or 'labels'"):
        built(_cfg(source='truth'))
    with pytest.raises(ConfigError, match="is 'said' here"):
        built(_cfg('Perceptual', source='labels'))
    for idle in (dict(num_pairs=1), dict(mean_pairs=True), dict(full=True)):
        with pytest.raises(ConfigError, match='nothing with `checkpoint`'):
            built(_cfg('Perceptual', checkpoint='x.pth', **idle))
    with pytest.raises(ConfigError, match='with another `model.companions'):
        built(_cfg()).load_extra_state(dict(xtc={}))
    path = str(tmp_path / 'none.pth')
    torch.save(dict(companions=dict(xtc=dict(a=torch.ones(1)))), path)
    with pytest.raises(CheckpointError, match='name a checkpoint of such'):
        built(_cfg('Perceptual', checkpoint=path))
    assert losses(built(_cfg()), data(built(_cfg()), [()], 1)) == {}
