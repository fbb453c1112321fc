"""No door through which a checkpoint comes in executes or half reads it."""
import os
import pickle

import pytest
import torch

from mmmultas.apis import MultiTaskInferencer
from mmmultas.apis.publish import publish_checkpoint
from mmmultas.models.backbones.pretrained import Pretrained
from mmmultas.registry import MODELS
from mmmultas.testing import ToyBackbone, toy_config, toy_distillation
from mmmultas.utils.checkpoint import load_file, load_weights
from mmmultas.utils.errors import CheckpointError
from mmmultas.utils.launch import build_runner


class Hostile:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path, )


@pytest.fixture(scope='module')
def sound(tmp_path_factory):
    """A checkpoint of one epoch."""
    folder = tmp_path_factory.mktemp('sound')
    cfg = toy_config(folder, epochs=1, epoch_length=1, val_begin=9)
    cfg.val_dataloader = cfg.val_evaluator = cfg.val_cfg = None
    build_runner(cfg).train()
    return folder / 'epoch_1.pth'


def _truncated(path, sound, trap):
    path.write_bytes(sound.read_bytes()[:5000])


def _text(path, sound, trap):
    path.write_text('<html>404 not found</html>')


def _zipped_code(path, sound, trap):
    torch.save(dict(load_file(sound), extra=Hostile(trap)), path)


def _code_in_weights(path, sound, trap):
    content = load_file(sound)
    content['state_dict']['x'] = Hostile(trap)
    torch.save(content, path, _use_new_zipfile_serialization=False)


def _bare_pickle(path, sound, trap):
    path.write_bytes(pickle.dumps(dict(state_dict=Hostile(trap))))


def _no_weights(path, sound, trap):
    torch.save(dict(load_file(sound), state_dict=[1, 2]), path)


def _meta_of_another_kind(path, sound, trap):
    torch.save(dict(load_file(sound), meta=['cfg']), path)


def _other_architecture(path, sound, trap):
    content = load_file(sound)
    content['state_dict'] = {'encoder.weight': torch.ones(3, 3)}
    torch.save(content, path)


FILES = {
    _truncated: 'is truncated',
    _text: 'no PyTorch file|would execute code',
    _zipped_code: 'would execute code',
    _code_in_weights: 'would execute code',
    _bare_pickle: 'would execute code|no PyTorch file',
    _no_weights: "holds a list as 'state_dict'",
    _meta_of_another_kind: "holds a list as 'meta'",
    _other_architecture: 'does not fit|fills nothing'
}


def _runner(path, **kwargs):
    cfg = toy_config(path.parent / 'work', epochs=2, epoch_length=1)
    cfg.update(kwargs)
    return build_runner(cfg)


def _auto(path):
    """As --resume: the folder's newest checkpoint is tried first."""
    work = path.parent / 'work'
    work.mkdir()
    path.rename(work / 'epoch_1.pth')
    (work / 'last_checkpoint').write_text(str(work / 'epoch_1.pth'))
    load_file(work / 'epoch_1.pth')  # what it asks of every candidate
    _runner(path, resume=True).train()


def _benchmark(path):
    model = MODELS.build(toy_config('').model)
    load_weights(model, load_file(path), str(path))


def _teacher(path):
    model = toy_distillation(path.parent)
    model['teachers']['seg'].update(
        cfg=toy_config('').model, checkpoint=str(path))
    model['distiller']['connectors']['seg']['out_channels'] = 8
    _runner(path, model=model).train()


DOORS = {
    'resume from a path':
    lambda path: _runner(path, resume=True, load_from=str(path)).train(),
    'resume': _auto,
    'load_from': lambda path: _runner(path, load_from=str(path)).train(),
    'val': lambda path: _runner(path, load_from=str(path)).val(),
    'test': lambda path: _runner(path, load_from=str(path)).test(),
    'pretrained': lambda path: Pretrained(str(path))(ToyBackbone()),
    'inferencer': lambda path: MultiTaskInferencer(path, device='cpu'),
    'publish': lambda path: publish_checkpoint(path, path.parent / 'p.pth'),
    'benchmark': _benchmark,
    'teacher': _teacher,
}


@pytest.mark.parametrize('door', DOORS)
@pytest.mark.parametrize(
    'make', FILES, ids=lambda make: make.__name__.strip('_'))
def test_refused_with_one_sentence(tmp_path, sound, make, door):
    if make is _other_architecture and door == 'publish':
        pytest.skip('weights of any network may be published')
    trap, path = tmp_path / 'sprung', tmp_path / 'given.pth'
    make(path, sound, trap)
    with pytest.raises(CheckpointError, match=FILES[make]) as error:
        DOORS[door](path)
    text = str(error.value)
    assert '.pth' in text and '\n' not in text and len(text) < 600
    assert not trap.exists()
    assert not list(tmp_path.glob('work/epoch_2.pth'))


def test_resuming_passes_over_what_is_broken(tmp_path, sound):
    """--resume takes the newest checkpoint that can be read."""
    trap, work = tmp_path / 'sprung', tmp_path / 'work'
    work.mkdir()
    (work / 'epoch_1.pth').write_bytes(sound.read_bytes())
    _zipped_code(work / 'epoch_2.pth', sound, trap)
    _truncated(work / 'epoch_3.pth', sound, trap)
    (work / 'last_checkpoint').write_text(str(work / 'epoch_3.pth'))
    cfg = toy_config(work, epochs=3, epoch_length=1)
    cfg.resume = True
    runner = build_runner(cfg)
    step, steps = runner.model.train_step, []
    runner.model.train_step = lambda *args, **kwargs: steps.append(
        runner.iter) or step(*args, **kwargs)
    runner.train()
    assert steps == [1, 2] and not trap.exists()


def test_the_sound_one_passes(tmp_path, sound):
    """The same doors are open to it."""
    path = tmp_path / 'given.pth'
    path.write_bytes(sound.read_bytes())
    _runner(path, load_from=str(path)).train()
    assert (tmp_path / 'work/epoch_2.pth').is_file()
    assert MultiTaskInferencer(path, device='cpu').model is not None
    assert publish_checkpoint(path, tmp_path / 'p.pth').is_file()
    _benchmark(path)
    (tmp_path / 'work').rename(tmp_path / 'before')
    _teacher(path)
    assert (tmp_path / 'work/epoch_2.pth').is_file()
