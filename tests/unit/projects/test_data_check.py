import json
import shutil

import cv2
import numpy as np
import pytest

from mmmultas.projects.data_check import check_data
from mmmultas.projects.data_report import report_json, report_text
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


def of_rooms(root, tasks=('depth', 'normals', 'parts'), **kwargs):
    labels = dict(
        depth=dict(root=f'{root}/depth', scale=.001, unit='m'),
        normals=dict(root=f'{root}/normals'),
        parts=dict(kind='classes', root=f'{root}/parts',
                   classes=('arm', 'leg', 'head')))
    return dict(train_dataloader=dict(all=dict(dataset=dict(
        type='mmmultas.FolderDataset', images=f'{root}/images', tasks=tasks,
        labels=labels, **kwargs))))


def test_every_kind_is_counted(rooms):
    report = check_data(of_rooms(rooms))
    [problem] = report.problems
    assert 'no pixel of 1 of 3 classes (head)' in str(problem)
    [stream] = report.streams
    assert stream.maps['depth'].low >= .9 and stream.maps['depth'].high < 5
    assert stream.maps['normals'].known == 6 * 80
    assert stream.by_class['parts'][0, :2].tolist() == [6 * 72, 6 * 8]
    assert stream.by_class['parts'][1, :2].tolist() == [6, 6]


def test_what_is_wrong_with_maps_is_said_of_each_file(rooms):
    cv2.imwrite(f'{rooms}/depth/0.png', np.ones((8, 10), np.uint8))
    cv2.imwrite(f'{rooms}/depth/1.png', np.zeros((8, 10), np.uint16))
    cv2.imwrite(f'{rooms}/depth/2.png', np.ones((4, 5), np.uint16))
    np.save(f'{rooms}/normals/3.npy', np.full((8, 10, 3), .2))
    (rooms / 'normals/4.npy').unlink()
    cv2.imwrite(f'{rooms}/parts/5.png', np.full((8, 10), 7, np.uint8))
    text = '\n'.join(map(str, check_data(of_rooms(rooms)).problems))
    for said in (
            'depth/0.png has 8 bits, 256 steps of depth; save it as a 16-bit',
            "depth/1.png has no valid pixel of 'depth': nothing is learnt",
            'depth/2.png is 5×4, its image 10×8 pixels',
            'normals/3.npy holds vectors of length 0.35, not 1',
            'normals has no label of 1 images that have another one (4), '
            'which are left out; add them, or give each task a stream',
            'parts/5.png holds values outside the label set (7)'):
        assert said in text
    assert len(text.split('\n')) == 7  # and that no pixel is a head


def test_what_a_regime_hides_is_not_looked_at(rooms):
    lines = ['0 depth', *(f'{i} parts' for i in range(1, 6))]
    (rooms / 'kept.txt').write_text('\n'.join(lines))
    for name in '12345':
        (rooms / f'depth/{name}.png').write_bytes(b'broken')
    cfg = of_rooms(rooms, regime=dict(file=str(rooms / 'kept.txt')))
    report = check_data(cfg)
    assert 'depth/' not in ' '.join(map(str, report.problems))
    assert report.streams[0].maps['depth'].files == 1


def test_arrays_of_mtan_are_looked_at(rooms):
    for folder in ('image', 'depth', 'normal'):
        (rooms / f'train/{folder}').mkdir(parents=True)
    np.save(rooms / 'train/image/0.npy', np.ones((8, 10, 3)))
    np.save(rooms / 'train/depth/0.npy', np.zeros((8, 10, 1)))
    np.save(rooms / 'train/normal/0.npy', np.ones((8, 10, 3)))
    [lost, wrong, empty] = check_data(dict(train_dataloader=dict(x=dict(
        dataset=dict(type='mmmultas.MTANDataset', data_root=str(rooms),
                     part='train', tasks=('depth', 'normals')))))).problems
    assert 'train/depth/0.npy has no valid pixel' in str(lost)
    assert 'vectors of length 1.73' in str(wrong)
    assert "no valid pixel of 'depth' at all" in str(empty)


def test_boxes_of_a_second_detector_are_looked_at(tmp_path):
    kit = ShapeFolder(tmp_path / 'own', 6)
    content = json.loads(kit.write_coco().read_text())
    content['annotations'][0]['bbox'] = [500, 500, 9, 9]
    (kit.root / 'boxes.json').write_text(json.dumps(content))
    kit.write_xml()
    labels = dict(
        wrong=dict(kind='boxes', root=str(kit.root / 'boxes.json'),
                   classes=(*SHAPES, 'star')),
        other=dict(kind='boxes', root=str(kit.root / 'xml'),
                   classes=SHAPES[:2], label_map=dict(triangle=None)))
    report = check_data(dict(train_dataloader=dict(x=dict(dataset=dict(
        type='mmmultas.FolderDataset', images=str(kit.root / 'images'),
        tasks=('wrong', 'other'), labels=labels)))))
    [outside, rare] = report.problems
    assert 'wholly outside its 80×64 pixels' in str(outside)
    assert 'train/x (wrong)' in str(rare) and '(star)' in str(rare)
    [stream] = report.streams
    count = [label for boxes in kit.boxes.values() for label, _ in boxes]
    assert stream.detectors['other'].boxes_of('square') == count.count(1)
    assert stream.detectors['wrong'].boxes_of('triangle') == count.count(2)
    text = report_text(report, everything=True)
    assert '  boxes of other: ' in text and 'other:\nclass' in text
    assert list(report_json(report)['streams'][0]['boxes_of_other']) == list(
        SHAPES[:2])


def test_names_of_a_list_that_no_stream_has(config, tmp_path):
    """A list may be of boxes and masks: what one stream has is fine."""
    kit = config['kit']
    path = tmp_path / 'val.txt'
    path.write_text('im01.png\nim02\nno\n')
    (kit.root / 'masks/im02.png').unlink()
    for loaders in (config['train_dataloader'], config['val_dataloader']):
        for stream in filter(None, loaders.values()):
            stream['dataset']['names'] = str(path)
    problem, = check_data(config).problems
    assert str(problem).startswith(
        f'{path} names 1 image that no stream has (no); mend the name')
