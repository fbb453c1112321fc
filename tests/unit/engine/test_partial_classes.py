import pytest
from mmengine.registry import init_default_scope

from mmmultas.engine.partial_classes import check_partial_classes
from mmmultas.registry import MODELS
from mmmultas.testing import toy_batch, toy_model
from mmmultas.utils.errors import ConfigError

STOCK = dict(
    type='FPNHead', feature_strides=[8, 16], in_channels=[8, 8],
    in_index=[0, 1], channels=8, num_classes=3)


class Words:
    """What our data sets know of `annotated`."""

    def __init__(self, classes):
        self.classes = classes


class Data:

    def __init__(self, classes, says=True):
        self.annotated = Words(classes)
        self.says = says

    def __len__(self):
        return 1

    def get_data_info(self, index):
        return dict(annotated=self.annotated.classes)

    def __getitem__(self, index):
        sample = toy_batch(('det', ), 1)['data_samples'][0]
        if self.says:
            sample.set_metainfo(dict(annotated=self.annotated.classes))
        return dict(data_samples=sample)


class Wrapper:

    def __init__(self, *datasets):
        self.datasets = list(datasets)

    def __len__(self):
        return sum(map(len, self.datasets))

    def __getitem__(self, index):
        return self.datasets[index][0]


class MultiImageMixDataset(Wrapper):
    """Named as MMDetection's."""


def _model(**heads):
    init_default_scope('mmdet')
    cfg = toy_model()
    cfg['heads'].update(heads)
    return MODELS.build(cfg)


ASKED = dict(det=(1, ), seg=(1, ))


def test_our_heads_can():
    for data in (Data(ASKED), Wrapper(Data({}), Data(ASKED)), Data({})):
        check_partial_classes(_model(), dict(a=data))
    check_partial_classes(_model(seg=None), dict(a=Data(dict(seg=(1, )))))


@pytest.mark.parametrize('heads, kind', [
    (dict(seg=STOCK), 'FPNHead'),
    (dict(seg=dict(toy_model()['heads']['seg'], auxiliary=STOCK)), 'FPNHead'),
])
@pytest.mark.parametrize('wrap', [lambda x: x, Wrapper])
def test_stock_heads_cannot(heads, kind, wrap):
    with pytest.raises(ConfigError, match=rf"\.a` .* of 'seg' .* {kind}"):
        check_partial_classes(_model(**heads), dict(a=wrap(Data(ASKED))))
    check_partial_classes(_model(**heads), dict(a=Data(dict(det=(1, )))))


def test_mixing_images_of_other_classes():
    one, other = Data(dict(det=(0, ))), Data(dict(det=(1, )))
    check_partial_classes(_model(), dict(a=MultiImageMixDataset(one)))
    with pytest.raises(ConfigError, match='mixes images'):
        check_partial_classes(_model(),
                              dict(a=MultiImageMixDataset(one, other)))


def test_a_packer_that_drops_the_word():
    with pytest.raises(ConfigError, match="'annotated' to the `meta_keys`"):
        check_partial_classes(_model(), dict(a=Data(ASKED, says=False)))
