import json

import numpy as np
import pytest
import torch
from PIL import Image
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData, PixelData

from mmmultas.analysis.saved_predictions import SavedPredictions
from mmmultas.engine.hooks import PictureHook, PredictionHook
from mmmultas.structures import sem_seg_data
from mmmultas.utils.errors import ConfigError, DataError

PALETTE = [(0, 0, 0), (9, 8, 7), (255, 0, 1)]


class Runner:
    """What the hooks ask of a runner."""

    def __init__(self):
        meta = dict(
            det=dict(classes=('a', 'b'), palette=PALETTE[:2]),
            seg=dict(classes=('bg', 'a', 'b'), palette=PALETTE))
        data = type('D', (), dict(metainfo=meta))()
        self.test_dataloader = type('L', (), dict(dataset=data))()
        self.logger = type('G', (), dict(info=print))()


def _sample(path):
    sample = DetDataSample(metainfo=dict(img_id='7', img_path=str(path)))
    sample.pred_instances = InstanceData(
        bboxes=torch.tensor([[1., 2., 3.456, 4.]]),
        scores=torch.tensor([.5]),
        labels=torch.tensor([1]))
    sample.pred_sem_seg = sem_seg_data(torch.tensor([[0, 1], [2, 1]]))
    return sample


def test_boxes_and_masks(tmp_path):
    hook = PredictionHook(str(tmp_path / 'x/out.json'), str(tmp_path / 'm'))
    runner = Runner()
    hook.before_test_epoch(runner)
    hook.after_test_iter(runner, 0, outputs=[_sample('dir/cat.jpg')])
    hook.after_test_epoch(runner, {'det/mAP': float('nan'), 'a': 1.0})
    content = json.loads((tmp_path / 'x/out.json').read_text())
    assert content['classes'] == ['a', 'b']
    assert content['metrics'] == {'det/mAP': None, 'a': 1.0}
    assert content['images'][0]['detections'] == [
        dict(label=1, score=.5, bbox=[1., 2., 3.45600009, 4.])
    ]
    picture = Image.open(tmp_path / 'm/cat.png')
    assert picture.mode == 'P'
    assert np.array(picture).tolist() == [[0, 1], [2, 1]]
    assert picture.convert('RGB').getpixel((0, 1)) == (255, 0, 1)


def test_numbers_are_read_back_to_the_bit(tmp_path):
    hook = PredictionHook(str(tmp_path / 'out.json'))
    sample = _sample('a.jpg')
    sample.pred_instances = InstanceData(
        bboxes=torch.rand(500, 4) * 700,
        scores=torch.rand(500)**4,
        labels=torch.zeros(500).long())
    hook.before_test_epoch(Runner())
    hook.after_test_iter(Runner(), 0, outputs=[sample])
    hook.after_test_epoch(Runner())
    [image] = json.loads((tmp_path / 'out.json').read_text())['images']
    for key, values in (('score', sample.pred_instances.scores),
                        ('bbox', sample.pred_instances.bboxes)):
        read = torch.tensor([d[key] for d in image['detections']])
        assert torch.equal(read, values)


def test_only_json():
    with pytest.raises(ConfigError, match='out.pkl'):
        PredictionHook('out.pkl')


def test_pictures_up_to_a_limit(tmp_path):
    paths = [tmp_path / f'{name}.png' for name in ('cat', 'dog')]
    for path in paths:
        Image.new('RGB', (6, 4)).save(path)
    hook = PictureHook(str(tmp_path / 'show'), limit=1)
    hook.before_test_epoch(Runner())
    hook.after_test_iter(Runner(), 0, outputs=[_sample(p) for p in paths])
    assert [p.name for p in (tmp_path / 'show').iterdir()] == ['cat.png']


class Files:
    """Test images of one name in two folders."""

    def __init__(self, paths):
        self.paths = paths

    def __len__(self):
        return len(self.paths)

    def get_data_info(self, index):
        return dict(img_path=str(self.paths[index]))


