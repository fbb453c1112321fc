import pytest
from mmdet.models.dense_heads import RetinaHead
from mmdet.registry import MODELS as DET
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS as SEG
from torch import nn

from mmmultas.models.tasks.known_heads import (check_decode_head,
                                               check_dense_head)
from mmmultas.registry import MODELS
from mmmultas.testing import toy_model
from mmmultas.utils.errors import ConfigError


class Mine(RetinaHead):
    """A user's head that asks for a third thing."""

    def loss(self, x, batch_data_samples, depth):
        return super().loss(x, batch_data_samples)


class Silent(nn.Module):
    """No head at all."""


@pytest.mark.parametrize('kind', ['RetinaHead', 'mmmultas.MatchedRetinaHead',
                                  'mmmultas.MultiLevelAnchorHead', 'Unknown'])
def test_what_builds_or_says_so_by_itself(kind):
    init_default_scope('mmdet')
    check_dense_head(dict(type=kind), DET)


@pytest.mark.parametrize('kind, sentence', [
    (Mine, r'in `loss` \(x, batch_data_samples, depth\)'),
    (Silent, 'has no method `loss`'),
    ('DETRHead', 'DETRHead reads the queries of a transformer: take Retina'),
])
def test_dense_heads(kind, sentence):
    init_default_scope('mmdet')
    with pytest.raises(ConfigError, match=sentence):
        check_dense_head(dict(type=kind), DET)


def test_decode_heads():
    init_default_scope('mmdet')
    for kind in ('FPNHead', 'mmmultas.PanopticFPNSegHead'):
        check_decode_head(dict(type=kind), SEG)
    with pytest.raises(ConfigError, match='refines what another head'):
        check_decode_head(dict(type='OCRHead'), SEG)
    cfg = toy_model(('seg', ))
    cfg['heads']['seg'] = dict(
        type='FCNHead', in_channels=8, channels=8, num_classes=3, in_index=0,
        auxiliary=dict(type='PointHead', in_channels=8, channels=8))
    with pytest.raises(ConfigError, match='PointHead refines'):
        MODELS.build(cfg)
