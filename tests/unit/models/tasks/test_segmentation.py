import pytest
import torch
from mmengine.registry import DefaultScope, init_default_scope
from torch import nn

from mmmultas.models.tasks import Read, SegmentationTask
from mmmultas.registry import MODELS
from mmmultas.testing import toy_batch, toy_model
from mmmultas.utils.errors import ConfigError


class Checker(nn.Module):
    """A head that predicts the left half 1, the right half 2."""
    align_corners = False

    def predict(self, feats, metas, test_cfg):
        assert all(m['pad_shape'] == (64, 96) for m in metas)
        logits = torch.zeros(2, 3, 16, 24)
        logits[:, 1, :, :12] = 5
        logits[:, 2, :, 12:] = 5
        return logits


def _samples():
    samples = toy_batch(('seg', ))['data_samples']
    for sample in samples:
        sample.set_metainfo(dict(batch_input_shape=(64, 96)))
    # one image fills the batch's size, one is padded to it on the right
    samples[0].set_metainfo(dict(img_shape=(64, 96), ori_shape=(32, 48)))
    samples[1].set_metainfo(dict(img_shape=(64, 48), ori_shape=(128, 96)))
    return samples


def test_padding_is_cut_before_the_resize():
    samples = _samples()
    SegmentationTask({}).predict(Checker(), Read(()), samples)
    first, second = (s.pred_sem_seg.sem_seg for s in samples)
    assert first.shape == (1, 32, 48) and second.shape == (1, 128, 96)
    assert first[0, :, :24].eq(1).all() and first[0, :, 24:].eq(2).all()
    assert second.eq(1).all()
    assert first.dtype == torch.int64
    assert samples[0].pred_sem_seg.data is samples[0].pred_sem_seg.sem_seg


def test_eval_size():
    samples = _samples()
    task = SegmentationTask(dict(test_cfg=dict(eval_size=(20, 30))))
    task.predict(Checker(), Read(()), samples)
    assert {s.pred_sem_seg.sem_seg.shape for s in samples} == {(1, 20, 30)}


@pytest.mark.parametrize('prefix', ['', 'mmseg.'])
def test_a_stock_head_gets_mmsegs_parts_under_any_scope(prefix):
    """DESIGN trap 2."""
    cfg = dict(
        type=f'{prefix}FPNHead',
        in_channels=[8, 8],
        in_index=[0, 1],
        feature_strides=[8, 16],
        channels=8,
        num_classes=3)
    with DefaultScope.overwrite_default_scope('mmdet'):
        head = SegmentationTask(cfg).build_head()
    assert type(head.loss_decode).__module__.startswith('mmseg')


def test_our_head_builds_as_well():
    head = SegmentationTask(toy_model()['heads']['seg']).build_head()
    assert type(head).__name__ == 'PanopticFPNSegHead'


class Sure(nn.Module):
    """Class 1 on the left for certain, class 2 on the right perhaps."""
    align_corners = False

    def predict(self, feats, metas, test_cfg):
        logits = torch.zeros(1, 3, 4, 8)
        logits[:, 1, :, :4] = 9
        logits[:, 2, :, 4:] = 1
        return logits


def test_probabilities_of_both_views_are_averaged():
    sample = toy_batch(('seg', ), 1)['data_samples'][0]
    sample.set_metainfo(
        dict(batch_input_shape=(4, 8), img_shape=(4, 8), ori_shape=(4, 8)))
    SegmentationTask({}).predict_flipped(
        Sure(), Read(()), Read(()), [sample])
    assert sample.pred_sem_seg.sem_seg.eq(1).all()


def test_binary_heads_average_too():

    class Binary(Sure):

        def predict(self, *args):
            # 0.9 on the left and 0.3 on the right: 0.6 on both
            left, right = torch.tensor([.9, .3]).logit()
            logits = right.expand(1, 1, 4, 8).clone()
            logits[..., :4] = left
            return logits

    sample = toy_batch(('seg', ), 1)['data_samples'][0]
    sample.set_metainfo(
        dict(batch_input_shape=(4, 8), img_shape=(4, 8), ori_shape=(4, 8)))
    task = SegmentationTask({})
    task.predict_flipped(Binary(), Read(()), Read(()), [sample])
    assert sample.pred_sem_seg.sem_seg.eq(1).all()
    task.predict(Binary(), Read(()), [sample])
    assert sample.pred_sem_seg.sem_seg[0, 0].tolist() == [1] * 4 + [0] * 4


