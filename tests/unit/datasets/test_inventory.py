import json

import pytest
from mmengine.registry import init_default_scope

from mmmultas.datasets.colours import ColourTable
from mmmultas.datasets.inventory import leaf_configs, take_inventory
from mmmultas.testing import SHAPES, ShapeFolder
from mmmultas.utils.errors import ConfigError

CLASSES = dict(det=SHAPES, seg=('background', *SHAPES))


@pytest.fixture
def kit(tmp_path):
    init_default_scope('mmdet')
    return ShapeFolder(tmp_path, count=3)


def told(inventory):
    return '\n'.join(map(str, inventory.problems))


def folder(kit, **kwargs):
    return dict(
        type='mmmultas.FolderDataset', images=str(kit.root / 'images'),
        classes=CLASSES, **kwargs)


def coco(kit, tasks, **kwargs):
    return dict(
        type='mmmultas.PartialDataset', tasks=tasks,
        dataset=dict(
            type='mmdet.CocoDataset', ann_file=str(kit.root / 'boxes.json'),
            data_prefix=dict(img=str(kit.root / 'images')),
            **{'metainfo': dict(classes=SHAPES), **kwargs}))


def voc(kit, tasks=('det', 'seg'), ids='ids.txt', **kwargs):
    return dict(
        type='mmmultas.VOCDataset', data_root=str(kit.root), tasks=tasks,
        subsets=[dict(root='VOC2012', ids=ids),
                 dict(root='VOC2007', ids='gone.txt')], **kwargs)


def test_voc_goes_on_behind_what_is_missing(devkit):
    init_default_scope('mmdet')
    devkit.path('VOC2007/x')
    devkit.path('VOC2012/Annotations/a.xml').write_text('broken')
    devkit.path('VOC2012/Annotations/b.xml').unlink()
    devkit.path('VOC2012/JPEGImages/c.jpg').unlink()
    found = take_inventory(voc(devkit), 'train_dataloader.det')
    assert [(i.image[-5:], i.tasks) for i in found.items] == [
        ('a.jpg', ('det', 'seg')), ('b.jpg', ('seg', ))]
    text = told(found)
    assert 'b.xml is missing; add the annotation or take its id' in text
    assert 'c.jpg is missing' in text and 'gone.txt' in text
    assert len(found.problems) == 3
    devkit.write('VOC2012/empty.txt', '\n')
    assert 'empty.txt' in told(take_inventory(voc(devkit, ids='empty.txt'),
                                              'x'))
    assert 'no folder' in told(take_inventory(
        dict(voc(devkit), data_root='/nowhere'), 'x'))


def test_withheld_files_are_not_looked_for(devkit):
    init_default_scope('mmdet')
    devkit.path('VOC2012/Annotations/b.xml').unlink()
    found = take_inventory(voc(devkit, ('seg', )), 'x')
    assert 'b.xml' not in told(found)
    assert all(item.xml is None for item in found.items)
    wrapped = dict(type='mmmultas.PartialDataset', tasks='seg',
                   dataset=voc(devkit))
    found = take_inventory(wrapped, 'x')
    assert {item.tasks for item in found.items} == {('seg', )}


def test_folder(kit):
    kit.write_coco()
    kit.write_masks()
    cfg = folder(kit, boxes=str(kit.root / 'boxes.json'),
                 masks=str(kit.root / 'masks'))
    found = take_inventory(cfg, 'x')
    assert not found.problems and len(found.items) == 3
    assert found.items[0].size == (64, 80) and len(found.items[0].boxes) == 2
    (kit.root / 'images/im01.png').unlink()
    (kit.root / 'masks/im02.png').unlink()
    found = take_inventory(cfg, 'x')
    assert 'im01 is asked for' in told(found) and len(found.items) == 1
    assert '1 images' in found.notes[0]
    found = take_inventory(dict(cfg, boxes='/gone.json'), 'x')
    assert 'gone.json' in told(found)


def test_a_wrapped_folder_takes_the_outer_classes(kit):
    kit.write_coco()
    kit.write_colours()
    inner = folder(kit, boxes=str(kit.root / 'boxes.json'),
                   masks=str(kit.root / 'colours'),
                   mask_values=('#000000', '#fa5050', '#50fa50', '#5050fa'))
    merge = dict(circle='shape', square='shape', triangle=None)
    cfg = dict(type='mmmultas.PartialDataset', dataset=inner,
               tasks=('det', 'seg'), label_map=dict(det=merge, seg=merge))
    found = take_inventory(cfg, 'x')
    assert found.rules.classes == dict(
        det=('shape', ), seg=('background', 'shape'))
    assert {b.label for i in found.items for b in i.boxes} == {0}
    assert isinstance(found.items[0].table, ColourTable)
    ids = dict(zip(found.items[0].table.codes, found.items[0].table.ids))
    assert (ids[0xfa5050], ids[0x5050fa], ids[0]) == (1, 255, 0)


def test_coco_of_mmdet_passes_nothing_over(kit):
    path = kit.write_coco()
    assert not take_inventory(coco(kit, 'det'), 'x').problems
    wrong = take_inventory(
        coco(kit, 'det', metainfo=dict(classes=SHAPES[::-1])), 'x')
    assert 'would number them wrongly' in told(wrong)
    some = take_inventory(
        coco(kit, 'det', metainfo=dict(classes=SHAPES[:2])), 'x')
    assert not some.problems and "'triangle' are left out" in some.notes[0]
    content = json.loads(path.read_text())
    content['annotations'][0]['bbox'] = [70, 2, 40, 5]
    content['annotations'][1]['bbox'] = [1, 2, 0, 5]
    path.write_text(json.dumps(content))
    found = take_inventory(coco(kit, 'det'), 'x')
    assert 'leaves its 80×64' in told(found)
    assert 'without width' in told(found) and len(found.problems) == 2


def test_whatever_a_foreign_data_set_trips_over(kit):
    kit.write_coco()
    (kit.root / 'boxes.json').write_text('{')
    found = take_inventory(coco(kit, 'det'), 'train_dataloader.det')
    assert 'boxes.json' in told(found) and not found.items


def test_masks_of_mmseg(kit):
    kit.write_masks()
    cfg = dict(
        type='mmmultas.PartialDataset', tasks='seg',
        dataset=dict(
            type='mmseg.BaseSegDataset', img_suffix='.png',
            metainfo=dict(classes=CLASSES['seg']),
            data_prefix=dict(img_path=str(kit.root / 'images'),
                             seg_map_path=str(kit.root / 'masks'))))
    found = take_inventory(cfg, 'x')
    assert not found.problems and len(found.items) == 3
    assert found.items[0].table[:5].tolist() == [0, 1, 2, 3, 254]


def test_wrappers_are_opened(kit):
    a, b = folder(kit, tasks='det'), coco(kit, 'det')
    nested = dict(type='ConcatDataset', datasets=[
        dict(type='RepeatDataset', times=2, dataset=a), b])
    init_default_scope('mmdet')
    assert list(leaf_configs(nested)) == [a, b]


def test_a_config_that_cannot_be_right_is_an_error(kit):
    with pytest.raises(ConfigError, match='needs `boxes`'):
        take_inventory(folder(kit, tasks='det'), 'x')
    with pytest.raises(KeyError, match='registry'):
        take_inventory(dict(type='mmmultas.FoldrDataset'), 'x')


def test_data_sets_without_files(kit):
    found = take_inventory(dict(type='mmmultas.ToyDataset'), 'x')
    assert not found.items and 'no files' in found.notes[0]
