import pytest

from mmmultas.evaluation.directions import is_lower_better


@pytest.mark.parametrize('metric, lower', [
    ('depth/abs_err', True), ('normals/median', True), ('seg/mIoU', False),
    ('normals/within_22.5', False), ('det/AP50', False),
    ('mine/my_error', True), ('val_loss', True), ('mine/recall', False)])
def test_what_is_declared_or_what_the_name_tells(metric, lower):
    assert is_lower_better(metric) == lower
