import pytest
import torch
from mmdet.models import dense_heads
from mmengine.structures import InstanceData

from mmmultas.models.companions.label_spaces import Pair
from mmmultas.models.companions.taught_boxes import (Taught, check_head,
                                                     class_scores, hard_sums,
                                                     soft_sums)
from mmmultas.models.companions.thresholds import Threshold
from mmmultas.registry import MODELS
from mmmultas.structures import sem_seg_data
from mmmultas.testing import toy_batch, toy_model
from mmmultas.utils.errors import ConfigError

PAIR = Pair('det', 'seg', (1, 2), 3)


def _taught(masks=True, **view):
    torch.manual_seed(0)
    model = MODELS.build(toy_model()).eval()
    batch = toy_batch(('seg', ), 1)
    data = model.data_preprocessor(batch, True)
    sample = data['data_samples'][0]
    mask = torch.zeros(64, 64, dtype=torch.long)
    mask[8:28, 8:28] = 1
    mask[36:48, 20:56] = 2
    sample.gt_sem_seg = sem_seg_data(mask[None])
    outs = model.raw_outputs(model.encode(data['inputs']), ['det'])['det']
    theirs = [[x.detach() for x in levels] for levels in outs]
    return model, Taught(
        model.heads['det'], outs, theirs, [sample],
        [(sample, PAIR) if masks else None], (64, 64), (64, 64), 'k.box_form')


class Teacher:
    """Says what it is told."""

    def __init__(self, boxes, scores, labels):
        self.found = InstanceData(
            bboxes=torch.tensor(boxes).reshape(-1, 4),
            scores=torch.tensor(scores), labels=torch.tensor(labels).long())

    def boxes(self, task, outputs, samples):
        return [self.found]


def _hard(taught, *said):
    given = {}
    loss = taught.head.loss_sums_by_feat

    def listen(outputs, samples, uncertain):
        given.update(boxes=samples[0].gt_instances, uncertain=uncertain)
        return loss(outputs, samples, uncertain)

    object.__setattr__(taught.head, 'loss_sums_by_feat', listen)
    value, heard = hard_sums(taught, Teacher(*said), 'det',
                             Threshold(.7, 2, .5, 'k'))
    return value, heard, given


def test_sure_boxes_that_the_mask_agrees_with():
    _, taught = _taught()
    value, heard, given = _hard(taught, [
        [9., 8., 29., 27.], [20., 36., 56., 60.], [0., 40., 10., 60.],
        [8., 8., 28., 28.]], [.9, .8, .9, .3], [0, 1, 1, 0])
    # the first is the blob, the second too large for it, one shows nothing
    assert given['boxes'].bboxes.tolist() == [[8, 8, 28, 28],
                                              [20, 36, 56, 60]]
    assert given['boxes'].labels.tolist() == [0, 1]
    assert len(heard[0][0]) == 4
    value.mean().backward()
    assert value.count > 0


def test_objects_without_a_sure_box_are_no_negatives():
    _, taught = _taught()
    value, _, given = _hard(taught, [], [], [])
    anchors = taught.head.anchors_of(taught.ours, taught.samples)
    inside = ((anchors[:, :2] >= 8) & (anchors[:, 2:] <= 28)).all(1)
    assert inside.any() and given['uncertain'][0, inside, 0].all()
    assert not given['uncertain'][0, inside, 1].any()
    assert value.total > 0 and value.count == 0


def test_without_a_mask_only_sure_boxes_speak():
    _, taught = _taught(masks=False)
    value, _, given = _hard(taught, [[9., 8., 29., 27.]], [.6], [0])
    assert value.total == 0 and given['uncertain'].all()
    _, taught = _taught(masks=False)
    value, _, given = _hard(taught, [[9., 8., 29., 27.]], [.8], [0])
    assert value.total > 0 and not given['uncertain'].any()
    assert given['boxes'].bboxes.tolist() == [[9, 8, 29, 27]]


def test_soft_labels_where_masks_allow_them():
    _, taught = _taught()
    free = _taught(masks=False)[1]
    for one in (taught, free):  # sure of class 0 everywhere
        scores = [torch.full_like(x, -5.) for x in one.theirs[0]]
        for level in scores:
            level[:, 0::2] = 3.
        one.theirs = (scores, one.theirs[1])
    allowed, anything = soft_sums(taught, .01), soft_sums(free, .01)
    anchors = taught.head.anchors_of(taught.ours, taught.samples)
    best = int(len(anchors) * .01)
    torch.testing.assert_close(anything.count, best * torch.tensor(
        3.).sigmoid())
    assert allowed.count > 0 and allowed.total != anything.total
    # a class that the mask does not show is none of the best
    taught.masks[0][0].gt_sem_seg = sem_seg_data(torch.zeros(1, 64, 64).long())
    assert soft_sums(taught, .01).count == 1
    for level in free.theirs[0]:  # as a teacher that is sure of nothing
        level -= 12.
    assert soft_sums(free, .01).count == 1
    allowed.mean().backward()
    assert class_scores(taught.ours, 2, 'k').shape == (1, len(anchors), 2)


def test_what_a_mask_hides_is_no_background():
    _, taught = _taught()
    taught.masks[0][0].gt_sem_seg = sem_seg_data(
        torch.full((1, 64, 64), 255))
    _, _, given = _hard(taught, [[9., 8., 29., 27.]], [.9], [0])
    assert given['uncertain'].all() and len(given['boxes']) == 1
    # the best anchors are learnt, and no other one is a negative
    free = soft_sums(_taught(masks=False)[1], .01)
    hidden = soft_sums(taught, .01)
    assert hidden.count == free.count and hidden.total < free.total / 2


@pytest.mark.parametrize('outputs', [
    torch.zeros(1, 4, 2, 2), ([torch.zeros(1, 3, 2, 2)], ), (None, )])
def test_other_outputs_are_refused(outputs):
    with pytest.raises(ConfigError, match="`k='soft'` compares levels"):
        class_scores(outputs, 2, 'k')


@pytest.mark.parametrize('kind, why', [
    ('TOODHead', 'gives probabilities'),
    ('CenterNetHead', 'gives probabilities'),
    ('YOLOXHead', 'judges by objectness, too')])
def test_heads_whose_scores_are_not_raw(kind, why):
    own = type('Own', (getattr(dense_heads, kind), ), {})
    head = own.__new__(own)
    with pytest.raises(ConfigError, match=f"`k.box_form='soft'` .* Own of `h` "
                                          f'{why}'):
        check_head(head, 'h', 'k', 'soft')


def test_hard_boxes_want_to_know_how_to_predict():
    head = MODELS.build(toy_model()).heads['det']
    for form in ('soft', 'hard'):
        check_head(head, 'h', 'k', form)
    head.test_cfg = None
    check_head(head, 'h', 'k', 'soft')
    with pytest.raises(ConfigError, match="box_form='hard'` asks .*test_cfg"):
        check_head(head, 'h', 'k', 'hard')
