import pytest

from mmmultas.structures import (KINDS, check_name, field_of, gt_field,
                                 ignored_field, kind_of, kinds_of, label_key,
                                 pred_field)
from mmmultas.utils.errors import ConfigError


def test_names_imply_kinds_and_metainfo_says_more():
    assert kind_of('det') == 'boxes' and kind_of('seg') == 'classes'
    assert [kind_of(kind) for kind in KINDS] == list(KINDS)
    meta = dict(parts=dict(kind='classes'), seg=dict(classes=('a', )))
    assert kinds_of(('parts', 'seg', 'cars'), meta) == dict(
        parts='classes', seg='classes', cars='cars')


def test_every_task_has_fields_of_its_own():
    tasks = ('det', 'seg', 'cars', 'depth', 'parts')
    for name in (gt_field, pred_field, ignored_field, label_key):
        assert len({name(task) for task in tasks}) == len(tasks)
    assert ignored_field('det') == 'ignored_instances'
    assert field_of('seg', 'pseudo') == 'pseudo_sem_seg'


@pytest.mark.parametrize('name', ['det', 'seg', 'depth', 'cars_2'])
def test_good_names(name):
    check_name(name, '`tasks`')


@pytest.mark.parametrize('name, message', [
    ('my task', 'wants names'),
    (3, 'wants names'),
    ('kd', 'reserved'),
    ('tasks', 'reserved'),
    ('instances', "field of 'det'"),
    ('seg_map', "field of 'seg'"),
])
def test_bad_names(name, message):
    with pytest.raises(ConfigError, match=f'^`tasks` .*{message}'):
        check_name(name, '`tasks`')
