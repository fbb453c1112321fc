import pytest

from mmmultas.projects.data_check import check_data
from mmmultas.projects.trial import try_stream
from mmmultas.testing import SHAPES, ShapeFolder

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
