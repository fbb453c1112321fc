import cv2
import pytest
import torch

from mmmultas.analysis.targets import (_KINDS, _refuse_unlike,
                                       browse_targets)
from mmmultas.registry import MODELS
from mmmultas.testing import toy_config, toy_model, toy_stream
from mmmultas.utils.errors import ConfigError


def test_a_sheet_per_stream(tmp_path):
    cfg = toy_config(tmp_path)
    paths = browse_targets(cfg, tmp_path / 'new', number=2)
    assert [p.name for p in paths] == ['targets_det.png', 'targets_seg.png']
    boxes, masks = (cv2.imread(str(p)) for p in paths)
    # four panels of 320 pixels in a row: two rows an image, and one
    assert boxes.shape[1] == 4 * 320 + 3 * 8
    assert boxes.shape[0] > 4 * 320 and 2 * 320 < masks.shape[0] < 3 * 320
    [again] = browse_targets(cfg, tmp_path / 'again', ['det'], number=2)
    assert (cv2.imread(str(again)) == boxes).all()
    # a network's own scores fill boxes otherwise
    model = MODELS.build(toy_model())
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'x.pth')
    [other] = browse_targets(cfg, tmp_path / 'other', ['det'], number=2,
                             checkpoint=tmp_path / 'x.pth')
    differ = (cv2.imread(str(other)) != boxes).any(-1).any(0)
    assert differ[2 * 328:3 * 328].any() and not differ[:2 * 328].any()


def test_what_has_no_targets(tmp_path):
    cfg = toy_config(tmp_path, dict(
        both=toy_stream(4, ('det', 'seg')), none=None))
    with pytest.raises(ConfigError, match='no target to draw'):
        browse_targets(cfg, tmp_path)
    with pytest.raises(ConfigError, match=r"no stream \['x'\]: it has"):
        browse_targets(cfg, tmp_path, ['x'])
    cfg.model = toy_model(('det', ))
    with pytest.raises(ConfigError, match=r'no targets to draw: the network '
                       r'\(det\) has no head for masks of classes'):
        browse_targets(cfg, tmp_path)


@pytest.mark.parametrize('pixels, words', [
    (('sky', 'car'), r'boxes \(cat, dog\) and masks \(sky, car\) share no '
     'class; docs/weak_losses.md tells'),
    (('sky', 'Cat'), "write them alike: {'cat': 'Cat'}")])
def test_classes_that_are_not_shared(pixels, words):
    """Where no companion is written none can be blamed."""
    model = MODELS.build(toy_model())
    meta = dict(det=dict(classes=('cat', 'dog')), seg=dict(classes=pixels))
    with pytest.raises(ConfigError, match=f'no targets to draw: .*{words}'):
        _refuse_unlike(model, meta, dict(_KINDS))
    _refuse_unlike(model, meta, {k: 'mine' for k in _KINDS})
    meta['seg']['classes'] += ('dog', )
    _refuse_unlike(model, meta, dict(_KINDS))
