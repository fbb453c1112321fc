"""An exported file in an environment that has no PyTorch."""
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mmmultas.testing.demo import SCENES
from mmmultas.testing.scenes import write_scenes
from mmmultas.apis import MultiTaskInferencer
from mmmultas.apis.export import export_model
from mmmultas.apis.export.verify import boxes_alike

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import json, sys
from mmmultas_runtime import Model
found = Model('model.onnx')(sys.argv[1])
assert not {'torch', 'cv2', 'mmengine'} & set(sys.modules)
print(json.dumps({k: v.tolist() if hasattr(v, 'tolist') else v
                  for k, v in found.items() if k != 'maps'}))
"""


@pytest.mark.fresh
@pytest.mark.slow
def test_one_copied_file_is_enough(tmp_path, monkeypatch):
    write_scenes(tmp_path / 'scenes', 24, 4)
    monkeypatch.setenv('MMMULTAS_SCENES', str(tmp_path / 'scenes'))
    monkeypatch.setenv('DEMO_UPDATES', '8')
    run = [sys.executable, ROOT / 'tools/train.py', SCENES.path('all-tasks'),
           '--work-dir', tmp_path / 'run']
    subprocess.run([*map(str, run)], check=True, capture_output=True)
    place = tmp_path / 'alone'
    place.mkdir()
    list(export_model(tmp_path / 'run', place / 'model.onnx', number=4))
    shutil.copy(ROOT / 'mmmultas_runtime.py', place)
    python = place / 'venv/bin/python'
    subprocess.run([sys.executable, '-m', 'venv', place / 'venv'], check=True)
    subprocess.run([python, '-m', 'pip', 'install', '-q', 'numpy',
                    'onnxruntime', 'pillow'], check=True)
    picture = sorted((tmp_path / 'scenes/images').iterdir())[0]
    done = subprocess.run([python, '-c', PROGRAM, picture], cwd=place,
                          capture_output=True, text=True, check=True)
    found = {k: np.array(v) for k, v in json.loads(done.stdout).items()}
    want = MultiTaskInferencer(tmp_path / 'run', 'cpu')([str(picture)])[0]
    assert (found['seg_map'] == want['seg_map']).mean() > .999
    found['bboxes'] = found['bboxes'].reshape(-1, 4)
    alike, total = boxes_alike(want, found)
    assert alike >= .99 * total
