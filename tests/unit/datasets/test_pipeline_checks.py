from types import SimpleNamespace

import pytest
from mmdet.datasets.transforms import PackDetInputs, RandomAffine, RandomShift
from mmengine.dataset import ClassBalancedDataset
from mmengine.registry import DefaultScope

from mmmultas.datasets.partial import PartialDataset
from mmmultas.datasets.pipeline_checks import (BalancedByBoxes,
                                               blind_to_the_view,
                                               check_dataset,
                                               makes_second_view,
                                               moves_the_teacher, parts_of,
                                               refuse_balancing_by, size_of)
from mmmultas.datasets.seeding import SeededDataset
from mmmultas.engine.streams import Stream
from mmmultas.registry import DATASETS, TRANSFORMS
from mmmultas.utils.errors import ConfigError

KEY = 'train_dataloader.x.dataset'


class Data(BalancedByBoxes):
    """Records of three images; whoever asks gets the labels of ``tasks``."""

    def __init__(self, tasks, pipeline=(), labels=((0, 0), (1, ), ())):
        self.metainfo = dict(
            tasks=tasks, **{t: dict(classes=('a', 'b')) for t in tasks})
        self.pipeline = list(pipeline)
        self.labels = labels

    def full_init(self):
        pass

    def get_data_info(self, idx):
        boxes = [dict(bbox=[0, 0, 1, 1], bbox_label=k, ignore_flag=0)
                 for k in self.labels[idx]]
        record = dict(img_path=f'{idx}.jpg', tasks=self.metainfo['tasks'])
        return dict(record, instances=boxes) if 'det' in record['tasks'] \
            else record

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, idx):
        return self.get_data_info(idx)


def refuse(dataset, *words):
    with pytest.raises(ConfigError) as error:
        check_dataset(dataset, KEY)
    for word in (f'`{KEY}`', *words):
        assert word in str(error.value)


@pytest.mark.parametrize('transform', [RandomAffine(), RandomShift()])
def test_transforms_that_lose_the_mask(transform):
    check_dataset(Data(('det', ), [transform]), KEY)
    refuse(Data(('det', 'seg'), [transform]), type(transform).__name__,
           'moves the image and not its masks', 'mmmultas.CropExpand')


def test_transforms_that_lose_boxes():
    from mmseg.datasets.transforms import RandomRotate
    turn = RandomRotate(prob=1., degree=9)
    check_dataset(Data(('seg', ), [turn]), KEY)
    refuse(Data(('det', ), [turn]), 'not its boxes', "without 'det'")


def test_masks_are_not_resized_alone():
    from mmdet.datasets.transforms import SegRescale
    refuse(Data(('seg', ), [SegRescale(.5)]), 'leave it out')


def test_found_inside_others():
    with DefaultScope.overwrite_default_scope('mmdet'):
        from mmcv.transforms import RandomApply, RandomChoice
        shift = dict(type='RandomShift')
        for outer in (RandomApply([shift]), RandomChoice([[shift]])):
            refuse(Data(('seg', ), [outer]), 'RandomShift')


def test_caches_are_refused_whatever_the_labels_are():
    from mmdet.datasets.transforms import CachedMixUp, CachedMosaic
    for kind in (CachedMosaic, CachedMixUp):
        name = kind.__name__.removeprefix('Cached')
        refuse(Data(('det', ), [kind((32, 32))]), 'resumed run',
               f'mmdet.{name} in an mmdet.MultiImageMixDataset')


def test_packers_keep_the_tasks():
    refuse(Data(('det', ), [PackDetInputs()]), 'PackDetInputs', 'meta_keys',
           'mmmultas.PackInputs')
    keeping = PackDetInputs(meta_keys=('img_path', 'tasks'))
    check_dataset(Data(('det', ), [keeping]), KEY)


@DATASETS.register_module()
class WithoutTasks(Data):
    """Packs samples by hand and forgets what they carry."""

    def __init__(self):
        super().__init__(('det', ))

    def __getitem__(self, idx):
        from mmdet.structures import DetDataSample
        return dict(inputs=None, data_samples=DetDataSample())


def test_samples_that_do_not_say_their_tasks():
    dataset = SeededDataset(dict(type='mmmultas.WithoutTasks'), key=KEY)
    with pytest.raises(ConfigError, match='do not say what they are annot'):
        dataset[0]


@pytest.mark.parametrize('scope', ['mmengine', 'mmdet'])
def test_joined_data_sets_of_other_labels(scope):
    DATASETS.register_module(name='Records', module=Data, force=True)
    parts = [dict(type='mmmultas.Records', tasks=(task, ))
             for task in ('det', 'seg')]
    cfg = dict(dataset=dict(type=f'{scope}.ConcatDataset', datasets=parts,
                            lazy_init=True), batch_size=1)
    with pytest.raises(ConfigError, match='a stream of its own'):
        Stream('x', cfg, 0)
    if scope == 'mmengine':
        cfg['dataset']['ignore_keys'] = ['tasks', 'det', 'seg']
        with pytest.raises(ConfigError, match=r"\('det',\) and \('seg',\)"):
            Stream('x', cfg, 0)


