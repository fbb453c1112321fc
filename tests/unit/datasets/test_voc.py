import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config

from mmmultas.datasets.label_map import VOC_CLASSES
from mmmultas.datasets.splits import VOCLists, partial_parts
from mmmultas.datasets.voc import VOCDataset
from mmmultas.registry import DATASETS
from mmmultas.utils.errors import ConfigError, DataError


def voc(devkit, tasks=('det', 'seg'), subsets=None, **kwargs):
    return DATASETS.build(
        dict(
            type='mmmultas.VOCDataset',
            data_root=str(devkit.root),
            subsets=subsets or [dict(root='VOC2012', ids='ids.txt')],
            tasks=tasks,
            **kwargs))


def test_record_of_both_labels(devkit):
    data = voc(devkit)
    assert isinstance(data, VOCDataset) and len(data) == 3
    info = data.get_data_info(0)
    assert info['instances'] == [
        dict(bbox=[10., 5., 40., 30.], bbox_label=7, ignore_flag=0),
        dict(bbox=[44., 5., 54., 15.], bbox_label=11, ignore_flag=0)
    ]
    assert info['tasks'] == data.tasks == ('det', 'seg')
    assert (info['height'], info['width']) == (40, 60)
    assert info['img_id'] == 'a' and info['img_path'].endswith('a.jpg')
    assert info['seg_map_path'].endswith('SegmentationClass/a.png')
    assert info['seg_lut'][[0, 20, 21, 255]].tolist() == [0, 20, 254, 255]


def test_metainfo_has_the_classes_of_its_tasks(devkit):
    meta = voc(devkit).metainfo
    assert meta['tasks'] == ('det', 'seg')
    assert meta['det']['classes'] == VOC_CLASSES
    assert meta['seg']['classes'] == ('background', *VOC_CLASSES)
    assert meta['seg']['palette'][1] == meta['det']['palette'][0]
    assert 'seg' not in voc(devkit, 'det').metainfo


@pytest.mark.parametrize('task, kept, withheld', [
    ('det', 'instances', 'seg_map_path'),
    ('seg', 'seg_map_path', 'instances'),
])
def test_withheld_labels_are_not_even_read(devkit, task, kept, withheld):
    folder = {'det': 'SegmentationClass', 'seg': 'Annotations'}[task]
    shutil.rmtree(devkit.root / 'VOC2012' / folder)
    info = voc(devkit, task).get_data_info(0)
    assert kept in info and withheld not in info
    assert ('seg_lut' in info) == (task == 'seg')


@pytest.mark.parametrize('test_mode, use_difficult, flag', [
    (False, True, 0),
    (False, False, 1),
    (True, True, 1),
    (True, False, 1),
])
def test_difficult_boxes(devkit, test_mode, use_difficult, flag):
    data = voc(
        devkit, 'det', test_mode=test_mode, use_difficult=use_difficult)
    flags = [i['ignore_flag'] for i in data.get_data_info(0)['instances']]
    assert flags == [0, flag]


def test_images_without_labels(devkit):
    (devkit.root / 'VOC2012/Annotations/a.xml').write_text('broken')
    data = voc(devkit, tasks=())
    assert data.tasks == () and data.metainfo == dict(tasks=())
    info = data.get_data_info(0)
    assert info['tasks'] == () and 'a.jpg' in info['img_path']
    assert not {'instances', 'seg_map_path', 'seg_lut'} & set(info)


def test_several_roots_and_tasks(devkit):
    devkit.add('old', year='VOC2007')
    data = voc(
        devkit,
        subsets=[
            dict(root='VOC2007', ids=['old'], tasks='seg'),
            dict(root='VOC2012', ids='ids.txt', tasks='det')
        ])
    assert [data.get_data_info(i)['tasks'] for i in (0, 1)] == [('seg', ),
                                                                ('det', )]
    assert data.tasks == () and data.metainfo['tasks'] == ('seg', 'det')
    assert 'VOC2007' in data.get_data_info(0)['seg_map_path']


def test_label_map_merges_renames_and_drops(devkit):
    devkit.xml('a', [('moggy', (1, 1, 9, 9)), ('dog', (1, 1, 9, 9)),
                     ('ufo', (1, 1, 9, 9))])
    merge = {'moggy': 'cat', 'dog': 'cat', 'ufo': None}
    data = voc(
        devkit,
        label_map=dict(det=merge, seg={
            'cat': 'pet',
            'dog': 'pet',
            'cow': None
        }))
    labels = [i['bbox_label'] for i in data.get_data_info(0)['instances']]
    classes = data.metainfo['det']['classes']
    assert labels == [classes.index('cat')] * 2 and len(classes) == 19
    pet = data.metainfo['seg']['classes'].index('pet')
    lut = data.get_data_info(0)['seg_lut']
    assert lut[[8, 12, 10]].tolist() == [pet, pet, 255]


