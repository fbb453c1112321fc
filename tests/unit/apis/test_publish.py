import hashlib

import numpy as np
import pytest
import torch

import mmmultas.testing  # noqa: F401
from mmmultas.apis import MultiTaskInferencer
from mmmultas.apis.publish import publish_checkpoint
from mmmultas.utils.checkpoint import load_file
from mmmultas.utils.errors import CheckpointError


@pytest.fixture
def trained(save_toy):
    """A checkpoint with all that training adds."""
    return save_toy(
        optimizer=dict(state={0: torch.zeros(9999)}),
        param_schedulers=[dict(last_step=3)],
        message_hub=dict(runtime_info={}),
        ema_state_dict={'module.backbone.stem.0.bias': torch.zeros(8)})


def test_only_what_inference_needs_is_left(trained, tmp_path):
    path = publish_checkpoint(trained, tmp_path / 'new/model.pth')
    content, before = load_file(path), load_file(trained)
    assert set(content) == {'meta', 'state_dict'}
    assert content['meta'] == before['meta']
    assert content['state_dict'].keys() == before['state_dict'].keys()
    assert all(torch.equal(value, before['state_dict'][key])
               for key, value in content['state_dict'].items())
    assert path.stat().st_size < trained.stat().st_size - 30_000


def test_the_name_tells_the_content(trained, tmp_path):
    path = publish_checkpoint(trained, tmp_path / 'model.pth')
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert path.name == f'model-{digest[:8]}.pth'
    again = publish_checkpoint(trained, tmp_path / 'other.pth')
    assert again.read_bytes() == path.read_bytes()
    content = load_file(trained)
    content['state_dict']['backbone.down.bias'] += 1
    torch.save(content, trained)
    assert publish_checkpoint(trained, tmp_path / 'model.pth') != path


def test_predictions_are_the_same(trained, tmp_path):
    path = publish_checkpoint(trained, tmp_path / 'model.pth')
    image = np.random.default_rng(0).integers(
        0, 256, (40, 70, 3), dtype=np.uint8)
    [before], [after] = (
        MultiTaskInferencer(p)(image) for p in (trained, path))
    for key in ('bboxes', 'scores', 'labels', 'seg_map'):
        assert len(before[key]) and np.array_equal(before[key], after[key])


def test_what_cannot_be_published(trained, tmp_path):
    torch.save(dict(state_dict={}), tmp_path / 'empty.pth')
    with pytest.raises(CheckpointError, match='empty.pth holds no weights'):
        publish_checkpoint(tmp_path / 'empty.pth', tmp_path / 'a.pth')
    (tmp_path / 'file').write_text('')
    with pytest.raises(CheckpointError, match='cannot be written'):
        publish_checkpoint(trained, tmp_path / 'file/a.pth')
