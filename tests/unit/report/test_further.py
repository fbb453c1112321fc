import json

import pytest

from mmmultas.report.blocks import Gallery, Skipped, Table, Text
from mmmultas.report.collect import collect
from mmmultas.report.further import further_section, judge_further


def collected(folder, scores):
    (folder / 'result.json').write_text(json.dumps(dict(
        cell='all', seed=0, metrics=scores)))
    return collect([folder])


@pytest.fixture(scope='module')
def data(several):
    return collected(several.out.parent, several.scores)


def test_classes_of_further_tasks_are_those_of_the_metrics(several, data):
    found = judge_further(data)
    assert found.kinds == dict(more='boxes', parts='classes', far='depth',
                               up='normals', bold='saliency')
    assert not found.absent and set(found.judged) == {'more', 'parts'}
    [parts], [more] = (t.found.values() for t in (
        found.judged['parts'], found.judged['more']))
    mean = sum(parts.iou.values()) / len(parts.iou)
    assert mean == pytest.approx(several.scores['parts/mIoU'])
    ap50 = sum(more.ap50.values()) / len(more.ap50)
    assert ap50 == pytest.approx(several.scores['more/AP50'])
    assert set(more.curves) == set(more.boxes)


def test_every_task_has_its_part_of_the_page(data):
    section = further_section(data, judge_further(data), max_pictures=1)
    heads = [b.text for b in section.blocks if isinstance(b, Text)
             and b.kind == 'head']
    for head in ('more (boxes)', 'parts (classes)', 'far (depth)',
                 'up (normals)', 'bold (saliency)'):
        assert head in heads
    tables = [b for b in section.blocks if isinstance(b, Table)]
    assert any('circle' in str(table.rows) for table in tables)
    panels = {b.title: [p.title for p in b.panels] for b in section.blocks
              if isinstance(b, Gallery) and b.panels[0].jpeg}
    assert len(panels) == 5
    far = panels['far: 0']
    assert far[0] == 'ground truth' and 'relative error' in far[2]
    assert 'angle' in panels['up: 0'][2]
    assert len(panels['bold: 0']) == 2


def test_a_test_without_files_of_all_tasks_is_said(several, tmp_path):
    folder = tmp_path / 'run'
    folder.mkdir()
    data = collected(folder, several.scores)
    [said] = further_section(data, judge_further(data)).blocks
    assert isinstance(said, Skipped)
    assert 'no predictions/ is in its folder (tools/test.py --out-dir)' in (
        said.why)


def test_det_and_seg_alone_have_no_such_section(table):
    assert further_section(table, judge_further(table)) is None