def test_own_classes(devkit):
    data = voc(devkit, 'det', classes=dict(det=('dog', 'cat')))
    labels = [i['bbox_label'] for i in data.get_data_info(0)['instances']]
    assert labels == [1, 0] and len(data.metainfo['det']['palette']) == 2


def test_split_rule_in_the_config(devkit):
    rule = dict(type='fixed', source='ids.txt', num_det=1, num_seg=2)
    parts = [
        voc(devkit,
            task,
            subsets=[dict(root='VOC2012', ids=dict(rule, part=task))])
        for task in ('det', 'seg')
    ]
    ids = [[d.get_data_info(i)['img_id'] for i in range(len(d))]
           for d in parts]
    assert len(ids[0]) == 1 and sorted(ids[0] + ids[1]) == ['a', 'b', 'c']


def test_a_fraction_is_one_number(devkit):
    ids = [f'{n:03}' for n in range(20)]
    for img_id in ids:
        devkit.image(img_id)
        devkit.xml(img_id, [('cat', (11, 6, 41, 31), 0)])
    subsets = [dict(root='VOC2012', ids=ids)]

    def part(fraction, **kwargs):
        return ids_of(voc(devkit, 'det', subsets, fraction=fraction,
                          **kwargs))

    half, quarter = part(0.5), part(0.25)
    assert len(half) == 10 and len(quarter) == 5
    assert quarter < half < set(ids) == part(1)
    assert part(0.5, fraction_seed=1) not in (half, set(ids) - half)
    # the list that make_partial_splits.py writes
    assert half == partial_parts(
        VOCLists(main12=ids), seed=0)['det2']['VOC2012']
    for wrong in (0.0, 0.01, 1.5):
        with pytest.raises(ConfigError, match='`fraction`'):
            part(wrong)


def test_id_list_places(devkit, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'here.txt').write_text('a\n')
    (devkit.root / 'root.txt').write_text('a\nb\n')
    for ids, length in (('here.txt', 1), ('root.txt', 2), ('ids.txt', 3),
                        (str(tmp_path / 'here.txt'), 1)):
        assert len(voc(devkit, subsets=[dict(root='VOC2012', ids=ids)])) == \
            length


def test_indices_and_lazy_init(devkit):
    assert len(voc(devkit, indices=2)) == 2
    data = voc(devkit, subsets=[dict(root='no', ids='no')], lazy_init=True)
    with pytest.raises(DataError, match='no is no folder'):
        data.full_init()


def test_size_comes_from_the_image_if_the_xml_has_none(devkit):
    devkit.write('VOC2012/Annotations/a.xml', '<annotation></annotation>')
    info = voc(devkit, 'det').get_data_info(0)
    assert (info['height'], info['width']) == (40, 60)
    assert info['instances'] == []


def test_flat_boxes_are_ignored(devkit):
    devkit.xml('a', [('cat', (5, 5, 5, 9))])
    info = voc(devkit, 'det').get_data_info(0)
    assert info['instances'][0]['ignore_flag'] == 1


@pytest.mark.parametrize('missing, message', [
    ('', 'VOCdevkit is no folder'),
    ('VOC2012', 'VOC2012 is no folder'),
    ('VOC2012/ids.txt', 'id list ids.txt'),
    ('VOC2012/JPEGImages', 'image folder .*JPEGImages'),
    ('VOC2012/JPEGImages/b.jpg', 'b.jpg is missing; add the image'),
    ('VOC2012/Annotations/b.xml', 'b.xml is missing'),
    ('VOC2012/SegmentationClass/b.png', 'b.png is missing'),
])
def test_missing_files(devkit, missing, message):
    path = devkit.root / missing
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(DataError, match=message):
        voc(devkit)


def test_unknown_class(devkit):
    devkit.xml('b', [('ufo', (1, 1, 9, 9))])
    with pytest.raises(DataError, match="b.xml .* class 'ufo'"):
        voc(devkit)


def test_mask_of_another_size(devkit):
    devkit.mask('c', np.zeros((40, 61)))
    with pytest.raises(DataError, match='c.png is 61×40, its image 60×40'):
        voc(devkit)


