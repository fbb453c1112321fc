import pytest
import torch
import torch.nn.functional as F

from mmmultas.models.heads import AdapNetPPAuxHead, AdapNetPPSegHead
from mmmultas.testing import toy_batch


@pytest.fixture(scope='module')
def samples():
    found = toy_batch(('seg', ))['data_samples']
    for sample in found:  # as the preprocessor does
        sample.gt_sem_seg.sem_seg = sample.gt_sem_seg.sem_seg.long()
    return found


def feats(count, side=64):
    return (torch.randn(count, 6, side // 4, side // 4),
            torch.randn(count, 6, side // 8, side // 8))


def test_size_is_the_papers():
    with torch.device('meta'):
        parts = [AdapNetPPSegHead(11), AdapNetPPAuxHead(11),
                 AdapNetPPAuxHead(11, in_index=1)]
    assert sum(p.numel() for part in parts
               for p in part.parameters()) == 1252248


def test_scores_have_the_size_of_the_input(samples):
    head = AdapNetPPSegHead(4, in_channels=6, channels=4)
    x = feats(len(samples))
    assert head(x).shape == (len(samples), 4, 64, 64)
    # only the first level is read
    assert torch.equal(head.eval()(x), head((x[0], x[1] + 1)))


def test_auxiliary_scores_are_enlarged(samples):
    head = AdapNetPPAuxHead(4, in_channels=3, in_index=1, loss_decode=dict(
        type='mmmultas.CrossEntropyLoss', loss_weight=.5))
    x = feats(len(samples))
    term = head.loss_sums(x, samples)['loss_ce']
    labels = torch.stack([s.gt_sem_seg.sem_seg[0] for s in samples])
    want = F.cross_entropy(
        F.interpolate(head(x), size=(64, 64), mode='bilinear'), labels,
        ignore_index=255)
    torch.testing.assert_close(term.mean(), .5 * want)
    # the skip behind the first channels is not read
    x[1][:, 3:] = 9
    torch.testing.assert_close(term.mean(), head.loss(x, samples)['loss_ce'])


def test_loss_reaches_every_weight(samples):
    head = AdapNetPPSegHead(4, in_channels=6, channels=4)
    head.init_weights()
    head.loss(feats(len(samples)), samples)['loss_ce'].backward()
    assert all(p.grad is not None for p in head.parameters())
