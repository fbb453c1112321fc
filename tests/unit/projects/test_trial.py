import pytest

from mmmultas.projects.data_check import check_data
from mmmultas.projects.trial import try_run, try_stream
from mmmultas.testing import (SHAPES, ShapeFolder, toy_config,
                              toy_distillation, toy_model)

LOAD, LABELS, PACK = (dict(type=f'mmmultas.{name}')
                      for name in ('LoadImage', 'LoadLabels', 'PackInputs'))
SQUASH = dict(type='mmmultas.Squash', size=32)


@pytest.fixture
def loader(tmp_path):
    kit = ShapeFolder(tmp_path / 'own', count=4)
    kit.write_coco()
    kit.write_masks()

    def config(*pipeline, tasks=('det', 'seg'), **kwargs):
        return dict(dataset=dict(
            type='mmmultas.FolderDataset', images=str(kit.root / 'images'),
            boxes=str(kit.root / 'boxes.json'),
            masks=str(kit.root / 'masks'), tasks=tasks,
            classes=dict(det=SHAPES, seg=('background', *SHAPES)),
            pipeline=list(pipeline), **kwargs))

    return config


@pytest.mark.parametrize('pipeline, words', [
    ((LOAD, LABELS, dict(type='mmdet.RandomAffine'), PACK),
     'moves the image and not its masks'),
    ((LOAD, LABELS, dict(type='mmdet.PackDetInputs')), 'drops the metainfo'),
    ((LOAD, LABELS, SQUASH), None),
    ((LOAD, LABELS, SQUASH, PACK), None),
])
def test_what_no_file_shows(loader, pipeline, words):
    cfg = dict(train_dataloader=dict(x=loader(*pipeline)))
    problems = check_data(cfg).problems
    if words is None:
        assert not problems
        return
    [problem] = [p for p in problems if p.kind == 'pipeline']
    assert words in str(problem)
    assert 'train_dataloader.x.dataset' in str(problem)


def test_boxes_of_evaluation_in_the_size_of_the_input(loader):
    wrong = loader(LOAD, LABELS, SQUASH, PACK, tasks=('det', ))
    right = loader(LOAD, SQUASH, LABELS, PACK, tasks=('det', ))
    assert try_stream('val_dataloader.v', right, True) is None
    found = try_stream('val_dataloader.v', wrong, True)
    assert 'behind the resize' in str(found)
    assert try_stream('train_dataloader.v', wrong, False) is None


def run_config(tmp_path, **companion):
    """Toy streams of boxes and of masks, and a weak loss."""
    model = toy_model(companions=dict(b4m=dict(
        type='mmmultas.BoxForMask', **companion)))
    return toy_config(tmp_path / 'run', model=model)


def test_companions_that_fit(tmp_path):
    assert try_run(run_config(tmp_path)) is None
    assert try_run(toy_config(tmp_path, model=toy_model())) is None
    assert try_run(dict(train_dataloader={})) is None
    assert not (tmp_path / 'run').exists()


def test_what_training_would_refuse_is_a_problem(tmp_path):
    cfg = run_config(tmp_path)
    # the boxes' images have masks, too: nobody lacks what boxes would teach
    for stream in cfg.train_dataloader.values():
        stream.dataset.tasks = ('det', 'seg')
    found = try_run(cfg)
    assert found.kind == 'model' and '`model.companions.b4m`' in str(found)
    found = try_run(run_config(tmp_path, no_such_option=1))
    assert 'no_such_option' in str(found)


def test_a_teacher_that_is_still_to_be_trained_is_none(tmp_path):
    cfg = toy_config(tmp_path, model=toy_distillation(tmp_path))
    (tmp_path / 'det.pth').unlink()
    assert try_run(cfg) is None