@pytest.mark.parametrize('kwargs, message', [
    (dict(tasks='depth'), "'depth'"),
    (dict(subsets=[dict(root='VOC2012', id='x')]), "unknown key 'id'"),
    (dict(subsets=[dict(root='VOC2012')]), 'needs `ids`'),
    (dict(subsets=[dict(ids=dict(type='fixed'))]), '`source`'),
    (dict(label_map=dict(seg='groups5')), "'groups5' is unknown"),
])
def test_config_errors(devkit, kwargs, message):
    with pytest.raises(ConfigError, match=message):
        voc(devkit, **kwargs)


ROOT = Path(__file__).resolve().parents[3]
REAL = Path(os.environ.get('MMMULTAS_DATA', ROOT / '../shared/data'))
CONFIGS = ROOT / 'configs/_base_/datasets'


def ids_of(data):
    return {data.get_data_info(i)['img_id'] for i in range(len(data))}


@pytest.mark.skipif(
    not (REAL / 'VOCdevkit/VOC2012').is_dir(), reason=f'no VOC in {REAL}')
def test_mini_config_on_real_data(monkeypatch):
    monkeypatch.setenv('MMMULTAS_DATA', str(REAL))
    cfg = Config.fromfile(CONFIGS / 'voc_mini.py')
    det, seg, val = (
        DATASETS.build(loader.dataset)
        for loader in (*cfg.train_dataloader.values(),
                       *cfg.val_dataloader.values()))
    assert (det.tasks, seg.tasks) == (('det', ), ('seg', ))
    assert val.tasks == ('det', 'seg')
    ids = [ids_of(data) for data in (det, seg, val)]
    assert [len(i) for i in ids] == [500, 360, 260]
    assert len(set.union(*ids)) == 1120
    sample = val[0]['data_samples']
    assert val[0]['inputs'].shape == (3, 224, 224)
    assert sample.gt_sem_seg.shape == sample.ori_shape != (224, 224)


@pytest.mark.parametrize('name, streams', [
    ('partial', ['det', 'seg']),
    ('full', ['both']),
    ('det', ['det']),
    ('seg', ['seg']),
    ('mini', ['det', 'seg']),
])
def test_configs_agree_with_themselves(name, streams):
    cfg = Config.fromfile(CONFIGS / f'voc_{name}.py')
    loaders = {k: v for k, v in cfg.train_dataloader.items() if v}
    assert list(loaders) == streams
    assert cfg.test_dataloader == cfg.val_dataloader
    assert cfg.test_evaluator == cfg.val_evaluator
    tasks = {t for v in loaders.values() for t in v.dataset.tasks}
    assert tasks == {k for k, v in cfg.val_evaluator.items() if v}
    assert tasks == set(cfg.val_dataloader.val.dataset.tasks)
    for loader in loaders.values():
        sizes = [t.size for t in loader.dataset.pipeline if 'size' in t]
        assert sizes == [cfg.img_size] * 2


def test_classes_that_nobody_looked_for(devkit):
    data = voc(devkit, annotated=dict(det=('dog', ), seg=('cat', 'dog')))
    info = data.get_data_info(0)
    assert [x['bbox_label'] for x in info['instances']] == [11]
    assert info['annotated'] == dict(det=(11, ), seg=(8, 12))
    assert info['seg_lut'][[0, 8, 12, 20, 255]].tolist() == [0, 8, 12, 0, 255]
    only = voc(devkit, tasks=('det', ), annotated=dict(det=('dog', )))
    assert only.get_data_info(0)['annotated'] == dict(det=(11, ))


def test_masks_that_a_tool_made_elsewhere(devkit, tmp_path, monkeypatch):
    made = tmp_path / 'here/made'
    shutil.copytree(devkit.root / 'VOC2012/SegmentationClass', made)
    monkeypatch.chdir(made.parent)
    subsets = [dict(root='VOC2012', ids='ids.txt', masks='made')]
    info = voc(devkit, 'seg', subsets).get_data_info(0)
    assert info['seg_map_path'] == str(made / 'a.png')
    # a folder of this name below the root comes first
    (devkit.root / 'VOC2012/made').mkdir()
    with pytest.raises(DataError, match='VOC2012/made'):
        voc(devkit, 'seg', subsets)
    subsets[0]['masks'] = 'no/made'
    with pytest.raises(DataError, match='no/made are neither below .*VOC2012 '
                       'nor in the working directory: .*make them'):
        voc(devkit, 'seg', subsets)
