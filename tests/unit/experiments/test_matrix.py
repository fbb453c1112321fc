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


def test_options_of_masks_are_checked_before_training(write):
    cells = 'cells: {a: {config: configs/det.py, masks: {fine: [%s]}}}'
    assert read_matrix(write(cells % '--threshold, 0.3')).cells[0].masks == {
        'fine': ['--threshold', '0.3']}
    with pytest.raises(ConfigError, match='`masks.fine` of the cell .a.'):
        read_matrix(write(cells % '--treshold, 0.3'))
