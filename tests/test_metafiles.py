"""`model-index.yml` and the metafiles say what is there, and only that."""
import importlib.util
import re
from pathlib import Path

import jsonschema
import pytest
import torch
import yaml
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmmultas.registry import MODELS

ROOT = Path(__file__).resolve().parents[1]
PIXELS = dict(type='integer', minimum=1)
PERCENT = dict(type='number', minimum=0, maximum=100)
SCORES = {
    '^(det|seg|parts|depth|normals|edges|saliency)/[A-Za-z0-9_]+$': PERCENT
}
MODEL = dict(
    type='object',
    required=['Name', 'In Collection', 'Config', 'Metadata'],
    additionalProperties=False,
    properties={
        'Name': dict(type='string'),
        'In Collection': dict(type='string'),
        'Config': dict(type='string', pattern=r'^configs/\w+/[\w-]+\.py$'),
        'Metadata': dict(
            type='object',
            required=['Parameters', 'Input'],
            properties=dict(
                Parameters=dict(type='integer', minimum=1),
                # side, or height and width; a list stops `mim search`
                Input=dict(anyOf=[
                    PIXELS,
                    dict(type='string', pattern=r'^\d+ x \d+$')
                ]))),
        # figures of a paper, never of this code
        'Reported': dict(
            type='object',
            required=['Source'],
            additionalProperties=False,
            minProperties=2,
            properties=dict(Source=dict(type='string')),
            patternProperties=SCORES),
        # figures of this code, and the file that says how they came about
        'Results': dict(
            type='array',
            minItems=1,
            items=dict(
                type='object',
                required=['Dataset', 'Metrics', 'Benchmark'],
                additionalProperties=False,
                properties=dict(
                    Dataset=dict(type='string'),
                    Benchmark=dict(type='string'),
                    Metrics=dict(
                        type='object',
                        minProperties=1,
                        additionalProperties=False,
                        patternProperties=SCORES)))),
    })
METAFILE = dict(
    type='object',
    required=['Collections', 'Models'],
    additionalProperties=False,
    properties=dict(
        Collections=dict(
            type='array',
            minItems=1,
            items=dict(
                type='object', required=['Name', 'Paper', 'README'])),
        Models=dict(type='array', minItems=1, items=MODEL)))


def metafiles():
    index = yaml.safe_load((ROOT / 'model-index.yml').read_text())
    assert set(index) == {'Import'}
    return index['Import']


# what matrices call the papers of `Source`
PAPERS = {
    'BMVC 2023': '[P1]',
    'ICCVW 2023': '[P2]',
    'CVPR 2022': 'MTPSL',
    'ICPRAM 2020': 'Interdependent multi-task learning, ICPRAM 2020'
}


def models():
    return [model for path in metafiles()
            for model in yaml.safe_load((ROOT / path).read_text())['Models']]


@pytest.mark.parametrize('path', metafiles())
def test_schema(path):
    content = yaml.safe_load((ROOT / path).read_text())
    jsonschema.validate(content, METAFILE)
    names = {collection['Name'] for collection in content['Collections']}
    assert {m['In Collection'] for m in content['Models']} <= names
    for collection in content['Collections']:
        assert (ROOT / collection['README']).is_file()


def test_schema_refuses_a_result_without_its_benchmark():
    model = dict(models()[0], Results=[
        dict(Dataset='VOC', Metrics={'det/mAP': 40.0})])
    with pytest.raises(jsonschema.ValidationError, match='Benchmark'):
        jsonschema.validate(model, MODEL)


def test_every_config_is_listed_once():
    listed = [model['Config'] for model in models()]
    assert len(set(listed)) == len(listed)
    present = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / 'configs').glob('*/*.py')
        if path.parent.name != '_base_'
    }
    assert set(listed) == present


@pytest.mark.parametrize('model', models(), ids=lambda m: m['Name'])
def test_names_and_benchmarks_exist(model):
    assert Path(model['Config']).stem == model['Name']
    for result in model.get('Results', ()):
        assert (ROOT / result['Benchmark']).is_file()


@pytest.mark.parametrize('model', models(), ids=lambda m: m['Name'])
def test_parameters_and_input_are_those_of_the_config(model):
    cfg = Config.fromfile(ROOT / model['Config'])
    sizes = {step['size'] for stream in cfg.test_dataloader.values()
             for step in stream.dataset.pipeline if 'size' in step}
    size = sizes.pop() if len(sizes) == 1 else cfg.img_size
    assert model['Metadata']['Input'] == (
        size if isinstance(size, int) else ' x '.join(map(str, size)))
    # nothing is filled
    with DefaultScope.overwrite_default_scope('mmdet'), torch.device('meta'):
        built = MODELS.build(cfg.model)
    # of the network that remains: companions are for training alone
    count = sum(
        p.numel() for name, p in built.named_parameters()
        if p.requires_grad and not name.startswith('companions.'))
    assert count == model['Metadata']['Parameters']


def figures_of(config, paper, table):
    """Those of a paper's table that matrices have beside a config."""
    found = []
    for path in sorted((ROOT / 'matrices').glob('*.yaml')):
        matrix = yaml.safe_load(path.read_text())
        name, _, tables = matrix.get('source', '').partition(' Table')
        if name.rstrip(',') == PAPERS[paper] and table in re.findall(
                r'\d+', tables.partition(',')[0]):
            found += [cell['paper'] for cell in matrix['cells'].values()
                      if cell.get('config') == config and cell.get('paper')]
    return found


@pytest.mark.parametrize(
    'model', [m for m in models() if 'Reported' in m],
    ids=lambda model: model['Name'])
def test_figures_of_a_paper_are_those_of_its_matrix(model):
    reported = dict(model['Reported'])
    paper, table = reported.pop('Source').split(', Table ')
    rows = figures_of(model['Config'], paper, table)
    assert any(reported.items() <= row.items() for row in rows), rows


def test_the_page_of_models_has_what_the_metafiles_have():
    path = ROOT / 'docs/site/model_table.py'
    spec = importlib.util.spec_from_file_location('model_table', path)
    table = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(table)
    page = table.PAGE.read_text()
    assert page.count('`rn18_fpn_mtl`') == 1
    assert page == table.filled(page), f'run: python {name_of(path)}'


def name_of(path):
    return path.relative_to(ROOT).as_posix()
