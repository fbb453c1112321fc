import pytest
import torch
import torch.nn.functional as F

from mmmultas.models.heads import AddPooled
from mmmultas.utils.errors import ConfigError


def levels(extra=3):
    return (torch.randn(2, 4, 8, 10), torch.randn(2, 4, 4, 5),
            torch.randn(2, extra, 16, 20))


def test_begins_as_if_it_did_not_read():
    join, feats = AddPooled(3, 4, num_levels=2), levels()
    join.init_weights()
    for found, level in zip(join(feats), feats):
        assert torch.equal(found, level)


def test_adds_means_of_the_finer_map():
    join, feats = AddPooled(3, 4, num_levels=2), levels()
    for conv in join.convs:
        torch.nn.init.normal_(conv.weight)
    for found, level, conv, factor in zip(join(feats), feats, join.convs,
                                          (2, 4)):
        mean = F.avg_pool2d(feats[2], factor)
        torch.testing.assert_close(found, level + conv(mean))


def test_another_number_of_levels():
    with pytest.raises(ConfigError, match='num_levels` of AddPooled is 3'):
        AddPooled(3, 4, num_levels=3)(levels())
