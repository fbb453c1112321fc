"""From a training to its predictions, through the tools' own functions."""
import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmmultas.testing import Devkit, toy_config
from mmmultas.utils.errors import DataError

ROOT = Path(__file__).resolve().parents[2]
SQUASH = dict(type='mmmultas.Squash', size=64)
LOAD, LABELS, PACK = (dict(type=f'mmmultas.{name}')
                      for name in ('LoadImage', 'LoadLabels', 'PackInputs'))


def call(monkeypatch, name, *arguments):
    """Run a tool's ``main`` here."""
    spec = importlib.util.spec_from_file_location(
        Path(name).name, ROOT / f'tools/{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(sys, 'argv', [name, *map(str, arguments)])
    module.main()


@pytest.fixture
def tool(monkeypatch, capsys):
    """Call a tool; what it printed."""

    def run(*arguments):
        capsys.readouterr()
        call(monkeypatch, *arguments)
        return capsys.readouterr().out

    return run


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """An epoch of training on four images, four more to test on."""
    folder = tmp_path_factory.mktemp('trained')
    kit = Devkit(folder / 'VOCdevkit')
    for name in 'abcdefgh':
        kit.add(name)
    kit.ids('abcd')
    kit.ids('efgh', 'val.txt')
    cfg = toy_config(folder / 'work', epochs=1)
    cfg.img_size = 64
    data = dict(
        type='mmmultas.VOCDataset', data_root=str(kit.root),
        subsets=[dict(root='VOC2012', ids='ids.txt')])
    for task, stream in cfg.train_dataloader.items():
        stream.dataset = dict(
            data, tasks=(task, ), pipeline=[LOAD, LABELS, SQUASH, PACK])
    for loader in (cfg.val_dataloader, cfg.test_dataloader):
        loader.val.dataset = dict(
            data, tasks=('det', 'seg'), test_mode=True,
            subsets=[dict(root='VOC2012', ids='val.txt')],
            pipeline=[LOAD, SQUASH, LABELS, PACK])
    cfg.model.heads.det.num_classes = 20
    cfg.model.heads.det.test_cfg = dict(score_thr=0.0, max_per_img=20)
    cfg.model.heads.seg.num_classes = 21
    cfg.default_hooks.logger = dict(type='LoggerHook', interval=1)
    cfg.visualizer = dict(
        type='mmmultas.MultiTaskVisualizer',
        vis_backends=[dict(type='LocalVisBackend')])
    kit.config, kit.work = folder / 'config.py', folder / 'work'
    cfg.dump(kit.config)
    with pytest.MonkeyPatch.context() as patch:
        call(patch, 'train', kit.config, '--work-dir', kit.work)
    kit.weights = kit.work / 'epoch_1.pth'
    return kit


def test_a_published_checkpoint_predicts_without_config(
        tool, trained, tmp_path):
    printed = tool('analysis_tools/publish_model', trained.weights,
                   tmp_path / 'toy.pth')
    published = Path(printed.strip().splitlines()[-1])
    assert re.fullmatch(r'toy-[0-9a-f]{8}\.pth', published.name)
    assert published.stat().st_size < trained.weights.stat().st_size / 2
    images = trained.root / 'VOC2012/JPEGImages'
    contents = []
    for name, weights in (('a', trained.weights), ('b', published)):
        out = tmp_path / name
        printed = tool('predict', weights, images, '--out-dir', out,
                       '--batch-size', 3, '--score-thr', 0)
        assert str(out / 'predictions.json') in printed
        contents.append((out / 'predictions.json').read_text())
        assert len(list((out / 'overlays').glob('*.jpg'))) == 8
        assert len(list((out / 'masks').glob('*.png'))) == 8
    assert contents[0] == contents[1]
    entry = json.loads(contents[0])['images'][0]
    assert (entry['height'], entry['width']) == (40, 60)
    assert len(entry['detections']) == 20


def test_metrics_and_matrices_from_the_files_of_a_test(
        tool, trained, tmp_path):
    boxes, masks = tmp_path / 'boxes.json', tmp_path / 'masks'
    tool('test', trained.config, trained.weights, '--work-dir',
         tmp_path / 'w', '--out', boxes, '--seg-out', masks)
    online = json.loads(boxes.read_text())['metrics']
    printed = tool('analysis_tools/eval_metric', trained.config, boxes, masks)
    offline = dict(re.findall(r'^(\w+/\w+): (\S+)$', printed, re.M))
    assert offline.keys() == online.keys()
    for name, value in online.items():
        assert float(offline[name]) == pytest.approx(value, abs=1e-4)
    for task in ((), ('--task', 'seg')):
        printed = tool('analysis_tools/confusion_matrix', trained.config,
                       boxes, masks, '--out', tmp_path / 'm', *task)
        assert ('det_confusion.png' in printed) == (not task)
    counts = np.array(json.loads(
        (tmp_path / 'm/seg_confusion.json').read_text())['counts'])
    overall = 100 * np.trace(counts) / counts.sum()
    assert overall == pytest.approx(online['seg/aAcc'])


def test_flip_in_a_test_and_in_predictions(tool, trained, tmp_path):
    found = []
    for flags in ((), ('--tta', )):
        out = tmp_path / f'boxes{len(flags)}.json'
        tool('test', trained.config, trained.weights, '--work-dir',
             tmp_path / 'w', '--out', out, *flags)
        found.append(json.loads(out.read_text())['images'])
    assert found[0] != found[1]
    tool('predict', trained.weights, trained.root / 'VOC2012/JPEGImages/e.jpg',
         '--out-dir', tmp_path / 'p', '--tta', '--score-thr', 0)
    [entry] = json.loads(
        (tmp_path / 'p/predictions.json').read_text())['images']
    for one, other in zip(entry['detections'], found[1][0]['detections'],
                          strict=True):
        assert one['label'] == other['label']
        assert one['bbox'] == pytest.approx(other['bbox'], abs=.01)


def test_curves(tool, trained, tmp_path):
    plot = tmp_path / 'plot.png'
    printed = tool('analysis_tools/analyze_logs', trained.work, '--out', plot)
    assert 's per update' in printed
    assert {'det.loss_cls', 'seg.loss_ce', 'det/mAP', 'seg/mIoU'} <= {
        line.split()[0] for line in printed.splitlines() if line}
    assert cv2.imread(str(plot)).shape[1] > 600


def test_speeds(tool, trained):
    short = ('--batches', 2, '--repeats', 2, '--warmup', 1)
    printed = tool('analysis_tools/benchmark', trained.config, '--checkpoint',
                   trained.weights, '--fuse-conv-bn', '--device', 'cpu',
                   *short)
    assert re.search(r'64 x 64 pixels, batches of 1: \d+\.\d+ images/s '
                     r'\(median of 2 x 2 images', printed)
    printed = tool('analysis_tools/benchmark', trained.config, '--task',
                   'dataloader', *short)
    assert re.findall(r'^train (\w+): \d', printed, re.M) == ['det', 'seg']


def test_from_the_command_line():
    done = subprocess.run(
        [sys.executable, ROOT / 'tools/predict.py', 'no.pth', '.'],
        cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1] == (
        'error: Checkpoint no.pth does not exist: check the path.')
    assert 'Traceback' not in done.stderr


def test_errors_by_kind(tool, trained, tmp_path):
    pytest.importorskip(
        'tidecv', reason='tidecv is not installed: pip install -r '
        'requirements/analysis.txt')
    boxes, out = tmp_path / 'boxes.json', tmp_path / 'errors.json'
    tool('test', trained.config, trained.weights, '--work-dir',
         tmp_path / 'w', '--out', boxes)
    # what training logs as its config lies beside the boxes
    (tmp_path / 'toy.py').write_text(trained.config.read_text())
    printed = tool('analysis_tools/tide', boxes, '--out', out, '--plot',
                   tmp_path / 'errors.png')
    assert re.search(r'^predictions \| +AP50 \| +Cls \|', printed, re.M)
    found = json.loads(out.read_text())['boxes']
    assert found['dap'].keys() > {'Cls', 'Miss', 'FP'}
    assert cv2.imread(str(tmp_path / 'errors.png')).shape[1] > 600
    assert tool('analysis_tools/tide', boxes, '--config',
                trained.config).split('\n')[-2] in printed


def test_heat(tool, trained, tmp_path):
    picture = trained.root / 'VOC2012/JPEGImages/e.jpg'
    printed = tool('analysis_tools/grad_cam', picture, '--model',
                   trained.weights, '--title', 'joint', '--layer', 'neck',
                   '--level', 0, '--out', tmp_path)
    assert str(tmp_path / 'e.png') in printed
    assert cv2.imread(str(tmp_path / 'e.png')).shape[1] == 2 * 400 + 8


def test_predicting_from_a_work_folder_goes_on_behind_a_broken_file(
        tool, trained, tmp_path, capsys):
    images = sorted((trained.root / 'VOC2012/JPEGImages').iterdir())
    broken = tmp_path / 'broken.jpg'
    broken.write_bytes(images[0].read_bytes()[:100])
    for options in ((), ('--skip-broken', )):
        out = tmp_path / f'out{len(options)}'
        arguments = ('predict', trained.work, images[0], broken, images[1],
                     '--out-dir', out, *options)
        if options:
            tool(*arguments)
        else:
            with pytest.raises(SystemExit, match='1'):
                tool(*arguments)
        if not options:  # `tool` has read the other
            said = capsys.readouterr().err
            assert '1 left out:\n' in said and str(broken) in said
        assert sorted(p.stem for p in (out / 'overlays').iterdir()) == [
            images[0].stem, images[1].stem]
        assert len(json.loads(
            (out / 'predictions.json').read_text())['images']) == 2


@pytest.mark.parametrize('given, words', [
    ('https://example.org/a.jpg', 'is an address: download it'),
    ('https://example.org/a.mp4', 'is an address: download it'),
    ('gone.jpg', 'gone.jpg does not exist'),
])
def test_inputs_that_are_no_files(tool, trained, tmp_path, given, words):
    image = next((trained.root / 'VOC2012/JPEGImages').iterdir())
    with pytest.raises(DataError, match=words):
        tool('predict', trained.weights, image, given, '--out-dir',
             tmp_path / 'out')
    assert not (tmp_path / 'out').exists()
