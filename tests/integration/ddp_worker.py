"""One process of a gloo group: python ddp_worker.py WORK_DIR MODE."""
import json
import sys
from pathlib import Path

import torch
from mmengine.dist import get_rank

from mmmultas.testing import toy_config, toy_model, toy_stream
from mmmultas.utils.launch import build_runner


def config(work_dir: str, mode: str, world: int):
    """The joint batch is 4 images per stream, whatever the world's size."""
    mixed = mode == 'mixed'
    size = 4 // world
    streams = dict(
        det=toy_stream(10, ('det', ), batch_size=size),
        seg=toy_stream(13, [('seg', ), ()] if mixed else ('seg', ),
                       seed=1,
                       batch_size=size))
    cfg = toy_config(
        work_dir,
        streams,
        epochs=2,
        alternate='epoch' if mode == 'epoch' else 'iteration')
    if mode == 'equal':
        # batch norm sees other batches in another world: freeze it
        cfg.model = toy_model()
        cfg.model.type = 'FrozenNorm'
    cfg.resume = mode == 'resume'
    return cfg


def main() -> None:
    from mmmultas.models import MultiTaskDetSeg
    from mmmultas.registry import MODELS

    @MODELS.register_module()
    class FrozenNorm(MultiTaskDetSeg):

        def train(self, mode: bool = True):
            super().train(mode)
            for module in self.modules():
                if isinstance(module, torch.nn.BatchNorm2d):
                    module.eval()
            return self

    work_dir, mode, world = sys.argv[1], sys.argv[2], int(sys.argv[3])
    cfg = config(work_dir, mode, world)
    if mode == 'equal':
        cfg.model.type = 'mmmultas.FrozenNorm'
    torch.set_num_threads(1)
    runner = build_runner(cfg, 'pytorch' if world > 1 else 'none')
    if mode == 'test':
        runner._load_from = str(Path(work_dir) / 'epoch_2.pth')
        metrics = runner.test()
        out = Path(work_dir) / f'metrics_{world}_{get_rank()}.json'
        out.write_text(json.dumps({k: float(v) for k, v in metrics.items()}))
    else:
        runner.train()
        out = Path(work_dir) / f'weights_{world}_{get_rank()}.pth'
        model = getattr(runner.model, 'module', runner.model)
        torch.save(model.state_dict(), out)


if __name__ == '__main__':
    main()
