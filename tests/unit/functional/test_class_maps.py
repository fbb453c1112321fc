import torch

from mmmultas.functional.class_maps import (class_feature_losses,
                                            class_features, class_maps,
                                            class_seeds, cut_to_boxes,
                                            joined_views, multilabel_losses,
                                            scaled_maps, uncertain_seeds)


def test_maps_add_up_to_the_score():
    feature = torch.rand(2, 4, 3, 5)
    weight = torch.rand(3, 4)  # at least 0: nothing is cut off
    torch.testing.assert_close(
        class_maps(feature, weight).mean((2, 3)),
        feature.mean((2, 3)) @ weight.t())
    assert (class_maps(feature, -weight) == 0).all()
    assert (scaled_maps(class_maps(feature, -weight)) == 0).all()


def test_gradients_flow_through_the_maps():
    feature = torch.rand(1, 4, 3, 5)
    weight = torch.rand(2, 4, requires_grad=True)
    maps = scaled_maps(class_maps(feature, weight))
    found = class_features(feature, maps)
    loop = torch.stack([
        (maps[0, k] * feature[0]).mean((1, 2)) for k in range(2)])
    torch.testing.assert_close(found[0], loop)
    logits = found @ torch.randn(4, 2)
    present = torch.tensor([[True, False]])
    class_feature_losses(logits, present).sum().backward()
    assert weight.grad[0].abs().sum() > 0
    assert (weight.grad[1] == 0).all()  # a class that is not there


def test_what_is_unknown_takes_no_part():
    scores = torch.tensor([[0., 5.]])
    present = torch.tensor([[True, False]])
    known = torch.tensor([[True, False]])
    half = torch.tensor([2.]).log()
    torch.testing.assert_close(multilabel_losses(scores, present, known),
                               half)
    assert multilabel_losses(scores, present)[0] > half
    assert multilabel_losses(scores, present, known & False)[0] == 0


def test_seeds():
    maps = torch.tensor([[[.05, .2, .9]], [[.0, .3, .1]]])
    assert class_seeds(maps, .25).tolist() == [[0, 2, 1]]
    assert uncertain_seeds(maps, .1, .35).tolist() == [[0, 255, 1]]
    assert uncertain_seeds(maps, .1, .1).tolist() == [[0, 2, 1]]


def test_maps_end_at_the_boxes_of_their_class():
    maps = torch.ones(2, 3, 4)
    cut = cut_to_boxes(maps, [[1, 0, 3, 2], [-5, 0, 1, 9]], [0, 1])
    assert cut[0].nonzero().tolist() == [[0, 1], [0, 2], [1, 1], [1, 2]]
    assert cut[1, :, 0].all() and cut[1].sum() == 3
    assert (cut_to_boxes(maps, [[0, 0, 4, 3]], [-1]) == 0).all()


def test_the_mirror_image_is_mirrored_back():
    views = torch.zeros(2, 1, 1, 4)
    views[0, 0, 0, 0] = views[1, 0, 0, 3] = 1
    assert joined_views(views, (1, 4)).tolist() == [[[2, 0, 0, 0]]]
