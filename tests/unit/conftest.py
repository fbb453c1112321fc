"""A checkpoint as training writes it, without training."""
import pytest
import torch
from mmengine.registry import DefaultScope

from mmmultas.registry import MODELS
from mmmultas.testing import ToyDataset, toy_config, toy_model

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
