"""A checkpoint as training writes it, without training; a test of tasks."""
import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope

from mmmultas.registry import MODELS
from mmmultas.testing import (SHAPES, ShapeFolder, ToyDataset, toy_config,
                              toy_model)
from mmmultas.utils.launch import build_runner

SQUASHED = [
    dict(type='mmmultas.LoadImage'),
    dict(type='mmmultas.Squash', size=64),
    dict(type='mmmultas.LoadLabels'),
    dict(type='mmmultas.PackInputs')
]


def lively(model):
    """Spread a fresh model's outputs, so that predictions differ."""
    with torch.no_grad():
        if 'det' in model.heads:
            for branch in model.heads['det'].cls_branches:
                branch[-1].weight.normal_(std=1)
                branch[-1].bias.fill_(-3)
        if 'seg' in model.heads:
            model.heads['seg'].conv_seg.weight.normal_()
        norms = [m for m in model.modules() if hasattr(m, 'running_mean')]
        for norm in norms:
            norm.momentum = 1.0
        for _ in norms:
            model.train().encode(torch.randn(4, 3, 64, 64))
            model.raw_outputs(model.encode(torch.randn(4, 3, 64, 64)))
    return model.eval()


@pytest.fixture
def save_toy(tmp_path):
    """Write a toy checkpoint; edit config text or content on the way."""

    def save(tasks=('det', 'seg'), pipeline=SQUASHED, name='toy.pth',
             edit=lambda cfg: cfg, text=lambda text: text, **changes):
        torch.manual_seed(1)
        cfg = toy_config(tmp_path, model=toy_model(tasks))
        cfg.test_dataloader.val.dataset.pipeline = pipeline
        edit(cfg)
        with DefaultScope.overwrite_default_scope('mmdet'):
            model = lively(MODELS.build(toy_model(tasks)))
        meta = dict(
            cfg=text(cfg.pretty_text),
            dataset_meta=ToyDataset(tasks=tasks).metainfo)
        content = dict(meta=meta, state_dict=model.state_dict(), **changes)
        path = tmp_path / name
        torch.save(content, path)
        return path

    return save


class Several:
    """A test of two detectors, two class maps and maps of numbers."""

    def __init__(self, folder):
        torch.manual_seed(0)
        kit = ShapeFolder(folder / 'own', 4)
        kit.write_coco(), kit.write_masks()
        for name in kit.names:
            ramp = np.linspace(1, 9, 64 * 80).reshape(64, 80)
            for task in ('far', 'up', 'bold'):
                (kit.root / task).mkdir(exist_ok=True)
            np.save(kit.root / f'far/{name}.npy', ramp)
            np.save(kit.root / f'up/{name}.npy',
                    np.tile([0, .6, -.8], (64, 80, 1)))
            np.save(kit.root / f'bold/{name}.npy', (ramp > 5) * 1)
        root, names = str(kit.root), ('background', *SHAPES)
        tasks = ('det', 'seg', 'more', 'parts', 'far', 'up', 'bold')
        load = [dict(type='mmmultas.LoadImage'),
                dict(type='mmmultas.Squash', size=64),
                dict(type='mmmultas.LoadLabels'),
                dict(type='mmmultas.PackInputs')]
        data = dict(
            type='mmmultas.FolderDataset', images=f'{root}/images',
            boxes=f'{root}/boxes.json', masks=f'{root}/masks',
            tasks=tasks, classes=dict(det=SHAPES, seg=names), labels=dict(
                more=dict(kind='boxes', root=f'{root}/boxes.json',
                          classes=SHAPES),
                parts=dict(kind='classes', root=f'{root}/masks',
                           classes=names),
                far=dict(kind='depth', root=f'{root}/far', unit='m'),
                up=dict(kind='normals', root=f'{root}/up'),
                bold=dict(kind='saliency', root=f'{root}/bold',
                          threshold=1)), pipeline=load)
        model = toy_model()
        det, seg = model['heads']['det'], model['heads']['seg']
        det.update(num_classes=3, test_cfg=dict(score_thr=0, max_per_img=20))
        seg['num_classes'] = 4
        dense = dict(type='mmmultas.DenseHead', in_channels=8, channels=8,
                     num_levels=2, num_refine_convs=0)
        model['heads'].update(
            more=dict(det, kind='boxes'), parts=dict(seg, kind='classes'),
            far=dict(dense, kind='depth'), up=dict(dense, kind='normals'),
            bold=dict(dense, kind='saliency'))
        self.cfg = toy_config(folder / 'run', model=model)
        self.cfg.test_dataloader = dict(all=dict(batch_size=2, dataset=data))
        self.cfg.test_evaluator = {
            task: dict(type=f'mmmultas.{metric}') for task, metric in zip(
                tasks, ('VOCDetMetric', 'SegMetric', 'VOCDetMetric',
                        'SegMetric', 'DepthMetric', 'NormalMetric',
                        'SaliencyMetric'))}
        self.cfg.default_hooks.checkpoint = None
        self.out = folder / 'predictions'
        self.cfg.custom_hooks = [
            dict(type='mmmultas.PredictionHook', out_dir=str(self.out),
                 out=str(folder / 'boxes.json'))]
        self.cfg.dump(str(folder / 'config.py'))
        self.scores = build_runner(self.cfg).test()


@pytest.fixture(scope='session')
def several(tmp_path_factory):
    return Several(tmp_path_factory.mktemp('several'))
