import pytest

from mmmultas.projects.label_sources import find_maps
from mmmultas.projects.labels import parse_labels
from mmmultas.projects.project import Project, Source, validation_part
from mmmultas.utils.errors import ConfigError, DataError


def of(rooms, source):
    [label] = parse_labels([f'normals={source.labels}'])
    train = find_maps(source.labels, source.images, label)
    project = Project('x.py')
    found = validation_part(
        project, source, train, '--label normals',
        lambda path, images: find_maps(path, images, label))
    return found, [fact for _, facts in project.facts for fact in facts]


def test_nothing_lies_beside_training(rooms):
    assert of(rooms, Source(f'{rooms}/normals', f'{rooms}/images')) == ([],
                                                                        [])


def test_images_of_validation_without_labels(rooms):
    with pytest.raises(ConfigError, match='names images, but there are no '
                       'labels of validation'):
        of(rooms, Source(f'{rooms}/normals', f'{rooms}/images',
                         val_images='x'))


def test_a_part_that_cannot_be_used_is_said(rooms):
    (rooms / 'normals').rename(rooms / 'train')
    (rooms / 'val').mkdir()
    (rooms / 'test').mkdir()
    found, facts = of(rooms, Source(f'{rooms}/train', f'{rooms}/images'))
    assert not found
    assert 'val is not used: ' in facts[0] and 'has no file' in facts[0]
    assert 'test is not used: it takes no part' in facts[1]
    with pytest.raises(DataError, match='has no file'):
        of(rooms, Source(f'{rooms}/train', f'{rooms}/images',
                         f'{rooms}/val'))
