"""Every matrix is read, and its cells' configs load with their options."""
from pathlib import Path

import pytest
import yaml

import mmmultas
from mmmultas.apis.matrix import read_matrix

ROOT = Path(mmmultas.__file__).parents[1]
MATRICES = sorted((ROOT / 'matrices').glob('*.yaml'))


@pytest.mark.parametrize('path', MATRICES, ids=lambda p: p.stem)
def test_it_can_run(path):
    matrix = read_matrix(path)
    marks = matrix.fingerprints()
    # two cells with one outcome would be one cell too many
    assert len(set(marks.values())) == len(marks)
    assert set(matrix.baseline) <= {'det', 'seg'}
    for cell in matrix.cells:
        assert set(cell.paper) <= {
            'det/mAP', 'det/AP50', 'det/AP75', 'det/AP10', 'det/AP25',
            'seg/mIoU'
        }
        assert matrix.source or not cell.paper, 'a figure needs its source'


@pytest.mark.parametrize('path', MATRICES, ids=lambda p: p.stem)
def test_equal_budgets(path):
    """Every cell of a matrix trains for one length, with one learning rate.

    [P1]'s epochs have as many updates as the data sets of the cell are long;
    the small matrix fixes them.
    """
    lengths = set()
    for cell in read_matrix(path).cells:
        cfg = cell.load()
        lengths.add((cfg.train_cfg.max_epochs, cfg.train_cfg.epoch_length,
                     cfg.optim_wrapper.optimizer.lr))
    assert len(lengths) == 1 or yaml.safe_load(
        path.read_text()).get('note'), 'say why the lengths differ'


def test_figures_of_the_paper_are_those_of_the_metafile():
    models = yaml.safe_load(
        (ROOT / 'configs/multas/metafile.yml').read_text())['Models']
    reported = {m['Config']: m.get('Reported', {}) for m in models}
    for path in MATRICES:
        if not path.stem.startswith('p1-'):
            continue
        matrix = read_matrix(path)
        for cell in matrix.cells:
            name = cell.config.resolve().relative_to(ROOT).as_posix()
            table = matrix.source.split(', ')[0].replace('[P1] ', '')
            if not reported[name].get('Source', '').endswith(table):
                continue  # a config that stands in several tables
            for metric, value in cell.paper.items():
                assert reported[name][metric] == value, cell.name
