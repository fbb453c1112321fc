import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from torch import nn

from mmmultas.models.tasks import (DepthTask, EdgeTask, NormalTask, Read,
                                   SaliencyTask)
from mmmultas.registry import MODELS
from mmmultas.testing import toy_batch, toy_model
from mmmultas.utils.errors import ConfigError

TASKS = dict(depth=DepthTask, normals=NormalTask, edges=EdgeTask,
             saliency=SaliencyTask)


class Given(nn.Module):
    """Puts out what it is given."""

    def forward(self, feats):
        return feats[0]


def sample(task, data, shape=(4, 4), ori=(4, 4)):
    found = DetDataSample(metainfo=dict(
        tasks=(task, ), img_shape=shape, ori_shape=ori,
        batch_input_shape=(4, 4), img_path='a.png'))
    if data is not None:
        setattr(found, f'gt_{task}', PixelData(data=data))
    return found


def truth(task):
    if task == 'normals':
        return torch.tensor([0., 0, 1]).reshape(3, 1, 1).repeat(1, 4, 4)
    if task == 'depth':
        return torch.full((1, 4, 4), 2.)
    return torch.eye(4, dtype=torch.uint8)[None]


@pytest.mark.parametrize('kind', TASKS)
def test_losses_fall_towards_the_label_and_ignore_what_is_unknown(kind):
    task, label = TASKS[kind]({}), truth(kind)
    maps = torch.zeros(1, task.channels, 4, 4, requires_grad=True)
    read = Read((maps, ))
    void = torch.full_like(label, task.fill)
    loss, = task.losses(Given(), read, [sample(kind, label)]).values()
    nothing, = task.losses(Given(), read, [sample(kind, void)]).values()
    assert loss.count > 0 and nothing.count == 0 == nothing.total
    assert nothing.mean() == 0
    better = maps.detach() + (label.float() if task.fill == 0 else
                              4 * label.float() - 2)
    closer, = task.losses(Given(), Read((better, )), [sample(kind, label)]
                          ).values()
    assert closer.total < loss.total
    assert task.counted_terms(Given()) == (f'loss_{kind}', )


@pytest.mark.parametrize('kind', TASKS)
def test_outputs_that_others_asked_for_serve(kind):
    task = TASKS[kind]({}, 'mine')
    maps = torch.randn(1, task.channels, 2, 2)
    ours, = task.losses(None, Read((), maps), [sample('mine', truth(kind))]
                        ).values()
    want, = task.losses(Given(), Read((maps, )),
                        [sample('mine', truth(kind))]).values()
    assert ours.total == want.total


def test_predictions_have_the_size_of_the_picture():
    one = sample('depth', None, shape=(4, 2), ori=(8, 4))
    maps = torch.full((1, 1, 4, 4), -1.)
    maps[..., :2] = 5
    DepthTask({}).predict(Given(), Read((maps, )), [one])
    assert one.pred_depth.data.shape == (1, 8, 4)
    # what lies in the padding is not looked at
    assert (one.pred_depth.data == 5).all()
    DepthTask({}).predict(Given(), Read((-maps, )), [one])
    assert (one.pred_depth.data == 0).all()
    two = sample('edges', None)
    EdgeTask({}).predict(Given(), Read((torch.zeros(1, 1, 4, 4), )), [two])
    assert (two.pred_edges.data == .5).all()


def test_mirror_images_are_joined():
    seen = torch.tensor([1., 0, 1]).reshape(1, 3, 1, 1).repeat(1, 1, 4, 4)
    one = sample('normals', None)
    # the mirrored picture shows the same vector with x to the other side
    other = seen * torch.tensor([-1., 1, 1]).reshape(1, 3, 1, 1)
    NormalTask({}).predict_flipped(Given(), Read((seen, )), Read((other, )),
                                   [one])
    want = torch.tensor([.5**.5, 0, .5**.5]).reshape(3, 1, 1).expand(3, 4, 4)
    torch.testing.assert_close(one.pred_normals.data, want)


def test_a_label_that_was_not_loaded_names_the_image():
    with pytest.raises(ConfigError, match="a.png says that 'far'.*`gt_far`"):
        DepthTask({}, 'far').losses(Given(), Read((torch.zeros(1), )),
                                    [sample('far', None)])


def _model(**heads):
    init_default_scope('mmdet')
    cfg = toy_model(('det', ))
    cfg['heads'].update(heads)
    return MODELS.build(cfg)


HEAD = dict(type='mmmultas.DenseHead', in_channels=8, channels=8,
            num_levels=2, num_refine_convs=0)


