import pytest
import torch

from mmmultas.models.heads import CAMHead
from mmmultas.utils.errors import ConfigError


def test_losses_are_sums_over_images():
    torch.manual_seed(0)
    head = CAMHead(3, 4, loss_recam_weight=.5)
    assert head.loss_terms == ('loss_cls', 'loss_recam')
    assert CAMHead(3, 4).loss_terms == ('loss_cls', )
    feature = torch.rand(3, 4, 5, 5)
    present = torch.tensor([[True, False], [True, True], [False, False]])
    every = head.class_losses(feature, present, torch.ones_like(present))
    parts = [head.class_losses(feature[i:i + 1], present[i:i + 1],
                               torch.ones(1, 2, dtype=torch.bool))
             for i in range(3)]
    for name, term in every.items():
        assert term.count == 3
        torch.testing.assert_close(
            term.total, sum(part[name].total for part in parts))
    # an image without a class counts, and says nothing to the second one
    assert parts[2]['loss_recam'].total == 0
    twice = CAMHead(3, 4, loss_recam_weight=1.)
    twice.load_state_dict(head.state_dict())
    torch.testing.assert_close(
        twice.class_losses(feature, present, torch.ones_like(
            present))['loss_recam'].total, 2 * every['loss_recam'].total)


def test_prediction_is_of_the_classes_that_it_finds():
    head = CAMHead(3, 2, background=.3)
    with torch.no_grad():
        head.classifier.weight[:] = torch.tensor(
            [[1., 0.], [-1., .5]])[..., None, None]
    feature = torch.zeros(1, 2, 1, 3)
    feature[0, 0] = torch.tensor([0., .2, 1.])
    feature[0, 1, 0, 0] = 1  # seen by the second class, whose score is < 0
    maps = head.predict((feature, ), None)
    assert maps.argmax(1).tolist() == [[[0, 0, 1]]]
    assert (maps[:, 2] == 0).all()


def test_recam_multiplies_both_weights():
    head = CAMHead(3, 2, loss_recam_weight=1.)
    with torch.no_grad():
        head.classifier.weight[:] = 1
        head.recam.weight[:] = torch.tensor(
            [[2., 0.], [0., 3.]])[..., None, None]
    maps = head((torch.ones(1, 2, 1, 1), ))
    assert maps.flatten().tolist() == [2, 3]


def test_mistakes():
    with pytest.raises(ConfigError, match='counts the background'):
        CAMHead(1, 4)
    with pytest.raises(ConfigError, match='between 0 and 1'):
        CAMHead(3, 4, background=1.)
    with pytest.raises(ConfigError, match='loss_recam_weight` must be'):
        CAMHead(3, 4, loss_recam_weight=-1.)
    with pytest.raises(ConfigError, match='there is but one'):
        CAMHead(2, 4, loss_recam_weight=1.)
    with pytest.raises(ConfigError, match='in_index` is the number'):
        CAMHead(3, 4, in_index='last')
    with pytest.raises(ConfigError, match='is 2, and there are 1 level'):
        CAMHead(3, 4, in_index=2).predict([torch.zeros(1, 4, 2, 2)], None)
    second = CAMHead(3, 4, in_index=1)
    feats = [torch.ones(1, 4, 2, 2), torch.ones(1, 4, 1, 1)]
    assert second.predict(feats, None).shape == (1, 3, 1, 1)
    with pytest.raises(ConfigError, match='CAMClassifier'):
        CAMHead(3, 4).loss((), [])