@pytest.mark.parametrize('test_cfg, words', [
    (dict(mode='slide', crop_size=(64, 64), stride=(32, 32)), 'pass the netw'),
    (dict(mode='whole', crop_size=(64, 64)), "no key 'crop_size'"),
])
def test_settings_that_would_change_nothing(test_cfg, words):
    with pytest.raises(ConfigError, match=words):
        SegmentationTask(dict(type='FPNHead', test_cfg=test_cfg))
    SegmentationTask(dict(type='FPNHead', test_cfg=dict(mode='whole')))


AUXILIARY = dict(
    type='FCNHead', in_channels=8, in_index=1, channels=8, num_convs=1,
    loss_decode=dict(type='CrossEntropyLoss', loss_weight=0.4))


def _helped(auxiliary, tasks=('seg', )):
    init_default_scope('mmdet')
    cfg = toy_model(tasks)
    cfg['heads']['seg']['auxiliary'] = auxiliary
    torch.manual_seed(0)
    return MODELS.build(cfg)


def _losses(model, *kinds):
    batches = {str(i): toy_batch(kind) for i, kind in enumerate(kinds)}
    return model(**model.data_preprocessor(batches, True), mode='loss')


@pytest.mark.parametrize('auxiliary, keys', [
    (AUXILIARY, {'seg.aux.loss_ce'}),
    ([AUXILIARY, dict(AUXILIARY, in_index=0)],
     {'seg.aux_0.loss_ce', 'seg.aux_1.loss_ce'})])
def test_auxiliary_heads_learn_and_are_not_asked(auxiliary, keys):
    model = _helped(auxiliary).eval()
    losses = _losses(model, ('seg', ), ())
    assert set(losses) == keys | {'seg.loss_ce'}
    # of the same samples, whatever else the update holds
    alone = model.heads['seg'].auxiliary[0]
    data = model.data_preprocessor(toy_batch(('seg', )), True)
    want = alone.loss(model.encode(data['inputs']), data['data_samples'], {})
    torch.testing.assert_close(losses[min(keys)], want['loss_ce'])
    model.train()
    asked = []
    for head in model.heads['seg'].auxiliary:
        head.register_forward_hook(lambda *_: asked.append(1))
    sum(losses.values()).backward()
    assert all(p.grad is not None for p in alone.parameters())
    model.eval().test_step(toy_batch(()))
    model(torch.zeros(1, 3, 64, 64))
    assert not asked


def test_auxiliary_heads_of_images_without_masks():
    model = _helped(AUXILIARY, ('det', 'seg'))
    losses = _losses(model, ('det', ))
    assert set(losses) == {'det.loss_cls', 'det.loss_bbox'}
    model.parse_losses(losses)[0].backward()
    assert all(p.grad is None for p in model.heads['seg'].parameters())


def test_the_head_itself_learns_as_without_them():
    plain, helped = _helped(None), _helped(AUXILIARY)
    state = {k: v for k, v in helped.state_dict().items()
             if '.auxiliary.' not in k}
    plain.load_state_dict(state)
    key = 'seg.loss_ce'
    assert torch.equal(_losses(plain, ('seg', ))[key],
                       _losses(helped, ('seg', ))[key])


def test_counts_of_our_own_auxiliary_heads_are_joined():
    ours = dict(toy_model()['heads']['seg'])
    model = _helped(ours)
    assert model.counted_terms() == [('seg', 'loss_ce'),
                                     ('seg', 'aux.loss_ce')]
    assert set(_losses(model, ('seg', ))) == {'seg.loss_ce',
                                              'seg.aux.loss_ce'}


def test_classes_as_another_network_reads_them():
    model = MODELS.build(toy_model(('seg', ))).eval()
    task, head = model.tasks['seg'], model.heads['seg']
    samples = toy_batch(('seg', ))['data_samples']
    samples[0].gt_sem_seg.sem_seg[:, :5] = 255
    said = task.said_map(head, torch.randn(2, 3, 64, 64), (60, 62))
    assert said.shape == (2, 3, 60, 62) and task.draws
    torch.testing.assert_close(said.exp().sum(1), torch.ones(2, 60, 62))
    torch.testing.assert_close(task.shown(said), said.exp())
    drawn = task.shown(said, torch.zeros_like(said))
    assert torch.equal(drawn.argmax(1), said.argmax(1))
    label = task.shown_label(head, samples)
    assert (label[0, :, :5] == 0).all() and (label[1].sum(0) == 1).all()
