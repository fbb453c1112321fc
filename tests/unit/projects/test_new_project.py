import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmmultas.projects.data_check import check_data
from mmmultas.projects.new_project import (EPOCHS, TEMPLATE, Source,
                                           new_project, project_text)
from mmmultas.registry import DATASETS
from mmmultas.testing import SHAPES, ShapeFolder
from mmmultas.utils.errors import ConfigError


@pytest.fixture
def kits(tmp_path):
    """Boxes and masks; a second kit of each for validation."""
    kits = [ShapeFolder(tmp_path / name, 12, prefix=name, first=first)
            for name, first in (('a', 0), ('b', 20), ('c', 40), ('d', 60))]
    for kit in kits:
        kit.write_coco()
        kit.write_masks(values=(0, 1, 2, 9))
    return kits


def sources(kits, val=()):
    a, b = (str(k.root) for k in kits[:2])
    c, d = (str(k.root) for k in kits[2:])
    det = dict(labels=f'{a}/boxes.json')
    seg = dict(labels=f'{b}/masks', images=f'{b}/images')
    if 'det' in val:
        det['val_labels'] = f'{c}/boxes.json'
    if 'seg' in val:
        seg.update(val_labels=f'{d}/masks', val_images=f'{d}/images')
    return Source(**det), Source(**seg)


def test_the_config_fits_the_data(kits, tmp_path):
    out = str(tmp_path / 'sub/my.py')
    project = new_project(
        *sources(kits), out, ('background', *SHAPES), 'rn18_fpn')
    cfg = Config.fromfile(out)
    assert cfg.model.backbone.depth == 18
    assert cfg.model.heads.det.num_classes == 3
    assert cfg.model.heads.seg.num_classes == 4
    assert cfg.mask_values == (0, 1, 2, 9) and cfg.img_size == 96
    assert cfg.auto_scale_lr.base_batch_size == 2 * cfg.batch_size
    assert cfg.batch_size <= min(project.train.values())
    assert not check_data(cfg).problems
    init_default_scope('mmdet')
    for split, counts in (('train', project.train), ('val', project.val)):
        for task, loader in cfg[f'{split}_dataloader'].items():
            assert len(DATASETS.build(loader.dataset)) == counts[task]
    assert project.train['det'] + project.val['det'] == 12
    text = project_text(project)
    assert f'det    |       {project.train["det"]:2} |' in text
    assert '9          |   triangle' in text and 'see' in text
    assert '--seg-classes' not in text and out in text


@pytest.mark.parametrize('val', [('det', ), ('seg', ), ('det', 'seg')])
def test_validation_of_ones_own(kits, tmp_path, val):
    out = str(tmp_path / 'my.py')
    project = new_project(*sources(kits, val), out)
    assert '--seg-classes' in project_text(project)
    for task in ('det', 'seg'):
        whole = task in val
        assert (project.train[task] == 12) == whole
    report = check_data(Config.fromfile(out))
    assert not report.problems
    assert {s.name.split(',')[0]: len(s.digests) for s in report.streams} == {
        f'{split}/{task}': count
        for split, counts in (('train', project.train), ('val', project.val))
        for task, count in counts.items()}


def test_images_that_both_share_need_one_option(tmp_path):
    kit = ShapeFolder(tmp_path / 'own', 8)
    project = new_project(
        Source(str(kit.write_xml()), str(tmp_path / 'own/images')),
        Source(str(kit.write_masks())), str(tmp_path / 'my.py'))
    assert project.values['seg_images'] == str(tmp_path / 'own/images')
    assert not check_data(Config.fromfile(project.out)).problems


def test_mistakes(kits, tmp_path):
    det, seg = sources(kits, ('seg', ))
    out = tmp_path / 'my.py'
    for name in ('my.txt', str(tmp_path)):
        with pytest.raises(ConfigError, match='no .py file'):
            new_project(det, seg, name)
    with pytest.raises(ConfigError, match='2 classes.*4 values'):
        new_project(det, seg, str(out), ('a', 'b'))
    colours = Source(seg.labels, seg.images,
                     str(kits[3].write_colours()), seg.val_images)
    with pytest.raises(ConfigError, match='write all masks alike'):
        new_project(det, colours, str(out))
    other = Source(seg.labels, seg.images, str(kits[3].write_masks(
        'm', suffix='_m.png')), seg.val_images)
    with pytest.raises(ConfigError, match=r'\*.png and --val-seg \*_m.png'):
        new_project(det, other, str(out))
    lonely = ShapeFolder(tmp_path / 'one', 1)
    with pytest.raises(ConfigError, match='--det has one image alone'):
        new_project(Source(str(lonely.write_coco())), seg, str(out))
    assert not out.exists()


def test_the_length_is_that_of_the_template():
    assert Config.fromfile(TEMPLATE).train_cfg.max_epochs == EPOCHS
