import pytest

from mmmultas.experiments.matrix import read_matrix
from mmmultas.utils.errors import ConfigError


@pytest.fixture
def write(tmp_path):
    """A matrix file beside the configs that it names."""
    folder = tmp_path / 'matrices'
    folder.mkdir()
    (tmp_path / 'configs').mkdir()
    for name in ('det', 'seg'):
        (tmp_path / f'configs/{name}.py').write_text(
            "data = '{{$MMMULTAS_DATA:data}}'\n"
            'train_cfg = dict(max_epochs=2)\nload_from = None\n'
            'randomness = dict(seed=0)\n')

    def write(text):
        path = folder / 'toy.yaml'
        path.write_text(text)
        return path

    return write


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


def test_cells_in_the_order_in_which_they_can_run(write, tmp_path):
    matrix = read_matrix(write(CELLS), tmp_path / 'work')
    assert [c.name for c in matrix.cells] == [
        'seg_seed0', 'tuned_seed0', 'seg_seed1', 'tuned_seed1'
    ]
    seg, tuned = matrix.cells[2:]
    assert tuned.sources == ['seg_seed1'] and tuned.paper['det/mAP'] == 31.8
    cfg = tuned.load()
    assert cfg.train_cfg.max_epochs == 1 and cfg.randomness.seed == 1
    assert cfg.work_dir == str(tmp_path / 'work/tuned_seed1')
    assert seg.load().train_cfg.max_epochs == 3
    assert matrix.name == matrix.title == 'toy'


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


def test_a_merged_key_is_not_there_twice(write):
    matrix = read_matrix(write("""
cells:
  a: &a {config: configs/det.py, title: A, paper: &p {det/mAP: 1}}
  b: {<<: *a, title: B, paper: {<<: *p, det/mAP: 2}}
  c: {<<: *a, title: C}
"""))
    assert [(c.title, c.paper['det/mAP']) for c in matrix.cells] == [
        ('A', 1), ('B', 2), ('C', 1)
    ]


def test_a_matrix_in_the_topmost_folder(monkeypatch, write):
    path = write('cells: {a: configs/none.py}')
    monkeypatch.setattr('pathlib.Path.resolve', lambda self: type(self)('/x'))
    assert str(read_matrix(path).cells[0].config) == '/configs/none.py'


@pytest.mark.parametrize('text, message', [
    ('[a, b]', 'mapping `cells`'),
    ('cells: [a, b]', "the key 'cells' must be a mapping"),
    ('[' * 5000, 'is no YAML'),
    ('title: 1\ncells: {a: configs/det.py}', "'title' must be text, got 1"),
    ('metrics: [1]\ncells: {a: configs/det.py}', "'metrics' cannot hold 1"),
    ('cells: {a: {config: configs/det.py, options: {1: 2}}}',
     "'options' cannot hold 1"),
    ('cells: {a: {config: configs/det.py, paper: {det/mAP: x}}}',
     "the key of the cell 'a' 'paper' cannot hold 'x'"),
    ('cells: {../a: configs/det.py}', "'../a' names a folder"),
    *[(f'cells: {{a: {{config: configs/det.py, paper: {{m: {x}}}}}}}',
       f"'paper' cannot hold {y}")
      for x, y in (('.nan', 'nan'), ('-.inf', '-inf'), ('true', 'True'),
                   ('1' + '0' * 400, '10000'))],
    ('cells: {', 'is no YAML'),
    ('cells: {a: configs/det.py, "a": configs/seg.py}',
     'the key a is there twice.*line 1, column 28'),
    ('seeds: [0]\nseeds: [1]\ncells: {a: configs/det.py}',
     'the key seeds is there twice.*line 2'),
    *[(f'cells: {{a: {config}}}', "`config` of the cell 'a' is no path of a")
      for config in ('x' * 5000, 'x' * 300, 'x/' * 2048, '"a\\0b"')],
    ('seeds: [0]', 'has no `cells`'),
    ('seed: [0]\ncells: {a: configs/det.py}', "unknown key 'seed'"),
    ('seeds: 2\ncells: {a: configs/det.py}', "'seeds' must be a list"),
    ('seeds: []\ncells: {a: configs/det.py}', '`seeds` of'),
    ('seeds: [-1]\ncells: {a: configs/det.py}', '`seeds` of'),
    ('checkpoint: first\ncells: {a: configs/det.py}', "'best' or 'last'"),
    ('cells: {a: {options: {}}}', "'a' needs a `config`"),
    ('cells: {a: {config: configs/det.py, option: 1}}',
     "key of the cell 'a' 'option'"),
    ('cells: {a: {config: configs/det.py, checkpoints: {load_from: b}}}',
     'checkpoint of b_seed0, which is no cell'),
    ('cells: {a: {config: configs/det.py, checkpoints: {load_from: a}}}',
     "'a' starts from itself"),
    ('cells: {a: configs/det.py}\nbaseline: {det: b}',
     "cell in `baseline` 'b'"),
])
def test_errors(write, text, message):
    with pytest.raises(ConfigError, match=message):
        read_matrix(write(text))


def test_errors_of_a_config_name_the_cell(write, tmp_path):
    with pytest.raises(ConfigError, match='does not exist'):
        read_matrix(tmp_path / 'none.yaml')
    for text, message in (
        ('cells: {a: configs/none.py}', "Cell 'a': .*none.py does not exist"),
        ('cells: {a: {config: configs/det.py, options: {trainer: 1}}}',
         "Cell 'a': .*'trainer'"),
        ('cells: {b: configs/det.py, a: {config: configs/det.py, '
         'checkpoints: {loda_from: b}}}',
         "Cell 'a': .*'loda_from'.*did you mean 'load_from'"),
        ('cells: {b: configs/det.py, a: {config: configs/det.py, '
         'checkpoints: {train_cfg.max_epochs.x: b}}}', "Cell 'a': ")):
        matrix = read_matrix(write(text))
        with pytest.raises(ConfigError, match=message):
            matrix.fingerprints()
