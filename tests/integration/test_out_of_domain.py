"""Streams of two data sets and two sizes, from their files to scores."""
from pathlib import Path

import pytest
from mmengine.config import Config

from mmmultas.datasets.cityscapes import convert_cityscapes
from mmmultas.testing import Devkit, toy_model
from mmmultas.testing.streets import write_cityscapes
from mmmultas.utils.launch import build_runner

CONFIGS = Path(__file__).resolve().parents[2] / 'configs/multas'


@pytest.fixture
def voc(tmp_path, monkeypatch):
    """Four images with boxes for each year and list."""
    kit = Devkit(tmp_path / 'data/VOCdevkit')
    for year in ('VOC2007', 'VOC2012'):
        for part, split in (('MXEdet', 'train'), ('MXEall', 'val')):
            names = [f'{split}{i}' for i in range(4)]
            for name in names:
                kit.add(name, (40, 60), year)
            path = tmp_path / f'splits/{year}/{part}/{split}.txt'
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text('\n'.join(names))
    monkeypatch.setenv('MMMULTAS_DATA', str(tmp_path / 'data'))
    monkeypatch.setenv('MMMULTAS_SPLITS', str(tmp_path / 'splits'))


def small(name, work_dir, **classes):
    """The config's data, loops and evaluators with a model of no size."""
    cfg = Config.fromfile(CONFIGS / f'{name}.py')
    cfg.work_dir = str(work_dir)
    cfg.model = toy_model(tuple(classes))
    for task, number in classes.items():
        cfg.model['heads'][task]['num_classes'] = number
    cfg.train_cfg.update(max_epochs=1)
    cfg.log_level = 'WARNING'
    for key in ('train', 'val', 'test'):
        for loader in cfg[f'{key}_dataloader'].values():
            if loader:
                loader.update(
                    num_workers=0, persistent_workers=False, batch_size=4)
    return cfg


def test_voc_and_cityscapes(voc, tmp_path, monkeypatch):
    write_cityscapes(tmp_path / 'city')
    convert_cityscapes(tmp_path / 'city', tmp_path / 'out')
    monkeypatch.setenv('MMMULTAS_CITYSCAPES', str(tmp_path / 'out'))
    cfg = small('rn18_fpn_mtl_citys', tmp_path / 'work', det=20, seg=7)
    runner = build_runner(cfg)
    sizes = []
    runner.model.register_forward_pre_hook(
        lambda _, args, kwargs: sizes.append({
            name: tuple(x.shape[2:])
            for name, x in (args[0] if args else kwargs['inputs']).items()
        } if runner.model.training else None),
        with_kwargs=True)
    runner.train()
    assert runner.iter == 2  # eight images with boxes, four with masks
    assert sizes[:2] == [dict(det=(320, 320), seg=(128, 256))] * 2
    scores = runner.message_hub.log_scalars
    assert scores['val/det/mAP'].current() >= 0
    assert scores['val/seg/mIoU'].current() > 0
    samples = _predictions(runner, 'seg')
    assert {s.pred_sem_seg.data.shape for s in samples} == {(1, 128, 256)}


def _predictions(runner, stream):
    loop = runner.val_loop
    batch = next(iter(loop.loaders[stream]))
    return runner.model.eval().val_step(batch)

