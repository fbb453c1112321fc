import torch

from mmmultas.models.heads import AtrousHead
from mmmultas.testing import toy_batch


def test_scores_of_a_coarse_head_are_enlarged():
    torch.manual_seed(0)
    samples = toy_batch(('seg', ))['data_samples']
    for sample in samples:
        sample.gt_sem_seg.sem_seg = sample.gt_sem_seg.sem_seg.long()
    head = AtrousHead(3, in_channels=4, channels=8, rates=(1, )).eval()
    feats = (torch.randn(2, 4, 8, 8), )
    whole = head.loss(feats, samples)['loss_ce']
    logits = head.predict(feats, [dict(pad_shape=(64, 64))])
    assert logits.shape == (2, 3, 64, 64)
    labels = torch.cat([s.gt_sem_seg.sem_seg for s in samples])
    torch.testing.assert_close(
        whole, torch.nn.functional.cross_entropy(logits, labels))
    assert head.partial_classes
