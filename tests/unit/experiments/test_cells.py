import pytest

from mmmultas.experiments.matrix import read_matrix
from mmmultas.utils.errors import ConfigError

CELLS = """
seeds: [0, 1]
options: {train_cfg.max_epochs: 3}
cells:
  tuned:
    config: configs/det.py
    checkpoints: {load_from: seg}
    options: {train_cfg.max_epochs: 1}
    paper: {det/mAP: 31.8}
  seg: configs/seg.py
"""


def test_what_changes_the_fingerprint(write, monkeypatch):
    path = write(CELLS)

    def marks(**edits):
        text = CELLS
        for old, new in edits.values():
            assert old in text
            text = text.replace(old, new)
        return read_matrix(write(text)).fingerprints()

    first = marks()
    assert len(set(first.values())) == 4
    monkeypatch.setenv('MMMULTAS_DATA', '/elsewhere')
    assert marks(a=('31.8', '32')) == first
    assert read_matrix(path, '/another/folder').fingerprints() == first
    # a source's length is also that of what starts from it
    longer = marks(a=('max_epochs: 3', 'max_epochs: 4'))
    assert not set(longer.values()) & set(first.values())
    own = marks(a=('max_epochs: 1', 'max_epochs: 4'))
    assert {k for k in first if own[k] != first[k]} == {
        'tuned_seed0', 'tuned_seed1'
    }
    last = marks(a=('seeds', 'checkpoint: last\nseeds'))
    assert not set(last.values()) & set(first.values())


def test_a_selection_keeps_its_sources(write):
    matrix = read_matrix(write(CELLS))
    some = matrix.select(['tuned'], [1])
    assert [c.name for c in some.cells] == ['seg_seed1', 'tuned_seed1']
    assert [c.name for c in matrix.select(['seg'], None).cells] == [
        'seg_seed0', 'seg_seed1'
    ]
    with pytest.raises(ConfigError, match="no cell 'segg'"):
        matrix.select(['segg'], None)


def test_a_seed_that_no_chosen_cell_has(write):
    matrix = read_matrix(write(CELLS.replace(
        '  seg: configs/seg.py',
        '  seg: configs/seg.py\n'
        '  once: {config: configs/seg.py, seeds: [7]}')))
    assert [c.name for c in matrix.select(None, [7]).cells] == ['once_seed7']
    assert [c.name for c in matrix.select(['once', 'seg'], [1, 7]).cells] == [
        'seg_seed1', 'once_seed7'
    ]
    for keys, seeds, message in (
        (None, [0, 9, 8], 'toy has no seed 8 of any cell: it has 0, 1, 7'),
        (['tuned'], [7], 'toy has no seed 7 of tuned: it has 0, 1')):
        with pytest.raises(ConfigError, match=message):
            matrix.select(keys, seeds)


MASKS = """
cells:
  pupil:
    config: configs/det.py
    masks_from: {load_from: maker/fine}
  maker:
    config: configs/seg.py
    masks: {fine: [--threshold, 0.3], cut: [--boxes]}
"""


def test_a_cell_that_learns_from_masks_of_another(write, tmp_path):
    matrix = read_matrix(write(MASKS), tmp_path / 'work')
    maker, pupil = matrix.cells
    assert (maker.key, pupil.sources) == ('maker', ['maker_seed0'])
    assert maker.masks['fine'] == ['--threshold', '0.3']
    assert pupil.folders == dict(load_from=tmp_path / 'work/maker_seed0/fine')
    first = matrix.fingerprints()

    def changed(old, new):
        found = read_matrix(write(MASKS.replace(old, new))).fingerprints()
        return {k for k in first if found[k] != first[k]}

    # how masks are made decides who learns from them, not who makes them
    assert changed('0.3', '0.4') == {'pupil_seed0'}
    assert changed('maker/fine', 'maker/cut') == {'pupil_seed0'}
    assert not changed('--boxes', '--judge, none')


@pytest.mark.parametrize('old, new, message', [
    ('maker/fine', 'maker/rough', "asks for masks 'rough' of maker"),
    ('maker/fine', 'other/fine', 'masks of other_seed0, which is no cell'),
    ('load_from:', 'load_form:', "'load_form', which the config"),
    ('fine: [', '"../fine": [', 'names a folder'),
    ('fine', 'masks', "names a folder 'masks'.* which the test writes"),
    ('cut: [--boxes]', 'cut: --boxes', "'masks' cannot hold '--boxes'"),
])
def test_masks_that_nobody_makes(write, old, new, message):
    with pytest.raises(ConfigError, match=message):
        for cell in read_matrix(write(MASKS.replace(old, new))).cells:
            cell.load()
