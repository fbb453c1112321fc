import pytest
import torch
from torch import nn

from mmmultas.models.heads import PanopticFPNSegHead
from mmmultas.testing import toy_batch
from mmmultas.utils.errors import ConfigError


def _feats(count=2, side=64):
    return tuple(
        torch.randn(count, 4, -(-side // s), -(-side // s))
        for s in (8, 16, 32))


@pytest.mark.parametrize('refine', [0, 1])
def test_logits_have_the_input_size(refine):
    head = PanopticFPNSegHead(
        3, in_channels=4, channels=5, num_levels=3, num_refine_convs=refine)
    assert head(_feats()).shape == (2, 3, 64, 64)
    # 40 = 5 x 8: levels of 5, 3 and 2 overshoot when doubled
    assert head(_feats(side=40)).shape == (2, 3, 40, 40)


def test_number_of_convolutions():
    head = PanopticFPNSegHead(3, in_channels=4, channels=5, num_levels=4)
    convs = [m for m in head.modules() if isinstance(m, nn.Conv2d)]
    assert len(convs) == 1 + 2 + 3 + 4 + 3 + 1
    assert head.conv_seg.bias is None


def test_classifying_before_upsampling_changes_nothing():
    head = PanopticFPNSegHead(
        3, in_channels=4, channels=5, num_levels=1, num_refine_convs=0)
    feats = _feats()[:1]
    slow = head.conv_seg(
        nn.functional.interpolate(head.scales[0](feats[0]), scale_factor=4))
    torch.testing.assert_close(head(feats), slow, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize('side', [60, 64])
def test_sides_that_are_no_multiple_of_8_are_cut(side):
    head = PanopticFPNSegHead(3, in_channels=4, channels=5, num_levels=3)
    samples = toy_batch(('seg', ), size=side)['data_samples']
    for sample in samples:
        sample.gt_sem_seg.sem_seg = sample.gt_sem_seg.sem_seg.long()
    assert head.loss(_feats(side=side), samples)['loss_ce'] > 0
    logits = head.predict(_feats(side=side), [dict(pad_shape=(side, side))])
    assert logits.shape[-2:] == (side, side)


def test_loss():
    head = PanopticFPNSegHead(
        3, in_channels=4, channels=5, num_levels=3, num_refine_convs=1)
    head.init_weights()
    samples = toy_batch(('seg', ))['data_samples']
    for sample in samples:
        sample.gt_sem_seg.sem_seg = sample.gt_sem_seg.sem_seg.long()
    losses = head.loss(_feats(), samples)
    assert set(losses) == set(head.loss_terms)
    # at N(0, 0.01) all classes are nearly alike
    assert losses['loss_ce'].item() == pytest.approx(1.0986, abs=0.1)
    losses['loss_ce'].backward()
    assert all(p.grad is not None for p in head.parameters())


@pytest.mark.parametrize('mode', ['nearest', 'bilinear'])
def test_levels_from_stride_4(mode):
    head = PanopticFPNSegHead(
        3,
        in_channels=4,
        channels=5,
        num_levels=3,
        num_refine_convs=0,
        in_stride=4,
        upsample_mode=mode)
    feats = tuple(torch.randn(2, 4, 64 // s, 64 // s) for s in (4, 8, 16))
    assert head(feats).shape == (2, 3, 64, 64)
    convs = [m for m in head.modules() if isinstance(m, nn.Conv2d)]
    assert len(convs) == 1 + 1 + 2 + 1


def test_bilinear_edges_are_no_blocks():
    torch.manual_seed(0)
    feats = _feats()
    blocky = PanopticFPNSegHead(
        3, in_channels=4, channels=5, num_levels=3, num_refine_convs=0)
    smooth = PanopticFPNSegHead(
        3,
        in_channels=4,
        channels=5,
        num_levels=3,
        num_refine_convs=0,
        upsample_mode='bilinear')
    smooth.load_state_dict(blocky.state_dict())  # the same parameters
    block = blocky(feats)[..., :4, :4]
    assert (block == block[..., :1, :1]).all()
    assert len(smooth(feats)[0, 0, 8:12, 8:12].unique()) > 4


@pytest.mark.parametrize('wrong, message', [
    (dict(in_stride=16), 'in_stride.*4 or 8'),
    (dict(upsample_mode='cubic'), 'upsample_mode'),
])
def test_wrong_arguments(wrong, message):
    with pytest.raises(ConfigError, match=message):
        PanopticFPNSegHead(3, **wrong)


def test_refined_logits_are_those_of_the_plain_path():
    torch.manual_seed(0)
    head = PanopticFPNSegHead(
        3, in_channels=4, channels=5, num_levels=3, num_refine_convs=2)
    feats = _feats()
    x = sum(scale(feat) for scale, feat in zip(head.scales, feats))
    plain = head.conv_seg(
        head.refine(nn.functional.interpolate(x, scale_factor=4)))
    torch.testing.assert_close(head(feats), plain, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize('side', [60, 64])
def test_losses_need_no_upsampling(side):
    """The numbers of the large map, without making it."""
    head = PanopticFPNSegHead(
        3, in_channels=4, channels=5, num_levels=3, num_refine_convs=0)
    samples = toy_batch(('seg', ), size=side)['data_samples']
    for sample in samples:
        sample.gt_sem_seg.sem_seg = sample.gt_sem_seg.sem_seg.long()
    feats, made = _feats(side=side), []
    head.eval()
    head.to_full_size.register_forward_hook(lambda *args: made.append(1))
    small = head.loss_sums(feats, samples)['loss_ce']
    assert not made
    heard = []
    handle = head.register_forward_hook(lambda m, i, out: heard.append(out))
    large = head.loss_sums(feats, samples)['loss_ce']
    handle.remove()
    assert made == [1] and heard[0].shape[-1] == 64
    torch.testing.assert_close(small.total, large.total)
    assert small.count == large.count
    labels = torch.cat([s.gt_sem_seg.sem_seg for s in samples])
    plain = head.loss_decode(heard[0][..., :side, :side], labels)
    torch.testing.assert_close(large.total, plain.total)
    assert large.count == plain.count
    # what somebody else has asked for is not computed again
    uniform = head.loss_sums_by_feat(heard[0] * 0, samples)['loss_ce']
    assert uniform.mean().item() == pytest.approx(1.0986, abs=1e-4)
