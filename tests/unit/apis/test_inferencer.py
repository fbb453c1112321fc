import cv2
import numpy as np
import pytest
import torch

import mmmultas.testing  # noqa: F401
from mmmultas.apis import MultiTaskInferencer
from mmmultas.utils import precision
from mmmultas.utils.errors import CheckpointError, ConfigError, DataError


@pytest.fixture
def pictures(tmp_path):
    """Three pictures of different sizes, losslessly stored."""
    folder = tmp_path / 'pictures'
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name, size in (('a', (64, 64)), ('b', (40, 100)), ('c', (90, 50))):
        image = cv2.resize(
            rng.integers(0, 256, (6, 6, 3), dtype=np.uint8), size[::-1])
        cv2.imwrite(str(folder / f'{name}.png'), image)
    return folder


def _same(one, other):
    assert one.keys() == other.keys()
    for key, value in one.items():
        if isinstance(value, np.ndarray):
            np.testing.assert_allclose(value, other[key], atol=1e-4)
        elif key != 'path':
            assert value == other[key]


def test_plain_data_in_pixels_of_the_picture(save_toy, pictures):
    found = MultiTaskInferencer(save_toy(), device='cpu')(pictures)
    assert [p['path'][-5:] for p in found] == ['a.png', 'b.png', 'c.png']
    wide = found[1]
    assert (wide['height'], wide['width']) == (40, 100)
    assert wide['seg_map'].shape == (40, 100)
    assert wide['seg_map'].dtype == np.uint8
    count = len(wide['scores'])
    assert count > 0 and wide['bboxes'].shape == (count, 4)
    assert (np.diff(wide['scores']) <= 0).all()
    # a box of the squashed picture alone would end at 64
    assert 64 < wide['bboxes'][:, 2].max() <= 100
    assert wide['bboxes'][:, 3].max() <= 40
    assert wide['names'] == [('square', 'bar')[k] for k in wide['labels']]


def test_batches_arrays_and_paths_agree(save_toy, pictures):
    path = save_toy()
    single = MultiTaskInferencer(path)(pictures)
    arrays = [cv2.imread(str(f)) for f in sorted(pictures.iterdir())]
    batched = MultiTaskInferencer(path, batch_size=2)(arrays)
    assert all(p['path'] is None for p in batched)
    for one, other in zip(single, batched, strict=True):
        _same(one, other)


def test_numbers_are_those_of_the_model_itself(save_toy, pictures):
    """One picture by hand: squash, network, back."""
    inferencer = MultiTaskInferencer(save_toy())
    image = cv2.imread(str(pictures / 'b.png'))
    [found] = inferencer(image)
    squashed = cv2.resize(image, (64, 64))
    inputs = torch.from_numpy(
        squashed[..., ::-1].transpose(2, 0, 1).copy()).float()
    mean = torch.tensor([123.675, 116.28, 103.53]).view(3, 1, 1)
    std = torch.tensor([58.395, 57.12, 57.375]).view(3, 1, 1)
    with torch.no_grad():
        logits = inferencer.model(((inputs - mean) / std)[None])['seg']
    resized = torch.nn.functional.interpolate(
        logits, (40, 100), mode='bilinear')
    assert np.array_equal(resized.argmax(1)[0].numpy(), found['seg_map'])


@pytest.mark.parametrize('task, field, other', [
    ('det', 'bboxes', 'seg_map'), ('seg', 'seg_map', 'bboxes')])
def test_models_of_one_task(save_toy, pictures, task, field, other):
    inferencer = MultiTaskInferencer(save_toy((task, )))
    assert inferencer.tasks == (task, )
    [found] = inferencer(pictures / 'a.png')
    assert field in found and other not in found


def test_score_threshold(save_toy, pictures):
    path = save_toy()
    every = MultiTaskInferencer(path)(pictures / 'a.png')[0]['scores']
    middle = float(np.median(every))
    [found] = MultiTaskInferencer(path, score_thr=middle)(pictures / 'a.png')
    assert 0 < len(found['scores']) == (every >= middle).sum() < len(every)


