import pytest

from mmmultas.engine.checks import check_classes
from mmmultas.registry import MODELS
from mmmultas.testing import ToyDataset, toy_config, toy_model
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.launch import build_runner


@pytest.mark.parametrize('count', [2, 4])
def test_heads_and_data_agree(count):
    cfg = toy_model()
    check_classes(MODELS.build(cfg), ToyDataset().metainfo)
    cfg['heads']['seg']['num_classes'] = count
    with pytest.raises(ConfigError, match=f'heads.seg.num_classes` is {count}'
                       '.*3 classes.*background'):
        check_classes(MODELS.build(cfg), ToyDataset().metainfo)


def test_runs_ask_before_the_first_update(tmp_path):
    cfg = toy_config(tmp_path)
    cfg.model.heads.det.num_classes = 5
    for start in ('train', 'val'):
        with pytest.raises(ConfigError, match='heads.det.num_classes'):
            getattr(build_runner(cfg), start)()
