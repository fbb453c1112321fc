import fcntl
import json
import shutil
import sys

import pytest

from mmmultas.experiments.matrix import read_matrix
from mmmultas.experiments.matrix_run import (Launcher, _slots, cell_states,
                                             run_matrix, state_table)
from mmmultas.utils.errors import ConfigError

#: Stands for tools/train.py and tools/test.py.
TOOL = """
import json, pathlib, re, sys
tool, config, *args = sys.argv[1:]
folder = pathlib.Path(config).parent
if tool == 'make_pseudo_masks':
    assert args[0].endswith('epoch_2.pth')
    out = pathlib.Path(args[args.index('--out') + 1])
    with (folder.parent / 'calls.txt').open('a') as calls:
        calls.write(f'{out.name} {folder.name} {args[3:]}\\n')
    out.mkdir(exist_ok=True)
    (out / 'made_from.json').write_text('{"images": 1}')
    (out / 'a.png').touch()
    sys.exit()
place = args[args.index('--work-dir') + 1]
assert pathlib.Path(place) == folder / ('' if tool == 'train' else 'test')
with (folder.parent / 'calls.txt').open('a') as calls:
    more = ' all tasks' * ('--out-dir' in args)
    calls.write(f'{tool} {folder.name}{more}\\n')
text = pathlib.Path(config).read_text()
if 'broken' in text:
    sys.exit('no such data')
if tool == 'train':
    source = re.search(r"load_from = '(.*)'", text)
    if source and not source[1].endswith('fine'):
        assert pathlib.Path(source[1]).is_file()
    if source and source[1].endswith('fine'):
        assert (pathlib.Path(source[1]) / 'a.png').is_file()
    (folder / 'epoch_2.pth').touch()
else:
    assert args[0].endswith('epoch_2.pth')
    seed = int(re.search(r'seed=(\\d)', text)[1])
    pathlib.Path(args[args.index('--out') + 1]).write_text(
        json.dumps(dict(metrics={'det/mAP': 10.0 + seed})))
"""
CONFIG = """
train_cfg = dict(max_epochs=2, epoch_length=3)
load_from = None
randomness = dict(seed=0)
model = dict(heads=dict({task}=dict(x=1), {other}=None))
"""


class FakeLauncher(Launcher):

    def command(self, tool, *args):
        return [sys.executable, self.prefix, tool, *args]

    def alone(self, tool, *args):
        return self.command(tool.split('/')[-1], *args)


@pytest.fixture
def toy(tmp_path):
    (tmp_path / 'configs').mkdir()
    (tmp_path / 'matrices').mkdir()
    for task, other in (('det', 'seg'), ('seg', 'det')):
        (tmp_path / f'configs/{task}.py').write_text(
            CONFIG.format(task=task, other=other))
    tool = tmp_path / 'tool.py'
    tool.write_text(TOOL)
    path = tmp_path / 'matrices/toy.yaml'

    def run(text=None, **kwargs):
        if text:
            path.write_text(text)
        matrix = read_matrix(path, tmp_path / 'work')
        table, complete = run_matrix(
            matrix, launcher=FakeLauncher(prefix=str(tool)), **kwargs)
        calls = tmp_path / 'work/calls.txt'
        made = calls.read_text().split('\n')[:-1] if calls.exists() else []
        calls.unlink(missing_ok=True)
        return table, complete, made

    run.path, run.folder = path, tmp_path
    return run


CELLS = """
seeds: [0, 1]
checkpoint: last
metrics: [det/mAP]
cells:
  det: configs/det.py
  tuned: {config: configs/seg.py, checkpoints: {load_from: det}}
"""


def test_everything_once(toy):
    table, complete, calls = toy(CELLS, results=toy.folder / 'results')
    assert complete and sorted(calls) == sorted(
        f'{tool} {cell}_seed{seed}' for tool in ('train', 'test')
        for cell in ('det', 'tuned') for seed in (0, 1))
    assert calls.index('test det_seed0') < calls.index('train tuned_seed0')
    assert table.splitlines()[1].split() == ['det_seed0', 'done', '0.0',
                                             '10.00']
    result = json.loads(
        (toy.folder / 'results/tuned_seed1.json').read_text())
    assert result['metrics'] == {'det/mAP': 11.0}
    assert result['seed'] == 1 and result['tested'] == 'epoch_2.pth'
    assert toy()[1:] == (True, [])