def test_mirrored_picture_gives_mirrored_prediction(save_toy, pictures):
    inferencer = MultiTaskInferencer(save_toy(), tta=True)
    image = cv2.imread(str(pictures / 'a.png'))
    seen, other = inferencer([image, image[:, ::-1].copy()])
    assert len(np.unique(seen['seg_map'])) > 1
    assert np.array_equal(seen['seg_map'], other['seg_map'][:, ::-1])
    np.testing.assert_allclose(seen['scores'], other['scores'], atol=1e-5)
    mirrored = 64 - other['bboxes'][:, [2, 1, 0, 3]]
    mirrored[:, [1, 3]] = other['bboxes'][:, [1, 3]]
    gap = np.abs(seen['bboxes'][:, None] - mirrored[None]).max(-1)
    assert gap.min(1).max() < 1e-3
    plain = MultiTaskInferencer(save_toy())
    assert not np.array_equal(plain(image)[0]['seg_map'], seen['seg_map'])


def test_a_head_that_cannot_join_two_views(save_toy):

    def edit(cfg):
        cfg.model.heads.det.test_cfg = dict(class_agnostic=True)

    path = save_toy(edit=edit)
    MultiTaskInferencer(path)
    with pytest.raises(ConfigError, match='Flip.*class_agnostic'):
        MultiTaskInferencer(path, tta=True)


def test_broken_picture(save_toy, pictures):
    (pictures / 'b.png').write_bytes(b'no picture')
    path = save_toy()
    with pytest.raises(DataError, match='b.png is no image'):
        MultiTaskInferencer(path)(pictures)
    inferencer = MultiTaskInferencer(path, batch_size=2, skip_broken=True)
    assert [p['path'][-5] for p in inferencer(pictures)] == ['a', 'c']
    [sentence] = inferencer.skipped
    assert 'b.png' in sentence
    inferencer(pictures / 'a.png')
    assert inferencer.skipped == []


def test_video(save_toy, tmp_path):
    path = tmp_path / 'clip.mp4'
    writer = cv2.VideoWriter(
        str(path), cv2.VideoWriter_fourcc(*'mp4v'), 10, (48, 32))
    for value in (0, 100, 200):
        writer.write(np.full((32, 48, 3), value, np.uint8))
    writer.release()
    found = MultiTaskInferencer(save_toy(), batch_size=2)(path, progress=True)
    assert [p['frame'] for p in found] == [0, 1, 2]
    assert found[0]['seg_map'].shape == (32, 48)


@pytest.mark.parametrize('kwargs, word', [
    (dict(batch_size=0), 'batch size'), (dict(score_thr=2), 'threshold')])
def test_arguments_out_of_range(save_toy, kwargs, word):
    with pytest.raises(ConfigError, match=word):
        MultiTaskInferencer(save_toy(), **kwargs)


def test_missing_checkpoint():
    with pytest.raises(CheckpointError, match='no.pth does not exist'):
        MultiTaskInferencer('no.pth')


def test_predictions_in_16_bits(save_toy, pictures, monkeypatch):
    """Nearly the same boxes in float32, and hardly a pixel another class."""
    monkeypatch.setattr(precision, 'has_bf16', lambda: True)
    path, found = save_toy(), []
    for amp in (False, True):
        inferencer = MultiTaskInferencer(path, device='cpu', amp=amp)
        seen = set()
        inferencer.model.neck.register_forward_hook(
            lambda m, args, out, seen=seen: seen.add(out[0].dtype))
        found.append(inferencer(pictures))
        assert seen == {torch.bfloat16 if amp else torch.float32}
    for full, low in zip(*found):
        assert low['bboxes'].dtype == low['scores'].dtype == np.float32
        assert abs(low['scores'][0] - full['scores'][0]) < 0.1
        assert (low['seg_map'] == full['seg_map']).mean() > 0.9
    monkeypatch.setattr(precision, 'has_bf16', lambda: False)
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    with pytest.raises(ConfigError, match='--amp would take longer'):
        MultiTaskInferencer(path, device='cpu', amp=True)
