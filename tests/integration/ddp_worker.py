"""One process of a gloo group: python ddp_worker.py WORK_DIR MODE."""
import atexit
import faulthandler
import gc
import json
import os
import signal
import sys
from pathlib import Path

import torch
from mmengine.dist import get_rank

from mmmultas.engine.runner import _leave_group
from mmmultas.testing import (toy_config, toy_distillation, toy_model,
                              toy_stream)
from mmmultas.utils.errors import CheckpointError, TrainingError
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
    if mode == 'partial':  # other classes in every third image, by process
        for stream in streams.values():
            stream['dataset'].update(type='mmmultas.PartialToyDataset')
    if mode in ('equal', 'uneven', 'distilled', 'partial', 'weak', 'cam'):
        # 3 batches, the last one filled up, and 4, two images left out
        streams['det']['drop_last'] = False
        streams['seg']['dataset']['length'] = 18
        # batch norm sees other batches in another world: freeze it
        cfg.model = toy_model()
        cfg.model.type = 'FrozenNorm'
    if mode == 'partial':  # batches are read again after their step
        cfg.model.balancer = dict(type='mmmultas.FAMO')
    if mode == 'uneven':
        # of two neighbours one has boxes: of two processes one
        streams['det']['dataset'].update(tasks=[('det', ), ()])
        streams['det'].update(sampler=dict(shuffle=False))
        cfg.model.balancer = dict(type='mmmultas.CAGrad')
    if mode == 'weak':  # rates that are learnt from masks of both processes
        cfg.custom_hooks[0].momentum = .1
        cfg.model.companions = dict(
            average=dict(type='mmmultas.ConsistencyTeacher', begin=0., ramp=0.,
                         mask_score=.4),
            b4m=dict(type='mmmultas.BoxForMask', lines_weight=.5,
                     ramp_epochs=0),
            m4b=dict(type='mmmultas.MaskForBox'))
        cfg.model.balancer = dict(type='mmmultas.SlowestFirst')
    if mode == 'cam':  # of two neighbours one has boxes
        streams['det']['dataset'].update(tasks=[('det', ), ()])
        streams['det'].update(sampler=dict(shuffle=False))
        cfg.model = dict(
            backbone=dict(type='mmmultas.ToyBackbone'),
            heads=dict(seg=dict(type='mmmultas.CAMHead', num_classes=3,
                                in_channels=8, loss_recam_weight=1.)))
        cfg.val_dataloader = cfg.val_evaluator = cfg.val_cfg = None
    if mode == 'distilled':
        cfg.model = distilled(work_dir)
    if mode == 'xtc':  # of two processes one may have no label, or no pair
        cfg.train_dataloader = dict(a=toy_stream(
            12, [('seg', ), ('depth', ), ()], batch_size=size))
        cfg.train_dataloader.a.dataset.second_view = True
        cfg.model = segnet()
        cfg.optim_wrapper.optimizer.lr = 1e-4  # nothing is normalised
        # rounding grows where it turns a pixel that is drawn
        cfg.train_cfg.max_epochs = 1
        cfg.val_dataloader = cfg.val_evaluator = cfg.val_cfg = None
    if mode == 'unheard':
        # most processes meet no label in an update: no teacher speaks
        cfg.train_dataloader = dict(
            seg=toy_stream(12, [('seg', ), (), (), (), ()], seed=1))
        cfg.model = toy_distillation(Path(work_dir).parent, sees='annotated')
        cfg.model.train_on_labels = False
        distiller = cfg.model.distiller
        for part in (distiller.distill_losses, distiller.connectors,
                     distiller.loss_forward_mappings):
            for name in [k for k in part if k.endswith('det')]:
                del part[name]
    if mode == 'amp':
        cfg.optim_wrapper.update(type='AmpOptimWrapper', force=True)
    cfg.resume = mode == 'resume'
    return cfg


