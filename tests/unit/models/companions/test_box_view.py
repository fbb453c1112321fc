import torch
from mmengine.structures import InstanceData

from mmmultas.models.companions.box_view import box_view
from mmmultas.models.companions.label_spaces import Pair
from mmmultas.testing import toy_batch

SCORES = torch.zeros(4, 16, 16)
PAIR = Pair('det', 'seg', (1, 3), 4)  # 0 and 2 have no boxes


def _sample(**meta):
    sample = toy_batch(('det', ), 1)['data_samples'][0]
    sample.gt_instances = InstanceData(
        bboxes=torch.tensor([[0., 0., 16., 16.]]), labels=torch.tensor([0]))
    sample.ignored_instances = InstanceData(
        bboxes=torch.tensor([[32., 0., 64., 16.]]), labels=torch.tensor([1]))
    sample.lost_instances = InstanceData(
        bboxes=torch.tensor([[0., 56., 64., 64.]]), labels=torch.tensor([1]))
    sample.set_metainfo(meta)
    return sample


def test_boxes_of_all_sorts_allow_their_class():
    view = box_view(_sample(), PAIR, SCORES)
    assert view.free.tolist() == [True, False, True, False]
    assert view.allowed[0].all() and view.allowed[2].all()
    assert torch.equal(view.allowed[1], view.cells[0])
    assert view.allowed[3].sum() == 8 * 4 + 16 * 2
    assert torch.equal(view.allowed[3], view.unsure)
    assert view.seen.all()


def test_crop_and_padding_show_nothing():
    view = box_view(_sample(visible=(0., 8., 64., 48.), img_shape=(60, 40)),
                    PAIR, SCORES)
    assert view.seen.sum() == 10 * 10 and view.seen[2:12, :10].all()
    assert view.cut.tolist() == [[True, False]]


def test_crops_of_others_may_have_cut_a_box_on_the_frame():
    sample = _sample()
    sample.gt_instances.bboxes[0] = torch.tensor([0., 8, 16, 24])
    assert box_view(sample, PAIR, SCORES).cut.tolist() == [[True, False]]
    sample.gt_instances.bboxes[0] = torch.tensor([8., 8, 16, 24])
    assert not box_view(sample, PAIR, SCORES).cut.any()


def test_classes_that_nobody_looked_for():
    view = box_view(_sample(annotated=dict(det=(1, ))), PAIR, SCORES)
    assert view.free.tolist() == [True, True, True, False]
    assert len(view.boxes) == 0  # a box of the other class is not read


def test_where_every_class_has_boxes_nothing_is_known_outside():
    view = box_view(_sample(), Pair('det', 'seg', (0, 1), 2), SCORES[:2])
    assert torch.equal(view.seen, view.cells[0] | view.unsure)