def _data(model, tasks):
    batch = toy_batch(('det', ))
    for one in batch['data_samples']:
        one.set_metainfo(dict(tasks=tuple(tasks), kinds=tasks))
        for task, kind in tasks.items():
            label = truth(kind).float().repeat(1, 16, 16)
            setattr(one, f'gt_{task}', PixelData(data=label))
    return model.data_preprocessor(batch, True)


@pytest.mark.parametrize('kind', TASKS)
@pytest.mark.parametrize('head', [HEAD, dict(
    type='FCNHead', in_channels=8, in_index=0, channels=8, num_convs=1)])
def test_any_head_learns_and_predicts(kind, head):
    model = _model(mine=dict(head, kind=kind)).train()
    loss, logs = model.parse_losses(
        model(**_data(model, dict(mine=kind)), mode='loss'))
    assert list(logs) == ['loss', f'mine.loss_{kind}'] and loss > 0
    loss.backward()
    assert all(p.grad is not None for p in model.heads['mine'].parameters())
    model.eval().set_flip_test(True)
    data = model.data_preprocessor(toy_batch((), 2))
    found = model(**data, mode='predict')[0].pred_mine.data
    assert found.shape == (3 if kind == 'normals' else 1, 64, 64)


def test_two_tasks_of_one_kind():
    model = _model(near=dict(HEAD, kind='depth'), far=dict(HEAD, kind='depth'))
    losses = model(**_data(model, dict(near='depth', far='depth')),
                   mode='loss')
    assert set(losses) == {'near.loss_depth', 'far.loss_depth'}


def test_another_number_of_channels_is_refused():
    with pytest.raises(ConfigError, match='heads.n.num_classes` is 2.*3 chan'):
        _model(n=dict(HEAD, kind='normals', num_classes=2))


@pytest.mark.parametrize('changes, message', [
    (dict(loss_decode=dict(type='DiceLoss')), 'loss_decode` would change'),
    (dict(ignore_index=3), 'ignore_index` would change nothing'),
    (dict(yes_weight=10), 'yes_weight` is a share between 0 and 1'),
    (dict(yes_weight='a'), "got 'a'"),
    (dict(num_levels=3), None),
])
def test_keys_that_would_change_nothing_are_refused(changes, message):
    head = dict(HEAD, kind='edges', **{**changes})
    if message is None:
        model = _model(mine=head)
        with pytest.raises(ConfigError, match='num_levels=3` is given 2 lev'):
            model(**_data(model, dict(mine='edges')), mode='loss')
        return
    with pytest.raises(ConfigError, match=f'heads.mine.{message}|{message}'):
        _model(mine=head)


def test_maps_as_another_network_reads_them():
    tasks = ('depth', 'normals', 'edges', 'saliency')
    head = dict(type='mmmultas.DenseHead', in_channels=8, channels=8,
                num_levels=2)
    cfg = toy_model(('seg', ))
    cfg['heads'] = {task: head for task in tasks}
    model = MODELS.build(cfg).eval()
    batch = model.data_preprocessor(toy_batch(tasks), True)
    outputs = model.raw_outputs(model.encode(batch['inputs']))
    for name, task in model.tasks.items():
        raw = outputs[name] * 100
        said = task.said_map(model.heads[name], raw, (60, 64))
        assert said.shape == (2, task.map_channels(None), 60, 64)
        shown = task.shown(said)
        label = task.shown_label(model.heads[name], batch['data_samples'])
        for maps in (shown, label):
            assert maps.dtype == torch.float32
            if name != 'depth' or maps is label:
                assert 0 <= maps.min() and maps.max() <= 1
        if name == 'depth':
            # raw values, below 0, too: by the largest one of each image
            assert (said < 0).any()
            assert label.amax((1, 2, 3)).tolist() == [1, 1]


def test_distance_of_normals():
    """Turned by a right angle: 1 - cosine is 1, components differ by 2/3."""
    maps = torch.tensor([0., 5, 0]).reshape(1, 3, 1, 1).repeat(1, 1, 4, 4)
    for distance, expected in ((None, 1), ('cosine', 1), ('l1', 2 / 3)):
        cfg = {} if distance is None else dict(distance=distance)
        total, count = NormalTask(cfg).loss(maps, truth('normals')[None])
        assert (total / count).item() == pytest.approx(expected)
    with pytest.raises(ConfigError, match="distance` is 'cosine' or 'l1'"):
        NormalTask(dict(distance='l2'))