def test_images_of_one_name_do_not_overwrite_each_other(tmp_path):
    paths = [tmp_path / f'{folder}/cat.png' for folder in 'ab']
    for path in paths:
        path.parent.mkdir()
        Image.new('RGB', (6, 4)).save(path)
    runner = Runner()
    loader = type('L', (), dict(dataset=Files(paths)))()
    runner.test_dataloader.loaders = dict(val=loader)
    masks = PredictionHook(seg_out=str(tmp_path / 'm'))
    shown = PictureHook(str(tmp_path / 'show'))
    samples = [_sample(path) for path in paths]
    samples[1].pred_sem_seg.sem_seg[:] = 2
    for hook in (masks, shown):
        hook.before_test_epoch(runner)
        hook.after_test_iter(runner, 0, outputs=samples)
    saved = SavedPredictions([tmp_path / 'm'])
    for path, sample in zip(paths, samples):
        again = DetDataSample(metainfo=dict(
            img_path=str(path), tasks=('seg', )))
        saved.attach(again)
        assert torch.equal(again.pred_sem_seg.sem_seg,
                           sample.pred_sem_seg.sem_seg)
        assert (tmp_path / f'show/{path.parent.name}/cat.png').is_file()
    (tmp_path / 'm/index.json').write_text('{"a": "../../etc/passwd"}')
    with pytest.raises(DataError, match='is no index'):
        SavedPredictions([tmp_path / 'm'])


def test_too_many_classes_for_a_mask(tmp_path):
    runner = Runner()
    runner.test_dataloader.dataset.metainfo['seg']['classes'] = range(300)
    with pytest.raises(ConfigError, match='--seg-out writes masks of 8 bits'):
        PredictionHook(seg_out=str(tmp_path)).before_test_epoch(runner)


def test_every_task_has_files_of_its_own(tmp_path):
    runner = Runner()
    meta = runner.test_dataloader.dataset.metainfo
    meta.update(
        cars=dict(kind='boxes', classes=('van', )),
        depth=dict(kind='depth', unit='m', scale=.01),
        parts=dict(kind='classes', classes=('arm', 'leg')),
        tasks=('det', 'seg', 'cars', 'depth', 'parts'))
    sample = _sample('dir/cat.jpg')
    sample.pred_cars = sample.pred_instances[:0]
    sample.pred_depth = PixelData(data=torch.tensor([[[1., 2], [3, 4]]]))
    sample.pred_parts = sem_seg_data(torch.tensor([[[1, 0], [0, 1]]]))
    hook = PredictionHook(out=str(tmp_path / 'boxes.json'),
                          out_dir=str(tmp_path / 'all'))
    hook.before_test_epoch(runner)
    hook.after_test_iter(runner, 0, outputs=[sample])
    hook.after_test_epoch(runner)
    content = {name: json.loads((tmp_path / name).read_text())
               for name in ('boxes.json', 'all/det.json', 'all/cars.json')}
    assert content['boxes.json'] == content['all/det.json']
    assert content['all/cars.json']['classes'] == ['van']
    assert content['all/cars.json']['images'][0]['detections'] == []
    found = {path.relative_to(tmp_path / 'all').as_posix():
             np.array(Image.open(path)).tolist()
             for path in (tmp_path / 'all').rglob('*.png')}
    assert found == {
        'seg/cat.png': [[0, 1], [2, 1]], 'parts/cat.png': [[1, 0], [0, 1]],
        'depth/cat.png': [[100, 200], [300, 400]]}


def test_a_kind_that_nobody_writes(tmp_path):
    runner = Runner()
    runner.test_dataloader.dataset.metainfo.update(
        tasks=('flow', ), flow=dict(kind='flow'))
    with pytest.raises(ConfigError, match="'flow', which nobody writes"):
        PredictionHook(out_dir=str(tmp_path)).before_test_epoch(runner)
