import shutil

import pytest

from mmmultas.projects.data_check import check_data
from mmmultas.datasets.hold_out import held_out
from mmmultas.testing import SHAPES, Devkit, ShapeFolder, toy_config
from mmmultas.utils.errors import ConfigError

CLASSES = dict(det=SHAPES, seg=('background', *SHAPES))


def folder(kit, tasks, **kwargs):
    return dict(
        dataset=dict(
            type='mmmultas.FolderDataset', images=str(kit.root / 'images'),
            boxes=str(kit.root / 'boxes.json'),
            masks=str(kit.root / 'masks'), classes=CLASSES, tasks=tasks,
            **kwargs))


@pytest.fixture
def config(tmp_path):
    """Boxes and masks, each with a part held out."""
    kit = ShapeFolder(tmp_path / 'own', count=12)
    kit.write_coco()
    kit.write_masks()
    val = dict(det=folder(kit, 'det', part='val'),
               seg=folder(kit, 'seg', part='val'))
    return dict(
        kit=kit,
        train_dataloader=dict(det=folder(kit, 'det', part='train'),
                              seg=folder(kit, 'seg', part='train'),
                              off=None),
        val_dataloader=val,
        test_dataloader=val)


@pytest.mark.parametrize('workers', [0, 2])
def test_sound_data(config, workers):
    report = check_data(config, workers)
    assert not report.problems
    assert [s.name for s in report.streams] == [
        'train/det', 'train/seg', 'val/det, test/det', 'val/seg, test/seg']
    det, seg, *val = report.streams
    kit = config['kit']
    used = [n for n in kit.names if any(n + '.png' in f for f in det.digests)]
    expected = [SHAPES[label] for n in used for label, _ in kit.boxes[n]]
    for name in SHAPES:
        assert det.boxes[name, 'small'] == expected.count(name)
    assert seg.pixels[:4].sum() == seg.pixels.sum() == 64 * 80 * len(
        seg.digests)
    assert seg.masked[0] == seg.labelled['seg'] == len(seg.digests)
    assert det.sizes == {(64, 80): len(det.digests)}
    assert len(det.digests) + len(val[0].digests) == 12
    assert not seg.boxes and not det.pixels.any()


def test_everything_is_found_in_one_pass(config):
    kit = config['kit']
    train = config['train_dataloader']
    names = [n for n in kit.names if n not in held_out_names(config)]
    first, second, third = names[:3]
    image = kit.root / f'images/{first}.png'
    image.write_bytes(image.read_bytes()[:300])
    (kit.root / f'masks/{second}.png').write_bytes(b'nothing')
    shutil.copy(kit.root / 'images' / f'{third}.png',
                kit.root / 'images' / f'{held_out_names(config)[0]}.png')
    train['more'] = folder(kit, 'det')
    text = '\n'.join(map(str, check_data(config, 2).problems))
    assert f'{first}.png is truncated' in text
    assert f'{second}.png is no mask' in text
    assert f'{third}.png of train/' in text  # alike under another name
    for name in held_out_names(config):
        assert f'{name}.png of train/more shows the same photograph' in text
    assert '`val_list`' in text  # there are no lists that one could mend


def held_out_names(config):
    return held_out(config['kit'].names, 'val')


def test_twins_of_voc_are_one_photograph(tmp_path):
    devkit = Devkit(tmp_path)
    devkit.add('000005', year='VOC2007')
    devkit.add('2007_000005')

    def stream(year, img_id, tasks):
        return dict(dataset=dict(
            type='mmmultas.VOCDataset', data_root=str(devkit.root),
            subsets=[dict(root=year, ids=[img_id])], tasks=tasks))

    report = check_data(dict(
        train_dataloader=dict(det=stream('VOC2007', '000005', 'det')),
        val_dataloader=dict(val=stream('VOC2012', '2007_000005', 'seg'))))
    [problem] = [p for p in report.problems if p.kind == 'overlap']
    assert 'VOC2007' in problem.file and '2007_000005' in problem.reason
    assert 'folders or lists' in problem.mend


def test_configs_that_cannot_be_checked(tmp_path):
    with pytest.raises(ConfigError, match='nothing to check'):
        check_data(dict(model={}))
    with pytest.raises(ConfigError, match='det` lacks `dataset`'):
        check_data(dict(train_dataloader=dict(det=dict(batch_size=2))))
    with pytest.raises(ConfigError, match='dict of streams'):
        check_data(dict(val_dataloader=dict(dataset={})))
    report = check_data(toy_config(str(tmp_path)))
    assert not report.problems and 'no files' in report.streams[0].notes[0]


def test_the_size_at_the_input_is_that_of_the_pipeline(config):
    train = config['train_dataloader']
    train['det']['dataset']['pipeline'] = [
        dict(type='mmmultas.LoadImage'), dict(type='mmmultas.LoadLabels'),
        dict(type='mmmultas.Squash', size=99),
        dict(type='mmmultas.Squash', size=(32, 64))]
    det, seg, *_ = check_data(config).streams
    assert det.input_size == (32, 64) and seg.input_size is None
    assert det.by_rule


def test_difficult_boxes_are_learnt_and_not_judged(tmp_path):
    kit = ShapeFolder(tmp_path, 4)
    kit.write_xml()
    for path in (tmp_path / 'xml').glob('*.xml'):
        path.write_text(path.read_text().replace(
            '<bndbox>', '<difficult>1</difficult><bndbox>'))

    def nothing(**kwargs):
        stream = folder(kit, 'det', **kwargs)
        stream['dataset']['boxes'] = str(tmp_path / 'xml')
        report = check_data(dict(train_dataloader=dict(det=stream)))
        return [p for p in report.problems if p.kind == 'nothing']

    assert not nothing()
    assert nothing(use_difficult=False) and nothing(test_mode=True)
