import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import PixelData

from mmmultas.models import MultiTaskDataPreprocessor
from mmmultas.models.companions.teacher_view import (matrix_of, moved_cells,
                                                     same_place,
                                                     teacher_images)

MIRROR = (-1., 0., 32., 0., 1., 0., 0., 0., 1.)


def _sample(image=None, matrix=None):
    sample = DetDataSample()
    if image is not None:
        sample.teacher_view = PixelData(data=image)
    if matrix is not None:
        sample.set_metainfo(dict(from_teacher=matrix))
    return sample


def _image(side):
    return torch.randint(0, 256, (3, side, side), dtype=torch.uint8)


def test_one_picture_at_two_sizes_is_one_place():
    double = (2., 0., 0., 0., 2., 0., 0., 0., 1.)
    assert same_place(_sample(), (32, 32))
    assert same_place(_sample(_image(16), double), (32, 32))
    assert not same_place(_sample(_image(16), double), (32, 64))
    assert not same_place(_sample(_image(32), MIRROR), (32, 32))


@pytest.mark.parametrize('swap', [True, False])
def test_plain_pictures_are_normalised_as_inputs_are(swap):
    pre = MultiTaskDataPreprocessor(bgr_to_rgb=swap)
    image = _image(32)
    inputs = pre(dict(inputs=[image, image], data_samples=None))['inputs']
    double = (2., 0., 0., 0., 2., 0., 0., 0., 1.)
    found = teacher_images(
        torch.zeros_like(inputs),
        [_sample(image, tuple(torch.eye(3).flatten().tolist())), _sample()],
        pre)
    torch.testing.assert_close(found[0], inputs[0])
    assert (found[1] == 0).all()  # nothing but the input to look at
    small, own = teacher_images(
        inputs, [_sample(_image(16), double), _sample(_image(16), MIRROR)],
        pre)
    assert small.shape == (3, 32, 32) and own.shape == (3, 16, 16)


def test_padding_moves_nothing():
    pre = MultiTaskDataPreprocessor()
    images = [_image(32), _image(48)]
    samples = []
    for image, kept in zip(images, (images[0], _image(24))):
        scale = image.shape[-1] / kept.shape[-1]
        samples.append(_sample(kept, (scale, 0., 0., 0., scale, 0., 0., 0.,
                                      1.)))
        samples[-1].set_metainfo(dict(img_shape=image.shape[-2:]))
    inputs = pre(dict(inputs=images, data_samples=None))['inputs']
    size = tuple(inputs.shape[-2:])
    assert all(same_place(sample, size) for sample in samples)
    first, second = teacher_images(torch.zeros_like(inputs), samples, pre)
    torch.testing.assert_close(first, inputs[0])
    assert second.shape == first.shape and (second[:, 48:] == 0).all()


def test_scores_of_a_mirror_image():
    scores = torch.randn(2, 8, 8)
    sample = _sample(_image(32), MIRROR)
    assert matrix_of(sample)[0].tolist() == [-1, 0, 32]
    moved, seen = moved_cells(scores, sample, (32, 32), (8, 8))
    assert torch.equal(moved, scores.flip(-1)) and seen.all()
    shift = (1., 0., 8., 0., 1., 0., 0., 0., 1.)
    moved, seen = moved_cells(scores, _sample(_image(32), shift), (32, 32),
                              (8, 8))
    assert not seen[:, :2].any() and seen[:, 2:].all()
    assert torch.equal(moved[..., 2:], scores[..., :-2])
    same, seen = moved_cells(scores, _sample(), (32, 32), (8, 8))
    assert torch.equal(same, scores) and seen.all()