def segnet():
    """Config of a tiny SegNet whose tasks teach each other."""
    widths = (4, 4, 8, 8, 8)
    head = dict(type='mmmultas.SegNetHead', in_channels=4)
    return dict(
        type='mmmultas.MultiTaskDetSeg',
        backbone=dict(type='mmmultas.SegNetEncoder', widths=widths),
        neck=dict(type='mmmultas.SegNetDecoder', widths=widths),
        heads=dict(seg=dict(head, num_classes=3), depth=head),
        loss_mean='batch',
        companions=dict(xtc=dict(
            type='mmmultas.CrossTaskConsistency',
            mapping=dict(type='mmmultas.SegNetMapping', widths=widths))))


def distilled(work_dir: str):
    """Features of both tasks, and the outputs of the detection heads."""
    model = toy_distillation(Path(work_dir).parent, channels=8, sees='other')
    distiller = model['distiller']
    recorders = dict(distiller['student_recorders'],
                     head=dict(type='ModuleOutputs', source='heads.det'))
    distiller['student_recorders'] = recorders
    distiller['teacher_recorders']['det'] = recorders
    distiller['distill_losses']['loss_soft'] = dict(
        type='mmmultas.SoftDetection', schedule=dict(end=4, start=0.0))
    distiller['loss_forward_mappings']['loss_soft'] = dict(
        student_outputs=dict(from_student=True, recorder='head'),
        teacher_outputs=dict(
            from_student=False, teacher='det', recorder='head'))
    return model


def save_weights(runner, work_dir: str, world: int) -> None:
    out = Path(work_dir) / f'weights_{world}_{get_rank()}.pth'
    model = getattr(runner.model, 'module', runner.model)
    # connectors are no part of a student's state_dict
    torch.save({**dict(model.named_parameters()), **model.state_dict()}, out)


def record_logs(runner) -> list:
    """What each update says of its losses."""
    logs = []
    step = runner.model.train_step

    def train_step(*args, **kwargs):
        said = step(*args, **kwargs)
        logs.append({name: float(value) for name, value in said.items()})
        return said

    runner.model.train_step = train_step
    return logs


def say(work_dir: str, what: str, text: str) -> None:
    Path(work_dir, f'{what}_{get_rank()}.txt').write_text(text)


def on_second_process(runner, name, act):
    """Act before each call of a method of the bare model, there only."""
    model = runner.model.module
    method = getattr(model, name)

    def call(*args, **kwargs):
        if get_rank() == 1:
            args = act(*args) or args
        return method(*args, **kwargs)

    setattr(model, name, call)


def fail(work_dir: str) -> None:
    """A loss that is NaN on one process; a disk full for the other."""
    cfg = config(work_dir, 'mixed', 2)
    cfg.train_cfg.skip_nonfinite = 1
    runner = build_runner(cfg, 'pytorch')

    def spoil(inputs, samples):
        if runner.iter in (1, 4):
            inputs = dict(inputs, det=inputs['det'] * float('nan'))
        return inputs, samples

    on_second_process(runner, 'loss', spoil)
    try:
        runner.train()
    except TrainingError as error:
        say(work_dir, 'nan', str(error))
    save_weights(runner, work_dir, 2)

    full = str(Path(work_dir) / 'full')
    runner = build_runner(config(full, 'plain', 2), 'pytorch')
    if get_rank() == 0:
        os.replace = full_disk
    try:
        runner.train()
    except CheckpointError as error:
        say(work_dir, 'full', str(error))


def full_disk(*args, **kwargs):
    raise OSError(28, 'No space left on device')


def be_signalled(work_dir: str) -> None:
    """One process alone is signalled, in an update, then in validation."""
    for name, iteration in (('step', 3), ('val_step', 6), (None, None)):
        cfg = config(work_dir, 'plain', 2)
        cfg.resume = name != 'step'
        runner = build_runner(cfg, 'pytorch')

        def act(*args, runner=runner, iteration=iteration):
            if iteration == runner.iter:
                os.kill(os.getpid(), signal.SIGTERM)

        if name is not None:
            on_second_process(
                runner, 'loss' if name == 'step' else name, act)
        try:
            runner.train()
            say(work_dir, 'end', str(runner.iter))
        except SystemExit as stop:
            say(work_dir, name, f'{stop.code} {runner.iter}')
    save_weights(runner, work_dir, 2)


