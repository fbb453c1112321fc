from dataclasses import replace

import cv2
import numpy as np
import pytest

from mmmultas.report.blocks import Gallery, Skipped
from mmmultas.report.collect import collect
from mmmultas.report.judged import ImageScores, TruthImage
from mmmultas.report.pictures import (Changed, find_pair, jpeg_of, overlay,
                                      pictures_section, ranked, read_picture)
from mmmultas.report.tested import judge_runs
from mmmultas.utils.errors import DataError


@pytest.fixture(scope='module')
def judged(toys):
    data = collect([toys.work], toys.matrix)
    return data, judge_runs(data)


def test_what_is_compared(judged):
    data, tested = judged
    pair = find_pair(data, tested)
    assert pair.multi.name == 'mtl_seed0'
    assert {t: r.name for t, r in pair.single.items()} == dict(
        det='det_seed0', seg='seg_seed0')
    other = replace(data, groups=tuple(
        replace(g, runs=tuple(replace(r, seed=r.key == 'mtl')
                              for r in g.runs)) for g in data.groups))
    assert find_pair(other, tested) is None  # other seeds
    section, pair, images = pictures_section(
        replace(data, baseline={}), tested, 3)
    assert pair is None and images == []
    assert 'with the same seed' in section.blocks[0].why


def test_the_greatest_change_first(judged):
    data, tested = judged
    found = ranked(tested, find_pair(data, tested))
    assert found[0].image.meta['img_id'] == 'a_3'
    assert (found[0].single.found, found[0].multi.found) == (0, 100)
    assert found[0].distance > 100 and found[1].distance == 0


def test_distance():
    image = TruthImage({}, *[np.zeros(0)] * 3, None)
    one = Changed(image, ImageScores(10, 50), ImageScores(30, 20))
    assert one.distance == 20 + 30
    assert replace(one, single=ImageScores(None, 50)).distance == 30


def test_panels_of_an_image(judged):
    section, _, [one] = pictures_section(*judged, 5)
    [found] = [b for b in section.blocks if isinstance(b, Gallery)]
    assert found.title == f'1. a_3: {one.distance:.1f} points'
    assert [p.title for p in found.panels] == [
        'ground truth', 'single-task', 'multi-task']
    assert found.panels[1].caption.startswith('found 0 %, mIoU ')
    assert found.panels[2].caption.startswith('found 100 %, mIoU ')
    # the difficult dog is in the truth alone
    assert [name for name, _ in found.swatches] == ['cat', 'dog']
    picture = cv2.imdecode(np.frombuffer(found.panels[0].jpeg, np.uint8), 1)
    assert picture.shape == (293, 440, 3)
    assert '|Δ found| + |ΔmIoU|' in section.blocks[0].text


def test_a_picture_that_is_gone(judged, monkeypatch):
    monkeypatch.setattr(cv2, 'imdecode', lambda *_: None)
    section, *_ = pictures_section(*judged, 1)
    assert isinstance(section.blocks[1], Skipped)
    assert 'cannot be read as a picture' in section.blocks[1].why
    with pytest.raises(DataError):
        read_picture(judged[1].truths['det_seed0'].images[0])


def test_overlay(judged):
    meta = judged[1].truths['mtl_seed0'].meta
    grey = np.full((44, 88, 3), 90, np.uint8)
    plain = overlay(grey, meta, np.zeros((0, 4)), [], np.zeros(0, int), None)
    assert plain.shape == (220, 440, 3) and (plain == 90).all()
    mask = np.zeros((44, 88), np.uint8)
    mask[20:, :] = 8
    drawn = overlay(grey, meta, np.array([[8.0, 4, 40, 30]]), ['cat'],
                    np.array([-1]), mask)
    assert (drawn[:90, 300:] == 90).all()  # background is not tinted
    assert not (drawn[110:] == 90).all()
    assert (drawn[60, 40] == 160).all()  # the border of a difficult box
    assert jpeg_of(drawn)[:2] == b'\xff\xd8'
