import numpy as np
import pytest

from mmmultas.datasets import FolderDataset
from mmmultas.testing import scenes
from mmmultas.testing.scenes import (CLASSES, FOCAL, SIZE, SIZES, THINGS,
                                     SceneMaker, write_scenes)


@pytest.fixture(scope='module')
def drawn():
    maker = SceneMaker('train')
    return [maker.scene(i) for i in range(8)]


def points(scene):
    """(H, W, 3) in the camera: right, down, forward."""
    y, x = np.mgrid[:SIZE[0], :SIZE[1]] + .5
    rays = np.stack([(x - SIZE[1] / 2) / FOCAL, (y - SIZE[0] / 2) / FOCAL,
                     np.ones(SIZE)], -1)
    return rays * scene.depth[..., None]


def test_normals_are_unit_and_face_the_camera(drawn):
    for scene in drawn:
        np.testing.assert_allclose(
            np.linalg.norm(scene.normals, axis=2), 1, atol=1e-5)
        assert ((scene.normals * points(scene)).sum(-1) < 0).all()
        assert (scene.depth > 0).all()


def test_depth_and_normals_are_those_of_one_surface(drawn):
    """Neighbours on a flat surface lie in the plane of its normal."""
    for scene in drawn:
        flat = np.isin(scene.classes, [CLASSES.index(name) for name in (
            'floor', 'wall', 'box')])
        place = points(scene)
        step = place[:, 1:] - place[:, :-1]
        inside = ((scene.edges[:, :-1] == 0) & flat[:, 1:] & flat[:, :-1])
        off = np.abs((step * scene.normals[:, :-1]).sum(-1))
        assert off[inside].max() < 1e-5
        # the floor is one plane
        floor = scene.classes == CLASSES.index('floor')
        height = (place * scene.normals).sum(-1)[floor]
        assert np.ptp(height) < 1e-4


@pytest.mark.parametrize('high', [None, .8])
def test_round_things_are_round(high):
    camera = scenes._camera(np.random.default_rng(0), 'train')
    hits = scenes._Hits(np.full(SIZE, np.inf), np.zeros((*SIZE, 3)),
                        np.zeros(SIZE, np.int64), np.zeros((*SIZE, 2)))
    centre = np.array([.1, 0, 2.5])
    scenes._add_round(hits, camera, centre, .6, high, 3, 0)
    seen = np.isfinite(hits.distance)
    assert seen.sum() > 200
    place = camera.place + camera.rays[seen] * hits.distance[seen][:, None]
    normal, axes = hits.normal[seen], [0, 1, 2] if high is None else [0, 2]
    away = np.linalg.norm((place - centre)[:, axes], axis=1)
    if high is not None:
        top = np.abs(place[:, 1] + high) < 1e-9
        assert top.any() and (away[top] <= .6 + 1e-9).all()
        away, normal, place = away[~top], normal[~top], place[~top]
        assert (place[:, 1] <= 0).all() and (place[:, 1] >= -high).all()
    np.testing.assert_allclose(away, .6)
    np.testing.assert_allclose(normal[:, axes] * .6, (place - centre)[:, axes])


def test_boxes_and_edges_follow_the_surfaces(drawn):
    for scene in drawn:
        things = scene.classes >= CLASSES.index(THINGS[0])
        covered = np.zeros_like(things)
        for number, (x1, y1, x2, y2) in scene.boxes:
            inside = scene.classes[y1:y2, x1:x2]
            assert (inside == CLASSES.index(THINGS[number])).any(1).all()
            covered[y1:y2, x1:x2] = True
        assert (things & ~covered).sum() < 5 * scenes.MIN_PIXELS
        change = scene.classes[:, 1:] != scene.classes[:, :-1]
        assert (scene.edges[:, :-1][change] == 1).all()


def test_the_same_scene_again_and_other_ones(drawn):
    again = SceneMaker('train').scene(3)
    assert (again.image == drawn[3].image).all()
    assert (again.depth == drawn[3].depth).all()
    assert (drawn[2].image != drawn[3].image).any()


def test_parts_share_nothing():
    train, val = SceneMaker('train'), SceneMaker('val')
    widths = [a.shape[1] + b.shape[1]
              for a, b in zip(train.photos, val.photos)]
    assert widths == [640, 640]
    assert SIZES['train'][1] < SIZES['val'][0]
    assert (train.scene(0).image != val.scene(0).image).any()


def test_folders_that_our_data_set_reads(tmp_path):
    write_scenes(tmp_path, 3, 2)
    kept = (tmp_path / 'boxes.json').stat().st_mtime_ns
    write_scenes(tmp_path, 3, 2)
    assert (tmp_path / 'boxes.json').stat().st_mtime_ns == kept
    data = FolderDataset(
        str(tmp_path / 'images'), str(tmp_path / 'boxes.json'),
        str(tmp_path / 'classes'), ('det', 'seg', 'depth', 'normals', 'edges'),
        names=str(tmp_path / 'val.txt'),
        classes=dict(det=THINGS, seg=CLASSES), labels=dict(
            depth=dict(root=str(tmp_path / 'depth'), scale=.001, unit='m'),
            normals=dict(root=str(tmp_path / 'normals')),
            edges=dict(root=str(tmp_path / 'edges'))),
        pipeline=[dict(type='mmmultas.LoadImage'),
                  dict(type='mmmultas.LoadLabels'),
                  dict(type='mmmultas.PackInputs')])
    assert len(data) == 2
    scene = SceneMaker('val').scene(1)
    sample = data[1]['data_samples']
    np.testing.assert_allclose(sample.gt_depth.data[0], scene.depth,
                               atol=.0006)
    np.testing.assert_allclose(
        sample.gt_normals.data.permute(1, 2, 0), scene.normals, atol=.02)
    assert (sample.gt_edges.data[0].numpy() == scene.edges).all()
    assert (sample.gt_sem_seg.data[0].numpy() == scene.classes).all()
    assert sample.gt_instances.bboxes.tolist() == [
        list(box) for _, box in scene.boxes]
