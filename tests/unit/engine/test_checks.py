from pathlib import Path
from types import SimpleNamespace

import pytest
from mmengine.registry import init_default_scope

from mmmultas.engine.checks import (check_classes, check_distillation,
                                    check_files, check_labels, check_overlap,
                                    check_run, check_same_classes, check_size,
                                    check_taught, check_view)
from mmmultas.engine.streams import StreamSet
from mmmultas.engine.train_loop import MultiTaskTrainLoop
from mmmultas.engine.val_loop import MultiTaskValLoop
from mmmultas.registry import MODELS
from mmmultas.testing import (SHAPES, ShapeFolder, ToyDataset, toy_config,
                              toy_distillation, toy_model)
from mmmultas.utils.errors import ConfigError, DataError
from mmmultas.utils.launch import build_runner


@pytest.mark.parametrize('count', [2, 4])
def test_heads_and_data_agree(count):
    cfg = toy_model()
    check_classes(MODELS.build(cfg), ToyDataset().metainfo)
    cfg['heads']['seg']['num_classes'] = count
    with pytest.raises(ConfigError, match=f'heads.seg.num_classes` is {count}'
                       '.*3 classes.*background'):
        check_classes(MODELS.build(cfg), ToyDataset().metainfo)


def test_runs_ask_before_the_first_update(tmp_path):
    cfg = toy_config(tmp_path)
    cfg.model.heads.det.num_classes = 5
    for start in ('train', 'val'):
        with pytest.raises(ConfigError, match='heads.det.num_classes'):
            getattr(build_runner(cfg), start)()


def test_training_and_validation_name_the_same_classes():
    train = dict(tasks=('det', ), det=dict(classes=('cat', 'dog')))
    check_same_classes(train, train)
    check_same_classes(train, dict(tasks=()))
    for other, words in ((('dog', 'cat'), "'cat' and 'dog'"),
                         (('cat', ), '2 and 1 of them')):
        with pytest.raises(ConfigError, match=f"for 'det' .{words}"):
            check_same_classes(train, dict(det=dict(classes=other)))


def test_files_are_asked_for(tmp_path):
    (tmp_path / 'a').touch()
    paths = [str(tmp_path / n) for n in ('a', 'b')] + ['/nowhere/c']
    check_files('x', paths[:1])
    with pytest.raises(DataError, match=r'b of `x` is missing \(and 1 more'):
        check_files('x', paths)


def test_overlap_counts_twins():
    check_overlap(dict(det=['a/1.jpg']), dict(val=['b/1.jpg']))
    with pytest.raises(ConfigError, match='1 images of `det` are in `val` too '
                       '.d/VOC2007.*as.*allow_overlap=True'):
        check_overlap(
            dict(seg=[], det=['d/VOC2007/JPEGImages/000005.jpg']),
            dict(val=['d/VOC2012/JPEGImages/2007_000005.jpg']))


@pytest.fixture
def own(tmp_path):
    """A run on files: boxes and masks of shapes, a part held out."""
    kit = ShapeFolder(tmp_path / 'own', count=12)
    classes = dict(det=SHAPES[:2], seg=('background', *SHAPES[:2]))
    drop = {'triangle': None}
    cfg = toy_config(tmp_path / 'work', epochs=1)
    load, labels, pack = (dict(type=f'mmmultas.{name}') for name in (
        'LoadImage', 'LoadLabels', 'PackInputs'))
    squash = dict(type='mmmultas.Squash', size=64)
    pipelines = dict(train=[load, labels, squash, pack],
                     val=[load, squash, labels, pack])

    def dataset(tasks, part):
        return dict(
            type='mmmultas.FolderDataset', images=str(kit.root / 'images'),
            boxes=str(kit.write_coco()), tasks=tasks, part=part,
            masks=str(kit.write_masks(values=(0, 1, 2, 255))),
            classes=classes, label_map=dict(det=drop),
            pipeline=pipelines[part])

    for task, stream in cfg.train_dataloader.items():
        stream.dataset = dataset((task, ), 'train')
    cfg.val_dataloader.val.dataset = dataset(('det', 'seg'), 'val')
    return cfg


def loops(cfg):
    """What a run has of loops, without a runner's slow start."""
    init_default_scope('mmdet')
    runner = SimpleNamespace(
        seed=0,
        model=MODELS.build(cfg.model),
        optim_wrapper=None,
        train_loop=SimpleNamespace(
            max_epochs=1,
            dataloader=StreamSet(cfg.train_dataloader, seed=0)))
    runner.val_loop = MultiTaskValLoop(runner, cfg.val_dataloader,
                                       cfg.val_evaluator)
    return runner


def test_a_sound_run_is_quiet_until_a_mask_vanishes(own, capfd):
    run = loops(own)
    capfd.readouterr()
    check_run(run)
    assert capfd.readouterr() == ('', '')
    records = run.train_loop.dataloader.streams['seg'].dataset
    Path(records.get_data_info(0)['seg_map_path']).unlink()
    with pytest.raises(DataError, match='masks/.* of `train_dataloader.seg`'):
        check_run(run)


def test_names_that_no_stream_has_are_said(own, tmp_path, monkeypatch):
    path = tmp_path / 'val.txt'
    path.write_text('im00.png\nim03\nno1\nno2\n')
    for loaders in (own.train_dataloader, own.val_dataloader):
        for stream in loaders.values():
            stream.dataset.names = str(path)
    said = []
    monkeypatch.setattr('mmmultas.engine.checks.print_log',
                        lambda text, *_: said.append(text))
    check_run(loops(own))
    line, = said
    assert line.startswith(
        f'{path} names 2 images that no stream has (no1, no2); mend')


