import torch

from mmmultas.models import DenseHead


def test_raw_maps_with_a_bias_and_no_loss():
    head = DenseHead(3, in_channels=4, channels=5, num_levels=2,
                     num_refine_convs=0)
    head.init_weights()
    assert head.conv_seg.bias.tolist() == [0, 0, 0]
    assert not hasattr(head, 'loss_decode') and head.loss_terms == ()
    maps = head([torch.zeros(2, 4, 8, 8), torch.zeros(2, 4, 4, 4)])
    assert maps.shape == (2, 3, 64, 64)
