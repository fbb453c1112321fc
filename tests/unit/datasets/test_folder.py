import json
import warnings

import numpy as np
import pytest
from mmengine.registry import init_default_scope

from mmmultas.datasets.colours import ColourTable
from mmmultas.datasets.folder import FolderDataset, mask_table
from mmmultas.datasets.label_map import LabelSpace
from mmmultas.testing import SHAPES, ShapeFolder
from mmmultas.utils.errors import ConfigError, DataError

CLASSES = dict(det=SHAPES, seg=('background', *SHAPES))
LOAD = [dict(type='mmmultas.LoadImage'), dict(type='mmmultas.LoadLabels'),
        dict(type='mmmultas.PackInputs')]


@pytest.fixture
def kit(tmp_path):
    init_default_scope('mmdet')
    return ShapeFolder(tmp_path, count=4)


def build(kit, tasks, **kwargs):
    kwargs = {'classes': CLASSES, 'pipeline': LOAD, **kwargs}
    return FolderDataset(str(kit.root / 'images'), tasks=tasks, **kwargs)


@pytest.mark.parametrize('write', ['write_coco', 'write_xml'])
def test_boxes_of_both_formats(kit, write):
    data = build(kit, 'det', boxes=str(getattr(kit, write)()))
    assert len(data) == 4 and data.tasks == ('det', )
    sample = data[1]['data_samples']
    inclusive = write == 'write_xml'  # VOC's last pixel, COCO's edge
    expected = [[x1, y1, x2 - inclusive, y2 - inclusive]
                for _, (x1, y1, x2, y2) in kit.boxes['im01']]
    assert sample.gt_instances.bboxes.tolist() == expected
    assert sample.gt_instances.labels.tolist() == [1, 2]
    assert sample.tasks == ('det', ) and 'gt_sem_seg' not in sample


def test_values_and_colours_give_one_mask(kit):
    plain = build(kit, 'seg', masks=str(kit.write_masks()))
    moved = build(
        kit, 'seg', masks=str(kit.write_masks('m', (9, 0, 50, 7), '_m.png')),
        mask_suffix='_m.png', mask_values=(9, 0, (50, 51), 7))
    colours = build(
        kit, 'seg', masks=str(kit.write_colours()),
        mask_values=('#000000', '#fa5050', '#50fa50', '#5050fa'))
    for index in range(4):
        masks = [np.asarray(d[index]['data_samples'].gt_sem_seg.sem_seg)
                 for d in (plain, moved, colours)]
        assert (masks[0][0] == kit.masks[kit.names[index]]).all()
        assert (masks[1] == masks[0]).all() and (masks[2] == masks[0]).all()
    sample = plain[0]['data_samples']
    assert 'gt_instances' not in sample and sample.tasks == ('seg', )


def test_unknown_values_and_colours_are_told_at_loading(kit):
    two = dict(seg=('background', 'circle'))
    for masks, values, words in (
            (kit.write_masks(), None, r'\(2\)'),
            (kit.write_colours(), ('#000000', '#fa5050'), '#50fa50')):
        data = build(kit, 'seg', masks=str(masks), classes=two,
                     mask_values=values)
        with pytest.raises(DataError, match=f'im00.png.*{words}'):
            data[0]


def test_only_images_with_every_label(kit):
    masks = kit.write_masks()
    (masks / 'im01.png').unlink()
    boxes = kit.write_xml()
    (boxes / 'im02.xml').unlink()
    both = build(kit, ('det', 'seg'), boxes=str(boxes), masks=str(masks))
    assert [both.get_data_info(i)['img_id'] for i in range(len(both))] == [
        'im00', 'im03']
    assert len(build(kit, 'det', boxes=str(boxes))) == 3
    assert len(build(kit, 'seg', masks=str(masks))) == 3


def test_images_without_labels(kit):
    data = FolderDataset(
        str(kit.root / 'images'), tasks=(), pipeline=LOAD)
    assert len(data) == 4 and data.tasks == ()
    sample = data[0]['data_samples']
    assert sample.tasks == ()
    assert 'gt_instances' not in sample and 'gt_sem_seg' not in sample


