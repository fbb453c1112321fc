import pytest

import mmmultas_runtime
from mmmultas.apis.export.export_model import export_model
from mmmultas.utils.errors import UserError


@pytest.mark.parametrize('raw', [False, True])
def test_from_checkpoint_to_file(exported, tmp_path, raw):
    out = tmp_path / 'new' / 'model.onnx'
    out.parent.mkdir()
    lines = list(export_model(
        exported / 'model.pth', out, raw=raw,
        pictures=exported / 'pictures', number=2))
    assert lines[0].startswith('compared on 2 pictures of')
    assert len(lines) == 2 + 7 + 9 * raw
    assert lines[-1].startswith(f'written: {out}')
    assert mmmultas_runtime.Model(out).meta['source'] == 'model.pth'


def test_eight_bits_are_judged_on_the_test_data(exported, tmp_path):
    lines = list(export_model(
        exported / 'model.pth', tmp_path / 'm.onnx',
        int8=exported / 'pictures', number=2))
    assert lines[0] == 'compared on 2 pictures of validation:'
    assert any(line.startswith('  seg/mIoU: ') for line in lines)


def test_pictures_that_are_not_there(exported, tmp_path):
    (tmp_path / 'empty').mkdir()
    with pytest.raises(UserError, match='no pictures to compare'):
        list(export_model(exported / 'model.pth', tmp_path / 'm.onnx',
                          pictures=tmp_path / 'empty'))
    assert not (tmp_path / 'm.onnx').exists()


def test_bad_numbers(exported, tmp_path):
    for wrong in (dict(number=0), dict(score_thr=2.)):
        with pytest.raises(UserError, match='--score-thr lies in'):
            list(export_model(exported / 'model.pth', tmp_path / 'm.onnx',
                              **wrong))


def test_a_lower_threshold_is_the_files_own(exported, tmp_path):
    lines = list(export_model(
        exported / 'model.pth', tmp_path / 'm.onnx', score_thr=.01,
        pictures=exported / 'pictures'))
    assert ' of 60 boxes within' in '\n'.join(lines)
