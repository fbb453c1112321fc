from pathlib import Path

import pytest

from mmmultas.projects.label_sources import find_label
from mmmultas.projects.label_streams import label_streams
from mmmultas.projects.labels import parse_labels
from mmmultas.projects.project import Project
from mmmultas.utils.errors import ConfigError


@pytest.fixture
def streams(rooms):
    def make(*texts):
        project = Project('x.py')
        labels = parse_labels(
            [t.format(rooms) for t in texts],
            of_label=dict(scale=['depth=0.001']))
        found = [find_label(label, [], project) for label in labels]
        label_streams(found, project, rooms / 'x')
        return project

    return make


def test_labels_of_the_same_images_share_a_stream(streams, rooms):
    project = streams('depth={}/depth', 'normals={}/normals',
                      'parts=classes:{}/parts')
    [(name, stream)] = project.values['further'].items()
    assert name == 'depth_normals_parts'
    assert stream['images'] == str(rooms / 'images')
    assert stream['labels']['depth'] == dict(
        kind='depth', root=str(rooms / 'depth'), suffix='.png', scale=.001)
    assert stream['labels']['parts']['classes'] == ('background', 'class_1')
    assert project.values['val_further'] == {}
    assert 'labels of the very same images share a stream' in dict(
        project.facts)['streams of further labels']


def test_others_have_one_of_their_own(streams, rooms):
    (rooms / 'normals/3.npy').unlink()
    project = streams('depth={}/depth', 'normals={}/normals')
    assert list(project.values['further']) == ['depth', 'normals']


def test_validation_that_lies_apart(streams, rooms):
    for part in ('train', 'val'):
        for folder in ('images', 'depth'):
            (rooms / folder / part).mkdir()
            for i in '012' if part == 'train' else '345':
                (rooms / folder / f'{i}.png').rename(
                    rooms / folder / part / f'{i}.png')
    project = streams('depth={}/depth')
    assert project.values['further']['depth']['images'].endswith(
        'images/train')
    val = project.values['val_further']['depth']
    assert Path(val['labels']['depth']['root']) == rooms / 'depth/val'
    assert val['images'].endswith('images/val')


def test_validation_that_is_named(rooms, tmp_path):
    other = tmp_path / 'others'
    (rooms / 'normals').rename(other)
    (rooms / 'depth').rename(rooms / 'maps')
    [label] = parse_labels([f'up=normals:{other}'], of_label={
        'val': [f'up={other}'], 'val-images': [f'up={rooms}/images'],
        'images': [f'up={rooms}/images']})
    project = Project('x.py')
    found = find_label(label, [], project)
    label_streams([found], project, rooms / 'x')
    assert project.values['val_further']['up']['images'] == str(
        rooms / 'images')
    [label] = parse_labels(
        [f'up=normals:{other}'], f'{rooms}/images',
        {'val-images': [f'up={rooms}/images']})
    with pytest.raises(ConfigError, match='--val-label-images up=DIR names '
                       'images.*with --val-label up=PATH'):
        find_label(label, [], project)