def test_withheld_labels_are_not_looked_at(kit):
    boxes = kit.write_xml()
    (boxes / 'im00.xml').write_text('not xml')
    data = build(kit, 'seg', boxes=str(boxes), masks=str(kit.write_masks()))
    assert len(data) == 4
    data = build(kit, 'det', boxes=str(kit.write_coco()), masks='/nowhere')
    assert len(data) == 4


@pytest.mark.parametrize('change, error, words', [
    (dict(tasks='seg'), ConfigError, 'needs `masks`'),
    (dict(classes=dict(seg=SHAPES)), ConfigError, r'dict\(det=\(…\)\)'),
    (dict(part='test'), ConfigError, "'test'"),
    (dict(classes=dict(det=('circle', 'square'))), DataError, "'triangle'"),
    (dict(boxes='/nowhere'), DataError, 'Cannot read the boxes /nowhere'),
])
def test_mistakes(kit, change, error, words):
    args = dict(tasks='det', boxes=str(kit.write_coco()))
    with pytest.raises(error, match=words):
        build(kit, **{**args, **change})


def test_a_label_without_its_image(kit):
    boxes = kit.write_coco()
    (kit.root / 'images/im02.png').unlink()
    with pytest.raises(DataError, match='images/im02 is asked for by '
                       '.*boxes.json.*no such image .images there are called '
                       'im00, im01, im03.'):
        build(kit, 'det', boxes=str(boxes))
    empty = kit.path('empty/x').parent
    with pytest.raises(DataError, match='no image with labels.*images are '
                       'called im00, im01, im03, labels nothing; names'):
        build(kit, 'seg', masks=str(empty))


def test_boxes_are_cut_at_the_border_and_flat_ones_ignored(kit):
    kit.write_xml()
    kit.one_xml('im00', [('circle', (-5, 1, 200, 20)), ('square',
                                                        (9, 9, 9, 20))])
    info = build(kit, 'det', boxes=str(kit.root / 'xml')).get_data_info(0)
    first, second = info['instances']
    assert first['bbox'] == [0, 0, 80, 19] and not first['ignore_flag']
    assert second['ignore_flag'] == 1


@pytest.mark.parametrize('rule', ['hash', 'count'])
def test_parts_of_one_folder(kit, rule):
    args = dict(boxes=str(kit.write_coco()), val_share=0.5, val_rule=rule)
    parts = {part: {build(kit, 'det', part=part, **args).get_data_info(i)[
        'img_id'] for i in range(len(build(kit, 'det', part=part, **args)))}
        for part in ('train', 'val')}
    assert parts['train'] | parts['val'] == {0, 1, 2, 3}
    assert not parts['train'] & parts['val']
    if rule == 'count':
        assert len(parts['val']) == 2
    with pytest.raises(ConfigError, match="`val_rule` is 'x'; have count"):
        build(kit, 'det', **{**args, 'val_rule': 'x'})


def test_a_list_names_the_images(kit):
    path = kit.path('list.txt')
    path.write_text('im01.png\nim03\nim99\n')
    args = dict(boxes=str(kit.write_xml()), names=str(path))

    def names(part):
        data = build(kit, 'det', part=part, **args)
        return [data.get_data_info(i)['img_id'] for i in range(len(data))]

    assert names(None) == names('val') == ['im01', 'im03']
    assert names('train') == ['im00', 'im02']
    assert build(kit, 'det', part='train', **args).lost_names == (
        str(path), ('im99', ))
    problems = build(kit, 'det', lazy_init=True, **args).scan()[1]
    assert ['im99' in p.reason for p in problems] == [True]
    assert problems[0].severity == 'warning'
    path.write_text('other\n')
    with pytest.raises(DataError, match='list.txt leaves no image.*it names '
                       'other …, the images are called im00, im01'):
        build(kit, 'det', **args)


SPACE = LabelSpace.build(('bg', 'cat', 'dog'), label_map=dict(dog='cat'))