def leave(work_dir: str) -> None:
    """Threads that end late may not stop a process from leaving."""
    gc.collect()
    gc.freeze()  # what is collected below is found before a thread ends
    for turn in range(6):
        torch.distributed.init_process_group(
            'gloo', init_method=f'file://{work_dir}/store_{turn}',
            rank=int(os.environ['RANK']), world_size=2)
        model = torch.nn.parallel.DistributedDataParallel(torch.nn.Conv2d(
            1, 1, 1), broadcast_buffers=False)
        model(torch.rand(1, 1, 2, 2)).sum().backward()
        for _ in range(4):
            torch.distributed.broadcast_object_list([turn])
        held = [model]
        held.append(held)  # by itself, as a runner holds its parts
        del model, held
        _leave_group()


def say_threads(work_dir: str) -> None:
    """Those of a process group must have ended before Python does."""
    tasks = Path('/proc/self/task').glob('*/comm')
    names = {task.read_text().strip() for task in tasks}
    out = Path(work_dir) / f'threads-{os.environ["RANK"]}.json'
    out.write_text(json.dumps(sorted(n for n in names if 'gloo' in n)))


def main() -> None:
    from mmmultas.models import (CAMClassifier, MultiTaskDetSeg,
                                 MultiTeacherDistill)
    from mmmultas.models.balancers import Balancer
    from mmmultas.registry import DATASETS, MODELS
    from mmmultas.testing import ToyDataset

    class Frozen:

        def train(self, mode: bool = True):
            super().train(mode)
            for module in self.modules():
                if isinstance(module, torch.nn.BatchNorm2d):
                    module.eval()
            return self

    @MODELS.register_module()
    class FrozenNorm(Frozen, MultiTaskDetSeg):
        pass

    @MODELS.register_module()
    class FrozenNormDistill(Frozen, MultiTeacherDistill):
        pass

    @MODELS.register_module()
    class FrozenNormCAM(Frozen, CAMClassifier):
        pass

    @MODELS.register_module()
    class SlowestFirst(Balancer):
        """A task weighs its loss over what it was on average."""

        def __init__(self):
            super().__init__()
            self.register_buffer('means', torch.ones(2))

        def weights(self, losses):
            now = torch.stack([losses[t] for t in ('det', 'seg')])
            self.means.lerp_(now, .1)
            return dict(zip(('det', 'seg'), now / self.means))

    @DATASETS.register_module()
    class PartialToyDataset(ToyDataset):

        def __getitem__(self, index: int):
            self.asked = (dict(det=(1, ), seg=(2, ))
                          if index % 3 == 0 else None)
            return super().__getitem__(index)

    work_dir, mode, world = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if world > 1:
        atexit.register(say_threads, work_dir)  # the first is called last
    faulthandler.dump_traceback_later(240, exit=True)
    cfg = config(work_dir, mode, world)
    if mode in ('equal', 'uneven', 'partial', 'weak', 'xtc'):
        cfg.model.type = 'mmmultas.FrozenNorm'
    if mode == 'cam':
        cfg.model.type = 'mmmultas.FrozenNormCAM'
    if mode == 'distilled':
        cfg.model.type = 'mmmultas.FrozenNormDistill'
    torch.set_num_threads(1)
    alone = dict(fail=fail, signals=be_signalled, leave=leave).get(mode)
    if alone is not None:
        return alone(work_dir)
    runner = build_runner(cfg, 'pytorch' if world > 1 else 'none')
    if mode == 'test':
        runner._load_from = str(Path(work_dir) / 'epoch_2.pth')
        metrics = runner.test()
        out = Path(work_dir) / f'metrics_{world}_{get_rank()}.json'
        out.write_text(json.dumps({k: float(v) for k, v in metrics.items()}))
    else:
        if mode in ('distilled', 'unheard') and world > 1:
            assert runner.model.find_unused_parameters
        logs = record_logs(runner)
        runner.train()
        save_weights(runner, work_dir, world)
        out = Path(work_dir) / f'logs_{world}_{get_rank()}.json'
        out.write_text(json.dumps(logs))


if __name__ == '__main__':
    main()