def test_results_of_another_machine_are_taken(toy):
    results = toy.folder / 'results'
    toy(CELLS, results=results)
    for path in sorted((toy.folder / 'work').rglob('*'), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    assert toy(results=results)[1:] == (True, [])
    # what starts from a checkpoint needs it here
    (results / 'tuned_seed0.json').unlink()
    assert toy(results=results)[2] == [
        'train det_seed0', 'test det_seed0', 'train tuned_seed0',
        'test tuned_seed0'
    ]


CHANGED = CELLS + '\noptions: {train_cfg.max_epochs: 3}\n'


def test_a_change_is_not_overlooked(toy):
    toy(CELLS)
    with pytest.raises(ConfigError, match='det_seed0.*has changed since'):
        toy(CHANGED)


def test_a_change_of_what_is_half_done_is_not_overlooked(toy):
    toy(CELLS)
    cells = sorted((toy.folder / 'work').glob('*_seed?'))
    for cell in cells:
        (cell / 'result.json').unlink()
    before = [(cell / 'config.py').read_text() for cell in cells]
    with pytest.raises(ConfigError, match='det_seed0.*has changed since'):
        toy(CHANGED)
    assert before == [(cell / 'config.py').read_text() for cell in cells]
    # what was begun goes on as it was begun
    _, complete, calls = toy(CELLS)
    assert complete and {f'train {cell.name}' for cell in cells} < set(calls)


def test_what_was_begun_from_another_source_does_not_go_on(toy):
    toy(CELLS)
    for cell in (toy.folder / 'work').glob('tuned_seed?'):
        (cell / 'result.json').unlink()
    for cell in (toy.folder / 'work').glob('det_seed?'):
        cell.rename(f'{cell}.away')
    text = CELLS.replace(
        'det: configs/det.py',
        'det: {config: configs/det.py, options: {train_cfg.max_epochs: 3}}')
    with pytest.raises(ConfigError, match='^tuned_seed0, tuned_seed1: '):
        toy(text)


def test_what_was_begun_by_an_earlier_version_goes_on(toy):
    folder = toy.folder / 'work/det_seed0'
    folder.mkdir(parents=True)
    (folder / 'epoch_1.pth').touch()
    assert toy(CELLS)[1]
    assert (folder / 'fingerprint.txt').read_text().strip() == json.loads(
        (folder / 'result.json').read_text())['fingerprint']


def test_no_cell_starts_from_one_that_is_half_done(toy):
    """Its result is there, of another machine."""
    results = toy.folder / 'results'
    toy(CELLS, results=results)
    (results / 'tuned_seed0.json').unlink()
    for name in ('det_seed0', 'tuned_seed0'):
        (toy.folder / f'work/{name}/result.json').unlink()
    assert 'train det_seed0' in toy(CELLS, results=results)[2]


def test_a_failure_leaves_the_others_alone(toy):
    text = CELLS.replace('cells:', """cells:
  bad: {config: configs/det.py, options: {load_from: broken}}
  never: {config: configs/seg.py, checkpoints: {load_from: bad}}
""")
    table, complete, calls = toy(text)
    assert not complete and 'test tuned_seed1' in calls
    assert 'no such data' in table and 'console.log' in table
    assert 'never_seed0 failed: bad_seed0, which it needs, failed' in table


def test_a_cell_that_another_call_works_on_is_left_to_it(toy):
    folder = toy.folder / 'work/det_seed0'
    folder.mkdir(parents=True)
    with (folder / '.lock').open('w') as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        table, complete, calls = toy(CELLS)
    assert not complete and 'train det_seed0' not in calls
    assert 'train det_seed1' in calls
    assert [row.split()[1] for row in table.splitlines()[1:]] == [
        'elsewhere', 'done', 'elsewhere', 'done'
    ]
    assert toy()[1:] == (True, [
        'train det_seed0', 'test det_seed0', 'train tuned_seed0',
        'test tuned_seed0'
    ])


def test_states_and_a_file_that_is_no_result(toy):
    toy.path.write_text(CELLS)
    matrix = read_matrix(toy.path, toy.folder / 'work')
    marks = matrix.fingerprints()
    states = cell_states(matrix, None, marks)
    assert set(states.values()) == {'missing'}
    folder = toy.folder / 'work/det_seed0'
    folder.mkdir(parents=True)
    (folder / 'epoch_1.pth').touch()
    states = cell_states(matrix, None, marks)
    assert states['det_seed0'] == 'begun'
    assert 'begun' in state_table(matrix, states, None)
    (folder / 'result.json').write_text('{}')
    with pytest.raises(ConfigError, match=r'result.json is no result'):
        cell_states(matrix, None, marks)


def test_commands_of_launchers():
    words = Launcher('pytorch', 8).command('train', 'c.py')
    assert words[1:3] == ['-m', 'torch.distributed.run']
    assert '--nproc_per_node=8' in words
    assert words[-3:] == ['c.py', '--launcher', 'pytorch']
    words = Launcher('slurm', prefix='srun --gres=gpu:8').command('test')
    assert words[:3] == ['srun', '--gres=gpu:8', sys.executable]
    assert words[3].endswith('tools/test.py')
    alone = Launcher('slurm', prefix='srun').alone('train', 'c.py')
    assert alone[0] == sys.executable and alone[-1] == 'c.py'
    assert Launcher(prefix='nice -n 9').alone('train')[:3] == [
        'nice', '-n', '9']
    words = Launcher('slurm', prefix='srun --ntasks=8',
                     alone_prefix='srun --gres=gpu:1').alone('train')
    assert words[:3] == ['srun', '--gres=gpu:1', sys.executable]
    assert Launcher(prefix='nice', alone_prefix='').alone('train')[0] == (
        sys.executable)


def test_what_a_place_sees(monkeypatch):
    monkeypatch.delenv('OMP_NUM_THREADS', raising=False)
    monkeypatch.setattr('os.cpu_count', lambda: 8)
    assert _slots(2, Launcher()) == [{'OMP_NUM_THREADS': '4'}] * 2
    monkeypatch.setattr('torch.cuda.device_count', lambda: 2)
    seen = [s['CUDA_VISIBLE_DEVICES'] for s in _slots(2, Launcher())]
    assert seen == ['0', '1']
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '5,7')
    seen = [s['CUDA_VISIBLE_DEVICES'] for s in _slots(2, Launcher())]
    assert seen == ['5', '7']
    assert 'CUDA_VISIBLE_DEVICES' not in _slots(1, Launcher())[0]
    monkeypatch.setenv('OMP_NUM_THREADS', '1')
    assert _slots(1, Launcher()) == [{}]
    with pytest.raises(ConfigError, match='--jobs'):
        _slots(0, Launcher())


