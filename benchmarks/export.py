#!/usr/bin/env python
"""An exported file against the checkpoint in PyTorch.

    eager, onnx, int8          the network alone, on 1 and on 8 images
    openvino, openvino_bf16    the file of `onnx`, where OpenVINO is installed
    inferencer, runtime, ...   the whole way of one picture of 500 x 375

Weights are random: times do not depend on them. Variants take turns in one
process.

    python benchmarks/export.py [--threads 1] [--out FILE]
"""
import argparse
import tempfile
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from timing import ROOT, interleave, ratio, set_up, summarise, write_report

from mmmultas.apis import MultiTaskInferencer
from mmmultas.apis.export.graphs import CoreGraph
from mmmultas.apis.export.onnx_file import export_onnx, session_of
from mmmultas.apis.export.quantise import quantise
from mmmultas.apis.saved_model import load_saved_model
from mmmultas.registry import MODELS
from mmmultas_runtime import Model

CONFIGS = ('configs/multas/efflite0-64_fpn_mtl_voc-mini.py',
           'configs/multas/rn18_fpn_mtl_no-refine.py',
           'configs/multas/rn18_fpn_mtl.py')


class Bench:
    """A network, its files and its inputs.

    Args:
        config: Its config.
        folder: Where files are written.
        threads: Of onnxruntime.
    """

    def __init__(self, config: str, folder: Path, threads: int) -> None:
        cfg = Config.fromfile(ROOT / config)
        cfg.model.backbone.init_cfg = None
        torch.manual_seed(0)
        model = MODELS.build(cfg.model)
        # scores that are alike everywhere would keep suppression idle
        for branch in model.heads.det.cls_branches:
            torch.nn.init.normal_(branch[-1].weight, std=0.1)
            torch.nn.init.constant_(branch[-1].bias, -4)
        meta = {task: dict(classes=[f'class {i}' for i in range(
            head.num_classes)]) for task, head in model.heads.items()}
        torch.save(dict(state_dict=model.state_dict(), meta=dict(
            cfg=cfg.pretty_text, dataset_meta=meta)), folder / 'model.pth')
        saved = load_saved_model(folder / 'model.pth', None, 'cpu')
        rng = np.random.default_rng(0)
        self.picture = cv2.resize(rng.integers(
            0, 256, (12, 16, 3), dtype=np.uint8), (500, 375))
        cv2.imwrite(str(folder / 'picture.png'), self.picture)
        for name, raw in (('whole', False), ('core', True)):
            export_onnx(saved, folder / f'{name}.onnx', raw)
            quantise(folder / f'{name}.onnx', folder / f'{name}8.onnx',
                     [folder / 'picture.png'])
        self.core = CoreGraph(saved).eval()
        self.sessions = {
            name: session_of(folder / f'{file}.onnx', threads)
            for name, file in (('onnx', 'core'), ('int8', 'core8'))}
        self.compiled = {
            name: _openvino(folder / 'core.onnx', threads, precision)
            for name, precision in (('openvino', 'f32'),
                                    ('openvino_bf16', 'bf16'))
            if find_spec('openvino')}
        self.inferencer = MultiTaskInferencer(folder / 'model.pth', 'cpu')
        self.models = {name: Model(folder / f'{name}.onnx', threads=threads)
                       for name in ('whole', 'whole8', 'core', 'core8')}
        size = self.models['core'].meta['padded']
        self.images = {n: torch.randn(n, 3, *size) for n in (1, 8)}

    def forms(self) -> dict[str, Callable[[], Any]]:
        """Name → one pass."""
        forms: dict[str, Callable[[], Any]] = {}
        for n, images in self.images.items():
            forms[f'eager_{n}'] = partial(self.eager, images)
            for name, session in self.sessions.items():
                forms[f'{name}_{n}'] = partial(
                    session.run, None, {'images': images.numpy()})
            for name, compiled in self.compiled.items():
                forms[f'{name}_{n}'] = partial(
                    compiled, {'images': images.numpy()})
        forms['inferencer'] = partial(self.inferencer, [self.picture])
        return forms | {f'runtime_{name}': partial(model, self.picture)
                        for name, model in self.models.items()}

    @torch.no_grad()
    def eager(self, images: torch.Tensor) -> Any:
        """The network in PyTorch."""
        return self.core(images)


def _openvino(path: Path, threads: int, precision: str) -> Any:
    import openvino
    return openvino.Core().compile_model(str(path), 'CPU', {
        'INFERENCE_NUM_THREADS': threads,
        'INFERENCE_PRECISION_HINT': precision})


def measure(config: str, args: Any) -> dict[str, Any]:
    """Times, and the ratios that have goals."""
    with tempfile.TemporaryDirectory() as folder:
        forms = Bench(config, Path(folder), args.threads).forms()
        times = interleave(forms, args.repeats, what=Path(config).stem)
    over = {name: ratio(times, [name], [f'eager_{name.rpartition("_")[2]}'])
            for name in times
            if name.startswith(('onnx', 'int8', 'openvino'))}
    whole = {name: ratio(times, [name], ['inferencer'])
             for name in times if name.startswith('runtime')}
    return dict(times=summarise(times), over_eager=over,
                over_inferencer=whole)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--config', nargs='+', default=CONFIGS)
    parser.add_argument('--repeats', type=int, default=15)
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--out', type=Path)
    args = parser.parse_args()
    MMLogger.get_instance('export', log_level='ERROR')
    set_up(args.threads)
    write_report(args.out, {Path(config).stem: measure(config, args)
                            for config in args.config})


if __name__ == '__main__':
    main()
