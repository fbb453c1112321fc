import shutil

import pytest

from mmmultas.analysis.run_logs import Curve
from mmmultas.report.blocks import Gallery, Skipped
from mmmultas.report.collect import collect
from mmmultas.report.curves import (balance_section, conflict_section,
                                    curves_section, read_curves, running_mean,
                                    thinned)


def galleries(section):
    return [b for b in section.blocks if isinstance(b, Gallery)]


def test_curves_of_all_cells(toys):
    data = collect([toys.work], toys.matrix)
    logged, absent = read_curves(data)
    assert absent == [] and [n for n, *_ in logged] == [0, 1, 2]
    losses, metrics = galleries(curves_section(data, logged))
    assert [p.title for p in losses.panels] == ['det: loss_a', 'seg: loss_a']
    # raw and smooth of the two cells with the task
    assert losses.panels[0].svg.count('<polyline') == 4
    assert losses.panels[0].svg.count(' faint"') == 2
    assert [p.title for p in metrics.panels] == ['det/AP50', 'seg/mIoU']
    [why] = conflict_section(data, logged).blocks
    assert 'GradientConflictHook' in why.why


def test_only_results(toys, tmp_path):
    shutil.copy(toys.work / 'det_seed0/result.json', tmp_path / 'd.json')
    data = collect([toys.work / 'seg_seed0'], results=tmp_path)
    logged, absent = read_curves(data)
    assert len(logged) == 1
    assert absent == ['Without curves: det_seed0 (only the result is here).']
    blocks = curves_section(data, [], absent).blocks
    assert [type(b) for b in blocks] == [Skipped, Skipped]


def test_conflict_and_no_validation(table):
    curve = Curve([1, 2], [0.5, -0.5])
    logged = [(2, 'mtl_seed0', {'conflict/det-seg.cosine': curve,
                                'conflict/det-seg.norm_ratio': curve,
                                'det.loss': curve})]
    legend, [found] = conflict_section(table, logged).blocks[:1], galleries(
        conflict_section(table, logged))
    assert legend[0].names == [('both', 2)]
    assert ['class="zero"' in p.svg for p in found.panels] == [True, False]
    section = curves_section(table, logged)
    assert 'val_cfg' in section.blocks[-1].why
    assert [p.title for p in galleries(section)[0].panels] == ['det: loss']


def test_factors_and_cosines_of_a_balancer(table):
    curve, other = Curve([1, 2], [0.5, -0.5]), Curve([1, 2], [.25, .25])
    logged = [
        (0, 'det_seed0', {'det.loss': curve}),
        (2, 'mtl_seed0', {'balance/seg': curve, 'balance/det': curve,
                          'balance/fallbacks': curve,
                          'balance/det-seg.cosine': curve}),
        (3, 'one_seed0', {'balance/det-seg.cosine': curve,
                          'conflict/det-seg.cosine': other})]
    section = balance_section(table, logged)
    assert section.blocks[0].names == [('both', 2)]
    factors, failures = galleries(section)
    assert [p.title for p in factors.panels] == ['balance/det', 'balance/seg']
    assert [p.title for p in failures.panels] == ['balance/fallbacks']
    [cosine] = galleries(conflict_section(table, logged))[0].panels
    assert cosine.title == 'conflict/det-seg.cosine'
    # one line of each run; the hook's where there are two
    assert cosine.svg.count('<polyline') == 2
    hook = galleries(conflict_section(table, logged[2:]))[0].panels[0]
    alone = conflict_section(table, [(3, 'one_seed0', {
        'conflict/det-seg.cosine': other})])
    assert hook.svg == galleries(alone)[0].panels[0].svg
    # they are no metrics of validation
    assert 'val_cfg' in curves_section(table, logged).blocks[-1].why
    assert balance_section(table, logged[:1]) is None


def test_smoothing():
    assert running_mean([1.0, 2.0, 6.0], 3) == [1.5, 3.0, 4.0]
    assert running_mean([1.0, 2.0], 1) == [1.0, 2.0]
    curve = thinned(Curve(list(range(1001)), list(range(1001))), 100)
    assert len(curve.steps) <= 102 and curve.values[-1] == 1000
    assert curve.steps == curve.values
    assert thinned(curve, 500) is curve


@pytest.mark.parametrize('count', [1, 7])
def test_few_records_stay_raw(table, count):
    logged = [(0, 'a', {'loss': Curve(list(range(count)), [1.0] * count)})]
    [losses] = galleries(curves_section(table, logged))
    assert losses.panels[0].svg.count('<polyline') == 1
