"""Every matrix is read, and its cells' configs load with their options."""
import math
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import torch
import yaml
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from mmengine.registry import init_default_scope

import mmmultas
from mmmultas.experiments.matrix import read_matrix
from mmmultas.registry import MODELS
from mmmultas.testing import toy_batch

ROOT = Path(mmmultas.__file__).parents[1]
MATRICES = sorted((ROOT / 'matrices').glob('*.yaml'))


@cache
def read(path):
    """A matrix and the fingerprints of its cells, which loads them all."""
    matrix = read_matrix(path)
    return matrix, matrix.fingerprints()


@pytest.mark.parametrize('path', MATRICES, ids=lambda p: p.stem)
def test_it_can_run(path):
    matrix, marks = read(path)
    # two cells with one outcome would be one cell too many
    assert len(set(marks.values())) == len(marks)
    tasks = {metric.split('/')[0] for metric in matrix.metrics}
    assert set(matrix.baseline) <= tasks
    for cell in matrix.cells:
        assert set(cell.paper) <= {
            'det/mAP', 'det/AP50', 'det/AP75', 'det/AP10', 'det/AP25',
            'seg/mIoU', *matrix.metrics
        }
        assert matrix.source or not cell.paper, 'a figure needs its source'


@pytest.mark.parametrize('path', MATRICES, ids=lambda p: p.stem)
def test_equal_budgets(path):
    """Every cell of a matrix trains for one length, with one learning rate.

    [P1]'s epochs have as many updates as the data sets of the cell are long;
    the small matrix fixes them.
    """
    lengths = set()
    # seeds of a cell differ in nothing else
    for cell in {cell.key: cell for cell in read_matrix(path).cells}.values():
        cfg = cell.load()
        lengths.add((cfg.train_cfg.max_epochs, cfg.train_cfg.epoch_length,
                     cfg.optim_wrapper.optimizer.lr))
    assert len(lengths) == 1 or yaml.safe_load(
        path.read_text()).get('note'), 'say why the lengths differ'


def test_weights_and_rules_take_a_step():
    """Those of the scan; loading the cells' configs is tested above."""
    cells = [cell for cell in read_matrix(
        ROOT / 'matrices/voc-mini-balance.yaml').cells if cell.seed == 0]
    assert len({cell.config for cell in cells}) == 1
    plain, found = Config.fromfile(cells[0].config), {}
    init_default_scope(plain.default_scope)
    for cell in cells:
        cfg = Config(dict(model=plain.model))
        cfg.merge_from_dict({
            key: value for key, value in cell.options.items()
            if key.startswith('model.')})
        cfg.model.backbone.init_cfg = None
        torch.manual_seed(0)
        model = MODELS.build(cfg.model).train()
        optim = OptimWrapper(torch.optim.SGD(model.parameters(), lr=.001))
        logs = model.train_step({
            task: toy_batch((task, )) for task in model.tasks}, optim)
        assert math.isfinite(float(logs['loss']))
        found[cell.key] = logs.keys() & {'balance/det', 'balance/seg'}
    rules = {key for key, names in found.items() if len(names) == 2}
    assert len(rules) == 8 and len(found.keys() - rules) == 5


PAPERS = {'[P1]': 'BMVC 2023', '[P2]': 'ICCVW 2023'}


@cache
def papers_cells():
    """Every cell of the papers' tables, with its matrix and fingerprint."""
    cells = []
    for path in MATRICES:
        if path.stem.startswith(('p1-', 'p2-')):
            matrix, marks = read(path)
            cells += [(matrix, c, marks[c.name]) for c in matrix.cells]
    return cells


def reported():
    """What the metafiles say that the papers print, by config."""
    return {
        model['Config']: model.get('Reported')
        for family in ('multas', 'selftrain') for model in yaml.safe_load(
            (ROOT / f'configs/{family}/metafile.yml').read_text())['Models']
    }


def contradictions(cells, known):
    """Figures that another table has otherwise and no note speaks of.

    A run (config, options, teachers) may stand in several tables. Where
    they differ, the note of those that are not the metafile's names the
    figure that is.

    Args:
        cells: As of :func:`papers_cells`.
        known: As of :func:`reported`.
    """
    printed = {}
    for matrix, cell, mark in cells:
        for metric, value in cell.paper.items():
            printed.setdefault((mark, metric), []).append(
                (matrix, cell, value))
    return [
        (matrix.name, cell.key, metric)
        for (_, metric), places in printed.items()
        if len({value for *_, value in places}) > 1
        for matrix, cell, value in places
        if value != known[config_of(cell)][metric] and
        f'{known[config_of(cell)][metric]:g}' not in matrix.note
    ]


def config_of(cell):
    return cell.config.resolve().relative_to(ROOT).as_posix()


def test_figures_of_the_paper_are_those_of_the_metafile():
    known, compared = reported(), set()
    for matrix, cell, _ in papers_cells():
        if not cell.paper or cell.options:
            continue  # options make another run of it
        name = config_of(cell)
        assert known[name], f'{name} has figures in {matrix.name}, no Reported'
        paper, table = matrix.source.split(', ')[0].split(' ', 1)
        if known[name]['Source'] != f'{PAPERS[paper]}, {table}':
            continue  # a config that stands in several tables
        for metric, value in cell.paper.items():
            assert known[name][metric] == value, (matrix.name, cell.name)
        compared.add(name)
    # a figure of the metafile that no table has would be compared with none
    assert compared == {name for name, figures in known.items() if figures}


def test_one_run_has_one_figure_or_a_note_says_why():
    assert not contradictions(papers_cells(), reported())


def test_a_second_figure_without_a_note_is_found():
    cells = [(replace(matrix, note=''), *rest)
             for matrix, *rest in papers_cells()]
    assert {name for name, *_ in contradictions(cells, reported())} == {
        'p1-table6_rn18-fpn', 'p1-table7_rn18-fpn', 'p2-table5'
    }


def test_parts_are_dealt_among_images_of_persons():
    """MTPSL's rule on PASCAL-Context, in each row with hidden labels."""
    cells = read_matrix(ROOT / 'matrices/mtpsl-table3.yaml').cells
    hidden = [c for c in cells if c.key != 'full']
    assert len(hidden) == 6
    for cell in hidden:
        regime = cell.load().train_dataloader.train.dataset.regime
        assert regime.only.parts.endswith('persons.txt')
        assert regime.regime == cell.key.split('-')[1]