def test_mask_table_of_numbers():
    table = mask_table(SPACE, (1, 2, (3, 4)), (0, 255))
    assert table[:6].tolist() == [255, 0, 1, 1, 1, 254] and table[255] == 255
    assert mask_table(SPACE)[:4].tolist() == [0, 1, 1, 254]
    colours = mask_table(SPACE, ('#000000', '#ff0000', '#00ff00'),
                         ('#ffffff', ))
    assert isinstance(colours, ColourTable)
    assert colours.ids.tolist() == [0, 1, 1, 255]


@pytest.mark.parametrize('values, words', [
    ((0, 1), '2 entries for the 3'),
    ((0, 1, 1), '1 to two'),
    ((0, 1, 300), '0 to 255'),
    ((0, 1, '#ff0000'), 'all of them colours'),
    (('#000000', '#00ff00', 'red'), 'red'),
])
def test_mask_values_that_cannot_be(values, words):
    with warnings.catch_warnings(), pytest.raises(ConfigError, match=words):
        mask_table(SPACE, values)


def test_classes_that_nobody_looked_for(kit):
    """Boxes of them are not read; in masks they are background."""
    first, *others = SHAPES
    asked = dict(det=(first, ), seg=(first, ))
    both = dict(boxes=str(kit.write_coco()), masks=str(kit.write_masks()))
    data = build(kit, ('det', 'seg'), annotated=asked, **both)
    whole = build(kit, ('det', 'seg'), **both)
    for index in range(4):
        sample, full = (d[index]['data_samples'] for d in (data, whole))
        assert sample.metainfo['annotated'] == dict(det=(0, ), seg=(1, ))
        labels = full.gt_instances.labels
        assert len(sample.gt_instances) == int((labels == 0).sum())
        mask = full.gt_sem_seg.sem_seg
        assert (sample.gt_sem_seg.sem_seg == mask * (mask == 1)).all()
        assert 'annotated' not in full.metainfo
    assert len(others) > 1
    # a class without a value of its own in these masks
    values = (0, 1, (), 3)
    table = mask_table(data.spaces['seg'], values)
    assert table[:4].tolist() == [0, 1, 254, 3]


def test_two_detectors_on_the_same_images(tmp_path):
    """Circles in a json, squares and triangles in XMLs."""
    kit = ShapeFolder(tmp_path / 'own', 6)
    kit.write_xml()
    content = json.loads(kit.write_coco().read_text())
    content['annotations'] = [
        a for a in content['annotations'] if a['category_id'] == 1]
    path = kit.write_coco('circles.json', **content)
    data = FolderDataset(
        str(kit.root / 'images'), str(kit.root / 'xml'),
        tasks=('det', 'round'), classes=dict(det=SHAPES[1:]),
        label_map=dict(det=dict(circle=None)),
        labels=dict(round=dict(kind='boxes', root=str(path),
                               classes=SHAPES, label_map=dict(
                                   square=None, triangle=None))),
        pipeline=[dict(type='mmmultas.LoadImage'),
                  dict(type='mmmultas.LoadLabels'),
                  dict(type='mmmultas.PackInputs')])
    assert data.metainfo['round']['classes'] == ('circle', )
    for place, name in enumerate(kit.names):
        sample = data[place]['data_samples']
        assert sample.tasks == ('det', 'round')
        want = dict(det=[], round=[])
        for label, (x1, y1, x2, y2) in kit.boxes[name]:
            end = bool(label)  # the last pixel, in XMLs
            want['det' if label else 'round'].append(
                [x1, y1, x2 - end, y2 - end])
        assert sample.gt_round.bboxes.tolist() == want['round']
        found = sample.gt_instances.bboxes
        assert getattr(found, 'tensor', found).tolist() == want['det']
        assert not sample.gt_round.labels.any()
        assert not sample.metainfo.get('crowds')  # XMLs know of difficult


def test_a_class_of_a_second_detector_that_nobody_named(tmp_path):
    kit = ShapeFolder(tmp_path / 'own', 3)
    path = str(kit.write_coco())
    with pytest.raises(DataError, match='which `labels.cars.classes` does not '
                       'name; add it or drop it with `labels.cars.label_map'):
        FolderDataset(
            str(kit.root / 'images'), tasks='cars', labels=dict(
                cars=dict(kind='boxes', root=path, classes=('van', ))))
