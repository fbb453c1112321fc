"""The papers' networks on real images: a step, a resume, a test."""
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
VOC = Path(
    os.environ.get('MMMULTAS_VOC_ROOT',
                   ROOT / '../shared/data/VOCdevkit/VOC2012')).resolve()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not VOC.is_dir(), reason=f'no real data at {VOC}')
]


def _run(splits, tool, *args):
    env = dict(
        os.environ,
        PYTHONPATH=str(ROOT),
        PYTHONWARNINGS='ignore',
        OMP_NUM_THREADS='2',
        MMMULTAS_DATA=str(VOC.parents[1]),
        MMMULTAS_SPLITS=str(splits))
    done = subprocess.run([sys.executable, str(ROOT / tool), *map(str, args)],
                          env=env,
                          capture_output=True,
                          text=True,
                          timeout=900)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return done.stdout + done.stderr


@pytest.fixture(scope='module')
def splits(tmp_path_factory):
    folder = tmp_path_factory.mktemp('splits')
    _run(folder, 'tools/dataset_converters/make_partial_splits.py',
         VOC.parent, '--out', folder)
    return folder


def _small(config, splits, folder):
    """Inherit from ``config``; everything that takes long is cut."""
    path = folder / 'small.py'
    path.write_text(f"""
_base_ = {str(config)!r}

# ImageNet weights are a download: this test stays offline
model = dict(backbone=dict(init_cfg=None))
train_cfg = dict(epoch_length=1, max_epochs=1)
# all images of the small VOC2007 have masks: no list of boxes there
subsets = [dict(root='VOC2012', ids={str(splits)!r} + '/VOC2012/MXEdet/'
                'train.txt')]
train_dataloader = dict(
    det=dict(batch_size=2, num_workers=1, dataset=dict(subsets=subsets)),
    seg=dict(batch_size=2, num_workers=0))
val_dataloader = dict(
    val=dict(batch_size=2, num_workers=0, dataset=dict(indices=3)))
test_dataloader = val_dataloader
""")
    return path


@pytest.mark.parametrize('name', ['rn18_fpn_mtl', 'rn50_pafpn_mtl'])
def test_step_resume_and_test_at_320(splits, tmp_path, name):
    config = _small(ROOT / f'configs/multas/{name}.py', splits, tmp_path)
    work = ['--work-dir', tmp_path]
    _run(splits, 'tools/train.py', config, *work)
    log = _run(splits, 'tools/train.py', config, *work, '--resume',
               '--cfg-options', 'train_cfg.max_epochs=2')
    assert 'resumed epoch: 1, iter: 1' in log
    log = _run(splits, 'tools/test.py', config, tmp_path / 'epoch_2.pth',
               *work)
    assert 'det/mAP' in log and 'seg/mIoU' in log