def test_balancing_by_class():
    rare = [(0, )] * 8 + [(1, )] + [()]
    data = Data(('det', ), labels=rare)
    assert [data.get_cat_ids(i) for i in (0, 8, 9)] == [[0], [1], [-1]]
    balanced = ClassBalancedDataset.__new__(ClassBalancedDataset)
    balanced.dataset, balanced.oversample_thr = data, .5
    assert balanced._get_repeat_factors(data, .5)[8] == pytest.approx(5**.5)


def test_balancing_never_reads_withheld_boxes():
    with pytest.raises(ConfigError, match="withholds 'det'"):
        Data(('seg', )).get_cat_ids(0)
    inner = Data(('det', 'seg'))
    balanced = ClassBalancedDataset.__new__(ClassBalancedDataset)
    balanced.dataset, balanced.oversample_thr = inner, .5
    balanced._metainfo = inner.metainfo
    with pytest.raises(ConfigError, match='withholds'):
        PartialDataset(balanced, ('seg', ))
    refuse_balancing_by(balanced, ('det', ))


def test_parts_are_met_once():
    shared = RandomShift()
    data = Data(('det', ), [shared, dict(a=shared)])
    assert [type(part).__name__ for part in parts_of(data)] == [
        'Data', 'RandomShift']


def test_evaluation_may_resize_before_labels_are_loaded():
    from mmcv.transforms import Resize

    from mmmultas.datasets.transforms import LoadImage, LoadLabels
    data = Data(('det', ), [LoadImage(), Resize(scale=(64, 64)),
                            LoadLabels()])
    check_dataset(data, 'val_dataloader.x.dataset')
    refuse(data, 'before its labels are loaded')
    data.pipeline.reverse()
    with pytest.raises(ConfigError, match='not its boxes'):
        check_dataset(data, 'test_dataloader.x.dataset')


def test_training_moves_image_and_labels_together():
    from mmmultas.datasets.transforms import (LoadImage, LoadLabels,
                                              PhotometricJitter, Squash)
    for step, fine in ((Squash(32), False), (PhotometricJitter(), True)):
        data = Data(('det', 'seg'), [LoadImage(), step, LoadLabels()])
        if fine:
            check_dataset(data, KEY)
        else:
            refuse(data, 'Squash', 'LoadLabels', 'right behind LoadImage')
        check_dataset(data, 'val_dataloader.x.dataset')


@pytest.mark.parametrize('steps, kind', [
    ([], None),
    ([dict(type='mmdet.Resize', scale=(8, 8)),
      dict(type='mmmultas.CropExpand'), dict(type='mmmultas.Squash', size=8)],
     None),
    ([dict(type='mmmultas.CropExpand'),
      dict(type='mmdet.Resize', scale=(8, 8))], 'Resize'),
    ([dict(type='mmdet.Expand')], 'Expand'),
    ([dict(type='mmdet.RandomCrop', crop_size=(8, 8))], None),
    ([dict(type='mmcv.RandomApply', transforms=[dict(
        type='mmdet.RandomAffine')])], 'RandomAffine'),
])
def test_transforms_that_do_not_say_what_is_in_view(steps, kind):
    built = [TRANSFORMS.build(step) for step in steps]
    assert blind_to_the_view(SimpleNamespace(pipeline=built)) == kind


FLIP, KEEP = dict(type='mmmultas.RandomFlip'), dict(
    type='mmmultas.KeepTeacherView')


def _own_view(*steps):
    return dict(type='mmmultas.TeacherView',
                transforms=[*steps, dict(type='mmmultas.Squash', size=32)])


@pytest.mark.parametrize('steps, kind', [
    ([FLIP], None), ([FLIP, KEEP], None), ([KEEP, FLIP], 'RandomFlip'),
    ([KEEP, dict(type='mmmultas.Squash', size=32)], None),
    ([KEEP, dict(type='mmdet.RandomFlip', prob=.5)], 'RandomFlip'),
    ([_own_view()], None), ([_own_view(FLIP)], 'RandomFlip'),
    ([_own_view(), dict(type='mmmultas.CropExpand')], 'CropExpand'),
])
def test_views_of_a_teacher_at_another_place(steps, kind):
    data = Data(('seg', ), [TRANSFORMS.build(step) for step in steps])
    assert moves_the_teacher(data) == kind
    assert SeededDataset(data).moves_teacher == kind


def test_second_views_and_sizes():
    squash = TRANSFORMS.build(dict(type='mmmultas.Squash', size=(64, 96)))
    zoom = dict(type='mmmultas.ZoomCrop')
    view = TRANSFORMS.build(dict(type='mmmultas.SecondView',
                                 transforms=[zoom]))
    crop = TRANSFORMS.build(dict(type='mmmultas.CropExpand'))
    one = Data(('seg', ), [crop, squash, TRANSFORMS.build(zoom), view])
    assert makes_second_view(one) and size_of(one) == (64, 96)
    assert not makes_second_view(Data(('seg', ), [squash]))
    # what moves it later says nothing
    assert size_of(Data(('seg', ), [squash, crop])) is None
    assert size_of(Data(('seg', ))) is None
    with DefaultScope.overwrite_default_scope('mmdet'):
        seeded = SeededDataset(one, KEY)
    assert seeded.has_second_view and seeded.final_size == (64, 96)
    for step in (squash, crop):
        refuse(Data(('seg', ), [view, step]), type(step).__name__,
               'place it before SecondView')
    outer = Data(('seg', ), [crop])
    outer.dataset = one
    refuse(outer, 'CropExpand', 'behind SecondView')