def test_overlap_stops_a_run_unless_it_is_meant(own):
    own.val_dataloader.val.dataset.part = 'train'
    with pytest.raises(ConfigError, match='`train_dataloader.det` are in '
                       '`val_dataloader.val` too.*allow_overlap'):
        build_runner(own).train()
    run = loops(own)
    loop = MultiTaskTrainLoop(run, own.train_dataloader, 1,
                              allow_overlap=True)
    assert loop.allow_overlap and not MultiTaskTrainLoop(
        run, own.train_dataloader, 1).allow_overlap
    check_run(run, allow_overlap=True)


def test_no_file_is_opened_by_the_cheap_checks(tmp_path, monkeypatch):
    """They ask the file system for names alone, however many there are."""
    names = [str(tmp_path / f'{i:03d}.jpg') for i in range(20)]
    for name in names:
        Path(name).touch()
    monkeypatch.setattr('builtins.open', None)
    monkeypatch.setattr('os.open', None)
    check_files('x', names)
    check_overlap(dict(det=names[:9], seg=names[9:18]), dict(val=names[18:]))


def test_a_stream_that_nobody_speaks_about(tmp_path):
    plain = MODELS.build(toy_model())
    metas = dict(det=dict(tasks=('det', )), more=dict(tasks=()))
    with pytest.raises(ConfigError, match='train_dataloader.more. carry no'):
        check_labels(plain, metas)
    check_labels(plain, dict(det=metas['det']))
    check_labels(MODELS.build(toy_distillation(tmp_path)), metas)


def test_teachers_that_nobody_hears():
    """Only a model that distils is asked, by all that its images carry."""
    asked = []

    def mute(carried):
        asked.append(carried)
        return {'model.x.loss_mse': 'mend it.'}

    check_distillation(object(), {('det', )})
    unread = iter([('det', )])
    check_distillation(object(), unread)
    assert next(unread) == ('det', )  # a pass over all records
    with pytest.raises(ConfigError, match='model.x.loss_mse` is .*: mend it'):
        check_distillation(
            SimpleNamespace(mute_losses=mute, has_company=True), {('seg', )})
    assert asked == [{('seg', )}]


def test_what_images_carry_is_read_from_their_records(own):
    """Of a stream of parts, that of each image."""
    run = loops(own)
    seen = []
    run.model = SimpleNamespace(
        has_company=True, tasks=run.model.tasks, heads=run.model.heads,
        mute_losses=lambda carried: seen.append(carried) or {})
    check_run(run)
    assert seen == [{('det', ), ('seg', )}]


def test_soft_teachers_want_one_view():
    model = SimpleNamespace(companions=dict(
        ema=SimpleNamespace(same_view=['det']), other=SimpleNamespace()))

    def data(tasks, kind):
        return SimpleNamespace(metainfo=dict(tasks=tasks), tasks=tasks,
                               moves_teacher=kind)

    check_view(model, 'a', data(('det', ), 'RandomFlip'))
    check_view(model, 'a', data(('seg', ), None))
    with pytest.raises(ConfigError, match="companions.ema.box_form='soft'` .*"
                                          'RandomFlip in the pipeline of '
                                          '`train_dataloader.a`'):
        check_view(model, 'a', data(('seg', ), 'RandomFlip'))


def test_weak_losses_want_to_know_what_is_in_view():
    model = SimpleNamespace(companions=dict(
        b4m=SimpleNamespace(reads_view=['det']), other=SimpleNamespace()))

    def data(tasks, kind):
        return SimpleNamespace(metainfo=dict(tasks=tasks), loses_view=kind)

    check_view(model, 'a', data(('det', ), None))
    check_view(model, 'a', data(('seg', ), 'Expand'))
    with pytest.raises(ConfigError, match='companions.b4m` reads .* Expand '
                                          'in the pipeline of '
                                          '`train_dataloader.a`'):
        check_view(model, 'a', data(('det', 'seg'), 'Expand'))


def test_second_views_are_asked_for():
    one = SimpleNamespace(needs_second_view=True)
    model = SimpleNamespace(companions=dict(xtc=one))
    data = SimpleNamespace(metainfo=dict(tasks=('seg', )))
    with pytest.raises(ConfigError, match='SecondView.*xtc.view='):
        check_view(model, 'a', data)
    data.has_second_view = True
    check_view(model, 'a', data)


def test_sides_that_a_part_cannot_halve():
    part = SimpleNamespace(size_divisor=32)
    model = SimpleNamespace(modules=lambda: [part],
                            data_preprocessor=SimpleNamespace())
    check_size(model, 'a', SimpleNamespace(final_size=(64, 96)))
    check_size(model, 'a', SimpleNamespace())
    with pytest.raises(ConfigError, match='64 x 100 pixels.*32 divides'):
        check_size(model, 'a', SimpleNamespace(final_size=(64, 100)))
    model.data_preprocessor.pad_size_divisor = 64
    check_size(model, 'a', SimpleNamespace(final_size=(64, 100)))


@pytest.mark.parametrize('kwargs, warned', [
    ({}, True), (dict(frozen=['heads.seg']), False)])
def test_a_head_that_nothing_teaches_is_said(kwargs, warned, monkeypatch):
    said = []
    monkeypatch.setattr('mmmultas.engine.checks.print_log',
                        lambda text, **_: said.append(text))
    model = MODELS.build(toy_model(**kwargs))
    check_taught(model, ('det', 'seg'))
    assert not said
    check_taught(model, ('det', ))
    assert ['heads.seg=None' in text for text in said] == [True] * warned


def test_companions_may_teach_a_head(monkeypatch):
    monkeypatch.setattr('mmmultas.engine.checks.print_log', None)
    model = MODELS.build(toy_model(companions=dict(
        b4m=dict(type='mmmultas.BoxForMask'))))
    check_taught(model, ('det', ))
