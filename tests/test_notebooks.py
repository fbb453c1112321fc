"""The notebook works from its first cell to its last."""
import json
import os
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / 'notebooks').glob('*.ipynb'))


def read(path):
    return json.loads(path.read_text())


@pytest.mark.parametrize('path', NOTEBOOKS, ids=lambda p: p.name)
def test_it_is_kept_without_outputs(path):
    cells = [c for c in read(path)['cells'] if c['cell_type'] == 'code']
    assert cells
    assert not any(c['outputs'] or c['execution_count'] for c in cells)


@pytest.mark.parametrize('path', NOTEBOOKS, ids=lambda p: p.name)
def test_pages_that_it_names_exist(path):
    names = re.findall(r'`(docs/\w+\.md)`', path.read_text())
    assert names and all((ROOT / name).exists() for name in names)


@pytest.mark.fresh
def test_first_steps(tmp_path, monkeypatch):
    nbclient = pytest.importorskip('nbclient')
    nbformat = pytest.importorskip('nbformat')
    monkeypatch.setenv('DEMO_UPDATES', '20')
    monkeypatch.setenv('PYTHONPATH', str(ROOT))
    monkeypatch.setenv('PATH', f'{Path(sys.executable).parent}:'
                       f'{os.environ["PATH"]}')
    notebook = nbformat.read(ROOT / 'notebooks/first_steps.ipynb', 4)
    nbclient.NotebookClient(
        notebook, timeout=1800, kernel_name='python3',
        resources=dict(metadata=dict(path=str(tmp_path)))).execute()
    outputs = [output for cell in notebook.cells
               for output in cell.get('outputs', [])]
    text = ''.join(output.get('text', '') for output in outputs)
    for line in ('| both, from half of the labels of each |',
                 'No problem found.', 'train_00001.png is 64×64, its image '
                 '128×128', 'check-data my_config.py failed', 'Epoch(val)',
                 'val_00003.jpg [', 'written: model.onnx',
                 'pixels alike'):
        assert line in text, line
    pictures = {kind for output in outputs for kind in output.get('data', {})}
    assert {'image/png', 'image/jpeg'} <= pictures
    found = tmp_path / 'first_steps/predictions/overlays'
    assert len(list(found.iterdir())) == 4
