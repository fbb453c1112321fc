"""A run on images without labels, from teachers alone, through the runner."""
import torch

from mmmultas.testing import toy_config, toy_distillation, toy_stream
from mmmultas.utils.launch import build_runner


def _run(folder, epochs=1, resume=False):
    streams = dict(
        seg=toy_stream(8, ('seg', )), more=toy_stream(6, (), seed=5))
    model = toy_distillation(folder / 'teachers', sees='both')
    model['distiller']['pseudo_labels'] = dict(
        det=dict(min_score=0.0), seg=dict(min_score=0.0))
    cfg = toy_config(
        folder / 'work', streams=streams, model=model, epochs=epochs)
    cfg.resume = resume
    runner = build_runner(cfg)
    runner.train()
    return runner


def test_unlabelled_stream_trains_and_resumes(tmp_path):
    (tmp_path / 'teachers').mkdir()
    whole = _run(tmp_path, epochs=1)
    hub = whole.message_hub.log_scalars
    assert 'train/kd.loss_det' in hub and 'train/pseudo.seg.loss_ce' in hub
    path = tmp_path / 'work/epoch_1.pth'
    saved = torch.load(path, weights_only=False)
    assert not [k for k in saved['state_dict'] if 'companion' in k]
    assert 'connectors.det.convs.0.weight' in saved['companions']['teachers']
    resumed = _run(tmp_path, epochs=2, resume=True)
    assert resumed.iter == 2 * whole.iter