def test_a_test_of_further_tasks_writes_the_predictions_of_all(toy):
    config = toy.folder / 'configs/far.py'
    config.write_text(CONFIG.format(task='far', other='seg'))
    _, complete, made = toy("""
seeds: [0]
checkpoint: last
metrics: [det/mAP]
cells:
  far: configs/far.py
""")
    assert complete
    assert made == ['train far_seed0', 'test far_seed0 all tasks']


MASKS = """
seeds: [0]
checkpoint: last
metrics: [det/mAP]
cells:
  pupil: {config: configs/seg.py, masks_from: {load_from: maker/fine}}
  maker: {config: configs/det.py, masks: {fine: [--boxes]}}
"""


def test_masks_are_made_before_somebody_learns_from_them(toy, tmp_path):
    kept = tmp_path / 'kept'
    maker = ['train maker_seed0', 'test maker_seed0',
             "fine maker_seed0 ['--boxes']"]
    pupil = ['train pupil_seed0', 'test pupil_seed0']
    _, complete, made = toy(MASKS, results=kept)
    assert complete and made == maker + pupil
    assert toy()[2] == []
    result = json.loads((kept / 'maker_seed0.json').read_text())
    assert result['masks'] == dict(fine=['--boxes'])
    # masks that are gone are made again for who learns from them
    (toy.folder / 'work/maker_seed0/fine/a.png').unlink()
    assert toy(results=kept)[2] == []
    (kept / 'pupil_seed0.json').unlink()
    shutil.rmtree(toy.folder / 'work/pupil_seed0')
    assert toy(results=kept)[2] == maker + pupil
