import os

import pytest

from mmmultas.utils.errors import CheckpointError, ConfigError
from mmmultas.utils.run_files import (chosen_checkpoint, config_beside,
                                      latest_checkpoints, masks_complete)


def test_the_newest_checkpoint_first(tmp_path):
    for i, name in enumerate(['epoch_1', 'iter_9', 'epoch_2', 'best_x']):
        path = tmp_path / f'{name}.pth'
        path.touch()
        os.utime(path, (i, i))
    names = [p.stem for p in latest_checkpoints(tmp_path)]
    assert names == ['epoch_2', 'iter_9', 'epoch_1']
    pointer = tmp_path / 'last_checkpoint'
    pointer.write_text('/moved/elsewhere/iter_9.pth\n')
    assert latest_checkpoints(tmp_path)[0].stem == 'iter_9'
    for text in ('', '/gone.pth'):
        pointer.write_text(text)
        assert latest_checkpoints(tmp_path)[0].stem == 'epoch_2'
    assert latest_checkpoints(tmp_path / 'none') == []


def test_a_folder_stands_for_its_best_checkpoint(tmp_path):
    with pytest.raises(CheckpointError, match='train there first'):
        chosen_checkpoint(tmp_path)
    for i, name in enumerate(['best_score_epoch_1', 'epoch_1', 'epoch_2']):
        path = tmp_path / f'{name}.pth'
        path.touch()
        os.utime(path, (i, i))
    assert chosen_checkpoint(tmp_path).stem == 'best_score_epoch_1'
    (tmp_path / 'best_score_epoch_1.pth').unlink()
    assert chosen_checkpoint(str(tmp_path)).stem == 'epoch_2'
    file = tmp_path / 'none.pth'
    assert chosen_checkpoint(file) == file


def test_config_of_the_run(tmp_path):
    boxes = tmp_path / 'boxes.json'
    with pytest.raises(ConfigError, match='holds no config: .*--config'):
        config_beside(boxes)
    (tmp_path / 'run.py').write_text('a = dict(b=1)\n')
    assert config_beside(boxes, {'a.b': 2}).a.b == 2
    (tmp_path / 'other.py').write_text('a = 2\n')
    with pytest.raises(ConfigError, match='holds 2 configs'):
        config_beside(boxes)


def test_a_folder_of_masks_that_is_complete(tmp_path):
    assert not masks_complete(tmp_path / 'none')
    (tmp_path / 'made_from.json').write_text('{"images": 2}')
    (tmp_path / 'a.png').touch()
    (tmp_path / 'b.png.part').touch()
    assert not masks_complete(tmp_path)
    (tmp_path / 'b.png').touch()
    assert masks_complete(tmp_path)
    (tmp_path / 'made_from.json').write_text('[')
    assert not masks_complete(tmp_path)
